"""Trends over samples: the alloyed share against pressure and time of pressing, as the sample sheet
gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_equality, describe_open_difference
from ssbchar.results.joint.stability import join_sources
from ssbchar.technique import Technique
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

ALL_SAMPLES = "7Li NMR, all samples"
"""What rows and figures over samples stand under."""
AXES = {"pressing_pressure": "MPa", "pressing_time": "s"}
"""Conditions that a share may depend on, with their units."""
COMPOSITION = "x_nominal"
"""Samples of one trend have this in common, and the other condition."""
SHARE = "alloyed_share"
SCATTERS = 0.05
"""Probability of the points' deviations from the line below which they scatter beyond their
errors [1]."""
LEAST_POINTS = 2
"""Different values of a condition that a slope needs."""


@dataclass(frozen=True, kw_only=True)
class _Point:
    """What one measurement tells."""

    sample: str
    conditions: dict[str, float]
    """By quantity."""
    tolerance: float
    """Change of the share that would matter [percent]."""
    share: Conclusion | None
    shared_error: float = 0.0
    """Signed part of its error that comes with the T2* of pure Li [percent]."""
    rows: list[Conclusion] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        """Whether there is a share that may be compared."""
        row = self.share
        is_good = row is not None and row.verdict in (Verdict.OK, Verdict.NONE)
        return is_good and row is not None and row.value is not None and row.stderr is not None


def join_trends(conclusions: Sequence[Conclusion]) -> list[Conclusion]:
    """Return the slope of the alloyed share against each condition of pressing, over samples that
    have composition and the other condition in common.

    Generalised least squares over the shares that are ``ok``; the part of their errors that comes
    with the T2* of pure Li is common to them. ``changed``: over the range of the condition the
    share changes by more than `quantify.trend_tolerance`, and its limits, over all trends of the
    run, leave zero out; ``retained``: the limits lie within; else ``inconclusive``.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        All conclusions of the run.

    Returns
    -------
    list of Conclusion
        Quantity ``alloyed_share_slope`` [percent/MPa, percent/s]; none where no row states a
        condition.
    """
    points = _collect_points(conclusions)
    groups = [
        (axis, group)
        for axis in AXES
        for group in _group_points(points, axis)
        if len({point.conditions[axis] for point in group}) >= LEAST_POINTS
    ]
    return [_conclude_trend(axis, group, tests=len(groups)) for axis, group in groups]


def _collect_points(conclusions: Sequence[Conclusion]) -> list[_Point]:
    """Return the measurements whose conditions of pressing are stated."""
    by_measurement: dict[tuple[str, str], list[Conclusion]] = {}
    for row in conclusions:
        if row.technique == Technique.NMR:
            by_measurement.setdefault((row.sample, row.source), []).append(row)
    points = []
    for (sample, _), rows in by_measurement.items():
        stated = {
            row.quantity: row
            for row in rows
            if row.quantity in (*AXES, COMPOSITION) and row.value is not None
        }
        axes = [stated[name] for name in AXES if name in stated]
        if not axes:
            continue
        share = next((r for r in rows if r.quantity == SHARE and not r.condition), None)
        shared = next(
            (r.value for r in rows if r.quantity == "shared_error" and r.subject == "li_si"), None
        )
        points.append(
            _Point(
                sample=sample,
                conditions={name: float(row.value or 0.0) for name, row in stated.items()},
                tolerance=float(axes[0].bound or 0.0),
                share=share,
                shared_error=shared or 0.0,
                rows=[row for row in (*axes, share) if row is not None],
            )
        )
    return points


def _group_points(points: Sequence[_Point], axis: str) -> list[list[_Point]]:
    """Return the points that differ in one condition alone."""
    groups: dict[tuple[tuple[str, float], ...], list[_Point]] = {}
    for point in points:
        if axis in point.conditions:
            others = tuple(sorted((k, v) for k, v in point.conditions.items() if k != axis))
            groups.setdefault(others, []).append(point)
    return list(groups.values())


def _conclude_trend(axis: str, group: Sequence[_Point], *, tests: int) -> Conclusion:
    usable = [point for point in group if point.is_usable]
    values = [point.conditions[axis] for point in usable]
    unit = AXES[axis]
    stated = group[0].conditions
    others = {k: stated[k] for k in (*AXES, COMPOSITION) if k in stated and k != axis}
    fixed = ", ".join(
        f"{name.replace('pressing_', '')} {value:g} {AXES.get(name, '')}".strip()
        for name, value in others.items()
    )
    left_out = [
        f"{point.sample} ({_tell_verdict(point)})" for point in group if not point.is_usable
    ]
    told = [f"left out: {', '.join(left_out)}"] if left_out else []
    row = Conclusion(
        "alloyed_share_slope",
        unit=f"percent/{unit}",
        subject="sample",
        condition=f"against {axis.replace('pressing_', '')}; {fixed}".rstrip("; "),
        verdict=Verdict.INCONCLUSIVE,
        method="generalised least squares over samples; errors of pure Li's T2* in common",
        sample=ALL_SAMPLES,
        technique=Technique.NMR,
        source=join_sources([row for point in group for row in point.rows]),
    )
    if len(set(values)) < LEAST_POINTS:
        needed = f"{len(set(values))} values with a share that is ok; a slope needs two"
        return replace(row, reason="; ".join([needed, *told]))
    slope = _fit_slope(usable, axis)
    span = max(values) - min(values)
    tolerance = max(point.tolerance for point in group)
    decision = decide_equality(slope.estimate, tolerance / span, tests=tests)
    over = f"{min(values):g} to {max(values):g} {unit}"
    change = slope.estimate.value * span
    error = span * decision.sigma
    reasons = [
        f"{len(usable)} samples, {over}: a change of {change:+.2g} -/+ {error:.2g} percent",
        slope.told,
    ]
    if decision.verdict == Verdict.INCONCLUSIVE:
        reasons.append(describe_open_difference(decision, "percent", scale=span))
    return replace(
        row,
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95,
        upper95=decision.upper95,
        verdict=decision.verdict,
        bound=decision.bound,
        reason="; ".join(filter(None, [*reasons, *told])),
    )


def _tell_verdict(point: _Point) -> str:
    return "no share" if point.share is None else str(point.share.verdict)


@dataclass(frozen=True, kw_only=True)
class _Slope:
    """A line through shares."""

    estimate: Estimate
    """[percent per unit of the condition]"""
    told: str
    """On scatter, in words."""


def _fit_slope(points: Sequence[_Point], axis: str) -> _Slope:
    """Return the slope of the shares with its errors.

    What the points deviate from the line beyond their errors enlarges the slope's by the Birge
    ratio; where noise hardly explains it (1 in 20) that has n - 2 degrees of freedom.
    """
    from scipy.special import chdtrc

    at = np.array([point.conditions[axis] for point in points])
    rows = [point.share for point in points if point.share is not None]
    share = np.array([float(row.value or 0.0) for row in rows])
    stderr = np.array([float(row.stderr or 0.0) for row in rows])
    systematic = np.array([float(row.systematic or 0.0) for row in rows])
    common = np.array([point.shared_error for point in points])
    noise = np.diag(np.maximum(stderr**2 - common**2, 0.0)) + np.outer(common, common)
    total = noise + np.diag(systematic**2)
    design = np.stack([np.ones(at.size), at - at.mean()], axis=1)
    weight: Array = np.asarray(np.linalg.pinv(total, hermitian=True), float)
    estimator = np.linalg.solve(design.T @ weight @ design, design.T @ weight)
    line = estimator @ share
    residual = share - design @ line
    of_slope = estimator[1]
    dof = at.size - 2
    chi2 = float(residual @ weight @ residual)
    inflation, told, freedom = 1.0, "", np.inf
    if dof == 0:
        told = "two points: whether it is a line is open"
    else:
        inflation = float(np.sqrt(max(chi2 / dof, 1.0)))
        if float(chdtrc(dof, chi2)) < SCATTERS:
            freedom = float(dof)
            told = f"the points lie off a line by {inflation:.1f} times their errors"
    return _Slope(
        estimate=Estimate(
            value=float(line[1]),
            stderr=inflation * float(np.sqrt(of_slope @ noise @ of_slope)),
            systematic=inflation * float(np.linalg.norm(of_slope * systematic)),
            dof=freedom,
        ),
        told=told,
    )
