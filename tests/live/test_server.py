"""The page comes from this machine, to this machine, and brings everything with it."""

import http.client
import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from ssbchar.errors import BadInput
from ssbchar.live.server import Board, read_page, serve


@pytest.fixture
def served() -> Iterator[tuple[Board, str]]:
    board = Board()
    with serve(board, read_page("a <run>"), 0) as address:
        yield board, address


def ask(address: str, path: str, host: str = "") -> tuple[int, bytes, dict[str, str]]:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def test_page_and_state_are_served(served: tuple[Board, str]) -> None:
    board, address = served
    status, page, headers = ask(address, "/")
    assert status == 200 and b"a &lt;run&gt;" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    board.publish({"measurements": [1]})
    status, state, _ = ask(address, "/state.json?known=-1")
    assert json.loads(state) == {"version": 1, "measurements": [1]}
    assert ask(address, "/state.json?known=1")[:2] == (204, b"")
    assert ask(address, "/state.json?known=x")[0] == 200
    assert board.is_looked_at
    assert ask(address, "/etc/passwd")[0] == 404


def test_the_page_fetches_nothing_from_elsewhere() -> None:
    page = read_page("run")
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert not re.findall(r"url\(|@import|<link(?! rel=\"icon\" href=\"data:)", page)
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "/*" not in re.sub(r"/\*[^*]*\*/", "", page)


def test_a_name_of_elsewhere_is_refused(served: tuple[Board, str]) -> None:
    address = served[1]
    port = urlsplit(address).port
    assert address.startswith("http://127.0.0.1:")
    assert ask(address, "/", f"localhost:{port}")[0] == 200
    assert ask(address, "/state.json", f"evil.example:{port}")[0] == 403


def test_a_port_that_is_taken_is_told(served: tuple[Board, str]) -> None:
    port = urlsplit(served[1]).port
    assert port
    with pytest.raises(BadInput, match="--port"), serve(Board(), "", port):
        pass
