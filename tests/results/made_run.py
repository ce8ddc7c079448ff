"""A small finished run made by the steps: scans with their merged spectrum, an echo with figures,
and the cells of a series."""

from pathlib import Path

import numpy as np
import xarray as xr
from nmr import signals
from xas import made_spectra

from ssbchar.conclusion import Conclusion
from ssbchar.pipeline import step
from ssbchar.storage import store


def _labels(technique: str, measurement: str) -> dict[str, str]:
    source = f"results/mine/{technique}/{measurement}/manifest.csv"
    return {
        "measurement": measurement,
        "sample": f"sample of {measurement}",
        "technique": technique,
        "role": "pristine" if technique == "xas" else "spectrum",
        "source": source,
    }


def make(root: Path) -> Path:
    """Return ``results/mine`` below a folder; its raw files lie in ``raw``."""
    run, raw = root / "results/mine", root / "raw"
    made_by = store.describe_provenance("test", {}, {})
    (raw / "fe").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for n in range(2):
        made_spectra.write_scan(raw / f"fe/{n}.dat", made_spectra.Truth(), rng)
    y = signals.signal((0.1, 0.9), (265.0, 10.0), (900.0, 3500.0), points=512)
    signals.write_bruker(raw / "echo", 1e6 * y[None])
    xas, nmr, hexrd = run / "xas/fe", run / "nmr/echo", run / "hexrd/heat"
    about = _labels("xas", "fe")
    step.run_step("xas.scans.read_scans", {"source": [raw / "fe"]}, xas / "scans.nc", {}, about)
    scans = {"scans": [xas / "scans.nc"]}
    step.run_step("xas.calibration.calibrate_energy", scans, xas / "calibrated.nc", {}, about)
    calibrated = {"calibrated": [xas / "calibrated.nc"]}
    name = "xas.normalisation.normalise_spectra"
    step.run_step(name, calibrated, xas / "normalised.nc", {}, about)
    about = _labels("nmr", "echo")
    read = {"decay_axis": "10u"}
    step.run_step("nmr.bruker.read_fid", {"source": [raw / "echo"]}, nmr / "fid.nc", read, about)
    step.run_step("nmr.lineshape.fit_lines", {"fid": [nmr / "fid.nc"]}, nmr / "lines.nc", {}, about)
    inputs = {"fid": [nmr / "fid.nc"], "lines": [nmr / "lines.nc"]}
    step.run_step("nmr.lineshape.integrate_windows", inputs, nmr / "spectrum.nc", {}, about)
    inputs = {"lines": [nmr / "lines.nc"], "spectrum": [nmr / "spectrum.nc"]}
    step.run_step("results.figures.nmr.draw_measurement", inputs, nmr / "figures", {}, about)
    _save_series(hexrd, made_by)
    conclusions = []
    for folder in (xas, nmr, hexrd):
        found = [Conclusion("x", value=1.25, stderr=0.5, unit="1", verdict="ok")]
        about = _labels(folder.parent.name, folder.name)
        store.save(found, folder / "conclusions.json", made_by, about)
        conclusions.append(folder / "conclusions.json")
        (folder / "manifest.csv").write_text("path,bytes,sha256\n")
    step.run_step("results.joint.summarise", {"conclusions": conclusions}, run / "summary.csv")
    return run


def _save_series(folder: Path, made_by: dict[str, object]) -> None:
    """Save two frames of one phase, which the second one shows alone."""
    degree, count = {"units": "degree"}, {"units": "count"}
    cell = np.array([[[5.0, 5.0, 12.0, 90, 90, 120]], [[5.1, 5.1, 12.2, 90, 90, 120]]])
    per_phase = ("frame", "phase")
    lattice = xr.Dataset(
        {
            "present": (per_phase, [[0], [1]]),
            "cell": ((*per_phase, "axis"), cell, {"units": "1"}),
            "cell_stderr": ((*per_phase, "axis"), 1e-4 * np.ones_like(cell), {"units": "1"}),
            "volume": (per_phase, [[259.8], [274.8]], {"units": "angstrom^3"}),
            "volume_stderr": (per_phase, [[0.1], [0.1]], {"units": "angstrom^3"}),
            "zero": ("frame", [0.001, 0.002], degree),
            "crystal_system": ("phase", ["hexagonal"]),
        },
        {"frame": [1, 2], "phase": ["LAGP"]},
    )
    x = np.array([1.0, 2.0, 3.0])
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), [[1.0, 2, 3], [4, 5, 6]], count),
            "intensity_stderr": (("frame", "two_theta"), np.ones((2, 3)), count),
            "wavelength": ((), 0.2413, {"units": "angstrom"}),
        },
        {"frame": [1, 2], "two_theta": ("two_theta", x, degree)},
    )
    phase = xr.Dataset(
        {"d": ("reflection", [4.0], {"units": "angstrom"})}, attrs={"space_group": "R -3 c"}
    )
    store.save(lattice, folder / "lattice.nc", made_by, {})
    store.save(patterns, folder / "patterns.nc", made_by, {})
    store.save(phase, folder.parent.parent / "phases/LAGP.nc", made_by, {})
