"""YAML is read strictly: what would be dropped or changed in silence is one line."""

import time
from pathlib import Path
from typing import Any

import pytest

from ssbchar.errors import BadInput
from ssbchar.storage import strict_yaml
from ssbchar.storage.options import ReadingLimits

# Unfolded, these would take hours; what may take longer than a file's reading is endless.
ENDLESS = 4 * ReadingLimits().time


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only words\n", None),
        ("a: 1\nb: {c: [1, 2.5, x]}\n", {"a": 1, "b": {"c": [1, 2.5, "x"]}}),
        ("a: 1e-3\nb: -2.5E+4\nc: 1e3", {"a": 1e-3, "b": -2.5e4, "c": 1e3}),
        ("a: '1e-3'\nb: \"2\"\nc: 'no'", {"a": "1e-3", "b": "2", "c": "no"}),
        (
            "a: yes\nb: No\nc: ON\nd: ~\ne:\n",
            {"a": True, "b": False, "c": True, "d": None, "e": None},
        ),
        (
            "2: a\nno: b\n1e-3: c\n2020-01-01: d\n",
            {"2": "a", "no": "b", "1e-3": "c", "2020-01-01": "d"},
        ),
        (
            "a: 2019-03-04\nb: 2019-03-04 12:00:01\n",
            {"a": "2019-03-04", "b": "2019-03-04 12:00:01"},
        ),
        (
            "a: 1_000\nb: 0x10\nc: 0\nd: -7\ne: 08:30",
            {"a": 1000, "b": 16, "c": 0, "d": -7, "e": "08:30"},
        ),
        ("a: .inf\nb: -.inf", {"a": float("inf"), "b": float("-inf")}),
        (
            "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}",
            {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}},
        ),
        ("a: &x {b: 1, c: 1}\nd: {b: 3, <<: *x}", {"a": {"b": 1, "c": 1}, "d": {"b": 3, "c": 1}}),
        (
            "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}",
            {"x": {"a": 1}, "y": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}},
        ),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ('{"a": [1, true, null]}', {"a": [1, True, None]}),
    ],
)
def test_what_yaml_says(text: str, value: Any) -> None:
    assert strict_yaml.parse_yaml(text, "f.yaml") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: 'a' is given twice, in lines 1 and 3; keep one"),
        (
            "x:\n  y:\n    z: 1\n    q: 1\n    z: 2\n",
            "f.yaml:5: 'z' is given twice, in lines 3 and 5",
        ),
        ("x: [{a: 1,\n a: 2}]", "f.yaml:2: 'a' is given twice, in lines 1 and 2"),
        ('a: 1\n"a": 2\n', "'a' is given twice"),
        ("2: 1\n'2': 2\n", "'2' is given twice"),
        ("a: 1\nb: 12:30\n", "f.yaml:2: 12:30 means a number to the base of 60 in YAML; quote it"),
        ("a: 010\n", "f.yaml:1: 010 means 8, an octal number in YAML"),
        ("a:\n\tb: 1\n", "f.yaml:2: no valid YAML"),
        ("a:\n\tb: 1\n", "indent with spaces, not with tabs"),
        ("a: *\n", 'quote a word that begins with *: "*"'),
        ("a: *_If\n", '"*_If"'),
        ("a: @x\n", 'quote a word that begins with @: "@x"'),
        ("a: %x\n", 'quote a word that begins with %: "%x"'),
        ("a: !!python/object/apply:os.system ['ls']\n", "the tag !!python/object/apply:os.system"),
        ("a: !x 1\n", "the tag !x is not read"),
        ("a: !!binary aGk=\n", "the tag !!binary is not read"),
        ("a: 1\n---\nb: 1\n", "keep one document"),
        ("a: {b: 1\nc: 2\n", "no valid YAML"),
        ("? [a, b]\n: 1\n", "a key is no word"),
        ("'': 1\n", "a key is empty"),
        ("a: &x [*x]\n", "*x stands inside itself"),
        ("a: {<<: 2}\n", "'<<' names no mapping"),
        ("[" * 100 + "]" * 100, "nested deeper than 40 levels"),
        ("a: " + "[" * 100_000, "nested deeper than 40 levels"),
        ("a: \x00\n", "no valid YAML"),
    ],
)
def test_what_is_refused_is_one_line(text: str, said: str) -> None:
    begin = time.process_time()
    with pytest.raises(BadInput) as caught:
        strict_yaml.parse_yaml(text, "f.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("f.yaml")
    assert "\n" not in str(caught.value)
    assert time.process_time() - begin < ENDLESS


def test_all_faults_come_in_one_go() -> None:
    text = "a: 1\nb: 12:30\na: {c: 010, c: !x 2}\nd: &y {e: 1, e: 2}\nf: *y\n"
    with pytest.raises(BadInput) as caught:
        strict_yaml.parse_yaml(text, "f.yaml")
    assert [fault.partition(";")[0] for fault in strict_yaml.list_faults(caught.value)] == [
        "f.yaml:2: 12:30 means a number to the base of 60 in YAML",
        "f.yaml:3: 'a' is given twice, in lines 1 and 3",
        "f.yaml:3: 010 means 8, an octal number in YAML",
        "f.yaml:3: 'c' is given twice, in lines 3 and 3",
        "f.yaml:3: the tag !x is not read",
        "f.yaml:4: 'e' is given twice, in lines 4 and 4",
    ]


def test_aliases_that_unfold_to_millions_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    begin = time.process_time()
    with pytest.raises(BadInput, match="unfolds to more than 200000 values"):
        strict_yaml.parse_yaml("\n".join(lines), "f.yaml")
    chain = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 100))]
    with pytest.raises(BadInput, match="nested deeper"):
        strict_yaml.parse_yaml("\n".join(chain), "f.yaml")
    assert time.process_time() - begin < ENDLESS


def test_a_file_is_read_in_its_encoding(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("a: Größe\n".encode("utf-16"))
    assert strict_yaml.load_yaml(file) == {"a": "Größe"}


def test_the_two_blocks_of_one_key(cases_folder: Path) -> None:
    with pytest.raises(
        BadInput, match=r"dup_key\.yaml:6: 'hexrd' is given twice, in lines 3 and 6"
    ):
        strict_yaml.load_yaml(cases_folder / "config/dup_key.yaml")
