"""The whole workflow on real measurements by others: one command, one report, what the published
analyses say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run config/real in a folder of its own; the results' folder."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(ROOT / "config", folder / "config")
    env = {**os.environ, "SSBCHAR_REAL_DATA": str(real_data.resolve()), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ssbchar", "run", "config/real/config.yaml", "--cores", "2"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "Nothing was set aside" in done.stdout
    return folder / "results/real"


@pytest.fixture(scope="module")
def summary(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "summary.csv", keep_default_na=False, na_values=[""])


def row(summary: pd.DataFrame, quantity: str, subject: str, condition: str) -> pd.Series:
    found = summary[
        (summary.quantity == quantity)
        & (summary.subject == subject)
        & (summary.condition.fillna("") == condition)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_the_heating_series_reacts_and_its_return_was_not_measured(summary: pd.DataFrame) -> None:
    mixture = summary[(summary.quantity == "phase_stability")].iloc[0]
    assert mixture.verdict == "reacts"
    assert row(summary, "volume_return", "Mn2O3", "after cooling").verdict == "not_measured"


def test_yocl_starts_where_the_published_refinement_sees_it(summary: pd.DataFrame) -> None:
    onset = row(summary, "onset_temperature", "YOCl", "heating")
    assert (
        onset.lower95 - 3 * 3.3 < 295 < onset.upper95 + 3 * 3.3
    )  # published 5 % crossing, three frames of 3.3 K


def test_the_published_expansion_stands_beside_ours_with_its_source(summary: pd.DataFrame) -> None:
    reason = row(summary, "mean_linear_expansion", "Mn2O3", "heating a").reason
    assert "agrees with 9.43e-06 1/K (25-644 degC, frames 1-189; least-squares slope" in reason


def test_mn2o3_expands_as_published(run: Path, real_data: Path) -> None:
    lattice = xr.load_dataset(run / "hexrd/heating_17bm/lattice.nc", engine="h5netcdf")
    furnace = xr.load_dataset(run / "hexrd/heating_17bm/furnace.nc", engine="h5netcdf")
    a = lattice.cell.sel(phase="Mn2O3", axis="a").values[:189]
    t = furnace.temperature.values[:189]
    good = np.isfinite(a)
    slope = np.polyfit(t[good], a[good] / a[good][0], 1)[0]
    assert slope == pytest.approx(9.43e-6, rel=0.05)
    table = pd.read_csv(
        real_data / "hexrd/aps17bm_metathesis/AnalysisData/SequentialRefinement_Figure1.csv"
    )
    ours = lattice.volume.sel(phase="Mn2O3").values[:189]
    ratio = ours / table["Volume_Mn2O3"].values[:189] - 1
    assert np.mean(np.abs(ratio[good]) < 0.003) >= 0.95
    assert abs(np.median(ratio[good])) < 0.001


def test_feo_from_raw_columns_is_the_library_scan(summary: pd.DataFrame) -> None:
    own = row(summary, "reference_fraction", "Fe K", "FeO_xdi")
    assert own.value == pytest.approx(1.0, abs=3 * own.stderr)


def test_the_metal_decay_of_the_cpmg_series_is_refused(summary: pd.DataFrame) -> None:
    share = summary[
        (summary.quantity == "alloyed_share") & (summary["sample"].str.startswith("Li metal"))
    ].iloc[0]
    assert share.verdict == "N/A"
    assert "not_decaying" in share.reason
