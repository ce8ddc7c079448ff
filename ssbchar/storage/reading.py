"""The guard around reading raw files: whatever happens while a file is read becomes one line about
that file, and no file may hang the run or fill the memory.

Faults of the machine (`atomic_write.find_machine_fault`) and interrupts pass through: they are no
fault of the file.

Notes
-----
Time is processor time (``ITIMER_PROF``), so that slow disks and busy machines do not count; the
timer's signal ends a loop in Python. A loop in a library's machine code ends with the process, by a
second timer that only the process of a step arms (`end_endless_calls`); the workflow then writes
the step's outputs as failed. Memory is address space (``RLIMIT_AS``). Both are there on Linux;
elsewhere, or in a second thread, reading goes on without them.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import logging
import os
import signal
import stat
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

from ssbchar.errors import BadInput, UnforeseenFault
from ssbchar.storage import atomic_write
from ssbchar.storage.options import ReadingLimits

LOG = logging.getLogger(__name__)
"""Gets the traceback of every exception that became a line (level INFO)."""
FORMATTER = logging.Formatter("%(message)s")
MEGABYTE = 1e6
"""[byte]"""
ALWAYS_ALLOWED = 100e6
"""Size up to which the ratio of unpacking is not asked for [byte]."""
UNPACKED_AT_ONCE = 2**20
"""[byte]"""
SECONDS_PER_MEGABYTE = 1.0
"""Added to the time allowed, per MB of the file."""
MEMORY_PER_BYTE = 20
"""Added to the memory allowed, per byte of the file: text takes ten times its size as numbers."""
CRASHES = (
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGVTALRM,
)
"""Signals by which a library ends its process over a damaged file, or the second timer does."""
REMINDER = 0.25
"""Processor time after which a timer whose exception was swallowed raises it again [s]."""
KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
"""What is no regular file."""
COPY_OR_RAISE = "copy it again, leave it out, or raise"
REMEDY = "copy it again if it is damaged, else report it with the traceback in the step's log"
"""Of an exception that nobody foresaw."""

Limits = TypeVar("Limits", bound=ReadingLimits)
_in_force: list[ReadingLimits] = []
"""Limits of the guards around what runs, the innermost last."""
_ends_endless_calls = False
_depth = 0
"""How many guards are around what runs."""


class _OutOfTimeError(BaseException):
    """Raised by the timer; no ``except Exception`` of a library stops it."""


@contextmanager
def guard_reading(
    path: Path, limits: ReadingLimits | None = None, *, by_parts: bool = False
) -> Iterator[None]:
    """Turn every exception of a ``with`` block that reads a file into a `BadInput` about that file.

    Parameters
    ----------
    path : Path
        The file; it must be a regular one, or a link to one.
    limits : ReadingLimits, optional
        What the file may ask for.
    by_parts : bool
        The file is not read at once: its size does not matter.

    Raises
    ------
    BadInput
        The block's own, or the file is no regular one, or asks for more than it may.
    UnforeseenFault
        Any other exception of the block.
    """
    limits = limits or ReadingLimits()
    size = check_size(path, limits) if not by_parts else 0 * check_file(path)
    with guard_folder(path, limits, size):
        yield


def check_size(path: Path, limits: ReadingLimits) -> int:
    """Return the size of a regular file that is not larger than allowed [byte].

    Raises
    ------
    BadInput
        It is larger, or no regular file.
    """
    size = check_file(path)
    if size > limits.file_size * MEGABYTE:
        raise make_limit_fault(
            path, f"has {_in_megabytes(size)}", limits, "file_size", _in_megabytes
        )
    return size


@contextmanager
def guard_folder(path: Path, limits: ReadingLimits, size: int) -> Iterator[None]:
    """Do what `guard_reading` does for a ``with`` block that reads the files of a folder.

    Parameters
    ----------
    path : Path
        The folder, for messages.
    limits : ReadingLimits
        Limits of time and memory; those of the files are the block's own affair.
    size : int
        Size of what is read [byte].

    Raises
    ------
    BadInput
        The block's own, or it takes more than it may.
    UnforeseenFault
        Any other exception of the block.
    """
    caught: BaseException | None = None
    memory = 0.0
    _in_force.append(limits)
    try:
        with limit_time(limits, size), _limit_memory(limits, size) as memory:
            yield
    except (Exception, _OutOfTimeError) as error:
        caught = error
    finally:
        _in_force.pop()
    if caught is None:
        return
    fault = _judge_exception(path, caught, limits, size=size, memory=memory)
    if fault is caught:
        raise fault
    LOG.info("%s", fault, exc_info=caught)
    # Without its cause, which may look like a fault of the machine.
    raise fault from None


@contextmanager
def isolate(where: object, doing: str) -> Iterator[None]:
    """Turn every exception of a ``with`` block into a `BadInput` about one scan, frame or slice.

    Parameters
    ----------
    where : object
        What the block works on.
    doing : str
        What it does: ``checking it``.

    Raises
    ------
    BadInput
        The block's own.
    UnforeseenFault
        Any other exception of the block, faults of the machine aside.
    """
    try:
        yield
    except BadInput:
        raise
    except Exception as error:
        atomic_write.raise_machine_fault(error)
        fault = UnforeseenFault(where, doing, error, REMEDY)
        LOG.info("%s", fault, exc_info=error)
        raise fault from error


def _judge_exception(
    path: Path, error: BaseException, limits: ReadingLimits, *, size: int, memory: float
) -> BaseException:
    """Return what an exception that came of reading a file is raised as."""
    if _is_out_of_time(error):
        seconds = allow_time(limits, size)
        problem = f"reading it did not end within {seconds:.0f} s of processor time"
        return BadInput(path, problem, f"{COPY_OR_RAISE} {limits.PLACE}.time")
    machine = atomic_write.find_machine_fault(error)
    if memory and machine is not None and _is_out_of_memory(machine):
        problem = f"reading it takes more than {_in_megabytes(memory)} of memory"
        return BadInput(path, problem, f"{COPY_OR_RAISE} {limits.PLACE}.memory")
    if machine is not None:
        return machine
    if isinstance(error, BadInput) or not isinstance(error, Exception):
        return error
    return UnforeseenFault(path, "reading it", error, REMEDY)


def _is_out_of_time(error: BaseException | None) -> bool:
    """Return whether the timer's exception is one or behind one: libraries wrap what passes
    them."""
    while error is not None and not isinstance(error, _OutOfTimeError):
        error = error.__cause__ or error.__context__
    return error is not None


def _is_out_of_memory(error: BaseException) -> bool:
    no_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return no_memory or isinstance(error, MemoryError)


def get_limits(kind: type[Limits]) -> Limits:
    """Return the limits of the guard that is around what runs, if they are of this kind; else its
    defaults.

    A format is read by a function of a path alone; limits of what is in the file are asked for
    here.
    """
    limits = _in_force[-1] if _in_force else None
    return limits if isinstance(limits, kind) else kind()


def check_file(path: Path) -> int:
    """Return the size of a regular file [byte].

    Raises
    ------
    BadInput
        There is none: nothing, a link to nothing, a FIFO, socket, device or folder.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        atomic_write.raise_machine_fault(error)
        gone = "is a link to nothing" if os.path.islink(path) else "is not there"
        raise BadInput(path, gone, "copy it again, or leave it out") from None
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise BadInput(path, f"is {kind}, no regular file", "leave it out")
    return found.st_size


