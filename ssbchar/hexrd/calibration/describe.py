"""What the image of a calibrant is, from the first file."""

from __future__ import annotations

from pathlib import Path

from ssbchar.description import Description, count_of
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.calibration.setup import read_setup
from ssbchar.hexrd.images.read import find_image_files


def describe_calibrant(source: Path, options: Geometry) -> Description:
    """Return what the image of a calibrant is, and the rough set-up it was taken with: wavelength
    [angstrom], distance [mm] and pixels [micrometre].

    The first file alone is read.

    Parameters
    ----------
    source : Path
        A file, a folder or a glob.
    options : Geometry

    Raises
    ------
    BadInput
        As `read_setup`.
    """
    paths = find_image_files(source)
    setup = read_setup(paths[0], options)
    rows, columns = setup.counts.shape
    files = count_of(len(paths), "image file")
    said = (
        f"{files} of {columns} x {rows} pixels of {options.calibrant}, "
        f"{setup.wavelength:.7g} A from {setup.wavelength_source.replace('config', 'the option')}, "
        f"{1e3 * setup.distance:.5g} mm away, pixels of {1e6 * setup.pixel1:.5g} um"
    )
    return Description(said=said, doubts=tuple(str(fault) for fault in setup.faults))
