"""Verification of a run: every recorded file is hashed again, every other file in it is named.

``checksums.csv`` records each file of the run, its last row the table itself; the crate records
``checksums.csv``, manifests the raw files, and each output what it was made from. Whatever of these
is damaged is named, and the others are still compared with.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ssbchar.errors import BadInput
from ssbchar.storage import atomic_write, raw_files, spreadsheet, store

RECORD = "checksums.csv"
"""Where a run keeps the hashes of its files."""
CRATE = "ro-crate-metadata.json"
LOGS = "logs"
"""Folder that is not recorded: its files hold times."""
TIMESTAMP = ".snakemake_timestamp"
"""File that Snakemake puts into each folder that a step wrote."""
COLUMNS = ("path", "bytes", "sha256")
NO_DIGEST = 64 * "0"
"""What stands for the record's own hash in the crate while the crate is hashed: each of the two
holds the hash of the other."""
NO_SIZE = "size of the record"
"""What stands for its size in the crate until it is known."""
AT_THE_TOP = ("report.html", "summary.csv", CRATE)
"""Files that lie in the run's folder itself."""
Rows = list[dict[str, str]]


class FileState(StrEnum):
    """What became of a file since it was recorded."""

    CHANGED = "changed"
    MISSING = "missing"
    DAMAGED = "damaged"
    """The file is a record, and cannot be read or contradicts itself."""
    ADDED = "added"
    """No record knows the file."""


@dataclass(frozen=True, kw_only=True)
class ChangedFile:
    """A file that differs from its record."""

    path: str
    what: FileState
    recorded_by: str
    """The file that holds its hash; of a damaged file, why it is taken for damaged."""

    def describe(self) -> str:
        """Return one line."""
        match self.what:
            case FileState.DAMAGED:
                return f"{self.path}: damaged ({self.recorded_by})"
            case FileState.ADDED:
                return f"{self.path}: added: {self.recorded_by} does not know it"
        return f"{self.path}: {self.what} since {self.recorded_by} was written"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was hashed, and what differs from its record."""

    checked: int
    changes: list[ChangedFile]
    commits: list[str]
    """Commits of ssbchar that made the outputs, ``+`` where there were uncommitted changes."""


def hash_outputs(outputs: Sequence[Path]) -> Rows:
    """Return path, size [byte] and sha256 of every file of a run's outputs.

    Parameters
    ----------
    outputs : sequence of Path
        Files and folders.

    Returns
    -------
    list of dict
        Keys `COLUMNS`; each file once.
    """
    files = [file for path in outputs for file in _list_files(path)]
    return [_make_row(path, raw_files.hash_file(path)) for path in dict.fromkeys(files)]


def _list_files(path: Path) -> list[Path]:
    """Return a file, or those in a folder; none where there is nothing."""
    try:
        return raw_files.find_files(path)
    except BadInput:
        return []


def _make_row(path: Path, digest: str) -> dict[str, str]:
    return {"path": path.as_posix(), "bytes": str(path.stat().st_size), "sha256": digest}


def list_intermediates(outputs: Sequence[Path], folder: Path) -> Rows:
    """Return the files of a run between its raw data and these outputs, as the outputs made from
    them recorded them.

    Parameters
    ----------
    outputs : sequence of Path
        Files and folders.
    folder : Path
        Of the run; what lies elsewhere is left out.

    Returns
    -------
    list of dict
        Keys `COLUMNS`.
    """
    digests: dict[Path, str] = {}
    provenances = _trace_outputs(outputs, folder, Path, store.read_any_provenance)
    for made_by in provenances.values():
        for used in made_by["inputs"]:
            path = Path(used["path"])
            if path.is_relative_to(folder) and path.is_file():
                digests.setdefault(path, str(used["sha256"]))
    return [_make_row(path, digest) for path, digest in sorted(digests.items())]


def format_checksums(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the table of `hash_outputs` as it is written to `RECORD`; its last row is about the
    rows before it.

    Parameters
    ----------
    rows : sequence of mapping
        Keys `COLUMNS`.
    """
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows({**row, "path": spreadsheet.escape_cell(row["path"])} for row in rows)
    content = out.getvalue().encode()
    digest = hashlib.sha256(content).hexdigest()
    table.writerow({"path": RECORD, "bytes": str(len(content)), "sha256": digest})
    return out.getvalue()


