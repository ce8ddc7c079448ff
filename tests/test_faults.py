"""Each fault in raw data gives one clear message; the rest of the run completes and the report
lists it."""

import html
import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from campaign import ROOT, TINY, Campaign

from ssbchar.results.outcome import summarise_outcome

IMAGES = ("CeO2_calibrant", "images_LAGP_LFP")


def copied(campaign: Campaign, of: str, name: str) -> Path:
    """Copy a raw file or folder beside itself."""
    source = campaign.raw / of
    target = source.with_name(name)
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return target


def empty_file(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "xas/Fe_cycled", "Fe_empty")
    for scan in folder.iterdir():
        scan.write_bytes(b"")
    return {
        "technique": "xas",
        "role": "cycled",
        "path": str(folder),
        "compare_to": "Fe_pristine",
        "said": "Fe_cycled.0001: the file is empty",
    }


def missing_column(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "xas/Fe_cycled", "Fe_no_column")
    for scan in folder.iterdir():
        lines = scan.read_text(encoding="utf-8").splitlines()
        kept = [
            line.replace("I1  ", "Xx  ") if line.startswith("#Mono") else line for line in lines
        ]
        scan.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return {
        "technique": "xas",
        "role": "cycled",
        "path": str(folder),
        "compare_to": "Fe_pristine",
        "said": "column",
    }


def no_acqus(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "nmr/Li1Si_200MPa_30s/10", "11")
    (folder / "acqus").unlink()
    return {
        "technique": "nmr",
        "role": "spectrum",
        "path": str(folder),
        "reference": "Li_reference",
        "said": "acqus",
    }


def _log(campaign: Campaign, name: str, change: Callable[[str], str]) -> str:
    log = copied(campaign, "hexrd/heating_LAGP_LFP_furnace.csv", name)
    head, *rows = [
        line for line in log.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    changed = [",".join([change(row.split(",")[0]), *row.split(",")[1:]]) for row in rows]
    log.write_text("\n".join([head, *changed]) + "\n", encoding="utf-8")
    return str(log)


def log_without_zone(campaign: Campaign) -> dict[str, str]:
    log = _log(campaign, "no_zone.csv", lambda t: re.sub(r"(Z|[+-]\d\d:\d\d)$", "", t))
    path = str(campaign.raw / "hexrd/heating_LAGP_LFP")
    return {
        "technique": "hexrd",
        "role": "series",
        "path": path,
        "log": log,
        "phases": "LAGP,LFP",
        "said": "time zone",
    }


def log_of_another_week(campaign: Campaign) -> dict[str, str]:
    log = _log(
        campaign, "other_week.csv", lambda t: (pd.Timestamp(t) + timedelta(days=7)).isoformat()
    )
    path = str(campaign.raw / "hexrd/heating_LAGP_LFP")
    return {
        "technique": "hexrd",
        "role": "series",
        "path": path,
        "log": log,
        "phases": "LAGP,LFP",
        "said": "cover",
    }


def truncated_image(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "hexrd/images_LAGP_LFP", "images_cut")
    image = sorted(folder.iterdir())[1]
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 3])
    log = str(campaign.raw / "hexrd/images_LAGP_LFP_furnace.csv")
    row = {
        "technique": "hexrd",
        "role": "images",
        "path": str(folder),
        "log": log,
        "calibrant": "CeO2_calibrant",
    }
    return {**row, "phases": "LAGP,LFP", "said": image.name}


def frame_of_zeros(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "hexrd/heating_LAGP_LFP", "heating_zeros")
    frame = sorted(folder.iterdir())[5]
    lines = frame.read_text(encoding="utf-8").splitlines()
    number = re.compile(r"^\s*[\d.]+\s+[\d.eE+-]+\s+[\d.eE+-]+\s*$")
    zeroed = [f"{line.split()[0]} 0.0 1.0" if number.match(line) else line for line in lines]
    frame.write_text("\n".join(zeroed) + "\n", encoding="utf-8")
    sorted(folder.iterdir())[7].write_bytes(b"")
    row = {"technique": "hexrd", "role": "series", "path": str(folder), "phases": "LAGP,LFP"}
    return {
        **row,
        "log": str(campaign.raw / "hexrd/heating_LAGP_LFP_furnace.csv"),
        "said": frame.name,
    }


def scan_divided_by_zero(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "xas/Fe_cycled", "Fe_divided")
    return {
        "technique": "xas",
        "role": "cycled",
        "path": str(folder),
        "compare_to": "Fe_pristine",
        "said": "Fe_divided",
    }


def patterns_divided_by_zero(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "hexrd/heating_LAGP_LFP", "heating_divided")
    row = {"technique": "hexrd", "role": "series", "path": str(folder), "phases": "LAGP,LFP"}
    return {**row, "said": "heating_divided"}


