"""Effects of real measurements that the fitters do not model; each can be switched off."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Sizes of the effects; zero switches one off."""

    shape_mismatch: float = 0.15
    """Diffraction: share of each peak's area that is twice as wide (two crystallite sizes)."""
    graininess: float = 0.05
    """Diffraction: relative scatter of reflection intensities (few grains, texture)."""
    hump: float = 0.06
    """Diffraction: height of an amorphous hump at d = 3.9 angstrom, relative to the background."""
    thermal_lag: float = 12.0
    """Diffraction: delay of the sample's temperature after the thermocouple's [s]."""
    clock: float = 3.0
    """Diffraction: the furnace's clock is ahead of the detector's [s]; its log says that they agree
    within 10 s."""
    saturation: float = 1.3
    """Diffraction: exponent that bends the growth and fading of phases (1: linear in
    temperature)."""
    drift: float = 0.03
    """Diffraction and XAS: relative change of the incident beam over a series or a scan."""
    dark: float = 2e-4
    """XAS: dark counts left in each channel, relative to its counts."""
    glitch: float = 0.15
    """XAS: relative dip of I0 at the glitch; a fiftieth of it does not cancel in the ratio."""
    atomic_hump: float = 0.01
    """XAS: height of a broad bump of the atomic background 90 eV above the edge [edge steps]."""
    pulse_error: float = 0.004
    """NMR: relative scatter of the echo amplitude and quadrature image (imperfect pulses and
    receiver)."""
    pulse_phase: float = 1.5
    """NMR: scatter of the phase between the scans of a series [degree]."""
    satellites: float = 0.004
    """NMR: area of a symmetric pair of weak lines at 69 and -67 ppm (quadrupolar horns of an
    impurity)."""


# a bend of 1, not of 0, is none
IDEAL = Effects(**{f.name: 0.0 for f in fields(Effects) if f.name != "saturation"}, saturation=1.0)
"""Nothing that the fitters do not model."""
