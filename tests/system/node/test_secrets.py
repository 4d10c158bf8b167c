"""Secrets from their file into the service, through changes; their values are nowhere else."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from snowfox.testing.node import Node, store_of

VALUES = {"A": "correct horse", "B": "battery staple", "C": "troubador and three"}
OTHER = "another one entirely"
SCRIPT = (
    r"""for v in "$A" "$(cat "$B")" "$(cat <&$C)"; do printf %s "$v" | sha256sum; done; exec sleep 1000"""
)


def configuration(first: str = "secrets/A", script: str = SCRIPT, note: str = "0") -> str:
    """A service that gets a secret in each form, and prints what nobody can turn back."""
    return f"""
[service.web]
command = ["sh", "-c", '''{script}''']
directory = "/"
environment.NOTE = "{note}"
secrets.A = {{ file = "{first}" }}
secrets.B = {{ file = "secrets/B", as = "file" }}
secrets.C = {{ file = "secrets/C", as = "descriptor" }}
"""


def keep(node: Node, name: str, value: str) -> None:
    """A secret that only its owner can read."""
    file = node.folder / "secrets" / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(value + "\n")
    file.chmod(0o600)


def got(node: Node, *values: str) -> bool:
    """Whether these came last, in their order."""
    words = [line.split()[-2] for line in node.good("logs", "web").splitlines() if line.endswith(" -")]
    return words[-len(values) :] == [sha256(value.encode()).hexdigest() for value in values]


def everything(node: Node) -> bytes:
    """All that the node keeps on disk: its log, logs of services, journal, records, sockets' names."""
    places = [node.home, *(one for one in [store_of(node.folder)] if one is not None)]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    assert any(file.name == "state.db" for file in files)
    assert any("launches" in file.parts for file in files)
    return b"\n".join(file.read_bytes() for file in files)


def arguments(node: Node) -> bytes:
    """Command lines of the service and of all of ours, and our environments."""
    ours = node.processes().values()
    service = node.running()["web"].pid
    files = [Path(f"/proc/{pid}/cmdline") for pid in (*ours, service)]
    return b"\n".join(file.read_bytes() for file in [*files, *(Path(f"/proc/{pid}/environ") for pid in ours)])


def test_they_reach_the_service_and_nothing_else(node: Node) -> None:
    """By each form, at the start, after a change of where one is, after a change that is taken back, after a restart."""
    for name, value in VALUES.items():
        keep(node, name, value)
    keep(node, "D", OTHER)
    said: list[str] = []

    def say(*words: str) -> None:
        said.append(node.run(*words).text)

    node.write(configuration())
    say("up", "-d")
    node.until(lambda: got(node, *VALUES.values()), "it has them")
    node.write(configuration("secrets/D", note="1"))
    say("plan")
    say("plan", "--json")
    say("apply", "--json")
    assert "secrets.A: " in said[-3]
    node.until(lambda: got(node, OTHER, VALUES["B"], VALUES["C"]), "it has the other one")
    node.write(configuration("secrets/D", script=SCRIPT.replace("exec sleep 1000", "exit 7")))
    broken = node.run("apply")
    assert broken.code == 4, broken.text
    said.append(broken.text)
    node.until(lambda: got(node, OTHER, VALUES["B"], VALUES["C"]), "it has them again")
    say("rollback")
    node.until(lambda: got(node, *VALUES.values()), "it has those of before")
    keep(node, "A", OTHER)  # what a file holds is read anew with each launch
    say("restart", "web")
    node.until(lambda: got(node, OTHER, VALUES["B"], VALUES["C"]), "it has the new value")
    for words in (
        ("show", "web"),
        ("show", "web", "--all"),
        ("env", "web"),
        ("events",),
        ("status",),
        ("versions",),
    ):
        say(*words)
        say(*words, "--json")
    assert f"A  (secret, from {node.folder}/secrets/A)" in node.good("env", "web").splitlines()
    found = "\n".join(said).encode() + everything(node) + arguments(node)
    assert sha256(OTHER.encode()).hexdigest().encode() in found
    assert [value for value in (*VALUES.values(), OTHER) if value.encode() in found] == []


def test_one_that_is_not_there(node: Node) -> None:
    """It is refused by name when the change is verified, and nothing moved."""
    for name, value in VALUES.items():
        keep(node, name, value)
    node.write(configuration())
    node.good("up", "-d")
    first = node.running()
    node.write(configuration("secrets/gone"))
    for verb in ("plan", "apply"):
        done = node.run(verb)
        assert (done.code, f"{node.folder}/secrets/gone" in done.text) == (3, True), done.text
    assert node.running() == first
