"""The manager: all decisions about services, unprivileged, without children."""
