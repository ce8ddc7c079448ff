"""One small pattern of two phases with known parameters, as the refinement's core sees it."""

from dataclasses import replace

import numpy as np

from ssbchar.hexrd.refinement.frame.background import build_background_splines
from ssbchar.hexrd.refinement.frame.lattice import Lattice, build_lattice
from ssbchar.hexrd.refinement.frame.lines import MOST_ANISOTROPY
from ssbchar.hexrd.refinement.frame.model import FrameModel, FrameProblem, build_model
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    FramePrior,
    GaussianPrior,
    build_layout,
)
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame.windows import Windows, sum_windows

AXIS = np.linspace(4.0, 16.0, 1501)
WAVELENGTH = 0.4
AMOUNTS = (400.0, 150.0)
TERMS = 6
LEVEL = 900.0
HKL = {
    "cubic": [(1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1), (2, 2, 2)],
    "tetragonal": [(1, 0, 1), (1, 1, 0), (0, 0, 2), (2, 1, 1), (2, 0, 2), (1, 0, 3)],
}
STRENGTH = {"cubic": [8.0, 0.03, 6.0, 4.0, 5.0], "tetragonal": [3.0, 4.0, 1.0, 5.0, 2.0, 1.0]}
CELL = {"cubic": (5.4, 5.4, 5.4, 90, 90, 90), "tetragonal": (4.4, 4.4, 6.1, 90, 90, 90)}


def make_phase(system: str, refinable: bool = True) -> Lattice:
    return build_lattice(
        system,
        cell=np.array(CELL[system], float),
        system=system,
        hkl=np.array(HKL[system], float),
        strength=np.array(STRENGTH[system]),
        has_atoms=True,
        refinable=refinable,
    )


def make_series(free: tuple[int, int] = (3, 0)) -> SeriesModel:
    """Return a cubic and a tetragonal phase, the first reflections of each with free
    intensities."""
    phases = (make_phase("cubic"), make_phase("tetragonal"))
    return SeriesModel(
        two_theta=AXIS,
        wavelength=WAVELENGTH,
        phases=phases,
        background_terms=build_background_splines(AXIS, TERMS),
        strength=tuple(p.strength for p in phases),
        free_reflections=tuple(np.arange(n) for n in free),
        intensity_freedom=np.array([0.5, 0.4]),
        reach=8.0,
    )


def make_parameters(**changes: object) -> FrameParameters:
    given = FrameParameters(
        zero=0.002,
        gauss_fwhm=0.05,
        overall_b=np.array([0.3, 0.2]),
        strain=np.array([[1e-3, 0, 0, 0, 0, 0], [-5e-4, 8e-4, 0, 0, 0, 0]]),
        log_size_width=np.log([0.02, 0.03]),
        log_strain_width=np.log([0.05, 0.08]),
        amount=np.array(AMOUNTS),
        inflation=np.ones(2),
        log_texture=np.zeros(2),
        anisotropy=np.zeros((2, MOST_ANISOTROPY)),
    )
    return replace(given, **changes)


def make_prior(parameters: FrameParameters | None = None, **changes: object) -> FramePrior:
    """Return a weak prior about given parameters: everything is free."""
    about = parameters or make_parameters()
    prior = FramePrior(
        zero=GaussianPrior(mean=about.zero, sigma=0.01),
        gauss_fwhm=GaussianPrior(mean=about.gauss_fwhm, sigma=0.03),
        overall_b=GaussianPrior(mean=about.overall_b, sigma=np.full(2, 3.0)),
        strain=GaussianPrior(mean=about.strain, sigma=np.full((2, 6), 0.02)),
        log_size_width=GaussianPrior(mean=about.log_size_width, sigma=np.full(2, 1.5)),
        log_strain_width=GaussianPrior(mean=about.log_strain_width, sigma=np.full(2, 1.5)),
        log_texture=GaussianPrior(mean=about.log_texture, sigma=np.zeros(2)),
        anisotropy=GaussianPrior(mean=about.anisotropy, sigma=np.zeros((2, MOST_ANISOTROPY))),
    )
    return replace(prior, **changes)


def make_pattern(
    series: SeriesModel,
    parameters: FrameParameters | None = None,
    *,
    noise: float = 0.0,
    present: tuple[int, ...] = (0, 1),
    seed: int = 0,
) -> FramePattern:
    """Return the pattern of given parameters; `noise` in standard deviations."""
    at = parameters or make_parameters()
    model = build_model(series, at, present)
    intensity = np.array([AMOUNTS[p] for p in present])[model.owner] * model.expected
    y = sum_windows(model.profiles.phi, intensity[None], AXIS.size)[0] + LEVEL
    sigma = np.sqrt(y)
    rng = np.random.default_rng(seed)
    return FramePattern(
        intensity=y + noise * sigma * rng.standard_normal(y.size), weight=1 / sigma**2
    )


def make_dense(windows: Windows, points: int = AXIS.size) -> np.ndarray:
    """Return windows as whole curves, shape (points, curve)."""
    return sum_windows(windows, np.eye(windows.start.size), points).T


def make_design(model: FrameModel, scale_curves: np.ndarray) -> np.ndarray:
    """Return the curves of the linear unknowns in their order, shape (points, unknown)."""
    splines = build_background_splines(AXIS, TERMS)
    return np.hstack([make_dense(model.profiles.phi)[:, model.free], splines.T, scale_curves.T])


def make_problem(
    series: SeriesModel | None = None,
    pattern: FramePattern | None = None,
    prior: FramePrior | None = None,
    present: tuple[int, ...] = (0, 1),
) -> FrameProblem:
    series = series or make_series()
    layout = build_layout(series, present, prior or make_prior())
    return FrameProblem(
        series=series, pattern=pattern or make_pattern(series), present=present, layout=layout
    )
