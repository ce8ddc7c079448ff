"""A step handed over to the process that has the libraries loaded is the same step: words, output,
end and death."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from campaign import ROOT

from ssbchar import cli
from ssbchar.pipeline import preload_server
from ssbchar.runtime import forking

pytestmark = pytest.mark.skipif(not preload_server.is_supported(), reason="needs Linux")
STEP = [sys.executable, "-m", "ssbchar", "step"]


@pytest.fixture(scope="module")
def around() -> Iterator[dict[str, str]]:
    """The environment in which steps find such a process."""
    with preload_server.running() as environment:
        wait_for(
            lambda: Path(
                environment[preload_server.SOCKET_VARIABLE].partition(os.pathsep)[0]
            ).exists()
        )
        yield {**environment, "PYTHONPATH": str(ROOT)}


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("waited 30 s in vain")


def manifest(
    folder: Path, environment: dict[str, str], output: str
) -> subprocess.CompletedProcess[str]:
    words = [
        *STEP,
        "storage.list_raw_files",
        "source=raw.txt",
        "--output",
        output,
        "--log",
        f"{output}.log",
    ]
    return subprocess.run(words, cwd=folder, env=environment, text=True, capture_output=True)


def test_a_step_runs_in_a_fork_with_its_own_folder_words_and_output(
    tmp_path: Path, around: dict[str, str]
) -> None:
    (tmp_path / "raw.txt").write_text("1 2 3")
    own = {k: v for k, v in around.items() if k != preload_server.SOCKET_VARIABLE}
    there, here = manifest(tmp_path, around, "there.csv"), manifest(tmp_path, own, "here.csv")
    assert (there.returncode, here.returncode) == (0, 0)
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert (
        "storage.list_raw_files: begun" in there.stderr
        and "done in" in (tmp_path / "there.csv.log").read_text()
    )


def test_a_step_finds_its_environment(tmp_path: Path, around: dict[str, str]) -> None:
    asked = [*STEP, "--help"]
    narrow = subprocess.run(asked, env={**around, "COLUMNS": "40"}, text=True, capture_output=True)
    wide = subprocess.run(asked, env={**around, "COLUMNS": "200"}, text=True, capture_output=True)
    assert narrow.returncode == wide.returncode == 0
    assert len(narrow.stdout.splitlines()) > len(wide.stdout.splitlines()) > 5


def test_a_fault_is_told_with_its_exit_code(tmp_path: Path, around: dict[str, str]) -> None:
    missing = manifest(tmp_path, around, "none.csv")
    assert missing.returncode == 1 and "raw.txt" in missing.stderr
    crash = subprocess.run(
        [*STEP, "storage.no_such", "--output", "x.csv"],
        cwd=tmp_path,
        env=around,
        text=True,
        capture_output=True,
    )
    assert crash.returncode == 1 and "AttributeError" in crash.stderr
    assert subprocess.run([*STEP, "--nonsense"], env=around, capture_output=True).returncode == 2


def forks(folder: Path) -> list[int]:
    """Processes in a folder that are forks, not who asked for them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if (entry / "cwd").resolve() == folder.resolve() and b"preload" in words:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture
