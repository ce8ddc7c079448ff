"""The only reader and writer of what passes between steps; it adds the provenance."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ssbchar
from ssbchar.conclusion import Conclusion, convert_to_rows, read_rows
from ssbchar.decision import withhold_contradiction
from ssbchar.storage import lazy_rows, nexus, plotted, raw_files, spreadsheet
from ssbchar.storage.atomic_write import FaultKeepingFile, replace_atomically

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    Loaded = xr.Dataset | pd.DataFrame | list[Conclusion] | Path

CARRIED = ("synthetic", "set_aside")
"""Attributes that pass from a step's inputs to its output."""
PROVENANCE_FILE = "provenance.json"
"""File beside the files for other programs that says how they were made."""
COMPRESSION_SAMPLE = 8192
"""Number of values that decide whether a variable is compressed."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure with what a referee needs to read it."""

    figure: Figure
    title: str
    caption: str
    data: dict[str, Any] = field(default_factory=dict)
    """What the report needs beside the picture, kept in the figure's JSON."""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What every output of one call of a step is stamped with."""

    made_by: Mapping[str, Any]
    """From `describe_provenance`."""
    labels: Mapping[str, Any]
    """``measurement``, ``sample``, ... and the carried attributes."""


def load(path: Path | str) -> Loaded:
    """Return what a step wrote.

    Parameters
    ----------
    path : path
        Its suffix decides: ``.nc`` is a Dataset, ``.csv`` a DataFrame, ``.json`` a list of
        conclusions; any other path is returned as it is.
    """
    path = Path(path)
    if path.suffix == ".nc":
        import xarray as xr

        opened = xr.open_dataset(path, engine="h5netcdf", cache=False)
        ds = lazy_rows.load_small_variables(opened)
        own = {k: v for k, v in ds.attrs.items() if k not in nexus.ROOT_ATTRIBUTES}
        return ds.drop_attrs(deep=False).assign_attrs(own)
    if path.suffix == ".csv":
        import pandas as pd

        return spreadsheet.unescape_table(pd.read_csv(path))
    if path.suffix == ".json":
        return read_rows(json.loads(path.read_text(encoding="utf-8"))["conclusions"])
    return path


def read_json(path: Path | str) -> dict[str, Any]:
    """Return the whole of a conclusions file or a figure's note, with labels and provenance."""
    read: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return read


def read_provenance(path: Path | str) -> dict[str, Any]:
    """Return the provenance in a netCDF file without loading its data; empty if there is none."""
    import h5py

    # As netCDF it takes three times as long to open.
    with h5py.File(path, "r") as file:
        if "provenance" not in file:
            return {}
        text = file["provenance"][()]
    read: dict[str, Any] = json.loads(text)
    return read


def read_any_provenance(path: Path) -> Mapping[str, Any]:
    """Return the provenance of a file that a step wrote; empty for a kind of file without one."""
    if path.suffix == ".nc":
        return read_provenance(path)
    content = read_json(path) if path.suffix == ".json" else {}
    found = content.get("provenance") if isinstance(content, dict) else None
    return found or {}


def describe_provenance(
    step: str,
    options: Mapping[str, Any],
    inputs: Mapping[str, Sequence[Path]],
    *,
    must_exist: bool = False,
) -> dict[str, Any]:
    """Return how an output is made: step, options, sha256 of the inputs, version, commit, dirty
    flag.

    Raises
    ------
    BadInput
        An input is not there, and `must_exist` is set; else it has no file and no sha256.
    """
    used = []
    for name, paths in inputs.items():
        for path in paths:
            if must_exist:
                raw_files.find_files(path)
            count, digest = raw_files.hash_files(path)
            used.append(
                {"name": name, "path": Path(path).as_posix(), "files": count, "sha256": digest}
            )
    return {
        "step": step,
        "options": dict(options),
        "inputs": used,
        "version": ssbchar.__version__,
        **find_commit(),
    }


@functools.cache
def find_commit() -> dict[str, Any]:
    """Return the git commit of the package's checkout, and whether it has uncommitted changes."""
    here = Path(ssbchar.__file__).parent.parent
    try:
        if not _is_own_checkout(here):
            return {"commit": "", "dirty": False}
        head = _run_git(here, "rev-parse", "HEAD")
        changes = _run_git(here, "status", "--porcelain", "--", "ssbchar", "workflow")
        return {"commit": head, "dirty": bool(changes)}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "", "dirty": False}


