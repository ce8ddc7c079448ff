"""One pattern refined: linear intensities and background eliminated, cells, widths and zero by Gauss-Newton.

With profiles phi_r(p) of every reflection, the model y(x) = sum_k b_k B_k(x) + sum_r c_r phi_r(x; p) is linear in
the background b and the intensities c >= 0, and non-linear in p (cells, widths, zero). At every p the linear part is
solved exactly and its directions are projected out of the derivatives by p (variable projection, G. H. Golub &
V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413, with the simplification of L. Kaufman, BIT 15 (1975) 49).
Pawley's free intensities (G. S. Pawley, J. Appl. Cryst. 14 (1981) 357) have a prior around their phase's pattern,
which regularises overlaps and leaves a weak phase with one intensity alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd import pattern
from ssbchar.hexrd.pattern import Array, Index, Lattice

WIDTHS = (1e-4, 1.0)
"""Bounds of the Lorentzian widths [degree]."""
LINEAR, LINEAR_WIDTH = 0.02, 0.05
"""Changes of position and of Lorentzian width over which the model is linear [Gaussian widths]."""
REST_REACH = 3.0
"""Half width of the profiles of reflections without intensity of their own, in full widths."""
STRONG = 3e-3
"""Share of the phase's intensity from which a reflection counts as strong all the same."""
WIDTH_STEP = 0.7
"""Largest change of log width in one step."""


@dataclass(frozen=True)
class State:
    """The non-linear parameters of a frame, of all candidate phases."""

    zero: float
    """[degree]; a reflection lies at 2theta + zero."""
    gauss: float
    """Gaussian width of the instrument [degree]."""
    overall_b: float
    """Overall displacement factor beside those of the atoms [angstrom^2]."""
    strain: Array
    """Strains of the reciprocal metric, shape (phase, 6), the free ones first."""
    size: Array
    """log of the Lorentzian width over 1/cos(theta) [log degree], shape (phase,)."""
    micro: Array
    """log of the Lorentzian width over tan(theta) [log degree], shape (phase,)."""
    amount: Array
    """Intensity of the phase from the frame before, for the priors; NaN where unknown, shape (phase,)."""
    inflation: Array
    """Factor on the phase's standard errors for misfit and serial correlation, shape (phase,)."""


@dataclass(frozen=True)
class Prior:
    """Where the non-linear parameters are expected, and how closely (standard deviations; 0 holds them)."""

    zero: tuple[float, float]
    gauss: tuple[float, float]
    overall_b: tuple[float, float]
    strain: tuple[Array, Array]
    size: tuple[Array, Array]
    micro: tuple[Array, Array]
    zero_error: float = 0.0
    """Standard error of a zero that is held [degree]; it passes into the cells."""


@dataclass(frozen=True)
class Series:
    """What all frames share."""

    x: Array
    """2theta [degree], shape (points,)."""
    wavelength: float
    phases: tuple[Lattice, ...]
    splines: Array
    """Background terms, shape (points, terms)."""
    pattern: tuple[Array, ...]
    """Strength of each phase's reflections (the phase's own m |F|^2, or learnt), any scale."""
    free: tuple[Index, ...]
    """Reflections of each phase with an intensity of their own."""
    freedom: Array
    """Relative standard deviation of those around the pattern, shape (phase,)."""
    reach: float


@dataclass(frozen=True)
class Fit:
    """A refined frame."""

    state: State
    present: tuple[int, ...]
    """Phases in the model."""
    intensity: Array
    """Scattered intensity of each phase in the model [counts degree], shape (present,)."""
    intensity_stderr: Array
    """Corrected standard error."""
    shares: tuple[Array, ...]
    """Intensity of every reflection of each phase in the model."""
    strain_covariance: tuple[Array, ...]
    """Corrected covariance of the free strains of each phase in the model."""
    zero_stderr: float
    background: Array
    calculated: Array
    parameters: int
    converged: bool
    misfit: float
    """Weighted squares of the residual."""
    border: Array
    """Directions of background, phases and non-linear parameters, for tests of further phases."""
    strain_shared: tuple[Array, ...] = ()
    """Part of the free strains' errors that all frames share (held zero): one sigma, signed, of each phase."""


