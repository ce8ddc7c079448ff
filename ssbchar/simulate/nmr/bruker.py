"""Bruker folders: fid or ser with acqus, acqu, procs, title, pulse program and delay list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ssbchar.typing import Complex

ORIGIN = "ssbchar simulate (synthetic)"
BLOCK = 256
"""A row of ser is padded to a multiple of 256 words (1024 bytes)."""


def format_parameters(values: Mapping[str, object], title: str) -> str:
    """Return a JCAMP-DX parameter file: numbers plain, text in angle brackets, arrays as
    ``(0..n)``.

    Parameters
    ----------
    values : mapping
        Parameters by name, in TopSpin's units.
    title : str
        Of the file.

    Returns
    -------
    str
        Parameters in alphabetical order.
    """
    lines = [
        f"##TITLE= {title}",
        "##JCAMPDX= 5.0",
        "##DATATYPE= Parameter Values",
        f"##ORIGIN= {ORIGIN}",
        "##OWNER= synthetic",
    ]
    for name in sorted(values):
        value = values[name]
        if isinstance(value, (list, tuple)):
            lines.append(f"##${name}= (0..{len(value) - 1})")
            lines.append(" ".join(_format_value(item) for item in value))
        else:
            lines.append(f"##${name}= {_format_value(value)}")
    return "\n".join([*lines, "##END=", ""])


def _format_value(value: object) -> str:
    """Return one value of a parameter file."""
    if isinstance(value, str):
        return f"<{value}>"
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)


def encode_words(data: Complex, *, pad: bool) -> bytes:
    """Return complex rows as interleaved little-endian int32.

    Parameters
    ----------
    data : ndarray of complex, shape (point,) or (slice, point)
        In units of the receiver.
    pad : bool
        Pad rows to whole blocks of `BLOCK` words.
    """
    data = np.atleast_2d(data)
    interleaved = np.empty((data.shape[0], 2 * data.shape[1]))
    interleaved[:, 0::2] = data.real
    interleaved[:, 1::2] = data.imag
    words = np.rint(interleaved).astype("<i4")
    if pad:
        words = np.pad(words, ((0, 0), (0, -words.shape[1] % BLOCK)))
    return words.tobytes()


def write_experiment(
    folder: Path,
    data: Complex,
    acquisition: Mapping[str, object],
    processing: Mapping[str, object],
    *,
    title: str,
    program: str,
    delays: list[float] | None = None,
) -> None:
    """Write an experiment folder: ``fid`` for one decay, ``ser`` with ``vdlist`` and ``acqu2s`` for
    a series.

    Parameters
    ----------
    folder : Path
        The folder.
    data : ndarray of complex, shape (point,) or (slice, point)
        In the units of the receiver.
    acquisition, processing : mapping
        Parameters of ``acqus`` and ``procs``; TD and the extremes are filled in here.
    title : str
        Text of the title file.
    program : str
        Text of the pulse program.
    delays : list of float, optional
        Echo delays [s], written as ``vdlist`` in microseconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # TopSpin names the data of a series differently
    is_series = delays is not None
    (folder / ("ser" if is_series else "fid")).write_bytes(encode_words(data, pad=is_series))
    rounded = np.rint(np.concatenate([data.real.ravel(), data.imag.ravel()]))
    direct = {
        **acquisition,
        "TD": 2 * data.shape[-1],
        "YMAX_a": int(rounded.max()),
        "YMIN_a": int(rounded.min()),
        "PARMODE": int(is_series),
    }
    _write_parameters(folder, ("acqus", "acqu"), direct)
    if delays is not None:
        indirect = {**acquisition, "TD": len(delays), "FnMODE": 1}
        _write_parameters(folder, ("acqu2s", "acqu2"), indirect)
        text = "\n".join(f"{delay * 1e6:.6g}u" for delay in delays) + "\n"
        (folder / "vdlist").write_text(text, encoding="ascii")
    (folder / "pulseprogram").write_text(program, encoding="ascii")
    processed = folder / "pdata" / "1"
    processed.mkdir(parents=True, exist_ok=True)
    _write_parameters(processed, ("procs", "proc"), processing)
    (processed / "title").write_text(title, encoding="ascii")


def _write_parameters(folder: Path, names: tuple[str, ...], values: Mapping[str, object]) -> None:
    """Write the status and the foreground copy of a parameter file."""
    text = format_parameters(values, "Parameter file, synthetic")
    for name in names:
        (folder / name).write_text(text, encoding="ascii")
