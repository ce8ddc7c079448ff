"""Run one step by name: load its inputs by argument name, call it, store what it returns.

A step is a function ``ssbchar.<room>.<function>``. Its arguments are Datasets, tables, conclusions
or raw paths (a list where annotated so), ``options`` (a frozen dataclass) and ``labels``. Raw data
that cannot be used sets the measurement aside: the output then holds the reason, and every later
step passes it on. An exception that nobody foresaw does the same to the one measurement whose step
raised it, as ``failed``; a fault of the machine, and any fault of a step that makes the summary,
the report or the crate of the run, ends the step.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import shlex
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput, UnforeseenFault
from ssbchar.runtime import options as opts
from ssbchar.storage import atomic_write, raw_files, reading, row_file, store
from ssbchar.storage.file_watch import FileWatch
from ssbchar.verdict import Verdict

Inputs = Mapping[str, Sequence[Path]]
"""Files by the name of the argument they are given for."""
Fault = dict[str, str]
"""``where``, ``problem`` and ``remedy`` of a `BadInput`, as stored in outputs; of an exception that
nobody foresaw also ``verdict`` (``failed``) and the ``measurement`` that it is a fault of."""
OF_THE_RUN = ("results.joint.", "results.report.", "results.provenance.")
"""Rooms whose steps are of no single measurement: their faults are faults of the run."""


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """How a step went."""

    message: str = ""
    """Lines that list what was set aside, or failed."""


def find_function(name: str) -> Callable[..., Any]:
    """Return the function of a step such as ``hexrd.refinement.refine_series``."""
    room, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(f"ssbchar.{room}"), attribute)
    return typing.cast("Callable[..., Any]", found)


class _Unread:
    """Stands for the types of xarray and pandas in annotations."""

    # Modules import them for the type checker alone: importing them takes a second.


def read_hints(call: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a step's arguments."""
    xr = SimpleNamespace(Dataset=_Unread, DataArray=_Unread)
    names = {"xr": xr, "pd": SimpleNamespace(DataFrame=_Unread), "Drawing": store.Drawing}
    return typing.get_type_hints(call, localns=names)


def takes_many(annotation: Any) -> bool:
    """Return whether an argument takes several files: a list, or a list or None.

    ``list[Conclusion]`` is the content of one file of conclusions.
    """
    inner = [a for a in typing.get_args(annotation) if a is not type(None)]
    if takes_none(annotation) and len(inner) == 1:
        return takes_many(inner[0])
    is_list = typing.get_origin(annotation) in (list, Sequence) or annotation is list
    return is_list and Conclusion not in typing.get_args(annotation)


def takes_none(annotation: Any) -> bool:
    """Return whether an argument may be None: its file may be missing or set aside."""
    return type(None) in typing.get_args(annotation)


def takes_paths(annotation: Any) -> bool:
    """Return whether an argument takes raw paths, which the step reads itself."""
    parts = typing.get_args(annotation)
    return Path in (parts or (annotation,)) or any(
        takes_paths(part) for part in parts if part is not type(None)
    )


def run_step(
    name: str,
    inputs: Inputs,
    output: Path | Sequence[Path],
    options: Mapping[str, Any] | None = None,
    labels: Mapping[str, Any] | None = None,
) -> StepReport:
    """Run a step from files to files; return what was set aside.

    Parameters
    ----------
    name : str
        ``room.function``.
    inputs : mapping
        Files by argument name.
    output : Path or sequence of Path
        If there are several outputs, the function returns as many results.
    options : mapping, optional
        Departures from the defaults of the step's options.
    labels : mapping, optional
        ``measurement``, ``sample``, ...: stamped on the outputs. ``refused``: faults of the
        measurement's row in the sample sheet, for which no step of it is run. A step without labels
        is of no run: what nobody foresaw, and inputs that are not there, are raised.

    Raises
    ------
    TypeError
        The inputs do not fit the function's arguments.
    ValueError
        The options do not fit its dataclass.
    """
    if labels and labels.get("refused"):
        return _refuse_step(name, inputs, output, options, labels)
    # Hashing releases the interpreter's lock, so it costs nothing beside the imports.
    in_a_run = bool(labels)
    with ThreadPoolExecutor(1) as background:
        provenance = background.submit(
            store.describe_provenance, name, dict(options or {}), inputs, must_exist=not in_a_run
        )
        function = find_function(name)
        call, damaged = StepCall(of_the_run=name.startswith(OF_THE_RUN)), None
        try:
            _prepare_call(call, name, function, inputs, options, labels)
        except UnforeseenFault as fault:
            damaged = fault
    outputs = [output] if isinstance(output, Path) else list(output)
    writer = _OutputWriter(
        paths=outputs,
        made_by=provenance.result(),
        labels=dict(labels or {}),
        carried=call.carried,
    )
    if call.lost:
        writer.write_lost(call.lost[0])
        return StepReport()
    watch = _watch_raw_files(call)
    try:
        if damaged:
            raise damaged
        with row_file.keep_rows_beside(outputs[0].parent):
            result = call_function(function, call.arguments)
    except Exception as error:
        atomic_write.raise_machine_fault(error)
        is_foreseen = isinstance(error, BadInput) and error is not damaged
        if call.of_the_run or not (in_a_run or is_foreseen):
            raise
        found = _find_fault(name, error, call, writer.measurement)
        if found is not error:
            reading.LOG.info("%s", found, exc_info=error)
        return writer.report_lost(found)
    own_faults = _carry_result(result, outputs[0], call.carried)
    own_faults += _carry_changed(watch, call.carried)
    writer.write([result] if len(outputs) == 1 else result)
    lines = [f"set aside: {fault['where']}: {fault['problem']}\n" for fault in own_faults]
    return StepReport(message="".join(lines))


