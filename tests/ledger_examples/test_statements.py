"""Trial balances, income and balance sheets of other people's books, drawn up by ours."""

from __future__ import annotations

import calendar
import datetime as dt
from decimal import Decimal

import pytest

from apps.core import clock
from apps.ledger.sealing import journal_seal_all
from tests.ledger_examples.bookkeeping import CASES, Ledger, by_type, totals

pytestmark = pytest.mark.django_db

YEAR_END = dt.date(2020, 12, 31)


@pytest.fixture(params=["unsealed", "sealed", "half"])
def sealing(request: pytest.FixtureRequest) -> str:
    """Figures come from lines, from daily totals, or from both; they are the same."""
    return str(request.param)


def journal_of(case: str, sealing: str) -> Ledger:
    ledger = Ledger()
    transactions = CASES[case]["inputs"]["transactions"]
    middle = len(transactions) // 2
    ledger.journal(transactions[:middle])
    if sealing == "half":
        journal_seal_all(at=clock.now())
    ledger.journal(transactions[middle:])
    if sealing == "sealed":
        journal_seal_all(at=clock.now())
    return ledger


@pytest.mark.parametrize("case", ["hl-is-2016", "hl-is-2015-2016"])
def test_an_income_statement_is_the_movements_of_its_period(case: str, sealing: str) -> None:
    ledger, facts = journal_of(case, sealing), CASES[case]
    first = dt.date.fromisoformat(facts["inputs"]["from_"])
    last = dt.date.fromisoformat(facts["inputs"]["to_exclusive"]) - dt.timedelta(days=1)
    balance = ledger.balance(last, since=first)
    revenue, expense = by_type(balance, "income"), -by_type(balance, "expense")
    assert revenue == Decimal(facts["expected"]["revenue"])
    assert expense == Decimal(facts["expected"]["expense"])
    assert revenue - expense == Decimal(facts["expected"]["net_income"])
    assert set(balance.differences.values()) == {0}


def test_a_balance_sheet_can_be_drawn_up_for_the_end_of_any_month(sealing: str) -> None:
    ledger, expected = journal_of("hl-bs-monthly-2008", sealing), CASES["hl-bs-monthly-2008"]["expected"]
    for text, figures in expected["month_end"].items():
        day = dt.date.fromisoformat(text)
        assert [ledger.of(name, day) for name in expected["accounts"]] == figures
    for month, net in enumerate(expected["net_every_month"], 1):
        day = dt.date(2008, month, calendar.monthrange(2008, month)[1])
        assert sum(ledger.of(name, day) for name in expected["accounts"]) == net
        assert set(ledger.balance(day).differences.values()) <= {0}


def test_headers_of_the_chart_add_up_what_is_below_them(sealing: str) -> None:
    ledger, expected = journal_of("ledger-cmd-balance", sealing), CASES["ledger-cmd-balance"]["expected"]
    day = dt.date(2012, 1, 5)
    for name, figure in expected["balances"].items():
        assert ledger.of(name, day) == Decimal(figure)
    parents = {"Assets": "1000", "Equity": "3000", "Liabilities": "2000"}
    for name, figure in expected["parents"].items():
        assert ledger.node(parents[name], day) == Decimal(figure)
    assert sum(ledger.balance(day).differences.values()) == Decimal(expected["total"])


def test_an_adjusted_trial_balance_closes_to_its_statements() -> None:
    facts = CASES["macro-company"]
    sides = facts["inputs"]["adjusted_trial_balance"]
    ledger = Ledger()
    ledger.entry(YEAR_END, [*sides["debit"].items(), *((name, -amount) for name, amount in sides["credit"].items())])
    balance, expected = ledger.balance(YEAR_END), facts["expected"]
    assert totals(balance) == (expected["trial_balance_total"], expected["trial_balance_total"])
    net_income = by_type(balance, "income", "expense")
    assert net_income == expected["net_income"]
    # Contra assets are assets on the credit side: they reduce the total.
    assert -by_type(balance, "asset") == expected["total_assets"]
    assert by_type(balance, "liability") == expected["total_liabilities"]
    assert by_type(balance, "equity") + net_income == expected["total_equity"]


def test_a_trial_balance_of_many_entries_has_the_same_feet_as_of_one() -> None:
    facts = CASES["tb-problem-3-246"]
    ledger = Ledger()
    owned = [[name, amount] for name, amount in facts["inputs"]["debit"].items()]
    owed = [[name, amount] for name, amount in facts["inputs"]["credit"].items()]
    while owned:  # pay off one against the other, entry by entry
        amount = min(owned[0][1], owed[0][1])
        ledger.entry(YEAR_END, [(owned[0][0], amount), (owed[0][0], -amount)])
        for side in (owned, owed):
            side[0][1] -= amount
            if side[0][1] == 0:
                side.pop(0)
    balance = ledger.balance(YEAR_END)
    assert totals(balance) == (facts["expected"]["total"], facts["expected"]["total"])
    assert by_type(balance, "income", "expense") == facts["expected"]["net_income"]


def test_the_missing_figure_of_a_trial_balance_is_what_balances_it() -> None:
    facts = CASES["tb-plug-equipment"]
    debit, credit = facts["inputs"]["debit"], facts["inputs"]["credit"]
    plug = sum(credit.values()) - sum(debit.values())
    assert plug == facts["expected"]["equipment"]
    lines = [*debit.items(), ("Equipment", plug), *((name, -amount) for name, amount in credit.items())]
    ledger = Ledger()
    ledger.entry(YEAR_END, lines)
    balance = ledger.balance(YEAR_END)
    assert totals(balance) == (facts["expected"]["total"], facts["expected"]["total"])
    assert ledger.of("Equipment", YEAR_END) == facts["expected"]["equipment"]
    assert by_type(balance, "income", "expense") == facts["expected"]["net_income"]


def test_a_later_entry_into_an_earlier_day_changes_that_day_and_all_after_it() -> None:
    ledger = Ledger()
    days = [dt.date(2020, 3, 1), dt.date(2020, 3, 2), dt.date(2020, 3, 3)]
    ledger.entry(days[1], [("Cash", 10), ("Sales revenue", -10)])
    journal_seal_all(at=clock.now())
    assert [ledger.of("Cash", day) for day in days] == [0, 10, 10]
    ledger.entry(days[0], [("Cash", 5), ("Sales revenue", -5)])
    assert [ledger.of("Cash", day) for day in days] == [5, 15, 15]
    journal_seal_all(at=clock.now())
    assert [ledger.of("Cash", day) for day in days] == [5, 15, 15]
