"""Terms of the profile beyond the usual: which of them the options and the data ask for, and their
values."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.hexrd.refinement.frame.fit import FitsByFrame, FrameFit
from ssbchar.hexrd.refinement.frame.lines import MOST_ANISOTROPY, NARROWEST
from ssbchar.hexrd.refinement.frame.parameters import (
    GaussianPrior,
    find_median_inflation,
    replace_entry,
)
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.frame.series import SeriesModel
from ssbchar.hexrd.refinement.options import Refinement, Term
from ssbchar.typing import Array

if TYPE_CHECKING:
    from ssbchar.hexrd.refinement.inputs import Frames
    from ssbchar.hexrd.refinement.series_priors import SeriesPriors

TEST_FRAMES = 3
"""Frames in which a term is tried."""
CLEAR = 25.0
"""A phase has terms of its own where it is so many counting errors above nothing: those for misfit
hold what the term would take away."""
SEEN = 5.0
"""And so many standard errors, misfit included."""
REFLECTIONS_PER_TERM = 3
"""Reflections of a phase that each of its coefficients of anisotropic strain needs."""
GAIN = 10.0
"""What a term must gain beyond the information criterion, in chi-square on the scale of the
standard errors, per frame."""
LEAST_SHARE = 0.005
"""Share of the misfit that a term must take away."""
ANISOTROPY_SIGMA = 0.7
"""Prior standard deviation of a coefficient of anisotropic strain [1]."""
CAGLIOTI_SIGMA = 4.0
"""Prior standard deviation of a Caglioti term [squared Gaussian widths]."""
AXIAL_SMEAR = 0.5
"""Axial divergence is started from where it smears the lowest line over this [Gaussian widths]: at
0 lines do not change with it."""
AXIAL_STARTS = 3.0
"""Its prior standard deviation [that start]."""
TEXTURE_SIGMA = 0.4
"""Prior standard deviation of the log of a March-Dollase coefficient."""
GAUSS_SIGMA = 0.03
"""Prior standard deviation of a free Gaussian width [degree]."""


@dataclass(frozen=True, kw_only=True)
class ProfileTerms:
    """Values of the terms of the profile, and what they are refined within."""

    anisotropy: Array
    """Coefficients of anisotropic strain [1], shape (phase, 14)."""
    log_texture: Array
    """log of the March-Dollase coefficient [1], shape (phase,)."""
    caglioti_v: float = 0.0
    """[degree^2]."""
    caglioti_u: float = 0.0
    """[degree^2]."""
    axial: float = 0.0
    """[1]."""
    doublet: float = 0.0
    """Intensity of K-alpha2 over K-alpha1 [1]."""
    displacement: GaussianPrior[float] = field(
        default_factory=lambda: GaussianPrior(mean=0.0, sigma=0.0)
    )
    """Displacement of the sample over the distance to the detector [1]."""

    def build_priors(self) -> dict[str, Any]:
        """Return the priors of a frame: all terms held at their values."""
        held = {
            name: GaussianPrior(mean=getattr(self, name), sigma=0.0)
            for name in ("caglioti_v", "caglioti_u", "axial", "doublet")
        }
        arrays = {
            name: GaussianPrior(mean=getattr(self, name), sigma=np.zeros_like(getattr(self, name)))
            for name in ("anisotropy", "log_texture")
        }
        return {**held, **arrays, "displacement": self.displacement}


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A term that is tried."""

    start: ProfileTerms
    """Its values to start from, beside those of terms accepted before."""
    priors: dict[str, Any]
    """What is free in it, by the fields of `FramePrior`; nothing of one that is held."""
    count: int
    """Number of parameters."""
    is_wanted: bool
    """Taken whatever the data say: asked for by the options."""


def choose_profile_terms(series: SeriesModel, options: Refinement) -> ProfileTerms:
    """Return the terms before anything of a series is known: those that the options give.

    Parameters
    ----------
    series : SeriesModel
        Its wavelength [angstrom] says whether there is a K-alpha doublet.
    options : Refinement
    """
    count = len(series.phases)
    has_doublet = options.doublet == "on" and series.emission.size == 2
    relative, sigma = options.relative_displacement
    return ProfileTerms(
        anisotropy=np.zeros((count, MOST_ANISOTROPY)),
        log_texture=np.zeros(count),
        doublet=options.doublet_ratio if has_doublet else 0.0,
        displacement=GaussianPrior(mean=relative, sigma=sigma),
    )


