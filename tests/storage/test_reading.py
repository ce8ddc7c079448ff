"""The guard around reading: an exception becomes one line about the file; nothing hangs, nothing
fills the memory, no fault of the machine is put on a file."""

import errno
import gzip
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput, UnforeseenFault
from ssbchar.storage import atomic_write, reading
from ssbchar.storage.options import ReadingLimits

QUICK = ReadingLimits(time=0.3)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "raw.dat"
    path.write_text("1 2 3\n")
    return path


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("division by zero"),
        KeyError("x"),
        IndexError("list index"),
        AttributeError("no such"),
        np.linalg.LinAlgError("Singular matrix"),
        RecursionError("too deep"),
        AssertionError(),
        UnicodeDecodeError("utf-8", b"\\xff", 0, 1, "invalid"),
        OSError("Unable to open file (file signature not found)"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_exception_names_the_file_and_its_own_class(raw: Path, error: Exception) -> None:
    with pytest.raises(UnforeseenFault) as caught, reading.guard_reading(raw):
        raise error
    fault = caught.value
    assert fault.where == str(raw)
    assert type(error).__name__ in fault.problem
    assert "\n" not in str(fault)
    assert fault.as_record()["verdict"] == "failed"


def test_a_fault_of_the_reader_stays_as_it_is(raw: Path) -> None:
    said = BadInput(raw, "no column of energies", "name it")
    with pytest.raises(BadInput) as caught, reading.guard_reading(raw):
        raise said
    assert caught.value is said


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        OSError(errno.EIO, "disk"),
        OSError(errno.EMFILE, "files"),
        BrokenProcessPool("killed"),
        KeyboardInterrupt(),
        SystemExit(3),
    ],
    ids=repr,
)
def test_a_fault_of_the_machine_is_not_put_on_the_file(raw: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reading.guard_reading(raw):
        try:
            raise error
        except Exception as first:
            raise BadInput(raw, "it cannot be read", "look") from first
    assert caught.value is error


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        here = os.getcwd()
        os.chdir(path.parent)  # paths of sockets are short
        door.bind(path.name)
        os.chdir(here)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_link_to_nothing(path: Path) -> None:
    path.symlink_to("gone")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_fifo, "a FIFO, no regular file"),
        (make_socket, "a socket, no regular file"),
        (make_device, "a device, no regular file"),
        (make_link_to_nothing, "a link to nothing"),
        (Path.mkdir, "a folder, no regular file"),
        (lambda _: None, "is not there"),
    ],
)
def test_only_regular_files_are_opened(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "1.xye"
    make(path)
    with pytest.raises(BadInput, match=said), reading.guard_reading(path):
        path.read_bytes()


def test_a_link_to_a_regular_file_is_opened(raw: Path) -> None:
    link = raw.with_name("link")
    link.symlink_to(raw)
    with reading.guard_reading(link):
        assert link.read_text() == "1 2 3\n"


def test_a_large_file_is_refused_unless_it_is_read_by_parts(raw: Path) -> None:
    os.truncate(raw, 3_000_000)
    limits = ReadingLimits(file_size=2)
    with pytest.raises(BadInput, match=r"has 3 MB, more than the 2 MB allowed; .*limits.file_size"):
        with reading.guard_reading(raw, limits):
            raise AssertionError("it was read")
    with reading.guard_reading(raw, limits, by_parts=True):
        pass


def search_for_ever() -> None:
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def test_an_endless_loop_ends(raw: Path) -> None:
    begin = time.process_time()
    with pytest.raises(BadInput, match=r"did not end within 0 s .*limits.time"):
        with reading.guard_reading(raw, QUICK):
            search_for_ever()
    assert 0.6 * QUICK.time < time.process_time() - begin < 30 * QUICK.time


def test_an_inner_guard_leaves_the_outer_its_time(raw: Path) -> None:
    with pytest.raises(BadInput, match="did not end"), reading.guard_reading(raw, QUICK):
        with pytest.raises(BadInput, match="did not end"), reading.guard_reading(raw, QUICK):
            search_for_ever()
        search_for_ever()


def test_after_a_guard_no_timer_is_left(raw: Path) -> None:
    with reading.guard_reading(raw, QUICK):
        pass
    begin = time.process_time()
    while time.process_time() - begin < 0.6:
        sum(range(1000))


LOOP = """
import itertools, sys
from pathlib import Path
from ssbchar.storage import reading
from ssbchar.storage.options import ReadingLimits
reading.end_endless_calls()
with reading.guard_reading(Path(sys.argv[1]), ReadingLimits(time=0.2)):
    sum(itertools.count())  # one call that does not come back to Python
"""


@pytest.mark.skipif(sys.platform != "linux", reason="timers of this kind are Linux's")
def test_a_loop_in_machine_code_ends_with_its_process(raw: Path) -> None:
    run = subprocess.run([sys.executable, "-c", LOOP, str(raw)], timeout=60, check=False)
    assert -run.returncode in reading.CRASHES


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_a_file_does_not_fill_the_memory(raw: Path) -> None:
    limits = ReadingLimits(memory=200)
    with pytest.raises(BadInput, match=r"takes more than 200 MB of memory.*limits.memory"):
        with reading.guard_reading(raw, limits):
            np.zeros(10**9)
    with pytest.raises(BadInput, match="of memory") as caught, reading.guard_reading(raw, limits):
        try:
            np.zeros(10**9)
        except MemoryError as error:
            raise OSError("a library's own words") from error
    assert atomic_write.find_machine_fault(caught.value) is None
    np.zeros(4 * 10**7)  # the limit went with the guard


def test_memory_used_up_elsewhere_is_a_fault_of_the_machine(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "measure_address_space", lambda: 0)
    with pytest.raises(MemoryError), reading.guard_reading(raw):
        raise MemoryError


def test_a_packed_file_unpacks_to_what_is_allowed(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(20_000_000))
    with pytest.raises(BadInput, match=r"unpacks to .* more than the 5 MB allowed"):
        reading.unpack_gzip(tmp_path / "a.gz", packed, ReadingLimits(unpacked_size=5))
    assert reading.unpack_gzip(tmp_path, gzip.compress(b"abc"), ReadingLimits()) == b"abc"


def test_the_ratio_of_unpacking_is_asked_of_large_ones() -> None:
    limits = ReadingLimits(unpacked_ratio=100)
    reading.check_unpacked("a", 90e6, 1e3, limits)
    reading.check_unpacked("a", 900e6, 9.1e6, limits)
    with pytest.raises(BadInput, match="unpacked_ratio"):
        reading.check_unpacked("a", 900e6, 8.9e6, limits)
    with pytest.raises(BadInput, match="unpacked_ratio"):
        reading.check_unpacked("a", 900e6, 0, limits)
