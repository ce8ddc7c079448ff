"""Cases: each is drawn from a seed and a number, and runs in a process of its own."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import resource
import selectors
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import BadInput, UnforeseenFault

from .corpus import Numbers, Subject, list_subjects
from .mutations import GONE, MUTATIONS, Expected, Mutation

SECONDS = 20.0
"""Processor time of one case [s]."""
SECONDS_BY_THE_CLOCK = 60.0
"""Time of one case [s]; something that waits for ever takes no processor time."""
BYTES = 2e9
"""Memory that one case may add [byte]."""


class Outcome(StrEnum):
    """How a case went."""

    SAME = "same numbers"
    OTHER = "other numbers"
    """Allowed: what the file says has changed."""
    REFUSED = "refused"
    UNFORESEEN = "caught by the guard"
    """One line, but of an exception that nobody foresaw."""
    TRACEBACK = "traceback"
    HANG = "hang"
    MEMORY = "memory"
    CRASH = "crash"
    WRONG = "wrong numbers"


BAD = (Outcome.TRACEBACK, Outcome.HANG, Outcome.MEMORY, Outcome.CRASH, Outcome.WRONG)
"""Outcomes that must not be."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case and how it went."""

    seed: int
    number: int
    reader: str
    subject: str
    mutation: str
    outcome: Outcome = Outcome.SAME
    said: str = ""
    seconds: float = 0.0


class Fuzzer:
    """The sound files with what they hold, from which cases are drawn."""

    def __init__(self) -> None:
        self.subjects = list_subjects()
        self.readers = list(dict.fromkeys(subject.reader for subject in self.subjects))
        self.sound: dict[tuple[str, str], Numbers] = {}
        for subject in self.subjects:
            with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
                numbers = self._read(subject, subject.write(Path(folder)))
            self.sound[subject.reader, subject.name] = numbers

    @staticmethod
    def _read(subject: Subject, path: Path) -> Numbers:
        # In forks a process keeps what it imported; what a reader prints is no result.
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(sys.stderr):
            return subject.read(path)

    def draw(self, seed: int, number: int) -> tuple[Subject, Mutation, random.Random]:
        """Return what a case does, the same for the same seed and number."""
        chance = random.Random(f"{seed}:{number}")
        # Readers take turns, so that each has as many cases.
        reader = self.readers[number % len(self.readers)]
        subject = chance.choice([one for one in self.subjects if one.reader == reader])
        mutation = chance.choice([one for one in MUTATIONS if subject.is_text or not one.for_text])
        return subject, mutation, chance

    def run(self, seed: int, number: int) -> Case:
        """Run one case in a process of its own."""
        subject, mutation, _ = self.draw(seed, number)
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
            outcome, said = _run_apart(lambda: self.judge(seed, number, Path(folder)))
            said = said.replace(folder, "")
        return Case(
            seed=seed,
            number=number,
            reader=subject.reader,
            subject=subject.name,
            mutation=mutation.name,
            outcome=outcome,
            said=said,
            seconds=round(time.monotonic() - start, 2),
        )

    def judge(self, seed: int, number: int, folder: Path) -> tuple[Outcome, str]:
        """Spoil, read, compare; return the outcome and what was said."""
        subject, mutation, chance = self.draw(seed, number)
        path = subject.write(folder)
        spoilt = [path]
        if subject.spoil:
            spoilt = sorted(p for p in folder.glob(subject.spoil) if p.is_file())
        target = chance.choice(spoilt)
        alone = len(spoilt) == 1
        changed = mutation.apply(target, chance)
        try:
            found = self._read(subject, path)
        except UnforeseenFault as fault:
            return Outcome.UNFORESEEN, str(fault)
        except BadInput as fault:
            return Outcome.REFUSED, str(fault)
        sound = self.sound[subject.reader, subject.name]
        same = _are_same(found, sound, folder)
        expected = mutation.expected if changed else Expected.SAME
        if same:
            return Outcome.SAME, ""
        where = f"{target.name}: {_describe_difference(found, sound)}"
        if alone and mutation.name in GONE:
            return Outcome.WRONG, f"numbers of nothing: {where}"
        if expected is Expected.ANYTHING:
            return Outcome.OTHER, where
        told = found.get("_told") != sound.get("_told")
        if expected is Expected.PREFIX and (told or _are_first(found, sound)):
            return Outcome.OTHER, where
        return Outcome.WRONG, where


