"""The report: one self-contained page, verdicts first, then figures, numbers, what was set aside,
and provenance."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import ssbchar
from ssbchar.conclusion import Conclusion
from ssbchar.results.joint.stability import TECHNIQUE_NAMES
from ssbchar.results.joint.summary import read_summary
from ssbchar.results.number_format import UNITS, format_cells, format_interval, format_value
from ssbchar.results.options import Report
from ssbchar.results.report import embed_figures, exclusions
from ssbchar.storage import raw_files as sources
from ssbchar.storage import store

LIBRARIES = (
    "numpy",
    "scipy",
    "xarray",
    "h5netcdf",
    "pandas",
    "matplotlib",
    "nmrglue",
    "pymatgen",
    "pydantic",
    "snakemake",
)
"""Libraries whose versions the report states."""
TECHNIQUES = {**TECHNIQUE_NAMES, "combined": "combined"}
QUESTIONS = {
    "stability": "Stability, combined",
    "phase_stability": "Phases (HEXRD)",
    "structure": "Structure (XAS)",
    "prelithiation": "Prelithiation (NMR)",
}
"""Quantities that are a judgement, as columns of the overview."""
GOOD_VERDICTS = ("stable", "reversible", "returned", "retained", "quantified", "ok")
POOR_VERDICTS = (
    "reacts",
    "partly",
    "changed",
    "mixed",
    "disagree",
    "doubtful",
    "set aside",
    "misfit",
    "evolving",
    "failed",
    "at_edge",
    "not_decaying",
)
"""Verdicts coloured as a finding one hopes for, or not; every other one is left grey."""


@dataclass(frozen=True)
class SampleSection:
    """What the page shows of one sample."""

    name: str
    anchor: str
    synthetic: bool
    verdicts: list[Conclusion] = field(default_factory=list)
    """Judgements, the combined ones first."""
    numbers: list[Conclusion] = field(default_factory=list)
    variants: list[Conclusion] = field(default_factory=list)
    """Values without uncertainty, limits or verdict: what another convention would have given."""
    figures: list[embed_figures.Picture] = field(default_factory=list)


@dataclass(frozen=True)
class PageContent:
    """What a page shows: of the whole run, or of one sample."""

    rows: list[Conclusion]
    contents: list[dict[str, Any]]
    """Of each ``conclusions.json``."""
    drawn: list[embed_figures.Picture]
    manifests: list[Path]
    exports: list[Path]

    @property
    def about(self) -> list[Mapping[str, Any]]:
        """Labels of all conclusions and figures."""
        return [*(c["labels"] for c in self.contents), *(p.labels for p in self.drawn)]

    def of(self, sample: str) -> PageContent:
        """Return what belongs to one sample."""
        contents = [c for c in self.contents if c["labels"].get("sample", "") == sample]
        rows = [r for r in self.rows if r.sample == sample]
        own: set[tuple[Any, ...]] = {
            (c["labels"].get("technique"), c["labels"].get("measurement")) for c in contents
        }
        own |= {
            tuple(manifest.split("/")[-3:-1])
            for r in rows
            for manifest in r.source.split(";")
            if manifest
        }
        return PageContent(
            rows,
            contents,
            [p for p in self.drawn if p.labels.get("sample", "") == sample],
            [m for m in self.manifests if (m.parent.parent.name, m.parent.name) in own],
            [e for e in self.exports if (e.parent.parent.name, e.parent.name) in own],
        )


def render_report(
    summary: Path,
    conclusions: list[Path],
    figures: list[Path],
    manifests: list[Path],
    exports: list[Path],
    options: Report,
    labels: dict[str, Any],
) -> tuple[str, dict[str, str]]:
    """Return the report as one HTML page that needs no network, and such a page of each sample by
    file name.

    Parameters
    ----------
    summary : Path
        ``summary.csv``.
    conclusions : list of Path
        The ``conclusions.json`` of every measurement.
    figures : list of Path
        Folders of figures.
    manifests : list of Path
        Tables of raw files (path, bytes, sha256), one per measurement.
    exports : list of Path
        Folders of files for other programs.
    options : Report
        Options.
    labels : dict
        ``run``; ``departures``, the run's options that differ from defaults (nested).
    """
    contents = [store.read_json(path) for path in conclusions]
    whole = PageContent(
        read_summary(summary),
        contents,
        embed_figures.embed_pictures(figures, options),
        manifests,
        exports,
    )
    names = name_pages(list_samples(whole.rows, whole.drawn))
    pages = {
        file: _render_page(whole.of(name), options, labels, "../") for name, file in names.items()
    }
    return _render_page(whole, options, labels), pages


def _render_page(
    shown: PageContent, options: Report, labels: Mapping[str, Any], up: str = ""
) -> str:
    """Return a page; `up` leads from it to the run's folder."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        cells=format_cells,
        number=format_value,
        interval=format_interval,
        plain=write_plainly,
        unit=write_unit,
        tone=choose_tone,
    )
    simulated = {str(a.get("sample", "")) for a in shown.about if int(a.get("synthetic", 0))}
    return environment.get_template("report.html.j2").render(
        title=options.title,
        run=labels.get("run", ""),
        up=up,
        style=Path(__file__).with_name("report.css").read_text(encoding="utf-8"),
        synthetic=any(int(a.get("synthetic", 0)) for a in shown.about),
        samples=group_by_sample(shown.rows, shown.drawn, simulated),
        rows=shown.rows,
        techniques=TECHNIQUES,
        questions={q: n for q, n in QUESTIONS.items() if any(r.quantity == q for r in shown.rows)},
        asides=(left := exclusions.collect_exclusions(shown.about)),
        left_out=sum(len(a.where) for a in left),
        manifests=[describe_raw_files(path) for path in shown.manifests],
        exports=[e for e in map(list_exports, shown.exports) if e["files"]],
        departures=flatten_options(labels.get("departures") or {}),
        steps=count_software(shown.contents),
        versions=list_versions(),
        here=store.find_commit(),
    )


