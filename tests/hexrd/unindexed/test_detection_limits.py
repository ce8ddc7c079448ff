"""A small new phase through the whole chain: one percent by weight is seen, a tenth of that
honestly is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from hexrd.made_series import PHASES, Chain, chain

from ssbchar.conclusion import Conclusion
from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.unindexed.cell_matching import CandidateLines
from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import crystal, heating, pattern, weight
from ssbchar.simulate.hexrd.crystal import LAGP, NCM811, NIO, Co3PO42, Crystal
from ssbchar.simulate.hexrd.pattern import ID11C

FRAMES = (14, 2, 5, 2)
"""On heating, hold, cooling and each rest."""
HOSTS = ((LAGP, 900.0), (NCM811, 900.0))
LIST = ("Co3PO42", "Ni3PO42", "NiO", "LFP", "Li3PO4_gamma", "GeO2_rutile", "AlPO4")


def mixture(new: Crystal, percent: float) -> heating.Mixture:
    """LAGP + NCM811 that stay, and a phase that grows from 600 to 800 degC to a share of the
    mass."""
    area = weight.area_from_percent(new, percent, HOSTS, ID11C)
    phases = (
        *(heating.Behaviour(crystal=host, amount=amount) for host, amount in HOSTS),
        heating.Behaviour(crystal=new, amount=area, grows=(600.0, 800.0)),
    )
    return heating.Mixture(
        measurement="heating_small",
        sample="LAGP+NCM811",
        instrument=ID11C,
        start=1_551_880_800.0,
        phases=phases,
        verdict="partly",
    )


def scattering(phase: Crystal, area: float) -> float:
    """Summed area of all reflections in range: what the analysis calls a phase's intensity."""
    last = ID11C.two_theta[-1] + 20 * ID11C.fwhm
    hkl, strength = crystal.calculate_reflections(
        phase, round(ID11C.wavelength / (2 * np.sin(np.radians(last) / 2)), 3)
    )
    angle = 2 * np.degrees(
        np.arcsin(ID11C.wavelength / (2 * crystal.d_from_hkl(hkl, np.array(phase.cell))))
    )
    power = strength * pattern.calculate_lorentz_factor(angle)
    seen = (angle > ID11C.two_theta[0]) & (angle < ID11C.two_theta[-1])
    return area * float(power[seen].sum() / power.max())


def relative(new: Crystal, percent: float) -> float:
    """True intensity of the new phase over that of the strongest host [percent]."""
    area = weight.area_from_percent(new, percent, HOSTS, ID11C)
    return 100 * scattering(new, area) / max(scattering(*host) for host in HOSTS)


def new_phase(found: Chain, name: str) -> bool:
    """Whether the verdict tells of the new phase."""
    return (
        found.row("phase_stability").verdict == "partly"
        and f"new: {name}" in found.row("phase_stability").reason
    )


def trusted(folder: Path) -> Path:
    """The phases file, with LAGP's atoms trusted (in a simulation they are the true ones): gives
    weight percent."""
    table = yaml.safe_load(PHASES.read_text(encoding="utf-8"))
    for entry in table.values():
        if "cif" in entry:
            entry["cif"] = str(PHASES.parent / entry["cif"])
    table["LAGP"]["refinable"] = True
    path = folder / "phases.yaml"
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    return path


def check_small(folder: Path, seed: int, effects: Effects) -> tuple[bool, bool, float]:
    """Run one percent and a tenth of it; return what was detected of each, and the limit told
    [relative percent]."""
    told = []
    for percent in (1.0, 0.1):
        where = folder / f"{seed}_{percent}"
        where.mkdir()
        told.append(chain(mixture(Co3PO42, percent), where, effects, seed, FRAMES, candidates=LIST))
    seen, unseen = (new_phase(found, "Co3PO42") for found in told)
    if not unseen:
        limit = told[1].row("detection_limit", "Co3PO42").value
        whole = told[1].row("detection_limit", "LAGP+NCM811").value
        assert limit is not None and whole is not None and whole >= limit
        assert told[1].row("phase_stability").verdict == "reversible"
        assert "would have been seen" in told[1].row("phase_stability").reason
        assert limit > relative(Co3PO42, 0.1), "what was missed lies below the limit that is told"
        return seen, unseen, limit
    return seen, unseen, float("nan")


def test_one_percent_is_seen_and_a_tenth_is_not(tmp_path: Path) -> None:
    seen, unseen, limit = check_small(tmp_path, 0, Effects())
    print(
        f"1 wt % is {relative(Co3PO42, 1.0):.2f} % of the strongest phase's intensity; "
        f"limit {limit:.2f} %"
    )
    assert seen and not unseen


