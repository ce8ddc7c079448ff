"""One case from its files to its verdicts, in process: the steps of the rules, in their order.

``test_chain.py`` holds the steps, their inputs and options against ``workflow/rules``. Left out is
what draws, exports or describes: no verdict depends on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssbchar.campaign.config import ConfiguredRun, read_config
from ssbchar.campaign.sample_sheet import Row, split_names
from ssbchar.conclusion import Conclusion, read_rows
from ssbchar.nmr.bruker.files import has_spectrum
from ssbchar.pipeline import step
from ssbchar.results.joint.summary import join_verdicts, order_conclusions
from ssbchar.storage import store

ROOT = Path(__file__).parents[2]
"""The project: the phases file of a config is given relative to it."""


@dataclass(frozen=True, kw_only=True)
class StepOfCase:
    """One call of a step, as a rule makes it."""

    name: str
    """``room.function``."""
    inputs: Mapping[str, Sequence[Path]]
    output: Path
    stage: str = ""
    """Section of the config that its options are made of."""
    shared: str = ""
    """Section that several stages of the technique receive."""
    row: Row | None = None
    """The measurement; none for a table of phases."""
    labels: Mapping[str, str] = field(default_factory=dict)


def run_case(config: Path, folder: Path) -> list[Conclusion]:
    """Return all that is concluded of a case, the verdicts that combine techniques too.

    Parameters
    ----------
    config : Path
        Config file of the case; its sample sheet names the raw files.
    folder : Path
        Gets the outputs of all steps.
    """
    run = read_config(config)
    concluded = []
    for call in list_steps(run, folder):
        call.output.parent.mkdir(parents=True, exist_ok=True)
        step.run_step(
            call.name,
            call.inputs,
            call.output,
            _list_options(run, call),
            _list_labels(call),
        )
        if call.output.name in ("conclusions.json", "processed.json"):
            concluded.append(call.output)
    found = [c for path in concluded for c in read_rows(store.read_json(path)["conclusions"])]
    return order_conclusions([*found, *join_verdicts(found)])


def _list_options(run: ConfiguredRun, call: StepOfCase) -> dict[str, object]:
    if not call.stage:
        return {}
    return run.options(call.stage, call.row.measurement if call.row else "", call.shared)


def _list_labels(call: StepOfCase) -> dict[str, str]:
    if call.row is None:
        return dict(call.labels)
    about = {k: getattr(call.row, k) for k in ("measurement", "sample", "technique", "role")}
    return {**about, "source": call.row.measurement}


def list_steps(run: ConfiguredRun, folder: Path) -> Iterator[StepOfCase]:
    """Yield the steps of a run, each after those whose outputs it needs.

    Parameters
    ----------
    run : ConfiguredRun
        The case.
    folder : Path
        Of all outputs.
    """
    yield from _list_hexrd_steps(run, folder)
    yield from _list_xas_steps(run, folder)
    yield from _list_nmr_steps(run, folder)


def _select_rows(run: ConfiguredRun, technique: str, *roles: str) -> list[Row]:
    """Return the measurements of a technique, of the given roles or all."""
    return [
        row for row in run.rows if row.technique == technique and (not roles or row.role in roles)
    ]


def _list_hexrd_steps(run: ConfiguredRun, folder: Path) -> Iterator[StepOfCase]:
    series = [row for row in _select_rows(run, "hexrd", "series") if row.phases]
    specimens = [row for row in _select_rows(run, "hexrd", "pristine", "cycled") if row.phases]
    table = Path(run.config.phases)
    phases = {phase for row in [*series, *specimens] for phase in split_names(row.phases)}
    for phase in sorted(phases):
        yield StepOfCase(
            name="crystal.tabulate_reflections",
            inputs={"table": [table]},
            output=folder / "phases" / f"{phase}.nc",
            stage="hexrd.phases",
            labels={"run": run.config.run, "phase": phase},
        )
    compared = any(row.compare_to for row in specimens)
    libraries = {"phases.nc": bool(series) or compared, "products.nc": compared}
    for name, source in (("phases.nc", table), ("products.nc", Path(run.config.products))):
        if libraries[name]:
            yield StepOfCase(
                name="crystal.tabulate_library",
                inputs={"table": [source]},
                output=folder / name,
                stage="hexrd.phases",
                labels={"run": run.config.run},
            )
    for row in series:
        yield from _list_fit_steps(row, folder)
        yield from _list_series_steps(row, folder)
    for row in specimens:
        yield from _list_fit_steps(row, folder)
    for row in specimens:
        yield from _list_specimen_steps(row, folder)


def _list_fit_steps(row: Row, folder: Path) -> Iterator[StepOfCase]:
    """Yield the steps from the patterns of a series or a specimen to its refinement."""
    where = folder / "hexrd" / row.measurement
    patterns, furnace, lattice = (where / f"{n}.nc" for n in ("patterns", "furnace", "lattice"))
    phases = [folder / "phases" / f"{phase}.nc" for phase in split_names(row.phases)]
    log = {"log": [Path(row.log)]} if row.log else {}
    both = {"patterns": [patterns], "furnace": [furnace]}
    yield StepOfCase(
        name="hexrd.patterns.read_patterns",
        inputs={"source": [Path(row.path)]},
        output=patterns,
        stage="hexrd.read",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.furnace.join_temperatures",
        inputs={"patterns": [patterns], **log},
        output=furnace,
        stage="hexrd.furnace",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.peaks.fit_known_lines",
        inputs={**both, "phases": phases},
        output=where / "peaks.nc",
        stage="hexrd.track",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.refinement.refine_series",
        inputs={**both, "phases": phases},
        output=lattice,
        stage="hexrd.refine",
        row=row,
    )


def _list_specimen_steps(row: Row, folder: Path) -> Iterator[StepOfCase]:
    """Yield what is concluded of a specimen ex situ, and of its pair."""
    where = folder / "hexrd" / row.measurement
    own = {name: [where / f"{name}.nc"] for name in ("patterns", "lattice", "furnace", "peaks")}
    pristine = {
        f"pristine_{name}": [folder / "hexrd" / other / f"{name}.nc"]
        for other in split_names(row.compare_to)
        for name in own
    }
    lines = {}
    if row.compare_to:
        inputs = {key: files for key, files in {**own, **pristine}.items() if "peaks" not in key}
        yield StepOfCase(
            name="hexrd.pairs.find_new_lines",
            inputs=inputs,
            output=where / "new_lines.nc",
            stage="hexrd.candidates",
            row=row,
        )
        yield StepOfCase(
            name="hexrd.pairs.name_new_lines",
            inputs={
                "new_lines": [where / "new_lines.nc"],
                "library": [folder / "phases.nc"],
                "products": [folder / "products.nc"],
            },
            output=where / "new_lines.json",
            stage="hexrd.candidates",
            row=row,
        )
        lines = {"new_lines": [where / "new_lines.json"]}
    phases = [folder / "phases" / f"{phase}.nc" for phase in split_names(row.phases)]
    yield StepOfCase(
        name="hexrd.pairs.conclude_measurement",
        inputs={**own, "phases": phases, **pristine, **lines},
        output=where / "conclusions.json",
        stage="hexrd.stability",
        shared="hexrd.pair",
        row=row,
    )


def _list_series_steps(row: Row, folder: Path) -> Iterator[StepOfCase]:
    """Yield what is made of the refinement of one series of patterns."""
    where = folder / "hexrd" / row.measurement
    patterns, furnace, lattice = (where / f"{n}.nc" for n in ("patterns", "furnace", "lattice"))
    tracks, library = where / "tracks.nc", folder / "phases.nc"
    phases = [folder / "phases" / f"{phase}.nc" for phase in split_names(row.phases)]
    fitted = {"lattice": [lattice], "furnace": [furnace]}
    yield StepOfCase(
        name="hexrd.expansion.fit_expansion",
        inputs=fitted,
        output=where / "expansion.nc",
        stage="hexrd.expansion",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.onset.find_onsets",
        inputs=fitted,
        output=where / "onset.json",
        stage="hexrd.onset",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.unindexed.follow_lines",
        inputs={"patterns": [patterns], **fitted},
        output=tracks,
        stage="hexrd.candidates",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.unindexed.identify_phases",
        inputs={"tracks": [tracks], "furnace": [furnace], "library": [library]},
        output=where / "candidates.json",
        stage="hexrd.candidates",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.time_course.fit_time_course",
        inputs={**fitted, "peaks": [where / "peaks.nc"]},
        output=where / "time_course.nc",
        stage="hexrd.time_course",
        row=row,
    )
    yield StepOfCase(
        name="hexrd.verdict.conclude_series",
        inputs={
            **fitted,
            "expansion": [where / "expansion.nc"],
            "onset": [where / "onset.json"],
            "peaks": [where / "peaks.nc"],
            "candidates": [where / "candidates.json"],
            "tracks": [where / "tracks.nc"],
            "patterns": [where / "patterns.nc"],
            "time_course": [where / "time_course.nc"],
            "library": [library],
            "phases": phases,
        },
        output=where / "conclusions.json",
        stage="hexrd.stability",
        row=row,
    )


def _list_xas_steps(run: ConfiguredRun, folder: Path) -> Iterator[StepOfCase]:
    rows = _select_rows(run, "xas", "pristine", "cycled", "reference")

    def place(measurement: str, file: str) -> Path:
        return folder / "xas" / measurement / file

    def pristine_of(row: Row, file: str) -> list[Path]:
        return [place(name, file) for name in split_names(row.compare_to)]

    for row in rows:
        yield StepOfCase(
            name="xas.scans.read_scans",
            inputs={"source": [Path(row.path)]},
            output=place(row.measurement, "scans.nc"),
            stage="xas.read",
            row=row,
        )
    for row in rows:
        yield StepOfCase(
            name="xas.calibration.calibrate_energy",
            inputs={
                "scans": [place(row.measurement, "scans.nc")],
                "standard": pristine_of(row, "scans.nc"),
            },
            output=place(row.measurement, "calibrated.nc"),
            stage="xas.calibrate",
            row=row,
        )
        yield StepOfCase(
            name="xas.normalisation.normalise_spectra",
            inputs={"calibrated": [place(row.measurement, "calibrated.nc")]},
            output=place(row.measurement, "normalised.nc"),
            stage="xas.normalise",
            row=row,
        )
    for row in rows:
        if row.role == "reference":
            continue
        normalised = place(row.measurement, "normalised.nc")
        inputs = {"normalised": [normalised]}
        yield StepOfCase(
            name="xas.exafs.extract_exafs",
            inputs=inputs,
            output=place(row.measurement, "exafs.nc"),
            stage="xas.exafs",
            shared="xas.window",
            row=row,
        )
        concluded = {**inputs, "exafs": [place(row.measurement, "exafs.nc")]}
        if row.compare_to:
            yield StepOfCase(
                name="xas.comparison.compare_pair",
                inputs={"pristine": pristine_of(row, "normalised.nc"), "cycled": [normalised]},
                output=place(row.measurement, "comparison.nc"),
                stage="xas.compare",
                shared="xas.window",
                row=row,
            )
            concluded["comparison"] = [place(row.measurement, "comparison.nc")]
        components = split_names(f"{row.compare_to},{row.reference}")
        if row.reference and len(components) > 1:
            yield StepOfCase(
                name="xas.series.fit_mixture",
                inputs={
                    "normalised": [normalised],
                    "references": [place(name, "normalised.nc") for name in components],
                },
                output=place(row.measurement, "mixture.nc"),
                stage="xas.mixture",
                row=row,
            )
            concluded["mixture"] = [place(row.measurement, "mixture.nc")]
        yield StepOfCase(
            name="xas.comparison.conclude_measurement",
            inputs=concluded,
            output=place(row.measurement, "conclusions.json"),
            stage="xas.compare",
            row=row,
        )


def _list_nmr_steps(run: ConfiguredRun, folder: Path) -> Iterator[StepOfCase]:
    rows = _select_rows(run, "nmr")
    # A series of pure Li is fitted first: the samples' share its decay.
    decays = _select_rows(run, "nmr", "reference_decay") + _select_rows(run, "nmr", "decay")
    references = [row.measurement for row in rows if row.role == "reference_decay"]
    with_spectrum = {row.sample for row in rows if row.role == "spectrum"}

    def place(row: Row | str, file: str) -> Path:
        name = row if isinstance(row, str) else row.measurement
        return folder / "nmr" / name / file

    def same_sample(row: Row, file: str, *roles: str) -> list[Path]:
        return [
            place(other, file)
            for other in rows
            if other.sample == row.sample
            and other.role in roles
            and other.measurement != row.measurement
        ]

    def own_decay(row: Row) -> list[Path]:
        if row in decays:
            return [place(row, "decay.nc")]
        return same_sample(row, "decay.nc", "decay", "reference_decay")[:1]

    for row in rows:
        is_series, is_relaxation = row.role == "series", row.role == "relaxation"
        yield StepOfCase(
            name="nmr.bruker.read_time_series" if is_series else "nmr.bruker.read_fid",
            inputs={"source": [Path(row.path)]},
            output=place(row, "fid.nc"),
            stage="nmr.read",
            row=row,
        )
        if is_relaxation:
            yield StepOfCase(
                name="nmr.relaxation.select_strong_slices",
                inputs={"fid": [place(row, "fid.nc")]},
                output=place(row, "strong.nc"),
                row=row,
            )
        fitted = place(row, "strong.nc" if is_relaxation else "fid.nc")
        yield StepOfCase(
            name="nmr.lineshape.fit_lines",
            inputs={"fid": [fitted]},
            output=place(row, "lines.nc"),
            stage="nmr.lines",
            shared="nmr.regions",
            row=row,
        )
        yield StepOfCase(
            name="nmr.lineshape.integrate_windows",
            inputs={"fid": [fitted], "lines": [place(row, "lines.nc")]},
            output=place(row, "spectrum.nc"),
            stage="nmr.spectrum",
            shared="nmr.regions",
            row=row,
        )
    for row in decays:
        shared = [name for name in split_names(row.reference) if name in references]
        yield StepOfCase(
            name="nmr.decay.fit_decay",
            inputs={
                "series": [place(row, "lines.nc")],
                "reference_decay": [place(name, "decay.nc") for name in shared],
            },
            output=place(row, "decay.nc"),
            stage="nmr.decay",
            row=row,
        )
    for row in rows:
        yield from _list_course_steps(row, folder)
    for row in rows:
        both = {"lines": [place(row, "lines.nc")], "spectrum": [place(row, "spectrum.nc")]}
        if row.role == "spectrum" or (row.role == "decay" and row.sample not in with_spectrum):
            yield StepOfCase(
                name="nmr.quantification.quantify_fractions",
                inputs={
                    **both,
                    "decay": own_decay(row),
                    "repeats": same_sample(row, "lines.nc", "repeat"),
                    "relaxations": same_sample(row, "relaxation.nc", "relaxation"),
                },
                output=place(row, "conclusions.json"),
                stage="nmr.quantify",
                shared="nmr.regions",
                row=row,
            )
        if row.role == "reference":
            yield StepOfCase(
                name="nmr.quantification.measure_leakage",
                inputs={"lines": both["lines"]},
                output=place(row, "conclusions.json"),
                row=row,
            )
        if row.role in ("spectrum", "reference") and has_spectrum(Path(row.path)):
            yield StepOfCase(
                name="nmr.topspin_check.compare_with_topspin",
                inputs={"source": [Path(row.path)], "fid": [place(row, "fid.nc")]},
                output=place(row, "processed.json"),
                stage="nmr.processed",
                shared="nmr.regions",
                row=row,
            )


def _list_course_steps(row: Row, folder: Path) -> Iterator[StepOfCase]:
    """Yield the steps of a series in time, or of a relaxation series, from its lines to rows."""
    where = folder / "nmr" / row.measurement
    fid, lines = {"fid": [where / "fid.nc"]}, {"lines": [where / "lines.nc"]}
    match row.role:
        case "series":
            yield StepOfCase(
                name="nmr.time_course.follow_shares",
                inputs={**fid, **lines, "spectrum": [where / "spectrum.nc"]},
                output=where / "time_course.nc",
                stage="nmr.time_course",
                row=row,
            )
            yield StepOfCase(
                name="nmr.time_course.conclude_time_course",
                inputs={"time_course": [where / "time_course.nc"]},
                output=where / "conclusions.json",
                stage="nmr.time_course",
                row=row,
            )
        case "relaxation":
            yield StepOfCase(
                name="nmr.relaxation.fit_relaxation",
                inputs={**fid, **lines},
                output=where / "relaxation.nc",
                stage="nmr.relaxation",
                shared="nmr.regions",
                row=row,
            )
            yield StepOfCase(
                name="nmr.relaxation.conclude_relaxation",
                inputs={"relaxation": [where / "relaxation.nc"]},
                output=where / "conclusions.json",
                row=row,
            )


def describe_rows(conclusions: Sequence[Conclusion]) -> list[dict[str, object]]:
    """Return conclusions as dictionaries for the results file; what is empty is left out.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one case.
    """
    from ssbchar.conclusion import convert_to_rows

    dropped = ("method", "source")
    return [
        {k: v for k, v in row.items() if v not in (None, "") and k not in dropped}
        for row in json.loads(json.dumps(convert_to_rows(conclusions)))
    ]
