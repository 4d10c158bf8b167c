"""Where a PATH leads."""

import subprocess
import sys
from pathlib import Path

import snowfox
from snowfox.cli.place import Place, place


def test_a_path_is_a_file_a_folder_or_a_point_in_the_history(tmp_path: Path) -> None:
    """Its folder is that of the configuration; what was written is kept for messages."""
    file = tmp_path / "other.toml"
    file.touch()
    assert place(str(file)).folder == place(str(tmp_path)).folder == str(tmp_path)
    assert place(None, here=str(tmp_path)) == Place(str(tmp_path), "", "")
    assert place(f"git:{tmp_path}@main") == Place(str(tmp_path), "main", f"git:{tmp_path}@main")


def test_up_starts_a_daemon_before_it_loads_what_reads_configurations() -> None:
    """Until then it loads neither that nor argparse: all that starts waits for it."""
    source = Path(snowfox.__file__).parent.parent
    code = f"import sys; sys.path.insert(0, {str(source)!r}); import snowfox.cli.main, snowfox.cli.commands.up; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.split()
    assert "snowfox.cli.daemon" in loaded
    assert not [one for one in loaded if one == "argparse" or one.startswith("snowfox.core.config")]
