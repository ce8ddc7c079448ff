"""The report: one self-contained page with verdicts, figures, numbers, exclusions, provenance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.conclusion import Conclusion
from ssbchar.results.joint.stability import split_sources
from ssbchar.results.joint.summary import read_summary
from ssbchar.results.number_format import UNITS, format_cells, format_interval, format_value
from ssbchar.results.options import Report
from ssbchar.results.report import closer_look, exclusions
from ssbchar.results.report.embed_figures import Picture, embed_pictures
from ssbchar.results.report.evidence import Evidence, collect_evidence
from ssbchar.results.report.methods import write_citation, write_methods
from ssbchar.results.run_description import count_software, flatten_options, list_versions
from ssbchar.storage import raw_files, store
from ssbchar.technique import TECHNIQUE_NAMES, Technique
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    from jinja2 import Environment

TECHNIQUES = {**TECHNIQUE_NAMES, Technique.COMBINED: "combined"}
QUESTIONS = {
    "stability": "Stability, combined",
    "phase_stability": "Phases (HEXRD)",
    "structure": "Structure (XAS)",
    "prelithiation": "Prelithiation (NMR)",
}
"""Quantities that are a judgement, as columns of the overview."""
SYNONYMS = (
    (("a", "b", "c", "alpha", "beta", "gamma", "cell"), "lattice parameter constant cell axis"),
    (("volume",), "cell volume lattice"),
    (("expansion",), "CTE thermal expansion coefficient"),
    (("rwp", "gof", "misfit", "explained"), "Rwp R-factor goodness of fit GOF residual"),
    (("onset", "end"), "decomposition reaction start temperature"),
    (("edge", "shift"), "oxidation state valence E0"),
    (("shell", "loss"), "coordination number EXAFS amplitude"),
    (("share", "fraction", "alloyed", "prelithiation"), "percentage content quantity"),
    (("detection", "limit"), "LOD upper bound"),
    (("t2", "decay"), "relaxation T2* dephasing"),
    (("structure",), "EXAFS coordination local order"),
    (("phase",), "crystalline phases XRD diffraction"),
)
"""Words by which people look for quantities, beside those of the table's names."""
GOOD_VERDICTS = (
    Verdict.STABLE,
    Verdict.UNCHANGED,
    Verdict.REVERSIBLE,
    Verdict.RETURNED,
    Verdict.RETAINED,
    Verdict.QUANTIFIED,
    Verdict.OK,
)
"""Verdicts coloured as a finding one hopes for."""
POOR_VERDICTS = (
    Verdict.REACTS,
    Verdict.PARTLY,
    Verdict.CHANGED,
    Verdict.MIXED,
    Verdict.DISAGREE,
    Verdict.DOUBTFUL,
    Verdict.SET_ASIDE,
    Verdict.MISFIT,
    Verdict.EVOLVING,
    Verdict.FAILED,
    Verdict.AT_EDGE,
    Verdict.NOT_DECAYING,
)
"""Verdicts coloured as the opposite; every other one is grey."""


@dataclass(frozen=True, kw_only=True)
class SampleSection:
    """What the page shows of one sample."""

    name: str
    anchor: str
    synthetic: bool
    verdicts: list[Conclusion]
    """Judgements, the combined ones first."""
    numbers: list[Conclusion]
    variants: list[Conclusion]
    """Values without uncertainty, limits or verdict: what another convention would give."""
    figures: list[Picture]
    evidence: list[Evidence]


@dataclass(frozen=True, kw_only=True)
class RawMeasurement:
    """The raw files of a measurement."""

    measurement: str
    technique: str
    files: list[dict[str, str]]
    """``path``, ``bytes`` and ``sha256`` of each; none if there is a fault."""
    fault: str
    """Why there are none."""
    bytes: int
    """Size of all."""


