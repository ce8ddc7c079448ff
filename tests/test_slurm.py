"""On a real SLURM: the same bytes as here, a job killed for memory is retried with more, a lost
node loses nothing."""

import importlib.util
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from campaign import ROOT, TINY, Campaign
from cluster import slurm

ONLY = ("Fe_pristine", "Fe_cycled", "Fe_reference", "Li_reference", "Li_reference_decay")
QUICK = ("--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "10")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    why = slurm.missing()
    if not why and importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        why = "Snakemake's SLURM plugin is not installed (make .venv/cluster)"
    if why:
        pytest.skip(why)
    made = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
    made.up()
    yield made
    made.down()


@pytest.mark.parametrize(
    "only",
    [ONLY, pytest.param(TINY, marks=pytest.mark.slow), pytest.param((), marks=pytest.mark.slow)],
    ids=["two techniques", "three techniques", "small demonstration"],
)
def test_slurm_gives_the_same_bytes_with_the_shipped_profile(
    cluster: slurm.Cluster, tmp_path: Path, only: tuple[str, ...]
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here, there = Campaign(tmp_path / "here", only), Campaign(tmp_path / "there", only)
    begin = time.monotonic()
    # The slow ones measure what a cluster costs over plain Snakemake here.
    here.snakemake("--cores", "2", preloaded=only == ONLY)
    start = time.monotonic()
    seen = len(cluster.finished())
    said = there.snakemake(*QUICK, profile=str(ROOT / "workflow/profiles/slurm"))
    end = time.monotonic()
    jobs = cluster.finished()[seen:]
    done = [job for job in jobs if job["JobState"] == "COMPLETED"]
    print(cost(jobs, there.out, start - begin, end - start))
    assert re.search(r"\(100%\) done", said)
    assert len(done) > 10
    assert len({job["NodeList"] for job in done}) == 2
    assert here.results() == there.results()


def cost(jobs: list[dict[str, str]], out: Path, local: float, wall: float) -> str:
    """Return a row of the table in docs/cluster.md: jobs, retries, seconds here and there, overhead
    per job."""
    logs = [path.read_text(encoding="utf-8") for path in (out / "logs").rglob("*.log")]
    own = [float(found[1]) for log in logs if (found := re.search(r"done in ([\d.]+) s", log))]
    spans = [
        (
            datetime.fromisoformat(job["EndTime"]) - datetime.fromisoformat(job["StartTime"])
        ).total_seconds()
        for job in jobs
    ]
    lost = sum(job["JobState"] != "COMPLETED" for job in jobs)
    each = (sum(spans) - sum(own)) / max(len(jobs), 1)
    return f"| {len(jobs)} | {lost} | {local:.0f} | {wall:.0f} | {sum(own):.0f} | {each:.1f} |"


@pytest.mark.slow
def test_a_series_of_2000_frames(cluster: slurm.Cluster, tmp_path: Path) -> None:
    from benchmarks import scale

    (tmp_path / "here").mkdir()
    local = scale.run(tmp_path / "here", 2000)
    shutil.copytree(
        tmp_path / "here",
        tmp_path / "there",
        ignore=shutil.ignore_patterns("results", ".snakemake"),
    )
    seen, start = len(cluster.finished()), time.monotonic()
    there = tmp_path / "there"
    _snakemake(there, "-s", str(ROOT / "Snakefile"), "--configfile", "config.yaml")
    jobs = cluster.finished()[seen:]
    print(cost(jobs, there / "results/scale", local.seconds, time.monotonic() - start))
    for name in ("summary.csv", "hexrd/series/lattice.nc", "report.html"):
        here = tmp_path / "here/results/scale" / name
        assert (there / "results/scale" / name).read_bytes() == here.read_bytes(), name


GREEDY = """
rule all:
    input: "big.txt"
rule big:
    output: "big.txt"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 if attempt == 1 else 3000,
    shell:
        "{python} -c 'import time; x = bytearray(1_600_000_000); time.sleep(8)' && echo done > "
        "{{output}}"
"""


def test_a_job_killed_for_memory_is_retried_with_more(
    cluster: slurm.Cluster, tmp_path: Path
) -> None:
    (tmp_path / "Snakefile").write_text(GREEDY.format(python=sys.executable))
    seen = len(cluster.finished())
    _snakemake(tmp_path)
    states = [job["JobState"] for job in cluster.finished()[seen:]]
    assert (tmp_path / "big.txt").read_text() == "done\n"
    assert len(states) == 2
    assert states[0] != "COMPLETED"
    assert states[1] == "COMPLETED"


SLOW = """
rule all:
    input: expand("{n}.txt", n=range(4))
rule slow:
    output: "{n}.txt"
    shell: "sleep 12; echo {wildcards.n} > {output}"
"""


def test_a_lost_node_loses_nothing(cluster: slurm.Cluster, tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(SLOW)

    def lose() -> None:
        end = time.monotonic() + 60
        while (
            time.monotonic() < end
            and not cluster.ask("squeue", "-h", "-w", "n2", "-t", "running").strip()
        ):
            time.sleep(0.5)
        cluster.lose_node("n2")

    thread = threading.Thread(target=lose)
    thread.start()
    _snakemake(tmp_path, "--slurm-requeue")
    thread.join()
    assert [(tmp_path / f"{n}.txt").read_text().strip() for n in range(4)] == list("0123")
    assert "down" in cluster.ask("sinfo", "-h", "-n", "n2", "-o", "%T")


def _snakemake(folder: Path, *words: str) -> None:
    import subprocess

    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--workflow-profile",
        str(ROOT / "workflow/profiles/slurm"),
    ]
    run = subprocess.run(
        [*command, *QUICK, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
