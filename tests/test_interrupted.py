"""Whatever interrupts a run, the next one goes on from the finished steps and ends with an
undisturbed run's bytes."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from campaign import ROOT, SURROUNDINGS, Campaign

ONLY = ("Li_reference",)
WANTED = "results/minimal/nmr/Li_reference/conclusions.json"
"""The end of a chain of three steps: quick, and each of them is interrupted somewhere."""


class Bench(Campaign):
    """A campaign whose raw data is copied from another, not made anew."""

    def __init__(self, folder: Path, of: Campaign) -> None:
        self.folder, self.only = folder, of.only
        for name in ("data_raw/minimal/nmr/Li_reference", "config"):
            shutil.copytree(of.folder / name, folder / name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """An undisturbed run."""
    campaign = Campaign(tmp_path_factory.mktemp("whole"), ONLY)
    campaign.snakemake("--cores", "2", preloaded=True)
    return campaign


@pytest.fixture
def bench(whole: Campaign, tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", whole)


def same(bench: Campaign, whole: Campaign) -> bool:
    """Whether all that is there, but Snakemake's own marks, is what an undisturbed run wrote."""
    mine, theirs = bench.results(), whole.results()
    assert not [name for name in mine if name.endswith(".part")]
    return all(theirs.get(name) == content for name, content in mine.items())


