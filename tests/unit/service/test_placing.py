"""Relative paths of a table."""

import pytest

from snowfox.service.placing import absolute_address, in_folder, make_absolute


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("app", "/srv/app"),
        ("./app", "/srv/app"),
        (".", "/srv"),
        ("/app", "/app"),
        ("${DIR}/app", "${DIR}/app"),
    ],
)
def test_paths(path, absolute):
    """A path is relative to the folder of its file, unless it says or may say otherwise."""
    assert in_folder("/srv", path) == absolute


def test_addresses():
    """Only the path of a unix socket is one."""
    assert absolute_address("/srv", "unix:run/x") == "unix:/srv/run/x"
    assert absolute_address("/srv", "unix:@x") == "unix:@x"
    assert absolute_address("/srv", "127.0.0.1:80") == "127.0.0.1:80"


def test_table():
    """Everything in a table that is a path; a program without a slash is looked for in PATH."""
    fields = {
        "directory": "app",
        "command": ("./run", "./file"),
        "ready": {"http": "unix:x", "command": ("bin/check",)},
    }
    make_absolute(fields, "/srv")
    assert fields == {
        "directory": "/srv/app",
        "command": ("/srv/run", "./file"),
        "ready": {"http": "unix:/srv/x", "command": ("/srv/bin/check",)},
    }
    plain = {"command": ("python3", "x/y")}
    make_absolute(plain, "/srv")
    assert plain == {"command": ("python3", "x/y")}
