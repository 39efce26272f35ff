"""A load generator that costs little: one process, kept-alive connections, one request under way on each."""

from __future__ import annotations

import heapq
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What a run saw: requests answered a second, latencies in milliseconds, and how often each status came."""

    per_second: float
    p50_ms: float
    p95_ms: float
    statuses: dict[int, int]


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request: bytes, due: float = 0.0) -> None:
        self.buffer = b""
        self.sent_at = due or time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status once the whole answer is here, else None. Raises ConnectionError when the server hangs up."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.buffer += chunk
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        start = lower.find(b"content-length:")
        length = int(lower[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        return int(head[9:12]) if len(body) >= length else None


def load_run(*, port: int, seconds: float, connections: int, request: Callable[[], bytes], every: float = 0.0) -> Load:
    """Send what `request()` makes for `seconds` over connections to 127.0.0.1, each waiting for its answer.

    With `every`, a connection sends once in so many seconds, as a person does; an answer counts from when it was due,
    so that one who is kept waiting is not left out of the figures.
    """
    poll = selectors.DefaultSelector()
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    opened = [_Connection(port) for _ in range(connections)]
    started = time.perf_counter()
    end = started + seconds
    due: list[tuple[float, int]] = []  # when a connection sends next, and which
    for place, connection in enumerate(opened):
        poll.register(connection.socket, selectors.EVENT_READ, place)
        due.append((started + every * place / connections, place))
    under_way = len(opened)
    while under_way:
        while due and due[0][0] <= time.perf_counter():
            at, place = heapq.heappop(due)
            opened[place].send(request(), at if every else 0.0)
        for key, _ in poll.select(timeout=max(0.0, due[0][0] - time.perf_counter()) if due else 30):
            connection = opened[key.data]
            status = connection.receive()
            if status is None:
                continue
            now = time.perf_counter()
            latencies.append(now - connection.sent_at)
            statuses[status] = statuses.get(status, 0) + 1
            following = connection.sent_at + every
            if max(now, following if every else 0.0) >= end:
                under_way -= 1
                poll.unregister(connection.socket)
                connection.socket.close()
            elif every:
                heapq.heappush(due, (following, key.data))
            else:
                connection.send(request())
    took = time.perf_counter() - started
    latencies.sort()
    return Load(
        per_second=len(latencies) / took,
        p50_ms=1000 * latencies[len(latencies) // 2],
        p95_ms=1000 * latencies[int(len(latencies) * 0.95)],
        statuses=statuses,
    )


def request_bytes(
    method: str, path: str, *, token: str = "", body: bytes = b"", key: str = "", prefer: str = ""
) -> bytes:
    """A whole HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if key:
        lines.append(f"Idempotency-Key: {key}")
    if prefer:
        lines.append(f"Prefer: {prefer}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
