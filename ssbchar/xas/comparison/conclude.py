"""What is concluded on a measurement: its edge, and compared with the pristine one whether the
structure is retained."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import (
    Decision,
    Estimate,
    decide_equality,
    decide_presence,
    describe_open_difference,
)
from ssbchar.typing import Array
from ssbchar.verdict import Verdict
from ssbchar.xas import notes
from ssbchar.xas.calibration.calibrate import AlignmentKind
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.comparison.structure_verdict import StructureTests, judge_structure
from ssbchar.xas.paths.conclude import conclude_paths

if TYPE_CHECKING:
    import xarray as xr

CALIBRATED_BY = frozenset({AlignmentKind.FOIL, AlignmentKind.REPEATABILITY})
"""Alignments under which an edge energy is a calibrated one."""
DIFFERENT = 2.0
"""Standard errors by which half step and whole edge may differ by noise [1]."""
LARGEST_ERROR = 2.0
"""An edge energy with a larger error is none: its place does not stand out of the noise [eV]."""
CENTRAL_68 = (15.87, 50, 84.13)
"""Percentiles: minus one sigma, median, plus one sigma."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A test and the row that states it."""

    test: Decision
    row: Conclusion


def conclude_measurement(
    normalised: xr.Dataset,
    comparison: xr.Dataset | None,
    mixture: xr.Dataset | None,
    options: Comparison,
    exafs: xr.Dataset | None = None,
    path_fit: xr.Dataset | None = None,
) -> list[Conclusion]:
    """Return the conclusions of a measurement.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`; energies in eV.
    comparison : Dataset or None
        From `ssbchar.xas.comparison.compare_pair`, where there is a pristine one.
    mixture : Dataset or None
        From `ssbchar.xas.series.fit_mixture`, where there are references.
    options : Comparison
        What would matter, floats.
    exafs : Dataset or None
        From `ssbchar.xas.exafs.extract_exafs`; its notes are stated with the rest.
    path_fit : Dataset or None
        From `ssbchar.xas.paths.fit_paths`, where the row names a phase.

    Returns
    -------
    list of Conclusion
    """
    subject = f"{normalised.attrs['element']} {normalised.attrs['edge']}"
    with_notes = normalised if exafs is None else exafs
    rows = [conclude_quality(subject, with_notes, comparison, mixture)]
    rows += _conclude_edge(normalised, subject)
    if comparison is not None:
        rows += conclude_pair(comparison, subject, options)
    if mixture is not None:
        rows += _conclude_fractions(mixture, subject)
    if path_fit is not None:
        rows += conclude_paths(path_fit, subject)
    return rows


def conclude_quality(subject: str, *parts: xr.Dataset | None) -> Conclusion:
    """Return what was noticed on the data in use, ``doubtful`` where a number may be wrong for it.

    Parameters
    ----------
    subject : str
        Element and edge.
    *parts : Dataset or None
        The measurement and what it is compared with: a comparison carries the pristine's notes, a
        mixture its references'.

    Returns
    -------
    Conclusion
        Without a number, and so without a unit.
    """
    found: list[notes.Note] = []
    for part in parts:
        if part is not None:
            found += [note for note in notes.read_notes(part.attrs) if note not in found]
    doubtful = any(notes.is_doubt(note) for note in found)
    return Conclusion(
        "quality",
        verdict=(Verdict.DOUBTFUL if doubtful else Verdict.OK).value,
        reason=notes.join_notes(found) or "nothing noticed",
        subject=subject,
        method="guards and glitch masks",
    )


