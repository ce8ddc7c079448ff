"""A small new phase through the whole chain: one percent by weight is seen, a tenth of that
honestly is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hexrd.made_series import PHASES, Chain, chain

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.unindexed import detection_limits
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
        f"1 wt % is {relative(Co3PO42, 1.0):.2f} % of the strongest phase's intensity; limit {limit:.2f} %"
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
        f"1 wt % seen in {seen.sum()} of 20, 0.1 wt % in {unseen.sum()}; limit {np.nanmedian(limit):.2f} %"
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
