"""Whether a run is still what it was: every recorded input and output hashed again."""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssbchar.errors import BadInput
from ssbchar.storage import raw_files, store

RECORD = "checksums.csv"
"""Where a run keeps the hashes of what it ends in."""


COLUMNS = ("path", "files", "sha256")


def hash_outputs(outputs: Sequence[Path]) -> list[dict[str, str]]:
    """Return of each output a run ends in: path, number of files, sha256 (of a folder: of names and
    contents).

    What lies between raw files and these outputs is recorded as input in each file's own
    provenance.
    """
    hashed = ((path, *raw_files.hash_files(path)) for path in outputs)
    return [
        {"path": path.as_posix(), "files": str(files), "sha256": digest}
        for path, files, digest in hashed
    ]


def format_checksums(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the table of `checksums` as it is written to `RECORD`."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


@dataclass(frozen=True)
class ChangedFile:
    """A file that is not what it was."""

    path: str
    what: str
    """``changed`` or ``missing``."""
    recorded_by: str
    """The file that knows its hash."""


@dataclass(frozen=True)
class Verification:
    """What was hashed and what had changed."""

    checked: int
    changes: list[ChangedFile]
    commits: list[str]
    """Commits of ssbchar that made the outputs, ``+`` where there were uncommitted changes."""


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
    old = _find_recorded_root([row["path"] for row in rows]) or folder.as_posix()
    hashed = functools.cache(lambda path: _hash_path(_locate(path, old, folder)))
    commits: dict[str, None] = {}
    changes: dict[str, ChangedFile] = {}
    checked: set[str] = set()

    def check(path: str, digest: str, recorded_by: Path) -> None:
        checked.add(path)
        found = hashed(path)
        if found != digest and path not in changes:
            changes[path] = ChangedFile(
                path, "changed" if found else "missing", recorded_by.as_posix()
            )

    for row in rows:
        check(row["path"], row["sha256"], record)
    for path in sorted(folder.rglob("manifest.csv")):
        for path_, digest in _read_manifest(path):
            check(path_, digest, path)
    known = dict(_find_provenances(folder))
    for path in _trace_outputs(
        [_locate(row["path"], old, folder) for row in rows], known, old, folder
    ):
        made = known[path]
        commits[made["commit"] + ("+" if made["dirty"] else "")] = None
        for used in made["inputs"]:
            check(str(used["path"]), str(used["sha256"]), path)
    if not checked:
        raise BadInput(
            folder,
            "holds no outputs of a run",
            "name a folder results/<run> that make run has filled",
        )
    return Verification(len(checked), [changes[k] for k in sorted(changes)], list(commits))


def _find_recorded_root(paths: list[str]) -> str:
    """Return the folder of the run as its record names it."""
    return os.path.commonpath([os.path.dirname(p) for p in paths]) if paths else ""


def _locate(path: str, old: str, folder: Path) -> Path:
    """Return where a recorded path is now: inside the run's folder, or where it was."""
    inside = Path(path).is_relative_to(old)
    return folder / Path(path).relative_to(old) if inside else Path(path)


def _hash_path(path: Path) -> str:
    try:
        return raw_files.hash_files(path)[1]
    except BadInput:
        return ""


def _read_manifest(path: Path) -> list[tuple[str, str]]:
    return [(row["path"], row["sha256"]) for row in raw_files.read_rows(path) if "sha256" in row]


def _find_provenances(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield every output that knows what it was made from, with that knowledge."""
    readers: dict[str, Callable[[Path], Any]] = {
        ".nc": store.read_provenance,
        ".json": lambda path: store.read_json(path).get("provenance"),
    }
    for path in sorted(folder.rglob("*")):
        if path.suffix in readers and path.is_file():
            made = readers[path.suffix](path)
            if made:
                yield path, made


def _trace_outputs(
    ends: list[Path], known: Mapping[Path, Mapping[str, Any]], old: str, folder: Path
) -> list[Path]:
    """Return the outputs that the ends of the run were made from; all known ones where no ends are
    recorded.

    What an earlier config left in the folder is no part of the run.
    """
    if not ends:
        return list(known)
    queue, found = list(ends), set()
    while queue:
        path = queue.pop()
        inside = [path, *path.glob("*")] if path.is_dir() else [path]
        for output in inside:
            if output in known and output not in found:
                found.add(output)
                queue += [
                    _locate(str(used["path"]), old, folder) for used in known[output]["inputs"]
                ]
    return sorted(found)


def report_changes(folder: Path, found: Verification) -> list[str]:
    """Return what a user should read."""
    said = [f"{c.path}: {c.what} since {c.recorded_by} was written" for c in found.changes]
    made = ", ".join(c or "unknown" for c in found.commits)
    now = store.find_commit()
    here = now["commit"] + ("+" if now["dirty"] else "")
    said.append(
        f"{folder}: {found.checked} files and folders hashed, {len(found.changes)} not as recorded"
    )
    said.append(
        f"made with ssbchar at commit {made}"
        + ("" if found.commits == [here] else f"; here it is {here}")
    )
    return said
