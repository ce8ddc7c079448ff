"""Which columns are what, and the absorption of each mode by hand."""

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans import columns
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Mode

SIZE = 30
ENERGY = 7000.0 + np.arange(SIZE)


def raw(text: str = "", header: dict[str, str] | None = None, **given: object) -> RawScan:
    """Return a scan with an energy and columns of one value, or of given values."""
    named = {
        name: np.broadcast_to(np.asarray(value, float), (SIZE,)).copy()
        for name, value in given.items()
    }
    return RawScan(where="f", columns={"energy": ENERGY, **named}, header=header or {}, text=text)


def test_usual_names_in_any_case() -> None:
    one = RawScan(where="f", columns={"Mono Energy": ENERGY, "I0": ENERGY, "IT": ENERGY})
    assert columns.find_column(one, "energy", "") == "Mono Energy"
    assert columns.find_column(one, "i0", "") == "I0"
    assert columns.find_column(one, "transmitted", "") == "IT"
    assert columns.find_column(one, "foil", "") is None
    assert columns.find_column(one, "i0", "it") == "IT", "a configured name is taken"
    assert columns.find_column(one, "i0", "diode") is None


def test_nameless_columns() -> None:
    two = RawScan(where="f", columns={"column 1": ENERGY, "column 2": ENERGY})
    assert columns.find_column(two, "energy", "") == "column 1"
    assert columns.find_column(two, "mu", "") == "column 2"
    three = RawScan(where="f", columns={**two.columns, "column 3": ENERGY})
    assert columns.find_column(three, "mu", "") is None
    counter = RawScan(where="f", columns={"energy": ENERGY, "I0": ENERGY})
    assert columns.find_column(counter, "mu", "") is None


def test_a_missing_column_lists_what_is_there() -> None:
    many = raw(**{f"c{i}": 1.0 for i in range(20)})
    with pytest.raises(BadInput, match=r"no column for i0 \(it has energy, c0, .*c10 and 9 more\)"):
        columns.require_column(many, "i0", "")
    with pytest.raises(BadInput) as caught:
        columns.require_column(many, "i0", "diode")
    assert "no column 'diode'" in str(caught.value)
    assert "c10 and 9 more" in str(caught.value) and "c11" not in str(caught.value)
    assert columns.require_column(many, "i0", "c3") == "c3"


def test_units_are_xdis() -> None:
    one = raw(header={"column.1": "energy keV", "column.2": "i0", "other": "energy eV"})
    assert columns.read_unit(one, "energy") == "keV"
    assert columns.read_unit(one, "i0") == ""
    assert columns.read_unit(raw(), "Energy (eV)") == "eV"
    assert columns.read_unit(raw(), "energy/keV") == "keV"
    assert columns.read_unit(raw(), "energy") == ""


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("Energy (eV)", "energy"),
        ("energy/keV", "energy"),
        ("Photon Energy [eV]", "energy"),
        ("ZapEnergy", "energy"),
        ("I0 (A)", "i0"),
        ("It-32", "transmitted"),
        ("Iref [counts]", "foil"),
        ("mu (a.u.)", "mu"),
    ],
)
def test_names_with_units_and_numbers_of_counters(name: str, quantity: str) -> None:
    one = RawScan(where="f", columns={"first": ENERGY, name: ENERGY, "third": ENERGY})
    assert columns.find_column(one, quantity, "") == name


def test_of_several_energies_none_is_guessed() -> None:
    one = RawScan(where="f", columns={"enc_energy": ENERGY, "mono_energy": ENERGY})
    assert columns.find_column(one, "energy", "") is None
    two = RawScan(where="f", columns={"t": ENERGY, "It-32": ENERGY, "It-33": ENERGY + 1})
    assert columns.find_column(two, "transmitted", "") is None


