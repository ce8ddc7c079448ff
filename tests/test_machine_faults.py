"""One file of many that the machine cannot read stops the step: no data is set aside for it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import fabio
import numpy as np
import pytest
from hexrd import made_images, made_patterns

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import read as images
from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.xas.scans import read as xas_read
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading as XasReading


def failing(*_: object, **__: object) -> None:
    """Stands for a read from a disk that has failed."""
    raise OSError(errno.EIO, os.strerror(errno.EIO), "a file")


def stops(attempt: Callable[[], object]) -> None:
    with pytest.raises(OSError) as fault:
        attempt()
    assert fault.value.errno == errno.EIO


@pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="a file whose read fails is found on Linux alone"
)
def test_of_patterns(tmp_path: Path) -> None:
    made_patterns.folder(tmp_path, 4)
    (tmp_path / "3.xye").unlink()
    (tmp_path / "3.xye").symlink_to("/proc/self/mem")
    stops(lambda: read.read_patterns(tmp_path, PatternReading(wavelength=0.2413)))


def test_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "1.tif"
    made_images.tiff(path, np.ones((20, 30)))
    assert isinstance(next(images.read_images(path)), images.Image)
    monkeypatch.setattr(fabio, "open", failing)
    stops(lambda: next(images.read_images(path)))


def test_of_scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        rows = "".join(f"{7000 + e} {0.1 + 0.01 * n}\n" for e in range(400))
        (tmp_path / f"{n}.dat").write_text("# energy mu\n" + rows)
    parse = xas_read.read_raw_scans

    def parse_or_fail(path: Path) -> list[RawScan]:
        if path.name != "2.dat":
            return parse(path)
        try:
            failing()
        except OSError as error:
            raise BadInput(path, "it cannot be read", "look at it") from error
        return []

    monkeypatch.setattr(xas_read, "read_raw_scans", parse_or_fail)
    stops(lambda: xas_read.read_scans(tmp_path, XasReading(element="Fe", edge="K"), {}))
