"""A thread's line to the memory: laid again when it is cut; an answer that comes too late is read by nobody."""

from __future__ import annotations

import threading

import pytest
import redis
from django.conf import settings

from apps.balances.engine.line import ask


@pytest.fixture
def server() -> redis.Redis:
    return redis.Redis.from_url(settings.ENGINE["REDIS_URL"], socket_timeout=0.5)


def test_a_line_that_was_cut_is_laid_again(server: redis.Redis) -> None:
    first = ask(server, "CLIENT", "ID")
    assert ask(server, "CLIENT", "ID") == first
    server.execute_command("CLIENT", "KILL", "ID", first)
    assert ask(server, "CLIENT", "ID") != first
    others: list[int] = []
    thread = threading.Thread(target=lambda: others.append(ask(server, "CLIENT", "ID")))
    thread.start()
    thread.join()
    assert others[0] != ask(server, "CLIENT", "ID")  # each thread has its own


def test_an_answer_that_comes_too_late_is_nobodys(server: redis.Redis) -> None:
    with pytest.raises(redis.TimeoutError):
        ask(server, "BLPOP", "numina:nothing", "1")
    with pytest.raises(redis.ResponseError):
        ask(server, "NOT-A-COMMAND")
    assert ask(server, "ECHO", "mine") == b"mine"
