"""Made paths for every test of the room."""

from pathlib import Path

import pytest
import xarray as xr
from xas import made_paths


@pytest.fixture
def made(tmp_path: Path) -> xr.Dataset:
    """Two shells, O at 2.10 and Fe at 3.00 angstrom."""
    made_paths.write(tmp_path)
    return made_paths.read(tmp_path)