def ask_profile(
    priors: SeriesPriors,
    series: SeriesModel,
    fits: FitsByFrame,
    frames: Frames,
    options: Refinement,
) -> ProfileTerms:
    """Return the terms of the profile that a series asks for, with their values.

    Each is tried in up to three converged frames, spread over the series, beside those accepted
    before it, widths and cells free. It is accepted if chi-square, over the squared inflation of
    the standard errors (misfit and serial correlation), falls by more than the information
    criterion asks for its parameters (G. Schwarz, Ann. Statist. 6 (1978) 461) and 10 more per
    frame, and the misfit by 0.5 %. Its value is the median of the frames, held from there on.

    Parameters
    ----------
    priors : SeriesPriors
        Angles in degree.
    series : SeriesModel
    fits : dict of int to FrameFit
        Of the pass before.
    frames : Frames
    options : Refinement
    """
    terms = priors.profile
    chosen = _choose_frames(fits)
    if not chosen or not options.asks_for_terms:
        return terms
    trial = _Trial(
        priors=priors,
        series=series,
        before={i: fits[i] for i in chosen},
        frames=frames,
        options=options,
    )
    best: dict[int, FrameFit] | None = None
    for name, phase in _list_candidates(series, trial.before, options):
        candidate = _make_candidate(name, phase, terms, trial, options)
        if candidate is None:
            continue
        if best is None:
            best = trial.refine(terms, {})
        tried = trial.refine(candidate.start, candidate.priors)
        if candidate.is_wanted or is_asked_for(best, tried, candidate.count, series.two_theta.size):
            terms = _take_values(candidate, tried.values())
            best = trial.refine(terms, {})
    return terms


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """The frames in which terms are tried."""

    priors: SeriesPriors
    series: SeriesModel
    before: FitsByFrame
    frames: Frames
    options: Refinement

    @property
    def gauss_fwhm(self) -> float:
        """Median Gaussian width of the frames [degree], a float."""
        return float(np.median([fit.parameters.gauss_fwhm for fit in self.before.values()]))

    def refine(self, terms: ProfileTerms, free: dict[str, Any]) -> dict[int, FrameFit]:
        """Return the frames refined with these terms, some of them free."""
        found = {}
        limit = Convergence(
            iterations=3 * self.options.iterations, tolerance=self.options.tolerance
        )
        for i, fit in self.before.items():
            strains = {p: fit.parameters.strain[p] for p in fit.present}
            prior = replace(self.priors, profile=terms).build_free_prior(i, strains)
            if not self.options.gauss_fwhm:
                gauss = GaussianPrior(mean=fit.parameters.gauss_fwhm, sigma=GAUSS_SIGMA)
                prior = replace(prior, gauss_fwhm=gauss)
            start = prior.apply_holds(fit.parameters)
            # what is free starts from the candidate's values
            for name, given in free.items():
                start = replace(start, **{name: getattr(terms, name)})
                prior = replace(prior, **{name: given})
            found[i] = refine_frame(
                self.series,
                self.frames.read_pattern(i),
                fit.present,
                start=start,
                prior=prior,
                convergence=limit,
            ).drop_curves()
        return found


def is_asked_for(
    before: dict[int, FrameFit],
    after: dict[int, FrameFit],
    count: int,
    points: int,
    least_share: float = LEAST_SHARE,
) -> bool:
    """Return whether frames ask for a term, a bool without unit; see `ask_profile`.

    Parameters
    ----------
    before, after : dict of int to FrameFit
        The same frames without and with it.
    count : int
        Parameters of the term.
    points : int
        Points of a pattern.
    least_share : float
        Share of the misfit [1] that it must take away.
    """
    gain = needed = 0.0
    misfit = sum(fit.misfit for fit in before.values())
    for i, fit in after.items():
        inflation = find_median_inflation(fit.parameters.inflation[list(fit.present)])
        gain += (before[i].misfit - fit.misfit) / inflation**2
        needed += count * float(np.log(points)) + GAIN
    lost = misfit - sum(fit.misfit for fit in after.values())
    return gain > needed and lost > least_share * misfit


def _choose_frames(fits: FitsByFrame) -> list[int]:
    good = [i for i in sorted(fits) if fits[i].present and fits[i].converged]
    places = np.unique(np.linspace(0, len(good) - 1, TEST_FRAMES).astype(int))
    return [good[k] for k in places] if good else []


def _list_candidates(
    series: SeriesModel, fits: FitsByFrame, options: Refinement
) -> Iterator[tuple[Term, int]]:
    """Yield the terms to try and the phase of each, -1 for all: the instrument's first, as it
    widens the lines of all phases."""
    of_all: tuple[Term, ...] = ("doublet", "caglioti", "axial_divergence")
    of_phase: tuple[Term, ...] = ("anisotropic_strain", "preferred_orientation")
    for name in of_all:
        if getattr(options, name) != "off":
            yield name, -1
    for name in of_phase:
        if getattr(options, name) == "off":
            continue
        for p in range(len(series.phases)):
            if any(_is_clear(fit, p) for fit in fits.values()):
                yield name, p


