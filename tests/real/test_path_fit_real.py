"""The published two-path fit of FeO (20-BM) with paths of FEFF10 and of FEFF 6, and both on this
package's crystals."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.exafs import extract
from ssbchar.xas.exafs.options import Exafs, FourierWindow
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.paths import exafs_equation, feff, feff_ten
from ssbchar.xas.paths import fit as path_fit
from ssbchar.xas.paths.conclude import conclude_paths
from ssbchar.xas.paths.options import Feff, PathFit
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading

ROOT = Path(__file__).parents[2]
SIX = feff.find_executable(Feff())
ROUTES = {"FEFF 10": bool(feff_ten.find_version()), "Feff 6": SIX is not None}
"""Beginning of the version that FEFF states, and whether it is installed."""
PUBLISHED = {
    "number": ((4.5782993, 0.7679652), (11.337027, 1.1172974)),
    "distance": ((2.1105628, 0.0077257), (3.0738370, 0.0062031)),
    "displacement": ((0.0100610, 0.0018561), (0.0124806, 8.5976e-4)),
}
"""Value and standard error of both shells (doc_feffit4.out)."""
PUBLISHED_E0 = (-1.2898576, 0.8403550)
AS_LARCH = Normalisation(exafs_free=False, core_width=0.0)
BACKGROUND = Exafs(rbkg=1.05, kweight_background=2, clamp_high=300.0)
"""Of the published fit's script."""
SETTINGS = PathFit(kweight=3, rmin=1.0, rmax=3.2, s02=0.7)
WINDOW = FourierWindow(kmin=2.0, kmax=13.5, dk=3.0, shape="kaiser")
ROCKSALT = """data_FeO
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Fe1 Fe 0 0 0 1
O1 O 0.5 0.5 0.5 1
"""


def found(element: str) -> xr.Dataset:
    return xr.Dataset(attrs={"element": element, "edge": "K"})


@pytest.fixture(scope="module", params=ROUTES)
def how_calculated(request: pytest.FixtureRequest) -> Feff:
    """FEFF10 by default; FEFF 6, which the published fit used, is the oracle."""
    if not ROUTES[request.param]:
        pytest.skip(
            f"{request.param} is not installed (extra 'paths'; FEFF 6 with extra 'larch', 2.4 GB: "
            "`make feff`, or use .venv-peers)"
        )
    return Feff(program=str(SIX)) if request.param == "Feff 6" else Feff()


@pytest.fixture(scope="module")
def rocksalt(tmp_path_factory: pytest.TempPathFactory, how_calculated: Feff) -> xr.Dataset:
    """FEFF's paths of FeO, a = 4.2774 angstrom: the published half lengths 2.1387 and 3.0246."""
    folder = tmp_path_factory.mktemp("feo")
    (folder / "FeO.cif").write_text(ROCKSALT.format(a=4.2774), encoding="utf-8")
    (folder / "phases.yaml").write_text("FeO:\n  cif: FeO.cif\n  source: test\n", encoding="utf-8")
    return feff.calculate_paths(
        folder / "phases.yaml", found("Fe"), how_calculated, {"phase": "FeO"}
    )


def feo(real_data: Path, how: Normalisation, background: Exafs) -> xr.Dataset:
    """Return the EXAFS of the raw scan, the origin at the edge's inflection as Larch places it."""
    scans = read.read_scans(
        real_data / "xas/aps20bm_feo/APS20BM_2001.dat", ScanReading(), {"measurement": "FeO"}
    )
    calibrated = calibrate.calibrate_energy(scans, None, Calibration())
    at = float(normalise.normalise_spectra(calibrated, how)["e0_derivative"].values[-1])
    return extract.extract_exafs(
        normalise.normalise_spectra(calibrated, Normalisation(**{**vars(how), "e0": at})),
        background,
    )


def test_feff_gives_the_published_half_lengths(rocksalt: xr.Dataset) -> None:
    shells = exafs_equation.group_shells(rocksalt, (), rmax=3.6, gap=0.25, legs=2)
    assert [s.label for s in shells] == ["Fe-O 2.14", "Fe-Fe 3.02"]
    assert [s.number for s in shells] == [6, 12]
    assert [s.distance for s in shells] == pytest.approx([2.1387, 3.0246], abs=1e-4)


