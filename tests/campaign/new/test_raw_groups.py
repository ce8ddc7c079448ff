"""Files in groups: frames of a series, repeats of a scan."""

from pathlib import Path

import pytest

from ssbchar.campaign.new import raw_groups
from ssbchar.storage.raw_files import find_files


def groups(names: list[str], how: str = "group_frames") -> list[list[str]]:
    found = getattr(raw_groups, how)([Path("f", name) for name in names], alone=False)
    return [[path.name for path in group.paths] for group in found]


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        ([f"{n}.xye" for n in range(1, 12)], [11]),
        # temperature and frame rise together
        ([f"LAGP_{25 * n}C_{n:04d}.xye" for n in range(1, 9)], [8]),
        # two samples, each counted from one
        ([f"NCM{c}_{n:03d}.xye" for c in (811, 622) for n in range(1, 5)], [4, 4]),
        ([f"{s}_{n:03d}.xye" for s in ("heat", "cool") for n in range(3)], [3, 3]),
        (["Fe2O3_01.dat", "Fe3O4_01.dat"], [1, 1]),
    ],
)
def test_frames_of_one_series(names: list[str], sizes: list[int]) -> None:
    assert [len(group) for group in groups(names)] == sizes


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["FeO_rt_01.xdi", "FeO_rt_02.xdi", "Fe2O3_rt_01.xdi"], 2),
        (["NCM811.dat", "NCM622.dat"], 2),
        (["Fe2O3.dat", "Fe3O4.dat"], 2),
        (["foil.001", "foil.002", "foil.003"], 1),
        (["scan1.dat", "scan2.dat"], 1),
        (["sample0001.dat", "sample0002.dat"], 1),
        (["1.dat", "2.dat"], 1),
    ],
)
def test_repeats_of_one_sample(names: list[str], count: int) -> None:
    assert len(groups(names, "group_repeats")) == count


def test_a_group_is_named_so_that_its_files_are_found(tmp_path: Path) -> None:
    for s in ("heat", "cool"):
        for n in range(3):
            (tmp_path / f"{s} [x]_{n}.xye").touch()
    (tmp_path / "log.csv").touch()
    paths = [path for path in find_files(tmp_path) if path.suffix == ".xye"]
    for group in raw_groups.group_frames(paths, alone=False):
        assert tuple(find_files(group.source)) == group.paths
    alone = raw_groups.group_frames(paths[:3], alone=True)
    assert alone[0].source == tmp_path.as_posix()
