"""What a measurement says: its edge, and against the pristine one whether the structure is
retained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.xas import notes
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.comparison.structure_verdict import judge_structure
from ssbchar.xas.equivalence_test import EquivalenceTest, judge_change, student_t_from_probability
from ssbchar.xas.paths.conclude import conclude_paths

if TYPE_CHECKING:
    import xarray as xr


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
        From `ssbchar.xas.normalisation.normalise_spectra`.
    comparison : Dataset or None
        From `ssbchar.xas.comparison.compare_pair`, where there is a pristine one.
    mixture : Dataset or None
        From `ssbchar.xas.series.fit_mixture`, where there are references.
    options : Comparison
        What would matter.
    exafs : Dataset or None
        From `ssbchar.xas.exafs.extract_exafs`; what was noticed on it is told with the rest.
    path_fit : Dataset or None
        From `ssbchar.xas.paths.fit_paths`, where the row names a phase.
    """
    subject = f"{normalised.attrs['element']} {normalised.attrs['edge']}"
    own = normalised if exafs is None else exafs
    found = [conclude_quality(subject, own, comparison, mixture), *_edge(normalised, subject)]
    if comparison is not None:
        found += conclude_pair(comparison, subject, options)
    if mixture is not None:
        found += _fractions(mixture, subject)
    return found if path_fit is None else found + conclude_paths(path_fit, subject)


def conclude_quality(subject: str, *parts: xr.Dataset | None) -> Conclusion:
    """Return what was noticed on the data that is used, verdict ``doubtful`` where a number may be
    wrong for it.

    `parts` are the measurement and what it is held against: a comparison carries the pristine's
    notes, a mixture its references'.
    """
    found: list[notes.Note] = []
    for part in parts:
        found += [] if part is None else [n for n in notes.read_notes(part.attrs) if n not in found]
    verdict = "doubtful" if any(n["level"] == "doubt" for n in found) else "ok"
    said = notes.join_notes(found) or "nothing noticed"
    return Conclusion(
        "quality", verdict=verdict, reason=said, subject=subject, method="guards and glitch masks"
    )


