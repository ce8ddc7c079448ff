"""The model of one frame at given cells, widths and zero: its profiles, and which parameter is
which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.refinement import profile_model
from ssbchar.hexrd.refinement.state import Prior, Series, State
from ssbchar.typing import Array, Index

WIDTHS = (1e-4, 1.0)
"""Bounds of the Lorentzian widths [degree]."""


SMALLEST = 70.0
"""Smallest crystallite [angstrom]: the lines of smaller ones are not told from the background."""


WEAK_REACH = 3.0
"""Half width of the profiles of weak reflections without intensity of their own, in full widths."""


STRONG = 3e-3
"""Share of the phase's intensity from which a reflection is not weak."""


B_BOUNDS = (-2.0, 10.0)
"""Bounds of displacement factors beside those of the atoms [angstrom^2]."""


STRAIN_STEP, WIDTH_STEP, B_STEP = 0.02, 0.7, 2.0
"""Largest changes of a strain, of a log width and of a displacement factor [angstrom^2] in one
step."""


OWN = ("size", "micro", "overall_b")
"""Parameters of which each phase has one."""


SHARED = ("zero", "gauss")
"""Parameters of which all phases have one."""


@dataclass(frozen=True)
class Model:
    """The model of one frame at one set of non-linear parameters."""

    profiles: profile_model.Profiles
    owner: Index
    """Phase (index into present) of each column."""
    angle: Array
    slope: Array
    """d(2theta)/d(1/d^2) of each column."""
    expected: Array
    """The phase's pattern, summing to one for each phase."""
    is_free: Array
    """Columns with an intensity of their own; they come first."""
    own: Any
    """Their profiles (csc_array)."""
    dense: Array
    """Background terms, then per phase the profiles of the reflections without intensity of their
    own, summed; shape (points, terms + present)."""
    log_b: Array


@dataclass(frozen=True)
class Layout:
    """Which entry of the parameter vector is what."""

    kind: tuple[str, ...]
    phase: Index
    """Phase of each parameter, -1 for all."""
    slot: Index
    mean: Array
    precision: Array
    """1 / prior variance."""
    easy: bool
    """See `Prior`."""

    @cached_property
    def shared(self) -> bool:
        """Whether a parameter belongs to all phases."""
        return bool(np.any(self.phase < 0))

    @cached_property
    def rows(self) -> dict[str, Index]:
        """Parameters of each kind."""
        return {
            kind: np.flatnonzero([k == kind for k in self.kind])
            for kind in (*SHARED, "strain", *OWN)
        }

    def of(self, *kinds: str) -> NDArray[np.bool_]:
        """Return which parameters are of these kinds."""
        out = np.zeros(len(self.kind), bool)
        for kind in kinds:
            out[self.rows[kind]] = True
        return out


def layout_of(series: Series, present: tuple[int, ...], prior: Prior) -> Layout:
    """Return the parameters of a frame with these phases; those the prior holds are none."""
    rows: list[tuple[str, int, int, float, float]] = [
        (name, -1, 0, *pair)
        for name, pair in (("zero", prior.zero), ("gauss", prior.gauss))
        if pair[1] > 0
    ]
    for p in present:
        for k in range(series.phases[p].free):
            rows.append(("strain", p, k, prior.strain[0][p, k], prior.strain[1][p, k]))
        for name in OWN:
            mean, sigma = getattr(prior, name)
            rows.append((name, p, 0, mean[p], sigma[p]))
    rows = [r for r in rows if r[4] > 0]
    return Layout(
        tuple(r[0] for r in rows),
        np.array([r[1] for r in rows], np.int64),
        np.array([r[2] for r in rows], np.int64),
        np.array([r[3] for r in rows]),
        np.array([1 / r[4] ** 2 for r in rows]),
        prior.easy,
    )


def size_width(size: float, wavelength: float) -> float:
    """Return the full width over 1/cos(theta) [degree] of crystallites of a size [angstrom]: 0.9
    lambda / size."""
    return float(np.degrees(0.9 * wavelength / size))


def values_of(layout: Layout, state: State) -> Array:
    """Return the parameter vector of a state."""
    out, rows = np.empty(len(layout.kind)), layout.rows
    for kind in SHARED:
        out[rows[kind]] = getattr(state, kind)
    out[rows["strain"]] = state.strain[layout.phase[rows["strain"]], layout.slot[rows["strain"]]]
    for kind in OWN:
        if rows[kind].size:
            out[rows[kind]] = getattr(state, kind)[layout.phase[rows[kind]]]
    return out


