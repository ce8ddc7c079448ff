"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST = (
    "test_slurm.py",
    "test_faults.py",
    "test_workflow.py",
    "real/test_workflow_real.py",
    "test_interrupted.py",
    "test_damaged_results.py",
    "fuzz/test_fuzz.py",
    "trials/test_sample.py",
    "test_cluster_generic.py",
)
"""Files that run whole campaigns, the longest first: begun last, one of them would run alone at the
end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, the others in their order."""
    rank = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))


def _find_folder(variable: str, default: str, what: str) -> Path:
    """Return a folder that lies beside the project; the test skips where it is missing."""
    given = Path(os.environ.get(variable, default))
    folder = given if given.is_absolute() else ROOT / given
    if not folder.is_dir():
        pytest.skip(f"{what} are not at {given} (set {variable})")
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real measurements by others; the test skips where it is missing."""
    return _find_folder("SSBCHAR_REAL_DATA", "../shared/real", "real measurements")


@pytest.fixture(scope="session")
def cases_folder() -> Path:
    """Folder of small inputs with known answers; the test skips where it is missing."""
    return _find_folder("SSBCHAR_CASES", "../shared/cases", "small cases")


@pytest.fixture(scope="session")
def trials_folder() -> Path:
    """Folder of forward models apart from ours; the test skips where it is missing."""
    return _find_folder("SSBCHAR_TRIALS", "../shared/tools/trials", "trial generators")