@dataclass(frozen=True)
class _Model:
    """The model of one frame at one set of non-linear parameters."""

    profiles: pattern.Profiles
    owner: Index
    """Phase (index into present) of each column."""
    angle: Array
    slope: Array
    """d(2theta)/d(1/d^2) of each column."""
    expected: Array
    """The phase's pattern, summing to one for each phase."""
    is_free: Array
    whole: Array
    """Profiles of the reflections without intensity of their own, summed per phase, (points, present)."""
    log_b: Array


def refine(
    series: Series,
    y: Array,
    weight: Array,
    start: State,
    present: tuple[int, ...],
    prior: Prior,
    iterations: int,
    tolerance: float,
) -> Fit:
    """Return a frame refined from a starting state with the phases `present`.

    Parameters
    ----------
    series : Series
    y, weight : ndarray, shape (points,)
        Intensity [counts] and its weight 1/sigma^2 (0 leaves a point out).
    start : State
    present : tuple of int
        Indices of the phases in the model.
    prior : Prior
    iterations : int
        Largest number of Gauss-Newton steps.
    tolerance : float
        Converged when no parameter moves by more than this share of its standard error.
    """
    if not present:
        return _bare(series, y, weight, start)
    layout = _layout(series, present, prior)
    state, damping, best = _held(start, prior), 0.0, None
    converged = False
    for count in range(iterations + 1):
        model = _model(series, state, present, layout)
        solved = _linear(series, model, y, weight, state, present)
        unknown = bool(np.isnan(state.amount[list(present)]).any())
        if count == 0 or unknown:
            state = _with_amounts(state, present, solved, model, y, weight)
        objective = solved.misfit + _penalty(layout, state)
        slack = 0.1 * float(np.median(state.inflation[list(present)])) ** 2
        if best is not None and count > 1 and objective > best[0] + slack:
            damping = max(10 * damping, 1e-3)
            if damping > 1e3:
                converged = True  # no step, however short, is better
                break
            state = _moved(best[1], layout, _step(best[4], damping), series)
            continue
        system = _projected(series, model, solved, y, weight, state, present, layout)
        best = (objective, state, model, solved, system)
        damping = damping / 10 if damping > 1e-4 else 0.0
        step = _step(system, damping)
        if not unknown and _last(series, layout, state, step, system.stderr, tolerance):
            converged = True
            best = (
                objective,
                _moved(state, layout, step, series),
                model,
                _carried(series, model, solved, system, step),
                system,
            )
            break
        if count < iterations:
            state = _moved(state, layout, step, series)
    assert best is not None
    return _fit(series, best, y, weight, present, layout, converged, 0.0 if "zero" in layout.kind else prior.zero_error)


def _held(state: State, prior: Prior) -> State:
    """Return the state with what the prior holds at its value, wherever the state comes from."""
    return replace(
        state,
        zero=state.zero if prior.zero[1] else prior.zero[0],
        gauss=state.gauss if prior.gauss[1] else prior.gauss[0],
        overall_b=state.overall_b if prior.overall_b[1] else prior.overall_b[0],
    )


def _last(series: Series, layout: _Layout, state: State, step: Array, stderr: Array, tolerance: float) -> bool:
    """Return whether a step is the last: within its errors, or so short that the model is linear over it."""
    if step.size == 0:
        return True
    kind = np.array(layout.kind)
    width = np.isin(kind, ("size", "micro", "gauss", "overall_b"))
    if np.all(np.abs(step) < np.where(width, 5 * tolerance, tolerance) * stderr):
        return True
    slope = np.tan(np.radians(series.x[-1]) / 2)
    effect = np.ones(kind.size)
    effect[kind == "strain"] = np.degrees(slope) / LINEAR
    effect[np.isin(kind, ("zero", "gauss"))] = 1 / LINEAR
    for name, factor in (("size", 1.0), ("micro", slope)):
        rows = np.flatnonzero(kind == name)
        effect[rows] = np.exp(getattr(state, name)[layout.phase[rows]]) * factor / LINEAR_WIDTH
    short = np.abs(step) * effect < state.gauss
    logarithm = np.isin(kind, ("size", "micro"))
    return bool(np.all((short & (~logarithm | (step < WIDTH_STEP))) | (kind == "overall_b")))


