"""What a reading room understands of a measurement's raw files before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Description:
    """A measurement in a line: what its files hold, and how they will be read."""

    said: str
    """What was understood."""
    doubts: tuple[str, ...] = ()
    """What the reading assumes or leaves out, one line each."""


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one.

    Parameters
    ----------
    number : int
    noun : str
        In the singular, of a regular plural.
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