@pytest.mark.slow
@pytest.mark.parametrize("effects", [IDEAL, Effects()], ids=["ideal", "effects"])
def test_one_percent_is_seen_in_most_series_and_a_tenth_in_none(
    tmp_path: Path, effects: Effects
) -> None:
    told = [check_small(tmp_path, seed, effects) for seed in range(20)]
    seen, unseen, limit = (np.array(part) for part in zip(*told, strict=True))
    print(
        f"1 wt % seen in {seen.sum()} of 20, 0.1 wt % in {unseen.sum()}; "
        f"limit {np.nanmedian(limit):.2f} %"
    )
    assert seen.sum() >= 19 and unseen.sum() == 0


def test_the_limit_by_weight_covers_what_was_not_seen(tmp_path: Path) -> None:
    """Where all structures are trusted the limit is in weight percent, and 1 wt % of NiO lies above
    it."""
    table = trusted(tmp_path)
    where = tmp_path / "series"
    where.mkdir()
    found = chain(mixture(NIO, 0.02), where, IDEAL, 1, FRAMES, candidates=("NiO",), table=table)
    limit = found.row("detection_limit", "NiO")
    assert limit.reason.startswith("by weight") and limit.value is not None
    print(f"NiO: limit {limit.value:.3f} wt %")
    assert 0.02 < limit.value < 1.0
    assert found.row("phase_stability").verdict == "reversible"


def product(seed: int) -> heating.Mixture:
    """The reacting mixture, its P21/n product with intensities drawn anew."""
    drawn = replace(Co3PO42, draw=seed)
    hosts, grown = heating.REACTING.phases[:2], heating.REACTING.phases[2]
    return replace(heating.REACTING, phases=(*hosts, replace(grown, crystal=drawn)))


def preferred(folder: Path, seed: int) -> tuple[bool, bool]:
    """Return whether the P21/n cell is preferred over the P21/a one for the largest group, and
    whether it is named."""
    where = folder / str(seed)
    where.mkdir()
    found = chain(
        product(seed), where, Effects(), seed, FRAMES, refined=("LAGP", "NCM811"), candidates=LIST
    )
    groups = [
        c
        for c in found.conclusions
        if c.quantity == "unexplained_lines" and c.subject != "unexplained, alone"
    ]
    if not groups:
        return False, False
    largest = max(groups, key=lambda c: c.value or 0.0)
    order = [
        c.subject
        for c in found.conclusions
        if c.quantity == "candidate" and c.condition == largest.subject
    ]
    named = largest.verdict == "named" and largest.reason.startswith("Co3PO42")
    return bool(order) and order[0] == "Co3PO42", named


def test_the_p21n_product_is_preferred_over_the_p21a_one(tmp_path: Path) -> None:
    told = [preferred(tmp_path, seed) for seed in range(2)]
    assert all(first for first, _ in told)


@pytest.mark.slow
def test_the_p21n_product_is_preferred_in_95_of_100_series(tmp_path: Path) -> None:
    told = np.array([preferred(tmp_path, seed) for seed in range(100)])
    print(f"P21/n first in {told[:, 0].sum()} of 100, named outright in {told[:, 1].sum()}")
    assert told[:, 0].sum() >= 95


def test_the_limit_of_a_mixture_is_its_largest_by_weight() -> None:
    def limit(name: str, value: float | None, basis: detection_limits.LimitBasis) -> Conclusion:
        return Conclusion("detection_limit", value=value, subject=name, basis=basis)

    weight, intensity = detection_limits.LimitBasis.WEIGHT, detection_limits.LimitBasis.INTENSITY
    rows = [limit("A", 1.0, weight), limit("B", 2.0, weight), limit("C", None, weight)]
    (found,) = detection_limits.select_mixture_limit([*rows, limit("D", 9.0, intensity)])
    assert (found.subject, found.value) == ("B", 2.0)
    assert found.reason == "by weight; the largest limit (B) of A, B"
    (found,) = detection_limits.select_mixture_limit([limit("D", 9.0, intensity)])
    assert found.subject == "D" and "intensity" in found.reason
    assert detection_limits.select_mixture_limit([]) == []


# --- by hand, without a series -------------------------------------------------------------------


def lattice_of(
    intensity: list[list[float]], stderr: list[list[float]], present: list[list[int]]
) -> xr.Dataset:
    dims = ("frame", "phase")
    return xr.Dataset(
        {
            "intensity": (dims, np.array(intensity, float)),
            "intensity_stderr": (dims, np.array(stderr, float)),
            "present": (dims, np.array(present)),
        },
        coords={"phase": ["A", "B"]},
    )


