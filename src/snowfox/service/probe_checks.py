"""What `ready` and `alive` say: one form each, and one that can tell whom it asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from snowfox.core.config.kind import is_table
from snowfox.core.config.section import Section
from snowfox.core.posix.address import parse as parse_address
from snowfox.service.layer import Chain, Layer
from snowfox.service.spec import FIRST_DESCRIPTOR, Alive, Ready, Service, Socket

_PROBES: Final = ("tcp", "http", "unix", "command")
_FORMS: Final = {"ready": ("notify", "descriptor", *_PROBES, "log", "delay"), "alive": _PROBES}
_KEYS: Final[dict[str, type[Section]]] = {"ready": Ready, "alive": Alive}
_ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def of_forms(layer: Layer) -> None:
    """In what a table says of itself: exactly one way of being ready, and of being alive."""
    for key, forms in _FORMS.items():
        table: Any = layer.table.get(key)
        if not is_table(table):
            continue
        said = [form for form in forms if table.get(form, False) is not False]
        if len(said) != 1 and table.keys() <= _KEYS[key].keys().keys():
            why = f"{key} says {' and '.join(said)}: one is enough" if said else f"{key} says nothing"
            layer.wrong((key,), why, hint=f"one of {', '.join(forms)}")
        if "path" in table and "http" not in table:
            layer.wrong((key, "path"), f"{key}.path is only for http", part="key")
        for span in ("every", "timeout"):
            if key == "alive" and layer.fields.get(key, {}).get(span) == 0:
                layer.wrong((key, span), f"{key}.{span} must be more than nothing")


def of_descriptor(service: Service, sockets: Mapping[str, Socket], chain: Chain) -> None:
    """It is behind all others that the service is given."""
    number = service.ready.descriptor
    if number is None:
        return
    passed = sum(len(sockets[name].listen) for name in service.sockets if name in sockets)
    secrets = sum(secret.form != "environment" for secret in service.secrets)
    least = FIRST_DESCRIPTOR + passed + secrets
    if number < least:
        taken = [
            f"{count} {noun}" for count, noun in ((passed, "of sockets"), (secrets, "of secrets")) if count
        ]
        why = f"ready.descriptor must be at least {least}: {' and '.join(taken)} come before"
        chain.wrong(f"service {service.name}", ("ready", "descriptor"), why)


def of_shared(service: Service, sockets: Mapping[str, Socket], chain: Chain) -> None:
    """A probe of a socket that several instances share cannot tell which one answered."""
    for key, probe in (("ready", service.ready), ("alive", service.alive)):
        form = next((form for form in ("tcp", "http", "unix") if getattr(probe, form)), "")
        if form and not (service.count == 1 and not service.is_rolling):
            _of_shared_probe(service, sockets, chain, (key, form, getattr(probe, form)))


def _of_shared_probe(
    service: Service, sockets: Mapping[str, Socket], chain: Chain, probe: tuple[str, str, str]
) -> None:
    key, form, probed = probe
    for name in service.sockets:
        socket = sockets.get(name)
        if socket is not None and any(_reaches(probed, listen) for listen in socket.listen):
            sharing, hint = f"{service.count} instances share socket {name}", ""
            if service.count == 1:
                sharing = f"a rolling replacement has two instances share socket {name}"
                hint = ', or replaced by replace = "restart"'
            own = (
                "ready = { notify = true }"
                if key == "ready"
                else 'watchdog = "30s", or alive = { command = … }'
            )
            chain.wrong(
                f"service {service.name}",
                (key, form),
                f"{sharing}: a probe cannot tell which one answered",
                hint=f"each can say so itself: {own}{hint}",
            )
            return


def _reaches(probed: str, listen: str) -> bool:
    """Whether a connection to `probed` arrives at a socket that listens on `listen`."""
    if "${" in probed:
        return False
    to, on = parse_address(probed), parse_address(listen)
    if to.is_unix or on.is_unix:
        return to == on
    same_host = to.host == on.host or on.host in _ANY
    return to.kind == on.kind and to.port == on.port and same_host
