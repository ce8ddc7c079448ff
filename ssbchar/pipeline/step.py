"""Run one step by name: load its inputs by argument name, call it, store what it returns.

A step is a function ``ssbchar.<slice>.<module>.<function>``. Its arguments are Datasets, tables,
conclusions or raw paths (a list where annotated so), ``options`` (a frozen dataclass) and
``labels``. Wrong raw data sets the measurement aside: the output then says so, and every later step
passes it on.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.runtime import options as opts
from ssbchar.runtime import timing
from ssbchar.storage import atomic_write, row_file, store


@dataclass(frozen=True)
class StepReport:
    """How a step went."""

    told: str = ""
    """Lines that say what was set aside."""
    computing: timing.TimeSpan = field(default=timing.TimeSpan(0.0, 0.0))
    """Time in the step's own function and in rendering its figures, without imports, reading and
    writing."""


def find_function(name: str) -> Callable[..., Any]:
    """Return the function of a step named ``slice.module.function``."""
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(f"ssbchar.{module}"), attribute)
    return typing.cast("Callable[..., Any]", found)


class _Unread:
    """Stands for the types of xarray and pandas, which modules import for the type checker alone,
    and slowly."""


def read_hints(call: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a step's arguments."""
    xr = SimpleNamespace(Dataset=_Unread, DataArray=_Unread)
    names = {"xr": xr, "pd": SimpleNamespace(DataFrame=_Unread), "Drawing": store.Drawing}
    return typing.get_type_hints(call, localns=names)


def takes_many(annotation: Any) -> bool:
    """Return whether a step's argument takes several files: a list, or a list or None.

    ``list[Conclusion]`` is what one file of conclusions holds.
    """
    choices = [a for a in typing.get_args(annotation) if a is not type(None)]
    if type(None) in typing.get_args(annotation) and len(choices) == 1:
        return takes_many(choices[0])
    several = typing.get_origin(annotation) in (list, Sequence) or annotation is list
    return several and Conclusion not in typing.get_args(annotation)


def run_step(
    name: str,
    inputs: Mapping[str, Sequence[Path]],
    output: Path | Sequence[Path],
    options: Mapping[str, Any] | None = None,
    labels: Mapping[str, Any] | None = None,
) -> StepReport:
    """Run a step from files to a file; return what was set aside, and how long its function
    computed.

    Where there are several outputs the function returns as many results.

    Raises
    ------
    TypeError
        The inputs do not fit the function's arguments.
    ValueError
        The options do not fit its dataclass.
    """
    with ThreadPoolExecutor(1) as meanwhile:  # hashing leaves the interpreter free for imports
        known = meanwhile.submit(store.describe_provenance, name, dict(options or {}), inputs)
        call = find_function(name)
        given = _given(call, name, inputs, options, labels)
    made_by = known.result()
    marks, carried = {**(labels or {})}, given.carried
    outputs = [output] if isinstance(output, Path) else list(output)
    if given.lost:
        _save_lost(given.lost[0], outputs, made_by, marks, carried)
        return StepReport()
    start, apart = timing.measure_now(), _apart()
    try:
        with row_file.keep_rows_beside(outputs[0].parent), timing.counting_imports():
            result = call(**given.arguments)
    except BadInput as fault:
        if machine := atomic_write.find_machine_fault(fault):
            raise machine from fault
        entry = {"where": fault.where, "problem": fault.problem, "remedy": fault.remedy}
        carried["set_aside"].append(entry)
        _save_lost(entry, outputs, made_by, marks, carried)
        return StepReport(f"set aside: {fault}", timing.measure_now().since(start))
    computing = timing.measure_now().since(start).since(_apart().since(apart))
    own = getattr(result, "attrs", {}) if outputs[0].suffix == ".nc" else {}
    carried["synthetic"] = carried["synthetic"] or int(own.get("synthetic", 0))
    carried["set_aside"] += json.loads(own.get("set_aside", "[]"))
    drawn, loaded = timing.on(timing.FIGURES), timing.on(timing.IMPORTS)
    with timing.counting_imports():
        for made, path in zip([result] if len(outputs) == 1 else result, outputs, strict=True):
            store.save(made, path, made_by, _marks(marks, carried))
    rendering = timing.on(timing.FIGURES).since(drawn)
    if rendering.wall > 0:
        computing = computing.and_(rendering.since(timing.on(timing.IMPORTS).since(loaded)))
    told = "".join(
        f"set aside: {e['where']}: {e['problem']}\n" for e in json.loads(own.get("set_aside", "[]"))
    )
    return StepReport(told, computing)


def _apart() -> timing.TimeSpan:
    """Return the time spent so far on what is no computing, inside the functions of steps too."""
    return timing.on(timing.BLOCKS).and_(timing.on(timing.IMPORTS))