def test_the_limit_of_an_absent_phase_by_hand() -> None:
    """6.645 sigma of the frames without B (1, 2 and 6), over A's usual intensity of 200."""
    lattice = lattice_of(
        [[200, 0], [300, 0], [100, 0], [200, 40], [200, np.nan]],
        [[1, 1], [1, 2], [1, 6], [1, 9], [1, np.nan]],
        [[1, 0], [1, 0], [1, 0], [1, 1], [1, 0]],
    )
    (row,) = detection_limits.limit_absent_phases(lattice, {})
    assert (row.subject, row.unit, row.verdict) == ("B", "percent", "ok")
    assert row.value == pytest.approx(100 * 6.6448536 * 2 / 200)
    assert row.basis == detection_limits.LimitBasis.INTENSITY
    assert "median of 3 frames without it" in row.reason
    assert row.method.startswith("5 sigma reached in 95 of 100")


def test_the_limit_by_weight_by_hand() -> None:
    """Mass per intensity: cell mass x volume x scale / intensity, 3 for A and 12 for B."""
    lattice = lattice_of([[200, 0]] * 3, [[1, 2]] * 3, [[1, 0]] * 3)
    lattice["scale_stderr"] = lattice["intensity_stderr"] * 0.01
    known = {
        "A": xr.Dataset(attrs={"refinable": 1, "cell_mass": 100.0, "volume": 3.0}),
        "B": xr.Dataset(attrs={"refinable": 1, "cell_mass": 200.0, "volume": 6.0}),
    }
    (row,) = detection_limits.limit_absent_phases(lattice, known)
    mass = 12 * 6.6448536 * 2
    assert row.value == pytest.approx(100 * mass / (mass + 3 * 200))
    assert row.basis == detection_limits.LimitBasis.WEIGHT
    for spoilt in ({"refinable": 0}, {"cell_mass": None}):
        attrs = {k: v for k, v in {**known["B"].attrs, **spoilt}.items() if v is not None}
        (row,) = detection_limits.limit_absent_phases(
            lattice, {**known, "B": xr.Dataset(attrs=attrs)}
        )
        assert row.basis == detection_limits.LimitBasis.INTENSITY
    lattice["scale_stderr"] = lattice["scale_stderr"] * np.nan
    assert detection_limits._weigh_intensities(lattice, known) is None


def test_no_limits_where_nothing_is_present_or_nothing_absent() -> None:
    lattice = lattice_of([[200, 50]] * 2, [[1, 2]] * 2, [[0, 0]] * 2)
    assert detection_limits.limit_absent_phases(lattice, {}) == []
    lattice = lattice_of([[200, 50]] * 2, [[1, 2]] * 2, [[1, 1]] * 2)
    assert detection_limits.limit_absent_phases(lattice, {}) == []
    lattice = lattice_of([[200, 50]] * 2, [[1, 0]] * 2, [[1, 0]] * 2)
    assert detection_limits.limit_absent_phases(lattice, {}) == []


def test_the_usual_mass_by_hand() -> None:
    lattice = lattice_of(
        [[10, 1], [20, np.nan], [30, 5], [9, 9]], [[1, 1]] * 4, [[1, 1], [1, 1], [1, 0], [0, 0]]
    )
    # 2 x 10 + 3 x 1, 2 x 20, 2 x 30; the last frame is empty
    assert detection_limits._measure_usual_mass(lattice, {"A": 2.0, "B": 3.0}) == 40.0
    lattice["present"] = 0 * lattice["present"]
    assert np.isnan(detection_limits._measure_usual_mass(lattice, {"A": 2.0, "B": 3.0}))


def test_the_detectable_area_by_hand() -> None:
    """Threshold x sigma less what is there; the 95th percentile over frames."""
    area = np.zeros((101, 4))
    area[:, 1] = -np.arange(101.0)
    area[3:, 2] = np.nan
    area[2:, 3] = np.nan
    found = detection_limits.find_detectable_area(area, np.full((101, 4), 2.0), 5.0)
    np.testing.assert_allclose(found[:3], [10.0, 10.0 + 95.0, 10.0])
    assert np.isnan(found[3])
    found = detection_limits.find_detectable_area(area + 20.0, np.full((101, 4), 2.0), 5.0)
    assert np.isnan(found[0]) and found[1] == pytest.approx(85.0)


def phase(name: str, refinable: int = 1) -> xr.Dataset:
    """Two lines, the second with a third of the strength."""
    d = np.array([3.0, 2.0])
    theta = np.arcsin(0.1173 / (2 * d))
    power = np.sin(theta) ** 2 * np.cos(theta)
    return xr.Dataset(
        {
            "d": ("reflection", d),
            "h": ("reflection", [1, 0]),
            "k": ("reflection", [0, 1]),
            "l": ("reflection", [0, 0]),
            "multiplicity": ("reflection", [1, 1]),
            "structure_factor_squared": ("reflection", power * np.array([3.0, 1.0])),
        },
        attrs={
            "phase": name,
            "crystal_system": "orthorhombic",
            "cell": [3.0, 2.0, 5.0, 90, 90, 90],
            "refinable": refinable,
            "cell_mass": 50.0,
            "volume": 30.0,
        },
    )