def call_step(
    name: str,
    inputs: Inputs,
    options: Mapping[str, Any] | None = None,
    labels: Mapping[str, Any] | None = None,
) -> Any:
    """Return what a step makes of files, without writing it.

    Parameters
    ----------
    name, inputs, options, labels
        As for `run_step`.

    Raises
    ------
    BadInput
        An input holds the reason why there is no result.
    TypeError, ValueError
        As `run_step`.
    """
    function = find_function(name)
    call = StepCall(of_the_run=True)
    _prepare_call(call, name, function, inputs, options, labels)
    if call.lost:
        raise BadInput(**{key: call.lost[0][key] for key in ("where", "problem", "remedy")})
    return call_function(function, call.arguments)


def write_crash(
    name: str,
    inputs: Inputs,
    output: Sequence[Path],
    labels: Mapping[str, Any],
    signal_name: str,
) -> StepReport:
    """Write the outputs of a step whose process was ended by a signal from within: a library fell
    over a file.

    Parameters
    ----------
    name, inputs, output, labels
        As for `run_step`.
    signal_name : str
        ``SIGSEGV``.

    Raises
    ------
    RuntimeError
        The step is of no single measurement.
    """
    crash = RuntimeError(f"the process was ended by {signal_name}")
    if name.startswith(OF_THE_RUN):
        raise crash
    call = StepCall()
    hints = read_hints(find_function(name))
    for argument, paths in inputs.items():
        if takes_paths(hints[argument]):
            call.arguments[argument] = list(paths)
        else:
            for path in paths:
                call.carried.add(_read_attributes(path))
    writer = _OutputWriter(
        paths=output,
        made_by=store.describe_provenance(name, {}, inputs),
        labels=labels,
        carried=call.carried,
    )
    return writer.report_lost(_find_fault(name, crash, call, writer.measurement))


def _watch_raw_files(call: StepCall) -> FileWatch:
    """Note the raw files that a step is about to read: a copy may not be finished."""
    watch = FileWatch()
    for given in [] if call.of_the_run else call.list_raw():
        with suppress(BadInput):  # what is not there is told by who reads it
            for path in filter(reading.is_regular, raw_files.find_files(given)):
                watch.note(path)
    return watch


def _carry_changed(watch: FileWatch, carried: Carried) -> list[Fault]:
    """Add the raw files that changed meanwhile, and that no reader told; return their faults."""
    told = {fault["where"] for fault in carried.set_aside}
    faults = [found.as_record() for found in watch.describe_changed() if found.where not in told]
    carried.set_aside += faults
    return faults


def _find_fault(name: str, error: Exception, call: StepCall, measurement: str) -> BadInput:
    """Return the fault of the one measurement, or of its raw file, that an exception is taken
    for."""
    if isinstance(error, BadInput):
        return error
    raw = call.list_raw()
    where = ", ".join(map(str, raw)) or measurement or name
    remedy = "change its options, or report it with the traceback in the step's log"
    return UnforeseenFault(where, name, error, reading.REMEDY if raw else remedy)


