"""The web server of public/: what lies there and nothing else, with what a browser has to be told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread

import pytest

from flows.site import HEADERS, Site, site
from survey.errors import UsageError


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Site]:
    """A published wave as `flows.publish` lays it out, private work beside it, and links that lead there."""
    version = tmp_path / "public" / "town" / ".versions" / "w1-1"
    version.mkdir(parents=True)
    (tmp_path / "public" / "index.html").write_text("surveys")
    (version / "zh.html").write_text("报告", encoding="utf-8")
    (version / "figures.csv").write_text("a,b\n")
    (version / "page.php").write_text("<html>")
    (tmp_path / "public" / "town" / "w1").symlink_to(".versions/w1-1", target_is_directory=True)
    work = tmp_path / "data" / "work"
    work.mkdir(parents=True)
    (work / "pseudonym.key").write_text("secret")
    (tmp_path / "public" / "out").symlink_to(work, target_is_directory=True)
    (tmp_path / "public" / "key.html").symlink_to(work / "pseudonym.key")
    with site(tmp_path / "public", port=0) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


def ask(pages: Site, path: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    """The answer to a path that no client has tidied."""
    connection = HTTPConnection(*pages.server_address[:2], timeout=10)  # type: ignore[arg-type]
    connection.request(method, path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("/", "text/html; charset=utf-8", b"surveys"),
        ("/town/w1/zh.html", "text/html; charset=utf-8", "报告".encode()),
        ("/town/w1/zh.html?x=1", "text/html; charset=utf-8", "报告".encode()),
        ("/town/w1/figures.csv", "text/csv; charset=utf-8", b"a,b\n"),
        ("/town/w1/page.php", "application/octet-stream", b"<html>"),
    ],
)
def test_what_is_published_is_served_with_its_kind(pages: Site, path: str, kind: str, content: bytes) -> None:
    answer, found = ask(pages, path)
    assert (answer.status, answer.headers["Content-Type"], found) == (200, kind, content)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "Python" not in (answer.headers["Server"] or "")


@pytest.mark.parametrize(
    "path",
    [
        "/town/",  # no page in it, and no list of it
        "/town/.versions/",
        "/town/.versions/w1-1/zh.html",
        "/../data/work/pseudonym.key",
        "/%2e%2e/data/work/pseudonym.key",
        "/town/..%2f..%2fdata/work/pseudonym.key",
        "//data/work/pseudonym.key",
        "/out/pseudonym.key",
        "/key.html",
        "/town/w1/zh.html/",
        "/index.html%00.csv",
        "/town/..%5c..%5cdata",
        "/nothing",
    ],
)
def test_nothing_else_is(pages: Site, path: str) -> None:
    answer, found = ask(pages, path)
    assert answer.status == 404
    assert b"secret" not in found
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_taken(pages: Site, method: str) -> None:
    assert ask(pages, "/index.html", method)[0].status == 501


def test_a_folder_without_a_page_or_a_taken_port_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is nothing to show yet"):
        site(tmp_path / "public")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="Nobody can be served"):
            site(tmp_path, port=other.getsockname()[1])
