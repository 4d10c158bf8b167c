"""The shop's configuration and programs."""

import subprocess
import sys
from pathlib import Path

from snowfox.testing.configuration import checked

SHOP = Path(__file__).parents[3] / "examples" / "shop"


def test_configuration():
    """It is fine, without a warning, and what the demonstration counts on is there."""
    found = checked((SHOP / "snowfox.toml").read_text())
    assert found.problems == ()
    services = found.require().services
    assert {name: service.instances for name, service in services.items()} == {
        "shop.migrate": 1,
        "shop.web": 2,
        "shop.worker": 1,
    }
    assert services["shop.migrate"].is_task
    assert services["shop.web"].requires == services["shop.worker"].requires == ("shop.migrate",)


def test_tables_can_be_made_again(tmp_path):
    """The task may run at every start."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, SHOP / "migrate.py"],
            env={"SHOP_DATA": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "tables are there, 0 orders\n"), done.stderr


def test_web_without_a_socket(tmp_path):
    """Started by hand it says how to start it."""
    done = subprocess.run(
        [sys.executable, SHOP / "web.py"], env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, "no socket was passed: start the shop with snowfox up\n")