@dataclass(frozen=True, kw_only=True)
class ExportFolder:
    """Files of a measurement for other programs."""

    measurement: str
    place: str
    """The folder, relative to the report."""
    files: list[str]


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What a page shows: of the whole run, or of one sample."""

    rows: list[Conclusion]
    contents: list[dict[str, Any]]
    """Of each ``conclusions.json``."""
    pictures: list[Picture]
    manifests: list[Path]
    exports: list[Path]
    evidence: list[Evidence]
    lost: list[Mapping[str, Any]]
    """Labels of the folders of figures and exports that have no result."""

    @property
    def labels(self) -> list[Mapping[str, Any]]:
        """Labels of all conclusions and figures, and of folders without a result."""
        made = [*(c["labels"] for c in self.contents), *(p.labels for p in self.pictures)]
        return [*made, *self.lost]

    def select_sample(self, sample: str) -> PageContent:
        """Return what belongs to one sample.

        Raw files and exports follow from the sources of its rows, since a row may rest on
        measurements of another sample (a reference).

        Parameters
        ----------
        sample : str
        """
        contents = [c for c in self.contents if c["labels"].get("sample", "") == sample]
        rows = [row for row in self.rows if row.sample == sample]
        measured: set[tuple[Any, ...]] = {
            (c["labels"].get("technique"), c["labels"].get("measurement")) for c in contents
        }
        for row in rows:
            measured |= {tuple(source.split("/")[-3:-1]) for source in split_sources(row.source)}
        return PageContent(
            rows=rows,
            contents=contents,
            pictures=[p for p in self.pictures if p.labels.get("sample", "") == sample],
            manifests=[path for path in self.manifests if _name_measurement(path) in measured],
            exports=[path for path in self.exports if _name_measurement(path) in measured],
            evidence=[one for one in self.evidence if one.sample == sample],
            lost=[label for label in self.lost if label.get("sample", "") == sample],
        )


def _name_measurement(path: Path) -> tuple[str, str]:
    """Return technique and measurement of a file or folder of a measurement."""
    return path.parent.parent.name, path.parent.name


def render_report(
    summary: Path,
    conclusions: list[Path],
    figures: list[Path],
    manifests: list[Path],
    exports: list[Path],
    options: Report,
    labels: dict[str, Any],
    evidence: list[Path] | None = None,
) -> tuple[str, dict[str, str]]:
    """Return the report as one HTML page that needs no network, and a page of each sample.

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
        Title and limits of size [kB, MB].
    labels : dict
        ``run``; ``departures``, the run's options that differ from defaults (nested).
    evidence : list of Path, optional
        Tables of the steps that say how each measurement was made and fitted, and those of the
        phases.

    Returns
    -------
    page : str
    pages : dict of str
        Page of each sample by file name.
    """
    content = PageContent(
        rows=read_summary(summary),
        contents=[store.read_json(path) for path in conclusions],
        pictures=embed_pictures(figures, options),
        manifests=manifests,
        exports=exports,
        evidence=collect_evidence(evidence or [], options),
        lost=exclusions.read_folder_labels([*figures, *exports]),
    )
    # Pages of samples lie in a folder of their own below the run's.
    pages = {}
    for sample, file in name_pages(list_samples(content.rows, content.pictures)).items():
        of_sample = content.select_sample(sample)
        pages[file] = _render_page(of_sample, options, labels, to_run_folder="../")
    return _render_page(content, options, labels), pages


def _render_page(
    content: PageContent, options: Report, labels: Mapping[str, Any], to_run_folder: str = ""
) -> str:
    """Return a page; `to_run_folder` leads from its place to the run's folder."""
    synthetic = [label for label in content.labels if int(label.get("synthetic", 0))]
    simulated = {str(label.get("sample", "")) for label in synthetic}
    excluded = exclusions.collect_exclusions(content.labels)
    # A question that no measurement asked has no column.
    asked = {row.quantity for row in content.rows}
    folders = [list_exports(folder) for folder in content.exports]
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    curves = [picture for picture in content.pictures if picture.curves]
    library, library_style = closer_look.read_library() if curves else ("", "")
    template = _make_environment().get_template("report.html.j2")
    return template.render(
        curves=curves,
        library=library,
        library_style=library_style,
        title=options.title,
        run=labels.get("run", ""),
        to_run_folder=to_run_folder,
        style=style,
        synthetic=bool(synthetic),
        samples=group_by_sample(content, simulated),
        rows=content.rows,
        techniques=TECHNIQUES,
        questions={quantity: name for quantity, name in QUESTIONS.items() if quantity in asked},
        exclusions=excluded,
        failed=exclusions.list_failed(content.labels),
        excluded_inputs=sum(len(one.where) for one in excluded),
        manifests=[describe_raw_files(path) for path in content.manifests],
        exports=[folder for folder in folders if folder.files],
        departures=flatten_options(labels.get("departures") or {}),
        software=count_software(content.contents),
        versions=list_versions(),
        here=store.find_commit(),
        methods=write_methods(
            [str(c["labels"].get("technique", "")) for c in content.contents],
            labels.get("departures") or {},
        ),
        citation=write_citation(store.find_commit()["commit"]),
        cite=options.cite,
    )


def _make_environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        # A misspelt name stops the step instead of leaving a gap in the page.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        cells=format_cells,
        number=format_value,
        interval=format_interval,
        plain=write_plainly,
        sources=split_sources,
        synonyms=list_synonyms,
        tone=choose_tone,
        unit=write_unit,
    )
    return environment