def moved_by(state: State, layout: Layout, step: Array, series: Series) -> State:
    """Return the state after a step; log widths move and stay within bounds."""
    changed: dict[str, float | Array] = {}
    for kind, rows in layout.rows.items():
        if not rows.size:
            continue
        change, at = step[rows], layout.phase[rows]
        if kind in SHARED:
            changed[kind] = getattr(state, kind) + float(change[0])
            continue
        values = np.array(getattr(state, kind), float)
        if kind == "strain":
            values[at, layout.slot[rows]] += np.clip(change, -STRAIN_STEP, STRAIN_STEP)
        elif kind == "overall_b":
            values[at] = np.clip(values[at] + np.clip(change, -B_STEP, B_STEP), *B_BOUNDS)
        else:
            widest = (
                min(WIDTHS[1], size_width(SMALLEST, series.wavelength))
                if kind == "size"
                else WIDTHS[1]
            )
            bounds = np.log(WIDTHS[0]), np.log(widest)
            values[at] = np.clip(values[at] + np.clip(change, -WIDTH_STEP, WIDTH_STEP), *bounds)
        changed[kind] = values
    if "gauss" in changed:
        narrowest = (series.x[-1] - series.x[0]) / series.x.size
        changed["gauss"] = float(np.clip(changed["gauss"], narrowest, 1.0))
    return replace(state, **changed)  # type: ignore[arg-type]


def inflations_of(layout: Layout, state: State) -> Array:
    """Return the inflation that belongs to each parameter; shared ones take the median of the
    phases."""
    if not layout.shared:
        return state.inflation[layout.phase]
    shared = float(np.median(state.inflation))
    return np.where(layout.phase < 0, shared, state.inflation[np.maximum(layout.phase, 0)])


def pull_of(layout: Layout, state: State) -> Array:
    """Return the prior's weight of each parameter in the weighted squares: 1/variance on the scale
    of its errors."""
    factor = inflations_of(layout, state)
    if layout.easy:
        factor = np.where(layout.of(*OWN, "gauss"), state.goodness, factor)
    return np.asarray(factor**2 * layout.precision)


def penalty_of(layout: Layout, state: State) -> float:
    """Return the squares by which a state departs from its prior, as `pull_of` weighs them."""
    pull = pull_of(layout, state)
    return float(np.sum(pull * (values_of(layout, state) - layout.mean) ** 2))


def model_at(series: Series, state: State, present: tuple[int, ...], layout: Layout) -> Model:
    """Return the model of a frame at a state."""
    angles, slopes, patterns, owners, free = [], [], [], [], []
    b = np.broadcast_to(state.overall_b, state.size.shape)
    for i, p in enumerate(present):
        phase = series.phases[p]
        angle, slope = profile_model.two_theta(
            phase.form, phase.metric_at(state.strain[p, : phase.free]), series.wavelength
        )
        sine = np.sin(np.radians(angle) / 2) / series.wavelength
        strength = (
            series.pattern[p] * profile_model.lorentz_factor(angle) * np.exp(-2 * b[p] * sine**2)
        )
        flag = np.zeros(angle.size, bool)
        flag[series.free[p]] = True
        angles.append(angle)
        slopes.append(slope)
        patterns.append(strength / strength.sum())
        owners.append(np.full(angle.size, i))
        free.append(flag)
    angle, owner = np.concatenate(angles), np.concatenate(owners)
    theta = np.radians(angle) / 2
    which = np.array(present)[owner]
    lorentz = np.exp(state.size)[which] / np.cos(theta) + np.exp(state.micro)[which] * np.tan(theta)
    flags, shares = np.concatenate(free), np.concatenate(patterns)
    reach = np.where(flags | (shares > STRONG), series.reach, min(WEAK_REACH, series.reach))
    by = ("position", "lorentz", "gauss")[
        : 3 if "gauss" in layout.kind else 2 if layout.kind else 0
    ]
    shapes = profile_model.profiles(
        series.x, angle + state.zero, np.full(angle.size, state.gauss), lorentz, reach, by, flags
    )
    o = shapes.order
    owner, expected, is_free, own = owner[o], shares[o], flags[o], int(flags.sum())
    one = np.zeros((o.size, len(present)))
    one[np.arange(own, o.size), owner[own:]] = expected[own:]
    log_b = -2 * (np.sin(theta[o]) / series.wavelength) ** 2
    return Model(
        shapes,
        owner,
        angle[o],
        np.concatenate(slopes)[o],
        expected,
        is_free,
        shapes.leading(own),
        np.hstack([series.splines, shapes.shape @ one]),
        log_b,
    )
