"""The page of a watch, served to this machine alone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ssbchar.errors import BadInput

ADDRESS = "127.0.0.1"
"""Other machines are not answered: an ssh tunnel brings the page to them."""
HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Names by which a browser may ask; a page of elsewhere that points its name here is refused."""
RECENTLY = 10.0
"""Time since a request for which somebody is taken to look [s]."""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched from anywhere else."""


class Board:
    """What is shown now; written by the watch, read by the threads of the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version, self._state = 0, b"{}"
        self._asked = 0.0

    def publish(self, state: dict[str, Any]) -> None:
        """Show a state, plain data, in place of the one before."""
        with self._lock:
            self._version += 1
            self._state = json.dumps({"version": self._version, **state}).encode()

    def read(self, known: int) -> bytes | None:
        """Return the state as JSON; None where it is the version that is known."""
        with self._lock:
            self._asked = time.monotonic()
            return None if known == self._version else self._state

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody has asked for it recently."""
        return time.monotonic() - self._asked < RECENTLY


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    board: Board
    page: bytes


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the page, or with the state if it is newer than the one known."""
        asked = urlsplit(self.path)
        host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
        if host not in HOSTS:
            self._answer(HTTPStatus.FORBIDDEN, b"ask for localhost\n", "text/plain")
        elif asked.path == "/":
            self._answer(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        elif asked.path == "/state.json":
            known = parse_qs(asked.query).get("known", ["-1"])[0]
            state = self.server.board.read(int(known) if known.isdigit() else -1)
            if state is None:
                self._answer(HTTPStatus.NO_CONTENT, b"", "application/json")
            else:
                self._answer(HTTPStatus.OK, state, "application/json")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"there is / and /state.json\n", "text/plain")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is for what arrives."""


@contextmanager
def serve(board: Board, page: str, port: int) -> Iterator[str]:
    """Serve a page and the state on a board while the block lasts; give its address, a str.

    Parameters
    ----------
    board : Board
    page : str
        HTML.
    port : int
        0 takes any that is free.

    Raises
    ------
    BadInput
        The port is taken.
    """
    try:
        server = _Server((ADDRESS, port), _Handler)
    except OSError as error:
        problem = f"the page cannot be served there ({error.strerror})"
        raise BadInput(f"port {port}", problem, "give another --port, 0 for any") from None
    server.board, server.page = board, page.encode()
    thread = threading.Thread(target=server.serve_forever, name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{ADDRESS}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def read_page(title: str) -> str:
    """Return the page: one file, with style and script in it; `title` is a str, the run's name."""
    import html

    folder = Path(__file__).parent
    names = ("page.html", "page.css", "page.js")
    page, css, script = ((folder / name).read_text(encoding="utf-8") for name in names)
    values = {"/*STYLE*/": css, "/*SCRIPT*/": script}
    for mark, text in values.items():
        page = page.replace(mark, text)
    return page.replace("RUN_NAME", html.escape(title))