def test_a_column_by_its_place_or_without_its_unit() -> None:
    one = RawScan(where="f", columns={"Energy (eV)": ENERGY, "a": ENERGY, "b": ENERGY})
    assert columns.find_column(one, "i0", "column 2") == "a"
    assert columns.find_column(one, "i0", "column 4") is None
    assert columns.find_column(one, "energy", "energy") == "Energy (eV)"


def test_a_stack_is_split_into_its_scans() -> None:
    stack = RawScan(
        where="f",
        columns={
            "energy": ENERGY,
            "i0": np.arange(2.0 * SIZE).reshape(2, SIZE),
            "time": ENERGY + 1,
            "map": np.ones((SIZE, 7)),
            "temperature": np.ones(2),
        },
    )
    one, two = columns.split_stack(stack, "")
    assert (one.where, two.where) == ("f[1]", "f[2]")
    assert set(one.columns) == {"energy", "i0", "time"}
    assert two.columns["i0"][0] == SIZE


def test_energies_of_their_own_are_split_too() -> None:
    both = np.stack([ENERGY, ENERGY + 0.5])
    stack = RawScan(where="f", columns={"energy": both, "i0": 2 * both})
    assert [s.columns["energy"][0] for s in columns.split_stack(stack, "")] == [7000.0, 7000.5]


def test_no_stack_stays_one_scan() -> None:
    flat = raw(i0=1.0)
    assert columns.split_stack(flat, "") == [flat]
    detector = RawScan(where="f", columns={"energy": ENERGY, "mca": np.ones((SIZE, 5))})
    (one,) = columns.split_stack(detector, "")
    assert set(one.columns) == {"energy"}
    nameless = RawScan(where="f", columns={"a": ENERGY, "b": np.ones((3, SIZE))})
    assert columns.split_stack(nameless, "") == [nameless]
    assert len(columns.split_stack(nameless, "a")) == 3


@pytest.mark.parametrize(
    ("given", "options", "mode"),
    [
        ({"i0": 2, "i1": 1}, {}, Mode.TRANSMISSION),
        ({"i0": 2, "it": 1, "if": 1}, {}, Mode.TRANSMISSION),
        ({"i0": 2, "if": 1}, {}, Mode.FLUORESCENCE),
        ({"i0": 2, "mca1": 1}, {}, Mode.FLUORESCENCE),
        ({"i0": 2, "mca1": 1, "xmu": 1}, {"mu": "xmu"}, Mode.MU),
        ({"i0": 2, "x1": 1}, {"transmitted": "x1"}, Mode.TRANSMISSION),
        ({"i0": 2, "i1": 1}, {"mode": "mu"}, Mode.MU),
        ({"diode": 2}, {"fluorescence": ("diode",)}, Mode.FLUORESCENCE),
        ({"xmu": 1}, {}, Mode.MU),
        ({"i1": 1, "xmu": 1}, {}, Mode.MU),
    ],
)
def test_the_mode_follows_the_columns(
    given: dict[str, float], options: dict[str, object], mode: Mode
) -> None:
    assert columns.choose_mode(raw(**given), ScanReading(**options)) == mode  # type: ignore[arg-type]


def test_an_absorption_may_be_normalised() -> None:
    for one in (
        raw(xmu=1.0, text="This is Normalised mu"),
        raw(xmu=1.0, text="normalized mu(E)"),
        raw(xmu=1.0, header={"is_nor": "1"}),
    ):
        assert columns.choose_mode(one, ScanReading()) == Mode.NORMALISED
    for one in (raw(xmu=1.0, header={"is_nor": "0"}), raw(xmu=1.0, header={"is_nor": ""})):
        assert columns.choose_mode(one, ScanReading()) == Mode.MU


def test_one_beam_alone_is_no_absorption() -> None:
    with pytest.raises(BadInput, match="no column of the transmitted or the fluorescence beam"):
        columns.choose_mode(raw(i0=1.0, time=2.0), ScanReading())
    project = raw(i0=1.0, time=2.0, y=0.5, header={"label": "a"})
    assert columns.choose_mode(project, ScanReading()) == Mode.MU


