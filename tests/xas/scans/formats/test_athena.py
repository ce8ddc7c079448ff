"""Athena projects: lists of Perl, references, groups without a spectrum."""

import json
from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans.formats import athena
from ssbchar.xas.scans.formats.raw_scan import RawScan

WHERE = Path("p.prj")
X, Y = [1.0, 2.0, 3.0], [0.1, 0.2, 0.4]


def group(label: str, x: object = None, y: object = None, **args: object) -> dict[str, object]:
    return {"args": {"label": label, **args}, "x": x or X, "y": y or Y}


def parse(**groups: object) -> list[RawScan]:
    return athena.parse_athena(WHERE, json.dumps(groups))


def test_lists_of_perl() -> None:
    def elements(text: str) -> list[object] | None:
        found = athena._parse_perl_list(text, 0)
        return None if found is None else found[0]

    assert elements("1, 'a b', \"c\", d);") == ["1", "a b", "c", "d"]
    assert elements("[1, [2, 3]], {'k' => 'v'});") == [["1", ["2", "3"]], ["k", "v"]]
    assert elements(r"'it\'s', 'a\\b');") == ["it's", "a\\b"]
    assert elements(");") == []
    assert elements("1, 2") is None and elements("1, 2)") is None and elements("'cut") is None


def test_the_order_of_a_project() -> None:
    scans = parse(b=group("two"), a=group("one"), _____header1="x", _____order=["a", "b"])
    assert [scan.header["label"] for scan in scans] == ["one", "two"]
    scans = parse(b=group("two"), a=group("one"), _____order=["a"])
    assert [scan.header["label"] for scan in scans] == ["one", "two"]
    scans = parse(b=group("two"), a=group("one"))
    assert [scan.where for scan in scans] == ["p.prj[two]", "p.prj[one]"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"x": [1.0, 2.0]}, "it has 2 energies and 3 values of mu"),
        ({"y": ["a", "b", "c"]}, "its 'y' is no array of numbers"),
        ({"y": [[1], [2], [3]]}, "its 'y' is no array of numbers"),
        ({"datatype": "chi"}, "it holds chi(k), no mu(E)"),
        ({"is_chi": 1}, "it holds chi(k), no mu(E)"),
        ({"is_chi": 0}, ""),
        ({"y": ["0.1", "0.2 ", "4e-1"]}, ""),
    ],
)
def test_what_a_group_cannot_be_used_for(changed: dict[str, object], fault: str) -> None:
    first, second = parse(a=group("one", **changed), b=group("two"))
    assert first.fault == fault and second.fault == ""
    if not fault:
        np.testing.assert_array_equal(first.columns["y"], Y)


def test_a_group_without_arrays_is_none_and_a_project_needs_one() -> None:
    assert len(parse(a={"args": {"label": "plot"}}, b=group("two"))) == 1
    with pytest.raises(BadInput, match="no group with data"):
        parse(a=group("one", datatype="chi"))
    with pytest.raises(BadInput, match="cut or damaged"):
        athena.parse_athena(WHERE, '{"a": ')


def test_the_reference_channel_of_a_group() -> None:
    """On the group's own energies, NaN where the channel does not reach."""
    for key in ("reference", "referencegroup"):
        scan, reference = parse(
            a=group("one", **{key: "r"}), r=group("Ref one", x=[1.5, 2.5, 3.5], y=[1.0, 2.0, 3.0])
        )
        np.testing.assert_allclose(scan.columns["mu_ref"], [np.nan, 1.5, 2.5])
        assert reference.header["is_reference"] == "1" and "is_reference" not in scan.header
    for other in (group("sample"), group("Ref two", datatype="chi"), group("Refined")):
        scan, _ = parse(a=group("one", reference="r"), r=other)
        assert "mu_ref" not in scan.columns
    scan, _ = parse(a=group("Ref self", reference="r"), r=group("Ref one"))
    assert "mu_ref" not in scan.columns
    (scan,) = parse(a=group("ref", reference="a"))
    assert "mu_ref" not in scan.columns


def test_settings_as_texts() -> None:
    found = athena._read_settings({"Bkg_E0": 7112.5, "x": None, "y": "undef", "z": [1, 2]})
    assert found == {"bkg_e0": "7112.5", "x": "", "y": "", "z": "1,2"}


def test_how_a_project_is_told() -> None:
    assert athena.is_athena("# Athena project file -- x") and athena.is_athena("a\n$old_group = 1")
    assert not athena.is_athena("x" * 500 + "Athena project file")
