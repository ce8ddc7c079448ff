"""A temporary folder does not outlive its process, however that ends."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ssbchar.storage import temporary

KEEP_OPEN = """
import sys, time
from ssbchar.storage import temporary
with temporary.make_folder() as folder:
    (folder / "large").write_bytes(bytes(1000))
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_goes_with_its_block(place: Path) -> None:
    with temporary.make_folder() as folder:
        assert folder.parent == place
        (folder / "a").write_text("x")
        # One that is in use stays, also for another who looks.
        assert temporary.remove_left_folders() == []
        assert (folder / "a").is_file()
    assert not list(place.iterdir())


def test_the_folder_of_a_killed_process_goes_at_the_next_start(place: Path) -> None:
    command = [sys.executable, "-c", KEEP_OPEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert left.parent == place
        assert temporary.remove_left_folders() == []
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert (left / "large").is_file()
    with temporary.make_folder() as mine:
        assert [path for path in place.iterdir()] == [mine]


def test_folders_of_others_stay(place: Path) -> None:
    (place / "ssbchar-report").mkdir()
    (place / "other").mkdir()
    (place / "ssbchar-link").symlink_to(place / "other")
    assert temporary.remove_left_folders() == []
    assert len(list(place.iterdir())) == 3
