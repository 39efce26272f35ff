"""Statements from balances."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.calculations.statements import (
    TYPES,
    ChartLoop,
    UnknownAccountType,
    account_type_guess,
    account_type_of_path,
    parents_by_path,
    results_of,
    rollup,
)

AMOUNTS = st.integers(-(10**15), 10**15)


@given(st.lists(st.tuples(st.sampled_from(TYPES), AMOUNTS), max_size=20))
def test_assets_are_liabilities_and_equity_whenever_the_balances_sum_to_zero(balances: list[tuple[str, int]]) -> None:
    results = results_of([*balances, ("equity", -sum(amount for _, amount in balances))])

    assert results.difference == 0
    assert results.assets == results.liabilities + results.equity


def test_a_difference_is_shown_and_an_unknown_type_refused() -> None:
    assert results_of([("asset", -100), ("liability", 99)]).difference == -1
    with pytest.raises(UnknownAccountType):
        results_of([("assets", 1)])


@given(st.dictionaries(st.sampled_from(["a", "a:b", "a:b:c", "d", "d:e"]), AMOUNTS))
def test_the_tops_of_a_rollup_sum_to_the_whole(balances: dict[str, int]) -> None:
    sums = rollup(balances, parents_by_path(balances))

    assert sum(sums.get(top, 0) for top in "ad") == sum(balances.values())


def test_a_chart_that_bites_its_tail_is_refused() -> None:
    with pytest.raises(ChartLoop):
        rollup({"a": Decimal(1)}, {"a": "b", "b": "a"})


@pytest.mark.parametrize(
    ("name", "side", "kind"),
    [
        ("Accumulated depreciation", "C", "asset"),
        ("Interest receivable", "D", "asset"),
        ("Interest payable", "C", "liability"),
        ("Interest revenue", "C", "income"),
        ("Interest expense", "D", "expense"),
        ("Dividends", "D", "equity"),
        ("Dividend income", "C", "income"),
        ("Income tax payable", "C", "liability"),
        ("Wages", "D", "expense"),
        ("Supplies", "D", "asset"),
        ("Bank loan", "C", "liability"),
        ("Sales discounts", "D", "income"),
        ("Retained earnings", "C", "equity"),
        ("Discount on bonds payable", "D", "liability"),
        ("Accumulated other comprehensive income", "C", "equity"),
        ("Purchase returns and allowances", "C", "expense"),
        ("Sales returns and allowances", "D", "income"),
        ("Delivery equipment", "D", "asset"),
        ("Depreciation expense, equipment", "D", "expense"),
        ("Deferred tax asset", "D", "asset"),
        ("Unexpired insurance", "D", "asset"),
        ("Rent received in advance", "C", "liability"),
        ("Provision for depreciation", "C", "asset"),
        ("Carriage inwards", "D", "expense"),
        ("Discount received", "C", "income"),
        ("Supplies used", "D", "expense"),
        ("Bad debts", "D", "expense"),
        ("Bank loan interest", "D", "expense"),
        ("K. Otieno, drawing", "D", "equity"),
        ("Contributed surplus", "C", "equity"),
        ("Profit and loss account", "C", "equity"),
        ("Members' shares", "C", "equity"),
        ("Dividends received", "C", "income"),
        ("Bad debts recovered", "C", "income"),
        ("Transportation-in", "D", "expense"),
        ("Rates", "D", "expense"),
        ("Printing press", "D", "asset"),
    ],
)
def test_the_type_of_an_account_is_guessed_from_its_name_and_side(name: str, side: str, kind: str) -> None:
    assert account_type_guess(name, side) == kind


def test_the_first_part_of_a_path_says_the_type() -> None:
    assert account_type_of_path("Revenues:clients:A") == "income"
    assert account_type_of_path("till:one") is None