def list_synonyms(quantity: str) -> str:
    """Return other words by which a quantity of the table is looked for.

    Parameters
    ----------
    quantity : str
        Its name in the table.
    """
    words = set(re.split(r"[\W_]+", quantity.lower()))
    return " ".join(
        text
        for keys, text in SYNONYMS
        if quantity in keys or any(key in words for key in keys if len(key) > 1)
    )


def list_samples(rows: Sequence[Conclusion], pictures: Sequence[Picture]) -> list[str]:
    """Return the samples, in the order of the table.

    Parameters
    ----------
    rows : sequence of Conclusion
    pictures : sequence of Picture
    """
    drawn = (picture.labels.get("sample", "") for picture in pictures)
    return list(dict.fromkeys([*(row.sample for row in rows), *drawn]))


def name_pages(samples: Sequence[str]) -> dict[str, str]:
    """Return a file name for the page of each sample: its name, as far as file systems allow it.

    Parameters
    ----------
    samples : sequence of str
    """
    names: dict[str, str] = {}
    for i, sample in enumerate(samples, 1):
        stem = re.sub(r"[^\w+.-]+", "_", sample).strip("_.") or "no_sample_named"
        # Some file systems do not tell capitals from small letters.
        taken = {name.lower() for name in names.values()}
        free = f"{stem}.html".lower() not in taken
        names[sample] = f"{stem}.html" if free else f"{stem}_{i}.html"
    return names


def group_by_sample(content: PageContent, simulated: Set[str]) -> list[SampleSection]:
    """Return what belongs to each sample, in the order of the table.

    Parameters
    ----------
    content : PageContent
    simulated : set of str
        Samples with synthetic data.
    """
    rows, pictures = content.rows, content.pictures
    sections = []
    for i, sample in enumerate(list_samples(rows, pictures), 1):
        of_sample = [row for row in rows if row.sample == sample]
        # The combined verdict answers the question, those of the techniques explain it.
        verdicts = [row for row in of_sample if row.quantity in QUESTIONS]
        others = [row for row in of_sample if row.quantity not in QUESTIONS]
        sections.append(
            SampleSection(
                name=sample,
                anchor=f"s{i}",
                synthetic=sample in simulated,
                verdicts=sorted(verdicts, key=lambda row: row.technique != Technique.COMBINED),
                numbers=[row for row in others if not _is_variant(row)],
                variants=[row for row in others if _is_variant(row)],
                figures=[p for p in pictures if p.labels.get("sample", "") == sample],
                evidence=[one for one in content.evidence if one.sample == sample],
            )
        )
    return sections


def _is_variant(row: Conclusion) -> bool:
    """Return whether a row is a value alone, as another convention would give it."""
    return row.value is not None and not (row.verdict or row.stderr or row.lower95 or row.upper95)


def write_plainly(name: str) -> str:
    """Return a name of the table as people write it.

    Parameters
    ----------
    name : str
    """
    return name.replace("_", " ")


def write_unit(name: str) -> str:
    """Return a unit as people write it.

    Parameters
    ----------
    name : str
        UDUNITS name, such as ``angstrom``.
    """
    return UNITS.get(name, name)


def choose_tone(verdict: str) -> str:
    """Return the class that colours a verdict: ``good``, ``poor`` or ``open``.

    Parameters
    ----------
    verdict : str
    """
    if verdict in GOOD_VERDICTS:
        return "good"
    return "poor" if verdict in POOR_VERDICTS else "open"


def describe_raw_files(manifest: Path) -> RawMeasurement:
    """Return the raw files of a measurement, or why there are none.

    Parameters
    ----------
    manifest : Path
        ``<technique>/<measurement>/manifest.csv``.
    """
    table = raw_files.read_rows(manifest)
    technique, measurement = _name_measurement(manifest)
    hashed = all("sha256" in row for row in table)
    return RawMeasurement(
        measurement=measurement,
        technique=technique,
        files=table if hashed else [],
        # A manifest that could not be made holds the reason in its only cell.
        fault="" if hashed else next(iter(table[0].values())),
        bytes=sum(int(row["bytes"]) for row in table) if hashed else 0,
    )


def list_exports(folder: Path) -> ExportFolder:
    """Return the files for other programs in a folder, and its place below ``results/<run>/``.

    Parameters
    ----------
    folder : Path
        ``<technique>/<measurement>/export``; it may be missing.
    """
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if exclusions.read_folder_labels([folder]):
        names = []
    return ExportFolder(
        measurement=folder.parent.name,
        place="/".join(folder.parts[-3:]),
        files=sorted(n for n in names if not n.startswith(".") and n != "index.txt"),
    )