def _are_same(found: Numbers, sound: Numbers, folder: Path) -> bool:
    names = {name for name in (*found, *sound) if name != "_told"}
    return all(_is_same(found.get(name), sound.get(name)) for name in names)


def _is_same(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        if one.shape != two.shape:
            return False
        if one.dtype.kind in "fc" and two.dtype.kind in "fc":
            return bool(np.array_equal(one, two, equal_nan=True))
        return bool(np.array_equal(one, two)) or one.dtype.kind not in "iufcb"
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        return False
    return _strip_paths(one) == _strip_paths(two)


def _strip_paths(value: Any) -> str:
    """Return a text without the folder that its paths lead through."""
    words = str(value).split("'")
    return "'".join(word.rpartition("/")[2] if "fuzz" in word else word for word in words)


COUNTS = ("n_points",)
"""Numbers that say how many others there are."""


def _are_first(found: Numbers, sound: Numbers) -> bool:
    """Return whether each array holds the first numbers of the sound file."""
    for name, values in found.items():
        if (
            name in ("_told", *COUNTS)
            or not isinstance(values, np.ndarray)
            or values.dtype.kind not in "fiuc"
        ):
            continue
        whole = sound.get(name)
        if not isinstance(whole, np.ndarray) or whole.ndim != values.ndim:
            return False
        if any(a > b for a, b in zip(values.shape, whole.shape, strict=True)):
            return False
        first = whole[tuple(slice(size) for size in values.shape)]
        if not np.array_equal(values, first, equal_nan=values.dtype.kind in "fc"):
            return False
    return True


def _describe_difference(found: Numbers, sound: Numbers) -> str:
    different = [
        name
        for name in sorted({*found, *sound} - {"_told"})
        if not _is_same(found.get(name), sound.get(name))
    ]
    return f"{', '.join(different[:6])} differ"


def _run_apart(work: Any) -> tuple[Outcome, str]:
    """Run a function in a fork with limits of time and memory; return what it returns."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _work_in_fork(work, writer)
    os.close(writer)
    content, in_time = _receive(reader)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    _, status, _ = os.wait4(child, 0)
    if not in_time:
        return Outcome.HANG, f"no end after {SECONDS_BY_THE_CLOCK:.0f} s"
    if content:
        outcome, said = json.loads(content)
        return Outcome(outcome), said
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return Outcome.HANG, f"{SECONDS:.0f} s of processor time"
    return Outcome.CRASH, f"ended by status {status}"


def _receive(reader: int) -> tuple[bytes, bool]:
    content, end = b"", time.monotonic() + SECONDS_BY_THE_CLOCK
    with selectors.DefaultSelector() as selector, open(reader, "rb", buffering=0) as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                return content, False
            block = pipe.read(65536)
            if not block:
                return content, True
            content += block


def _work_in_fork(work: Any, writer: int) -> None:
    """Do the work, send its result, and leave."""
    # What libraries print belongs to no result.
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS) + 1))
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    if pages:
        most = int(pages * resource.getpagesize() + BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        result = work()
    except MemoryError as error:
        result = (Outcome.MEMORY, str(error))
    except BaseException as error:
        place = ""
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if "ssbchar/" in code.co_filename:
                place = f" in {code.co_filename.rpartition('ssbchar/')[2]}:{trace.tb_lineno}"
            trace = trace.tb_next
        result = (Outcome.TRACEBACK, f"{type(error).__name__}{place}: {str(error)[:200]}")
    with open(writer, "wb") as pipe:
        pipe.write(json.dumps(result).encode())
    os._exit(0)


def run_cases(seed: int, numbers: Iterable[int], fuzzer: Fuzzer | None = None) -> Iterator[Case]:
    """Yield the cases of a seed."""
    fuzzer = fuzzer or Fuzzer()
    for number in numbers:
        yield fuzzer.run(seed, number)


def write_case(case: Case) -> str:
    """Return a case as a line of JSON."""
    return json.dumps(asdict(case)) + "\n"


def write_head(commit: str) -> str:
    """Return the first line of a results file."""
    return json.dumps({"commit": commit}) + "\n"


def read_cases(path: Path) -> tuple[str, list[Case]]:
    """Return the commit and the cases of a results file."""
    head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return head["commit"], [Case(**{**x, "outcome": Outcome(x["outcome"])}) for x in lines]


def describe_case(case: Case) -> str:
    """Return a case in one line."""
    what = f"{case.seed}:{case.number} {case.reader}, {case.subject}, {case.mutation}"
    return f"{what}: {case.outcome}: {case.said}"
