"""What describes a run beside its numbers: versions of software, options that are not defaults."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import ssbchar

LIBRARIES = (
    "numpy",
    "scipy",
    "xarray",
    "h5netcdf",
    "pandas",
    "matplotlib",
    "nmrglue",
    "pymatgen",
    "pydantic",
    "snakemake",
    "feff10-rs",
)
"""Libraries whose versions the report states."""


@dataclass(frozen=True, kw_only=True)
class Software:
    """A state of ssbchar."""

    version: str
    commit: str
    dirty: bool
    """There were uncommitted changes."""


def list_versions() -> list[tuple[str, str]]:
    """Return name and version of ssbchar, Python and the main libraries."""
    versions = [("ssbchar", ssbchar.__version__), ("Python", platform.python_version())]
    for name in LIBRARIES:
        try:
            versions.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return versions


def count_software(contents: Sequence[Mapping[str, Any]]) -> list[tuple[Software, int]]:
    """Return the states of ssbchar that made some conclusions, and of how many measurements each.

    Parameters
    ----------
    contents : sequence of mapping
        Contents of each ``conclusions.json``.
    """
    made_by = (content["provenance"] for content in contents)
    states = Counter(
        Software(version=str(p["version"]), commit=str(p["commit"]), dirty=bool(p["dirty"]))
        for p in made_by
    )
    return list(states.items())


def flatten_options(nested: Mapping[str, Any], place: str = "") -> list[tuple[str, str]]:
    """Return nested options as pairs of dotted name and value.

    Parameters
    ----------
    nested : mapping
    place : str
        Dotted name of what holds them.
    """
    pairs: list[tuple[str, str]] = []
    for key, value in nested.items():
        name = f"{place}.{key}".lstrip(".")
        pairs += (
            flatten_options(value, name) if isinstance(value, Mapping) else [(name, str(value))]
        )
    return pairs
