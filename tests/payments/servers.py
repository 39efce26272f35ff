"""A real HTTP server over the test database, for tests with threads. Data is committed and stays."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing."""


class _Closing(WSGIHandler):
    """Each request has a thread of its own, whose connection ends with it."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        try:
            return super().__call__(environ, start_response)
        finally:
            connections.close_all()


@contextlib.contextmanager
def http_server() -> Iterator[int]:
    """Serves Numina on a free port, one thread a request; gives the port."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet, ipv6=False)
    server.daemon_threads = True
    server.request_queue_size = 256
    server.socket.listen(256)
    server.set_app(_Closing())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def http_post(port: int, token: str, path: str, body: Any, key: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one POST below /api/v1/."""
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
        caller.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        response = caller.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        caller.close()


def together(count: int, work: Any) -> list[Any]:
    """`work(place)` in `count` threads that start at one moment; the results by place."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = work(place)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
