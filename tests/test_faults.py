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
from campaign import TINY, Campaign

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


FAULTS = (
    empty_file,
    missing_column,
    no_acqus,
    log_without_zone,
    log_of_another_week,
    truncated_image,
    frame_of_zeros,
)
WHOLE = ("empty_file", "missing_column", "no_acqus", "log_without_zone", "log_of_another_week")
"""Faults that set the whole measurement aside; the others lose a frame."""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Campaign, dict[str, str], str]:
    campaign = Campaign(tmp_path_factory.mktemp("faults"), (*TINY, *IMAGES))
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
    return campaign, said, campaign.snakemake("--cores", "2")


@pytest.mark.parametrize("fault", [f.__name__ for f in FAULTS])
def test_a_fault_is_said_once_and_listed_in_the_report(
    faulty: tuple[Campaign, dict[str, str], str], fault: str
) -> None:
    campaign, said, printed = faulty
    lines = [
        line
        for line in printed.splitlines()
        if line.startswith("set aside") and said[fault] in line
    ]
    assert len(lines) == 1, lines
    page = html.unescape((campaign.out / "report.html").read_text(encoding="utf-8"))
    assert lines[0].removeprefix("set aside: ").split(": ")[0] in page
    summary = pd.read_csv(campaign.out / "summary.csv")
    mine = summary[summary["sample"] == fault]
    if fault in WHOLE:
        assert "set aside" in set(mine.verdict)
        assert mine.value.isna().all()
        assert (mine.reason.dropna().str.contains(re.escape(said[fault]))).any()
    else:
        assert mine.value.notna().any()


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
