"""Reflections against systematic absences and structure factors worked by hand, and bad phases
files."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from ssbchar.crystal import cell as crystal
from ssbchar.crystal import reflections
from ssbchar.crystal.cif_file import CELL_TAGS
from ssbchar.errors import BadInput

ROOT = Path(__file__).parent.parent.parent
TABLES = [ROOT / "config/phases/phases.yaml", ROOT / "config/real/phases/phases.yaml"]
OPTIONS = reflections.ReflectionListing()


def entries() -> list[tuple[Path, str]]:
    return [(t, n) for t in TABLES for n in yaml.safe_load(t.read_text(encoding="utf-8"))]


def write(folder: Path, **about: object) -> Path:
    table = folder / "phases.yaml"
    table.write_text(yaml.safe_dump({"X": {"source": "test", **about}}), encoding="utf-8")
    return table


@pytest.mark.parametrize(("table", "name"), entries(), ids=lambda x: getattr(x, "stem", x))
def test_every_phase_of_ours_is_read_and_has_the_composition_it_states(
    table: Path, name: str
) -> None:
    phase = reflections.read_phase(table, name, OPTIONS)
    if not phase.sites:
        return
    counted: dict[str, float] = {}
    for site in phase.sites:
        counted[site.element] = counted.get(site.element, 0.0) + site.occupancy * len(
            crystal.generate_orbit(site.position, phase)
        )
    path = table.parent / yaml.safe_load(table.read_text(encoding="utf-8"))[name]["cif"]
    formula = next(
        line for line in path.read_text(encoding="utf-8").splitlines() if "formula_sum" in line
    )
    stated = {}
    for word in formula.split("'")[1].split():
        letters = "".join(c for c in word if c.isalpha())
        stated[letters] = float(word[len(letters) :] or 1)
    units = {e: counted[e] / n for e, n in stated.items()}
    assert set(counted) == set(stated)
    assert np.ptp(list(units.values())) < 0.02 * np.mean(list(units.values())), units


def test_reflections_of_rock_salt_by_hand(tmp_path: Path) -> None:
    ds = reflections.tabulate_reflections(TABLES[1], OPTIONS, {"phase": "NaCl"})
    hkl = [tuple(int(ds[x][i]) for x in "hkl") for i in range(4)]
    assert hkl == [(1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1)]
    assert ds["multiplicity"].values[:4].tolist() == [8, 6, 12, 24]
    s = 1 / 5.6402  # sin(theta) / lambda of (200)
    f = reflections.form_factor_from_s("Na", np.array(s)) + reflections.form_factor_from_s(
        "Cl", np.array(s)
    )
    expected = (4 * f * np.exp(-2 * s**2)) ** 2
    np.testing.assert_allclose(ds["structure_factor_squared"][1], expected, rtol=1e-10)
    assert ds.attrs["crystal_system"] == "cubic" and ds.attrs["refinable"] == 1
    np.testing.assert_allclose(ds.attrs["cell_mass"], 4 * (22.98977 + 35.453), rtol=1e-4)


def test_space_groups_of_one_type_differ_in_their_absences() -> None:
    def present(name: str) -> set[tuple[int, int, int]]:
        ds = reflections.tabulate_reflections(TABLES[0], OPTIONS, {"phase": name})
        return set(zip(*(ds[x].values.tolist() for x in "hkl"), strict=True))

    farringtonite, sarcopside = present("Co3PO42"), present("Ni3PO42")
    assert (
        (1, 0, 1) in farringtonite
        and (1, 0, 0) not in farringtonite
        and (0, 0, 1) not in farringtonite
    )
    assert (0, 0, 1) in sarcopside and (1, 0, 0) not in sarcopside and (1, 0, 1) not in sarcopside
    assert (0, 1, 0) not in farringtonite | sarcopside


def test_multiplicities_count_the_whole_sphere() -> None:
    phase = reflections.read_phase(TABLES[0], "LAGP", OPTIONS)
    hkl, multiplicity = crystal.list_allowed_families(phase, 2.0)
    n = 12
    grid = np.array(
        [(h, k, m) for h in range(-n, n + 1) for k in range(-n, n + 1) for m in range(-n, n + 1)],
        float,
    )
    grid = grid[np.any(grid != 0, axis=1)]
    grid = grid[crystal.d_from_hkl(grid, phase.cell) >= 2.0]
    obverse = (-grid[:, 0] + grid[:, 1] + grid[:, 2]) % 3 == 0
    glide = (grid[:, 0] != -grid[:, 1]) | (grid[:, 2] % 2 == 0)
    glide &= (grid[:, 1] != 0) | (grid[:, 2] % 2 == 0)
    glide &= (grid[:, 0] != 0) | (grid[:, 2] % 2 == 0)
    assert multiplicity.sum() == np.sum(obverse & glide)
    assert len({tuple(row) for row in hkl}) == len(hkl)


def test_cell_only_has_no_structure_factors() -> None:
    ds = reflections.tabulate_reflections(TABLES[0], OPTIONS, {"phase": "Co3PO42"})
    assert np.all(np.isnan(ds["structure_factor_squared"])) and ds.attrs["refinable"] == 0


def test_bad_phases_say_what_is_wrong(tmp_path: Path) -> None:
    def fault(**about: object) -> str:
        with pytest.raises(BadInput) as caught:
            reflections.tabulate_reflections(write(tmp_path, **about), OPTIONS, {"phase": "X"})
        return str(caught.value)

    (tmp_path / "empty.cif").write_text(
        "data_x\n_space_group_name_H-M_alt 'P 1'\n", encoding="utf-8"
    )
    (tmp_path / "group.cif").write_text(
        "data_x\n"
        + "".join(f"{t} {v}\n" for t, v in zip(CELL_TAGS, (5, 5, 5, 90, 90, 90), strict=True)),
        encoding="utf-8",
    )
    assert "no cell" in fault(cif="empty.cif")
    assert "does not exist" in fault(cif="none.cif")
    assert "no space group" in fault(cif="group.cif")
    assert "is not known" in fault(cell=[5, 5, 5, 90, 90, 90], space_group="Q 9 q")
    assert "is no cell" in fault(cell=[5, 5, 5, 90, 90, 190], space_group="P 1")
    assert "neither" in fault(cell=[5, 5, 5, 90, 90, 90])
    with pytest.raises(BadInput, match="no phase 'Y'"):
        reflections.tabulate_reflections(
            write(tmp_path, cell=[5, 5, 5, 90, 90, 90], space_group="P 1"), OPTIONS, {"phase": "Y"}
        )
