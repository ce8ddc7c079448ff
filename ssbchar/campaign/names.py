"""Names that a user gives and folders and files are called by: they stay where they belong."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from ssbchar.runtime.options import Name

MOST_BYTES = 100
"""Longest name in UTF-8 [byte]: file systems take 255, and suffixes are added."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix."""
FILE_NAME = re.compile(r"[\w.+-]+")
"""Measurements and phases: what stands for them in the names of files."""
RUN_NAME = re.compile(r"[\w.+ -]+")


def describe_bad_name(name: str) -> str:
    """Return what is wrong with a name that becomes part of a path; empty if nothing is.

    Parameters
    ----------
    name : str
        Of a run, a measurement, a phase or a sample.
    """
    if not name.strip():
        return "is empty; fill it"
    if any(not character.isprintable() for character in name):
        return "holds a character that cannot be printed; remove it"
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        return f"is {size} bytes long; use at most {MOST_BYTES}"
    parts = re.split(r"[/\\]", name)
    if not parts[0] or re.match(r"[A-Za-z]:", name) or "." in parts or ".." in parts:
        return "is a path; give a name"
    if name != name.strip() or name.endswith("."):
        return "begins or ends with a space or ends with a dot; leave it out"
    if RESERVED.fullmatch(name):
        return "is a device's name on Windows; use another"
    return ""


def describe_bad_file_name(name: str) -> str:
    """Return what is wrong with the name of a measurement or a phase, as `describe_bad_name`."""
    fault = describe_bad_name(name)
    if not fault and not FILE_NAME.fullmatch(name):
        return "is no file name; use letters, digits and - _ . +"
    return fault


def _check_run_name(name: str) -> str:
    fault = describe_bad_name(name)
    if not fault and not RUN_NAME.fullmatch(name):
        fault = "is no file name; use letters, digits, spaces and - _ . +"
    if fault:
        raise ValueError(f"the name {shorten(name)} {fault}")
    return name


def shorten(name: str) -> str:
    """Return a name in quotes for a message, cut after 40 characters."""
    return repr(name if len(name) <= 40 else f"{name[:40]}...")


RunName = Annotated[Name, AfterValidator(_check_run_name)]
"""The name of a run, which is that of its folder of results."""
