"""The only reader and writer of what passes between steps; provenance is added here and nowhere
else."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ssbchar
from ssbchar.conclusion import Conclusion, convert_to_rows, read_rows
from ssbchar.runtime import timing
from ssbchar.storage import lazy_rows, nexus, raw_files
from ssbchar.storage.atomic_write import replace_atomically

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    Loaded = xr.Dataset | pd.DataFrame | list[Conclusion] | Path

CARRIED = ("synthetic", "set_aside")
"""Attributes that pass from a step's inputs to its output."""

PROVENANCE_FILE = "provenance.json"
"""What made a folder of files for other programs, beside them."""


COMPRESSION_SAMPLE = 8192
"""Numbers of a variable that say whether it is worth compressing."""


@dataclass(frozen=True)
class Drawing:
    """A figure and what a referee needs to read it."""

    figure: Figure
    title: str
    caption: str
    data: dict[str, Any] = field(default_factory=dict)
    """Anything the page needs beside the picture (kept in the figure's JSON)."""


def load(path: Path | str) -> Loaded:
    """Return what a step wrote: ``.nc`` a Dataset, ``.csv`` a table, ``.json`` conclusions; else
    the path."""
    path = Path(path)
    if path.suffix == ".nc":
        import xarray as xr

        ds = lazy_rows.load_small_variables(xr.open_dataset(path, engine="h5netcdf", cache=False))
        return ds.drop_attrs(deep=False).assign_attrs(
            {k: v for k, v in ds.attrs.items() if k not in nexus.ROOT_ATTRIBUTES}
        )
    if path.suffix == ".csv":
        import pandas as pd

        return pd.read_csv(path)
    if path.suffix == ".json":
        return read_rows(json.loads(path.read_text(encoding="utf-8"))["conclusions"])
    return path


def read_json(path: Path | str) -> dict[str, Any]:
    """Return the whole of a conclusions file or of a figure's note, with its labels (and
    provenance)."""
    read: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return read


def read_provenance(path: Path | str) -> dict[str, Any]:
    """Return the provenance in a netCDF file, without its data; empty where there is none."""
    import h5netcdf

    with h5netcdf.File(path, "r") as file:
        if "provenance" not in file.variables:
            return {}
        text = file.variables["provenance"][()]
    found: dict[str, Any] = json.loads(text if isinstance(text, str) else bytes(text).decode())
    return found


def describe_provenance(
    step: str, options: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]]
) -> dict[str, Any]:
    """Return what made an output: step, options, sha256 of the inputs, version, commit, dirty
    flag."""
    used = []
    for name, paths in inputs.items():
        for path in paths:
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
    """Return the git commit of the package's checkout and whether it has uncommitted changes."""
    here = Path(ssbchar.__file__).parent.parent
    try:
        if not _own_checkout(here):
            return {"commit": "", "dirty": False}
        head = _git(here, "rev-parse", "HEAD")
        return {
            "commit": head,
            "dirty": bool(_git(here, "status", "--porcelain", "--", "ssbchar", "workflow")),
        }
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "", "dirty": False}


@functools.cache
def find_software_date() -> str:
    """Return ``SOURCE_DATE_EPOCH`` as ISO 8601, or the date of the software's commit; 1970 where
    neither is known.

    Formats that demand a date get this one: no time of the run goes into an output.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        here = Path(ssbchar.__file__).parent.parent
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            seconds = _git(here, "log", "-1", "--format=%ct") if _own_checkout(here) else ""
    return datetime.fromtimestamp(int(seconds or "0"), UTC).isoformat(timespec="seconds")


def _own_checkout(folder: Path) -> bool:
    """Return whether a folder is the top of a checkout: an environment inside another project's is
    not ours."""
    return Path(_git(folder, "rev-parse", "--show-toplevel")).samefile(folder)


def _git(folder: Path, *words: str) -> str:
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
        Where to.
    made_by : mapping
        From `provenance`.
    labels : mapping
        ``measurement``, ``sample`` and the carried attributes, stamped on the output.
    """
    writers: dict[str, Callable[..., None]] = {
        ".nc": _save_dataset,
        ".csv": _save_table,
        ".json": _save_conclusions,
        "": _save_drawings,
    }
    if isinstance(result, str):
        _save_text(result, path, made_by, labels)
    elif isinstance(result, Mapping) and any(isinstance(value, str) for value in result.values()):
        _save_texts(result, path, made_by, labels)
    else:
        writers[path.suffix](result, path, made_by, labels)