def _carried(series: Series, model: _Model, solved: _Linear, system: _System, step: Array) -> _Linear:
    """Return the linear part after a short step, to first order."""
    if step.size == 0:
        return solved
    change = -system.cross @ step
    n, terms = solved.columns.size if solved.free is not None else 0, series.splines.shape[1]
    background: Array = series.splines @ change[n : n + terms]
    scales = change[n + terms :]
    follows = np.where(model.is_free, 0.0, 1.0) if n else np.ones(model.owner.size)
    intensity = solved.intensity + scales[model.owner] * model.expected * follows
    intensity[solved.columns] = solved.intensity[solved.columns] + change[:n]
    moved: Array = system.derivatives @ step + background
    moved = moved + model.profiles.shape @ (intensity - solved.intensity)
    return replace(
        solved, intensity=intensity, background=solved.background + background, residual=solved.residual - moved
    )


def _bare(series: Series, y: Array, weight: Array, state: State) -> Fit:
    """Return the background alone, for a frame without any phase."""
    weighted = weight[:, None] * series.splines
    solution = np.linalg.solve(series.splines.T @ weighted + 1e-12 * np.eye(len(weighted.T)), weighted.T @ y)
    background = series.splines @ solution
    misfit = float(np.dot(weight, (y - background) ** 2))
    none = np.empty(0)
    return Fit(
        state, (), none, none, (), (), 0.0, background, background.copy(), solution.size, True, misfit, series.splines
    )


@dataclass(frozen=True)
class _Layout:
    """Which entry of the parameter vector is what."""

    kind: tuple[str, ...]
    phase: Index
    """Phase of each parameter, -1 for all."""
    slot: Index
    mean: Array
    precision: Array
    """1 / prior variance."""


def _layout(series: Series, present: tuple[int, ...], prior: Prior) -> _Layout:
    rows: list[tuple[str, int, int, float, float]] = [
        (name, -1, 0, *pair)
        for name, pair in (("zero", prior.zero), ("gauss", prior.gauss), ("overall_b", prior.overall_b))
        if pair[1] > 0
    ]
    for p in present:
        for k in range(series.phases[p].free):
            rows.append(("strain", p, k, prior.strain[0][p, k], prior.strain[1][p, k]))
        rows.append(("size", p, 0, prior.size[0][p], prior.size[1][p]))
        rows.append(("micro", p, 0, prior.micro[0][p], prior.micro[1][p]))
    rows = [r for r in rows if r[4] > 0]
    return _Layout(
        tuple(r[0] for r in rows),
        np.array([r[1] for r in rows], np.int64),
        np.array([r[2] for r in rows], np.int64),
        np.array([r[3] for r in rows]),
        np.array([1 / r[4] ** 2 for r in rows]),
    )


def _values(layout: _Layout, state: State) -> Array:
    out = np.empty(len(layout.kind))
    for i, (kind, p, k) in enumerate(zip(layout.kind, layout.phase, layout.slot, strict=True)):
        value = getattr(state, kind)
        out[i] = value[p, k] if kind == "strain" else value if p < 0 else value[p]
    return out


def _moved(state: State, layout: _Layout, step: Array, series: Series) -> State:
    """Return the state after a step; log widths move and stay within bounds."""
    changed: dict[str, float | Array] = {
        "strain": state.strain.copy(), "size": state.size.copy(), "micro": state.micro.copy()
    }  # fmt: skip
    for change, kind, p, k in zip(step, layout.kind, layout.phase, layout.slot, strict=True):
        if kind in ("zero", "gauss", "overall_b"):
            changed[kind] = getattr(state, kind) + change
            continue
        values = changed[kind]
        assert isinstance(values, np.ndarray)
        if kind == "strain":
            values[p, k] += np.clip(change, -0.02, 0.02)
        else:
            bounded = values[p] + np.clip(change, -WIDTH_STEP, WIDTH_STEP)
            values[p] = np.clip(bounded, np.log(WIDTHS[0]), np.log(WIDTHS[1]))
    step_x = (series.x[-1] - series.x[0]) / series.x.size
    if "gauss" in changed:
        changed["gauss"] = float(np.clip(changed["gauss"], step_x, 1.0))
    return replace(state, **changed)  # type: ignore[arg-type]