def test_transmission_by_hand() -> None:
    """ln(8/2) and 1/8 + 1/2; the total is mu itself."""
    found = columns.calculate_absorption(raw(i0=8, i1=2), ScanReading())
    assert found.mu == pytest.approx(np.log(4))
    assert np.array_equal(found.total, found.mu)
    assert found.variance == pytest.approx(0.625)
    assert (found.i0 == 8).all() and found.mode == Mode.TRANSMISSION


def test_fluorescence_by_hand() -> None:
    """(2 + 4)/12 and 0.25 (1/6 + 1/12); other columns do not count."""
    found = columns.calculate_absorption(raw(i0=12, mca1=2, mca2=4, sca1=9), ScanReading())
    assert found.mu == pytest.approx(0.5)
    assert found.variance == pytest.approx(0.0625)
    assert np.isnan(found.total).all() and (found.i0 == 12).all()
    dark = columns.calculate_absorption(raw(i0=12, mca1=0), ScanReading())
    assert np.isfinite(dark.variance).all()


def test_fluorescence_columns_are_the_first_usual_ones_or_all_configured() -> None:
    one = raw(**{"i0": 1, "if1": 2, "fluor": 3, "mca1": 4})
    assert columns._find_fluorescence(one, ScanReading()) == ["fluor"]
    both = ScanReading(fluorescence=("MCA*", "if1"))
    assert columns._find_fluorescence(one, both) == ["if1", "mca1"]
    with pytest.raises(BadInput, match="no column 'x\\*'"):
        columns._find_fluorescence(one, ScanReading(fluorescence=("if1", "x*")))
    with pytest.raises(BadInput, match="no fluorescence column"):
        columns.calculate_absorption(raw(i0=1), ScanReading(mode="fluorescence"))


@pytest.mark.parametrize("name", ["Ifoil", "Ifocus-T", "fluor_gain", "IFeedback"])
def test_what_begins_as_a_fluorescence_may_be_another_counter(name: str) -> None:
    one = RawScan(where="f", columns={"energy": ENERGY, "i0": ENERGY, name: ENERGY})
    assert columns.list_absorption_columns(one, ScanReading(), Mode.FLUORESCENCE) == []


@pytest.mark.parametrize("name", ["If", "If-32", "If_2", "Ifluor (V)", "Iflu", "Ifch1", "IF [nA]"])
def test_usual_names_of_a_fluorescence(name: str) -> None:
    one = RawScan(where="f", columns={"energy": ENERGY, "i0": ENERGY, name: ENERGY})
    assert columns.list_absorption_columns(one, ScanReading(), Mode.FLUORESCENCE) == [name]


@pytest.mark.parametrize(
    ("names", "quantity", "found"),
    [
        (["PreKB-I0", "Preslit"], "i0", "PreKB-I0"),
        (["ct2:I1", "ct2:I0"], "transmitted", "ct2:I1"),
        (["PreKB-I0", "PostKB-I0"], "i0", None),
        (["dark_I0"], "i0", None),
        (["ln I0 It"], "transmitted", None),
        (["beam monitor"], "i0", None),
        (["a/b/I0"], "i0", None),
    ],
)
def test_a_counter_by_the_last_word_of_its_name(
    names: list[str], quantity: str, found: str | None
) -> None:
    one = RawScan(where="f", columns={name: ENERGY + i for i, name in enumerate(names)})
    assert columns.find_column(one, quantity, "") == found


def test_an_absorption_is_taken_as_it_is() -> None:
    found = columns.calculate_absorption(raw(i0=3, xmu=0.7), ScanReading(mode="mu"))
    assert (found.mu == 0.7).all() and (found.i0 == 3).all()
    assert np.isnan(found.variance).all() and np.isnan(found.total).all()
    without = columns.calculate_absorption(raw(xmu=0.7), ScanReading())
    assert np.isnan(without.i0).all()
    project = raw(y=0.4, other=0.9, header={"label": "a"})
    named = columns.calculate_absorption(project, ScanReading(mu="other", mode="mu"))
    assert (named.mu == 0.4).all(), "of a project `mu` names the group"
    chosen = columns.calculate_absorption(raw(a=0.4, b=0.9), ScanReading(mu="b", mode="mu"))
    assert (chosen.mu == 0.9).all()


