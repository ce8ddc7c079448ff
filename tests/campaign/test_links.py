"""Columns that name other rows, and columns that only some rows use."""

from dataclasses import replace

import pytest

from ssbchar.campaign.config import COLUMNS, ROLES
from ssbchar.campaign.links import check_links, drop_links
from ssbchar.campaign.row import OPTIONAL_COLUMNS, Row

ROWS = [
    Row(measurement="ceo2", sample="C", technique="hexrd", role="calibrant", path="p", line=2),
    Row(
        measurement="images",
        sample="H",
        technique="hexrd",
        role="images",
        path="p",
        log="l",
        phases="A,B",
        calibrant="ceo2",
        line=3,
    ),
    Row(measurement="heat", sample="H", technique="hexrd", role="series", path="p", line=4),
    Row(measurement="before", sample="X", technique="xas", role="pristine", path="p", line=5),
    Row(
        measurement="after",
        sample="X2",
        technique="xas",
        role="cycled",
        path="p",
        compare_to="before",
        reference="foil, before",
        phases="A",
        line=6,
    ),
    Row(measurement="foil", sample="Fe", technique="xas", role="reference", path="p", line=7),
    Row(measurement="operando", sample="X3", technique="xas", role="series", path="p", line=8),
    Row(measurement="li", sample="Li", technique="nmr", role="reference", path="p", line=9),
    Row(
        measurement="echo",
        sample="S",
        technique="nmr",
        role="spectrum",
        path="p",
        reference="li",
        line=10,
    ),
    Row(
        measurement="later",
        sample="S",
        technique="nmr",
        role="repeat",
        path="p",
        compare_to="echo",
        line=11,
    ),
]
BY_NAME = {row.measurement: row for row in ROWS}


def change(name: str, **columns: str) -> list[str]:
    rows = [replace(row, **columns) if row.measurement == name else row for row in ROWS]  # type: ignore[arg-type]
    by_name = {row.measurement: row for row in rows}
    return list(check_links(by_name[name], by_name, COLUMNS))


def test_a_good_sheet_has_no_fault() -> None:
    assert [fault for row in ROWS for fault in check_links(row, BY_NAME, COLUMNS)] == []


def test_every_role_says_which_columns_it_uses() -> None:
    for technique, roles in ROLES.items():
        assert set(COLUMNS[technique]) == set(roles)
        for used in COLUMNS[technique].values():
            assert set(used) <= set(OPTIONAL_COLUMNS)
            assert {role for linked in used.values() for role in linked} <= set(roles)


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("heat", {"compare_to": "images"}, "compare_to is not used by hexrd rows of role series"),
        ("heat", {"calibrant": "ceo2"}, "calibrant is not used by hexrd rows of role series"),
        ("ceo2", {"log": "l"}, "log is not used by hexrd rows of role calibrant"),
        ("before", {"compare_to": "foil"}, "compare_to is not used by xas rows of role pristine"),
        ("foil", {"compare_to": "before"}, "(used by hexrd cycled, xas cycled, xas series, "),
        ("after", {"log": "l"}, "log is not used by xas rows of role cycled (given: 'l')"),
        ("echo", {"compare_to": "li"}, "compare_to is not used by nmr rows of role spectrum"),
        ("echo", {"phases": "A"}, "phases is not used by nmr rows"),
        ("after", {"compare_to": "li"}, "'li' is an nmr measurement (line 9), this row is xas"),
        ("after", {"compare_to": "operando"}, "'operando' (line 8) has the role series; name one"),
        ("after", {"compare_to": "befor"}, "no measurement of this sheet (did you mean 'before'?)"),
        ("after", {"compare_to": "after"}, "compare_to names the row itself"),
        ("after", {"compare_to": "before, foil"}, "compare_to names 2 measurements"),
        ("after", {"phases": "A,B"}, "phases 'A,B' of an absorption measurement; name the one"),
        ("images", {"calibrant": "heat"}, "has the role series; name one of role calibrant"),
        ("images", {"calibrant": ""}, "calibrant is empty; name the row of the calibrant's image"),
        ("echo", {"reference": "later"}, "name one of role reference or reference_decay"),
        ("later", {"compare_to": "echo", "sample": "T"}, "is of sample 'S', this row of 'T'"),
    ],
)
def test_each_wrong_link_is_one_line(name: str, columns: dict[str, str], said: str) -> None:
    faults = change(name, **columns)
    assert len(faults) == 1 and said in faults[0]
    assert "; " in faults[0], "a remedy"


def test_a_row_that_is_set_aside_keeps_the_links_that_can_be_followed() -> None:
    bad = replace(ROWS[4], compare_to="li", reference="foil, none, operando, before", log="l")
    kept = drop_links(bad, BY_NAME, COLUMNS)
    assert (kept.compare_to, kept.reference, kept.phases) == ("", "foil,before", "A")
    assert drop_links(ROWS[1], BY_NAME, COLUMNS) == ROWS[1]
    assert drop_links(replace(ROWS[8], phases="A"), BY_NAME, COLUMNS).phases == ""