def seal_records(rows: Rows, crate: str, folder: Path) -> tuple[str, str]:
    """Return `RECORD` and `CRATE` as they are written, each with the hash of the other.

    Parameters
    ----------
    rows : list of dict
        Keys `COLUMNS`.
    crate : str
        With `NO_DIGEST` and `NO_SIZE` in place of the record's hash and size [byte].
    folder : Path
        Of the run.

    Returns
    -------
    record, crate : str
    """
    size, record = -1, ""
    # The size of each depends on the digits of the other's: it settles at once.
    while len(record.encode()) != size:
        size = len(record.encode())
        sized = crate.replace(NO_SIZE, str(size)).encode()
        digest = hashlib.sha256(sized).hexdigest()
        own = {"path": (folder / CRATE).as_posix(), "bytes": str(len(sized)), "sha256": digest}
        record = format_checksums([*rows, own])
    return record, sized.decode().replace(NO_DIGEST, hashlib.sha256(record.encode()).hexdigest())


def _read_record(path: Path) -> tuple[Rows, str]:
    """Return the rows of `RECORD` but the last, and why it cannot be trusted."""
    try:
        content = path.read_bytes()
        *rows, last = raw_files.read_rows(path)
    except (BadInput, ValueError):
        return [], "it is no table of checksums"
    head = content[: content.rstrip(b"\n").rfind(b"\n") + 1]
    sound = {"path": RECORD, "bytes": str(len(head)), "sha256": hashlib.sha256(head).hexdigest()}
    if last != sound or not content.endswith(b"\n"):
        return [], "its rows are not those that its last row was made from"
    return rows, ""


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

    def name(self, path: Path) -> str:
        """Return how the record names a file of the folder."""
        return (Path(self.recorded_as) / path.relative_to(self.folder)).as_posix()


@dataclass(kw_only=True)
class _Comparison:
    """Hashes compared with records so far."""

    run: _RunFolder
    record: Path
    checked: set[str] = field(default_factory=set)
    changes: dict[str, ChangedFile] = field(default_factory=dict)
    hashes: dict[Path, str] = field(default_factory=dict)

    def note(self, path: str, what: FileState, recorded_by: object) -> None:
        """Note a file that is not as recorded, once."""
        by = recorded_by.as_posix() if isinstance(recorded_by, Path) else str(recorded_by)
        self.changes.setdefault(path, ChangedFile(path=path, what=what, recorded_by=by))

    def compare(self, path: str, digest: str, recorded_by: Path) -> None:
        """Compare a file or folder with its recorded hash."""
        self.checked.add(path)
        place = self.run.locate(path)
        # A file may be an input of many outputs.
        if place not in self.hashes:
            self.hashes[place] = self._hash(place)
        now = self.hashes[place]
        if now != digest:
            self.note(path, FileState.CHANGED if now else FileState.MISSING, recorded_by)

    def _hash(self, path: Path) -> str:
        """Return the hash of a file or folder, empty if it is missing; of the crate, without that
        of `RECORD` in it."""
        if path == self.run.folder / CRATE and path.is_file() and self.record.is_file():
            named = raw_files.hash_file(self.record).encode()
            content = path.read_bytes().replace(named, NO_DIGEST.encode(), 1)
            return hashlib.sha256(content).hexdigest()
        try:
            return raw_files.hash_files(path)[1]
        except BadInput:
            return ""


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
    rows, distrust = _read_record(record) if record.is_file() else ([], "")
    recorded_as = _find_recorded_root([row["path"] for row in rows]) or folder.as_posix()
    run = _RunFolder(folder=folder, recorded_as=recorded_as)
    found = _Comparison(run=run, record=record)
    for row in rows:
        found.compare(row["path"], row["sha256"], record)
    if not rows:
        for path, digest in _read_crate(folder / CRATE, run):
            found.compare(path, digest, folder / CRATE)
    commits = _compare_made_from(found, [row["path"] for row in rows])
    for manifest in sorted(folder.rglob("manifest.csv")):
        for path, digest in _read_manifest(manifest, found):
            found.compare(path, digest, manifest)
    if not found.checked:
        remedy = "name a folder results/<run> that make run has filled"
        raise BadInput(folder, "holds no outputs of a run", remedy)
    if distrust:
        found.note(run.name(record), FileState.DAMAGED, distrust)
    elif not rows and any((folder / name).exists() for name in AT_THE_TOP):
        found.note(run.name(record), FileState.MISSING, "the run")
    elif any(os.path.basename(row["path"]) == CRATE for row in rows):
        # Only the record of a whole run knows every file.
        _note_added(found)
    ordered = [found.changes[path] for path in sorted(found.changes)]
    return Verification(checked=len(found.checked), changes=ordered, commits=commits)


