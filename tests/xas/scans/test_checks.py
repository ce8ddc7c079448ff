"""Which scans are used, and whose edge it is: each limit from both sides."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans import read
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Mode, Scan
from ssbchar.xas.slopes import find_steepest


def scan(
    start: float = -100.0,
    stop: float = 200.0,
    at: float = 7112.0,
    element: str = "",
    edge: str = "",
    step: float = 1.0,
) -> Scan:
    """Return a scan from `start` to `stop` eV about an edge."""
    energy = at + np.arange(start, stop + 1e-9, step)
    mu = 1 / (1 + np.exp(-(energy - at) / 1.5))
    nothing = np.full(energy.size, np.nan)
    return Scan(
        where="a.dat",
        energy=energy,
        mu=mu,
        mu_stderr=nothing,
        i0=nothing,
        mu_foil=nothing,
        total=nothing,
        element=element,
        edge=edge,
        mode=Mode.MU,
        notes=("averaged",),
        doubts=("saturated?",),
        eshift=0.5,
        synthetic=1,
    )


def test_the_steepest_place_away_from_the_ends() -> None:
    one = scan()
    assert find_steepest(one.energy, one.mu) == pytest.approx(7112.0, abs=1.0)
    spoilt = one.mu.copy()
    spoilt[0] -= 5.0
    assert find_steepest(one.energy, spoilt) == pytest.approx(7112.0, abs=1.0)


def test_the_steepest_place_is_over_3_ev() -> None:
    """A rise of 1 within 1 eV is less than one of 1.2 within 3 eV."""
    energy = np.arange(7000.0, 7100.0, 0.5)
    mu = np.interp(energy, [7030, 7031, 7060, 7063], [0, 1, 1, 2.2])
    assert find_steepest(energy, mu) == pytest.approx(7061.5, abs=1.0)


def test_a_short_grid_is_searched_whole() -> None:
    energy = np.arange(7000.0, 7020.0, 0.5)
    mu = np.where(energy > 7001.0, 1.0, 0.0)
    assert find_steepest(energy, mu) < 7003.0


def test_the_element_is_found_by_the_edge() -> None:
    done = read.check_scan(scan(), ScanReading())
    assert (done.element, done.edge) == ("Fe", "K")
    kept = read.check_scan(scan(element="Fe"), ScanReading())
    assert (kept.element, kept.edge) == ("Fe", "K")
    gold = read.check_scan(scan(at=11918.7), ScanReading())
    assert (gold.element, gold.edge) == ("Au", "L3")
    unknown = read.check_scan(scan(element="U", edge="M5"), ScanReading())
    assert (unknown.element, unknown.edge) == ("U", "M5")
    with pytest.raises(BadInput, match=r"the U L3 edge \(17166 eV\) is not in 7012-7312 eV"):
        read.check_scan(scan(element="U", edge="L3"), ScanReading())
    lead = read.check_scan(scan(at=13035.2, element="Pb"), ScanReading())
    assert (lead.element, lead.edge) == ("Pb", "L3"), "the one of its edges that is there"


def two_steps(first: float, height: float, second: float, noise: float = 1e-3) -> Scan:
    """Return a scan of 700 eV with an edge and, above it, another of a height."""
    one = scan(start=-200.0, stop=700.0, at=first)
    mu = one.mu + height / (1 + np.exp(-(one.energy - second) / 1.5))
    mu += noise * np.random.default_rng(3).standard_normal(mu.size)
    return replace(one, mu=mu)


def test_lanthanum_is_no_vanadium() -> None:
    """V K 5465, La L3 5483 and La L2 5891 eV: the second edge tells, else it is asked."""
    lanthanum = read.check_scan(two_steps(5485.0, 0.45, 5893.0), ScanReading())
    assert (lanthanum.element, lanthanum.edge) == ("La", "L3")
    assert lanthanum.energy[-1] < 5891.0
    vanadium = read.check_scan(two_steps(5482.0, 0.0, 5893.0), ScanReading())
    assert (vanadium.element, vanadium.edge) == ("V", "K")
    metal = read.check_scan(scan(at=5466.0), ScanReading())
    assert (metal.element, metal.edge) == ("V", "K")
    with pytest.raises(BadInput, match=r"may be La L3 \(5483 eV\) or V K \(5465.1 eV\)"):
        read.check_scan(scan(at=5484.0), ScanReading())


@pytest.mark.parametrize(
    ("at", "element", "edge"),
    [
        (8333.0, "Ni", "K"),
        (8345.0, "Ni", "K"),
        (8360.0, "Er", "L3"),
        (5723.0, "Ce", "L3"),
        (6002.0, "Cr", "K"),
        (7126.0, "Fe", "K"),
        (25519.0, "Ag", "K"),
        (9881.0, "Ta", "L3"),
    ],
)
def test_edges_of_all_elements(at: float, element: str, edge: str) -> None:
    done = read.check_scan(scan(at=at), ScanReading())
    assert (done.element, done.edge) == (element, edge)


def test_no_edge_nearby() -> None:
    """One that is too far to be meant is named and not taken."""
    with pytest.raises(
        BadInput, match=r"no tabulated edge near 7300 eV; next is Gd L3 \(7243 eV\)"
    ):
        read.check_scan(scan(at=7300.0), ScanReading())
    named = ScanReading(element="Fe", edge_tolerance=190.0)
    assert read.check_scan(scan(at=7300.0, start=-200.0, element="Fe"), named).element == "Fe"


def test_an_edge_far_from_its_element() -> None:
    """An edge 55 eV above that of Fe is taken, 65 eV above it is not."""
    read.check_scan(scan(at=7167.0, element="Fe"), ScanReading())
    with pytest.raises(BadInput, match=r"its edge is at 71\d\d eV, Fe K would be at 7112 eV"):
        read.check_scan(scan(at=7177.0, element="Fe"), ScanReading())
    with pytest.raises(BadInput, match=r"\(Co K\?\)"):
        read.check_scan(scan(start=-700.0, at=7709.0, element="Fe"), ScanReading())
    with pytest.raises(BadInput, match=r"not in 7609-7909 eV; it looks like Co K"):
        read.check_scan(scan(at=7709.0, element="Fe"), ScanReading())
    with pytest.raises(BadInput, match=r"Fe K edge \(7112 eV\) is not in 7200-7500 eV$|7500 eV;"):
        read.check_scan(scan(at=7300.0, element="Fe"), ScanReading())


def test_an_edge_on_the_very_first_point_is_not_in_the_scan() -> None:
    """The tabulated 7112 eV must lie beyond the first point, here 7112 or a step below it."""
    options = ScanReading(min_below=0.0)
    read.check_scan(scan(start=-31.0, at=7142.0, element="Fe"), options)
    with pytest.raises(BadInput, match="is not in 7112-"):
        read.check_scan(scan(start=-30.0, at=7142.0, element="Fe"), options)


def test_twenty_points_are_needed() -> None:
    read.check_scan(scan(start=-20.0, stop=37.0, step=3.0), ScanReading())
    with pytest.raises(BadInput, match="only 19 usable points"):
        read.check_scan(scan(start=-20.0, stop=34.5, step=3.0), ScanReading())


def test_a_scan_must_span_its_edge() -> None:
    """30 eV above the steepest place and 10 below."""
    at = find_steepest(scan().energy, scan().mu)
    for low, high, fault in (
        (10.0, 30.0, ""),
        (9.0, 30.0, "no pre-edge"),
        (10.0, 29.0, "no post-edge"),
    ):
        one = scan(start=at - 7112 - low, stop=at - 7112 + high, step=0.5)
        seen = find_steepest(one.energy, one.mu)
        options = ScanReading(
            min_above=30.0 + one.energy[-1] - seen - high,
            min_below=10.0 + seen - one.energy[0] - low,
        )
        if fault:
            with pytest.raises(BadInput, match=fault):
                read.check_scan(one, options)
        else:
            read.check_scan(one, options)


def test_what_a_dataset_of_scans_holds() -> None:
    long, short = scan(element="Fe", edge="K"), scan(stop=100.0, element="Fe", edge="K")
    fault = BadInput("b.dat", "empty", "measure again")
    ds = read.build_scans_dataset([long, short], [fault], {"measurement": "m", "other": "x"})
    assert ds["n_points"].values.tolist() == [301, 201]
    assert np.isnan(ds["mu"].values[1, 201:]).all() and np.isfinite(ds["mu"].values[0]).all()
    assert ds["eshift"].values.tolist() == [0.5, 0.5]
    assert ds["status"].values.tolist() == ["ok", "ok"]
    assert ds.attrs["synthetic"] == 1 and ds.attrs["mode"] == "mu"
    assert ds.attrs["measurement"] == "m" and "other" not in ds.attrs
    (exclusion,) = json.loads(ds.attrs["set_aside"])
    assert exclusion == {"where": "b.dat", "problem": "empty", "remedy": "measure again"}
    levels = [note["level"] for note in json.loads(ds.attrs["notes"])]
    assert levels == ["remark", "remark", "doubt", "doubt"]


def raw(energy: np.ndarray, **header: str) -> RawScan:
    fields = {name.replace("_", ".", 1): text for name, text in header.items()}
    return RawScan(
        where="f", columns={"energy": energy, "xmu": np.ones(energy.size)}, header=fields
    )


def test_kev_by_unit_or_by_size() -> None:
    """An axis that ends below 150 is in keV, unless its unit says otherwise."""
    for top, header, factor in (
        (149.9, {}, 1000.0),
        (150.1, {}, 1.0),
        (7.2, {"column_1": "energy eV"}, 1.0),
        (720.0, {"column_1": "energy keV"}, 1000.0),
    ):
        one = read._build_scan(raw(np.linspace(top - 0.1, top, 30), **header), ScanReading())
        assert one.energy[-1] == pytest.approx(factor * top)
        assert one.notes == (("energy given in keV",) if factor > 1 else ())


def test_what_stands_in_brackets_of_a_known_name_is_no_unit() -> None:
    given = raw(np.array([11700.0, 11900.0]))
    energy, remarks = read._convert_energy(given, "Mono Energy (alt)", given.columns["energy"])
    assert energy[0] == 11700.0 and remarks == []


def test_an_edge_that_no_table_has_is_not_stated() -> None:
    """H K is what Athena writes where the element is not known."""
    unknown = read.check_scan(scan(element="H", edge="K"), ScanReading())
    assert (unknown.element, unknown.edge) == ("Fe", "K")
    kept = read.check_scan(scan(element="H", edge="K"), ScanReading(element="H"))
    assert (kept.element, kept.edge) == ("H", "K")


def test_the_element_by_option_header_or_project() -> None:
    energy = np.linspace(7000, 7200, 30)
    find = read._find_element
    assert find(raw(energy), ScanReading()) == ("", "")
    xdi = raw(energy, element_symbol="fe ", element_edge="k")
    assert find(xdi, ScanReading()) == ("Fe", "K")
    assert find(xdi, ScanReading(element="co", edge="l3")) == ("Co", "L3")
    project = RawScan(where="f", columns={}, header={"bkg_z": "Ge", "fft_edge": "K"})
    assert find(project, ScanReading()) == ("Ge", "K")


def test_scans_of_another_edge_are_left_out(tmp_path: Path) -> None:
    for name, at in (("1", 7112.0), ("2", 7708.9), ("3", 7112.0)):
        one = scan(at=at)
        np.savetxt(tmp_path / f"{name}.dat", np.column_stack([one.energy, one.mu]), header="e mu")
    ds = read.read_scans(tmp_path, ScanReading(), {})
    assert [Path(name).stem for name in ds["source_file"].values] == ["1", "3"]
    (exclusion,) = json.loads(ds.attrs["set_aside"])
    assert exclusion["problem"] == "its edge is Co K, the others' Fe K"


def test_a_star_takes_every_column_as_a_scan(tmp_path: Path) -> None:
    one = scan()
    table = np.column_stack([one.energy, one.mu, 2 * one.mu, 0 * one.mu])
    np.savetxt(tmp_path / "a.dat", table, header="energy s1 s2 time")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(mu="s*", mode="mu"), {})
    assert [name.rpartition("[")[2] for name in ds["source_file"].values] == ["s1]", "s2]"]
    assert np.allclose(ds["mu"][1], 2 * ds["mu"][0])


def test_a_column_named_x_makes_no_project(tmp_path: Path) -> None:
    one = scan()
    table = np.column_stack([one.energy, one.mu, one.mu])
    np.savetxt(tmp_path / "a.dat", table, header="x first second")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(mu="second", mode="mu"), {})
    assert ds.sizes["scan"] == 1


@pytest.mark.parametrize(("at", "fault"), [(7172.0, False), (7173.0, True)])
def test_an_edge_exactly_at_the_tolerance_is_taken(at: float, fault: bool) -> None:
    """Sixty eV above that of Fe, on a grid of whole eV."""
    one = scan(at=at, element="Fe")
    assert find_steepest(one.energy, one.mu) == at
    if fault:
        with pytest.raises(BadInput, match="Fe K would be at 7112 eV"):
            read.check_scan(one, ScanReading())
    else:
        assert read.check_scan(one, ScanReading()).element == "Fe"


@pytest.mark.parametrize(
    ("above", "below", "fault"), [(30, 20, ""), (29, 20, "no post-edge"), (30, 19, "no pre-edge")]
)
def test_a_scan_that_reaches_exactly_far_enough_is_used(above, below, fault: str) -> None:
    options = ScanReading(min_above=30.0, min_below=20.0)
    one = scan(start=-below, stop=above)
    if fault:
        with pytest.raises(BadInput, match=fault):
            read.check_scan(one, options)
    else:
        read.check_scan(one, options)


@pytest.mark.parametrize(("size", "place"), [(20, 7001.0), (21, 7008.0)])
def test_four_points_of_a_longer_grid_are_ends(size: int, place: float) -> None:
    """A grid of 20 eV is searched whole, one of 21 without four points at either end."""
    energy = 7000.0 + np.arange(size + 1.0)
    mu = np.where(energy >= 7002.0, 1.0, 0.0) + 0.2 * (energy >= 7008.0)
    found = find_steepest(energy, mu)
    assert (found < 7004.0) is (place < 7004.0)


def test_an_axis_that_ends_at_150_without_a_unit_is_in_ev() -> None:
    one = read._build_scan(raw(np.linspace(149.0, 150.0, 30)), ScanReading())
    assert one.energy[-1] == 150.0


def test_the_error_of_counts_is_that_of_their_photons() -> None:
    """ln(8 / 2) with variance 1/8 + 1/2, a hundred photons for each count."""
    counts = {name: np.full(30, value) for name, value in (("i0", 8.0), ("i1", 2.0))}
    one = RawScan(where="f", columns={"energy": np.linspace(7000, 7200, 30), **counts})
    found = read._build_scan(one, ScanReading(photons_per_count=100.0))
    assert found.mu_stderr == pytest.approx(np.sqrt(0.625 / 100))
    assert np.isnan(read._build_scan(one, ScanReading()).mu_stderr).all()


def lose_beam(start: float, stop: float) -> RawScan:
    """Return counts of a scan whose beam is away between two energies [eV]."""
    energy = 7112.0 + np.arange(-100.0, 300.0, 0.5)
    mu = 0.3 + 1 / (1 + np.exp(-(energy - 7112.0) / 1.5))
    beam = np.where((energy > start) & (energy < stop), 0.002, 1.0)
    i0 = 1e5 * beam * np.where(energy > stop, 1.3, 1.0)
    dark = 20.0
    return RawScan(
        where="f", columns={"energy": energy, "i0": i0 + dark, "i1": i0 * np.exp(-mu) + dark}
    )


def test_readings_without_beam_are_left_out() -> None:
    """And the refill behind them, 1.3 times as bright, changes no absorption."""
    one = read._build_scan(lose_beam(7250.0, 7256.0), ScanReading())
    assert "11 points without a valid reading left out" in one.notes
    assert not ((one.energy > 7250.0) & (one.energy < 7256.0)).any()
    done = read.check_scan(one, ScanReading())
    assert np.abs(np.diff(done.mu[done.energy > 7200.0])).max() < 1e-3


def test_a_beam_that_is_lost_on_the_edge_sets_the_scan_aside() -> None:
    one = read._build_scan(lose_beam(7114.0, 7119.0), ScanReading())
    with pytest.raises(BadInput, match=r"no readings from 7114.0 to 7119.0 eV, on its edge"):
        read.check_scan(one, ScanReading())
    with pytest.raises(BadInput, match="are zero or negative or far below the others"):
        read._build_scan(lose_beam(7200.0, 7260.0), ScanReading())


def test_a_grid_that_is_coarse_up_to_the_edge_lacks_nothing() -> None:
    """5 eV up to 4 eV below the edge, then 0.25."""
    energy = np.concatenate([np.arange(7008.0, 7108.0, 5.0), np.arange(7108.0, 7300.0, 0.25)])
    whole = scan()
    nothing = np.full(energy.size, np.nan)
    mu = 1 / (1 + np.exp(-(energy - 7112) / 1.5))
    fields = {
        "energy": energy,
        "mu": mu,
        **dict.fromkeys(("mu_stderr", "i0", "mu_foil", "total"), nothing),
    }
    assert read.check_scan(replace(whole, **fields), ScanReading()).element == "Fe"


def write_foil(folder: Path, foil: np.ndarray) -> Path:
    """Write a scan with the absorption of its foil."""
    energy = 7112.0 + np.arange(-100.0, 300.0, 0.5)
    i1 = 1e5 * np.exp(-0.3 - 1 / (1 + np.exp(-(energy - 7120.0) / 1.5)))
    table = np.column_stack([energy, np.full(energy.size, 1e5), i1, i1 * np.exp(-foil)])
    np.savetxt(folder / "a.dat", table, header="energy i0 i1 iref", fmt="%.6f")
    return folder


def read_foil_and_notes(folder: Path) -> tuple[int, str]:
    ds = read.read_scans(folder, ScanReading(element="Fe"), {"measurement": "one"})
    return int(np.isfinite(ds["mu_foil"].values).sum()), ds.attrs["notes"]


def test_a_counter_that_is_copied_is_no_foil(tmp_path: Path) -> None:
    """Rounding alone makes its absorption."""
    readings, notes = read_foil_and_notes(write_foil(tmp_path, np.full(800, np.log(2.0))))
    assert readings == 0
    assert "shows no edge" in notes


@pytest.mark.parametrize(("at", "kept"), [(7116.0, False), (7330.0, True)])
def test_a_foil_whose_counter_jumps_on_its_edge_is_none(
    tmp_path: Path, at: float, kept: bool
) -> None:
    energy = 7112.0 + np.arange(-100.0, 300.0, 0.5)
    foil = 0.5 + 1.0 / (1 + np.exp(-(energy - 7112.0) / 1.5)) + 0.5 * (energy > at)
    readings, notes = read_foil_and_notes(write_foil(tmp_path, foil))
    assert (readings > 0) == kept
    assert ("the foil's absorption jumps at" in notes) != kept