def _inflations(layout: _Layout, state: State) -> Array:
    """Return the inflation that belongs to each parameter; shared ones take the median of the phases."""
    shared = float(np.median(state.inflation))
    return np.where(layout.phase < 0, shared, state.inflation[np.maximum(layout.phase, 0)])


def _penalty(layout: _Layout, state: State) -> float:
    pull = _inflations(layout, state) ** 2 * layout.precision
    return float(np.sum(pull * (_values(layout, state) - layout.mean) ** 2))


def _model(series: Series, state: State, present: tuple[int, ...], layout: _Layout) -> _Model:
    angles, slopes, patterns, owners, free = [], [], [], [], []
    for i, p in enumerate(present):
        phase = series.phases[p]
        angle, slope = pattern.two_theta(phase.form, phase.metric_at(state.strain[p, : phase.free]), series.wavelength)
        sine = np.sin(np.radians(angle) / 2) / series.wavelength
        strength = series.pattern[p] * pattern.lorentz_factor(angle) * np.exp(-2 * state.overall_b * sine**2)
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
    reach = np.where(flags | (shares > STRONG), series.reach, min(REST_REACH, series.reach))
    by = ("position", "lorentz", "gauss") if "gauss" in layout.kind else ("position", "lorentz")
    shapes = pattern.profiles(series.x, angle + state.zero, np.full(angle.size, state.gauss), lorentz, reach, by)
    o = shapes.order
    owner, expected, is_free = owner[o], shares[o], flags[o]
    one = np.zeros((o.size, len(present)))
    one[np.arange(o.size), owner] = np.where(is_free, 0.0, expected)
    log_b = -2 * (np.sin(theta[o]) / series.wavelength) ** 2
    return _Model(shapes, owner, angle[o], np.concatenate(slopes)[o], expected, is_free, shapes.shape @ one, log_b)


@dataclass(frozen=True)
class _Linear:
    """The linear part solved at one set of non-linear parameters."""

    intensity: Array
    """Of every column."""
    amount: Array
    """Scale of each phase's pattern, shape (present,)."""
    background: Array
    residual: Array
    misfit: float
    """Weighted squares of the residual plus the intensities' prior."""
    columns: Index
    """Columns with an intensity of their own that is not at its bound."""
    free: object
    """Their profiles, sparse (points, columns)."""
    factor: tuple[Array, bool]
    """Cholesky factor of the scaled normal matrix."""
    scale: Array


