"""The techniques that conclusions come from, and their names for people."""

from enum import StrEnum


class Technique(StrEnum):
    """Where a conclusion comes from."""

    HEXRD = "hexrd"
    XAS = "xas"
    NMR = "nmr"
    COMBINED = "combined"


TECHNIQUE_NAMES = {Technique.HEXRD: "HEXRD", Technique.XAS: "XAS", Technique.NMR: "7Li NMR"}
"""Names as written for people."""
