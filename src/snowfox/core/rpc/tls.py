"""TLS contexts that verify both sides. Imported only where TLS is used: ssl costs 19 ms and 4 MB."""

from __future__ import annotations

import ssl
from typing import Any

from snowfox.core.rpc.endpoint import Tls
from snowfox.errors import HostError


def context(tls: Tls, *, is_server: bool) -> ssl.SSLContext:
    """What connections are made, or accepted, with. Raises HostError when a file cannot be read or used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_verify_locations(tls.authority)
        made.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or str(error)
        raise HostError(
            f"cannot use TLS with {tls.certificate}: {why}", "authority, certificate and key are files in PEM"
        ) from error
    return made


def name_in(certificate: dict[str, Any] | None) -> str:
    """The name that a certificate was made for: its first DNS name, else its common name; "" without."""
    if not certificate:
        return ""
    for kind, name in certificate.get("subjectAltName", ()):
        if kind == "DNS":
            return str(name)
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""