def is_regular(path: Path | str) -> bool:
    """Return whether a path is a regular file or a link to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def make_limit_fault(
    where: object,
    problem: str,
    limits: ReadingLimits,
    name: str,
    write: object = None,
) -> BadInput:
    """Return the fault of a file that asks for more than a limit.

    Parameters
    ----------
    where : object
        The file, and the place in it.
    problem : str
        What it asks for.
    limits : ReadingLimits
    name : str
        The limit.
    write : callable, optional
        Words for the limit's value [byte]; without it the number itself.
    """
    value = getattr(limits, name)
    number = str(value) if isinstance(value, int) else f"{value:g}"
    allowed = write(value * MEGABYTE) if callable(write) else number
    return BadInput(
        where,
        f"{problem}, more than the {allowed} allowed",
        f"{COPY_OR_RAISE} {limits.PLACE}.{name}",
    )


def check_unpacked(where: object, unpacked: float, stored: float, limits: ReadingLimits) -> None:
    """Refuse what is stored small and unpacks to too much.

    Parameters
    ----------
    where : object
        The file, and the place in it.
    unpacked, stored : float
        Sizes [byte].
    limits : ReadingLimits

    Raises
    ------
    BadInput
        Above ``unpacked_size``, or above ``unpacked_ratio`` and `ALWAYS_ALLOWED`.
    """
    if unpacked > limits.unpacked_size * MEGABYTE:
        problem = f"unpacks to {_in_megabytes(unpacked)}"
        raise make_limit_fault(where, problem, limits, "unpacked_size", _in_megabytes)
    if unpacked > ALWAYS_ALLOWED and unpacked > limits.unpacked_ratio * stored:
        problem = f"unpacks from {_in_megabytes(stored)} to {_in_megabytes(unpacked)}"
        if stored:
            problem += f", {unpacked / stored:.0f} times as much"
        raise make_limit_fault(where, problem, limits, "unpacked_ratio")


def unpack_gzip(path: Path, content: bytes, limits: ReadingLimits) -> bytes:
    """Return the content of a gzip file within its limits.

    Raises
    ------
    BadInput
        It is damaged, or unpacks to more than `check_unpacked` allows.
    """
    return _unpack(gzip.GzipFile(fileobj=io.BytesIO(content)), path, len(content), limits)


def unpack_file(path: Path, limits: ReadingLimits) -> bytes:
    """Return the content of a file compressed by gzip or bzip2, within its limits.

    Raises
    ------
    BadInput
        It is damaged, or unpacks to more than `check_unpacked` allows.
    """
    is_bzip2 = path.suffix.lower() == ".bz2"
    packed = bz2.BZ2File(path) if is_bzip2 else gzip.GzipFile(path)
    return _unpack(packed, path, path.stat().st_size, limits)


def _unpack(
    packed: gzip.GzipFile | bz2.BZ2File, path: Path, size: int, limits: ReadingLimits
) -> bytes:
    """Return what a compressed file of a size [byte] unpacks to."""
    unpacked = bytearray()
    try:
        with packed:
            while block := packed.read(UNPACKED_AT_ONCE):
                unpacked += block
                check_unpacked(path, len(unpacked), size, limits)
    except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
        atomic_write.raise_machine_fault(error)
        problem = f"cannot be unpacked ({error})"
        raise BadInput(path, problem, "copy it again, or unpack it yourself") from error
    return bytes(unpacked)


def allow_time(limits: ReadingLimits, size: float = 0.0) -> float:
    """Return the processor time [s] that reading a file of a size [byte] may take."""
    return limits.time + SECONDS_PER_MEGABYTE * size / MEGABYTE


@contextmanager
def collect_tracebacks() -> Iterator[list[str]]:
    """Give a list that fills with the traceback of every exception that becomes a line while the
    block lasts."""
    collected: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: collected.append(FORMATTER.format(record))  # type: ignore[method-assign]
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield collected
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)


def find_crash(code: int) -> str | None:
    """Return the signal by which a process ended that left this exit code, if a library's crash or
    the second timer sent it; else None."""
    return next((s.name for s in CRASHES if code in (-s, 128 + s)), None)


def end_endless_calls() -> None:
    """Let the system end this process where reading a file outlasts even the timer's exception: a
    loop in machine code."""
    global _ends_endless_calls
    _ends_endless_calls = True


@contextmanager
def limit_time(limits: ReadingLimits, size: float = 0.0) -> Iterator[None]:
    """Raise in a ``with`` block that takes more processor time than a file of that size [byte]
    may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _depth
    seconds = allow_time(limits, size)
    # The handler stays: a signal on its way when a timer is stopped would end the process.
    if signal.getsignal(signal.SIGPROF) is not _raise_out_of_time:
        signal.signal(signal.SIGPROF, _raise_out_of_time)
    _depth += 1
    left = signal.setitimer(signal.ITIMER_PROF, seconds, REMINDER)
    left_to_end = (0.0, 0.0)
    if _ends_endless_calls:
        left_to_end = signal.setitimer(signal.ITIMER_VIRTUAL, 2 * seconds)
    try:
        yield
    finally:
        # An outer guard goes on with the time it had left.
        signal.setitimer(signal.ITIMER_PROF, *left)
        if _ends_endless_calls:
            signal.setitimer(signal.ITIMER_VIRTUAL, *left_to_end)
        _depth -= 1


def _raise_out_of_time(number: int, frame: FrameType | None) -> None:
    if _depth:
        raise _OutOfTimeError


@contextmanager
def _limit_memory(limits: ReadingLimits, size: int) -> Iterator[float]:
    """Limit the memory that a ``with`` block may add; give how much [byte], 0 where it cannot be
    limited or the machine's own limit is lower."""
    import resource

    used = measure_address_space()
    if not used:
        yield 0.0
        return
    allowed = limits.memory * MEGABYTE + MEMORY_PER_BYTE * size
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = int(used + allowed)
    if soft != resource.RLIM_INFINITY and soft <= wanted:
        yield 0.0
        return
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield allowed
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def measure_address_space() -> int:
    """Return the address space of this process [byte]; 0 where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _in_megabytes(size: float) -> str:
    return f"{size / MEGABYTE:.3g} MB" if size < 1e3 * MEGABYTE else f"{size / 1e9:.3g} GB"
