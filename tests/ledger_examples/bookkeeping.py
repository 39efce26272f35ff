"""Worked examples of other books, posted into ours: names of their accounts as nodes of our chart."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.balances.services import ManualLine, entry_post
from apps.core.money import money_round
from apps.ledger.figures import chart_tree
from apps.ledger.selectors import TrialBalance, trial_balance
from tests.factories.books import gl_account_ready
from tests.factories.postings import Books

CASES = {case["id"]: case for case in json.loads((Path(__file__).parent / "statements.json").read_text())}

CHART = {
    # hledger and ledger
    "assets:receivables": "1640", "assets:checking": "1220", "revenue:clients:A": "4390", "revenue:clients:B": "4330",
    "expense:hosting": "5620", "assets:bank:checking": "1220", "assets:bank:saving": "1320", "assets:cash": "1120",
    "income:salary": "4390", "income:gifts": "4340", "expenses:food": "5440", "expenses:supplies": "5630",
    "liabilities:debts": "2310", "Assets:A": "1110", "Assets:B": "1120", "Assets:C": "1130",
    "Equity:Opening balances": "3390", "Liabilities:A": "2510",
    # textbooks
    "Accounts receivable": "1640", "Cash": "1120", "Depreciation expense": "5550", "Equipment": "1720",
    "Income tax expense": "5810", "Interest expense": "5140", "Office expenses": "5610", "Prepaid rent": "1610",
    "Rent expense": "5510", "Salaries and wages": "5410", "Software": "1750", "Supplies": "1690",
    "Accounts payable": "2510", "Accumulated amortization": "1790", "Accumulated depreciation": "1790",
    "Common stock": "3120", "Deferred revenue": "2550", "Income tax payable": "2540", "Interest revenue": "4130",
    "Notes payable": "2310", "Retained earnings": "3310", "Sales revenue": "4390", "Prepaid insurance": "1610",
    "Office supplies": "1690", "Withdrawals": "3330", "Advertising expense": "5670", "Office supplies expense": "5630",
    "Salaries expense": "5410", "Insurance expense": "5660", "Interest payable": "2330", "Salaries payable": "2530",
    "Unearned revenue": "2550", "Capital": "3120", "Services revenue": "4220", "Rental revenue": "4390",
    "Dividends": "3330", "Supplies expense": "5630", "Utilities expense": "5520", "Service revenue": "4390",
}  # fmt: skip


class Ledger:
    """The books of one example: a branch of its own in KES."""

    def __init__(self) -> None:
        self.books = Books()

    def entry(self, day: dt.date, lines: Iterable[tuple[str, Any]], text: str = "Example") -> None:
        """Post a manual entry; amounts are positive on the debit side, as the examples write them."""
        made = []
        for name, amount in lines:
            gl_account_ready(CHART[name])
            made.append(
                ManualLine(
                    CHART[name],
                    self.books.branch.pk,
                    self.books.branch.code,
                    "KES",
                    -money_round(Decimal(str(amount)), "KES").minor,
                )
            )
        key = uuid.uuid4()
        result = entry_post(
            transaction_id=key, client_id="examples", key=key.hex, fingerprint=b"\0" * 32, lines=made, description=text,
            reference="", business_date=day, value_date=None, actor_id=uuid.uuid4(),
        )  # fmt: skip
        assert result.outcomes[0].ok

    def journal(self, transactions: list[dict[str, Any]]) -> None:
        """Post the transactions of an example."""
        for one in transactions:
            lines = [(line["account"], line["amount"]) for line in one["lines"]]
            self.entry(dt.date.fromisoformat(one["date"]), lines, one["text"])

    def balance(self, as_of: dt.date, since: dt.date | None = None) -> TrialBalance:
        """Our trial balance of the example."""
        return trial_balance(as_of=as_of, since=since, branch_ids=[self.books.branch.pk])

    def of(self, name: str, as_of: dt.date) -> Decimal:
        """An account as the examples write it: positive on the debit side."""
        found = [row.net for row in self.balance(as_of).rows if row.code == CHART[name]]
        return Decimal(-sum(found)) / 100

    def node(self, code: str, as_of: dt.date) -> Decimal:
        """A node of the chart with all below it, positive on the debit side."""
        nodes, _ = chart_tree(as_of=as_of, branch_ids=[self.books.branch.pk])
        found = next(node for node in nodes if node.account.code == code)
        return Decimal(-found.balances.get("KES", 0)) / 100


def by_type(balance: TrialBalance, *types: str) -> Decimal:
    """What accounts of these types add up to, positive on the credit side."""
    return Decimal(sum(row.net for row in balance.rows if row.type in types)) / 100


def totals(balance: TrialBalance) -> tuple[Decimal, Decimal]:
    """The feet of the debit and the credit column."""
    return Decimal(sum(row.debit for row in balance.rows)) / 100, Decimal(sum(row.credit for row in balance.rows)) / 100
