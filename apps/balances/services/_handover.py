"""Calling accounts back from the engine, for everything that works on them in PostgreSQL."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection

from apps.balances.engine.ownership import accounts_bring_home
from apps.balances.errors import EngineOwned

R = TypeVar("R")
TRIES = 5
"""A call may lose the accounts again between their coming home and its locks; being reserved, hardly ever twice."""


def handed_over(post: Callable[..., R]) -> Callable[..., R]:
    """Run a posting call; where it finds accounts in the engine's hands, call them back and run it again.

    Inside a transaction nothing can be called back: the error goes up.
    """

    @functools.wraps(post)
    def run(postings: Sequence[Any], **options: Any) -> R:
        for attempt in range(1, TRIES + 1):
            try:
                return post(postings, **options)
            except EngineOwned:
                if connection.in_atomic_block or attempt == TRIES:
                    raise
                accounts_bring_home({leg.account_id for posting in postings for leg in posting.legs})
        raise AssertionError("unreachable")

    return run
