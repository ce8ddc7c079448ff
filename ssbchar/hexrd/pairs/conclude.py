"""Every row of a specimen measured ex situ: its cells and breadths, and, of a cycled one, what has
changed against the pristine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Decision, Estimate, decide_equality, decide_presence
from ssbchar.hexrd.pairs import cells, intensities, line_ratios, sentences
from ssbchar.hexrd.pairs.cells import ComparedCells, MeanCell, Specimen
from ssbchar.hexrd.pairs.line_cells import compare_by_lines, estimate_form_error
from ssbchar.hexrd.pairs.line_ratios import SpecimenLines
from ssbchar.hexrd.pairs.options import DEFAULT_PAIR, Pair
from ssbchar.hexrd.pairs.structure_verdict import Judged, PairEvidence, judge_structure
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.verdict import quality_rows
from ssbchar.hexrd.verdict.cell_scale_check import check_cell_scale
from ssbchar.hexrd.verdict.common_change import CommonChange, describe_beam_path
from ssbchar.hexrd.verdict.line_area import (
    ExplainedArea,
    conclude_explained_area,
    measure_explained_area,
)
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, read_length_scale_stderr
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

PERCENT = 100.0
AS_MEASURED = "as measured"
AGAINST = "against pristine"
VOLUME_SHARE = 3.0
"""A volume changes three times as much as its lengths."""
ALONE = ("new_lines", "lost_lines")
"""Quantities of lines that one of both has alone."""


@dataclass(frozen=True, kw_only=True)
class MeasuredSpecimen:
    """One measurement of a pair with everything that is drawn from it."""

    specimen: Specimen
    lines: SpecimenLines
    explained: ExplainedArea


def conclude_measurement(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    peaks: xr.Dataset,
    patterns: xr.Dataset,
    phases: list[xr.Dataset],
    pristine_lattice: xr.Dataset | None,
    pristine_furnace: xr.Dataset | None,
    pristine_peaks: xr.Dataset | None,
    pristine_patterns: xr.Dataset | None,
    new_lines: Iterable[Conclusion] | None,
    options: Stability,
    labels: dict[str, str],
    *,
    pair: Pair = DEFAULT_PAIR,
) -> list[Conclusion]:
    """Return the rows of one specimen (docs/data-model.md, headline quantities of ``hexrd``).

    Parameters
    ----------
    lattice, furnace, peaks, patterns : Dataset
        Refined cells [angstrom, degree], temperatures [degC], known lines and patterns, over the
        same frames.
    phases : list of Dataset
        Tables of the phases of the row.
    pristine_lattice, pristine_furnace, pristine_peaks, pristine_patterns : Dataset or None
        Of the pristine specimen, where this one is compared with one.
    new_lines : iterable of Conclusion or None
        What the lines that one of both has alone may be.
    options : Stability
        The internal standard, the displacement that is possible [mm], limits of a misfit [percent].
    labels : dict of str
        ``sample`` and ``source`` of the rows.
    pair : Pair
        Tolerances of the comparison [percent].
    """
    sample, source = labels.get("sample", ""), labels.get("source", "")
    known = {str(table.attrs["phase"]): table for table in phases}
    own = _gather(lattice, furnace, peaks, patterns, options)
    rows = _describe_specimen(own, known, sample, options)
    others = (pristine_lattice, pristine_furnace, pristine_peaks, pristine_patterns)
    if all(part is not None for part in others):
        pristine = _gather(*others, options)  # type: ignore[arg-type]
        rows += compare_specimens(pristine, own, list(new_lines or ()), sample, options, pair)
    rows += [replace(row, subject=sample) for row in quality_rows.list_reading_notes(furnace)]
    return [replace(row, sample=sample, technique="hexrd", source=source) for row in rows]


def _gather(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    peaks: xr.Dataset,
    patterns: xr.Dataset,
    options: Stability,
) -> MeasuredSpecimen:
    """Return a measurement with the frames that stand for it."""
    explained = measure_explained_area(peaks, lattice, None, options)
    frames = cells.select_frames(furnace, lattice, explained.misfit)
    distance = float(patterns.attrs.get("distance", "nan"))
    return MeasuredSpecimen(
        specimen=Specimen(
            lattice=lattice,
            furnace=furnace,
            frames=frames,
            is_fitted=bool(frames.size) and explained.holds_in(frames),
            distance=1e3 * distance if np.isfinite(distance) and distance > 0 else None,
        ),
        lines=SpecimenLines(peaks=peaks, frames=frames),
        explained=explained,
    )


# One specimen --------------------------------------------------------------------------------


def _describe_specimen(
    own: MeasuredSpecimen, known: dict[str, xr.Dataset], sample: str, options: Stability
) -> list[Conclusion]:
    """Return the rows of a specimen by itself."""
    specimen, rows = own.specimen, []
    scale = read_length_scale_stderr(specimen.lattice)
    references: dict[str, ReferenceCell] = {}
    for p, name in enumerate(specimen.phases):
        cell = cells.average_cell(specimen, name)
        of_phase = [] if cell is None else _build_cell_rows(cell, specimen, scale)
        if cell is not None:
            references[name] = _as_reference(cell, scale, is_fitted=specimen.is_fitted)
        of_phase += quality_rows.list_phase_notes(known.get(name))
        of_phase += quality_rows.count_refined_frames(specimen.lattice, p)
        of_phase += _summarise_breadths(own.lines, name)
        rows += [replace(row, subject=name) for row in of_phase]
    rows += detection_limits.limit_absent_phases(specimen.lattice, known)
    about_all = (
        check_cell_scale(references, known, options, scale),
        conclude_explained_area(own.explained),
    )
    return rows + [replace(row, subject=sample) for row in about_all]


def _build_cell_rows(cell: MeanCell, specimen: Specimen, scale: float) -> list[Conclusion]:
    reason = sentences.describe_cell(cell, is_fitted=specimen.is_fitted, scale_stderr=scale)
    return [
        Conclusion(
            cells.QUANTITIES[place],
            value=float(cell.value[place]),
            stderr=float(cell.stderr[place]),
            systematic=float(scale * cells.POWER_OF_LENGTH[place] * cell.value[place]),
            unit=cells.UNITS[place],
            verdict=Verdict.OK if specimen.is_fitted else Verdict.MISFIT,
            reason=reason,
            method=sentences.CELL_METHOD,
            condition=AS_MEASURED,
        )
        for place in cell.free
        if place not in cells.RATIOS
    ]


def _as_reference(cell: MeanCell, scale: float, *, is_fitted: bool) -> ReferenceCell:
    """Return a cell as the check of the wavelength takes it."""
    count = cells.VOLUME + 1
    return ReferenceCell(
        value=cell.value[:count],
        stderr=cell.stderr[:count],
        common=np.zeros(count),
        systematic=np.abs(scale * cells.POWER_OF_LENGTH * cell.value)[:count],
        frames=cell.frames,
        scatter=cell.scatter,
        is_fitted=is_fitted,
    )


def _summarise_breadths(lines: SpecimenLines, name: str) -> list[Conclusion]:
    """Return inverse apparent size [1/nm] and microstrain [percent] of a phase."""
    instrument = float(lines.peaks.attrs.get("instrument_breadth", 0.0))
    rows = []
    for breadth in quality_rows.BREADTHS:
        mean = line_ratios.average_breadth(lines, name, breadth.variable)
        if mean is None:
            continue
        corrected = f"corrected for the instrument's {instrument:g} degree"
        kept = "the instrument's breadth is included"
        rows.append(
            Conclusion(
                breadth.variable,
                value=breadth.factor * mean.value,
                stderr=breadth.factor * mean.stderr,
                unit=breadth.unit,
                verdict=Verdict.OK if instrument > 0 else Verdict.UPPER_LIMIT,
                reason=f"{mean.frames} frames; {corrected if instrument > 0 else kept}",
                method=sentences.WILLIAMSON_HALL_METHOD,
                condition=AS_MEASURED,
            )
        )
    return rows


# The pair ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Equality:
    """A comparison before the number of all is known."""

    name: str
    estimate: Estimate
    bound: float
    reference: float
    unit: str
    """As it is printed."""
    scale: float
    row: Conclusion
    """Without numbers and verdict."""
    words: Sequence[object] = ()
    """What its reason rests on."""


def compare_specimens(
    pristine: MeasuredSpecimen,
    cycled: MeasuredSpecimen,
    lines: Sequence[Conclusion],
    sample: str,
    options: Stability,
    pair: Pair,
) -> list[Conclusion]:
    """Return the rows of a pair: what changed of every phase, what is new, and the verdict.

    Parameters
    ----------
    pristine, cycled : MeasuredSpecimen
    lines : sequence of Conclusion
        Lines that one of both has alone.
    sample : str
    options : Stability
    pair : Pair
        Tolerances [percent].
    """
    has_standard = all(options.standard in one.specimen.present for one in (pristine, cycled))
    standard = options.standard if has_standard else ""
    distance = cycled.specimen.distance or pristine.specimen.distance
    path = describe_beam_path(distance, options, standard=standard)
    found = cells.compare_cells(
        pristine.specimen,
        cycled.specimen,
        path,
        expansion=pair.expansion,
        temperature_apart=pair.temperature_apart,
    )
    one_setup = cells.is_one_setup(pristine.specimen, cycled.specimen)
    forms = _estimate_forms(pristine, cycled, found, lines)
    equalities = [
        *_list_cell_equalities(found, forms, pair),
        *_list_breadth_equalities(pristine, cycled, pair, one_setup=one_setup),
        *_list_ratio_equalities(pristine, cycled, pair),
    ]
    single = intensities.find_single_phases(pristine.specimen, cycled.specimen)
    tests = len(equalities) + len(single)
    judged = [_decide(one, tests) for one in equalities]
    shares = [_conclude_share(share, tests) for share in single]
    open_lines, products = _sort_lines(lines)
    evidence = PairEvidence(
        compared=judged,
        single_phases=shares,
        open_lines=open_lines,
        products=products,
        missing=_list_missing(pristine.specimen, cycled.specimen, found, lines),
        unusable=_list_unusable(pristine, cycled, options),
    )
    rows = [one.row for one in judged]
    if evidence.unusable:
        why = "; ".join(evidence.unusable)
        rows = [_withhold(row, why) for row in rows]
        shares = [_withhold(row, why) for row in shares]
    return [
        *rows,
        *_list_breadth_changes(pristine.lines, cycled.lines),
        *shares,
        *lines,
        *_conclude_common_change(found.common, sample),
        judge_structure(evidence, sample),
    ]


def _withhold(row: Conclusion, why: str) -> Conclusion:
    """Return a row that is no result, since the refinement does not explain the lines."""
    return replace(row, verdict=Verdict.INCONCLUSIVE, reason=f"{why}; {row.reason}")


def _decide(one: _Equality, tests: int) -> Judged:
    """Return a comparison with its decision and its row, one of some tests."""
    decision = decide_equality(one.estimate, one.bound, reference=one.reference, tests=tests)
    row = replace(
        one.row,
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95 if np.isfinite(decision.lower95) else None,
        upper95=decision.upper95 if np.isfinite(decision.upper95) else None,
        verdict=decision.verdict,
        reason=_explain(one, decision),
        condition=" ".join(filter(None, [AGAINST, one.row.condition])),
        bound=one.bound,
        reference=one.reference,
    )
    return Judged(decision=decision, row=row, name=one.name, scale=one.scale, unit=one.unit)


def _explain(one: _Equality, decision: Decision) -> str:
    if one.row.quantity == "cell_change":
        difference, common = one.words
        assert isinstance(difference, cells.CellDifference)
        assert isinstance(common, CommonChange)
        return sentences.describe_change(decision, one.unit, difference=difference, common=common)
    return sentences.describe_ratio(decision, str(one.words[0]))


def _estimate_forms(
    pristine: MeasuredSpecimen,
    cycled: MeasuredSpecimen,
    found: ComparedCells,
    lines: Sequence[Conclusion],
) -> dict[str, Array]:
    """Return what the whole pattern and single lines say differently of each phase's cell [1]."""
    has_unexplained = any(
        row.quantity in ALONE and row.verdict not in (Verdict.NOT_DETECTED, Verdict.NOT_MEASURED)
        for row in lines
    )
    wavelengths = (pristine.specimen.wavelength, cycled.specimen.wavelength)
    forms = {}
    for name, change in found.refined.items():
        by_lines = compare_by_lines((pristine.lines, cycled.lines), name, change, wavelengths)
        forms[name] = estimate_form_error(change, by_lines, has_unexplained=has_unexplained)
    return forms


