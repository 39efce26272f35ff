"""The posting function in plain Python: what a reader expects it to do, written without regard to speed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

AMOUNT_MAX, BALANCE_MAX = 10**13, 9 * 10**15


@dataclass
class ModelAccount:
    """One account's state, credit-positive minor units."""

    currency: str
    internal: bool = False
    balance: int = 0
    held: int = 0
    limit: int = 0
    status: str = "O"
    version: int = 0

    def refusal(self, amount: int, currency: str, *, overdraw: bool) -> str | None:
        """Why a leg is refused, or None."""
        after = self.balance + amount
        if self.status == "X":
            return "CLOSED"
        if self.currency != currency:
            return "CCY"
        if self.status == "F" or (self.status == "D" and amount < 0) or (self.status == "C" and amount > 0):
            return "FROZEN"
        if abs(amount) > AMOUNT_MAX or abs(after) > BALANCE_MAX:
            return "LIMIT"
        if amount < 0 and not self.internal and not overdraw and after - self.held + self.limit < 0:
            return "NSF"
        return None


@dataclass(frozen=True)
class ModelPosting:
    """A key, what is asked under it, and legs of (account, amount, currency)."""

    key: str
    legs: tuple[tuple[int, int, str], ...]


@dataclass
class Model:
    """Accounts by id, the outcome of each key, and every line as (account, before, after)."""

    accounts: dict[int, ModelAccount]
    decided: dict[str, tuple[tuple[tuple[int, int, str], ...], str]] = field(default_factory=dict)
    lines: list[tuple[int, int, int]] = field(default_factory=list)

    def post(
        self, postings: list[ModelPosting], *, atomic: bool = False, overdraw: bool = False
    ) -> list[tuple[str, bool]]:
        """(outcome, replayed) of each posting, in order."""
        before, outcomes, lines = copy.deepcopy(self.accounts), [], []
        for posting in postings:
            if posting.key in self.decided:
                legs, outcome = self.decided[posting.key]
                outcomes.append((outcome if legs == posting.legs else "REUSED", True))
                continue
            start, made, outcome = copy.deepcopy(self.accounts), [], "OK"
            for account_id, amount, currency in posting.legs:
                account = self.accounts[account_id]
                refusal = account.refusal(amount, currency, overdraw=overdraw)
                if refusal:
                    outcome, made, self.accounts = refusal, [], start
                    break
                made.append((account_id, account.balance, account.balance + amount))
                account.balance += amount
                account.version += 1
            outcomes.append((outcome, False))
            lines += made
        if atomic and any(outcome != "OK" for outcome, _ in outcomes):
            self.accounts, lines = before, []
            outcomes = [("BATCH" if code == "OK" and not again else code, again) for code, again in outcomes]
        for posting, (outcome, again) in zip(postings, outcomes, strict=True):
            if not again:
                self.decided[posting.key] = (posting.legs, outcome)
        if overdraw:
            for account in self.accounts.values():
                if not account.internal:
                    account.limit = max(account.limit, account.held - account.balance)
        self.lines += lines
        return outcomes
