"""Compare two results folders to the last digit: ``python tests/house/same_numbers.py BEFORE
AFTER``.

For changes of layout, names and prose, where no number may move. Held equal, bit by bit:

- every array of every netCDF file, NaN where NaN was;
- every number, unit, limit and verdict of every row of every ``*.json`` of conclusions;
- every cell of ``*.csv`` and the text of every file exported for other programs.

Left out: prose (``reason``, ``method``, captions), provenance (step names, options, hashes),
figures and the pages made of all that. What was renamed on purpose stands in `RENAMED_VARIABLES`
and `RENAMED_WORDS`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np

PROSE = ("reason", "method")
LEFT_OUT = ("provenance", "entry")
"""Variables and groups that hold names of steps and hashes."""
NOT_COMPARED = ("checksums.csv", "ro-crate-metadata.json", "provenance.json", "summary.csv")
"""Files of hashes and prose; ``summary.csv`` has the rows of all ``conclusions.json``."""
TEXT = (".csv", ".cif", ".fxye", ".instprm", ".xdi", ".dx", ".csdf")
RENAMED_VARIABLES: Mapping[str, str] = {}
"""Name before: name after."""
RENAMED_WORDS: Mapping[str, str] = {}
"""Verdicts and statuses, word before: word after."""
ADDED_FIELDS = ("basis",)
"""Fields of conclusions that later versions have beside the others."""
VERSIONED = ("ssbchar", "Creator", "_audit", '"timestamp"')
"""Lines of text files that hold these name the program that wrote them, or when."""


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield one line per difference between two results folders."""
    ours = {p.relative_to(before) for p in before.rglob("*") if p.is_file() and _compared(p)}
    theirs = {p.relative_to(after) for p in after.rglob("*") if p.is_file() and _compared(p)}
    for missing in sorted(ours - theirs):
        yield f"{missing}: missing after"
    for added in sorted(theirs - ours):
        yield f"{added}: not there before"
    for path in sorted(ours & theirs):
        for line in _of_file(before / path, after / path):
            yield f"{path}: {line}"


def _compared(path: Path) -> bool:
    if path.name in NOT_COMPARED or "logs" in path.parts or "workflow" in path.parts:
        return False
    return path.suffix in (".nc", *TEXT) or (path.suffix == ".json" and "figures" not in path.parts)


def _of_file(before: Path, after: Path) -> Iterator[str]:
    if before.suffix == ".nc":
        yield from _of_datasets(before, after)
    elif before.suffix == ".json":
        yield from _of_conclusions(before, after)
    elif before.suffix == ".csv":
        with before.open(newline="") as one, after.open(newline="") as two:
            if list(csv.reader(one)) != list(csv.reader(two)):
                yield "cells differ"
    elif _lines(before) != _lines(after):
        yield "text differs"


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not any(word in line for word in VERSIONED)]


def _of_datasets(before: Path, after: Path) -> Iterator[str]:
    with h5netcdf.File(before, "r") as one, h5netcdf.File(after, "r") as two:
        names = {RENAMED_VARIABLES.get(name, name) for name in one.variables} - set(LEFT_OUT)
        for name in sorted(names ^ (set(two.variables) - set(LEFT_OUT))):
            yield f"variable '{name}' on one side alone"
        for old in sorted(set(one.variables) - set(LEFT_OUT)):
            name = RENAMED_VARIABLES.get(old, old)
            if name not in two.variables:
                continue
            first, second = one.variables[old], two.variables[name]
            if first.dimensions != second.dimensions:
                yield f"'{name}': dims {first.dimensions} -> {second.dimensions}"
            elif not _equal(np.asarray(first[...]), np.asarray(second[...])):
                yield f"'{name}': values differ"
            elif _unit(first) != _unit(second):
                yield f"'{name}': unit {_unit(first)} -> {_unit(second)}"


def _unit(variable: Any) -> str:
    return str(variable.attrs.get("units", ""))


def _equal(one: np.ndarray, two: np.ndarray) -> bool:
    if one.dtype.kind in "OSU":
        words = [str(_text(word)) for word in one.ravel()]
        renamed = [RENAMED_WORDS.get(word, word) for word in words]
        return one.shape == two.shape and renamed == [str(_text(word)) for word in two.ravel()]
    if one.dtype != two.dtype or one.shape != two.shape:
        return False
    return bool(np.array_equal(one, two, equal_nan=one.dtype.kind in "fc"))


def _text(word: object) -> object:
    return word.decode() if isinstance(word, bytes) else word


def _of_conclusions(before: Path, after: Path) -> Iterator[str]:
    one, two = (
        json.loads(p.read_text(encoding="utf-8")).get("conclusions", []) for p in (before, after)
    )
    if len(one) != len(two):
        yield f"{len(one)} rows -> {len(two)}"
    for first, second in zip(one, two, strict=False):
        for key in sorted((set(first) | set(second)) - {*PROSE, *ADDED_FIELDS}):
            old, new = first.get(key), second.get(key)
            if key not in PROSE and RENAMED_WORDS.get(str(old), old) != new:
                yield (
                    f"{first['quantity']} {first['subject']} {first['condition']}: {key} {old!r} "
                    f"-> {new!r}"
                )


def main() -> int:
    """Compare the two folders named on the command line; return 1 where they differ."""
    before, after = map(Path, sys.argv[1:3])
    found = list(differences(before, after))
    files = sum(_compared(p) for p in after.rglob("*") if p.is_file())
    print(
        "\n".join([*found[:200], f"{before} and {after}: {files} files, {len(found)} differences"])
    )
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
