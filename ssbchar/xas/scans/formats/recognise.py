"""Raw scan files as named columns, each format told by its content; nothing is computed or
corrected.

| format | what comes out |
|---|---|
| XDI and column text (`column_text`) | one scan: columns by the names in the header |
| SPEC (`spec`) | the scans of the file by their numbers |
| Photon Factory 9809 (`photon_factory`) | one scan: angles, and counters by their modes |
| Athena project in Perl or JSON (`athena`) | its groups, with the reference channel of each |
| ESRF BLISS (`hdf5_scans`) | the scans of the file by their numbers, columns of ``measurement`` |
| NeXus, SOLEIL and other HDF5 (`hdf5_scans`) | a scan per entry, columns by path, name, label |
"""

from __future__ import annotations

from pathlib import Path

from ssbchar.errors import BadInput
from ssbchar.number_text import decode_text
from ssbchar.storage import reading
from ssbchar.xas.scans.formats.athena import is_athena, parse_athena
from ssbchar.xas.scans.formats.column_text import parse_column_text
from ssbchar.xas.scans.formats.hdf5_scans import HDF5_SIGNATURE, HDF5_SUFFIXES, read_hdf5
from ssbchar.xas.scans.formats.photon_factory import is_photon_factory, parse_photon_factory
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.formats.spec import is_spec, parse_spec
from ssbchar.xas.scans.options import ScanLimits


def read_raw_scans(path: Path) -> list[RawScan]:
    """Return the scans of one file.

    Parameters
    ----------
    path : Path
        XDI, column text, SPEC, 9809, Athena project (gzip or plain) or HDF5.

    Returns
    -------
    list of RawScan
        In the units of the file.

    Raises
    ------
    BadInput
        The file is empty, or no known format.
    """
    if path.stat().st_size == 0:
        raise BadInput(
            path, "the file is empty", "measure again or take it out of the sample sheet"
        )
    if path.suffix.lower() in HDF5_SUFFIXES:
        return read_hdf5(path)
    with path.open("rb") as file:
        if file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE:
            return read_hdf5(path)
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = reading.unpack_gzip(path, content, reading.get_limits(ScanLimits))
    text = decode_text(content)
    if is_athena(text):
        return parse_athena(path, text)
    if is_photon_factory(text):
        return [parse_photon_factory(path, text)]
    if is_spec(text):
        return parse_spec(path, text)
    return [parse_column_text(path, text)]