def _list_cell_equalities(
    found: ComparedCells, forms: Mapping[str, Array], pair: Pair
) -> list[_Equality]:
    """Return the comparisons of all free quantities of all cells."""
    equalities = []
    for name, change in found.changes.items():
        if name == found.common.standard:
            continue
        systematic = np.hypot(found.find_systematic(name), forms[name])
        for place in change.free:
            if not change.stderr[place] > 0:
                continue
            is_angle = place in cells.ANGLES
            bound = pair.cell_tolerance * (VOLUME_SHARE if place == cells.VOLUME else 1.0)
            unit, scale = ("degree", 1.0) if is_angle else ("percent", PERCENT)
            if is_angle:
                # A shear strain of 0.05 % is an angle of 0.0005 radian.
                bound, scale = float(np.degrees(bound / PERCENT)), float(change.cell[place])
            quantity = cells.QUANTITIES[place]
            equalities.append(
                _Equality(
                    name=f"{quantity} of {name}",
                    estimate=Estimate(
                        value=scale * float(change.value[place]),
                        stderr=scale * float(change.stderr[place]),
                        systematic=scale * float(systematic[place]),
                    ),
                    bound=bound,
                    reference=0.0,
                    unit="degree" if is_angle else "%",
                    scale=1.0,
                    row=Conclusion(
                        "cell_change",
                        unit=unit,
                        method=sentences.CHANGE_METHOD,
                        subject=name,
                        condition=quantity,
                    ),
                    words=(change, found.common),
                )
            )
    return equalities


