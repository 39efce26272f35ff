"""What a loan is after what happened to it. Pure: the same events, the same position."""

from apps.lending.servicing._books import Books, Moves, books_due, moves_between
from apps.lending.servicing._position import Happening, PaidRow, Portions, Position, Stretch
from apps.lending.servicing._replay import Loaned, replay

__all__ = [
    "Books",
    "Happening",
    "Loaned",
    "Moves",
    "PaidRow",
    "Portions",
    "Position",
    "Stretch",
    "books_due",
    "moves_between",
    "replay",
]