def decay_divided_by_zero(campaign: Campaign) -> dict[str, str]:
    folder = copied(campaign, "nmr/Li1Si_200MPa_30s/10", "12")
    return {
        "technique": "nmr",
        "role": "spectrum",
        "path": str(folder),
        "reference": "Li_reference",
        "said": "Li1Si_200MPa_30s/12",
    }


def refinement_that_is_singular(campaign: Campaign) -> dict[str, str]:
    path = str(campaign.raw / "hexrd/heating_LAGP_LFP")
    row = {"technique": "hexrd", "role": "series", "path": path, "phases": "LAGP,LFP"}
    return {**row, "said": "refinement_that_is_singular"}


def glob_without_files(campaign: Campaign) -> dict[str, str]:
    return {
        "technique": "xas",
        "role": "pristine",
        "path": str(campaign.raw / "nowhere/*.dat"),
        "said": "nowhere",
    }


SABOTAGE = {
    "xas/scans/formats/recognise.py": ("read_raw_scans", "Fe_divided", "path"),
    "hexrd/patterns/formats/recognise.py": ("extract", "heating_divided", "path"),
    "nmr/bruker/files.py": ("read_decays", "Li1Si_200MPa_30s/12", "experiment.shown"),
    "hexrd/refinement/refine.py": (
        "refine_series",
        "refinement_that_is_singular",
        "patterns.attrs['measurement']",
    ),
}
"""Functions that fall over one measurement: the module, the function, what names the measurement,
and where that stands."""


def sabotage(home: Path) -> None:
    """Copy workflow and package, and let some functions of the copy fall over a measurement."""
    for name in ("ssbchar", "workflow"):
        # What numba keeps comes along: to compile anew would take minutes.
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "Snakefile", home)
    for name, (function, word, place) in SABOTAGE.items():
        module = home / "ssbchar" / name
        text = module.read_text(encoding="utf-8")
        argument = place.partition(".")[0]
        end = WRAPPER.format(function=function, word=word, place=place, argument=argument)
        module.write_text(text + end, encoding="utf-8")


WRAPPER = """

import functools
import inspect

_sound = {function}


@functools.wraps(_sound)
def {function}(*given, **named):
    {argument} = inspect.signature(_sound).bind(*given, **named).arguments["{argument}"]
    if "{word}" in str({place}):
        1 / 0
    return _sound(*given, **named)
"""
"""What a sabotaged module ends with."""


def folder_that_is_not_there(campaign: Campaign) -> dict[str, str]:
    return {
        "technique": "hexrd",
        "role": "series",
        "path": str(campaign.raw / "hexrd/none"),
        "log": str(campaign.raw / "hexrd/heating_LAGP_LFP_furnace.csv"),
        "phases": "LAGP,LFP",
        "said": "hexrd/none' does not exist",
    }


def compared_with_another_technique(campaign: Campaign) -> dict[str, str]:
    return {
        "technique": "xas",
        "role": "cycled",
        "path": str(campaign.raw / "xas/Fe_cycled"),
        "compare_to": "Li_reference",
        "said": "compare_to 'Li_reference' is an nmr measurement",
    }


def compared_without_use(campaign: Campaign) -> dict[str, str]:
    return {
        "technique": "nmr",
        "role": "spectrum",
        "path": str(campaign.raw / "nmr/Li1Si_200MPa_30s/10"),
        "reference": "Li_reference",
        "compare_to": "Li_reference",
        "said": "compare_to is not used by nmr rows of role spectrum",
    }


def images_without_calibrant(campaign: Campaign) -> dict[str, str]:
    return {
        "technique": "hexrd",
        "role": "images",
        "path": str(campaign.raw / "hexrd/images_LAGP_LFP"),
        "phases": "LAGP,LFP",
        "said": "calibrant is empty",
    }


