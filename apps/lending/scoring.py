"""The hook for credit scores: a bank registers its own scorer in `AppConfig.ready()`; without one there is no score.

scorer_register(lambda facts: 640 if facts.affordability["share"] < "0.3" else 500)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ScoreFacts:
    """What a scorer is told of an application: amounts in minor units of the currency."""

    member_id: UUID
    product: str
    currency: str
    amount: int
    instalments: int
    finances: Mapping[str, Any]
    affordability: Mapping[str, Any]


Scorer = Callable[[ScoreFacts], int | None]
_scorers: list[Scorer] = []


def scorer_register(scorer: Scorer) -> None:
    """Have `scorer` say what an application is worth when it is submitted; None for no opinion."""
    _scorers[:] = [scorer]


def score_of(facts: ScoreFacts) -> int | None:
    """The score by the registered scorer; None without one."""
    return _scorers[0](facts) if _scorers else None
