"""Pairs of made measurements, taken through the steps as a run takes them."""

from pathlib import Path

import numpy as np
import xarray as xr
from xas import made_spectra

from ssbchar.conclusion import Conclusion
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.comparison import compare, conclude
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading


def chain(
    folder: Path,
    name: str,
    standard: xr.Dataset | None = None,
    how: Normalisation | None = None,
    **options: object,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return scans and normalised spectra of a folder of scans."""
    scans = read.read_scans(folder / name, ScanReading(), {"measurement": name})
    calibrated = calibrate.calibrate_energy(scans, standard, Calibration(**options))  # type: ignore[arg-type]
    return scans, normalise.normalise_spectra(calibrated, how or Normalisation())


def write_pair(
    folder: Path, seed: int, loss: float, shift: float, with_foil: bool = True, repeats: int = 3
) -> None:
    """Write pristine and cycled repeats, the monochromator off by half an eV and a tenth more from
    scan to scan.

    2e6 counts in I0 give noise of about 1.3e-3 in chi of one scan at k = 10, 0.8e-3 merged.
    """
    random = np.random.default_rng(seed)
    for name, truth in (
        ("pristine", made_spectra.Truth()),
        ("cycled", made_spectra.Truth(edge=7120.0 + shift, loss=loss)),
    ):
        (folder / name).mkdir(parents=True)
        for i in range(repeats):
            drift = 0.5 + 0.1 * random.standard_normal()
            made_spectra.write_scan(
                folder / name / f"{i}.dat", truth, random, drift=drift, with_foil=with_foil
            )


def judged(
    folder: Path, choices: int = 20, **calibration: object
) -> tuple[xr.Dataset, dict[str, Conclusion]]:
    """Return the comparison of the written pair and its conclusions by quantity."""
    scans, pristine = chain(folder, "pristine", None, **calibration)
    _, cycled = chain(folder, "cycled", scans, **calibration)
    options = Comparison(choices=choices)
    found = compare.compare_pair(pristine, cycled, options)
    return found, {
        c.quantity: c for c in conclude.conclude_measurement(cycled, found, None, options)
    }