@functools.cache
def find_software_date() -> str:
    """Return ``SOURCE_DATE_EPOCH`` as ISO 8601, or the date of the software's commit; 1970 if
    neither is known.

    Formats that demand a date get this one: no time of the run goes into an output.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        here = Path(ssbchar.__file__).parent.parent
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            if _is_own_checkout(here):
                seconds = _run_git(here, "log", "-1", "--format=%ct")
    return datetime.fromtimestamp(int(seconds or "0"), UTC).isoformat(timespec="seconds")


def _is_own_checkout(folder: Path) -> bool:
    """Return whether a folder is the top of a checkout."""
    # An environment inside another project's checkout would give that project's commit.
    return Path(_run_git(folder, "rev-parse", "--show-toplevel")).samefile(folder)


def _run_git(folder: Path, *words: str) -> str:
    run = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


def save(result: Any, path: Path, made_by: Mapping[str, Any], labels: Mapping[str, Any]) -> None:
    """Write a step's result; the kind of result must suit the name of the output.

    Parameters
    ----------
    result : Dataset, DataFrame, list of Conclusion, str, dict of Drawing, or dict of str
        For ``.nc``, ``.csv``, ``.json``, any text file, a folder of figures, a folder of text files
        (by relative path).
    path : Path
        The output.
    made_by : mapping
        From `describe_provenance`.
    labels : mapping
        ``measurement``, ``sample`` and the carried attributes, stamped on the output.

    Raises
    ------
    ValueError
        A variable of real or complex numbers has no unit.
    """
    stamp = Stamp(made_by=made_by, labels=labels)
    by_suffix: dict[str, Callable[[Any, Path, Stamp], None]] = {
        ".nc": _save_dataset,
        ".csv": _save_table,
        ".json": _save_conclusions,
        "": _save_drawings,
    }
    if isinstance(result, str):
        _save_text(result, path)
    elif isinstance(result, Mapping) and any(isinstance(value, str) for value in result.values()):
        _save_texts(result, path, stamp)
    else:
        by_suffix[path.suffix](result, path, stamp)


def _save_dataset(ds: xr.Dataset, path: Path, stamp: Stamp) -> None:
    _require_units(ds, stamp.made_by["step"])
    attrs = {k: v for k, v in {**ds.attrs, **stamp.labels}.items() if v not in ("", None)}
    ds = ds.assign_attrs(attrs)
    ds["provenance"] = (
        (),
        json.dumps(stamp.made_by, sort_keys=True),
        {"long_name": "what made this file (JSON)"},
    )
    encoding = {
        str(name): {"zlib": True, "complevel": 1, "shuffle": True}
        for name, variable in ds.variables.items()
        if variable.dtype.kind in "fiu" and variable.size > 100 and _is_compressible(variable)
    }
    large = [str(name) for name, variable in ds.variables.items() if lazy_rows.is_on_disk(variable)]
    if large:
        _write_by_blocks(ds, large, path, encoding, stamp.made_by)
    else:
        _write_at_once(ds, path, encoding, stamp.made_by)


def _require_units(ds: xr.Dataset, step: str) -> None:
    for name, variable in ds.variables.items():
        if variable.dtype.kind in "fc" and "units" not in variable.attrs:
            raise ValueError(f"{step}: variable '{name}' has no units attribute")


def _write_by_blocks(
    ds: xr.Dataset,
    large: Sequence[str],
    path: Path,
    encoding: Mapping[str, Any],
    made_by: Mapping[str, Any],
) -> None:
    encoding = {name: how for name, how in encoding.items() if name not in large}
    with replace_atomically(path) as part, contextlib.closing(FaultKeepingFile(part)) as file:
        ds.drop_vars(large).to_netcdf(file, engine="h5netcdf", encoding=encoding)
        file.raise_fault()
        lazy_rows.write_large_variables(ds, large, file)
        file.raise_fault()
        nexus.add_entry(file, ds, made_by, find_software_date())
        file.raise_fault()


def _write_at_once(
    ds: xr.Dataset, path: Path, encoding: Mapping[str, Any], made_by: Mapping[str, Any]
) -> None:
    # By way of memory: on a full disk the HDF5 library crashes the process when it closes the file.
    content = io.BytesIO()
    ds.to_netcdf(content, engine="h5netcdf", encoding=encoding)
    nexus.add_entry(content, ds, made_by, find_software_date())
    with replace_atomically(path) as part:
        part.write_bytes(content.getbuffer())


def _is_compressible(variable: xr.Variable) -> bool:
    """Return whether a variable's first values take a third less space compressed."""
    # Noise does not: compressing it costs time and saves nothing.
    if lazy_rows.is_on_disk(variable):
        return False
    head = np.ascontiguousarray(variable.values.reshape(-1)[:COMPRESSION_SAMPLE])
    shuffled = head.view(np.uint8).reshape(head.size, -1).T.tobytes()
    return 3 * len(zlib.compress(shuffled, 1)) < 2 * len(shuffled)