def _linear(series: Series, model: _Model, y: Array, weight: Array, state: State, present: tuple[int, ...]) -> _Linear:
    from scipy.linalg import cho_factor, cho_solve

    terms = series.splines.shape[1]
    columns = np.flatnonzero(model.is_free)
    amount = state.amount[list(present)]
    if np.isnan(amount).any():
        columns = columns[:0]
        dense = np.hstack([series.splines, model.profiles.shape @ _spread(model, len(present))])
    else:
        dense = np.hstack([series.splines, model.whole])
    owner, expected = model.owner[columns], model.expected[columns]
    weighted = weight[:, None] * dense
    corner, right = dense.T @ weighted, weighted.T @ y
    free = model.profiles.shape[:, columns] if columns.size else None
    size = columns.size + dense.shape[1]
    normal, target = np.empty((size, size)), np.empty(size)
    n = columns.size
    if n:
        scaled = free.copy()  # type: ignore[union-attr]
        scaled.data = scaled.data * weight[scaled.indices]
        normal[:n, :n] = (scaled.T @ free).toarray()
        normal[:n, n:] = scaled.T @ dense
        target[:n] = scaled.T @ y
        share = np.maximum(expected, 0.05 * np.bincount(owner, expected)[owner] / np.bincount(owner)[owner])
        width = series.freedom[list(present)][owner] * share * np.maximum(amount[owner], 1e-9)
        penalty = (state.inflation[list(present)][owner] / width) ** 2
        normal[np.arange(n), np.arange(n)] += penalty
        normal[np.arange(n), n + terms + owner] -= penalty * expected
        np.add.at(corner, (terms + owner, terms + owner), penalty * expected**2)
    normal[n:, :n], normal[n:, n:], target[n:] = normal[:n, n:].T, corner, right
    keep = np.ones(size, bool)
    for _ in range(8):
        inside = normal if keep.all() else normal[np.ix_(keep, keep)]
        scale = 1 / np.sqrt(np.maximum(np.diagonal(inside), 1e-300))
        core = inside * scale[:, None] * scale
        core[np.diag_indices_from(core)] += 1e-10
        factor = cho_factor(core, lower=True, overwrite_a=True, check_finite=False)
        solution = np.zeros(size)
        solution[keep] = scale * cho_solve(factor, scale * target[keep], check_finite=False)
        negative = np.flatnonzero(solution[:n] < 0)
        if not negative.size:
            break
        keep[negative] = False
    solution[:n] = np.maximum(solution[:n], 0.0)
    kept = columns[keep[:n]]
    scales = solution[n + terms :]
    intensity = scales[model.owner] * model.expected
    intensity[columns] = solution[:n]
    background = series.splines @ solution[n : n + terms]
    calculated = background + model.profiles.shape @ intensity
    residual = y - calculated
    misfit = float(np.dot(weight * residual, residual))
    if n:
        misfit += float(np.sum(penalty * (solution[:n] - scales[owner] * expected) ** 2))
    used = model.profiles.shape[:, kept] if n else None
    return _Linear(intensity, scales, background, residual, misfit, kept, used, factor, scale)


def _spread(model: _Model, count: int) -> Array:
    out = np.zeros((model.owner.size, count))
    out[np.arange(model.owner.size), model.owner] = model.expected
    return out


def _with_amounts(
    state: State, present: tuple[int, ...], solved: _Linear, model: _Model, y: Array, weight: Array
) -> State:
    """Return the state with the phases' amounts and inflations as they are here."""
    amount, inflation = state.amount.copy(), state.inflation.copy()
    total = np.bincount(model.owner, solved.intensity, len(present))
    floor = 1e-4 * np.max(np.abs(total))
    found = inflations(model.profiles.shape, model.owner, solved.intensity, solved.residual, weight, len(present))
    for i, p in enumerate(present):
        amount[p] = max(total[i], floor)
        inflation[p] = found[i]
    return replace(state, amount=amount, inflation=inflation)


def inflations(shape: object, owner: Index, intensity: Array, residual: Array, weight: Array, count: int) -> Array:
    """Return the factor on each phase's standard errors for misfit and serial correlation under its own peaks.

    sqrt(max(chi2, 1) (1 + rho) / (1 - rho)), both chi2 and the lag-one autocorrelation rho of the weighted
    residuals being means over the points with the squared profile of the phase as weight (compare J.-F. Berar &
    P. Lelann, J. Appl. Cryst. 24 (1991) 1).
    """
    spread = np.zeros((owner.size, count))
    spread[np.arange(owner.size), owner] = np.maximum(intensity, 0)
    part = (shape @ spread) ** 2 * weight[:, None]  # type: ignore[operator]
    z = residual * np.sqrt(weight)
    total = np.maximum(part.sum(axis=0), 1e-300)
    chi2 = part.T @ z**2 / total
    rho = np.clip(part[1:].T @ (z[1:] * z[:-1]) / np.maximum(part[1:].T @ z[1:] ** 2, 1e-300), 0, 0.97)
    return np.asarray(np.sqrt(np.maximum(chi2, 1.0) * (1 + rho) / (1 - rho)))