def _save_dataset(
    ds: xr.Dataset, path: Path, made_by: Mapping[str, Any], labels: Mapping[str, Any]
) -> None:
    for name, variable in ds.variables.items():
        if variable.dtype.kind in "fc" and "units" not in variable.attrs:
            raise ValueError(f"{made_by['step']}: variable '{name}' has no units attribute")
    attrs = {k: v for k, v in {**ds.attrs, **labels}.items() if v not in ("", None)}
    ds = ds.assign_attrs(attrs)
    ds["provenance"] = (
        (),
        json.dumps(made_by, sort_keys=True),
        {"long_name": "what made this file (JSON)"},
    )
    encoding = {
        str(name): {"zlib": True, "complevel": 1, "shuffle": True}
        for name, variable in ds.variables.items()
        if variable.dtype.kind in "fiu" and variable.size > 100 and _compresses(variable)
    }
    large = [str(name) for name, variable in ds.variables.items() if lazy_rows.is_on_disk(variable)]
    if large:
        encoding = {k: v for k, v in encoding.items() if k not in large}
        with (
            replace_atomically(path) as part,
            contextlib.closing(lazy_rows.FaultKeepingFile(part)) as file,
        ):
            ds.drop_vars(large).to_netcdf(file, engine="h5netcdf", encoding=encoding)
            file.check()
            lazy_rows.write_large_variables(ds, large, file)
            file.check()
            nexus.add_entry(file, ds, made_by, find_software_date())
            file.check()
        return
    # By way of memory: on a full disk the HDF5 library crashes the process when it closes the file.
    whole = io.BytesIO()
    ds.to_netcdf(whole, engine="h5netcdf", encoding=encoding)
    nexus.add_entry(whole, ds, made_by, find_software_date())
    with replace_atomically(path) as part:
        part.write_bytes(whole.getbuffer())


def _compresses(variable: xr.Variable) -> bool:
    """Return whether a variable's first numbers take a third less room compressed: noise takes time
    for nothing."""
    if lazy_rows.is_on_disk(variable):
        return False
    head = np.ascontiguousarray(variable.values.reshape(-1)[:COMPRESSION_SAMPLE])
    shuffled = head.view(np.uint8).reshape(head.size, -1).T.tobytes()
    return 3 * len(zlib.compress(shuffled, 1)) < 2 * len(shuffled)


def _save_table(
    table: pd.DataFrame, path: Path, made_by: Mapping[str, Any], labels: Mapping[str, Any]
) -> None:
    with replace_atomically(path) as part:
        table.to_csv(part, index=False, lineterminator="\n")


def _save_conclusions(
    found: Sequence[Conclusion], path: Path, made_by: Mapping[str, Any], labels: Mapping[str, Any]
) -> None:
    from dataclasses import replace

    keep = {k: str(labels[k]) for k in ("sample", "technique", "source") if labels.get(k)}
    named = [replace(c, **{k: v for k, v in keep.items() if not getattr(c, k)}) for c in found]  # type: ignore[arg-type]
    with replace_atomically(path) as part:
        content = {
            "conclusions": convert_to_rows(named),
            "labels": dict(labels),
            "provenance": made_by,
        }
        part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _save_text(
    text: str, path: Path, made_by: Mapping[str, Any], labels: Mapping[str, Any]
) -> None:
    with replace_atomically(path) as part:
        part.write_text(text, encoding="utf-8")


def _save_texts(
    texts: Mapping[str, str], folder: Path, made_by: Mapping[str, Any], labels: Mapping[str, Any]
) -> None:
    about = {k: labels[k] for k in ("measurement", "sample", "technique", *CARRIED) if k in labels}
    note = json.dumps({"labels": about, "provenance": made_by}, indent=1, sort_keys=True) + "\n"
    texts = {**texts, PROVENANCE_FILE: note}  # formats of other programs have no place for it
    with replace_atomically(folder) as part:
        for name, text in texts.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_text(text, encoding="utf-8")


def _save_drawings(
    drawings: Mapping[str, Drawing],
    folder: Path,
    made_by: Mapping[str, Any],
    labels: Mapping[str, Any],
) -> None:
    import matplotlib as mpl

    with replace_atomically(folder) as part:
        part.mkdir()
        for name, drawing in drawings.items():
            if labels.get("synthetic"):
                drawing.figure.text(
                    0.995, 0.005, "synthetic", ha="right", va="bottom", color="#b00", fontsize=9
                )
            svg, png = io.BytesIO(), io.BytesIO()
            with (
                timing.counting(timing.FIGURES),
                mpl.rc_context({"svg.hashsalt": "ssbchar", "svg.fonttype": "none"}),
            ):
                drawing.figure.savefig(
                    svg, format="svg", metadata={"Date": None, "Creator": "ssbchar"}
                )
                drawing.figure.savefig(png, format="png", dpi=150, metadata={"Software": "ssbchar"})
            (part / f"{name}.svg").write_bytes(svg.getbuffer())
            (part / f"{name}.png").write_bytes(png.getbuffer())
            note = {
                "title": drawing.title,
                "caption": drawing.caption,
                "data": drawing.data,
                **labels,
            }
            note["provenance"] = made_by
            text = json.dumps(note, indent=1, sort_keys=True) + "\n"
            (part / f"{name}.json").write_text(text, encoding="utf-8")
        (part / "index.txt").write_text("".join(f"{name}\n" for name in drawings), encoding="utf-8")