def _save_table(table: pd.DataFrame, path: Path, stamp: Stamp) -> None:
    with replace_atomically(path) as part:
        spreadsheet.escape_table(table).to_csv(part, index=False, lineterminator="\n")


def _save_conclusions(conclusions: Sequence[Conclusion], path: Path, stamp: Stamp) -> None:
    names = {
        k: str(stamp.labels[k]) for k in ("sample", "technique", "source") if stamp.labels.get(k)
    }
    named = []
    for conclusion in conclusions:
        missing = {k: name for k, name in names.items() if not getattr(conclusion, k)}
        named.append(withhold_contradiction(replace(conclusion, **missing)))  # type: ignore[arg-type]
    content = {
        "conclusions": convert_to_rows(named),
        "labels": dict(stamp.labels),
        "provenance": stamp.made_by,
    }
    with replace_atomically(path) as part:
        part.write_text(_dump_json(content), encoding="utf-8")


def _dump_json(content: Any) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _save_text(text: str, path: Path) -> None:
    with replace_atomically(path) as part:
        part.write_text(text, encoding="utf-8")


def _save_texts(texts: Mapping[str, str], folder: Path, stamp: Stamp) -> None:
    kept = ("measurement", "sample", "technique", "lost", *CARRIED)
    labels = {k: stamp.labels[k] for k in kept if k in stamp.labels}
    # The formats of other programs have no place for the provenance.
    note = _dump_json({"labels": labels, "provenance": stamp.made_by})
    with replace_atomically(folder) as part:
        for name, text in {**texts, PROVENANCE_FILE: note}.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_text(text, encoding="utf-8")


def _save_drawings(drawings: Mapping[str, Drawing], folder: Path, stamp: Stamp) -> None:
    with replace_atomically(folder) as part:
        part.mkdir()
        for name, drawing in drawings.items():
            # Before the mark of synthetic data is written: it is no number.
            for file, table in plotted.write_tables(drawing.figure, name).items():
                (part / file).write_text(table, encoding="utf-8")
            if stamp.labels.get("synthetic"):
                mark_synthetic(drawing.figure)
            svg, png = render_figure(drawing.figure)
            (part / f"{name}.svg").write_bytes(svg)
            (part / f"{name}.png").write_bytes(png)
            note = {
                "title": drawing.title,
                "caption": drawing.caption,
                "alt": plotted.describe_figure(drawing.figure),
                "axes": plotted.list_axis_labels(drawing.figure),
                "map_panels": plotted.list_map_panels(drawing.figure),
                "data": drawing.data,
                **stamp.labels,
                "provenance": stamp.made_by,
            }
            (part / f"{name}.json").write_text(_dump_json(note), encoding="utf-8")
        (part / "index.txt").write_text("".join(f"{name}\n" for name in drawings), encoding="utf-8")


def mark_synthetic(figure: Figure) -> None:
    """Write into a figure's corner that its data are synthetic."""
    figure.text(0.995, 0.005, "synthetic", ha="right", va="bottom", color="#b00", fontsize=9)


def render_figure(figure: Figure) -> tuple[bytes, bytes]:
    """Return a figure as SVG and PNG, the same bytes every time; its axes are placed once, for
    both."""
    import matplotlib as mpl

    from ssbchar.storage.tick_labels import use_plain_ticks

    svg, png = io.BytesIO(), io.BytesIO()
    use_plain_ticks(figure)
    with mpl.rc_context({"svg.hashsalt": "ssbchar", "svg.fonttype": "none"}):
        # The PNG first: at its resolution labels are measured as wide as they are drawn.
        figure.savefig(png, format="png", dpi=150, metadata={"Software": "ssbchar"})
        figure.set_layout_engine(None)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "ssbchar"})
    return svg.getvalue(), png.getvalue()
