"""Options of reading Bruker folders."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from ssbchar.nmr.bruker.metadata_conflicts import XI
from ssbchar.runtime.options import Name, suggest_word
from ssbchar.storage.options import ReadingLimits


def _check_nucleus(nucleus: str) -> str:
    if nucleus not in XI:
        raise ValueError(f"nucleus '{nucleus}' is unknown; {suggest_word(nucleus, list(XI))}")
    return nucleus


Nucleus = Annotated[Name, AfterValidator(_check_nucleus)]
"""A nucleus whose frequency ratio is known, as NUC1 names it."""


@dataclass(frozen=True, kw_only=True)
class ExperimentLimits(ReadingLimits):
    """What the files of one experiment may ask for; one that asks for more is set aside."""

    PLACE: ClassVar[str] = "nmr.read.limits"

    points: Annotated[int, Field(ge=1, le=10**9)] = 10_000_000
    """Most complex points of one decay (TD / 2)."""
    slices: Annotated[int, Field(ge=1, le=10**9)] = 1_000_000
    """Most decays of one experiment."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How Bruker folders are read."""

    nucleus: Nucleus = "7Li"
    """Nucleus expected; another one is refused."""
    decay_axis: Name = ""
    """Decay time of a slice in the pulse program's own terms, such as ``2*vd+p2`` or
    ``vc*(2*d6+p2)``; ``vd`` alone is the axis TR of a solid echo; or a time per slice, such as
    ``10u, 20u, 1m``. Empty: the time from the end of the first pulse to the acquisition, summed
    from the pulse program; where that is not understood the series is refused and this option
    asked for."""
    slices: Literal["all", "sum"] | Annotated[int, Field(ge=1)] = "all"
    """What of a ``ser`` with several decays is read: ``all`` as a series over its decay axis, their
    ``sum`` (repeats of one decay, of which no axis is asked for), or one slice by its number, from
    1."""
    reference_hz: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    """Reference SR = SF - BF1 [Hz]; None takes SF from ``pdata/<procno>/procs``."""
    procno: Annotated[int, Field(ge=1)] = 1
    """Processing number whose SF is the shift reference."""
    sample_mass: Annotated[float, Field(gt=0)] | None = None
    """Mass of the sample in the coil [g]; intensities of repeated spectra are compared per mass
    where it is given."""
    limits: ExperimentLimits = field(default_factory=ExperimentLimits)
    """What the files of one experiment may ask for."""