def list_samples(rows: Sequence[Conclusion], drawn: Sequence[embed_figures.Picture]) -> list[str]:
    """Return the samples, in the order of the table."""
    return list(
        dict.fromkeys([*(r.sample for r in rows), *(p.labels.get("sample", "") for p in drawn)])
    )


def name_pages(names: Sequence[str]) -> dict[str, str]:
    """Return a file name for the page of each sample: its own name, as far as a file system takes
    it."""
    found: dict[str, str] = {}
    for i, name in enumerate(names, 1):
        file = re.sub(r"[^\w+.-]+", "_", name).strip("_.") or "no_sample_named"
        taken = {f.lower() for f in found.values()}
        found[name] = f"{file}.html" if f"{file}.html".lower() not in taken else f"{file}_{i}.html"
    return found


def group_by_sample(
    rows: Sequence[Conclusion], drawn: Sequence[embed_figures.Picture], simulated: Set[str]
) -> list[SampleSection]:
    """Return what belongs to each sample, in the order of the table; `simulated` names those with
    synthetic data."""
    found = []
    for i, name in enumerate(list_samples(rows, drawn), 1):
        own = [r for r in rows if r.sample == name]
        judged = [r for r in own if r.quantity in QUESTIONS]
        judged.sort(key=lambda r: r.technique != "combined")
        rest = [r for r in own if r.quantity not in QUESTIONS]
        bare = [
            r
            for r in rest
            if r.value is not None and not (r.verdict or r.stderr or r.lower95 or r.upper95)
        ]
        rest = [r for r in rest if r not in bare]
        figures = [p for p in drawn if p.labels.get("sample", "") == name]
        found.append(SampleSection(name, f"s{i}", name in simulated, judged, rest, bare, figures))
    return found


def write_plainly(name: str) -> str:
    """Return a name of the table as people write it."""
    return name.replace("_", " ")


def write_unit(name: str) -> str:
    """Return a unit as people write it."""
    return UNITS.get(name, name)


def choose_tone(verdict: str) -> str:
    """Return the class that colours a verdict: ``good``, ``poor`` or ``open``."""
    return "good" if verdict in GOOD_VERDICTS else "poor" if verdict in POOR_VERDICTS else "open"


def describe_raw_files(manifest: Path) -> dict[str, Any]:
    """Return the raw files of a measurement, or why there are none."""
    table = sources.read_rows(manifest)
    known = all("sha256" in row for row in table)
    return {
        "measurement": manifest.parent.name,
        "technique": manifest.parent.parent.name,
        "files": table if known else [],
        "fault": "" if known else next(iter(table[0].values())),
        "bytes": sum(int(row["bytes"]) for row in table) if known else 0,
    }


def list_exports(folder: Path) -> dict[str, Any]:
    """Return what a folder of exports holds, as paths from the report's place
    (``results/<run>/``)."""
    names = (
        sorted(
            p.name for p in folder.iterdir() if not p.name.startswith(".") and p.name != "index.txt"
        )
        if folder.is_dir()
        else []
    )
    place = "/".join(folder.parts[-3:])
    return {"measurement": folder.parent.name, "place": place, "files": names}


def flatten_options(nested: Mapping[str, Any], place: str = "") -> list[tuple[str, str]]:
    """Return nested options as pairs of dotted name and value."""
    pairs: list[tuple[str, str]] = []
    for key, value in nested.items():
        name = f"{place}.{key}".lstrip(".")
        pairs += (
            flatten_options(value, name) if isinstance(value, Mapping) else [(name, str(value))]
        )
    return pairs


def count_software(contents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return which version and commit of ssbchar made the conclusions, and of how many
    measurements."""
    counts: dict[tuple[str, str, bool], int] = {}
    for content in contents:
        made = content["provenance"]
        key = (str(made["version"]), str(made["commit"]), bool(made["dirty"]))
        counts[key] = counts.get(key, 0) + 1
    return [{"version": v, "commit": c, "dirty": d, "count": n} for (v, c, d), n in counts.items()]


def list_versions() -> list[tuple[str, str]]:
    """Return the versions of ssbchar, Python and the main libraries."""
    found = [("ssbchar", ssbchar.__version__), ("Python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