@contextmanager
def started(bench: Campaign, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(
        command,
        cwd=bench.folder,
        env=SURROUNDINGS,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        yield process


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if word in line:
            return
    raise AssertionError("".join(said))


def at_work(folder: Path, module: str) -> list[int]:
    """Processes of ``python -m module`` in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if (entry / "cwd").resolve() == folder.resolve() and module.encode() in words:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


RUN = ("ssbchar", "run", "config/config.yaml", "--cores", "2")


def test_kill_of_the_workflow_alone(bench: Bench, whole: Campaign) -> None:
    with started(bench, *RUN) as run:
        wait_for(run, "nmr.lineshape.fit_lines Li_reference: begun")
        for pid in (run.pid, *at_work(bench.folder, "snakemake")):
            os.kill(pid, signal.SIGKILL)
    assert list((bench.folder / ".snakemake/locks").iterdir())
    with started(bench, *RUN) as again:
        said = again.communicate(timeout=300)[0]
    assert again.returncode == 0, said
    assert "the last run here was killed: going on from its finished steps" in said
    assert "nmr.bruker.read_fid Li_reference: begun" not in said
    assert "Report: results/minimal/report.html" in said
    assert bench.results() == whole.results()


def test_power_loss_amid_a_step(bench: Bench, whole: Campaign) -> None:
    words = (
        "snakemake",
        "-s",
        str(ROOT / "Snakefile"),
        "--configfile",
        "config/config.yaml",
        "--cores",
        "1",
    )
    with started(bench, *words, "--", WANTED) as run:
        wait_for(run, "nmr.lineshape.fit_lines Li_reference: begun")
        os.killpg(run.pid, signal.SIGKILL)
    assert "cannot be locked" in bench.snakemake(WANTED, "--cores", "1", check=False)
    bench.snakemake("--unlock", "--cores", "1")
    said = bench.snakemake(WANTED, "--cores", "1", "--rerun-incomplete")
    assert "rule nmr_lines:" in said
    assert "rule nmr_fid:" not in said
    assert same(bench, whole)
    assert (bench.folder / WANTED).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_kill_at_a_random_moment(bench: Bench, whole: Campaign, seed: int) -> None:
    moment = random.Random(seed).uniform(0.5, 20.0)
    with started(bench, *RUN) as run:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.communicate(timeout=moment)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    with started(bench, *RUN) as again:
        said = again.communicate(timeout=300)[0]
    assert again.returncode == 0, said
    assert bench.results() == whole.results()


def test_kill_of_a_job(bench: Bench, whole: Campaign) -> None:
    words = (
        "snakemake",
        "-s",
        str(ROOT / "Snakefile"),
        "--configfile",
        "config/config.yaml",
        "--cores",
        "1",
    )
    with started(bench, *words, "--", WANTED) as run:
        wait_for(run, "nmr.lineshape.fit_lines Li_reference: begun")
        steps = at_work(bench.folder, "ssbchar")
        assert steps
        for pid in steps:
            os.kill(pid, signal.SIGKILL)
        said = run.communicate(timeout=120)[0]
    assert run.returncode
    assert "Error in rule nmr_lines" in said
    assert not (bench.out / "nmr/Li_reference/lines.nc").exists()
    said = bench.snakemake(WANTED, "--cores", "1")
    assert "rule nmr_fid:" not in said
    assert same(bench, whole)
    assert (bench.folder / WANTED).is_file()


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    folder.mkdir(parents=True)
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
        ).returncode
    ):
        pytest.skip("a small disk can be mounted by root alone")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk(bench: Bench, whole: Campaign) -> None:
    with small_disk(bench.folder / "results", 2000):
        ballast = bench.folder / "results/other"
        ballast.write_bytes(bytes(1_960_000))
        said = bench.snakemake(WANTED, "--cores", "1", check=False)
        assert "stopped: results/minimal/nmr/Li_reference/" in said
        assert "No space left on device; free space there, then run again" in said
        assert same(bench, whole)
        assert not (bench.folder / WANTED).exists()
        ballast.unlink()
        bench.snakemake(WANTED, "--cores", "1", "--rerun-incomplete")
        assert same(bench, whole)
        assert (bench.folder / WANTED).is_file()


def unreadable_disk(raw: Path) -> Callable[[], None]:
    """Every read fails with EIO, as from a broken disk: what reading this process's page 0 does."""
    kept = raw.with_name("kept")
    raw.rename(kept)
    raw.symlink_to("/proc/self/mem")
    return lambda: kept.replace(raw) and None


def no_right(raw: Path) -> Callable[[], None]:
    raw.chmod(0)
    return lambda: raw.chmod(0o644)


WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Root may read what it has no right to, unless it gives that up."""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(unreadable_disk, "Input/output error"), (no_right, "Permission denied")],
    ids=["disk", "right"],
)
def test_unreadable_raw_file(
    bench: Bench, whole: Campaign, spoil: Callable[[Path], Callable[[], None]], said: str
) -> None:
    prefix = WITHOUT_RIGHTS if spoil is no_right and os.geteuid() == 0 else ()
    if prefix and not shutil.which("setpriv"):
        pytest.skip("root reads everything, and setpriv is not installed")
    raw = bench.raw / "nmr/Li_reference/10/fid"
    kept = raw.read_bytes()
    mend = spoil(raw)
    output = bench.out / "nmr/Li_reference/fid.nc"
    words = [
        "nmr.bruker.read_fid",
        "source=data_raw/minimal/nmr/Li_reference/10",
        "--output",
        str(output),
    ]
    step = [*prefix, sys.executable, "-m", "ssbchar", "step", *words]
    run = subprocess.run(
        step, cwd=bench.folder, env=SURROUNDINGS, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert f"stopped: data_raw/minimal/nmr/Li_reference/10/fid: {said}; " in run.stderr
    assert "Traceback" not in run.stderr
    assert not output.exists(), "a fault of the machine must not become a result"
    mend()
    assert raw.read_bytes() == kept
    bench.snakemake(output.relative_to(bench.folder).as_posix(), "--cores", "1")
    assert same(bench, whole)


KILLED = """
import os, signal, sys
from pathlib import Path
from ssbchar.storage import atomic_write
with atomic_write.replace_atomically(Path(sys.argv[1])) as part:
    if sys.argv[2] == "folder":
        part.mkdir()
        (part / "half.svg").write_text("half")
    else:
        part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_writer_killed_amid_its_file_leaves_nothing_that_is_used(
    tmp_path: Path, kind: str
) -> None:
    from ssbchar.storage import atomic_write

    path = tmp_path / ("figures" if kind == "folder" else "a.csv")
    start = time.monotonic()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), kind], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL, f"after {time.monotonic() - start:.0f} s"
    assert not path.exists()
    assert len(list(tmp_path.glob(".*.part"))) == 1
    with atomic_write.replace_atomically(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
