"""Snow Fox runs and watches the services of a host, with least privilege."""
