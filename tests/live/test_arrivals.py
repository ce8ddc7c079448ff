"""A file is given out once it is whole: not while it grows, not empty, again if it is written
anew."""

import os
from pathlib import Path

import pytest

from ssbchar.live import arrivals


class Folder:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.arrivals = arrivals.Arrivals(lambda: sorted(place.iterdir()), steady=1.0)
        self.now = 100.0

    def write(self, name: str, text: str) -> None:
        path = self.place / name
        path.write_text(text)
        # Two writes within the clock's tick of a file system must differ all the same.
        ns = int(self.now * 1e9) + len(text)
        os.utime(path, ns=(ns, ns))

    def look(self, after: float = 0.6) -> list[str]:
        self.now += after
        self.found = self.arrivals.look(self.now)
        return [one.path.name for one in self.found]

    def accept(self) -> None:
        for one in self.found:
            self.arrivals.accept(one)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_file_is_given_out_when_it_is_the_same_for_a_while(folder: Folder) -> None:
    folder.write("a", "half")
    assert folder.look() == []
    folder.write("a", "half and more")
    assert folder.look() == [] and folder.look() == []
    assert folder.look() == ["a"]
    folder.accept()
    assert folder.look() == [] and folder.arrivals.waiting == []


def test_one_look_is_never_enough(folder: Folder) -> None:
    folder.write("a", "whole")
    assert folder.look(after=60) == []
    assert folder.look(after=60) == ["a"]


def test_an_empty_file_waits(folder: Folder) -> None:
    folder.write("a", "")
    assert [folder.look() for _ in range(5)] == [[]] * 5
    assert len(folder.arrivals.waiting) == 1


def test_files_come_in_order_and_one_that_grows_holds_up_no_other(folder: Folder) -> None:
    for name in "bca":
        folder.write(name, "whole")
    folder.look()
    folder.look()
    folder.write("b", "whole, and longer")
    assert folder.look() == ["a", "c"]


def test_a_file_that_was_written_anew_is_given_out_again(folder: Folder) -> None:
    folder.write("a", "whole")
    while folder.look() != ["a"]:
        pass
    folder.accept()
    folder.write("a", "another one")
    assert "a" in [name for _ in range(5) for name in folder.look()]


def test_taken_files_of_a_large_folder_are_looked_at_in_turn(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LOOKED_AT_AGAIN", 3)
    names = [f"{n:02d}" for n in range(10)]
    for name in names:
        folder.write(name, "whole")
    while not folder.look():
        pass
    folder.accept()
    folder.write("08", "another one")
    assert "08" in [name for _ in range(8) for name in folder.look()]


def test_what_cannot_be_read_is_tried_again_and_given_up_in_the_end(folder: Folder) -> None:
    folder.write("a", "not readable")
    folder.look()
    tries = []
    while not tries or tries[-1]:
        if folder.look(after=0.5):
            tries.append(folder.arrivals.put_off(folder.found[0], folder.now))
    # Once in a second, not at each look.
    assert 3 < len(tries) < 7


def test_what_was_there_before_is_told_from_what_came(folder: Folder) -> None:
    folder.write("a", "before")
    folder.look()
    folder.write("b", "after")
    folder.look()
    folder.look()
    assert {one.path.name: one.was_there for one in (folder.look(), folder.found)[1]} == {
        "a": True,
        "b": False,
    }


def test_a_file_that_is_gone_is_waited_for_no_longer(folder: Folder) -> None:
    folder.write("a", "whole")
    folder.look()
    (folder.place / "a").unlink()
    folder.look()
    assert folder.arrivals.waiting == []