FAULTS = (
    glob_without_files,
    scan_divided_by_zero,
    patterns_divided_by_zero,
    decay_divided_by_zero,
    refinement_that_is_singular,
    folder_that_is_not_there,
    compared_with_another_technique,
    compared_without_use,
    images_without_calibrant,
    empty_file,
    missing_column,
    no_acqus,
    log_without_zone,
    log_of_another_week,
    truncated_image,
    frame_of_zeros,
)
FAILED = (
    "scan_divided_by_zero",
    "patterns_divided_by_zero",
    "decay_divided_by_zero",
    "refinement_that_is_singular",
)
"""Faults of a program: the measurement has failed."""
ROWS = (
    "glob_without_files",
    "folder_that_is_not_there",
    "compared_with_another_technique",
    "compared_without_use",
    "images_without_calibrant",
)
"""Faults of the sheet's row, which the check tells as well."""
WHOLE = (
    *FAILED,
    "empty_file",
    "missing_column",
    "no_acqus",
    "log_without_zone",
    "log_of_another_week",
    *ROWS,
)
"""Faults that set the whole measurement aside; the others lose a frame."""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Campaign, dict[str, str], str]:
    home = tmp_path_factory.mktemp("sabotaged")
    sabotage(home)
    campaign = Campaign(tmp_path_factory.mktemp("faults"), (*TINY, *IMAGES), home)
    rows, said = [], {}
    for fault in FAULTS:
        row = fault(campaign)
        said[fault.__name__] = row.pop("said")
        path = Path(row["path"]).relative_to(campaign.folder).as_posix()
        log = Path(row["log"]).relative_to(campaign.folder).as_posix() if row.get("log") else ""
        rows.append(
            {
                **row,
                "measurement": fault.__name__,
                "sample": fault.__name__,
                "path": path,
                "log": log,
            }
        )
    campaign.configure(rows)
    environment = {"PYTHONPATH": str(home)}
    return campaign, said, campaign.snakemake("--cores", "2", env=environment, preloaded=True)


@pytest.mark.parametrize("fault", [f.__name__ for f in FAULTS])
def test_a_fault_is_said_once_and_listed_in_the_report(
    faulty: tuple[Campaign, dict[str, str], str], fault: str
) -> None:
    campaign, said, printed = faulty
    word = "failed" if fault in FAILED else "set aside"
    lines = [
        line
        for line in printed.splitlines()
        # The manifest of raw files misses them, too: the same line.
        if line.startswith(word) and said[fault] in line
    ]
    assert len(set(lines)) == 1, lines
    page = html.unescape((campaign.out / "report.html").read_text(encoding="utf-8"))
    assert lines[0].removeprefix(f"{word}: ").split(": ")[0] in page
    summary = pd.read_csv(campaign.out / "summary.csv")
    mine = summary[summary["sample"] == fault]
    if fault in WHOLE:
        assert word in set(mine.verdict)
        assert mine.value.isna().all()
        assert (mine.reason.dropna().str.contains(re.escape(said[fault]))).any()
    else:
        assert mine.value.notna().any()


def test_what_failed_is_counted_and_its_traceback_is_in_the_log(
    faulty: tuple[Campaign, dict[str, str], str],
) -> None:
    campaign, _, printed = faulty
    assert "Traceback" not in printed
    rows = campaign.out.glob("*/*/conclusions.json")
    last = summarise_outcome(campaign.out, rows)[-1]
    assert re.match(rf"{len(FAILED)} of \d+ measurements failed: ", last)
    page = (campaign.out / "report.html").read_text(encoding="utf-8")
    assert f"A step of {len(FAILED)} measurements failed" in page
    for name, step in zip(FAILED, ("scans", "patterns", "fid", "refine"), strict=True):
        assert name in last
        (log,) = (campaign.out / "logs").glob(f"*/{name}/{step}.log")
        text = log.read_text(encoding="utf-8")
        assert text.splitlines()[1].startswith("failed: ")
        assert "Traceback" in text and "ZeroDivisionError" in text


def test_what_failed_is_tried_again_when_the_code_is_mended(
    faulty: tuple[Campaign, dict[str, str], str],
) -> None:
    campaign = faulty[0]
    environment = {"PYTHONPATH": str(campaign.home)}
    assert campaign.would_run(env=environment) == set()
    name = "nmr/bruker/files.py"
    shutil.copy(ROOT / "ssbchar" / name, campaign.home / "ssbchar" / name)
    wanted = "results/minimal/nmr/decay_divided_by_zero/conclusions.json"
    campaign.snakemake(wanted, "--cores", "2", env=environment, preloaded=True)
    content = json.loads((campaign.folder / wanted).read_text(encoding="utf-8"))
    assert "lost" not in content["labels"]
    assert any(row["value"] is not None for row in content["conclusions"])


def test_the_rest_of_the_run_is_as_without_faults(
    faulty: tuple[Campaign, dict[str, str], str],
) -> None:
    campaign = faulty[0]
    summary = pd.read_csv(campaign.out / "summary.csv")
    for name in (*TINY, "images_LAGP_LFP"):
        technique = next(r["technique"] for r in campaign.sheet()[1] if r["measurement"] == name)
        made = campaign.out / technique / name / "conclusions.json"
        if made.exists():
            content = json.loads(made.read_text(encoding="utf-8"))
            assert "lost" not in content["labels"]
            assert content["conclusions"]
    assert {"hexrd", "xas", "nmr"} <= set(
        summary[~summary["sample"].isin([f.__name__ for f in FAULTS])].technique
    )
