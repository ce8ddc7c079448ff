"""The digest of a step's sources follows its imports, and nothing else."""

import ast
import hashlib
import os
from pathlib import Path

import pytest

from ssbchar.pipeline import source_digest


@pytest.mark.parametrize(
    "path",
    sorted(source_digest.ROOT.rglob("*.py")),
    ids=lambda p: p.relative_to(source_digest.ROOT).as_posix(),
)
def test_no_import_is_overlooked(path: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] == "ssbchar"
        ):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == "ssbchar"}
    assert names <= set(source_digest._find_imports(path))


def test_code_digest_follows_imports_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "nmr/a.py": "from ssbchar.nmr import b\n",
        "nmr/b.py": "def f():\n    from ssbchar import deep\n",
        "nmr/c.py": "",
        "deep.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(source_digest, "ROOT", tmp_path)
    monkeypatch.setattr(source_digest.exports, "find_module", lambda step: "ssbchar.nmr.a")

    def digest() -> str:
        source_digest.digest_sources.cache_clear()
        source_digest._find_imports.cache_clear()
        return source_digest.digest_sources("nmr.a.f")

    first = digest()
    (tmp_path / "nmr/c.py").write_text("x = 1\n")
    assert digest() == first
    (tmp_path / "deep.py").write_text("x = 1\n")
    assert digest() != first
    source_digest.digest_sources.cache_clear()
    source_digest._find_imports.cache_clear()


@pytest.fixture
def made_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one step in ``room/a.py``, alone."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room/a.py").write_text("x = 1\n")
    monkeypatch.setattr(source_digest, "ROOT", tmp_path)
    monkeypatch.setattr(source_digest.exports, "find_module", lambda step: "ssbchar.room.a")
    return tmp_path


def digest_anew() -> str:
    source_digest._find_imports.cache_clear()
    return source_digest.digest_sources.__wrapped__("room.a")


def test_a_digest_by_hand(made_sources: Path) -> None:
    by_hand = hashlib.sha256(b"room/a.pyx = 1\n").hexdigest()
    assert digest_anew() == by_hand[:16]


def test_templates_beside_a_module_count_and_other_files_do_not(made_sources: Path) -> None:
    first = digest_anew()
    (made_sources / "room/notes.txt").write_text("x")
    assert digest_anew() == first
    (made_sources / "room/page.j2").write_text("x")
    second = digest_anew()
    (made_sources / "room/page.css").write_text("x")
    assert len({first, second, digest_anew()}) == 3


def test_a_package_counts_by_its_init_and_circles_end(made_sources: Path) -> None:
    (made_sources / "deep").mkdir()
    (made_sources / "deep/__init__.py").write_text("from ssbchar.room import a\n")
    (made_sources / "room/a.py").write_text("from ssbchar import deep\n")
    first = digest_anew()
    (made_sources / "deep/__init__.py").write_text("from ssbchar.room import a  # x\n")
    assert digest_anew() != first


def test_what_every_step_runs_through_counts(made_sources: Path) -> None:
    first = digest_anew()
    (made_sources / "conclusion.py").write_text("")
    assert digest_anew() != first


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from ssbchar.a import b, c as d\n", {"ssbchar.a", "ssbchar.a.b", "ssbchar.a.c"}),
        ("import ssbchar.a as x, os\n", {"ssbchar.a"}),
        (
            "def f():\n    from ssbchar import (\n        b,  # why\n        c,\n    )\n",
            {"ssbchar", "ssbchar.b", "ssbchar.c"},
        ),
        ("import os\nfrom pathlib import Path\nimport ssbcharts\n", set()),
    ],
)
def test_imports_by_hand(text: str, names: set[str], tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(text)
    assert set(source_digest._find_imports(tmp_path / "x.py")) == names


def test_the_workflow_folder_goes_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSBCHAR_WORKFLOW", "before")
    source_digest.set_workflow_folder("here")
    assert os.environ["SSBCHAR_WORKFLOW"] == "here"