@pytest.mark.parametrize(
    "how", [AS_LARCH, Normalisation()], ids=["normalised as published", "our normalisation"]
)
def test_every_parameter_of_the_published_fit(
    real_data: Path, rocksalt: xr.Dataset, how: Normalisation
) -> None:
    fit = path_fit.fit_paths(
        rocksalt, feo(real_data, how, BACKGROUND), None, SETTINGS, window=WINDOW
    )
    assert fit.attrs["verdict"] == "ok"
    for kind, rows in PUBLISHED.items():
        for i, (value, stderr) in enumerate(rows):
            assert abs(float(fit[kind][0, i]) - value) < stderr, (kind, i)
            assert float(fit[f"{kind}_stderr"][0, i]) == pytest.approx(stderr, rel=0.1), (kind, i)
    # The origin is counted from FEFF's own Fermi level, which each version places anew.
    if rocksalt.attrs["feff"].startswith("Feff 6"):
        assert abs(float(fit["e0"][0]) - PUBLISHED_E0[0]) < PUBLISHED_E0[1]
    assert abs(float(fit["e0"][0])) < 5
    assert float(fit["independent_points"]) == pytest.approx(17.1064802)
    assert float(fit["r_factor"][0]) == pytest.approx(0.00962984, rel=0.15)
    number, displacement = (int(fit[f"{kind}_place"][0, 1]) for kind in ("number", "displacement"))
    stderr = fit["stderr"].values
    correlation = float(fit["covariance"][number, displacement]) / (
        stderr[number] * stderr[displacement]
    )
    assert correlation == pytest.approx(0.939, abs=0.02)


def test_rows_of_the_fit(real_data: Path, rocksalt: xr.Dataset) -> None:
    fit = path_fit.fit_paths(
        rocksalt, feo(real_data, AS_LARCH, BACKGROUND), None, SETTINGS, window=WINDOW
    )
    rows = {(r.quantity, r.condition): r for r in conclude_paths(fit, "Fe K")}
    assert len(rows) == 1 + 6
    assert rows["shell_distance", "Fe-Fe 3.02"].value == pytest.approx(3.0738, abs=0.0062)
    assert "S02 0.7 fixed" in rows["coordination_number", "Fe-O 2.14"].reason
    assert "17.1 independent points" in rows["path_fit_r_factor", ""].reason


@pytest.mark.parametrize(
    ("phase", "element", "expected"),
    [
        ("LFP", "Fe", {"Fe-O 2.16": 6, "Fe-P 2.84": 1, "Fe-P 3.27": 4, "Fe-Li 3.48": 6}),
        ("LAGP", "Ge", {"Ge-O 1.86": 6, "Ge-P 3.24": 6}),
        ("NiO", "Ni", {"Ni-O 2.09": 6, "Ni-Ni 2.95": 12}),
    ],
)
def test_shells_of_the_crystals(
    how_calculated: Feff, phase: str, element: str, expected: dict[str, float]
) -> None:
    ds = feff.calculate_paths(
        ROOT / "config/phases/phases.yaml", found(element), how_calculated, {"phase": phase}
    )
    shells = {
        s.label: s.number for s in exafs_equation.group_shells(ds, (), rmax=3.3, gap=0.25, legs=2)
    }
    assert shells == pytest.approx(expected)
    assert np.isfinite(ds["amplitude"].values).all()
    assert ds.attrs["feff"].startswith("Feff 6" if how_calculated.program else "FEFF 10")


def test_without_feff_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feff, "choose_route", lambda options: None)
    ds = feff.calculate_paths(
        ROOT / "config/phases/phases.yaml", found("Ge"), Feff(), {"phase": "LAGP"}
    )
    assert "FEFF is not installed (extra 'paths')" in ds.attrs["skipped"]
    fit = path_fit.fit_paths(ds, xr.Dataset(), None, PathFit())
    row = conclude_paths(fit, "Ge K")[0]
    assert row.verdict == "skipped" and "ssbchar[paths]" in row.reason and row.value is None
