"""What is said about hooks and the steps of a stop, checked beyond what each key says for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from snowfox.core.config.kind import is_list, is_table
from snowfox.core.config.scanner import Path
from snowfox.service.hook import HOOKS
from snowfox.service.layer import Chain, Layer
from snowfox.service.renewal import RELOAD_FORMS, Reload
from snowfox.service.spec import Service


def of_stop(layer: Layer) -> None:
    """Steps take the place of signal and grace."""
    stop = layer.table.get("stop")
    if is_table(stop) and "steps" in stop:
        for key in ("signal", "grace"):
            if key in stop:
                why = f"stop has steps, and {key} besides"
                hint = 'write it as a step: { signal = "TERM", wait = "10s" }'
                layer.wrong(("stop", key), why, hint=hint, part="key")


def of_reload(layer: Layer) -> None:
    """One way of being reloaded; a bound of recycling."""
    reload = layer.table.get("reload")
    if is_table(reload) and reload.keys() <= Reload.keys().keys():
        forms = [form for form in RELOAD_FORMS if reload.get(form, False) is not False]
        if forms not in (["signal"], ["command"], ["notify"], ["signal", "notify"]):
            why = "reload says nothing" if not forms else f"reload says {' and '.join(forms)}: one is enough"
            layer.wrong(("reload",), why, hint="one of signal, command, notify")
        elif forms == ["signal"] and "timeout" in reload:
            why = "a signal is not waited for: timeout is for command and notify"
            layer.wrong(("reload", "timeout"), why, part="key")
    recycle = layer.table.get("recycle")
    if recycle == {}:
        layer.wrong(("recycle",), "recycle says nothing", hint="age, memory, or both")


def texts(service: Service, chain: Chain) -> Iterator[tuple[Path, str]]:
    """Words that may hold `${NAME}`, with their paths."""
    for field in HOOKS:
        hook = getattr(service, field)
        if hook is not None:
            key = field.replace("_", "-")
            written = chain.written(key)
            path: Path = (key, "command") if is_table(written) else (key,)
            yield from _words(path, hook.command, written.get("command") if is_table(written) else written)
    if service.reload is not None and service.reload.command:
        written = chain.written("reload", "command")
        yield from _words(("reload", "command"), service.reload.command, written)
    if service.stop.steps:
        written = chain.written("stop", "steps")
        for index, step in enumerate(service.stop.steps):
            yield from _words(("stop", "steps", index, "command"), step.command, _command(written, index))


def _command(steps: Any, index: int) -> Any:
    step: Any = steps[index] if is_list(steps) else None
    return step.get("command") if is_table(step) else None


def _words(path: Path, words: tuple[str, ...], written: Any) -> Iterator[tuple[Path, str]]:
    for index, word in enumerate(words):
        if "${" in word:
            yield (path if isinstance(written, str) else (*path, index)), word