def tracks_of(needed: dict[float, float], intensity: float = 100.0) -> xr.Dataset:
    x = np.arange(1.0, 6.0, 0.005)
    area = np.full(x.size, np.nan)
    for at, value in needed.items():
        area[np.abs(x - at) < 0.02] = value
    return xr.Dataset(
        {
            "detectable_area": ("two_theta", area),
            "known_intensity": ("known_phase", [intensity]),
            "wavelength": ((), 0.1173),
        },
        coords={"two_theta": x, "known_phase": ["A"]},
    )


LINE = 2 * np.degrees(np.arcsin(0.1173 / (2 * np.array([3.0, 2.0]))))
"""2.24 and 3.36 degree."""


def test_the_limit_of_a_phase_of_the_list_by_hand() -> None:
    """Its lines have 3/4 and 1/4 of its intensity: areas of 6 and 1 need 8 and 4 in all."""
    table = [phase("A"), phase("B", refinable=0)]
    tracks = tracks_of({LINE[0]: 6.0, LINE[1]: 1.0})
    (row,) = detection_limits.limit_library_phases(tracks, table, 0.004)
    assert (row.subject, row.basis) == ("B", detection_limits.LimitBasis.INTENSITY)
    assert row.value == pytest.approx(100 * 4 / 100)
    # by weight: both have the same mass per intensity
    (row,) = detection_limits.limit_library_phases(tracks, [phase("A"), phase("B")], 0.004)
    assert row.basis == detection_limits.LimitBasis.WEIGHT
    assert row.value == pytest.approx(100 * 4 / 104)
    (row,) = detection_limits.limit_library_phases(
        tracks_of({LINE[0]: 6.0}), [phase("A"), phase("B", refinable=0)], 0.004
    )
    assert row.value == pytest.approx(8.0)


def test_no_limit_without_measured_lines_or_a_refined_phase() -> None:
    assert detection_limits.limit_library_phases(tracks_of({}), [phase("B")], 0.004) == []
    tracks = tracks_of({LINE[0]: 6.0}, intensity=0.0)
    assert detection_limits.limit_library_phases(tracks, [phase("B")], 0.004) == []
    # a line is looked for within the strain: 0.0001 x 2.24 degree is less than a point
    near = tracks_of({LINE[0] + 0.03: 6.0})
    assert detection_limits.limit_library_phases(near, [phase("B")], 0.0001) == []


def test_mass_per_intensity_by_hand() -> None:
    found = detection_limits._mass_per_intensity(phase("B"), 0.1173, (1.0, 6.0))
    assert found == pytest.approx(50.0 * 30.0 / 4.0)
    assert np.isnan(detection_limits._mass_per_intensity(phase("B", 0), 0.1173, (1.0, 6.0)))
    assert np.isnan(detection_limits._mass_per_intensity(phase("B"), 0.1173, (50.0, 60.0)))


@pytest.mark.parametrize(("strain", "is_near"), [(1.0, True), (np.nextafter(1.0, 0.0), False)])
def test_a_point_at_the_largest_strain_is_near_its_line(strain: float, is_near: bool) -> None:
    """The only point lies at twice the angle of the second line, of a share of 0.25."""
    hkl, cell = np.array([[1, 0, 0], [8, 0, 0]]), np.array([4.0, 4.0, 4.0, 90.0, 90.0, 90.0])
    angle = two_theta_from_d(d_from_hkl(hkl, cell), 0.25)[1]
    lines = CandidateLines(
        name="X", system="cubic", cell=cell, hkl=hkl, strength=np.array([3.0, 1.0])
    )
    tracks = xr.Dataset({"two_theta": ("point", [2 * angle]), "detectable_area": ("point", [5.0])})
    found = detection_limits._find_needed_intensity(tracks, lines, 0.25, strain)
    assert found == (5.0 / 0.25 if is_near else np.inf)


def test_a_percentile_is_numpys_where_points_miss_frames() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((23, 40))
    values[rng.random(values.shape) < 0.4] = np.nan
    values[0] = 1.0
    values[1:, 7] = np.nan
    for percent in (0, 37.5, 95, 100):
        found = detection_limits.percentile_of_measured(values, percent)
        np.testing.assert_allclose(found, np.nanpercentile(values, percent, axis=0), rtol=1e-12)
