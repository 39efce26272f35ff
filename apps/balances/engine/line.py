"""One connection to the engine's memory for each thread: a pool's call takes longer than what is asked for.

Taking a connection from the pool of redis-py, asking whether it is alive, the retries around it and its metrics cost
some 100 µs of processor time; a script is executed in 30. Whatever goes wrong in the middle of a question closes the
line, so that no answer is ever read by the wrong one.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import redis

TRIES = 2
"""An idle connection may have been closed by a restart of the server: then it is asked once more, on a new one."""


class _Lines(threading.local):
    """This thread's connections, by the pool whose settings they have."""

    process = 0

    def of(self, pool: Any) -> Any:
        if self.process != os.getpid():  # none yet; or after a fork, when they are the parent's
            self.kept: dict[Any, Any] = {}
            self.process = os.getpid()
        line = self.kept.get(pool)
        if line is None:
            line = self.kept[pool] = pool.connection_class(**pool.connection_kwargs)
        return line


_lines = _Lines()


def ask(server: redis.Redis, *words: Any) -> Any:
    """What the server answers to one command. Raises as redis-py does.

    What was asked may have been done, even twice, when it fails with a lost connection or a time-out.
    """
    line = _lines.of(server.connection_pool)
    for tried in range(1, TRIES + 1):
        try:
            line.send_packed_command(line.pack_command(*words), check_health=False)
            return line.read_response()
        except redis.ResponseError:
            raise
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            line.disconnect()
            if tried == TRIES:
                raise
        except BaseException:
            line.disconnect()
            raise
    raise AssertionError("unreachable")