def _conclude_edge(normalised: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return energy, white line and step of the merged spectrum's edge."""
    merged = normalised.isel(spectrum=-1)
    attrs = normalised.attrs
    error = math.hypot(
        float(attrs.get("alignment_error", math.nan)),
        float(attrs.get("alignment_common_error", 0.0)),
        float(attrs.get("alignment_origin_error", 0.0)),
        float(attrs.get("self_absorption_half_step", 0.0)),
    )
    is_calibrated = attrs.get("alignment", AlignmentKind.NONE) in CALIBRATED_BY
    # Laid on each other by what is no metal's foil, scans have a common axis of unknown origin.
    is_calibrated &= not attrs.get("alignment_doubt", "")
    verdict = Verdict.OK if is_calibrated else Verdict.NOT_CALIBRATED
    rows = []
    for name, method in (("e0_half", "half step"), ("e0_derivative", "inflection")):
        is_hidden = float(merged[f"{name}_stderr"]) > LARGEST_ERROR
        hidden = f"the {method} does not stand out of its noise; "
        rows.append(
            Conclusion(
                "edge_energy",
                value=float(merged[name]),
                stderr=float(merged[f"{name}_stderr"]),
                systematic=error if math.isfinite(error) else None,
                unit="eV",
                verdict=(Verdict.INCONCLUSIVE if is_hidden else verdict).value,
                reason=hidden * is_hidden + str(attrs.get("alignment_source", "")),
                method=method,
                subject=subject,
                condition=method,
            )
        )
    systematics = {"white_line": float(attrs.get("self_absorption_white_line", 0.0)) or None}
    for quantity in ("white_line", "edge_step"):
        stderr = float(merged[f"{quantity}_stderr"])
        # Spectra that came normalised have no step of their own.
        if stderr > 0:
            rows.append(
                Conclusion(
                    quantity,
                    value=float(merged[quantity]),
                    stderr=stderr,
                    systematic=systematics.get(quantity),
                    unit="1",
                    verdict=Verdict.OK.value,
                    subject=subject,
                )
            )
    return [*rows, *_conclude_by_tables(merged, subject), *_conclude_pre_edge(normalised, subject)]


def _conclude_by_tables(merged: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return white line and edge step by MBACK, where it was asked for."""
    if "norm_mback" not in merged:
        return []
    return [
        Conclusion(
            quantity,
            value=float(merged[f"{quantity}_mback"]),
            stderr=float(merged[f"{quantity}_mback_stderr"]),
            unit="1",
            verdict=Verdict.OK.value,
            reason=f"by the polynomial above the edge {float(merged[quantity]):.4g}",
            method="MBACK, f'' by Chantler",
            subject=subject,
            condition="MBACK",
        )
        for quantity in ("white_line", "edge_step")
    ]


def _conclude_pre_edge(normalised: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return area and centroid of the peak before the edge, where one was asked for; a centroid
    only of a peak that is there."""
    if "pre_edge_area" not in normalised:
        return []
    merged = normalised.isel(spectrum=-1)
    area = Estimate(
        value=float(merged["pre_edge_area"]),
        stderr=float(merged["pre_edge_area_stderr"]),
        systematic=float(merged["pre_edge_area_systematic"]),
    )
    method = "sum over a line and a Lorentzian or arctangent fitted on both sides"
    if not all(map(math.isfinite, (area.value, area.stderr, area.systematic))):
        return [
            Conclusion(
                "pre_edge_area",
                unit="eV",
                verdict=Verdict.INCONCLUSIVE.value,
                reason="too few points between the limits of the peak or of the flank",
                method=method,
                subject=subject,
            )
        ]
    decision = decide_presence(area)
    rows = [
        Conclusion(
            "pre_edge_area",
            value=area.value,
            stderr=area.stderr,
            systematic=area.systematic,
            lower95=decision.lower95,
            upper95=decision.upper95,
            unit="eV",
            verdict=decision.verdict.value,
            reason=f"an area of {decision.smallest:.2g} eV would have been seen",
            method=method,
            subject=subject,
        )
    ]
    if decision.verdict == Verdict.DETECTED:
        attrs = normalised.attrs
        axis = math.hypot(
            float(attrs.get("alignment_error", math.nan)),
            float(attrs.get("alignment_common_error", 0.0)),
        )
        is_calibrated = math.isfinite(axis) and not attrs.get("alignment_doubt", "")
        rows.append(
            Conclusion(
                "pre_edge_centroid",
                value=float(merged["pre_edge_centroid"]),
                stderr=float(merged["pre_edge_centroid_stderr"]),
                systematic=math.hypot(
                    float(merged["pre_edge_centroid_systematic"]), axis if is_calibrated else 0.0
                ),
                unit="eV",
                verdict=(Verdict.OK if is_calibrated else Verdict.NOT_CALIBRATED).value,
                reason=str(attrs.get("alignment_source", "")),
                method=method,
                subject=subject,
            )
        )
    return rows


def conclude_pair(comparison: xr.Dataset, subject: str, options: Comparison) -> list[Conclusion]:
    """Return edge shift, white line, shell ratios, reduced fraction and the verdict on the
    structure.

    Parameters
    ----------
    comparison : Dataset
        From `ssbchar.xas.comparison.compare_pair`.
    subject : str
        Element and edge.
    options : Comparison
        Smallest changes that would matter.

    Returns
    -------
    list of Conclusion
        Energies in eV, ratios dimensionless.
    """
    shell_count = comparison.sizes.get("shell", 0)
    # Edge shift, white line and every shell could each find a change.
    tests = 2 + shell_count
    source = str(comparison.attrs.get("alignment_source", ""))
    shift = None
    if comparison.attrs.get("alignment") != AlignmentKind.NONE:
        shift = _judge_shift(comparison, subject, options, tests)
    white = _judge_white_line(comparison, subject, options, tests)
    shells = [
        _judge_shell(comparison.isel(shell=i), i, subject, options, tests)
        for i in range(shell_count)
    ]
    rows = [
        _state_untestable_shift(comparison, subject, source) if shift is None else shift.row,
        white.row,
        *(shell.row for shell in shells),
    ]
    if options.reduced_shift and shift is not None:
        estimate = _estimate_shift(comparison)
        rows.append(_conclude_reduced(estimate, subject, options.reduced_shift))
    structure = StructureTests(
        edge_shift=None if shift is None else shift.test,
        white_line=white.test,
        shells=[shell.test for shell in shells],
    )
    rows.append(
        judge_structure(
            structure,
            subject,
            alignment_source=source,
            white_line_before=float(comparison["white_line_before"]),
            lost=options.lost,
        )
    )
    return rows


def summarise_ensemble(values: Array) -> tuple[float, float]:
    """Return median and half the central 68 % of an ensemble of choices.

    Parameters
    ----------
    values : array, shape (choice,)
        In any unit; those that are not finite are left out.

    Returns
    -------
    median, spread : float
        In the unit of the values.
    """
    low, middle, high = np.percentile(values[np.isfinite(values)], CENTRAL_68)
    return float(middle), float(high - low) / 2


def _describe_ensemble(comparison: xr.Dataset) -> str:
    return f"median of {comparison.sizes['choice']} choices, equivalence test"


def _state_test(quantity: str, test: Decision, **words: Any) -> Judged:
    row = Conclusion(
        quantity,
        value=test.value,
        stderr=test.stderr,
        systematic=test.systematic,
        lower95=test.lower95,
        upper95=test.upper95,
        verdict=test.verdict.value,
        bound=test.bound,
        reference=test.reference,
        **words,
    )
    return Judged(test=test, row=row)


def _state_bound(test: Decision, unit: str, *, scale: float = 1.0) -> str:
    """Return what would matter and what would have been seen, and what is known where it stays
    open."""
    space = f" {unit}" if unit else ""
    matters = f"a change of {scale * (test.bound or 0.0):g}{space} would matter"
    seen = f"one of {scale * test.smallest:.2g}{space} would have been seen"
    is_open = test.verdict == Verdict.INCONCLUSIVE
    known = describe_open_difference(test, unit, scale=scale) if is_open else ""
    return "; ".join(filter(None, [f"{matters}, {seen}", known]))


def _state_untestable_shift(comparison: xr.Dataset, subject: str, source: str) -> Conclusion:
    value, _ = summarise_ensemble(comparison["edge_shift"].values)
    return Conclusion(
        "edge_shift",
        unit="eV",
        verdict=Verdict.INCONCLUSIVE.value,
        reason=f"edge shift not testable ({source}); apparent shift {value:+.3f} eV",
        subject=subject,
        condition="half step",
    )


def _judge_shift(comparison: xr.Dataset, subject: str, options: Comparison, tests: int) -> Judged:
    estimate = _estimate_shift(comparison)
    test = decide_equality(estimate, options.max_shift, tests=tests)
    source = str(comparison.attrs.get("alignment_source", ""))
    contradiction = _find_contradiction(comparison, test)
    if contradiction:
        test = replace(test, verdict=Verdict.INCONCLUSIVE)
    return _state_test(
        "edge_shift",
        test,
        unit="eV",
        reason="; ".join(filter(None, [source, _state_bound(test, "eV"), contradiction])),
        method=_describe_ensemble(comparison),
        subject=subject,
        condition="half step",
    )


def _find_contradiction(comparison: xr.Dataset, test: Decision) -> str:
    """Return what speaks against a change of the half-step energy: the inflection, or the whole
    edge, has not moved that way by what would matter; empty where both agree, or nothing has
    changed."""
    if test.verdict != Verdict.CHANGED or test.bound is None:
        return ""
    others = {
        "inflection": float(comparison["inflection_shift"]),
        "whole edge": float(comparison["whole_edge_shift"]),
    }
    sign = math.copysign(1.0, test.value)
    against = [
        f"the {name} moves by {shift:+.3f} eV"
        for name, shift in others.items()
        if not sign * shift > test.bound
    ]
    return f"half step {test.value:+.3f} eV, but {' and '.join(against)}" if against else ""


def _estimate_shift(comparison: xr.Dataset) -> Estimate:
    """Return the edge shift [eV].

    Systematic are the spread of the processing choices, the energy axes, and half of what half step
    and whole edge differ by beyond their noise: one of the two is moved by something else.
    """
    value, spread = summarise_ensemble(comparison["edge_shift"].values)
    stderr = float(comparison["edge_shift_stderr"])
    apart = abs(value - float(comparison["whole_edge_shift"]))
    of_form = max(apart - DIFFERENT * stderr, 0.0) / 2 if math.isfinite(apart) else 0.0
    axes = float(comparison["edge_shift_systematic"])
    return Estimate(
        value=value,
        stderr=stderr,
        systematic=math.hypot(spread, axes, of_form),
        dof=float(comparison["edge_shift_dof"]),
    )


def _judge_white_line(
    comparison: xr.Dataset, subject: str, options: Comparison, tests: int
) -> Judged:
    value, spread = summarise_ensemble(comparison["white_line_change"].values)
    estimate = Estimate(
        value=value,
        stderr=float(comparison["white_line_stderr"]),
        systematic=math.hypot(spread, float(comparison["white_line_systematic"])),
        dof=float(comparison["white_line_dof"]),
    )
    test = decide_equality(estimate, options.max_white_line, tests=tests)
    return _state_test(
        "white_line_change",
        test,
        unit="1",
        reason=_state_bound(test, ""),
        method=_describe_ensemble(comparison),
        subject=subject,
    )


def _judge_shell(
    shell: xr.Dataset, i: int, subject: str, options: Comparison, tests: int
) -> Judged:
    """Return the verdict on the ratio of shell i, its test that of the ratio less 1."""
    ratio, spread = summarise_ensemble(shell["ratio"].values)
    relative = math.hypot(float(shell["ratio_sampling"]), float(shell["amplitude_systematic"]))
    estimate = Estimate(
        value=ratio - 1,
        stderr=float(shell["ratio_stderr"]),
        systematic=math.hypot(spread, ratio * relative),
        dof=float(shell["ratio_dof"]),
    )
    bound = options.max_loss[min(i, len(options.max_loss) - 1)]
    test = decide_equality(estimate, bound, tests=tests)
    r_range = f"R {float(shell['r_low']):.2f}-{float(shell['r_high']):.2f} angstrom"
    k_range = f"k {float(shell['kmin'][0]):g}-{float(shell['kmax'][0]):g}"
    transform = f"kw {int(shell['kweight'])}, {shell['window'].values[0]}"
    row = Conclusion(
        f"shell_{i + 1}_ratio",
        value=ratio,
        stderr=test.stderr,
        systematic=test.systematic,
        lower95=1 + test.lower95,
        upper95=1 + test.upper95,
        unit="1",
        verdict=test.verdict.value,
        reason=_state_bound(test, "%", scale=100.0),
        method=f"|chi(R)|, {r_range}, {k_range}, {transform}; "
        f"median of {shell.sizes['choice']} paired choices",
        subject=subject,
        bound=bound,
        reference=1.0,
    )
    return Judged(test=test, row=row)


def _conclude_reduced(shift: Estimate, subject: str, full: float) -> Conclusion:
    """Return the reduced fraction that the edge shift stands for, `full` that of full
    reduction [eV]."""
    fraction = Estimate(
        value=shift.value / full,
        stderr=shift.stderr / abs(full),
        systematic=shift.systematic / abs(full),
        dof=shift.dof,
    )
    decision = decide_presence(fraction)
    return Conclusion(
        "reduced_fraction",
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95,
        upper95=decision.upper95,
        unit="1",
        verdict=decision.verdict.value,
        reason=f"edge shift of full reduction {full:g} eV; "
        f"a fraction of {decision.smallest:.3f} would have been seen",
        method="edge shift",
        subject=subject,
        condition="from the edge shift",
    )


def _conclude_fractions(mixture: xr.Dataset, subject: str) -> list[Conclusion]:
    """Return the weights of the references in the merged spectrum, and the reduced fraction."""
    merged = mixture.isel(spectrum=-1)
    names = [str(name) for name in mixture["reference"].values]
    method = f"linear combination of {', '.join(names)}, {mixture.attrs.get('method', '')}"
    rows = [
        Conclusion(
            "reference_fraction",
            value=float(merged["weight"][i]),
            stderr=float(merged["weight_stderr"][i]),
            systematic=float(merged["weight_systematic"][i]),
            unit="1",
            verdict=str(merged["verdict"].values),
            method=method,
            subject=subject,
            condition=name,
            reason=f"R factor {float(merged['r_factor']):.2g}",
        )
        for i, name in enumerate(names)
    ]
    reduced = mixture.attrs.get("reduced", "")
    if reduced in names and len(names) > 1:
        fraction = merged.isel(reference=names.index(reduced))
        rows.append(_conclude_reduced_reference(fraction, str(reduced), method, subject))
    return rows


def _conclude_reduced_reference(
    fraction: xr.Dataset, name: str, method: str, subject: str
) -> Conclusion:
    """Return whether the reference of lowest edge energy is in the spectrum."""
    decision = decide_presence(
        Estimate(
            value=float(fraction["weight"]),
            stderr=float(fraction["weight_stderr"]),
            systematic=float(fraction["weight_systematic"]),
        )
    )
    return Conclusion(
        "reduced_fraction",
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95,
        upper95=decision.upper95,
        unit="1",
        verdict=decision.verdict.value,
        reason=f"{name} has the lowest edge energy; "
        f"a fraction of {decision.smallest:.4f} would have been seen in 95 of 100",
        method=method,
        subject=subject,
        condition="linear combination",
    )
