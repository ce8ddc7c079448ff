"""Verification of a run: every recorded input and output is hashed again."""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ssbchar.errors import BadInput
from ssbchar.storage import raw_files, store

RECORD = "checksums.csv"
"""Where a run keeps the hashes of its outputs."""
COLUMNS = ("path", "files", "sha256")


class FileState(StrEnum):
    """What became of a file since it was recorded."""

    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class ChangedFile:
    """A file that differs from its record."""

    path: str
    what: FileState
    recorded_by: str
    """The file that holds its hash."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was hashed, and what differs from its record."""

    checked: int
    changes: list[ChangedFile]
    commits: list[str]
    """Commits of ssbchar that made the outputs, ``+`` where there were uncommitted changes."""


def hash_outputs(outputs: Sequence[Path]) -> list[dict[str, str]]:
    """Return path, number of files and sha256 of each output of a run.

    The hash of a folder is that of names and contents. Files between the raw data and these outputs
    are recorded as inputs in each file's own provenance.

    Parameters
    ----------
    outputs : sequence of Path
        Files and folders.

    Returns
    -------
    list of dict
        Keys `COLUMNS`.
    """
    rows = []
    for path in outputs:
        files, digest = raw_files.hash_files(path)
        rows.append({"path": path.as_posix(), "files": str(files), "sha256": digest})
    return rows


def format_checksums(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the table of `hash_outputs` as it is written to `RECORD`.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `COLUMNS`.
    """
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class _RunFolder:
    """A run where it is now, which may be a copy elsewhere."""

    folder: Path
    recorded_as: str
    """The folder as the record names it."""

    def locate(self, path: str) -> Path:
        """Return where a recorded path is now: inside the run's folder, or where it was."""
        if Path(path).is_relative_to(self.recorded_as):
            return self.folder / Path(path).relative_to(self.recorded_as)
        return Path(path)


def verify_run(folder: Path) -> Verification:
    """Return what has changed of a run since it was made.

    Parameters
    ----------
    folder : Path
        ``results/<run>``, or a copy of it anywhere; raw files are looked for where they were,
        relative to the working directory.

    Raises
    ------
    BadInput
        The folder holds no outputs with provenance.
    """
    record = folder / RECORD
    rows = raw_files.read_rows(record) if record.is_file() else []
    recorded_as = _find_recorded_root([row["path"] for row in rows]) or folder.as_posix()
    run = _RunFolder(folder=folder, recorded_as=recorded_as)
    # A file may be an input of many outputs.
    hash_now = functools.cache(lambda path: _hash_path(run.locate(path)))
    changes: dict[str, ChangedFile] = {}
    checked: set[str] = set()
    commits: dict[str, None] = {}

    def check(path: str, digest: str, recorded_by: Path) -> None:
        checked.add(path)
        now = hash_now(path)
        if now != digest and path not in changes:
            state = FileState.CHANGED if now else FileState.MISSING
            changes[path] = ChangedFile(path=path, what=state, recorded_by=recorded_by.as_posix())

    for row in rows:
        check(row["path"], row["sha256"], record)
    for manifest in sorted(folder.rglob("manifest.csv")):
        for path, digest in _read_manifest(manifest):
            check(path, digest, manifest)
    provenances = dict(_find_provenances(folder))
    # Only what the recorded outputs were made from belongs to the run.
    ends = [run.locate(row["path"]) for row in rows]
    for output in _trace_outputs(ends, provenances, run):
        made_by = provenances[output]
        commits[_describe_commit(made_by)] = None
        for used in made_by["inputs"]:
            check(str(used["path"]), str(used["sha256"]), output)
    if not checked:
        remedy = "name a folder results/<run> that make run has filled"
        raise BadInput(folder, "holds no outputs of a run", remedy)
    ordered = [changes[path] for path in sorted(changes)]
    return Verification(checked=len(checked), changes=ordered, commits=list(commits))


def _find_recorded_root(paths: Sequence[str]) -> str:
    """Return the folder of the run as its record names it, empty without a record."""
    return os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""


def _hash_path(path: Path) -> str:
    """Return the hash of a file or folder, empty if it is missing."""
    try:
        return raw_files.hash_files(path)[1]
    except BadInput:
        return ""


def _read_manifest(path: Path) -> list[tuple[str, str]]:
    rows = raw_files.read_rows(path)
    return [(row["path"], row["sha256"]) for row in rows if "sha256" in row]


def _find_provenances(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield every output with provenance, and the provenance."""
    readers: dict[str, Callable[[Path], Any]] = {
        ".nc": store.read_provenance,
        ".json": lambda path: store.read_json(path).get("provenance"),
    }
    for path in sorted(folder.rglob("*")):
        if path.suffix in readers and path.is_file():
            provenance = readers[path.suffix](path)
            if provenance:
                yield path, provenance


def _trace_outputs(
    ends: Sequence[Path], provenances: Mapping[Path, Mapping[str, Any]], run: _RunFolder
) -> list[Path]:
    """Return the outputs that the recorded ones were made from; without a record all of them.

    Files that an earlier config left in the folder do not belong to the run.
    """
    if not ends:
        return list(provenances)
    queue, found = list(ends), set()
    while queue:
        path = queue.pop()
        # A folder of figures keeps its provenance in the files.
        inside = [path, *path.glob("*")] if path.is_dir() else [path]
        for output in inside:
            if output in provenances and output not in found:
                found.add(output)
                queue += [run.locate(str(used["path"])) for used in provenances[output]["inputs"]]
    return sorted(found)


def _describe_commit(provenance: Mapping[str, Any]) -> str:
    """Return the commit, with ``+`` where there were uncommitted changes."""
    return str(provenance["commit"]) + ("+" if provenance["dirty"] else "")


def report_changes(folder: Path, found: Verification) -> list[str]:
    """Return the result of a verification as text.

    Parameters
    ----------
    folder : Path
        The run.
    found : Verification

    Returns
    -------
    list of str
        One line per changed file, then the count and the commits.
    """
    here = _describe_commit(store.find_commit())
    made_with = ", ".join(commit or "unknown" for commit in found.commits)
    elsewhere = "" if found.commits == [here] else f"; here it is {here}"
    return [
        *(f"{c.path}: {c.what} since {c.recorded_by} was written" for c in found.changes),
        f"{folder}: {found.checked} files and folders hashed, {len(found.changes)} not as recorded",
        f"made with ssbchar at commit {made_with}{elsewhere}",
    ]
