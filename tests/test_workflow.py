"""The whole workflow: runs, re-runs only what changed, same bytes on one core and two, faults set
aside."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from campaign import ROOT, SURROUNDINGS, TINY, Campaign

from ssbchar.conclusion import COLUMNS

NMR_RULES = set(
    re.findall(r"^use rule step as (\w+) with", (ROOT / "workflow/rules/nmr.smk").read_text(), re.M)
)
assert len(NMR_RULES) > 5
TOGETHER = {"summary", "page", "manifest", "sheets", "crate"}
BOUNDS = {"detection_limit", "t1_limit"}
"""Quantities that are a bound themselves."""
COUNTS = {"unexplained_lines", "candidate", "frames_refined", "species", "isosbestic_points"}
"""Numbers of lines, frames and species, and shares of them."""
GIVEN = {"pressing_pressure", "pressing_time", "x_nominal"}
"""Conditions that the sample sheet states, without an error."""
ERRORS = {"shared_error"}
"""Quantities that are a part of an uncertainty themselves."""


def digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """One measurement of each kind, run on two cores."""
    campaign = Campaign(tmp_path_factory.mktemp("tiny"), TINY)
    before = digests(campaign.raw)
    campaign.snakemake("--cores", "2")
    assert digests(campaign.raw) == before, "a rule wrote under data_raw"
    return campaign


def test_one_command_gives_summary_and_report(tiny: Campaign) -> None:
    summary = pd.read_csv(tiny.out / "summary.csv")
    assert tuple(summary.columns) == COLUMNS
    assert set(summary.technique) >= {"hexrd", "xas", "nmr"}
    assert not (summary.verdict == "set aside").any()
    numbers = summary[summary.value.notna()]
    errors = numbers[["stderr", "systematic", "lower95", "upper95"]]
    bare = numbers[
        errors.isna().all(axis=1) & ~numbers.quantity.isin(BOUNDS | COUNTS | ERRORS | GIVEN)
    ]
    assert bare.empty, (
        "values without uncertainty: "
        f"{bare[['technique', 'quantity', 'subject']].to_dict('records')}"
    )
    assert numbers.unit.notna().all()
    page = (tiny.out / "report.html").read_text(encoding="utf-8")
    assert "synthetic" in page
    for manifest in summary.source.dropna().unique():
        assert (tiny.folder / manifest).is_file()


def test_every_figure_of_synthetic_data_says_so(tiny: Campaign) -> None:
    figures = [p for p in tiny.out.rglob("figures/*.svg")]
    assert len(figures) >= 10
    assert not [p.name for p in figures if "synthetic" not in p.read_text(encoding="utf-8")]


def test_figures_of_diffraction_know_the_colours_of_the_run(tiny: Campaign) -> None:
    notes = list(tiny.out.glob("hexrd/*/figures/*.json"))
    orders = {json.loads(p.read_text(encoding="utf-8"))["phase_order"] for p in notes}
    assert orders == {tiny.sheet()[1][0]["phases"]}


def test_a_second_run_runs_nothing(tiny: Campaign) -> None:
    assert "Nothing to be done" in tiny.snakemake("--cores", "2")


def test_a_changed_nmr_file_option_or_source_reruns_only_nmr(
    tiny: Campaign, tmp_path: Path
) -> None:
    raw = tiny.raw / "nmr/Li1Si_100MPa_30s/10/fid"
    kept = raw.read_bytes()
    times = raw.stat()
    raw.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    changed = tiny.would_run()
    raw.write_bytes(kept)
    os.utime(raw, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert changed & NMR_RULES
    assert changed <= NMR_RULES | TOGETHER

    tiny.configure(nmr={"read": {"nucleus": "6Li"}})
    changed = tiny.would_run()
    tiny.configure()
    assert changed & NMR_RULES
    assert changed <= NMR_RULES | TOGETHER

    for name in ("ssbchar", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "Snakefile", tmp_path)
    tiny.home = tmp_path
    assert tiny.would_run() == set()
    module = tmp_path / "ssbchar/nmr/decay/t2_star.py"
    module.write_text(module.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    changed = tiny.would_run()
    tiny.home = ROOT
    assert changed & NMR_RULES
    assert changed <= NMR_RULES | TOGETHER


def test_a_changed_phase_reruns_only_what_uses_it(tiny: Campaign) -> None:
    table = tiny.folder / "config/phases/phases.yaml"
    kept = table.read_text(encoding="utf-8")
    entries = yaml.safe_load(kept)
    used = set(tiny.sheet()[1][0]["phases"].split(","))
    other = next(name for name in entries if name not in used)
    own = next(iter(sorted(used)))
    found = {}
    for name in (other, own):
        changed = {**entries, name: {**entries[name], "note": "changed"}}
        table.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
        found[name] = tiny.would_run()
    table.write_text(kept, encoding="utf-8")
    assert tiny.would_run() <= TOGETHER
    assert {"phase_library", "hexrd_candidates", "hexrd_conclude"} <= found[other]
    assert found[other] <= {"phase_library", "hexrd_candidates", "hexrd_conclude"} | TOGETHER
    assert {"phase_table", "hexrd_refine", "hexrd_known_lines"} <= found[own]


def test_one_command_on_one_core_elsewhere_in_another_locale_gives_the_same_bytes(
    tiny: Campaign, tmp_path: Path
) -> None:
    (tmp_path / "a folder, elsewhere").mkdir()
    other = Campaign(tmp_path / "a folder, elsewhere", TINY)
    # Here steps are forks of one process, there each was a process of its own.
    words = [sys.executable, "-m", "ssbchar", "run", "config/config.yaml", "--cores", "1"]
    strange = {**SURROUNDINGS, "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
    done = subprocess.run(words, cwd=other.folder, env=strange, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    mine, theirs = tiny.results(), other.results()
    assert set(mine) == set(theirs)
    assert not [name for name in mine if mine[name] != theirs[name]]


def test_delete_all_output_leaves_the_raw_data(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, ("Li_reference",))
    before = digests(campaign.raw)
    campaign.snakemake("--cores", "1")
    assert (campaign.out / "summary.csv").is_file()
    campaign.snakemake("--cores", "1", "--delete-all-output")
    assert not (campaign.out / "summary.csv").exists()
    assert digests(campaign.raw) == before


def test_a_measurement_may_be_called_none(tmp_path: Path) -> None:
    """Rules of roles that no row has match no measurement, whatever its name."""
    (tmp_path / "scan.dat").touch()
    sheet = "measurement\tsample\ttechnique\trole\tpath\nnone\ts\txas\tpristine\tscan.dat\n"
    (tmp_path / "samples.tsv").write_text(sheet)
    (tmp_path / "config.yaml").write_text("run: r\nsamples: samples.tsv\n")
    done = subprocess.run(
        [sys.executable, "-m", "ssbchar", "run", "config.yaml", "--dry-run"],
        cwd=tmp_path,
        env={**SURROUNDINGS, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "would run" in done.stdout, done.stdout + done.stderr
