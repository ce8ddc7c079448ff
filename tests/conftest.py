"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real measurements by others; the test skips where it is missing."""
    given = Path(os.environ.get("SSBCHAR_REAL_DATA", "../shared/real"))
    folder = given if given.is_absolute() else ROOT / given
    if not folder.is_dir():
        pytest.skip(f"real measurements are not at {given} (set SSBCHAR_REAL_DATA)")
    return folder
