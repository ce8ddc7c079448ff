"""FEFF10, as the package feff10-rs brings it (extra ``paths``), in a process with a limit.

FEFF10 is its authors' (J. J. Kas, F. D. Vila, C. D. Pemmaraju, T. S. Tan & J. J. Rehr, J.
Synchrotron Rad. 28 (2021) 1801); its licence is kept in ``licences/FEFF10.txt``.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from ssbchar.errors import BadInput
from ssbchar.storage import temporary
from ssbchar.xas.paths import feffdat

PACKAGE = "feff10-rs"
SECONDS = 600
"""FEFF is stopped after this time."""
PROCESS = Path(__file__).with_name("feff_ten_process.py")
NOTICE = (
    "FEFF10.0 Copyright (c) 2020 FEFF Project, University of Washington and SLAC National "
    "Accelerator Laboratory. All rights reserved."
)
"""The licence asks that it stays with what is passed on."""


def find_version() -> str:
    """Return the version of the installed package; empty where there is none."""
    if importlib.util.find_spec("feff10") is None:
        return ""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def run_feff_ten(text: str) -> list[feffdat.FeffPath]:
    """Return the paths that FEFF10 writes for an input.

    Parameters
    ----------
    text : str
        feff.inp.

    Returns
    -------
    list of FeffPath
        In the order of FEFF's numbers; arrays of shape (k,).

    Raises
    ------
    BadInput
        FEFF took more than 600 s, failed, or wrote no path.
    """
    title = text.splitlines()[0]
    with temporary.make_folder() as folder:
        (folder / "feff.inp").write_text(text, encoding="ascii", errors="replace")
        printed = folder / "printed.txt"
        code = _run_limited(folder, printed)
        if code is None:
            raise BadInput(title, f"FEFF10 ran for {SECONDS} s", "lower xas.feff.rmax or legs")
        files = feffdat.list_files(folder)
        if code or not files:
            raise BadInput(
                title,
                f"FEFF10 wrote no path: {_find_last_line(printed)}",
                "look at the CIF, or give paths of another calculation as 'feff:' of the phase",
            )
        return [feffdat.read_path(path) for path in files]


def _run_limited(folder: Path, printed: Path) -> int | None:
    """Run FEFF in a folder; return its exit code, None where it was stopped."""
    # A session of its own: FEFF starts a process for each stage, and all must end with it.
    command = [sys.executable, "-P", str(PROCESS), str(max(1, int(SECONDS)))]
    with (
        open(printed, "wb") as file,
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _find_last_line(printed: Path) -> str:
    """Return the last line that says something."""
    lines = printed.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else "it printed nothing"
