"""Whole-pattern refinement of two phases on 2400 points, against scipy's least_squares on the same
model, and against rietx's sequential refinement with free intensities (Pawley) and with
structures."""

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import xarray as xr

from benchmarks import version
from ssbchar.crystal import reflections
from ssbchar.hexrd.refinement import inputs, refine
from ssbchar.hexrd.refinement.frame.lines import (
    lorentz_factor_from_two_theta,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.profiles import Lines, sum_lines
from ssbchar.hexrd.refinement.options import Mode, Refinement
from ssbchar.hexrd.rietveld import problem, program
from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import crystal
from ssbchar.simulate.hexrd import pattern as forward

TABLE = Path(__file__).parent.parent / "config/phases/phases.yaml"
NAMES = ("LAGP", "LFP")
INSTRUMENT = forward.Instrument(wavelength=0.24117, first=1.8, step=0.005, points=2400, fwhm=0.03)
RATE = 1.7
"""Kelvin per frame: 20 s at 5 K/min."""
PEER_FRAMES = 12
"""Frames of the series that rietx refines."""


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
    with_structures = [table.assign_attrs(refinable=1) for table in tables]
    start = time.process_time()
    fixed = refine.refine_series(patterns, furnace, with_structures, Refinement(mode="rietveld"))
    fixed_seconds = (time.process_time() - start) / frames
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
        },
        _against_rietx("pawley", patterns, ours, seconds),
        _against_rietx("rietveld", patterns, fixed, fixed_seconds),
    ]


def _against_rietx(
    mode: Mode, patterns: xr.Dataset, ours: xr.Dataset, seconds: float
) -> dict[str, Any]:
    """Return the case of the first frames by rietx, each begun from the one before; ours are those
    of the whole series."""
    words = {"pawley": "free intensities (Pawley)", "rietveld": "structures held (Rietveld)"}
    case: dict[str, Any] = {
        "case": f"two phases x 2400 points, {words[mode]}, {patterns.sizes['frame']} frames",
        "ours_s": seconds,
        "peer": f"rietx refine_sequential, {mode}, {PEER_FRAMES} frames",
        "peer_version": version("rietx"),
        "peer_s": None,
        "agreement": "",
    }
    if importlib.util.find_spec("rietx") is None:
        return case
    import rietx

    first = patterns.isel(frame=slice(0, PEER_FRAMES))
    setup = _set_up_rietx(first)
    data = [
        rietx.PatternData(
            two_theta=INSTRUMENT.two_theta.tolist(),
            intensity=one["intensity"].values.astype(float).tolist(),
            sigma=one["intensity_stderr"].values.astype(float).tolist(),
        )
        for one in (first.isel(frame=i) for i in range(PEER_FRAMES))
    ]
    scales = ["phases.*.scale"] if mode == "rietveld" else []
    stages = {
        "background": [*scales, "instrument.background.*"],
        "widths": list(program.PROFILE),
        "cells": list(program.POSITIONS),
    }
    plan = rietx.PlanSpec(
        stages=[rietx.StageSpec(name=name, turn_on=paths) for name, paths in stages.items()]
    )
    structure = rietx.Structure(phases=[program.build_phase(phase) for phase in setup.phases])
    begun = time.process_time()
    found = rietx.refine_sequential(
        data,
        structure,
        program.build_instrument(setup),
        mode=mode,
        plan=plan.to_plan(),
        telemetry=False,
    )
    case["peer_s"] = (time.process_time() - begun) / PEER_FRAMES
    case["agreement"] = _compare_cells(ours, list(found.entries))
    return case


def _set_up_rietx(patterns: xr.Dataset) -> problem.Problem:
    """Return what rietx begins with: the cells of the phases file."""
    known = [reflections.read_phase(TABLE, n, reflections.ReflectionListing()) for n in NAMES]
    return problem.Problem(
        two_theta=INSTRUMENT.two_theta,
        intensity=patterns["intensity"].values[0],
        stderr=patterns["intensity_stderr"].values[0],
        wavelengths=(INSTRUMENT.wavelength,),
        doublet_ratio=0.0,
        zero=0.0,
        has_caglioti=False,
        background_terms=12,
        polarisation=1.0,
        phases=tuple(
            problem.PhaseStart(known=one, cell=one.cell, size_width=5e-3, strain_width=1e-3)
            for one in known
        ),
    )


def _compare_cells(ours: xr.Dataset, entries: list[Any]) -> str:
    """Return how far the lengths of both phases are from ours, in the peer's standard errors, and
    both from the truth in their own."""

    def list_distances() -> Iterator[tuple[float, float, float]]:
        for i, entry in enumerate(entries):
            found = {one.path: one for one in entry.parameters}
            true_at = 25 + 775 * 0.5 * (1 - np.cos(2 * np.pi * i * RATE / 1550))
            for p, known in enumerate((crystal.LAGP, crystal.LFP)):
                true = known.cell_at(np.array(true_at))
                for k, axis in enumerate(("a", "b", "c")):
                    value = ours["cell"].values[i, p, k]
                    stderr = ours["cell_stderr"].values[i, p, k]
                    theirs = found[f"phases.{p}.cell.{axis}"]
                    yield (
                        abs(theirs.value - value) / theirs.stderr,
                        (value - true[k]) / stderr,
                        (theirs.value - true[k]) / theirs.stderr,
                    )

    apart, own, peers = np.array(list(list_distances())).T
    converged = sum(entry.status == "converged" for entry in entries)
    rms_own, rms_peers = (float(np.sqrt(np.mean(x**2))) for x in (own, peers))
    return (
        f"lengths of both phases differ by {np.median(apart):.2f} of its esds in the median, "
        f"{apart.max():.2f} at most; from the truth (synthetic) by {rms_own:.2f} of ours and "
        f"{rms_peers:.2f} of its own (root mean square); {converged} of {len(entries)} converged"
    )


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
