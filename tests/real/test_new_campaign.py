"""`ssbchar new` on real folders by others: what it writes is accepted without an edit."""

from pathlib import Path

import pytest

from ssbchar.campaign import check
from ssbchar.campaign import config as configs
from ssbchar.campaign.new.start import NewCampaign, start_campaign


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def start(folder: Path) -> NewCampaign:
    made = start_campaign(folder)
    assert check.check_campaign(made.config).faults == []
    return made


def test_patterns_of_17bm_with_the_table_of_their_frames(real_data: Path) -> None:
    made = start(real_data / "hexrd/aps17bm_metathesis")
    (row,) = configs.read_config(made.config).rows
    assert (row.role, Path(row.path).name, Path(row.log).name) == ("series", "XYE", "frames.csv")
    assert row.options["read"]["wavelength"] == 0.2413
    assert {"Mn2O3", "Na2CO3"} <= set(row.phases.split(","))
    assert "384 frames" in made.sheet.read_text()


def test_scans_of_20bm(real_data: Path) -> None:
    made = start(real_data / "xas/aps20bm_feo")
    (row,) = configs.read_config(made.config).rows
    assert (row.technique, row.role) == ("xas", "pristine")
    assert row.path.endswith("APS20BM_2001.dat")


def test_references_of_iron(real_data: Path) -> None:
    made = start(real_data / "xas/fe_references")
    rows = configs.read_config(made.config).rows
    assert len(rows) == 5
    roles = {Path(row.path).stem: row.role for row in rows}
    assert roles["Fe_Foil_rt_2016Foils"] == roles["Fe_metal_rt_02"] == "reference"


def test_bruker_experiments(real_data: Path) -> None:
    made = start(real_data / "nmr")
    rows = configs.read_config(made.config).rows
    assert {Path(row.path).name: row.role for row in rows} == {"71": "spectrum", "38": "decay"}