def _edge(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    alignment = ds.attrs.get("alignment", "none")
    error = ds.attrs.get("alignment_error", float("nan"))
    reason = str(ds.attrs.get("alignment_source", ""))
    systematic = float(error) if math.isfinite(error) else None
    rows = []
    for quantity, what, method in (
        ("edge_energy", "e0_half", "half step"),
        ("edge_energy", "e0_derivative", "inflection"),
    ):
        value, stderr = float(ds[what].values[-1]), float(ds[f"{what}_stderr"].values[-1])
        verdict = "ok" if alignment in ("foil", "repeatability") else "not calibrated"
        rows.append(
            Conclusion(
                quantity,
                value=value,
                stderr=stderr,
                systematic=systematic,
                unit="eV",
                verdict=verdict,
                reason=reason,
                method=method,
                subject=subject,
                condition=method,
            )
        )
    for quantity, what in (("white_line", "white_line"), ("edge_step", "edge_step")):
        value, stderr = float(ds[what].values[-1]), float(ds[f"{what}_stderr"].values[-1])
        if stderr > 0:
            rows.append(
                Conclusion(
                    quantity, value=value, stderr=stderr, unit="1", verdict="ok", subject=subject
                )
            )
    return rows


def conclude_pair(comparison: xr.Dataset, subject: str, options: Comparison) -> list[Conclusion]:
    """Return edge shift, white line, shell ratios, reduced fraction and the verdict on the
    structure."""
    count = 2 + comparison.sizes.get("shell", 0)
    shift, shift_row = _shift(comparison, subject, options, count)
    rows = [shift_row]
    white, white_row = _white_line(comparison, subject, options, count)
    rows.append(white_row)
    shells = []
    for i in range(comparison.sizes.get("shell", 0)):
        test, row = _shell(comparison, i, subject, options, count)
        shells.append(test)
        rows.append(row)
    if options.reduced_shift and shift is not None:
        rows.append(_reduced(shift, subject, options))
    rows.append(judge_structure(shift, white, shells, comparison, subject, options))
    return rows


def _ensemble(values: np.ndarray) -> tuple[float, float]:
    """Return median and half the central 68 % of an ensemble of choices."""
    low, middle, high = np.percentile(values[np.isfinite(values)], [15.87, 50, 84.13])
    return float(middle), float(high - low) / 2


def _row(
    quantity: str, test: EquivalenceTest, stderr: float, systematic: float, **more: str
) -> Conclusion:
    return Conclusion(
        quantity,
        value=test.value,
        stderr=stderr,
        systematic=systematic,
        lower95=test.lower95,
        upper95=test.upper95,
        verdict=test.verdict,
        **more,
    )


def _shift(
    ds: xr.Dataset, subject: str, options: Comparison, count: int
) -> tuple[EquivalenceTest | None, Conclusion]:
    value, spread = _ensemble(ds["edge_shift"].values)
    source = str(ds.attrs.get("alignment_source", ""))
    if ds.attrs.get("alignment") == "none":
        reason = f"edge shift not testable ({source}); apparent shift {value:+.3f} eV"
        row = Conclusion(
            "edge_shift",
            unit="eV",
            verdict="inconclusive",
            reason=reason,
            subject=subject,
            condition="half step",
        )
        return None, row
    stderr = float(ds["edge_shift_stderr"])
    systematic = math.hypot(spread, float(ds["edge_shift_systematic"]))
    test = judge_change(
        value, math.hypot(stderr, systematic), options.max_shift, float(ds["edge_shift_dof"]), count
    )
    reason = f"{source}; matters from {options.max_shift:g} eV; {test.smallest:.3f} eV would have been seen"
    row = _row(
        "edge_shift",
        test,
        stderr,
        systematic,
        unit="eV",
        reason=reason,
        subject=subject,
        condition="half step",
        method=f"median of {ds.sizes['choice']} choices, equivalence test",
    )
    return test, row


def _white_line(
    ds: xr.Dataset, subject: str, options: Comparison, count: int
) -> tuple[EquivalenceTest, Conclusion]:
    value, spread = _ensemble(ds["white_line_change"].values)
    stderr = float(ds["white_line_stderr"])
    test = judge_change(
        value,
        math.hypot(stderr, spread),
        options.max_white_line,
        float(ds["white_line_dof"]),
        count,
    )
    reason = f"matters from {options.max_white_line:g}; {test.smallest:.4f} would have been seen"
    method = f"median of {ds.sizes['choice']} choices, equivalence test"
    return test, _row(
        "white_line_change",
        test,
        stderr,
        spread,
        unit="1",
        reason=reason,
        subject=subject,
        method=method,
    )


def _shell(
    ds: xr.Dataset, i: int, subject: str, options: Comparison, count: int
) -> tuple[EquivalenceTest, Conclusion]:
    value, spread = _ensemble(ds["ratio"].values[:, i])
    stderr = float(ds["ratio_stderr"].values[i])
    bound = options.max_loss[min(i, len(options.max_loss) - 1)]
    test = judge_change(value - 1, math.hypot(stderr, spread), bound, tests=count)
    low, high = float(ds["r_low"].values[i]), float(ds["r_high"].values[i])
    where = f"|chi(R)|, R {low:.2f}-{high:.2f} angstrom, k {float(ds['kmin'][0]):g}-{float(ds['kmax'][0]):g}"
    method = f"{where}, kw {int(ds['kweight'])}, {ds['window'].values[0]}; median of {ds.sizes['choice']} paired choices"
    reason = f"matters from {100 * bound:g} %; {100 * test.smallest:.1f} % would have been seen"
    row = Conclusion(
        f"shell_{i + 1}_ratio",
        value=value,
        stderr=stderr,
        systematic=spread,
        lower95=1 + test.lower95,
        upper95=1 + test.upper95,
        unit="1",
        verdict=test.verdict,
        reason=reason,
        method=method,
        subject=subject,
    )
    return test, row


def _reduced(shift: EquivalenceTest, subject: str, options: Comparison) -> Conclusion:
    full = options.reduced_shift
    value, sigma = shift.value / full, shift.sigma / abs(full)
    low, high = sorted((shift.lower95 / full, shift.upper95 / full))
    smallest = shift.smallest / abs(full)
    verdict = "detected" if low > 0 else "not detected"
    reason = f"edge shift of full reduction {full:g} eV; a fraction of {smallest:.3f} would have been seen"
    return Conclusion(
        "reduced_fraction",
        value=value,
        stderr=sigma,
        systematic=None,
        lower95=low,
        upper95=high,
        unit="1",
        verdict=verdict,
        reason=reason,
        method="edge shift",
        subject=subject,
        condition="from the edge shift",
    )


def _fractions(ds: xr.Dataset, subject: str) -> list[Conclusion]:
    names = [str(n) for n in ds["reference"].values]
    weights = ds["weight"].values[-1]
    stderr, systematic = ds["weight_stderr"].values[-1], ds["weight_systematic"].values
    fit = f"R factor {float(ds['r_factor'].values[-1]):.2g}"
    method = f"linear combination of {', '.join(names)}, {ds.attrs.get('method', '')}"
    rows = [
        Conclusion(
            "reference_fraction",
            value=float(w),
            stderr=float(s),
            systematic=float(t),
            unit="1",
            verdict=str(ds["verdict"].values[-1]),
            method=method,
            subject=subject,
            condition=name,
            reason=fit,
        )
        for name, w, s, t in zip(names, weights, stderr, systematic, strict=True)
    ]
    reduced = ds.attrs.get("reduced", "")
    if reduced in names and len(names) > 1:
        i = names.index(reduced)
        w, total = float(weights[i]), math.hypot(float(stderr[i]), float(systematic[i]))
        verdict = (
            "detected" if w > student_t_from_probability(0.95, math.inf) * total else "not detected"
        )
        smallest = 2 * student_t_from_probability(0.95, math.inf) * total
        reason = f"{reduced} has the lowest edge energy; a fraction of {smallest:.4f} would have been seen in 95 of 100"
        rows.append(
            Conclusion(
                "reduced_fraction",
                value=w,
                stderr=float(stderr[i]),
                systematic=float(systematic[i]),
                unit="1",
                verdict=verdict,
                reason=reason,
                method=method,
                subject=subject,
                condition="linear combination",
            )
        )
    return rows
