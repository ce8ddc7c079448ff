"""The profile for PBS and LSF, with stand-ins for their commands that run each job here and now."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import ROOT, SURROUNDINGS

PROFILE = ROOT / "workflow/profiles/generic"
QSUB = """#!/usr/bin/env bash
here={here}
id=$(($(ls "$here"/*.asked 2>/dev/null | wc -l) + 1))
echo "$*" > "$here/$id.asked"
[ -e "$here/lose" ] && [ "$id" = 1 ] && {{ echo 137 > "$here/$id.code"; echo "$id.pbs"; exit 0; }}
(bash "${{@: -1}}" > "$here/$id.out" 2>&1; echo $? > "$here/$id.code") > /dev/null 2>&1 &
echo "$id.pbs"
"""
QSTAT = """#!/usr/bin/env bash
id=${{3%.pbs}}
if [ -e {here}/$id.code ]; then
  printf '    job_state = F\\n    Exit_status = %s\\n' "$(cat {here}/$id.code)"
else
  echo '    job_state = R'
fi
"""
BSUB = """#!/usr/bin/env bash
here={here}
id=$(($(ls "$here"/*.asked 2>/dev/null | wc -l) + 1))
echo "$*" > "$here/$id.asked"
cat > "$here/$id.sh"
echo "Job <$id> is submitted to default queue <normal>."
[ -e "$here/lose" ] && [ "$id" = 1 ] && {{ echo 137 > "$here/$id.code"; exit 0; }}
(bash "$here/$id.sh" > "$here/$id.out" 2>&1; echo $? > "$here/$id.code") > /dev/null 2>&1 &
"""
BJOBS = """#!/usr/bin/env bash
case $(cat {here}/$4.code 2>/dev/null) in
  "") echo RUN ;;
  0) echo DONE ;;
  *) echo EXIT ;;
esac
"""
COMMANDS = {"pbs": {"qsub": QSUB, "qstat": QSTAT}, "lsf": {"bsub": BSUB, "bjobs": BJOBS}}
SNAKEFILE = """
rule all:
    input: expand("{n}.txt", n=range(3))
rule one:
    output: "{n}.txt"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt, runtime=75
    shell: "echo {wildcards.n} > {output}"
"""


@pytest.fixture(params=COMMANDS)
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if importlib.util.find_spec("snakemake_executor_plugin_cluster_generic") is None:
        pytest.skip("Snakemake's plugin for other clusters is not installed (make .venv/cluster)")
    (tmp_path / "bin").mkdir()
    for name, text in COMMANDS[request.param].items():
        (tmp_path / "bin" / name).write_text(text.format(here=tmp_path))
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def snakemake(folder: Path) -> list[str]:
    """Run the small workflow; return what was asked of the scheduler, job by job."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--workflow-profile",
        str(PROFILE),
        "--latency-wait",
        "5",
    ]
    env = {**SURROUNDINGS, "PATH": f"{folder / 'bin'}:{SURROUNDINGS['PATH']}"}
    command += ["--seconds-between-status-checks", "1", "--cores", "4"]
    run = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=240
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert [(folder / f"{n}.txt").read_text().strip() for n in range(3)] == list("012")
    return [path.read_text() for path in sorted(folder.glob("*.asked"))]


def test_jobs_ask_for_cores_memory_and_time(folder: Path) -> None:
    asked = snakemake(folder)
    assert len(asked) == 3
    wanted = {
        "qsub": r"-N one -l select=1:ncpus=2:mem=1500mb -l walltime=01:15:00 .*\.sh$",
        "bsub": r"-J one -n 2 -R span\[hosts=1\] rusage\[mem=1500\] -M 1500 -W 75 -o .*/%J\.log$",
    }[next(path.name for path in (folder / "bin").glob("?sub"))]
    for words in asked:
        assert re.search(wanted, words.strip()), words


def test_a_killed_job_is_missed_and_asked_for_again_with_more(folder: Path) -> None:
    (folder / "lose").touch()
    asked = snakemake(folder)
    assert len(asked) == 4
    assert sum(bool(re.search(r"mem=3000(mb|\])", words)) for words in asked) == 1


@pytest.mark.parametrize(
    ("code", "said"), [("0", "success"), ("137", "failed"), ("1", "failed"), ("", "running")]
)
def test_status_of_lsf_and_pbs(tmp_path: Path, code: str, said: str) -> None:
    words = {"0": "DONE", "": "RUN"}.get(code, "EXIT")
    (tmp_path / "bjobs").write_text(f"#!/bin/sh\necho {words}\n")
    (tmp_path / "bjobs").chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run = subprocess.run(
        ["bash", PROFILE / "status", "7"], env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == said
    (tmp_path / "qstat").write_text(QSTAT.format(here=tmp_path))
    (tmp_path / "qstat").chmod(0o755)
    if code:
        (tmp_path / "7.code").write_text(code)
    run = subprocess.run(
        ["bash", PROFILE / "status", "7.pbs"], env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == said


@pytest.mark.parametrize("program", ["qstat", "bjobs"])
def test_a_job_the_scheduler_has_forgotten_is_run_again(tmp_path: Path, program: str) -> None:
    stand_in = tmp_path / program
    stand_in.write_text('#!/bin/sh\necho "unknown job" >&2\nexit 1\n')
    stand_in.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    said = [
        subprocess.run(
            ["bash", PROFILE / "status", "7"],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(21)
    ]
    assert said == ["running"] * 19 + ["failed", "running"]
