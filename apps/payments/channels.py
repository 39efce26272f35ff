"""How money enters and leaves the bank: each channel has its own account of the bank on the other side."""

from __future__ import annotations

from dataclasses import dataclass

OPENING_BALANCES = "3390"
"""The other side of imported history whose channel is not known."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Chart codes of the bank's own account for money in and money out. `is_cash`: it is the acting user's branch's."""

    deposit: str
    withdrawal: str
    is_cash: bool = False


_TILL = Channel("1120", "1120", is_cash=True)
_CARDS = Channel("1230", "1230")

CHANNELS: dict[str, Channel] = {
    "branch": _TILL,
    "cash": _TILL,
    "atm": _CARDS,
    "card": _CARDS,
    "mobile": Channel("1240", "1240"),
    "online": Channel("1250", "1250"),
    "cheque": Channel("1260", "1260"),
    "transfer": Channel("2420", "2410"),
}
"""By the name that requests and files use."""
