"""What an import did: counts, refusals, and how its balances compare with ours."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from apps.core.currencies import minor_format
from apps.payments.importing.rows import ImportRow, Refusal

REFUSALS_KEPT = 10_000
EXAMPLES_KEPT = 20


@dataclass(slots=True)
class ImportReport:
    """Counts of rows, amounts in minor units by currency. `started_ns` is a reading of the monotonic clock."""

    dry_run: bool
    started_ns: int = field(default_factory=time.monotonic_ns)
    elapsed_ms: int = 0
    read: int = 0
    posted: int = 0
    skipped: int = 0
    refused: int = 0
    accounts_created: int = 0
    compared: int = 0
    differing: int = 0
    bytes_done: int = 0
    refused_by_code: Counter[str] = field(default_factory=Counter)
    differing_by_currency: Counter[str] = field(default_factory=Counter)
    difference_by_currency: Counter[str] = field(default_factory=Counter)
    unknown_channels: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, refusal: Refusal) -> None:
        """Count a refused row; the first `REFUSALS_KEPT` are kept."""
        self.refused += 1
        self.refused_by_code[refusal.code] += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(refusal)

    def tick(self) -> None:
        """Note how long it has taken so far."""
        self.elapsed_ms = (time.monotonic_ns() - self.started_ns) // 1_000_000

    def compare(self, row: ImportRow, ours: int) -> None:
        """Compare our balance after the row with the file's, when it gives one."""
        theirs = row.balance_after
        if theirs is None:
            return
        self.compared += 1
        if theirs == ours:
            return
        self.differing += 1
        self.differing_by_currency[row.currency] += 1
        self.difference_by_currency[row.currency] += abs(ours - theirs)
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(
                {
                    "row": row.number,
                    "external_id": row.external_id,
                    "account_number": row.account_number,
                    "file": minor_format(theirs, row.currency),
                    "books": minor_format(ours, row.currency),
                    "difference": minor_format(ours - theirs, row.currency),
                    "currency": row.currency,
                }
            )

    @property
    def rows_a_minute(self) -> int:
        """Rows read a minute of the run."""
        return 60_000 * self.read // self.elapsed_ms if self.elapsed_ms else 0

    def details(self) -> dict[str, Any]:
        """The figures beyond plain counts, ready for JSON."""
        return {
            "refused_by_code": dict(self.refused_by_code.most_common()),
            "differences": {
                currency: {
                    "rows": rows,
                    "total": minor_format(self.difference_by_currency[currency], currency),
                }
                for currency, rows in self.differing_by_currency.items()
            },
            "difference_examples": self.examples,
            "unknown_channels": dict(self.unknown_channels.most_common(50)),
            "elapsed_ms": self.elapsed_ms,
            "rows_a_minute": self.rows_a_minute,
        }

    def as_json(self) -> dict[str, Any]:
        """The whole report, with the refusals that were kept."""
        return {
            "dry_run": self.dry_run,
            "rows_read": self.read,
            "rows_posted": self.posted,
            "rows_skipped": self.skipped,
            "rows_refused": self.refused,
            "accounts_created": self.accounts_created,
            "balances_compared": self.compared,
            "balances_differing": self.differing,
            **self.details(),
            "refusals": [msgspec.structs.asdict(refusal) for refusal in self.refusals],
        }
