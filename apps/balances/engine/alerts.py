"""Who is told when the engine is not well: the log at once, the people who run it by a notice (see `process`)."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

ROUTINE = frozenset({"stopped", "heal", "planned", "operator"})


def fenced(*, partition: int, epoch: int, why: str) -> None:
    """An epoch was ended. The event is in the table beside it; this is the line in the log."""
    level = logging.INFO if why.partition(":")[0] in ROUTINE else logging.ERROR
    logger.log(level, "partition %d was fenced in epoch %d: %s", partition, epoch, why)


def failing(*, what: str, failures: int, error: BaseException) -> None:
    """Something failed again and again and is tried on: the third time in a row is the first that calls for people."""
    level = logging.ERROR if failures >= 3 else logging.WARNING
    logger.log(level, "%s failed %d times in a row: %s", what, failures, error)
