"""Small raw files of each technique as they come from a beamtime, for what looks into folders of
them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from crystal import made_cifs
from hexrd import made_images, made_patterns
from nmr import signals
from xas import made_spectra

SALT = made_cifs.made_cif(
    (5.6402, 5.6402, 5.6402, 90, 90, 90),
    "F m -3 m",
    ("Na1 Na 0 0 0 1 0.01", "Cl1 Cl 0.5 0.5 0.5 1 0.01"),
    "_journal_paper_doi 10.1000/made",
    block="salt",
)
"""A CIF."""


UNTREATED = made_spectra.Truth()


def write_heating(folder: Path, head: str = "", frames: int = 6) -> None:
    """Patterns ``1.xye``, ``2.xye``, ...; `head` may hold a place for the frame's number."""
    folder.mkdir(parents=True)
    for n in range(1, frames + 1):
        made_patterns.xye(folder / f"{n}.xye", n, head=head.format(n))


def write_images(folder: Path, *names: str) -> None:
    """Images of 6 x 5 pixels that state wavelength, pixels and distance."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "wavelength: 0.24117 angstrom; pixel: 200 um; nominal distance: 300 mm"
    for name in names:
        made_images.tiff(folder / name, np.full((6, 5), 7, np.uint16), text)


def write_scans(
    folder: Path,
    *names: str,
    truth: made_spectra.Truth = UNTREATED,
    seed: int = 1,
) -> None:
    """Scans of one sample."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in names:
        made_spectra.write_scan(folder / name, truth, rng)


def write_echoes(folder: Path, *, series: bool, title: str = "") -> None:
    """A Bruker experiment of one line: an echo, or a series of three over its delay."""
    delays = np.array([1e-5, 1e-4, 3e-4]) if series else np.array([1e-5])
    area = 1e5 * np.exp(-delays / 1e-3)
    y = np.array([signals.signal((a,), (0.0,), (3e3,), points=512) for a in area])
    folder.parent.mkdir(parents=True, exist_ok=True)
    signals.write_bruker(folder, y, **({"vdlist": "10u\n100u\n300u\n"} if series else {}))
    if title:
        (folder / "pdata/1/title").write_text(title)
