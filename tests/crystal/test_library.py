"""The phase library: phases one after the other in one table, and each one back out of it."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from ssbchar.crystal import library, reflections
from ssbchar.errors import BadInput

TABLES = [Path(__file__).parent.parent.parent / "config/phases/phases.yaml"]
OPTIONS = reflections.ReflectionListing()
CUBIC = {"source": "test", "space_group": "Pm-3m"}


def write(folder: Path, **edges: float) -> Path:
    """A phases file of primitive cubic cells by their edge [angstrom]."""
    phases = {name: {**CUBIC, "cell": [a, a, a, 90, 90, 90]} for name, a in edges.items()}
    table = folder / "phases.yaml"
    table.write_text(yaml.safe_dump(phases), encoding="utf-8")
    return table


def test_a_library_gives_back_every_phase_as_its_own_table() -> None:
    table = TABLES[0]
    joined = library.tabulate_library(table, OPTIONS)
    names = list(yaml.safe_load(table.read_text(encoding="utf-8")))
    found = library.split_phases(joined)
    assert [one.attrs["phase"] for one in found] == names
    for name, one in zip(names, found, strict=True):
        xr.testing.assert_identical(
            one, reflections.tabulate_reflections(table, OPTIONS, {"phase": name})
        )


def test_a_phase_that_cannot_be_used_is_left_out_of_the_library_and_told(tmp_path: Path) -> None:
    good = {"source": "test", "cell": [4, 4, 4, 90, 90, 90], "space_group": "Fm-3m"}
    table = tmp_path / "phases.yaml"
    table.write_text(yaml.safe_dump({"A": good, "B": {**good, "cell": [4, 4]}}), encoding="utf-8")
    joined = library.tabulate_library(table, OPTIONS)
    assert [one.attrs["phase"] for one in library.split_phases(joined)] == ["A"]
    assert "'B'" in json.loads(joined.attrs["set_aside"])[0]["problem"]
    table.write_text(yaml.safe_dump({"B": {**good, "cell": [4, 4]}}), encoding="utf-8")
    with pytest.raises(BadInput, match="no phase"):
        library.tabulate_library(table, OPTIONS)


def test_phases_follow_each_other_by_hand(tmp_path: Path) -> None:
    """First lines of a primitive cubic cell: a, a / sqrt 2, a / sqrt 3."""
    joined = library.tabulate_library(write(tmp_path, P=4.0, Q=5.0), OPTIONS)
    first, second = joined["count"].values
    assert joined["phase"].values.tolist() == ["P", "Q"]
    assert first + second == joined.sizes["reflection"] and 3 < first < second
    d = joined["d"].values
    np.testing.assert_allclose(d[:3], 4 / np.sqrt([1, 2, 3]), rtol=1e-12)
    np.testing.assert_allclose(d[first : first + 3], 5 / np.sqrt([1, 2, 3]), rtol=1e-12)
    assert joined["multiplicity"].values[:3].tolist() == [6, 12, 8]
    assert "set_aside" not in joined.attrs
    assert [about["phase"] for about in json.loads(joined.attrs["about"])] == ["P", "Q"]


def test_every_phase_comes_back_with_its_own_lines(tmp_path: Path) -> None:
    joined = library.tabulate_library(write(tmp_path, P=4.0, Q=5.0, R=3.0), OPTIONS)
    found = library.split_phases(joined)
    assert [one.sizes["reflection"] for one in found] == joined["count"].values.tolist()
    assert [float(one["d"][0]) for one in found] == pytest.approx([4.0, 5.0, 3.0])
    for one in found:
        assert "count" not in one and "phase" not in one.coords
        assert np.all(np.diff(one["d"].values) < 1e-12), "(300) and (221) fall together"


def test_a_file_without_phases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "phases.yaml").write_text("# none\n", encoding="utf-8")
    with pytest.raises(BadInput, match="holds no phase that can be used;"):
        library.tabulate_library(tmp_path / "phases.yaml", OPTIONS)


def test_a_failing_disk_is_no_fault_of_a_phase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> xr.Dataset:
        raise BadInput("x.cif", "cannot be read", "check it") from OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(library, "tabulate_reflections", fail)
    with pytest.raises(OSError, match="I/O error"):
        library.tabulate_library(write(tmp_path, P=4.0), OPTIONS)
