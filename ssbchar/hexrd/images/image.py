"""One image as read: the exchange format between the readers and what is done with images."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ssbchar.storage import reading

if TYPE_CHECKING:
    from ssbchar.hexrd.images.options import ImageLimits

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    EOFError,
    AssertionError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
"""Exceptions that fabio and h5py raise on damaged files; they share no base class."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One frame as read: counts and header."""

    source: str
    """File name, with ``#number`` where a file holds several frames."""
    counts: NDArray[Any]
    """Shape (row, column), in the file's own type."""
    header: dict[str, str] = field(default_factory=dict)
    """Header values of the file, names in lower case."""


def check_pixels(where: object, shape: Sequence[int], limits: ImageLimits) -> None:
    """Refuse an image of more pixels than allowed.

    Parameters
    ----------
    where : object
        The file, for messages.
    shape : sequence of int
        Rows and columns [pixel].
    limits : ImageLimits

    Raises
    ------
    BadInput
    """
    if math.prod(shape) > limits.pixels:
        problem = f"an image has {' x '.join(map(str, shape))} pixels"
        raise reading.make_limit_fault(where, problem, limits, "pixels")


def get_first_line(error: BaseException) -> str:
    """Return the beginning of what a library says of a damaged file."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]
