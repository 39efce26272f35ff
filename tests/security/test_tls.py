"""The shipped proxy configuration: TLS 1.3 only, as a client meets it."""

from __future__ import annotations

import http.server
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.runtime.home import Home
from config.runtime.ports import port_any
from config.runtime.proxy import CADDYFILE, proxy_command, proxy_environment

pytestmark = pytest.mark.runtime

START_SECONDS = 120.0


class _Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers it was sent."""

    def do_GET(self) -> None:
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: Any) -> Iterator[int]:
    """The port of a proxy with a self-made certificate, HSTS as in production."""
    home = tmp_path_factory.mktemp("home")
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = port_any()
    environment = proxy_environment(Home(Path(home)), port=port, upstream_port=upstream.server_port)
    environment.pop("NUMINA_HSTS")
    with (home / "caddy.log").open("wb") as log:
        child = subprocess.Popen(
            proxy_command(), env={"PATH": os.environ["PATH"], "HOME": str(home), **environment}, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                _handshake(port, ssl.TLSVersion.TLSv1_3)
                break
            except OSError:
                assert child.poll() is None, (home / "caddy.log").read_text()
                assert time.monotonic() < deadline, (home / "caddy.log").read_text()
                time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(10)
        upstream.shutdown()
        upstream.server_close()


def _handshake(port: int, version: ssl.TLSVersion, request: bytes = b"") -> tuple[str | None, bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        answer = b""
        if request:
            secure.sendall(request)
            while block := secure.recv(65_536):
                answer += block
        return secure.version(), answer


def test_tls_1_3_is_spoken(proxy: int) -> None:
    assert _handshake(proxy, ssl.TLSVersion.TLSv1_3)[0] == "TLSv1.3"


def test_tls_1_2_is_refused(proxy: int) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version|alert"):
        _handshake(proxy, ssl.TLSVersion.TLSv1_2)


def test_headers_of_clients_do_not_pass_for_the_proxys(proxy: int) -> None:
    request = (
        f"GET / HTTP/1.1\r\nHost: localhost:{proxy}\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: http\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    answer = _handshake(proxy, ssl.TLSVersion.TLSv1_3, request)[1].decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert "strict-transport-security: max-age=31536000; includesubdomains; preload" in head.lower()
    assert "server:" not in head.lower()
    assert "6.6.6.6" not in body
    assert "X-Forwarded-Proto: https" in body


def test_plain_http_is_not_served_on_the_same_port(proxy: int) -> None:
    with socket.create_connection(("127.0.0.1", proxy), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert raw.recv(1024).startswith(b"HTTP/1.0 400")


def test_the_configuration_names_no_older_protocol() -> None:
    assert "protocols tls1.3 tls1.3" in CADDYFILE.read_text()
