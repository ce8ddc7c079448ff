"""What an installation without a clone holds: the wheel's files, and a demonstration planned from
them in an empty folder."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from ssbchar.campaign import config as configs
from ssbchar.errors import BadInput
from ssbchar.pipeline import demonstration
from ssbchar.runtime import shipped_files

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed (make .venv/ready)")
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return next(target.glob("*.whl"))


def list_repository(folder: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_package_workflow_config_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert list_repository("ssbchar") <= held
    for folder in ("workflow", "config"):
        assert {f"ssbchar/shipped/{name}" for name in list_repository(folder)} <= held
    assert "ssbchar/py.typed" in held
    licences = {name.partition("licenses/")[2] for name in held if "dist-info/licenses/" in name}
    assert licences == {"LICENSE", *list_repository("licences")}
    top = {name.split("/")[0] for name in held}
    assert {name.removesuffix(".dist-info") for name in top} == {"ssbchar", "ssbchar-0.1.0"}


def test_an_installed_package_plans_the_demonstration_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "from ssbchar.pipeline import demonstration as d\n"
        "d.demo.write_demo = lambda *a, **k: None\n"
        "print(d.prepare_demonstration(d.SMALL))\n"
        "print(d.prepare_demonstration(d.FIRST))\n"
        "from ssbchar.runtime.shipped_files import find_shipped\n"
        "print(find_shipped('workflow/Snakefile'))\n"
        "from ssbchar.campaign.config import read_config\n"
        "print(read_config('config/minimal/config.yaml').config.phases)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    shipped = site / "ssbchar/shipped"
    assert run.stdout.split() == [
        "config/minimal/config.yaml",
        "config/minimal/first.yaml",
        str(shipped / "workflow/Snakefile"),
        str(shipped / "config/phases/phases.yaml"),
    ]


def test_shipped_files_are_found_and_ones_of_the_folder_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped_files.find_shipped("workflow/Snakefile") == ROOT / "workflow/Snakefile"
    assert shipped_files.prefer_own(configs.PHASES) == str(ROOT / configs.PHASES)
    assert configs.find_phases({}) == ROOT / configs.PHASES
    own = tmp_path / configs.PHASES
    own.parent.mkdir(parents=True)
    own.write_text("{}\n", encoding="utf-8")
    assert configs.find_phases({}) == Path(configs.PHASES)
    with pytest.raises(FileNotFoundError, match="no_such_file"):
        shipped_files.find_shipped("no_such_file")


def test_the_demonstration_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = []
    monkeypatch.setattr(demonstration.demo, "write_demo", lambda out, small: made.append(out))
    config = Path(demonstration.prepare_demonstration(demonstration.SMALL))
    assert config.read_bytes() == (ROOT / config).read_bytes()
    assert made == [Path("data_raw/minimal")]
    made[0].mkdir(parents=True)
    (made[0] / "truth.json").write_text("[]", encoding="utf-8")
    demonstration.prepare_demonstration(demonstration.SMALL)
    assert len(made) == 1
    config.write_text("run: mine\n", encoding="utf-8")
    with pytest.raises(BadInput, match="is there already"):
        demonstration.prepare_demonstration(demonstration.SMALL)
    assert config.read_text(encoding="utf-8") == "run: mine\n"


def test_the_conda_recipe_holds_dependencies_and_versions_of_the_lock() -> None:
    recipe = yaml.safe_load((ROOT / "packaging/conda/recipe.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["images"]]
    names = {re.split(r"[ ><=!~;\[]", one)[0].lower() for one in wanted}
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    # Of several versions of one name the last is that of the newest Python.
    locked = dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, flags=re.M))
    other = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}
    run = recipe["requirements"]["run"]
    assert {one for one in run if "==" in one} == {
        f"{other.get(name, name)} =={locked[name]}" for name in names
    }
    assert recipe["context"]["version"] == project["version"]
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {place}" for name, place in project["scripts"].items()
    ]


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_containers_install_from_the_lock_and_take_all_that_the_wheel_needs(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    assert "--require-hashes -r /src/requirements.lock" in text
    assert "--no-deps --no-build-isolation /src" in text
    needed = ["requirements.lock", "pyproject.toml", "README.md", "LICENSE"]
    needed += ["licences", "config", "workflow", "ssbchar"]
    taken = set(re.findall(r"^(?:COPY|   ) *(.+) /src/?.*$", text, flags=re.M))
    assert {word for line in taken for word in line.split()} >= set(needed)
    allowed = (ROOT / "packaging/Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert set(re.findall(r"^!(.+)$", allowed, flags=re.M)) == set(needed)


def test_developers_tools_are_in_a_lock_of_their_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools = {re.split(r"[ ><=]", one)[0].lower() for one in project["optional-dependencies"]["dev"]}
    locks = {
        name: dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / name).read_text(), flags=re.M))
        for name in ("requirements.lock", "requirements.dev.lock")
    }
    assert not tools & set(locks["requirements.lock"])
    assert tools <= set(locks["requirements.dev.lock"])
    assert locks["requirements.lock"].items() <= locks["requirements.dev.lock"].items()


def test_the_first_look_shows_each_technique_once_of_the_small_demonstration() -> None:
    header, *rows = _read_sheet("config/minimal/first.tsv")
    small_header, *small = _read_sheet("config/minimal/samples.tsv")
    assert header == small_header and set(rows) < set(small)
    assert {row.split("\t")[2] for row in rows} == {"hexrd", "xas", "nmr"} and len(rows) < 10


def _read_sheet(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_loops_are_compiled_ahead() -> None:
    from ssbchar.hexrd.peaks import fit
    from ssbchar.hexrd.refinement.frame import intensities, model
    from ssbchar.pipeline import compile_ahead

    compile_ahead.compile_loops_ahead()
    for one in (fit._fit_every_window, intensities.solve_equations, model.evaluate_model):
        assert one.signatures, one
