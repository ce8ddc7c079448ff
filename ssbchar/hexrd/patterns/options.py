"""Options of reading patterns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """How patterns are read."""

    wavelength: float | None = None
    """Wavelength [angstrom]; None takes the one stated in the files and refuses silence."""
    wavelength_stderr: float | None = None
    """Its standard error [angstrom]; None takes the rounding of the number given."""
    common_wavelength: float | None = None
    """Wavelength [angstrom] of the axis `two_theta_common`; None takes the measurement's own."""
    suffix: str = ""
    """Ending of the files to read (`.xye`), where a folder holds several kinds."""
    axis_unit: str = ""
    """`degree`, `1/angstrom`, `1/nm` or `angstrom` (d) where the files do not say; empty takes
    degree of 2theta."""
    other_grid: str = "rebin"
    """Frames on another axis than most: `rebin` (by exact overlap of the point intervals, variance
    carried, listed in the attribute `rebinned`) or `set_aside`."""
    beam_dump: float = 0.5
    """A frame whose total is below this share of the good frames before it is set aside as
    `beam_dump`."""
    saturation: float | None = None
    """Intensity from which a point counts as saturated; None looks for flat tops of three equal
    points."""
    by_monitor: bool = False
    """Divide each pattern by its monitor (header `monitor`, `i0` or `ion_chamber`, a constant
    column of that name, NeXus `monitor`), relative to the series' median; frames without one are
    set aside."""
    monitor_stderr: float = 0.0
    """Relative standard error of one monitor reading; all points of a frame share it."""
