"""A room answers for its steps, and loads their modules when they are asked for."""

import importlib

import pytest

from ssbchar.runtime import exports


def test_a_step_is_the_function_of_its_module() -> None:
    load = exports.make_step_getter("ssbchar.storage", {"list_raw_files": "raw_files"})
    module = importlib.import_module("ssbchar.storage.raw_files")
    assert load("list_raw_files") is module.list_raw_files
    with pytest.raises(AttributeError, match=r"module 'ssbchar\.storage' has no attribute 'hash'"):
        load("hash")


def test_no_module_is_loaded_before_its_step_is_asked_for() -> None:
    load = exports.make_step_getter("ssbchar.storage", {"step": "no_such_module"})
    with pytest.raises(AttributeError):
        load("other")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load("step")


def test_the_module_of_a_step() -> None:
    assert exports.find_module("storage.list_raw_files") == "ssbchar.storage.raw_files"
    assert exports.find_module("hexrd.expansion.fit_expansion") == "ssbchar.hexrd.expansion.fit"
    assert exports.find_module("storage.raw_files.hash_file") == "ssbchar.storage.raw_files"
    assert exports.find_module("storage.hash_file") == "ssbchar.storage"
    with pytest.raises(ModuleNotFoundError):
        exports.find_module("no_room.step")