def _refuse_step(
    name: str,
    inputs: Inputs,
    output: Path | Sequence[Path],
    options: Mapping[str, Any] | None,
    labels: Mapping[str, Any],
) -> StepReport:
    """Write the outputs of a step of a measurement whose row is refused."""
    faults: list[Fault] = list(labels["refused"])
    writer = _OutputWriter(
        paths=[output] if isinstance(output, Path) else list(output),
        made_by=store.describe_provenance(name, dict(options or {}), {}),
        labels={key: value for key, value in labels.items() if key != "refused"},
        carried=Carried(set_aside=faults),
    )
    writer.write_lost(faults[0])
    # Once for the measurement: by the step that would have read its raw files.
    said = faults if "source" in inputs and name != "storage.list_raw_files" else []
    lines = [f"set aside: {f['where']}: {f['problem']}; {f['remedy']}\n" for f in said]
    return StepReport(message="".join(lines))


def call_function(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Return what a step's function returns."""
    return function(**arguments)


@dataclass(kw_only=True)
class Carried:
    """What a step's inputs pass on to its output; filled while they are loaded."""

    synthetic: bool = False
    set_aside: list[Fault] = field(default_factory=list)

    def add(self, attributes: Mapping[str, Any]) -> None:
        """Add what the attributes of an input say."""
        self.synthetic = self.synthetic or bool(int(attributes.get("synthetic", 0)))
        for fault in json.loads(attributes.get("set_aside", "[]")):
            if fault not in self.set_aside:
                self.set_aside.append(fault)

    def as_attributes(self) -> dict[str, Any]:
        """Return the attributes of an output."""
        attributes: dict[str, Any] = {}
        if self.synthetic:
            attributes["synthetic"] = 1
        if self.set_aside:
            attributes["set_aside"] = json.dumps(self.set_aside)
        return attributes


@dataclass(kw_only=True)
class StepCall:
    """What a step is called with; filled while its inputs are loaded."""

    arguments: dict[str, Any] = field(default_factory=dict)
    carried: Carried = field(default_factory=Carried)
    lost: list[Fault] = field(default_factory=list)
    """Faults of inputs that the step cannot do without."""
    of_the_run: bool = False
    """The paths given to the step are outputs of others, not raw files."""

    def list_raw(self) -> list[Path]:
        """Return the raw paths among the arguments."""
        given = [v if isinstance(v, list) else [v] for v in self.arguments.values()]
        return [one for values in given for one in values if isinstance(one, Path)]

    def load(self, argument: str, annotation: Any, paths: Sequence[Path]) -> None:
        """Load the files given for an argument."""
        is_raw = takes_paths(annotation)
        loaded: list[Any] = []
        for path in paths:
            if is_raw and not self.of_the_run:
                loaded.append(Path(path))
                continue
            with _guard_loading(path):
                attributes = _read_attributes(Path(path))
                self.carried.add(attributes)
                lost = attributes.get("lost")
                found = store.load(path) if not (is_raw or lost) else Path(path)
            if is_raw or not lost:
                loaded.append(found)
            elif not takes_many(annotation) and not takes_none(annotation):
                self.lost.append(json.loads(lost))
        if takes_many(annotation):
            self.arguments[argument] = loaded
        else:
            self.arguments[argument] = loaded[0] if loaded else None


@contextmanager
def _guard_loading(path: Path) -> Iterator[None]:
    """Turn an exception of loading what another step wrote into a fault of that file."""
    try:
        yield
    except Exception as error:
        atomic_write.raise_machine_fault(error)
        raise UnforeseenFault(path, "loading it", error, raw_files.REMAKE) from error


def _prepare_call(
    call: StepCall,
    name: str,
    function: Callable[..., Any],
    inputs: Inputs,
    options: Mapping[str, Any] | None,
    labels: Mapping[str, Any] | None,
) -> None:
    """Load a step's inputs and build its options."""
    hints = read_hints(function)
    parameters = inspect.signature(function).parameters
    given = dict(options or {})
    # Sections that several stages share stand under their own names among the options.
    shared = {key: given.pop(key) for key in list(given) if _is_section(hints.get(key))}
    for argument in parameters:
        if argument == "options":
            call.arguments["options"] = opts.build_options(hints["options"], given, name)
        elif argument in shared:
            place = f"{name}.{argument}"
            call.arguments[argument] = opts.build_options(hints[argument], shared[argument], place)
        elif argument == "labels":
            call.arguments["labels"] = dict(labels or {})
        elif argument in inputs:
            call.load(argument, hints[argument], inputs[argument])
        elif takes_many(hints[argument]):
            call.arguments[argument] = []
        elif takes_none(hints[argument]):
            call.arguments[argument] = None
    unused = sorted(set(inputs) - set(call.arguments))
    if unused:
        raise TypeError(f"{name} takes no argument {', '.join(unused)}")


def _is_section(annotation: Any) -> bool:
    """Return whether an argument is a section of options."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def _read_attributes(path: Path) -> Mapping[str, Any]:
    """Return what an output of another step passes on: ``synthetic``, ``set_aside``, ``lost``."""
    if path.suffix == ".nc":
        import h5netcdf

        with h5netcdf.File(path, "r") as file:
            return {k: file.attrs[k] for k in ("synthetic", "set_aside", "lost") if k in file.attrs}
    if path.suffix == ".json" and path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        return typing.cast("Mapping[str, Any]", content.get("labels", {}))
    return {}


def _carry_result(result: Any, output: Path, carried: Carried) -> list[Fault]:
    """Add what the result itself states; return the faults that it set aside."""
    attributes = getattr(result, "attrs", {}) if output.suffix == ".nc" else {}
    faults: list[Fault] = json.loads(attributes.get("set_aside", "[]"))
    carried.synthetic = carried.synthetic or bool(int(attributes.get("synthetic", 0)))
    carried.set_aside += faults
    return faults


@dataclass(frozen=True, kw_only=True)
class _OutputWriter:
    """Writes the outputs of one call of a step."""

    paths: Sequence[Path]
    made_by: Mapping[str, Any]
    labels: Mapping[str, Any]
    carried: Carried

    @property
    def measurement(self) -> str:
        """The measurement, or phase, of the step; empty if it has none."""
        return str(self.labels.get("measurement", self.labels.get("phase", "")))

    def write(self, results: Sequence[Any]) -> None:
        """Write one result per output; among conclusions a row for each fault that was carried."""
        labels = {**self.labels, **self.carried.as_attributes()}
        for result, path in zip(results, self.paths, strict=True):
            if path.suffix == ".json" and isinstance(result, list):
                rows = [
                    row
                    for fault in self.carried.set_aside
                    if fault.get("verdict") == Verdict.FAILED
                    and (row := _conclude_lost(fault, self.measurement)) not in result
                ]
                result = [*result, *rows]
            store.save(result, path, self.made_by, labels)

    def write_lost(self, fault: Fault) -> None:
        """Write outputs that only hold the reason why there is no result."""
        labels = {**self.labels, **self.carried.as_attributes(), "lost": json.dumps(fault)}
        for path in self.paths:
            empty = _make_empty(fault, path.suffix, self.measurement)
            store.save(empty, path, self.made_by, labels)

    def report_lost(self, fault: BadInput) -> StepReport:
        """Write outputs without a result; return what is said of it."""
        word, record = "set aside", fault.as_record()
        if isinstance(fault, UnforeseenFault):
            word, record = "failed", {**record, "measurement": self.measurement}
        self.carried.set_aside.append(record)
        self.write_lost(record)
        return StepReport(message=f"{word}: {fault}")


def _conclude_lost(fault: Fault, measurement: str) -> Conclusion:
    """Return the row of a measurement whose result is missing for a fault: its own, or that of
    another measurement which it needs."""
    reason = f"{fault['where']}: {fault['problem']}; {fault['remedy']}"
    verdict = Verdict.SET_ASIDE
    if fault.get("verdict") == Verdict.FAILED:
        verdict = Verdict.FAILED
        of = fault.get("measurement", measurement)
        if of and of != measurement:
            verdict, reason = Verdict.SKIPPED, f"needs {of}, which failed: {reason}"
    return Conclusion("measurement", verdict=verdict, reason=reason, subject=measurement)


def _make_empty(fault: Fault, suffix: str, measurement: str) -> Any:
    """Return the content of an output of this kind without a result."""
    reason = f"{fault['where']}: {fault['problem']}; {fault['remedy']}"
    if suffix == ".nc":
        import xarray as xr

        return xr.Dataset()
    if suffix == ".csv":
        import pandas as pd

        return pd.DataFrame({"set_aside": [reason]})
    if suffix == ".json":
        return [_conclude_lost(fault, measurement)]
    # A folder: nothing to list, but the note on how it was made, which says why.
    return "" if suffix == ".html" else {"index.txt": ""}


def format_command(
    name: str,
    inputs: Inputs,
    outputs: Sequence[Path],
    options: str = "{}",
    labels: str = "{}",
) -> str:
    """Return the shell command that runs a step by hand, quoted; `options` and `labels` are
    JSON."""
    words = [sys.executable, "-m", "ssbchar", "step", name]
    words += [f"{argument}={path}" for argument, paths in inputs.items() for path in paths]
    words += ["--options", options, "--labels", labels, "--output", *map(str, outputs)]
    return shlex.join(words)
