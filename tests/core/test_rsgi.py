"""What the web server is asked reaches WSGI as PEP 3333 has it, and the answer comes back; over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.runtime.ports import port_any
from tests.faults.machines import eventually

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """granian with the application that says what it was asked."""
    chosen = port_any()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "rsgi", "--no-ws", "--host", "127.0.0.1"),
            *("--port", str(chosen), "--workers", "1", "--workers-kill-timeout", "2", "--log-level", "error"),
            "tests.core.web_echo:application",
        ],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: listens(chosen))
        yield chosen
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def raw(port: int, request: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request)
        answer = http.client.HTTPResponse(line, method=request.split(b" ", 1)[0].decode())
        answer.begin()
        return answer.status, answer.headers, answer.read()


HOST = b"Host: bank.example\r\n"


@pytest.mark.parametrize(
    ("request_line", "headers", "body", "expected"),
    [
        (
            b"GET /a%20b/%C3%A9?q=%C3%A9&r=1", b"X-Two: 1\r\nX-Two: 2\r\nCookie: a=1\r\nCookie: b=2\r\n", b"",
            {"PATH_INFO": "/a b/Ã©", "QUERY_STRING": "q=%C3%A9&r=1", "HTTP_X_TWO": "1,2", "HTTP_COOKIE": "a=1;b=2",
             "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "SERVER_PROTOCOL": "HTTP/1.1", "size": 0},
        ),
        (b"GET /", b"X_Forwarded_For: 9.9.9.9\r\n", b"", {"HTTP_X_FORWARDED_FOR": None, "HTTP_HOST": "bank.example"}),
        (
            b"POST /", b"Content-Type: text/plain\r\nContent-Length: 3\r\n", b"abc",
            {"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3", "size": 3},
        ),
        (b"POST /", b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", {"size": 7}),
        (b"POST /", b"Content-Length: 3000000\r\n", b"x" * 3_000_000, {"size": 3_000_000}),
        (b"PUT /slow", b"Content-Length: 100000\r\n", b"x" * 100_000, {"REQUEST_METHOD": "PUT", "size": 100_000}),
    ],
    ids=["names", "another header's name", "body", "chunks", "large", "held up"],
)  # fmt: skip
def test_a_request_arrives_whole(
    port: int, request_line: bytes, headers: bytes, body: bytes, expected: dict[str, object]
) -> None:
    status, found, content = raw(port, request_line + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body)
    asked = json.loads(content)
    assert status == 200
    assert {name: asked.get(name) for name in expected} == expected
    assert found.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_answers_come_back_whole(port: int) -> None:
    assert raw(port, b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n")[2] == b"x" * 1_000_000
    status, found, content = raw(port, b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (status, content) == (200, b"")
    assert int(found["Content-Length"]) > 100
    status, _, content = raw(port, b"GET /fails HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (status, b"on purpose" in content) == (500, False)


def test_who_hangs_up_harms_nobody(port: int) -> None:
    for path in (b"POST /", b"GET /stream", b"GET /slow"):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 50\r\n\r\nabc")
    assert raw(port, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 200
