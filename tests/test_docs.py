"""The documentation says what is there: messages in the FAQ, pages in the site, no address but
those of papers."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from campaign import TINY, Campaign

ROOT = Path(__file__).parent.parent
OF_OTHERS = ("Directory cannot be locked",)
"""Snakemake's own words."""
REACHED_BY_LINKS = {"scale.md", "benchmarks.md", "real_17bm.md"}
"""Pages that benchmarks write: they may be missing, so the menu does not name them."""
SOURCE = re.sub(
    r"\s+",
    " ",
    " ".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "ssbchar").rglob("*.py"))),
)
SYSTEM = " ".join(os.strerror(code) for code in range(1, 134))


def test_every_message_of_the_faq_is_said_by_the_program() -> None:
    page = (ROOT / "docs/faq.md").read_text(encoding="utf-8")
    messages = re.findall(r"^\| `([^`]+)` \|", page, flags=re.M)
    assert len(messages) > 40
    said = SOURCE + SYSTEM + " ".join(OF_OTHERS)
    parts = [part.strip() for m in messages for part in m.removeprefix("Error: ").split("…")]
    assert not [part for part in parts if part not in said]


@pytest.mark.parametrize(
    ("name", "extra", "lock"),
    [
        ("ssbchar", "images", "requirements.lock"),
        ("feff", "paths", "requirements.lock"),
    ],
)
def test_environments_hold_the_versions_of_the_lock(name: str, extra: str, lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"][extra]]
    names = {re.split(r"[ ><=!~;\[]", one)[0].lower() for one in wanted}
    text = (ROOT / lock).read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, flags=re.M))
    page = yaml.safe_load((ROOT / f"workflow/envs/{name}.yaml").read_text(encoding="utf-8"))
    pip = next(one["pip"] for one in page["dependencies"] if isinstance(one, dict))
    pins = dict(one.split("==") for one in pip)
    assert pins.pop(f"ssbchar[{extra}]") == project["version"]
    assert {one.lower(): version for one, version in pins.items()} == {
        one: locked[one] for one in names
    }


def test_installing_lines_of_the_pages_name_a_lock() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    lines = [
        line
        for page in pages
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.search(r"pip install (?!pre-commit)", line) and "CHANGELOG" not in page.name
    ]
    bare = [one for one in lines if ".lock" not in one and "--no-deps ." not in one]
    assert lines and not bare


def test_every_page_has_its_place() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def pages(entries: list[object]) -> list[str]:
        found = []
        for entry in entries:
            for value in entry.values():  # type: ignore[attr-defined]
                found += pages(value) if isinstance(value, list) else [value]
        return found

    there = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    listed = pages(site["nav"])
    assert len(set(listed)) == len(listed)
    assert set(listed) <= there
    assert {p for p in there - set(listed) if not p.startswith("decisions/")} <= REACHED_BY_LINKS


def test_the_site_is_built_without_a_warning_and_asks_no_other_host(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (make .venv/extra)")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"((?:https?:)?//[^\"]+)", page.read_text()
        )
        assert not [address for address in loaded if 'rel="canonical"' not in address], page.name


def test_the_first_run_has_as_many_measurements_and_steps_as_its_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/first-run.md").read_text(encoding="utf-8")
    campaign = Campaign(tmp_path, TINY)
    snakefile = str(ROOT / "workflow/Snakefile")  # as `ssbchar run`
    planned = re.search(
        r"^total\s+(\d+)$",
        campaign.snakemake("-n", "--cores", "1", "--snakefile", snakefile),
        flags=re.M,
    )
    assert planned
    assert set(re.findall(r"^\[\d+/(\d+) steps", page, flags=re.M)) == {planned[1]}
    assert f"good; {len(campaign.sheet()[1])} measurements" in page
