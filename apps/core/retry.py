"""A second and a third try for what PostgreSQL itself calls transient."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from random import SystemRandom
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from apps.core.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)
_chance = SystemRandom()  # not seeded alike in processes forked from one parent

TRANSIENT_SQLSTATES = frozenset({"40P01", "40001", "55P03"})
"""Deadlock, serialization failure, lock timeout: the transaction was undone whole, so it may be run again."""

TRIES = 3
BASE_SECONDS = 0.02
CAUSES_MAX = 8  # an error may be its own cause: never walk the chain to its end


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of a database error, also when Django has wrapped the driver's error; None when there is none."""
    seen: BaseException | None = error
    for _ in range(CAUSES_MAX):
        state = getattr(seen, "sqlstate", None)
        if isinstance(state, str):
            return state
        seen = seen.__cause__ if seen is not None else None
    return None


def retry_transient(func: Callable[P, R]) -> Callable[P, R]:
    """Run `func` up to three times when it ends in a deadlock, a serialization failure or a lock timeout.

    `func` opens its own transaction and is safe to run again from its start. Between tries it waits 20 ms, then
    40 ms, each halved to doubled by chance, so that rivals do not meet again. After the last try: Unavailable.
    Inside a transaction of the caller nothing can be tried again, so the error goes up as it is.
    """

    @functools.wraps(func)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TRIES + 1):
            try:
                return func(*args, **kwargs)
            except DatabaseError as error:
                state = sqlstate_of(error)
                if state not in TRANSIENT_SQLSTATES or connections[DEFAULT_DB_ALIAS].in_atomic_block:
                    raise
                name = getattr(func, "__qualname__", repr(func))
                logger.warning("transient database error %s in %s, try %d of %d", state, name, attempt, TRIES)
                if attempt == TRIES:
                    raise Unavailable("Too many others are changing the same records. Try again.") from error
                time.sleep(BASE_SECONDS * 2 ** (attempt - 1) * _chance.uniform(0.5, 2.0))
        raise AssertionError("unreachable")

    return run
