"""The merged spectrum as XDI: its lines follow the grammar, and reading it gives the spectrum
back."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from campaign import ROOT, Campaign
from xas import campaign

from ssbchar.xas import xdi
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("xdi")
    campaign.write_pair(folder, 1, 0.0, 0.0)
    normalised = campaign.chain(folder, "pristine")[1]
    return normalised.assign_attrs(sample="LFP,\nas made", synthetic=1)


def test_lines_follow_the_grammar(merged: xr.Dataset) -> None:
    lines = xdi.export_xdi(merged)["merged.xdi"].splitlines()
    assert re.fullmatch(r"# XDI/1\.0 ssbchar/\S+", lines[0])
    end = lines.index("# ///")
    fields = dict(
        re.fullmatch(r"# ([A-Z]\w*\.\w+): (\S.*)", line).groups() for line in lines[1:end]
    )  # type: ignore[union-attr]
    assert (fields["Element.symbol"], fields["Element.edge"]) == ("Fe", "K")
    assert fields["Column.1"] == "energy eV"
    assert fields["Sample.name"] == "LFP, as made"
    rule = next(i for i, line in enumerate(lines) if re.fullmatch(r"#-{2,}", line))
    assert "synthetic" in lines[rule - 1]
    labels = lines[rule + 1].lstrip("# ").split()
    assert labels == [fields[f"Column.{i}"].split()[0] for i in range(1, len(labels) + 1)]
    assert all(len(line.split()) == len(labels) for line in lines[rule + 2 :])


def test_reading_it_gives_the_spectrum_back(merged: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "merged.xdi"
    path.write_text(xdi.export_xdi(merged)["merged.xdi"], encoding="utf-8")
    found = read.read_scans(path, ScanReading(), {"measurement": "again"})
    last = merged.isel(spectrum=-1)
    assert found.attrs["element"] == "Fe"
    assert found.attrs["synthetic"] == 1
    np.testing.assert_allclose(found["energy"].values[0], last["energy"], atol=6e-5)
    np.testing.assert_allclose(found["mu"].values[0], last["mu"], rtol=1e-8)


def test_what_came_normalised_has_no_absorption(merged: xr.Dataset, tmp_path: Path) -> None:
    given = merged.assign(mu=merged["norm"], mu_stderr=merged["norm_stderr"]).assign_attrs(
        mode="normalised"
    )
    text = xdi.export_xdi(given)["merged.xdi"]
    assert "mutrans" not in text
    assert "edge_step" not in text
    path = tmp_path / "merged.xdi"
    path.write_text(text, encoding="utf-8")
    found = read.read_scans(path, ScanReading(), {"measurement": "again"})
    assert found.attrs["mode"] == "normalised"
    np.testing.assert_allclose(found["mu"].values[0], merged["norm"].values[-1], rtol=1e-8)


def test_a_series_is_not_exported(tmp_path: Path) -> None:
    """Its sample changes from scan to scan: a mean over it is no spectrum of anything."""
    run = object.__new__(Campaign)
    run.folder, run.only, run.home = tmp_path, ("none",), ROOT
    (tmp_path / "config").mkdir()
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/1.dat").write_text("1 2\n3 4\n")
    row = {"sample": "a", "technique": "xas", "path": "scans"}
    run.configure([{**row, "measurement": r, "role": r} for r in ("series", "pristine")])
    said = run.snakemake("-n", "--cores", "1")
    exports = re.findall(r"results/minimal/xas/(\w+)/export\b", said)
    assert set(exports) == {"pristine"}
