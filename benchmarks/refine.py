"""Whole-pattern refinement of two phases on 2400 points, against scipy's least_squares on the same
model."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import xarray as xr

from ssbchar.crystal import reflections
from ssbchar.hexrd.refinement import inputs, refine
from ssbchar.hexrd.refinement.frame.lines import (
    lorentz_factor_from_two_theta,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.profiles import Lines, sum_lines
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import crystal
from ssbchar.simulate.hexrd import pattern as forward

TABLE = Path(__file__).parent.parent / "config/phases/phases.yaml"
NAMES = ("LAGP", "LFP")
INSTRUMENT = forward.Instrument(wavelength=0.24117, first=1.8, step=0.005, points=2400, fwhm=0.03)
RATE = 1.7
"""Kelvin per frame: 20 s at 5 K/min."""


def series(frames: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return patterns of LAGP and LFP that warm, and their temperatures."""
    rng = np.random.default_rng(1)
    temperature = 25 + 775 * 0.5 * (1 - np.cos(2 * np.pi * np.arange(frames) * RATE / 1550))
    amount = np.full(frames, 900.0)
    parts = [
        forward.PhaseSeries(crystal=c, cell=c.cell_at(temperature), amount=amount)
        for c in (crystal.LAGP, crystal.LFP)
    ]
    x = INSTRUMENT.two_theta
    mean = forward.simulate_peaks(parts, x, INSTRUMENT, IDEAL, rng)
    mean += forward.simulate_background(x, INSTRUMENT.wavelength, 6000.0, IDEAL)
    counts = rng.poisson(mean).astype(np.float32)
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), counts),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(counts, 1))),
            "status": ("frame", np.full(frames, "ok", object)),
            "wavelength": ((), INSTRUMENT.wavelength),
        },
        coords={"frame": np.arange(1, frames + 1), "two_theta": x},
    )
    furnace = xr.Dataset(
        {
            "temperature": ("frame", temperature),
            "segment": ("frame", np.full(frames, "heating", object)),
        },
        coords={"frame": patterns["frame"]},
    )
    return patterns, furnace


def cases(frames: int = 400) -> list[dict[str, Any]]:
    """Return the case: seconds per pattern, ours and scipy's, and how far apart their cells are in
    esds.

    A series of three frames goes before: its time is what a first call costs, mostly imports
    (printed).
    """
    tables = [
        reflections.tabulate_reflections(TABLE, reflections.ReflectionListing(), {"phase": n})
        for n in NAMES
    ]
    patterns, furnace = series(frames)
    start = time.process_time()
    refine.refine_series(
        patterns.isel(frame=slice(0, 3)), furnace.isel(frame=slice(0, 3)), tables, Refinement()
    )
    cold = time.process_time() - start
    start = time.process_time()
    ours = refine.refine_series(patterns, furnace, tables, Refinement())
    seconds = (time.process_time() - start) / frames
    print(f"refinement: the first call, of three frames, {cold:.2f} s", file=sys.stderr)
    peer, cell = _peer(patterns, furnace, tables, ours)
    apart = np.abs(cell - ours["cell"].values[0, :, 0]) / ours["cell_stderr"].values[0, :, 0]
    return [
        {
            "case": f"two phases x 2400 points, whole pattern, {frames} frames",
            "ours_s": seconds,
            "peer": "scipy.optimize.least_squares, same model, one frame from a good start",
            "peer_version": scipy.__version__,
            "peer_s": peer,
            "ratio": peer / seconds,
            "agreement": f"a of both phases within {apart.max():.2f} esd",
        }
    ]


def _peer(
    patterns: xr.Dataset, furnace: xr.Dataset, tables: list[xr.Dataset], ours: xr.Dataset
) -> tuple[float, np.ndarray]:
    """Return scipy's seconds for the first frame, and its a of both phases [angstrom]."""
    from scipy.optimize import least_squares

    options = Refinement(zero="fixed", zero_start=float(ours["zero"][0]))
    frames = inputs.Frames(patterns.isel(frame=[0]), furnace.isel(frame=[0]), options)
    model = inputs.build_series_model(frames, tables, options)
    pattern = frames.read_pattern(0)
    gauss, root = 5 * INSTRUMENT.step, np.sqrt(pattern.weight)
    free = [p.free for p in model.phases]
    amounts = [ours["intensity"].values[0, k] for k in range(2)]
    starts = []
    for k, phase in enumerate(model.phases):
        angle, _ = two_theta_from_metric(phase.form, phase.reference, model.wavelength)
        strength = phase.strength * lorentz_factor_from_two_theta(angle)
        starts.append(amounts[k] * strength / strength.sum())
    terms = len(model.background_terms)
    level = np.linalg.lstsq(model.background_terms.T, pattern.intensity, rcond=None)[0]
    widths = np.tile([inputs.START_LOG_SIZE_WIDTH, inputs.START_LOG_STRAIN_WIDTH], 2)
    start = np.concatenate([np.zeros(sum(free)), [gauss], widths, level, *starts])
    scale = np.concatenate(
        [np.full(sum(free), 1e-4), [1e-2], np.full(4, 0.5), 1e-2 * np.abs(level) + 1, *starts]
    )
    size = sum(free) + 5

    def residual(u: np.ndarray) -> np.ndarray:
        v = start + scale * u
        total = v[size : size + terms] @ model.background_terms
        at, begin = 0, size + terms
        for k, phase in enumerate(model.phases):
            metric = phase.metric_from_strain(v[at : at + free[k]])
            angle, _ = two_theta_from_metric(phase.form, metric, model.wavelength)
            theta = np.radians(angle) / 2
            log_size, log_strain = v[sum(free) + 1 + 2 * k : sum(free) + 3 + 2 * k]
            size_width = np.exp(np.clip(log_size, -9, 0)) / np.cos(theta)
            strain_width = np.exp(np.clip(log_strain, -9, 0)) * np.tan(theta)
            lines = Lines(
                position=angle + options.zero_start,
                gauss_fwhm=np.full(angle.size, abs(v[sum(free)])),
                lorentz_fwhm=size_width + strain_width,
                reach=np.full(angle.size, model.reach),
            )
            total = total + sum_lines(model.two_theta, lines, v[begin : begin + angle.size])
            at, begin = at + free[k], begin + angle.size
        return np.asarray(root * (total - pattern.intensity))

    begun = time.process_time()
    found = least_squares(
        residual, np.zeros(start.size), method="trf", xtol=1e-6, ftol=1e-6, max_nfev=30
    )
    seconds = time.process_time() - begun
    strain = (start + scale * found.x)[: sum(free)]
    cells = [
        model.phases[0].cell_from_strain(strain[: free[0]]),
        model.phases[1].cell_from_strain(strain[free[0] :]),
    ]
    return seconds, np.array([c[0] for c in cells])
