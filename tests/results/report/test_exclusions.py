"""An exclusion is listed once per reason, with the measurements that it affects."""

import json

from ssbchar.results.report.exclusions import collect_exclusions, describe_exclusion


def fault(where: str, problem: str = "empty") -> dict[str, str]:
    return {"where": where, "problem": problem, "remedy": "measure again"}


def test_faults_of_one_reason_are_one_entry_and_lost_measurements_come_first() -> None:
    some = {"measurement": "heat", "set_aside": json.dumps([fault(f"{i}.xye") for i in range(300)])}
    lost = {
        "measurement": "scan",
        "set_aside": json.dumps([fault("a.dat", "no energy")]),
        "lost": json.dumps(fault("a.dat", "no energy")),
    }
    whole, part = collect_exclusions([some, some, lost, {"measurement": "fine"}])
    assert (whole.where, whole.lost, whole.partial) == (("a.dat",), ("scan",), ())
    assert (len(part.where), part.lost, part.partial) == (300, (), ("heat",))
    assert describe_exclusion(whole) == "all of scan: a.dat: no energy; measure again"
    assert describe_exclusion(part) == "part of heat: 0.xye and 299 more: empty; measure again"


def test_one_fault_may_cost_one_measurement_a_part_and_another_all() -> None:
    shared = {"set_aside": json.dumps([fault("foil.dat")])}
    (found,) = collect_exclusions(
        [
            {**shared, "measurement": "a"},
            {**shared, "measurement": "b", "lost": json.dumps(fault("foil.dat"))},
        ]
    )
    assert (found.lost, found.partial) == (("b",), ("a",))


def test_nothing_excluded() -> None:
    assert collect_exclusions([{"measurement": "a"}, {}]) == []