def test_dead_readings_are_masked_up_to_a_twentieth() -> None:
    twenty = np.ones(20)
    twenty[3] = 0.0
    ds = RawScan(where="f", columns={"energy": ENERGY[:20], "i0": twenty, "i1": np.ones(20)})
    found = columns.calculate_absorption(ds, ScanReading())
    assert np.flatnonzero(np.isnan(found.mu)).tolist() == [3]
    ds.columns["i0"][7] = -1.0
    with pytest.raises(BadInput, match="2 of 20 readings of i0 are zero or negative"):
        columns.calculate_absorption(ds, ScanReading())


def test_the_foil_by_hand() -> None:
    """ln(6/2) of the beam before and behind it."""
    found = columns.calculate_foil_absorption(raw(i0=9, i1=6, iref=2), ScanReading())
    assert found.mu == pytest.approx(np.log(3)) and found.remarks == ()
    assert np.isnan(columns.calculate_foil_absorption(raw(i1=6), ScanReading()).mu).all()
    assert np.isnan(columns.calculate_foil_absorption(raw(iref=6), ScanReading()).mu).all()
    off = columns.calculate_foil_absorption(raw(i1=6, iref=2), ScanReading(foil="none"))
    assert np.isnan(off.mu).all() and off.mu.shape == (SIZE,)
    ready = columns.calculate_foil_absorption(raw(i1=6, iref=2, MuRefer=0.5), ScanReading())
    assert (ready.mu == 0.5).all()
    named = columns.calculate_foil_absorption(raw(i1=6, iref=2, d=3), ScanReading(foil="d"))
    assert named.mu == pytest.approx(np.log(2))
    with pytest.raises(BadInput, match="no column 'x' of the foil"):
        columns.calculate_foil_absorption(raw(i1=6, iref=2), ScanReading(foil="x"))


def test_a_dead_foil_is_none_and_noted() -> None:
    few, many = np.full(SIZE, 2.0), np.full(SIZE, 2.0)
    few[0], many[:2] = 0.0, 0.0
    masked = columns.calculate_foil_absorption(raw(i1=6, iref=few), ScanReading())
    assert np.isnan(masked.mu[0]) and np.isfinite(masked.mu[1:]).all()
    dead = columns.calculate_foil_absorption(raw(i1=6, iref=many), ScanReading())
    assert np.isnan(dead.mu).all()
    assert dead.remarks == ("2 of 30 readings of the foil are zero or negative: no foil",)
    before = columns.calculate_foil_absorption(raw(i1=many, iref=6), ScanReading())
    assert np.isnan(before.mu).all()


def test_a_counter_that_stays_at_its_highest_is_doubted() -> None:
    """Five points at the top, and the top 2 % above the median."""
    five, four = np.arange(1.0, SIZE + 1), np.arange(1.0, SIZE + 1)
    five[-5:], four[-4:] = 99.0, 99.0
    text = "i0 reads its highest value 99 at 5 points: saturated?"
    assert columns.find_saturated_counters(raw(i0=five, i1=four), ScanReading()) == [text]
    flat = np.full(SIZE, 100.0)
    flat[:6] = 102.1
    assert columns.find_saturated_counters(raw(i0=flat), ScanReading())
    flat[:6] = 101.9
    assert not columns.find_saturated_counters(raw(i0=flat), ScanReading())
    assert not columns.find_saturated_counters(raw(i0=5.0), ScanReading()), "a constant"
    assert not columns.find_saturated_counters(raw(i0=np.nan), ScanReading())
    five[0] = np.nan
    assert columns.find_saturated_counters(raw(i1=five), ScanReading())
    assert columns.find_saturated_counters(raw(mca1=five), ScanReading())
    assert columns.find_saturated_counters(raw(mca1=five), ScanReading(mode="fluorescence"))
    assert not columns.find_saturated_counters(raw(mca1=five), ScanReading(mode="transmission"))