@dataclass
class StepCall:
    """What a step is called with."""

    arguments: dict[str, Any] = field(default_factory=dict)
    carried: dict[str, Any] = field(default_factory=lambda: {"synthetic": 0, "set_aside": []})
    """What its output passes on."""
    lost: list[dict[str, str]] = field(default_factory=list)
    """Faults of inputs that it cannot do without."""


def _given(
    call: Callable[..., Any],
    name: str,
    inputs: Mapping[str, Sequence[Path]],
    options: Mapping[str, Any] | None,
    labels: Mapping[str, Any] | None,
) -> StepCall:
    """Load a step's inputs and build its options."""
    given, hints = StepCall(), read_hints(call)
    arguments = given.arguments
    made = {"options", "return", *inputs}
    shared = [a for a, hint in hints.items() if a not in made and is_dataclass(hint)]
    for argument in inspect.signature(call).parameters:
        if argument == "options":
            own = {key: value for key, value in (options or {}).items() if key not in shared}
            arguments["options"] = opts.build_options(hints["options"], own, name)
        elif argument in shared:
            section = (options or {}).get(argument)
            arguments[argument] = opts.build_options(hints[argument], section, f"{name}.{argument}")
        elif argument == "labels":
            arguments["labels"] = dict(labels or {})
        elif argument in inputs:
            many = takes_many(hints[argument])
            raw = Path in (typing.get_args(hints[argument]) or (hints[argument],))
            optional = type(None) in typing.get_args(hints[argument])
            good: list[Any] = []
            for path in inputs[argument]:
                fault = _carry(path, given.carried)
                if raw or not fault:
                    good.append(Path(path) if raw else store.load(path))
                elif not many and not optional:
                    given.lost.append(fault)
            arguments[argument] = good if many else (good[0] if good else None)
        elif takes_many(hints[argument]):
            arguments[argument] = []
        elif type(None) in typing.get_args(hints[argument]):
            arguments[argument] = None
    unused = set(inputs) - set(arguments)
    if unused:
        raise TypeError(f"{name} takes no argument {', '.join(sorted(unused))}")
    return given


def _carry(path: Path, carried: dict[str, Any]) -> dict[str, str] | None:
    """Collect what an input passes on; return its fault where the input itself was set aside."""
    about = _about(path)
    carried["synthetic"] = carried["synthetic"] or int(about.get("synthetic", 0))
    for entry in json.loads(about.get("set_aside", "[]")):
        if entry not in carried["set_aside"]:
            carried["set_aside"].append(entry)
    lost = about.get("lost")
    return json.loads(lost) if lost else None


def _about(path: Path) -> Mapping[str, Any]:
    path = Path(path)
    if path.suffix == ".nc":
        import h5netcdf

        with h5netcdf.File(path, "r") as file:
            return {k: file.attrs[k] for k in ("synthetic", "set_aside", "lost") if k in file.attrs}
    if path.suffix == ".json" and path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        return typing.cast("Mapping[str, Any]", content.get("labels", {}))
    return {}


def _marks(labels: Mapping[str, Any], carried: Mapping[str, Any]) -> dict[str, Any]:
    marks = dict(labels)
    if carried["synthetic"]:
        marks["synthetic"] = 1
    if carried["set_aside"]:
        marks["set_aside"] = json.dumps(carried["set_aside"])
    return marks


def _save_lost(
    fault: dict[str, str],
    outputs: Sequence[Path],
    made_by: Mapping[str, Any],
    labels: Mapping[str, Any],
    carried: Mapping[str, Any],
) -> None:
    """Write outputs that only say why there is none."""
    marks = {**_marks(labels, carried), "lost": json.dumps(fault)}
    for output in outputs:
        store.save(
            _empty(fault, output.suffix, str(labels.get("measurement", ""))), output, made_by, marks
        )


def _empty(fault: dict[str, str], suffix: str, measurement: str) -> Any:
    """Return what stands in an output of this kind for a result that there is not."""
    reason = f"{fault['where']}: {fault['problem']}; {fault['remedy']}"
    if suffix == ".nc":
        import xarray as xr

        return xr.Dataset()
    if suffix == ".csv":
        import pandas as pd

        return pd.DataFrame({"set_aside": [reason]})
    if suffix == ".json":
        return [Conclusion("measurement", verdict="set aside", reason=reason, subject=measurement)]
    return "" if suffix == ".html" else {}


def format_command(
    name: str,
    inputs: Mapping[str, Sequence[Path]],
    outputs: Sequence[Path],
    options: str = "{}",
    labels: str = "{}",
) -> str:
    """Return the shell command that runs a step by hand."""
    words = [
        f"{sys.executable} -m ssbchar step {name}",
        *(f"{k}={p}" for k, ps in inputs.items() for p in ps),
    ]
    words += [f"--options '{options}' --labels '{labels}' --output", *map(str, outputs)]
    return " ".join(words)
