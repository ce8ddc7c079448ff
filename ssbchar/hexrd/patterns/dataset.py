"""The table of a series' patterns (``patterns.nc``), the same from pattern files and from
images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssbchar.hexrd import bragg
from ssbchar.storage.row_file import RowFile
from ssbchar.storage.variables import OutputTable, Variable
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

PATTERN = ("frame", "two_theta")

PATTERNS = OutputTable(
    file="patterns.nc",
    steps=("hexrd.patterns.read_patterns", "hexrd.images.integrate_images"),
    about="Powder patterns of one series on one axis. "
    "In a frame that is `ok` every intensity is finite.",
    variables={
        "intensity": Variable(
            dims=PATTERN,
            unit="counts",
            meaning="intensity as in the files; of images: mean counts per pixel",
            long_name="intensity, of images the mean counts per pixel",
            ancillary=("intensity_stderr",),
        ),
        "intensity_stderr": Variable(
            dims=PATTERN,
            unit="counts",
            meaning="standard error of the intensity: the files' own, else that of counting",
        ),
        "wavelength": Variable(
            unit="angstrom",
            meaning="wavelength of the series",
            ancillary=("wavelength_stderr",),
        ),
        "wavelength_stderr": Variable(unit="angstrom", meaning="standard error of the wavelength"),
        "common_wavelength": Variable(
            unit="angstrom",
            meaning="wavelength of the axis `two_theta_common`",
        ),
        "source_file": Variable(dims=("frame",), meaning="file of the frame"),
        "time": Variable(
            dims=("frame",),
            unit="s",
            meaning="time since 1970-01-01 UTC, NaN where unknown",
            long_name="time since 1970-01-01 UTC",
        ),
        "temperature_header": Variable(
            dims=("frame",),
            unit="degC",
            meaning="temperature in the file's header, NaN where the file has none",
        ),
        "monitor": Variable(
            dims=("frame",),
            unit="counts",
            meaning="incident monitor in the file's header, NaN where the file has none",
        ),
        "exposure": Variable(
            dims=("frame",),
            unit="s",
            meaning="exposure in the file's header; of pattern files alone, where one states it",
            long_name="exposure in the file's header",
            optional=True,
        ),
        "status": Variable(
            dims=("frame",),
            meaning="`ok`, or why the frame cannot be used: `zeros`, `saturated`, `beam_dump`, "
            "`nan`, `negative`, `truncated`, `unsorted`, `duplicated`, `not_finite`, "
            "`too_short`, `other_grid`, `no_monitor`",
        ),
        "rebinned": Variable(
            dims=("frame",),
            meaning="1 where the frame was rebinned to this axis; of pattern files alone",
            optional=True,
        ),
        "monitor_scale": Variable(
            dims=("frame",),
            unit="1",
            meaning="factor by which the pattern was multiplied; with `by_monitor` alone",
            ancillary=("monitor_scale_stderr",),
            optional=True,
        ),
        "monitor_scale_stderr": Variable(
            dims=("frame",),
            unit="1",
            meaning="standard error of that factor; all points of a frame share it, it is not in "
            "`intensity_stderr`, and the refinement adds it to the intensities of phases",
            long_name="shared by all points of a frame",
            optional=True,
        ),
        "length_scale_stderr": Variable(
            unit="1",
            meaning="relative error of detector distance and wavelength that all d spacings "
            "share; of images alone",
            long_name="shared by all d spacings",
            optional=True,
        ),
        "intensity_robust": Variable(
            dims=PATTERN,
            unit="counts",
            meaning="mean over the azimuth without single grains; with `sectors` alone",
            long_name="intensity without single grains",
            optional=True,
        ),
        "intensity_robust_stderr": Variable(
            dims=PATTERN,
            unit="counts",
            meaning="standard error of `intensity_robust`",
            optional=True,
        ),
        "grain_share": Variable(
            dims=PATTERN,
            unit="1",
            meaning="share of the sectors left out as single grains; with `sectors` alone",
            long_name="share of sectors left out as grains",
            optional=True,
        ),
        "caked": Variable(
            dims=("frame", "azimuth", "two_theta"),
            unit="counts",
            meaning="intensity by azimuthal sector; with `sectors` alone",
            ancillary=("caked_stderr",),
            optional=True,
        ),
        "caked_stderr": Variable(
            dims=("frame", "azimuth", "two_theta"),
            unit="counts",
            meaning="standard error of `caked`",
            optional=True,
        ),
        "frame": Variable(dims=("frame",), meaning="number in the series, from 1", coordinate=True),
        "two_theta": Variable(
            dims=("two_theta",),
            unit="degree",
            meaning="2theta as measured",
            long_name="2theta as measured",
            coordinate=True,
        ),
        "q": Variable(
            dims=("two_theta",),
            unit="1/angstrom",
            meaning="modulus of the scattering vector",
            coordinate=True,
        ),
        "two_theta_common": Variable(
            dims=("two_theta",),
            unit="degree",
            meaning="2theta at the run's common wavelength, exact through d",
            long_name="2theta at the common wavelength",
            coordinate=True,
        ),
        "azimuth": Variable(
            dims=("azimuth",),
            unit="degree",
            meaning="middle of the sector, from the columns' axis to the rows'; with `sectors` "
            "alone",
            long_name="from the columns' axis to the rows'",
            optional=True,
            coordinate=True,
        ),
    },
    attributes={
        "noise": "`file` (standard errors of the files) or `poisson` (counting)",
        "wavelength_source": "where the wavelength comes from",
        "axis_source": "the axis as the files name it, and its unit (pattern files)",
        "temperature_source": "`headers`, `file names` or `none` (pattern files)",
        "assumed": "what the files do not state and was taken for granted (pattern files)",
        "clock": "how the time stamps were read (images)",
        "distance": "sample to detector along the beam [m] (images)",
        "pixels_left_out": "number of masked pixels (images)",
        "stray_pixels": "number of pixels, over all frames, that stray events hit (images)",
        "grains": "`kept`, or `left out` of the patterns by `without_grains` (images)",
    },
)


@dataclass(frozen=True, kw_only=True)
class FrameRecords:
    """What is known of each frame beside its pattern; every field has one entry per frame."""

    names: Sequence[str]
    """File of the frame."""
    numbers: NDArray[np.int64]
    """Number in the series."""
    status: NDArray[Any]
    """Whether the frame can be used (`FrameStatus`)."""
    time: ArrayLike
    """[s since 1970-01-01 UTC], NaN where unknown."""
    temperature: ArrayLike
    """[degC], NaN where unknown."""
    monitor: ArrayLike
    """[counts], NaN where unknown."""


@dataclass(frozen=True, kw_only=True)
class Wavelength:
    """The wavelength of a series."""

    value: float
    """[angstrom]"""
    stderr: float
    """[angstrom]"""
    common: float | None
    """Wavelength of the axis ``two_theta_common`` [angstrom]; None takes `value`."""
    source: str
    """Where it comes from."""


def build_dataset(
    *,
    two_theta: Array,
    intensity: Array | RowFile,
    stderr: Array | RowFile,
    wavelength: Wavelength,
    frames: FrameRecords,
    noise: str,
    more: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return patterns on one axis with what is known of each frame (`PATTERNS`).

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree], as measured.
    intensity, stderr : ndarray or RowFile, shape (frames, points)
        [counts]
    wavelength : Wavelength
        [angstrom]
    frames : FrameRecords
        Each entry of shape (frames,).
    noise : str
        ``file`` or ``poisson``: where the standard errors come from.
    more : mapping of str to array_like, optional
        Further variables of the table.
    """
    # Series of several wavelengths are drawn on one axis.
    common = wavelength.common or wavelength.value
    values = {
        "intensity": intensity,
        "intensity_stderr": stderr,
        "wavelength": wavelength.value,
        "wavelength_stderr": wavelength.stderr,
        "common_wavelength": common,
        "source_file": np.array(frames.names, dtype=object),
        "time": np.array(frames.time, float),
        "temperature_header": np.array(frames.temperature, float),
        "monitor": np.array(frames.monitor, float),
        "status": np.array([str(word) for word in frames.status], dtype=object),
        "frame": frames.numbers,
        "two_theta": two_theta,
        "q": bragg.q_from_two_theta(two_theta, wavelength.value),
        "two_theta_common": bragg.convert_wavelength(two_theta, wavelength.value, common),
    }
    attrs = {"noise": noise, "wavelength_source": wavelength.source}
    return PATTERNS.dataset({**values, **(more or {})}, attrs)
