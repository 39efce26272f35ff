"""A realistic file of transactions for imports: `python -m tests.load.sample_transactions FILE.csv --rows 60000`.

Salaries at the end of the month, rent, mobile money, ATM and card, market traders with cash; in the order of time, with
the balance after each row, never below zero. The same arguments give the same file.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

HEADER = (
    "external_id", "account_number", "booking_date", "value_date", "amount", "currency", "direction", "channel",
    "counterparty", "description", "balance_after",
)  # fmt: skip

EMPLOYERS = ("Rift Valley Tea Ltd", "Kisumu County", "Mombasa Port Services", "Savanna Textiles", "Lakeside Hospital")
SHOPS = ("Mama Njeri's Kiosk", "Duka Moja", "Green Valley Grocers", "Nyota Fuel", "Café Baobab", "Soko Online")
LANDLORDS = ("P. Otieno", "Westlands Homes", "J. Wambui")
OUT = (
    ("mobile", "Airtime and bundles", 50, 1_000),
    ("mobile", "Sent to family, school", 500, 8_000),
    ("atm", "Cash withdrawal", 1_000, 20_000),
    ("card", "Groceries", 300, 9_000),
    ("online", 'Order "weekly basket", paid online', 400, 12_000),
    ("cheque", "Cheque paid", 5_000, 60_000),
)


def rows(*, count: int, accounts: int, start: dt.date, days: int, seed: int) -> Iterator[list[str]]:
    """`count` rows over `days` days from `start`, spread over `accounts` accounts in KES."""
    chance = random.Random(seed)
    numbers = [f"9{place:09d}" for place in range(1, accounts + 1)]
    balances = dict.fromkeys(numbers, 0)
    traders = set(chance.sample(numbers, max(1, accounts // 8)))
    for place in range(count):
        day = start + dt.timedelta(days=place * days // count)
        number = numbers[place] if place < accounts else chance.choice(numbers)
        amount, sign, channel, counterparty, text = _movement(chance, day, balances[number], number in traders)
        balances[number] += sign * amount
        value_date = day + dt.timedelta(days=1) if channel == "cheque" else day
        yield [
            f"CORE-{seed}-{place + 1:09d}",
            number,
            day.isoformat(),
            value_date.isoformat(),
            _money(amount),
            "KES",
            "credit" if sign > 0 else "debit",
            channel,
            counterparty,
            text,
            _money(balances[number]),
        ]


def _movement(chance: random.Random, day: dt.date, balance: int, trader: bool) -> tuple[int, int, str, str, str]:
    """Amount in cents, sign, channel, counterparty and text of the next movement of an account."""
    if trader and chance.random() < 0.6:
        return chance.randrange(1_500_00, 25_000_00, 50_00), 1, "cash", "", "Takings of the day"
    if balance < 500_00 or (day.day >= 25 and chance.random() < 0.5):
        return (
            chance.randrange(18_000_00, 120_000_00, 1),
            1,
            "transfer",
            chance.choice(EMPLOYERS),
            f"Salary {day:%B %Y}",
        )
    if day.day <= 5 and balance > 20_000_00 and chance.random() < 0.4:
        amount = min(balance, chance.randrange(8_000_00, 30_000_00, 500_00))
        return amount, -1, "transfer", chance.choice(LANDLORDS), "Rent"
    channel, text, low, high = chance.choice(OUT)
    amount = min(balance, chance.randrange(low * 100, high * 100))
    return amount, -1, channel, chance.choice(SHOPS), text


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def write(target: TextIO, **facts: int | dt.date) -> None:
    """Write the file with its header."""
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows(**facts))  # type: ignore[arg-type]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--start", type=dt.date.fromisoformat, default=dt.date(2024, 11, 1))
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    with options.file.open("w", encoding="utf-8", newline="") as target:
        write(
            target,
            count=options.rows,
            accounts=options.accounts,
            start=options.start,
            days=options.days,
            seed=options.seed,
        )


if __name__ == "__main__":
    main()