def _list_breadth_equalities(
    pristine: MeasuredSpecimen, cycled: MeasuredSpecimen, pair: Pair, *, one_setup: bool
) -> list[_Equality]:
    """Return the comparisons of the breadths of the lines of all phases that both have."""
    equalities = []
    for name in pristine.specimen.present:
        if name not in cycled.specimen.present:
            continue
        ratio = line_ratios.compare_lines(pristine.lines, cycled.lines, name, "fwhm")
        if ratio is None:
            continue
        # Two instruments' breadths differ by what nobody knows here.
        stderr = ratio.stderr if one_setup else float("nan")
        equalities.append(
            _Equality(
                name=f"breadth of {name}",
                estimate=Estimate(value=ratio.value, stderr=stderr, dof=ratio.dof),
                bound=pair.breadth_tolerance / PERCENT,
                reference=1.0,
                unit="%",
                scale=PERCENT,
                row=Conclusion(
                    "breadth_ratio",
                    unit="1",
                    method=sentences.BREADTH_METHOD,
                    subject=name,
                ),
                words=(sentences.describe_breadth_basis(ratio, one_setup=one_setup),),
            )
        )
    return equalities


def _list_breadth_changes(pristine: SpecimenLines, cycled: SpecimenLines) -> list[Conclusion]:
    """Return by how much inverse apparent size [1/nm] and microstrain [percent] differ."""
    rows: list[Conclusion] = []
    if "candidate" not in cycled.peaks:
        return rows
    for name in cycled.peaks["candidate"].values.astype(str):
        for breadth in quality_rows.BREADTHS:
            before, after = (
                line_ratios.average_breadth(one, str(name), breadth.variable)
                for one in (pristine, cycled)
            )
            if before is None or after is None:
                continue
            rows.append(
                Conclusion(
                    f"{breadth.variable}_change",
                    value=breadth.factor * (after.value - before.value),
                    stderr=breadth.factor * float(np.hypot(after.stderr, before.stderr)),
                    unit=breadth.unit,
                    reason="the instrument's breadth is in both",
                    method=sentences.WILLIAMSON_HALL_METHOD,
                    subject=str(name),
                    condition=AGAINST,
                )
            )
    return rows


