"""Azimuthal integration of 2048 x 2048 images with variance: ours against pyFAI's fastest exact
routes."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks import timed, version
from ssbchar.hexrd.images import azimuthal
from ssbchar.hexrd.images.geometry import Plane

SIDE = 2048
BINS = 2048
FRAMES = 16
PLANE = Plane(
    distance=0.3, poni1=0.1, poni2=0.1, rot1=0.01, rot2=0.005, rot3=0.0, pixel1=1e-4, pixel2=1e-4
)
POLARISATION = 0.99


def cases() -> Iterator[Mapping[str, Any]]:
    """Yield the comparisons; times are per image, the matrix made before (cold start given
    apart)."""
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    stack = np.random.default_rng(0).poisson(100, (FRAMES, SIDE, SIDE)).astype(np.int32)
    cold, by = timed(
        lambda: azimuthal.build_integrator(
            PLANE, 0, np.ones((SIDE, SIDE), bool), points=BINS, polarisation=POLARISATION
        ),
        repeats=1,
    )
    seconds, (mean, stderr) = timed(lambda: azimuthal.integrate_stack(by, stack))
    theirs = AzimuthalIntegrator(
        dist=PLANE.distance,
        poni1=PLANE.poni1,
        poni2=PLANE.poni2,
        rot1=PLANE.rot1,
        rot2=PLANE.rot2,
        rot3=PLANE.rot3,
        pixel1=PLANE.pixel1,
        pixel2=PLANE.pixel2,
        wavelength=1e-10,
    )
    for split, algorithm in (("full", "csc"), ("bbox", "csc"), ("full", "csr")):
        method = (split, algorithm, "cython")

        def integrate(frame: int = 0, method: tuple[str, str, str] = method) -> Any:
            return theirs.integrate1d_ng(
                stack[frame],
                BINS,
                error_model="poisson",
                polarization_factor=POLARISATION,
                method=method,
                unit="2th_rad",
            )

        peer, last = timed(integrate)
        off = np.nanmax(np.abs(mean[0] - last.intensity) / stderr[0])
        ratio = np.nanmax(np.abs(stderr[0] / last.sigma - 1))
        yield {
            "case": (
                f"image of {SIDE}^2 to {BINS} bins with variance, {FRAMES} at once (matrix once: "
                f"{cold:.1f} s)"
            ),
            "ours_s": seconds / FRAMES,
            "peer": f"pyFAI {split} {algorithm.upper()}",
            "peer_version": version("pyFAI"),
            "peer_s": peer,
            "agreement": (
                f"largest difference {off:.1e} standard errors; standard errors within {ratio:.1e}"
            ),
        }