def _is_clear(fit: FrameFit, phase: int) -> bool:
    if phase not in fit.present:
        return False
    significance = fit.get_significance(phase)
    return significance > SEEN and significance * fit.parameters.inflation[phase] > CLEAR


def _make_candidate(
    name: Term, phase: int, terms: ProfileTerms, trial: _Trial, options: Refinement
) -> _Candidate | None:
    """Return a term to try; None where the data cannot have it."""
    series = trial.series
    wanted = getattr(options, name) == "on"
    match name:
        case "doublet":
            if series.emission.size != 2 or terms.doublet:
                return None
            start = replace(terms, doublet=options.doublet_ratio)
            return _Candidate(start=start, priors={}, count=1, is_wanted=wanted)
        case "caglioti":
            sigma = CAGLIOTI_SIGMA * trial.gauss_fwhm**2
            free = GaussianPrior(mean=0.0, sigma=sigma)
            return _Candidate(
                start=terms,
                priors={"caglioti_v": free, "caglioti_u": free},
                count=2,
                is_wanted=wanted,
            )
        case "axial_divergence":
            # cos(2phi) = cos(2theta) (1 + (2s)^2)^(1/2), to first order
            smear = np.radians(AXIAL_SMEAR * trial.gauss_fwhm)
            low = np.radians(max(float(series.two_theta[0]), 0.5))
            least = float(np.sqrt(0.5 * smear * np.tan(min(low, 1.4))))
            free = GaussianPrior(mean=0.0, sigma=AXIAL_STARTS * least)
            start = replace(terms, axial=least)
            return _Candidate(start=start, priors={"axial": free}, count=1, is_wanted=wanted)
        case "anisotropic_strain":
            count = series.phases[phase].anisotropy_count
            if not count or series.phases[phase].reflection_count < REFLECTIONS_PER_TERM * count:
                return None
            own = np.where(np.arange(MOST_ANISOTROPY) < count, ANISOTROPY_SIGMA, 0.0)
            sigmas = replace_entry(np.zeros_like(terms.anisotropy), phase, own)
            free_rows = GaussianPrior(mean=terms.anisotropy, sigma=sigmas)
            return _Candidate(
                start=terms, priors={"anisotropy": free_rows}, count=count, is_wanted=wanted
            )
        case "preferred_orientation":
            lattice = series.phases[phase]
            follows = options.follows_structures and lattice.refinable
            if not follows or not lattice.alignment.shape[1]:
                return None
            sigmas = replace_entry(np.zeros_like(terms.log_texture), phase, TEXTURE_SIGMA)
            free_rows = GaussianPrior(mean=terms.log_texture, sigma=sigmas)
            return _Candidate(
                start=terms, priors={"log_texture": free_rows}, count=1, is_wanted=wanted
            )


def _take_values(candidate: _Candidate, fits: Collection[FrameFit]) -> ProfileTerms:
    """Return the terms with the median of the frames for what was free."""
    values: dict[str, Any] = {
        name: np.median([getattr(fit.parameters, name) for fit in fits], axis=0)
        for name in candidate.priors
    }
    values = {name: float(v) if np.ndim(v) == 0 else v for name, v in values.items()}
    return replace(candidate.start, **values)


def describe_terms(terms: ProfileTerms, series: SeriesModel) -> dict[str, Any]:
    """Return the terms that are used, with their values, as ``lattice.nc`` has them.

    Parameters
    ----------
    terms : ProfileTerms
    series : SeriesModel
        Its phases have the names and the reflections, shape (reflection, ...).

    Returns
    -------
    dict
        Empty where there are none. Of anisotropic strain the microstrain along a*, b* and c* over
        that of the phase [1], where the phase has a reflection there.
    """
    used: dict[str, Any] = {}
    shared = {
        "doublet": terms.doublet,
        "caglioti_v": terms.caglioti_v,
        "caglioti_u": terms.caglioti_u,
        "axial_divergence": terms.axial,
    }
    used |= {name: value for name, value in shared.items() if value}
    for p, phase in enumerate(series.phases):
        if terms.anisotropy[p].any():
            along = {}
            for k, axis in enumerate(("a*", "b*", "c*")):
                others = np.delete(phase.form[:, :3], k, axis=1)
                rows = np.flatnonzero(~others.any(axis=1))
                if rows.size:
                    own = terms.anisotropy[p, : phase.anisotropy_count]
                    square = 1 + float(phase.anisotropy[rows[0]] @ own)
                    along[axis] = float(np.sqrt(max(square, NARROWEST**2)))
            used.setdefault("anisotropic_strain", {})[phase.name] = along
        if terms.log_texture[p]:
            coefficient = float(np.exp(terms.log_texture[p]))
            used.setdefault("preferred_orientation", {})[phase.name] = coefficient
    return used
