"""Interest on deposits: published figures, each option, and properties."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calculations.day_counts import CONVENTIONS
from apps.calculations.errors import AmountOutOfRange, PeriodNotValid, RateNotValid, UnknownConvention
from apps.calculations.interest import (
    Account,
    InterestTerms,
    Movement,
    RatePeriod,
    Tier,
    annual_percentage_yield,
    annual_percentage_yield_earned,
    average_daily_balance,
    boundaries,
    compound_interest,
    effective_rate,
    explain,
    flat,
    interest_calculate,
    nominal_rate,
    recurring_deposit_value,
    simple_interest,
)

NEW_YEAR = dt.date(2026, 1, 1)
YEAR_END = dt.date(2027, 1, 1)
FIVE = flat(Decimal("0.05"))
TIERS = (
    RatePeriod(
        dt.date.min,
        (Tier(0, Decimal("0.0525")), Tier(2_500_00, Decimal("0.055")), Tier(15_000_00, Decimal("0.0575"))),
    ),
)
"""The tiers of Regulation DD, Appendix A: up to and with $2,500, up to and with $15,000, above."""


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _account(balance: int, *movements: tuple[str, int], start: dt.date = NEW_YEAR, end: dt.date = YEAR_END) -> Account:
    return Account(start, end, balance, tuple(Movement(d(day), minor) for day, minor in movements))


def _year(balance: int, **terms: Any) -> int:
    """What one posting at the end of 2026 gives."""
    options = {"rates": FIVE, "posting": "at_end", **terms}
    return interest_calculate(InterestTerms(**options), _account(balance)).posted


@pytest.mark.parametrize(
    ("principal", "interest", "percent"),
    [(1_000_00, 53_90, "5.39"), (8_000_00, 452_29, "5.65"), (20_000_00, 1_183_61, "5.92")],
)
def test_regulation_dd_tiers_on_the_whole_balance(principal: int, interest: int, percent: str) -> None:
    found = _year(principal, rates=TIERS, tier_above=True, compounding="daily")
    assert found == interest
    yearly = annual_percentage_yield(interest, principal, 365)
    assert round(yearly * 100, 2) == Decimal(percent)


@pytest.mark.parametrize(("principal", "interest"), [(15_000_00, 841_45), (2_500_00, 134_75)])
def test_regulation_dd_tiers_by_slice(principal: int, interest: int) -> None:
    """Method B: each slice at its own rate, each compounding daily."""
    slices = [(2_500_00, "0.0525"), (max(principal - 2_500_00, 0), "0.055")]
    total = sum(compound_interest(part, Decimal(rate), 365, 365) for part, rate in slices)
    assert round(total) == interest


def test_a_tier_begins_at_its_balance_or_above_it() -> None:
    at = _year(2_500_00, rates=TIERS)
    above = _year(2_500_00, rates=TIERS, tier_above=True)
    assert (at, above) == (137_50, 131_25)


def test_bands_earn_their_own_rates() -> None:
    assert _year(20_000_00, rates=TIERS, tiering="banded") == round(
        2_500_00 * Decimal("0.0525") + 12_500_00 * Decimal("0.055") + 5_000_00 * Decimal("0.0575")
    )


def test_interest_by_the_day_follows_the_balance() -> None:
    account = _account(0, ("2026-01-01", 1_000_00), ("2026-03-01", 1_000_00), ("2026-12-01", -2_000_00))
    found = interest_calculate(InterestTerms(rates=FIVE, posting="at_end"), account)
    days = 59 * 1_000_00 + 275 * 2_000_00
    assert found.posted == round(Decimal(days) * Decimal("0.05") / 365)
    assert [(row.days, row.balance) for row in found.accruals] == [(59, 1_000_00), (275, 2_000_00)]


@pytest.mark.parametrize(
    ("compounding", "posted"),
    [("none", 500_00), ("yearly", 500_00), ("half_yearly", 506_25), ("quarterly", 509_45), ("monthly", 511_62),
     ("daily", 512_67)],
)  # fmt: skip
def test_compounding(compounding: str, posted: int) -> None:
    assert _year(10_000_00, compounding=compounding) == posted


def test_a_posting_compounds_where_it_is_credited_to_the_account() -> None:
    monthly = interest_calculate(InterestTerms(rates=FIVE, posting="monthly"), _account(10_000_00))
    assert len(monthly.postings) == 12
    assert abs(monthly.posted - 511_62) <= 1
    assert monthly.closing_minor == 10_000_00 + monthly.posted
    paid_out = interest_calculate(InterestTerms(rates=FIVE, posting="monthly", capitalise=False), _account(10_000_00))
    assert (paid_out.posted, paid_out.closing_minor) == (500_00, 10_000_00)


def test_minimum_and_average_balances() -> None:
    account = _account(1_000_00, ("2026-01-11", -500_00), ("2026-01-21", 1_000_00), end=d("2026-02-01"))
    average = (10 * 1_000_00 + 10 * 500_00 + 11 * 1_500_00) / Decimal(31)
    assert round(average_daily_balance(account), 20) == round(average, 20)
    for kind, base in (("minimum", Decimal(500_00)), ("average", average)):
        found = interest_calculate(InterestTerms(rates=flat(Decimal("0.12")), balance=kind), account)
        assert round(found.accruals[0].balance, 20) == round(base, 20)
        assert found.posted == round(base * Decimal("0.12") * 31 / 365)


def test_the_lowest_balance_within_a_day() -> None:
    account = Account(d("2009-01-01"), d("2009-02-01"), None, (
        Movement(d("2009-01-01"), 1_000_00), Movement(d("2009-01-15"), -250_00), Movement(d("2009-01-15"), 100_00),
    ))  # fmt: skip
    rates = flat(Decimal("0.10"))
    terms = {"rates": rates, "rate_per": "period", "balance": "minimum"}
    assert interest_calculate(InterestTerms(**terms, within_day=True), account).posted == 75_00
    assert interest_calculate(InterestTerms(**terms), account).posted == 85_00


def test_a_rate_per_period_is_earned_when_the_period_ends() -> None:
    terms = InterestTerms(rates=flat(Decimal("0.10")), rate_per="period", balance="minimum", capitalise=False)
    short = interest_calculate(terms, _account(100_00, start=d("2026-01-15"), end=d("2026-03-15")))
    assert [posting.credit for posting in short.postings] == [10_00, 10_00]
    assert short.unposted == 0


def test_rates_change_on_their_dates() -> None:
    rates = (*flat(Decimal("0.04"), d("2025-01-01")), *flat(Decimal("0.06"), d("2026-07-01")))
    found = interest_calculate(InterestTerms(rates=rates, posting="at_end"), _account(1_000_00))
    assert [(row.start, row.slices[0].rate) for row in found.accruals] == [
        (NEW_YEAR, Decimal("0.04")), (d("2026-07-01"), Decimal("0.06")),
    ]  # fmt: skip
    assert found.posted == round(1_000_00 * (Decimal("0.04") * 181 + Decimal("0.06") * 184) / 365)
    with pytest.raises(RateNotValid):
        interest_calculate(InterestTerms(rates=rates), _account(1, start=d("2024-01-01")))


def test_overdrafts_are_charged_at_their_own_rates() -> None:
    over = (RatePeriod(dt.date.min, (Tier(0, Decimal("0.15")), Tier(500_00, Decimal("0.20")))),)
    terms = InterestTerms(rates=FIVE, overdraft_rates=over, posting="at_end", tiering="banded")
    found = interest_calculate(terms, _account(1_000_00, ("2026-07-01", -2_000_00)))
    posting = found.postings[0]
    assert posting.credit == round(Decimal(1_000_00 * 181) * Decimal("0.05") / 365)
    assert posting.debit == round((500_00 * Decimal("0.15") + 500_00 * Decimal("0.20")) * 184 / 365)
    assert found.closing_minor == -1_000_00 + posting.net
    free = interest_calculate(InterestTerms(rates=FIVE, posting="at_end"), _account(-1_000_00))
    assert free.posted == 0


def test_tax_is_kept_back_from_what_is_paid() -> None:
    terms = InterestTerms(rates=FIVE, posting="at_end", withholding=flat(Decimal("0.15")))
    posting = interest_calculate(terms, _account(1_000_01)).postings[0]
    assert (posting.credit, posting.tax, posting.net) == (50_00, 7_50, 42_50)


def test_a_balance_below_the_minimum_earns_nothing() -> None:
    assert _year(999_99, minimum_minor=1_000_00) == 0
    assert _year(1_000_00, minimum_minor=1_000_00) == 50_00


def test_rounding_of_each_day_and_of_postings() -> None:
    assert _year(1_000_00, accrual_decimals=0) == 365 * 14  # 13.698... a day
    assert _year(1_000_00, accrual_decimals=0, accrual_rounding="down") == 365 * 13
    assert _year(1_000_00, accrual_decimals=2) == round(Decimal("13.70") * 365)
    assert _year(1_234_56, posting_unit=5, posting_rounding="down") == 61_70


def test_what_a_posting_leaves_is_carried_or_dropped() -> None:
    account = _account(100)
    carried = interest_calculate(InterestTerms(rates=FIVE, capitalise=False), account)
    dropped = interest_calculate(InterestTerms(rates=FIVE, capitalise=False, remainder="drop"), account)
    assert (carried.posted, dropped.posted) == (5, 0)
    assert abs(carried.posted + carried.unposted - carried.interest) < Decimal("1e-20")


def test_day_counts_are_those_of_the_terms() -> None:
    assert _year(1_000_00, day_count="ACT/360") == round(Decimal(50_00) * 365 / 360)
    assert _year(1_000_00, day_count="30E/360") == 50_00


@pytest.mark.parametrize(
    ("frequency", "anchor", "expected"),
    [("monthly", "calendar", ["2026-02-01", "2026-03-01"]), ("monthly", "start", ["2026-02-20", "2026-03-20"]),
     ("weekly", "calendar", ["2026-01-26", "2026-02-02"]), ("weekly", "start", ["2026-01-27", "2026-02-03"]),
     ("quarterly", "calendar", ["2026-04-01"]), ("at_end", "calendar", ["2026-04-05"]), ("none", "calendar", [])],
)  # fmt: skip
def test_calendars_of_postings(frequency: str, anchor: str, expected: list[str]) -> None:
    found = boundaries(frequency, d("2026-01-20"), d("2026-04-05"), anchor)
    assert [day.isoformat() for day in found][: len(expected)] == expected
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("change", "error", "pointer"),
    [
        ({"rates": ()}, RateNotValid, "/rates"),
        ({"rates": (RatePeriod(NEW_YEAR, (Tier(1, Decimal(0)),)),)}, RateNotValid, "/rates/0/tiers"),
        ({"rates": (*FIVE, *FIVE)}, RateNotValid, "/rates/1"),
        ({"rates": flat(Decimal("NaN"))}, RateNotValid, "/rates/0/tiers/0/rate"),
        ({"day_count": "lunar"}, UnknownConvention, "/day_count"),
        ({"posting": "hourly"}, UnknownConvention, "/posting"),
        ({"tiering": "some"}, UnknownConvention, "/tiering"),
        ({"posting_unit": 0}, AmountOutOfRange, "/posting_unit"),
        ({"minimum_minor": -1}, AmountOutOfRange, "/minimum_minor"),
        ({"accrual_decimals": 50}, AmountOutOfRange, "/accrual_decimals"),
        ({"balance": "average", "posting": "monthly", "calculation": "yearly"}, PeriodNotValid, "/calculation"),
        ({"rate_per": "period", "posting": "none"}, UnknownConvention, "/calculation"),
    ],
    ids=range(12),
)
def test_terms_that_are_refused(change: dict[str, Any], error: type[Exception], pointer: str) -> None:
    with pytest.raises(error) as caught:
        interest_calculate(InterestTerms(**{"rates": FIVE, **change}), _account(1_000_00))
    assert caught.value.pointer == pointer  # type: ignore[attr-defined]


def test_accounts_that_are_refused() -> None:
    for account in (
        _account(1, end=d("2025-01-01")), _account(1, ("2025-12-31", 1)),
        _account(1, ("2026-03-01", 1), ("2026-02-01", 1)),
        _account(1, end=d("2190-01-01")),
    ):  # fmt: skip
        with pytest.raises(PeriodNotValid):
            interest_calculate(InterestTerms(rates=FIVE), account)


def test_formulas() -> None:
    assert round(effective_rate(Decimal("0.12"), 12), 10) == Decimal("0.1268250301")
    assert round(nominal_rate(effective_rate(Decimal("0.12"), 12), 12), 20) == Decimal("0.12")
    assert round(annual_percentage_yield(15, 1000, 181), 4) == Decimal("0.0305")
    assert simple_interest(1000, Decimal("0.05"), Decimal("1.5")) == 75
    assert round(annual_percentage_yield_earned(Decimal("5.25"), 1000, 30) * 100, 2) == Decimal("6.58")
    quarterly = annual_percentage_yield_earned(Decimal("4.109589"), 1000, 30, compounding_days=91)
    assert round(quarterly * 100, 2) == Decimal("5.09")
    for broken in ((1, 0, 365), (1, 100, 0), (-100, 100, 365)):
        with pytest.raises(AmountOutOfRange):
            annual_percentage_yield(*broken)
    for rate, per_year in ((Decimal(-13), 12), (Decimal("0.1"), 0)):
        with pytest.raises(RateNotValid):
            effective_rate(rate, per_year)


def test_the_explanation_adds_up() -> None:
    terms = InterestTerms(rates=TIERS, tiering="banded", compounding="daily", withholding=flat(Decimal("0.1")))
    found = interest_calculate(terms, _account(20_000_00, ("2026-05-05", -500_00)))
    shown = explain(found, 2)
    assert shown["convention"]["day_count"] == "ACT/365F"
    rows = sum(Decimal(row["interest"]) for row in shown["rows"])
    assert abs(rows - found.interest / 100) < Decimal("1e-7")
    assert sum(Decimal(row["net"]) for row in shown["postings"]) * 100 == sum(row.net for row in found.postings)


def _movements(rows: list[tuple[int, int]]) -> tuple[Movement, ...]:
    return tuple(Movement(NEW_YEAR + dt.timedelta(days=day), minor) for day, minor in sorted(rows))


MOVEMENTS = st.lists(st.tuples(st.integers(0, 364), st.integers(-(10**8), 10**8)), max_size=12).map(_movements)


@settings(deadline=None)
@given(
    opening=st.integers(0, 10**10), movements=MOVEMENTS, cut=st.integers(1, 364),
    name=st.sampled_from([one.name for one in CONVENTIONS.values() if one.additive and not one.needs]),
    tiering=st.sampled_from(["whole", "banded"]),
)  # fmt: skip
def test_interest_of_a_split_period_equals_the_whole(
    opening: int, movements: tuple[Movement, ...], cut: int, name: str, tiering: str
) -> None:
    terms = InterestTerms(rates=TIERS, overdraft_rates=FIVE, posting="none", day_count=name, tiering=tiering)
    middle = NEW_YEAR + dt.timedelta(days=cut)
    early = tuple(movement for movement in movements if movement.date < middle)
    late = tuple(movement for movement in movements if movement.date >= middle)
    whole = interest_calculate(terms, Account(NEW_YEAR, YEAR_END, opening, movements))
    first = interest_calculate(terms, Account(NEW_YEAR, middle, opening, early))
    second = interest_calculate(terms, Account(middle, YEAR_END, first.closing_minor, late))
    assert abs(whole.interest - first.interest - second.interest) < Decimal("1e-15")
    assert whole.closing_minor == second.closing_minor


@settings(deadline=None, max_examples=30)
@given(opening=st.integers(-(10**10), 10**10), movements=MOVEMENTS, posting=st.sampled_from(["daily", "monthly"]))
def test_no_interest_is_lost_between_accrual_and_posting(
    opening: int, movements: tuple[Movement, ...], posting: str
) -> None:
    terms = InterestTerms(rates=TIERS, overdraft_rates=FIVE, posting=posting)
    found = interest_calculate(terms, Account(NEW_YEAR, YEAR_END, opening, movements))
    assert abs(found.interest - found.posted - found.unposted) < Decimal("1e-15")
    assert all(abs(row.carried) <= 1 for row in found.postings)
    moved = opening + sum(movement.minor for movement in movements)
    assert found.closing_minor == moved + sum(row.net for row in found.postings)


@pytest.mark.parametrize(
    ("rate", "value"), [("0.058", "696.967"), ("0.069", "717.43"), ("0.073", "725.05"), ("0", "600")]
)
def test_a_recurring_deposit_of_the_post_office(rate: str, value: str) -> None:
    """India Post, National Savings Recurring Deposit Account: what 10 a month come to after five years."""
    found = recurring_deposit_value(10, Decimal(rate), 60)
    assert round(found, len(value.partition(".")[2])) == Decimal(value)
    assert recurring_deposit_value(1000, Decimal(rate), 1) >= 1000
    with pytest.raises(AmountOutOfRange):
        recurring_deposit_value(10, Decimal(rate), 0)


def test_interest_beyond_all_accounts_is_refused() -> None:
    terms = InterestTerms(rates=flat(Decimal(10)), posting="monthly", close=True)
    with pytest.raises(AmountOutOfRange):
        interest_calculate(terms, Account(dt.date(2020, 1, 1), dt.date(2029, 1, 1), 10**13))
