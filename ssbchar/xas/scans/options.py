"""Options of reading scans."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ssbchar.runtime.options import Name
from ssbchar.storage.options import ReadingLimits
from ssbchar.xas.elements import EdgeName, ElementSymbol

AskedMode = Literal["auto", "transmission", "fluorescence", "mu", "normalised"]


@dataclass(frozen=True, kw_only=True)
class ScanLimits(ReadingLimits):
    """What one file of scans may ask for; a file that asks for more is set aside."""

    PLACE: ClassVar[str] = "xas.read.limits"

    points: Annotated[int, Field(ge=2, le=10**9)] = 1_000_000
    """Most points of one scan."""


Reading = Annotated[float, Field(ge=-1e12, le=1e12)]
"""A reading of a counter, in its own units."""


@dataclass(frozen=True, kw_only=True)
class ScanReading:
    """How scans are read."""

    mode: AskedMode = "auto"
    """``transmission`` ln(I0/I1), ``fluorescence`` sum(If)/I0, ``mu`` (already an absorption),
    ``normalised`` (already normalised, left as it is), or ``auto``: that of the column that is
    named (`transmitted`, `fluorescence`, `mu`), else what the columns and the header allow, in this
    order; a transmission without a visible edge gives way to a fluorescence with one."""
    element: ElementSymbol = ""
    """Absorbing element; empty takes it from the file's header, else from the edge's position."""
    edge: EdgeName = ""
    """``K``, ``L3`` ...; empty takes it from the header, else ``K``."""
    energy: Name = ""
    """Name of the energy column (or HDF5 path, or its place: ``column 3``); empty knows the usual
    names."""
    crystal: Name = ""
    """Crystal of the monochromator where the file holds its angle and no energy: ``Si 111``,
    ``Ge 220`` or the spacing of its planes [angstrom]; empty takes it from the header."""
    i0: Name = ""
    """Name of the incident-beam column; empty knows the usual names."""
    transmitted: Name = ""
    """Name of the transmitted-beam column; empty knows the usual names."""
    fluorescence: tuple[Name, ...] = ()
    """Names of the fluorescence columns, summed; ``*`` stands for any text; empty knows the usual
    names."""
    foil: Name = ""
    """Name of the beam column behind the foil; empty knows the usual names, ``none`` takes no
    foil."""
    dark: tuple[Reading, Reading, Reading] = (0.0, 0.0, 0.0)
    """What I0, the transmitted beam and the beam behind the foil read without beam, in the units of
    the file; it is subtracted."""
    mu: Name = ""
    """Name of the absorption column, or of the group of an Athena project; ``*`` takes each column
    or group as a scan; empty knows the usual names and takes a project's every group."""
    scan: Name = ""
    """Numbers of the scans of a SPEC or BLISS file, or of the entries of a NeXus file, that are
    taken: ``3``, ``1,4``, ``2-5`` or ``2.1``; empty takes all, which must then be repeats of one
    sample."""
    time: Name = ""
    """Column or header field of the time at which a scan began, for the axis of a series; empty
    knows the usual fields (``Scan.start_time``, ``#D`` ...)."""
    channel: Name = ""
    """Column whose mean over each scan is kept beside it, as the cell's voltage along a series;
    empty keeps none."""
    apply_eshift: bool = True
    """Athena projects: apply each group's own energy shift; false refuses a group that has one."""
    rebin: bool = True
    """Average the points of quick and continuous scans in steps of 2 eV below the edge, 0.25 eV on
    it and 0.04/angstrom above; scans with fewer than two points per step stay as they are."""
    photons_per_count: Annotated[float, Field(ge=0.0)] = 0.0
    """Photons per unit of the detector readings (1 for pulse counting); 0 means unknown: noise
    comes from scatter."""
    min_above: Annotated[float, Field(ge=0.0, le=1e4)] = 30.0
    """A scan must reach this far above its edge [eV]."""
    min_below: Annotated[float, Field(ge=0.0, le=1e4)] = 10.0
    """A scan must start this far below its edge [eV]."""
    edge_tolerance: Annotated[float, Field(gt=0.0, le=1e4)] = 60.0
    """How far the edge may lie from its tabulated energy before the element is doubted [eV]."""
    limits: ScanLimits = field(default_factory=ScanLimits)
    """What one file may ask for."""
