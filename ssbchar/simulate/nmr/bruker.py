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
    ``(0..n)``."""
    lines = [
        f"##TITLE= {title}",
        "##JCAMPDX= 5.0",
        "##DATATYPE= Parameter Values",
        f"##ORIGIN= {ORIGIN}",
        "##OWNER= synthetic",
    ]
    for key in sorted(values):
        value = values[key]
        if isinstance(value, (list, tuple)):
            lines += [f"##${key}= (0..{len(value) - 1})", " ".join(_text(v) for v in value)]
        else:
            lines.append(f"##${key}= {_text(value)}")
    return "\n".join([*lines, "##END=", ""])


def _text(value: object) -> str:
    return (
        f"<{value}>"
        if isinstance(value, str)
        else f"{value:.15g}"
        if isinstance(value, float)
        else str(value)
    )


def encode_words(data: Complex, pad: bool) -> bytes:
    """Return complex rows as interleaved little-endian int32, rows padded to whole blocks where
    `pad`."""
    data = np.atleast_2d(data)
    plain = np.empty((data.shape[0], 2 * data.shape[1]))
    plain[:, 0::2], plain[:, 1::2] = data.real, data.imag
    whole = np.rint(plain).astype("<i4")
    if pad:
        whole = np.pad(whole, ((0, 0), (0, -whole.shape[1] % BLOCK)))
    return whole.tobytes()


def write_experiment(
    folder: Path,
    data: Complex,
    acquisition: Mapping[str, object],
    processing: Mapping[str, object],
    title: str,
    program: str,
    delays: list[float] | None = None,
) -> None:
    """Write an experiment folder: ``fid`` for one decay, ``ser`` with ``vdlist`` and ``acqu2s`` for
    a series.

    Parameters
    ----------
    folder : Path
    data : ndarray of complex
        (point) or (slice, point), in the units of the receiver.
    acquisition, processing : mapping
        Parameters of ``acqus`` and ``procs``; TD and the extremes are filled in here.
    title, program : str
    delays : list of float, optional
        Echo delays [s], written as ``vdlist`` in microseconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series = delays is not None
    plain = np.rint(np.concatenate([data.real.ravel(), data.imag.ravel()]))
    direct = {
        **acquisition,
        "TD": 2 * data.shape[-1],
        "YMAX_a": int(plain.max()),
        "YMIN_a": int(plain.min()),
        "PARMODE": int(series),
    }
    (folder / ("ser" if series else "fid")).write_bytes(encode_words(data, pad=series))
    files = {"acqus": direct, "acqu": direct}
    if delays is not None:
        indirect = {**acquisition, "TD": len(delays), "FnMODE": 1}
        files |= {"acqu2s": indirect, "acqu2": indirect}
        text = "\n".join(f"{delay * 1e6:.6g}u" for delay in delays) + "\n"
        (folder / "vdlist").write_text(text, encoding="ascii")
    for name, values in files.items():
        (folder / name).write_text(
            format_parameters(values, "Parameter file, synthetic"), encoding="ascii"
        )
    (folder / "pulseprogram").write_text(program, encoding="ascii")
    done = folder / "pdata" / "1"
    done.mkdir(parents=True, exist_ok=True)
    for name in ("procs", "proc"):
        (done / name).write_text(
            format_parameters(processing, "Parameter file, synthetic"), encoding="ascii"
        )
    (done / "title").write_text(title, encoding="ascii")