def _list_ratio_equalities(
    pristine: MeasuredSpecimen, cycled: MeasuredSpecimen, pair: Pair
) -> list[_Equality]:
    """Return the comparisons of the intensities of two phases."""
    found = intensities.compare_ratios(
        pristine.specimen, cycled.specimen, (pristine.lines, cycled.lines)
    )
    return [
        _Equality(
            name=f"{one.phase} over {one.other}",
            estimate=one.estimate,
            bound=pair.ratio_tolerance / PERCENT,
            reference=1.0,
            unit="%",
            scale=PERCENT,
            row=Conclusion(
                "intensity_ratio",
                unit="1",
                method=sentences.RATIO_METHOD,
                subject=one.phase,
            ),
            words=(f"over that of {one.other}; the scatter of single lines stands for texture",),
        )
        for one in found
    ]


def _conclude_share(share: intensities.PhaseShare, tests: int) -> Conclusion:
    """Return the row of a phase that one of both has alone."""
    decision = decide_presence(share.estimate, tests=tests)
    where = "cycled" if share.is_new else "pristine"
    is_measured = np.isfinite(decision.lower95)
    reason = f"of the strongest phase's intensity, more in the {where} one"
    return Conclusion(
        "new_phase" if share.is_new else "lost_phase",
        value=decision.value if is_measured else None,
        stderr=decision.stderr if is_measured else None,
        systematic=decision.systematic if is_measured else None,
        lower95=decision.lower95 if is_measured else None,
        upper95=decision.upper95 if is_measured else None,
        unit="percent",
        verdict=decision.verdict,
        reason=reason if is_measured else "no phase is in both, whose intensity it could be set to",
        method=sentences.SHARE_METHOD,
        subject=share.phase,
        condition=AGAINST,
        reference=0.0,
    )


