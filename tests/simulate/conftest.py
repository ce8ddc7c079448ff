"""The small demonstration, written once."""

from pathlib import Path

import pytest

from ssbchar.simulate import demo


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small demonstration."""
    out = tmp_path_factory.mktemp("demo")
    demo.write_demo(out, small=True)
    return out