def waiting(tmp_path: Path, around: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A step that waits for the bytes of a pipe."""
    os.mkfifo(tmp_path / "pipe.json")
    words = [*STEP, "hexrd.verdict.conclude_series", "onset=pipe.json", "--output", "x.json"]
    with subprocess.Popen(words, cwd=tmp_path, env=around, stderr=subprocess.DEVNULL) as step:
        wait_for(lambda: forks(tmp_path))
        yield step
        step.kill()


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_who_asked_is_killed_and_the_step_ends(
    tmp_path: Path, waiting: subprocess.Popen[bytes], way: signal.Signals
) -> None:
    waiting.send_signal(way)
    assert waiting.wait(10) == -way
    wait_for(lambda: not forks(tmp_path))


def test_a_killed_step_is_told_as_a_shell_tells_it(
    tmp_path: Path, waiting: subprocess.Popen[bytes]
) -> None:
    os.kill(forks(tmp_path)[0], signal.SIGKILL)
    assert waiting.wait(10) == preload_server.KILLED


def test_without_its_keeper_a_step_is_told_as_killed_and_the_next_runs_by_itself(
    tmp_path: Path,
) -> None:
    with preload_server.running() as environment:
        surroundings = {**environment, "PYTHONPATH": str(ROOT)}
        wait_for(
            lambda: Path(
                environment[preload_server.SOCKET_VARIABLE].partition(os.pathsep)[0]
            ).exists()
        )
        os.mkfifo(tmp_path / "pipe.json")
        words = [*STEP, "hexrd.verdict.conclude_series", "onset=pipe.json", "--output", "x.json"]
        with subprocess.Popen(
            words, cwd=tmp_path, env=surroundings, stderr=subprocess.DEVNULL
        ) as step:
            wait_for(lambda: forks(tmp_path))
            (fork,) = forks(tmp_path)
            keeper = int(Path(f"/proc/{fork}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(keeper, signal.SIGKILL)
            assert step.wait(10) == preload_server.KILLED
        os.kill(fork, signal.SIGKILL)
        (tmp_path / "raw.txt").write_text("1 2 3")
        assert manifest(tmp_path, surroundings, "out.csv").returncode == 0


@pytest.mark.parametrize(
    "place", ["", "/nowhere/socket" + os.pathsep + sys.prefix, "{socket}" + os.pathsep + "/other"]
)
def test_without_such_a_process_a_step_runs_by_itself(
    tmp_path: Path, around: dict[str, str], place: str
) -> None:
    (tmp_path / "raw.txt").write_text("1 2 3")
    socket = around[preload_server.SOCKET_VARIABLE].partition(os.pathsep)[0]
    done = manifest(
        tmp_path, {**around, preload_server.SOCKET_VARIABLE: place.format(socket=socket)}, "out.csv"
    )
    assert done.returncode == 0 and (tmp_path / "out.csv").is_file()


def test_when_its_run_is_over_steps_at_work_end_and_new_ones_run_by_themselves(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "raw.txt").write_text("1 2 3")
    place = tmp_path / "socket"
    with subprocess.Popen(
        [sys.executable, "-m", "ssbchar", "preload", place], cwd=ROOT, stdin=subprocess.PIPE
    ) as keeper:
        wait_for(place.exists)
        surroundings = {
            **os.environ,
            preload_server.SOCKET_VARIABLE: f"{place}{os.pathsep}{sys.prefix}",
            "PYTHONPATH": str(ROOT),
        }
        words = [*STEP, "hexrd.verdict.conclude_series", "onset=pipe.json", "--output", "x.json"]
        with subprocess.Popen(
            words, cwd=tmp_path, env=surroundings, stderr=subprocess.DEVNULL
        ) as step:
            wait_for(lambda: forks(tmp_path))
            assert keeper.stdin
            keeper.stdin.close()
            time.sleep(0.5)
            assert keeper.poll() is None
            assert manifest(tmp_path, surroundings, "out.csv").returncode == 0
            (tmp_path / "pipe.json").write_text("no conclusions")
            assert step.wait(20) == 1
        assert keeper.wait(10) == 0


def test_it_ends_with_who_keeps_it(tmp_path: Path) -> None:
    text = "import time; from ssbchar.pipeline import preload_server as server\n"
    text += "with server.running() as e:\n    print(e[server.SOCKET_VARIABLE], flush=True)\n"
    text += "    time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as keeper:
        assert keeper.stdout
        place = Path(keeper.stdout.readline().partition(os.pathsep)[0])
        wait_for(place.exists)
        keeper.kill()
    wait_for(lambda: not [p for p in at_work("preload") if place.name and str(place).encode() in p])


def at_work(word: str) -> list[bytes]:
    """Command lines of all processes with that argument."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((entry / "cmdline").read_bytes())
        except OSError:
            continue
    return [line for line in lines if word.encode() in line.split(b"\0")]


def test_where_a_kernel_or_container_refuses_there_is_no_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(process: int) -> int:
        raise OSError(38, "Function not implemented")

    preload_server.is_supported.cache_clear()
    monkeypatch.setattr(preload_server.os, "pidfd_open", refuse)
    assert not preload_server.is_supported()
    with preload_server.running() as environment:
        assert preload_server.SOCKET_VARIABLE not in environment
    monkeypatch.undo()
    preload_server.is_supported.cache_clear()
    monkeypatch.setattr(forking.sys, "platform", "darwin")
    assert not preload_server.is_supported()
    monkeypatch.undo()
    preload_server.is_supported.cache_clear()
    assert preload_server.is_supported()


def test_on_windows_a_line_says_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli.sys, "platform", "win32")
    assert cli.main(["run"]) == 1
    assert "Windows Subsystem for Linux" in capsys.readouterr().err
