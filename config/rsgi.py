"""RSGI entry point, what `make run` and containers start: `granian --interface rsgi config.rsgi:application`.

Every request becomes a WSGI one and goes to `config.wsgi`, which any other server may run as well. The few that are hot
enough are handled in company on one thread (apps/core/gather.py), all others each on a thread of a pool. Small bodies
are read before a thread is taken, so that a slow client keeps nobody from working.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import sentry_sdk
from django.conf import settings
from granian.rsgi import ProtocolClosed, ProtocolError

from config import wsgi  # first: it sets Django up

from apps.core.gather import Gathering  # isort: skip
from config.handlers import may_gather  # isort: skip

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]

SMALL_BODY = 1024 * 1024
GATHERED_BODY = 64 * 1024
BODY_SECONDS = 30
TEXT = [("content-type", "text/plain; charset=utf-8")]
PIECE = 64 * 1024
"""Of a streamed answer, sent at once."""
_ALWAYS: Environ = {
    "SCRIPT_NAME": "",
    "HTTP_HOST": "",
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "wsgi.errors": sys.stderr,
}


@lru_cache(maxsize=1_000)
def _key(header: str) -> str:
    """The environ's name of a header; empty for one with `_`, by which somebody could pass for another header."""
    name = header.upper().replace("-", "_")
    if "_" in header:
        return ""
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"


def environ_of(scope: Any) -> Environ:
    """The request as PEP 3333 has it, without its body."""
    environ = dict(_ALWAYS)
    environ["SERVER_NAME"], _, environ["SERVER_PORT"] = scope.server.rpartition(":")
    environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0].strip("[]")
    environ["REQUEST_METHOD"] = scope.method
    environ["PATH_INFO"] = scope.path.encode().decode("latin-1")
    environ["QUERY_STRING"] = scope.query_string
    environ["SERVER_PROTOCOL"] = f"HTTP/{scope.http_version}"
    environ["wsgi.url_scheme"] = scope.scheme
    if scope.authority is not None:  # of HTTP/2, which has no Host; where there is one, it is what counts
        environ["HTTP_HOST"] = scope.authority
    sent: Environ = {}
    for header, value in scope.headers.items():
        key = _key(header)
        before = sent.get(key)
        sent[key] = value if before is None else f"{before}{';' if key == 'HTTP_COOKIE' else ','}{value}"
    sent.pop("", None)
    environ.update(sent)
    return environ


class _Body(io.RawIOBase):
    """A body that comes while it is read, on another thread than the loop's."""

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = aiter(protocol)
        self._loop = loop
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._ended:
            self._rest = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return bytes(await anext(self._pieces))
        except StopAsyncIteration:
            self._ended = True
            return b""
        except (ProtocolClosed, ProtocolError) as error:
            raise ConnectionError("whoever asked has gone") from error


class _Called:
    """One call of the WSGI application: status and headers, once it has said them, and its answer's pieces."""

    def __init__(self, environ: Environ) -> None:
        self.status, self.headers = 500, TEXT
        self.pieces: Iterable[bytes] = wsgi.application(environ, self._start)

    def _start(self, status: str, headers: Headers, _error: Any = None) -> None:
        self.status = int(status[:3])
        self.headers = [(name.lower(), value.strip()) for name, value in headers]

    def whole(self) -> Answer:
        content = b"".join(self.pieces)
        self.close()
        return self.status, self.headers, content

    def close(self) -> None:
        close = getattr(self.pieces, "close", None)
        if close is not None:
            close()


class Web:
    """The application of one worker process."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="request")
        # Sentry wraps the way of a single request; where it listens, all go it.
        self._gathering = None if sentry_sdk.is_initialized() else Gathering(self._gathered, self._deliver)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        if self._gathering is not None:
            self._gathering.stop()
        self._threads.shutdown(wait=False)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        environ = environ_of(scope)
        try:
            size = await self._body_begin(environ, protocol)
            answer = await self._answer(environ, protocol, size)
        except TimeoutError:
            answer = 408, TEXT, b"The body did not come in time."
        except ProtocolClosed:
            return  # whoever asked has gone
        except Exception:
            logger.exception("%s %s", scope.method, scope.path)
            answer = 500, TEXT, b"Something went wrong here. It is in the log."
        if answer is not None:
            protocol.response_bytes(*answer)

    async def _body_begin(self, environ: Environ, protocol: Any) -> int:
        """Read a small body; prepare to read any other while it comes. Its size, as announced."""
        length = environ.get("CONTENT_LENGTH", "" if "HTTP_TRANSFER_ENCODING" in environ else "0")
        size = int(length) if length.isascii() and length.isdigit() else SMALL_BODY + 1
        if not size:
            environ["wsgi.input"] = io.BytesIO()
        elif size <= SMALL_BODY:
            async with asyncio.timeout(BODY_SECONDS):
                environ["wsgi.input"] = io.BytesIO(await protocol())
        else:
            environ["wsgi.input"] = io.BufferedReader(_Body(protocol, self._loop), PIECE)
        return size

    async def _answer(self, environ: Environ, protocol: Any, size: int) -> Answer | None:
        """The answer, or None when it was streamed."""
        if size <= GATHERED_BODY and self._gathering is not None and may_gather(environ):
            future = self._loop.create_future()
            self._gathering.admit(future, environ)
            answer = await future
            if answer is not Gathering.ALONE:
                return answer
            environ["wsgi.input"].seek(0)
        return await self._loop.run_in_executor(self._threads, self._serve, environ, protocol)

    @staticmethod
    def _gathered(environ: Environ) -> Answer:
        return _Called(environ).whole()

    def _deliver(self, done: list[tuple[asyncio.Future[Any], Any]]) -> None:
        self._loop.call_soon_threadsafe(_all_set, done)

    def _serve(self, environ: Environ, protocol: Any) -> Answer | None:
        """The same on a thread. What is so much that it is sent while it is made is streamed."""
        called = _Called(environ)
        if not getattr(called.pieces, "streaming", False):
            return called.whole()
        try:
            self._stream(called, protocol)
        finally:
            called.close()
        return None

    def _stream(self, called: _Called, protocol: Any) -> None:
        transport = self._on_loop(_begin(protocol, called.status, called.headers))
        waiting = bytearray()
        for piece in called.pieces:
            waiting += piece
            if len(waiting) >= PIECE:
                self._on_loop(_send(transport, bytes(waiting)))
                waiting.clear()
        if waiting:
            self._on_loop(_send(transport, bytes(waiting)))

    def _on_loop(self, step: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result()


async def _begin(protocol: Any, status: int, headers: Headers) -> Any:
    return protocol.response_stream(status, headers)


async def _send(transport: Any, piece: bytes) -> None:
    await transport.send_bytes(piece)


def _all_set(done: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for answer, value in done:
        if not answer.done():
            answer.set_result(value)


application = Web()
