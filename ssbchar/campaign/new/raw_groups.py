"""The raw files of a folder in groups that may be one measurement each: by folder, kind and the
part of their names that is not counted up."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path

from ssbchar.storage.raw_files import natural_sort_key

COUNTERS = re.compile(r"(?:^|(?<=[ _.-])|(?<=scan)|(?<=run)|(?<=file))\d+$", re.IGNORECASE)
"""A number at the end of a name that counts: it stands apart from the word before it."""
PADDED = re.compile(r"0\d\d+$")
"""So does one that is filled with zeros."""
NUMBERED_SUFFIX = re.compile(r"\.\d{2,4}$")
"""Endings that are a number of a scan."""
BESIDE = re.compile(r"(readme|licen[cs]e|notes?|changelog)(\..*|_.*)?$", re.IGNORECASE)
"""Files about the data."""


@dataclass(frozen=True, kw_only=True)
class FileGroup:
    """Files that may belong to one measurement."""

    folder: Path
    suffix: str
    """In lower case; empty where a number stands in its place."""
    stem: str
    """What their names share."""
    paths: tuple[Path, ...]
    is_whole_folder: bool = False
    """No other file lies in the folder or below it."""

    @property
    def source(self) -> str:
        """What a sample sheet calls them: the file, the folder or a glob."""
        if len(self.paths) == 1:
            return self.paths[0].as_posix()
        if self.is_whole_folder:
            return self.folder.as_posix()
        return _write_glob(self.folder, [path.name for path in self.paths])


@dataclass(frozen=True, kw_only=True)
class FolderContent:
    """The files of a folder and those below it."""

    experiments: tuple[Path, ...]
    """Folders of Bruker experiments."""
    files: Mapping[Path, tuple[Path, ...]] = field(default_factory=dict)
    """All other files by their folder, in natural order."""


def list_content(root: Path) -> FolderContent:
    """Return the files below a folder, hidden ones left out; Bruker experiments as a whole.

    Parameters
    ----------
    root : Path
    """
    experiments, files = [], {}
    for place, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "acqus" in names:
            experiments.append(Path(place))
            folders.clear()
            continue
        shown = [Path(place, name) for name in names if not name.startswith(".")]
        if shown:
            files[Path(place)] = tuple(sorted(shown, key=natural_sort_key))
    experiments.sort(key=natural_sort_key)
    return FolderContent(experiments=tuple(experiments), files=files)


def group_frames(paths: Sequence[Path], *, alone: bool) -> list[FileGroup]:
    """Return files of one kind in groups that may be a series of frames each.

    Any number in a name may be counted up (frame, temperature, time). Names in which a number
    other than the last one stays while the last begins again are several series.

    Parameters
    ----------
    paths : sequence of Path
        Of one folder and suffix.
    alone : bool
        No other file lies in the folder or below it.
    """
    patterns: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for path in paths:
        patterns[tuple(re.split(r"\d+", path.stem))].append(path)
    found: list[list[Path]] = []
    for members in patterns.values():
        found += _split_restarts(members)
    return [_make_group(members, alone=alone and len(found) == 1) for members in found]


def group_repeats(paths: Sequence[Path], *, alone: bool) -> list[FileGroup]:
    """Return files of one kind in groups that may be repeats of one sample each: names that differ
    in a number at their end.

    Parameters
    ----------
    paths : sequence of Path
        Of one folder.
    alone : bool
        No other file lies in the folder or below it.
    """
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in paths:
        found[strip_counter(path), _read_suffix(path)].append(path)
    groups = list(found.values())
    return [_make_group(members, alone=alone and len(groups) == 1) for members in groups]


def strip_counter(path: Path) -> str:
    """Return a file's name without its ending and without a number that counts."""
    stem = NUMBERED_SUFFIX.sub("", path.name) if _is_numbered(path) else path.stem
    shorter = COUNTERS.sub("", stem)
    if shorter == stem:
        shorter = PADDED.sub("", stem)
    return shorter.rstrip(" _.-")


def find_common_begin(texts: Sequence[str]) -> str:
    """Return the characters with which all of some texts begin."""
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in columns)


def _is_numbered(path: Path) -> bool:
    return NUMBERED_SUFFIX.search(path.name) is not None


def _read_suffix(path: Path) -> str:
    return "" if _is_numbered(path) else path.suffix.lower()


def _split_restarts(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield series of names with the same words: a number that is not the last one tells them apart
    where the last one begins again for each of its values."""
    numbers = [tuple(map(int, re.findall(r"\d+", path.stem))) for path in paths]
    count = len(numbers[0]) if numbers else 0
    for column in range(count - 1):
        ranges: dict[int, list[int]] = defaultdict(list)
        for values in numbers:
            ranges[values[column]].append(values[-1])
        if len(ranges) > 1 and _overlap(list(ranges.values())):
            for value in ranges:
                mine = [p for p, n in zip(paths, numbers, strict=True) if n[column] == value]
                yield from _split_restarts(mine)
            return
    yield list(paths)


def _overlap(ranges: Sequence[Sequence[int]]) -> bool:
    """Return whether all but a few of the ranges overlap the one before them."""
    spans = sorted((min(values), max(values)) for values in ranges)
    return all(after[0] <= before[1] for before, after in pairwise(spans))


def _make_group(paths: Sequence[Path], *, alone: bool) -> FileGroup:
    ordered = tuple(sorted(paths, key=natural_sort_key))
    first = ordered[0]
    stem = find_common_begin([path.stem for path in ordered]) if len(ordered) > 1 else first.stem
    if len(ordered) > 1:
        stem = re.sub(r"\d+$", "", stem)
    return FileGroup(
        folder=first.parent,
        suffix=_read_suffix(first),
        stem=stem.strip(" _.-"),
        paths=ordered,
        is_whole_folder=alone,
    )


def _write_glob(folder: Path, names: Sequence[str]) -> str:
    """Return a glob that means these files, with as much of their names as they share."""
    begin = find_common_begin(list(names))
    end = find_common_begin([name[::-1] for name in names])[::-1]
    end = end[max(0, len(begin) + len(end) - min(map(len, names))) :]
    pattern = f"{glob.escape(begin)}*{glob.escape(end)}"
    return f"{glob.escape(folder.as_posix())}/{pattern}"