@dataclass(frozen=True)
class _System:
    """Normal equations of the non-linear parameters, linear ones projected out."""

    matrix: Array
    gradient: Array
    penalty: Array
    derivatives: Array
    cross: Array
    stderr: Array
    """Raw standard errors times the parameters' inflation."""


def _projected(
    series: Series, model: _Model, solved: _Linear, y: Array, weight: Array, state: State,
    present: tuple[int, ...], layout: _Layout,
) -> _System:  # fmt: skip
    derivatives = _derivatives(series, model, solved, state, present, layout)
    weighted = weight[:, None] * derivatives
    dense = np.hstack([series.splines, _dense_phases(model, solved, len(present))])
    parts = [dense.T @ weighted]
    if solved.free is not None:
        parts.insert(0, solved.free.T @ weighted)  # type: ignore[attr-defined]
    cross = np.vstack(parts)
    from scipy.linalg import cho_solve

    inner = solved.scale[:, None] * cho_solve(solved.factor, solved.scale[:, None] * cross, check_finite=False)
    matrix = derivatives.T @ weighted - cross.T @ inner
    penalty = _inflations(layout, state) ** 2 * layout.precision
    gradient = weighted.T @ solved.residual - penalty * (_values(layout, state) - layout.mean)
    variance = np.diagonal(np.linalg.pinv(matrix + np.diag(penalty), hermitian=True)) if matrix.size else np.empty(0)
    stderr = np.sqrt(np.maximum(variance, 1e-300)) * _inflations(layout, state)
    return _System(matrix, gradient, penalty, derivatives, inner, stderr)


def _dense_phases(model: _Model, solved: _Linear, count: int) -> Array:
    if solved.free is None:
        return np.asarray(model.profiles.shape @ _spread(model, count))
    return model.whole


def _derivatives(
    series: Series, model: _Model, solved: _Linear, state: State, present: tuple[int, ...], layout: _Layout
) -> Array:
    """Return d model / d parameter at fixed linear part, shape (points, parameter)."""
    c = solved.intensity
    theta = np.radians(model.angle) / 2
    order = model.profiles.order
    form = np.concatenate([series.phases[p].form for p in present])[order]
    which = np.array(present)[model.owner]
    shift, broad, other = [], [], {}
    for i, (kind, p, k) in enumerate(zip(layout.kind, layout.phase, layout.slot, strict=True)):
        mine = c * (which == p)
        if kind == "zero":
            shift.append((i, c))
        elif kind == "strain":
            shift.append((i, mine * model.slope * (form @ series.phases[p].directions[k])))
        elif kind == "size":
            broad.append((i, mine * np.exp(state.size[p]) / np.cos(theta)))
        elif kind == "micro":
            broad.append((i, mine * np.exp(state.micro[p]) * np.tan(theta)))
        elif kind == "gauss":
            other[i] = model.profiles.by_gauss @ c
        else:
            scale = (c if solved.free is None else np.where(model.is_free, 0.0, c)) * model.log_b
            other[i] = model.profiles.shape @ scale
    out = np.empty((series.x.size, len(layout.kind)))
    for rows, matrix in ((shift, model.profiles.by_position), (broad, model.profiles.by_lorentz)):
        if rows:
            out[:, [i for i, _ in rows]] = matrix @ np.stack([v for _, v in rows], axis=1)
    for i, column in other.items():
        out[:, i] = column
    return out


def _step(system: _System, damping: float) -> Array:
    if not system.matrix.size:
        return np.empty(0)
    full = system.matrix + np.diag(system.penalty)
    diagonal = np.maximum(np.diagonal(full), 1e-300)
    full = full + np.diag(diagonal * (damping + 1e-12))
    scale = 1 / np.sqrt(diagonal)
    return np.asarray(scale * np.linalg.solve(full * scale[:, None] * scale, scale * system.gradient))