def test_a_saturated_counter_that_is_not_used_condemns_nothing() -> None:
    five = np.where(np.arange(30) % 6 == 0, 99.0, np.arange(30) + 1.0)
    four = np.where(np.arange(30) == 6, 98.0, five)
    scan = raw(i0=four, i1=five, mca1=four)
    assert columns.find_saturated_counters(scan, ScanReading())
    for other in (
        ScanReading(fluorescence=("mca1",)),
        ScanReading(mode="fluorescence"),
        ScanReading(mode="mu", mu="mca1"),
        ScanReading(mu="mca1"),
    ):
        assert not columns.find_saturated_counters(scan, other), other
    glowing = raw(i0=four, i1=four, mca1=five)
    assert columns.find_saturated_counters(glowing, ScanReading(fluorescence=("mca1",)))
    assert not columns.find_saturated_counters(glowing, ScanReading())


@pytest.mark.parametrize(("dead", "useless"), [(5, False), (6, True)])
def test_a_twentieth_of_a_hundred_readings_may_be_dead(dead: int, useless: bool) -> None:
    axis, counts = 7000.0 + np.arange(100.0), np.ones(100)
    counts[:dead] = 0.0
    scan = RawScan(where="f", columns={"energy": axis, "i0": np.ones(100), "i1": counts})
    if useless:
        with pytest.raises(BadInput, match="6 of 100 readings of i1"):
            columns.calculate_absorption(scan, ScanReading())
    else:
        assert np.isnan(columns.calculate_absorption(scan, ScanReading()).mu).sum() == 5
    behind = RawScan(where="f", columns={"energy": axis, "i1": np.ones(100), "iref": counts})
    foil = columns.calculate_foil_absorption(behind, ScanReading())
    assert bool(np.isnan(foil.mu).all()) is useless


def test_a_counter_two_percent_above_its_median_is_not_doubted() -> None:
    """The highest reading must exceed 1.02 of the median: 102 of 100 does not."""
    flat = np.full(SIZE, 100.0)
    flat[:6] = 102.0
    assert columns.find_saturated_counters(raw(i0=flat), ScanReading()) == []


def test_the_first_usual_name_that_fits_is_taken() -> None:
    assert columns.find_column(raw(mu=1.0, xmu=2.0), "mu", "") == "xmu"
    assert columns.find_column(raw(monitor=1.0, i0=2.0), "i0", "") == "i0"


def test_the_most_common_shape_is_that_of_the_scans() -> None:
    stack = RawScan(
        where="f",
        columns={
            "energy": ENERGY,
            "i0": np.ones((2, SIZE)),
            "i1": np.ones((2, SIZE)),
            "mca": np.ones((5, SIZE)),
        },
    )
    found = columns.split_stack(stack, "")
    assert [one.where for one in found] == ["f[1]", "f[2]"]
    assert set(found[0].columns) == {"energy", "i0", "i1"}


def test_dark_readings_are_subtracted() -> None:
    mu, foil = np.linspace(0.5, 1.5, 30), np.linspace(0.3, 0.9, 30)
    beams = {"i0": np.full(30, 1e4), "i1": 1e4 * np.exp(-mu), "iref": 1e4 * np.exp(-mu - foil)}
    dark = (120.0, -35.0, 60.0)
    spoilt = {name: beam + one for (name, beam), one in zip(beams.items(), dark, strict=True)}
    raw = RawScan(where="f", columns={"energy": np.linspace(7000, 7200, 30), **spoilt})
    options = ScanReading(dark=dark)
    assert columns.calculate_absorption(raw, options).mu == pytest.approx(mu)
    assert columns.calculate_foil_absorption(raw, options).mu == pytest.approx(foil)