def _sort_lines(lines: Sequence[Conclusion]) -> tuple[list[Conclusion], list[str]]:
    """Return the rows of lines that stay open, and what is a product, described."""
    open_lines, products = [], []
    for n, row in enumerate(lines):
        word = row.quantity.replace("_", " ")
        if row.quantity not in ALONE:
            continue
        if row.verdict == Verdict.NAMED:
            products.append(f"{word}: {row.value:.0f} of {lines[n + 1].subject}")
        elif row.verdict == Verdict.AMBIGUOUS:
            products.append(f"{word}: {row.value:.0f} of one of several phases")
        elif row.verdict == Verdict.NOT_NAMED:
            products.append(f"{word}: {row.value:.0f} of no candidate")
        elif row.verdict not in (Verdict.NOT_DETECTED, Verdict.NOT_MEASURED):
            open_lines.append(row)
    return open_lines, products


def _list_missing(
    pristine: Specimen, cycled: Specimen, found: ComparedCells, lines: Sequence[Conclusion]
) -> list[str]:
    """Return what could not be compared."""
    missing = [
        f"the cell of {name} could not be compared"
        for name in pristine.present
        if name in cycled.present and name not in found.changes
    ]
    if not found.changes:
        missing.append("no phase is in both specimens")
    only = [name for name in pristine.phases if name not in cycled.phases]
    only += [name for name in cycled.phases if name not in pristine.phases]
    missing += [f"{name} was asked for in one of both only" for name in only]
    told = [row for row in lines if row.quantity in ALONE]
    if not told or any(row.verdict == Verdict.NOT_MEASURED for row in told):
        missing.append("no new lines could be looked for")
    return missing


def _list_unusable(
    pristine: MeasuredSpecimen, cycled: MeasuredSpecimen, options: Stability
) -> list[str]:
    """Return why nothing that was compared is a result."""
    parts = []
    for word, one in (("pristine", pristine), ("cycled", cycled)):
        if not one.specimen.frames.size:
            parts.append(f"no frame of the {word} specimen was refined")
        elif not one.specimen.is_fitted:
            share = 100 * one.explained.usual
            parts.append(
                f"the refinement does not explain the lines of the {word} specimen "
                f"({share:.0f} % of their area; {options.explained_area:g} % needed)"
            )
    return parts


def _conclude_common_change(common: CommonChange, sample: str) -> list[Conclusion]:
    """Return the row of the relative change that all lengths share [percent], none where nothing
    was compared."""
    if not common.phase and not common.standard:
        return []
    is_alike = common.is_seen and common.all_alike
    return [
        Conclusion(
            "common_change",
            value=PERCENT * common.value if common.phase else None,
            stderr=PERCENT * common.stderr if common.phase else None,
            systematic=PERCENT * common.displacement if common.phase else None,
            unit="percent",
            verdict=Verdict.POSSIBLE_DISPLACEMENT if is_alike else Verdict.OK,
            reason=sentences.describe_common_change(common),
            method=sentences.COMMON_METHOD,
            subject=sample,
            condition=AGAINST,
        )
    ]
