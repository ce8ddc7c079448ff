"""A paragraph of methods per technique, from the options that were used, with its references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import ssbchar
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.runtime import options as opts
from ssbchar.technique import Technique
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.exafs.options import Exafs, FourierWindow
from ssbchar.xas.paths.options import Feff, PathFit

T = TypeVar("T")
PAWLEY = "G. S. Pawley, J. Appl. Cryst. 14 (1981) 357"
PROJECTION = "G. H. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413"
AUTOBK = "M. Newville, P. Livins, Y. Yacoby, J. J. Rehr & E. A. Stern, Phys. Rev. B 47 (1993) 14126"
EDGES = "J. A. Bearden & A. F. Burr, Rev. Mod. Phys. 39 (1967) 125"
POINTS = "E. A. Stern, Phys. Rev. B 48 (1993) 9825"
FEFF_TEN = (
    "J. J. Kas, F. D. Vila, C. D. Pemmaraju, T. S. Tan & J. J. Rehr, J. Synchrotron Rad. 28 (2021) "
    "1801"
)
FEFF_SIX = "J. J. Rehr & R. C. Albers, Rev. Mod. Phys. 72 (2000) 621"
CRITERION = "G. Schwarz, Ann. Stat. 6 (1978) 461"
SOFTWARE = "ssbchar: solid-state-battery characterization"
CONVENTIONS = {"bearden": "Bearden and Burr's", "kraft": "Kraft's"}


@dataclass(frozen=True, kw_only=True)
class Methods:
    """How a technique's measurements were evaluated."""

    technique: str
    text: str
    references: tuple[str, ...]


def write_methods(techniques: Iterable[str], departures: Mapping[str, Any]) -> list[Methods]:
    """Return a paragraph per technique, from its options.

    Parameters
    ----------
    techniques : iterable of str
        Those with measurements.
    departures : mapping
        The config's departures from the defaults, by technique and stage. Those of single rows of
        the sample sheet are not among them: the page lists these below.
    """
    writers = {Technique.HEXRD: _write_hexrd, Technique.XAS: _write_xas, Technique.NMR: _write_nmr}
    asked = set(techniques)
    return [
        _write(name.value, writer, departures.get(name.value) or {})
        for name, writer in writers.items()
        if name.value in asked
    ]


def _write(
    technique: str, writer: Callable[[Mapping[str, Any]], Methods], given: Mapping[str, Any]
) -> Methods:
    try:
        return writer(given)
    except ValueError as error:
        # Of options that are none nothing true can be said.
        said = " ".join(str(error).split())
        return Methods(technique=technique, text=f"Not written: {said}", references=())


def _build(kind: type[T], departures: Mapping[str, Any], stage: str) -> T:
    return opts.build_options(kind, departures.get(stage) or {})


def _describe_range(expansion: Expansion) -> str:
    """Return between which temperatures the mean expansion is stated."""
    low, high = expansion.mean_from, expansion.mean_to
    if low is None or high is None:
        return "over the temperatures measured where no other is given"
    return f"from {low:g} to {high:g} °C"


def _write_hexrd(given: Mapping[str, Any]) -> Methods:
    refine = _build(Refinement, given, "refine")
    expansion = _build(Expansion, given, "expansion")
    stability = _build(Stability, given, "stability")
    intensities = {
        "pawley": "the intensities of reflections free about those calculated from the atoms (1)",
        "rietveld": "the intensities of phases with trusted atoms from these, of others free (1)",
    }
    text = (
        "Every pattern was refined as a whole: cell, widths and intensities of each phase, a "
        f"background of {refine.background_terms} terms, and a zero of 2θ ({refine.zero}), by "
        "Gauss-Newton steps in which all linear parameters are projected out (2); "
        f"{intensities.get(refine.mode, refine.mode)}. Cells were searched within "
        f"{100 * refine.search:.3g} % of those of the phases file. A phase enters from "
        f"{refine.enter:g} standard deviations of its intensity and leaves below "
        f"{refine.leave:g}. Cells against temperature follow a {expansion.model}"
        f"{f' of order {expansion.order}' if expansion.model == 'polynomial' else ''} on heating "
        f"and on cooling; mean expansion {_describe_range(expansion)}. "
        f"Cells count as the same within {stability.cell_tolerance:g} %, intensities within "
        f"{stability.intensity_tolerance:g} %, each only where its 95 % limits lie inside."
    )
    return Methods(technique=Technique.HEXRD, text=text, references=(PAWLEY, PROJECTION))


def _write_xas(given: Mapping[str, Any]) -> Methods:
    calibrate = _build(Calibration, given, "calibrate")
    exafs = _build(Exafs, given, "exafs")
    window = _build(FourierWindow, given, "window")
    compare = _build(Comparison, given, "compare")
    fit = _build(PathFit, given, "path_fit")
    feff, paths = "FEFF10", FEFF_TEN
    if _build(Feff, given, "feff").program:
        feff, paths = "FEFF 6", FEFF_SIX
    top = "the end of the data" if window.kmax is None else f"{window.kmax:g} 1/Å"
    text = (
        "Energy axes were set on the inflection of the foil's edge "
        f"({CONVENTIONS.get(calibrate.convention, calibrate.convention)} edge energies (1)), where "
        "there is a foil. Spectra were normalised by curves below and above the edge, and repeats "
        f"merged. The background is a spline by AUTOBK (2), Rbkg {exafs.rbkg:g} Å, k-weight "
        f"{exafs.kweight_background}. Fourier transforms run from {window.kmin:g} 1/Å to {top} in "
        f"a {window.shape} window of sill {window.dk:g} 1/Å, k-weight {exafs.kweight}; R from "
        f"{exafs.rmin:g} to {exafs.rmax:g} Å. Independent points are counted as 2 dk dR / π + 1, "
        "Larch's convention; Stern's adds one more (3). Edges count as the same within "
        f"{compare.max_shift:g} eV, white lines within {compare.max_white_line:g}, shells within a "
        f"loss of {', '.join(f'{100 * loss:g}' for loss in compare.max_loss)} %, each only where "
        "its 95 % limits lie inside. Where the sample sheet names a phase, first shells were "
        f"fitted in R from {fit.rmin:g} to {fit.rmax:g} Å, k-weight {fit.kweight}, with scattering "
        f"paths of its crystal by {feff} (4), or by the calculation that the rows name."
    )
    return Methods(technique=Technique.XAS, text=text, references=(EDGES, AUTOBK, POINTS, paths))


def _write_nmr(given: Mapping[str, Any]) -> Methods:
    lines = _build(LineFitOptions, given, "lines")
    decay = _build(DecayOptions, given, "decay")
    text = (
        "Signals were fitted in the time domain as sums of damped lines "
        f"({' or '.join(lines.shapes)}) with a shared phase and time origin, amplitudes projected "
        f"out (1); their number, at most {lines.max_components} in a region, follows from the "
        f"Bayesian information criterion (2), a gain of {lines.min_gain:g} each. Window integrals "
        "of the spectrum are a second route, and what the two differ by is a systematic. Areas "
        f"against delay follow a law that is {' or '.join(decay.models)}; shares are brought back "
        "to no delay with the T2* of each region."
    )
    return Methods(technique=Technique.NMR, text=text, references=(PROJECTION, CRITERION))


def write_citation(commit: str) -> str:
    """Return how the software is cited.

    Parameters
    ----------
    commit : str
        Of its checkout; empty where it is not known.
    """
    place = f", commit {commit}" if commit else ""
    return f"The ssbchar developers, {SOFTWARE}, version {ssbchar.__version__}{place}."
