"""What the bank has at stake with the members of a request: sections that the apps with accounts and loans register.

exposure_register("accounts", accounts_of)   # in AppConfig.ready(); shown on the page of every request with members
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from apps.core.money import Money

if TYPE_CHECKING:
    from apps.identity.models import User

ROWS_MAX = 100


@dataclass(frozen=True, slots=True)
class ExposureRow:
    """An account, a loan: what it is, its state in words, its amount, and where the staff site shows it."""

    label: str
    kind: str
    state: str
    amount: Money | None
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ExposureSection:
    """Rows of one sort. `hidden` says that the reader may not see them, which is not the same as none."""

    title: str
    rows: tuple[ExposureRow, ...] = ()
    hidden: bool = False


Provider = Callable[["User", Sequence[UUID]], ExposureSection]
"""(reader, members) -> what the reader may see of it. Reads only; at most 100 rows."""

_providers: dict[str, Provider] = {}


def exposure_register(name: str, provider: Provider) -> None:
    """Have `provider` answer for a section. Raises ValueError when another one has the name."""
    if _providers.setdefault(name, provider) is not provider:
        raise ValueError(f"two apps register the exposure {name!r}")


def exposure_of(*, user: User, member_ids: Sequence[UUID]) -> list[ExposureSection]:
    """All sections, by name; none for a request that concerns no member."""
    if not member_ids:
        return []
    return [_providers[name](user, member_ids) for name in sorted(_providers)]
