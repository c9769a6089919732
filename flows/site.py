"""A web server for public/ on this machine: files as they lie there, nothing beside them, no list of a folder."""

from __future__ import annotations

import os
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from survey.errors import UsageError

LOOPBACK = "127.0.0.1"
PORT = 8080
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What a page may load stands in the page itself; that no other page frames it can only be said here.
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cache-Control": "no-cache",  # ask whether it changed: a publication has to be seen at once
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
OTHER = "application/octet-stream"
SECONDS = 30.0
"""A reader who says nothing for so long is hung up on."""


class Reader(SimpleHTTPRequestHandler):
    """GET and HEAD of one file below the folder."""

    server_version, sys_version = "anxin", ""
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def translate_path(self, path: str) -> str:
        """The file that is meant, "" where it is none of the folder's: hidden, or led out of it by a link."""
        public = Path(self.directory).resolve()
        parts = unquote(urlsplit(path).path, errors="replace").split("/")
        if "\0" in path or any(part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return ""
        found = public.joinpath(*filter(None, parts))
        if not found.resolve().is_relative_to(public):
            return ""
        return f"{found}/" if path.endswith("/") else str(found)  # only a folder may end in one

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 (http.server calls it so)
        """A folder without a page is told like a file that is not there."""
        self.send_error(404)

    def guess_type(self, path: Any) -> str:
        """The kinds of files of a publication; anything else is only handed over."""
        return TYPES.get(Path(str(path)).suffix.lower(), OTHER)

    def end_headers(self) -> None:
        """Say with every answer what a browser may do with it."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        """Nobody's reading is written down."""


class Site(ThreadingHTTPServer):
    """The server, bound and not yet serving; a thread a reader, none of which keeps the program from ending."""

    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader who went away in the middle is no news."""


def site(public: Path, host: str = LOOPBACK, port: int = PORT) -> Site:
    """The web server of a folder.

    Args: port: 0 for any that is free.   Raises: UsageError: the folder is not there, or the port is taken.
    """
    if not public.is_dir():
        raise UsageError(
            "There is nothing to show yet",
            where="{folder}",
            hint="`anxin run SURVEY` publishes a report",
            folder=public,
        )

    class Here(Reader):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=os.fspath(public), **kwargs)

    try:
        return Site((host, port), Here)
    except OSError:
        raise UsageError(
            "Nobody can be served at {host}:{port}",
            expected="an address of this machine and a port that is free",
            hint="name another with --port",
            host=host,
            port=port,
        ) from None