def _fit(
    series: Series, best: tuple[float, State, _Model, _Linear, _System], y: Array, weight: Array,
    present: tuple[int, ...], layout: _Layout, converged: bool, zero_error: float,
) -> Fit:  # fmt: skip
    from scipy.linalg import cho_solve

    _, state, model, solved, system = best
    misfit = float(np.dot(weight, solved.residual**2))
    count = len(present)
    inflation = inflations(model.profiles.shape, model.owner, solved.intensity, solved.residual, weight, count)
    state = replace(state, inflation=_set(state.inflation, present, inflation))
    response = _response(series, model, solved, system, weight, count) if zero_error else np.zeros(len(layout.kind))
    covariance = np.linalg.pinv(system.matrix + np.diag(system.penalty), hermitian=True)
    columns = solved.columns.size if solved.free is not None else 0
    terms = series.splines.shape[1]
    sums = np.zeros((columns + terms + count, count))
    if columns:
        sums[np.arange(columns), model.owner[solved.columns]] = 1.0
        rest = np.bincount(model.owner, np.where(model.is_free, 0.0, model.expected), count).astype(float)
    else:
        rest = np.ones(count)
    sums[columns + terms + np.arange(count), np.arange(count)] = rest
    inner = solved.scale[:, None] * cho_solve(solved.factor, solved.scale[:, None] * sums, check_finite=False)
    through = system.cross.T @ sums
    variance = np.einsum("ij,ij->j", sums, inner) + np.einsum("ij,ik,kj->j", through, covariance, through)
    intensity: Array = np.bincount(model.owner, solved.intensity, count).astype(float)
    shares, covariances, common = [], [], []
    for i, p in enumerate(present):
        mine = model.owner == i
        share = np.zeros(len(series.phases[p].form))
        share[model.profiles.order[mine] - _offset(series, present, i)] = solved.intensity[mine]
        shares.append(share)
        rows = np.flatnonzero((layout.phase == p) & (np.array(layout.kind) == "strain"))
        common.append(response[rows] * zero_error)
        covariances.append(covariance[np.ix_(rows, rows)] * inflation[i] ** 2 + np.outer(common[i], common[i]))
    zero = [i for i, kind in enumerate(layout.kind) if kind == "zero"]
    zero_stderr = float(np.sqrt(covariance[zero[0], zero[0]]) * np.median(inflation)) if zero else 0.0
    amount = _set(state.amount, present, np.maximum(intensity, 1e-4 * np.max(np.abs(intensity))))
    phases = model.profiles.shape @ _spread(model, count)
    return Fit(
        replace(state, amount=amount), present, intensity, np.sqrt(np.maximum(variance, 0)) * inflation,
        tuple(shares), tuple(covariances), zero_stderr, solved.background, y - solved.residual,
        columns + terms + count + len(layout.kind), converged, misfit,
        np.hstack([series.splines, phases, system.derivatives]), tuple(common),
    )  # fmt: skip


def _response(series: Series, model: _Model, solved: _Linear, system: _System, weight: Array, count: int) -> Array:
    """Return d parameter / d zero at the optimum, for a zero that is held, shape (parameter,)."""
    column = model.profiles.by_position @ solved.intensity
    dense = np.hstack([series.splines, _dense_phases(model, solved, count)])
    parts = [dense.T @ (weight * column)]
    if solved.free is not None:
        parts.insert(0, solved.free.T @ (weight * column))  # type: ignore[attr-defined]
    mixed = system.derivatives.T @ (weight * column) - system.cross.T @ np.concatenate(parts)
    return np.asarray(-np.linalg.pinv(system.matrix + np.diag(system.penalty), hermitian=True) @ mixed)


def _set(values: Array, at: tuple[int, ...], new: Array) -> Array:
    out = values.copy()
    out[list(at)] = new
    return out


def _offset(series: Series, present: tuple[int, ...], i: int) -> int:
    return int(sum(len(series.phases[p].form) for p in present[:i]))


def slim(fit: Fit) -> Fit:
    """Return a fit without its curves, as it is kept of a whole series."""
    none = np.empty(0)
    return replace(fit, background=none, calculated=none, border=none)


def put(values: Array, p: int, new: Array | float) -> Array:
    """Return a copy of `values` with entry `p` replaced."""
    out = values.copy()
    out[p] = new
    return out
