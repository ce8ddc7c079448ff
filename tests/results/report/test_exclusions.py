"""What was set aside is told once per reason, with whom it cost what."""

import json

from ssbchar.results.report.exclusions import asides, line


def fault(where: str, problem: str = "empty") -> dict[str, str]:
    return {"where": where, "problem": problem, "remedy": "measure again"}


def test_faults_of_one_reason_are_one_entry_and_lost_measurements_come_first() -> None:
    some = {"measurement": "heat", "set_aside": json.dumps([fault(f"{i}.xye") for i in range(300)])}
    lost = {
        "measurement": "scan",
        "set_aside": json.dumps([fault("a.dat", "no energy")]),
        "lost": json.dumps(fault("a.dat", "no energy")),
    }
    whole, part = asides([some, some, lost, {"measurement": "fine"}])
    assert (whole.where, whole.lost, whole.partial) == (("a.dat",), ("scan",), ())
    assert (len(part.where), part.lost, part.partial) == (300, (), ("heat",))
    assert line(whole) == "all of scan: a.dat: no energy; measure again"
    assert line(part) == "part of heat: 0.xye and 299 more: empty; measure again"


def test_one_fault_may_cost_one_measurement_a_part_and_another_all() -> None:
    shared = {"set_aside": json.dumps([fault("foil.dat")])}
    (found,) = asides(
        [
            {**shared, "measurement": "a"},
            {**shared, "measurement": "b", "lost": json.dumps(fault("foil.dat"))},
        ]
    )
    assert (found.lost, found.partial) == (("b",), ("a",))


def test_nothing_set_aside() -> None:
    assert asides([{"measurement": "a"}, {}]) == []
