"""Files of FEFF are read as FEFF wrote them, and refused where they are broken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from xas import made_paths

from ssbchar.errors import BadInput
from ssbchar.xas.paths import feffdat


def test_a_file_of_feff_is_read_as_it_says(tmp_path: Path) -> None:
    made_paths.write(tmp_path, free_path=7.5)
    first = feffdat.read_path(tmp_path / "feff0001.dat")
    assert (first.legs, first.degeneracy, first.reff, first.scatterer) == (2, 6.0, 2.10, "O")
    assert first.version.startswith("Feff 6L")
    assert np.allclose(first.k, made_paths.TABLE) and np.allclose(first.free_path, 7.5)
    assert np.allclose(first.amplitude, made_paths.size(first.k, "O"))
    assert np.allclose(first.phase, made_paths.phase(first.k, "O"), atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: "", "no geometry or no table"),
        (lambda t: t.split("    k   real")[0], "no geometry or no table"),
        (lambda t: t.replace(" 1.000E+00", " nonsense", 3), "could not convert"),
        (lambda t: t.replace("-----", "     "), "no geometry or no table"),
        (lambda t: "\n".join(t.splitlines()[:12]), "3 rows"),
        (lambda t: t.replace(" 1.000E+00", " NaN      ", 1), "not finite"),
        (lambda t: t.replace("   2   6.000", "   3   6.000"), "2 atoms of 3"),
    ],
)
def test_what_is_no_path_of_feff_is_refused(
    tmp_path: Path, spoil: Callable[[str], str], said: str
) -> None:
    path = tmp_path / "feff0001.dat"
    path.write_text(spoil(made_paths.text("O", 6.0, 2.1, 9.0)), encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        feffdat.read_path(path)


def write_text(folder: Path, text: str) -> Path:
    path = folder / "feff0001.dat"
    path.write_text(text, encoding="utf-8")
    return path


def test_amplitude_phase_and_momentum_come_from_their_columns(tmp_path: Path) -> None:
    """k, 2 phi_c, F, phi, reduction, lambda, p: amplitude F x reduction, phase 2 phi_c + phi."""
    head = made_paths.text("O", 6.0, 2.1, 9.0).splitlines()[:9]
    rows = [f"{k} 0.5 2.0 0.25 0.9 7.0 {k + 0.125}" for k in range(10)]
    found = feffdat.read_path(write_text(tmp_path, "\n".join(head + rows)))
    assert found.k.tolist() == list(range(10))
    assert set(found.amplitude) == {1.8} and set(found.phase) == {0.75}
    assert set(found.free_path) == {7.0} and found.momentum[3] == 3.125
    with pytest.raises(BadInput, match="9 rows"):
        feffdat.read_path(write_text(tmp_path, "\n".join(head + rows[:9])))
    with pytest.raises(BadInput, match="k does not rise"):
        feffdat.read_path(write_text(tmp_path, "\n".join([*head, *rows, rows[-1]])))


def test_a_length_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not finite"):
        feffdat.read_path(write_text(tmp_path, made_paths.text("O", 6.0, 0.0, 9.0)))
    assert feffdat.read_path(write_text(tmp_path, made_paths.text("O", 6.0, 0.5, 9.0))).reff == 0.5


def test_an_atom_without_its_element_is_named_by_number(tmp_path: Path) -> None:
    text = made_paths.text("O", 6.0, 2.1, 9.0)
    bare = "\n".join(
        line[:-6].rstrip() if line.rstrip().endswith("1   8 O") else line
        for line in text.splitlines()
    )
    assert feffdat.read_path(write_text(tmp_path, bare)).scatterer == "Z8"


def test_paths_are_sorted_by_length_then_name_then_site(tmp_path: Path) -> None:
    one = feffdat.read_path(write_text(tmp_path, made_paths.text("O", 6.0, 2.1, 9.0)))
    paths = [
        replace(one, name="b", reff=3.0),
        replace(one, name="c", reff=2.0),
        replace(one, name="a", reff=3.00001),
        replace(one, name="a", reff=3.0),
    ]
    ds = feffdat.build_path_dataset(paths, [0, 0, 1, 0], "made")
    assert list(zip(ds["name"].values, ds["site"].values, strict=True)) == [
        ("c", 0),
        ("a", 0),
        ("a", 1),
        ("b", 0),
    ]
    assert ds["reff"].attrs["units"] == "angstrom" and ds.sizes == {"path": 4, "k": one.k.size}


def test_no_path_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="no path of FEFF"):
        feffdat.build_path_dataset([], [], "made")