def _compare_made_from(found: _Comparison, recorded: Sequence[str]) -> list[str]:
    """Compare what the recorded outputs were made from, all with provenance if none is recorded;
    return the commits that made them."""
    # Folders whose files are recorded one by one need no hash of the whole.
    folders = {str(parent) for path in recorded for parent in Path(path).parents}
    ends = [found.run.locate(path) for path in recorded]
    unreadable: dict[Path, str] = {}

    def read(path: Path) -> Mapping[str, Any]:
        if found.run.name(path) in found.changes:
            return {}
        try:
            return _check_provenance(store.read_any_provenance(path))
        except Exception as error:
            # A damaged file makes the libraries raise whatever they like.
            atomic_write.raise_machine_fault(error)
            unreadable[path] = type(error).__name__
            return {}

    folder, commits = found.run.folder, dict[str, None]()
    everything = sorted(p for p in folder.rglob("*") if p.is_file())
    provenances = _trace_outputs(ends or everything, folder, found.run.locate, read)
    for output, made_by in sorted(provenances.items()):
        commits[_describe_commit(made_by)] = None
        for used in made_by["inputs"]:
            if used["path"] not in folders:
                found.compare(used["path"], used["sha256"], output)
    for path, error in unreadable.items():
        found.note(found.run.name(path), FileState.DAMAGED, f"reading it gives {error}")
    return list(commits)


def _check_provenance(made_by: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a provenance that has what one has."""
    if made_by:
        _describe_commit(made_by)
        _ = [(Path(used["path"]), str.lower(used["sha256"])) for used in made_by["inputs"]]
    return made_by


def _note_added(found: _Comparison) -> None:
    """Note the files in the run's folder that nothing recorded."""
    run, record = found.run, found.record
    known = {run.locate(path) for path in found.checked} | {record}
    logs = run.folder / LOGS
    for path in sorted(run.folder.rglob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        if path in known or is_folder or path.is_relative_to(logs) or path.name == TIMESTAMP:
            continue
        found.note(run.name(path), FileState.ADDED, record)


def _find_recorded_root(paths: Sequence[str]) -> str:
    """Return the folder of the run as its record names it, empty without a record."""
    folders = Counter(os.path.dirname(p) for p in paths if os.path.basename(p) in AT_THE_TOP)
    if folders:
        return min(folders, key=len)
    return os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""


def _read_crate(path: Path, run: _RunFolder) -> Iterator[tuple[str, str]]:
    """Yield path and hash of the files of the run that its crate lists, `RECORD` aside."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        files = [(str(e["@id"]), str(e["sha256"])) for e in listed if "sha256" in e]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    for name, digest in files:
        if ":" not in name and name != RECORD:
            yield run.name(run.folder / name), digest


def _read_manifest(path: Path, found: _Comparison) -> list[tuple[str, str]]:
    """Return path and hash of each raw file of a measurement; none, noted, of a damaged table."""
    if found.run.name(path) in found.changes:
        return []
    try:
        rows = raw_files.read_rows(path)
    except BadInput as fault:
        found.note(found.run.name(path), FileState.DAMAGED, fault.problem)
        return []
    return [(row["path"], row["sha256"]) for row in rows if {"path", "sha256"} <= set(row)]


def _trace_outputs(
    ends: Iterable[Path],
    folder: Path,
    locate: Callable[[str], Path],
    read: Callable[[Path], Mapping[str, Any]],
) -> dict[Path, Mapping[str, Any]]:
    """Return the provenance of outputs and of all that they were made from.

    Parameters
    ----------
    ends : iterable of Path
        Files and folders.
    folder : Path
        Of the run: what lies elsewhere is raw.
    locate, read : callable
        Give the place of a recorded path now, and the provenance of a file (empty: it has none).

    Notes
    -----
    Files that an earlier config left in the folder do not belong to the run.
    """
    queue, seen = list(ends), set[Path]()
    found: dict[Path, Mapping[str, Any]] = {}
    is_folder = functools.cache(os.path.isdir)
    while queue:
        path = queue.pop()
        if path in seen or not path.is_relative_to(folder):
            continue
        seen.add(path)
        # A folder of figures keeps its provenance in the files.
        inside = path.glob("*") if is_folder(path) else [path]
        for output in inside:
            made_by = read(output) if output not in found and output.is_file() else {}
            if made_by:
                found[output] = made_by
                queue += [locate(str(used["path"])) for used in made_by["inputs"]]
    return found


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
        *(change.describe() for change in found.changes),
        f"{folder}: {found.checked} files and folders hashed, {len(found.changes)} not as recorded",
        f"made with ssbchar at commit {made_with}{elsewhere}",
    ]
