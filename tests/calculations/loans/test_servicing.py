"""Loans with payments. The figures of recalculated schedules are those of Fineract's scenarios RP02 to RP13."""

from __future__ import annotations

import pytest

from apps.calculations.errors import AmountOutOfRange, EventNotPossible, UnknownConvention
from apps.calculations.loans import (
    AllocationOrder,
    Charge,
    Item,
    LoanState,
    Payment,
    ServicingRules,
    allocate,
    loan_replay,
)
from tests.calculations.loans.builders import START, daily, day, terms

RECALCULATED = ServicingRules(recalculate=True)


def paid(*payments: tuple[str, int], today: str, prepayment: str = "lower_instalment") -> LoanState:
    """Loan after payments, on a day."""
    rules = ServicingRules(recalculate=True, prepayment=prepayment)
    return loan_replay(daily(), [Payment(day(d), a) for d, a in payments], [], rules=rules, as_of=day(today))


def rows(state: LoanState) -> list[tuple[int, int, int]]:
    """(principal, interest, due) of each instalment."""
    return [(one.row.principal, one.row.interest, one.row.total) for one in state.rows]


def test_paid_on_time_and_a_little_more() -> None:
    found = rows(paid(("2022-12-01", 86_300), today="2022-12-01"))
    assert found[:2] == [(81_368, 4_932, 86_300), (81_933, 4_267, 86_200)]
    assert found[-1] == (85_602, 844, 86_446)


def test_late_money_bears_interest_till_it_is_paid() -> None:
    state = paid(("2022-12-05", 86_200), today="2022-12-05")
    assert rows(state)[1] == (81_825, 4_375, 86_200)
    assert [(part.balance, part.end.isoformat()) for part in state.rows[1].row.parts] == [
        (500_000, "2022-12-05"),
        (418_732, "2023-01-01"),
    ]
    assert (state.rows[0].late, state.rows[0].paid_date) == (86_200, day("2022-12-05"))


def test_a_part_payment_leaves_the_rest_overdue_till_today_only() -> None:
    assert rows(paid(("2022-12-01", 20_000), today="2022-12-01"))[1] == (81_932, 4_268, 86_200)
    assert rows(paid(("2022-12-05", 20_000), today="2022-12-05"))[1] == (81_825, 4_375, 86_200)


def test_early_money_is_principal_at_once() -> None:
    state = paid(("2022-11-27", 20_000), today="2022-11-27")
    assert rows(state)[0] == (81_295, 4_905, 86_200)
    assert state.rows[0].in_advance == 20_000


def test_more_than_the_principal_lowers_the_instalments() -> None:
    found = rows(paid(("2022-11-27", 150_000), today="2022-11-27"))
    assert found[:2] == [(150_000, 4_734, 154_734), (68_533, 3_567, 72_100)]
    found = rows(paid(("2022-12-01", 150_000), today="2022-12-01"))
    assert found[:2] == [(145_068, 4_932, 150_000), (69_483, 3_617, 73_100)]


def test_early_money_may_be_taken_from_the_next_instalments() -> None:
    state = paid(("2022-12-01", 100_000), ("2023-01-01", 200_000), today="2023-01-01", prepayment="next_instalments")
    assert rows(state)[1:5] == [
        (195_873, 4_127, 200_000),
        (0, 2_131, 2_131),
        (40_745, 1_924, 42_669),
        (84_485, 1_715, 86_200),
    ]


def test_early_money_may_shorten_the_term() -> None:
    state = paid(("2022-12-01", 250_000), today="2022-12-01", prepayment="shorten_term")
    assert len(state.rows) == 5
    assert {one.row.total for one in state.rows[1:4]} == {86_200}
    assert state.rows[-1].row.closing == 0


def test_paid_off_within_a_period_has_interest_till_that_day() -> None:
    state = paid(("2022-12-01", 86_200), ("2022-12-15", 430_000), today="2022-12-15")
    assert len(state.rows) == 2
    assert (state.rows[1].row.due, state.rows[1].row.interest) == (day("2022-12-15"), 1_927)
    assert state.overpaid == 430_000 - 418_732 - 1_927
    assert state.principal_outstanding == 0


def test_nothing_paid_makes_interest_on_the_whole_principal() -> None:
    state = paid(today="2023-02-15")
    assert [one.row.interest for one in state.rows[:3]] == [4_932, 5_096, 5_096]
    assert state.overdue() == 3 * 86_200
    assert state.overdue("interest") == 4_932 + 2 * 5_096


def test_the_rest_may_be_the_due_date() -> None:
    rules = ServicingRules(recalculate=True, rest="due_date")
    state = loan_replay(terms(), [Payment(day("2022-11-20"), 200_000)], [], rules=rules, as_of=day("2022-11-20"))
    assert state.rows[0].row.interest == 5_000
    assert state.rows[0].row.principal == 195_000


@pytest.mark.parametrize(
    ("payments", "today", "interest"),
    [
        ([("2022-11-20", 20_000), ("2023-01-04", 20_000)], "2023-01-04", [4_932, 4_268, 4_942, 2_352, 1_750, 860]),
        ([("2023-02-01", 86_200)], "2023-02-01", [4_932, 4_268, 5_096, 2_354, 1_751, 862]),
    ],
    ids=["part payments", "late payment"],
)
def test_overdue_principal_may_count_where_something_is_recorded(
    payments: list[tuple[str, int]], today: str, interest: list[int]
) -> None:
    rules = ServicingRules(recalculate=True, rest="due_date", overdue="recorded")
    state = loan_replay(daily(), [Payment(day(d), a) for d, a in payments], [], rules=rules, as_of=day(today))
    assert [one.row.interest for one in state.rows] == interest


def test_overdue_interest_may_bear_interest() -> None:
    rules = ServicingRules(recalculate=True, overdue="recorded", compounding=True)
    loan = daily(start=day("2022-09-01"))
    state = loan_replay(loan, [Payment(day("2022-12-04"), 86_200)], [], rules=rules, as_of=day("2022-12-04"))
    assert [one.row.interest for one in state.rows] == [4_932, 4_268, 3_322, 2_843, 1_738, 793]


def test_more_than_the_loan_on_its_first_day_is_overpaid() -> None:
    state = loan_replay(daily(), [Payment(START, 600_000)], [], rules=RECALCULATED, as_of=START)
    assert (state.overpaid, state.principal_outstanding, len(state.rows)) == (100_000, 0, 1)
    assert state.rows[0].row.interest == 0


def test_without_recalculation_the_schedule_stands() -> None:
    charges = [Charge(day("2022-11-15"), 5_000, penalty=True), Charge(day("2022-12-15"), 700)]
    state = loan_replay(terms(), [], charges, rules=ServicingRules(), as_of=day("2022-12-20"))
    assert (state.rows[0].row.penalties, state.rows[1].row.fees) == (5_000, 700)
    assert state.rows[0].row.interest == 5_000


def items() -> list[Item]:
    first, second = day("2023-02-01"), day("2023-03-01")
    return [
        Item(1, "penalties", day("2023-01-15"), 50),
        Item(1, "fees", first, 50),
        Item(1, "interest", first, 30),
        Item(1, "principal", first, 1_000),
        Item(2, "interest", second, 30),
        Item(2, "principal", second, 1_000),
    ]


@pytest.mark.parametrize(
    ("order", "date", "expected"),
    [
        (AllocationOrder(), "2023-02-01", [("penalties", 50), ("fees", 50), ("interest", 30), ("principal", 370)]),
        (
            AllocationOrder(in_advance=("principal", "penalties", "fees", "interest")),
            "2023-01-15",
            [("penalties", 50), ("principal", 450)],
        ),
        (AllocationOrder(("principal", "interest", "fees", "penalties")), "2023-02-01", [("principal", 500)]),
        (
            AllocationOrder(("interest", "principal", "fees", "penalties"), sweep="component"),
            "2023-03-01",
            [("interest", 30), ("interest", 30), ("principal", 440)],
        ),
    ],
    ids=["oldest first", "in advance", "principal first", "by component"],
)
def test_orders_of_allocation(order: AllocationOrder, date: str, expected: list[tuple[str, int]]) -> None:
    found = allocate(items(), 500, day(date), order)
    assert [(portion.component, portion.amount) for portion in found.portions] == expected
    assert found.left == 0


def test_what_finds_nothing_to_pay_is_left() -> None:
    assert allocate(items(), 3_000, day("2023-02-01"), AllocationOrder()).left == 3_000 - 2_160


def test_what_cannot_be_is_refused() -> None:
    early = [Payment(day("2022-10-31"), 100)]
    with pytest.raises(EventNotPossible):
        loan_replay(daily(), early, [], rules=RECALCULATED, as_of=START)
    with pytest.raises(EventNotPossible):
        loan_replay(daily(), [Payment(day("2022-12-02"), 1)], [], rules=RECALCULATED, as_of=day("2022-12-01"))
    with pytest.raises(AmountOutOfRange):
        loan_replay(daily(), [Payment(START, 0)], [], rules=RECALCULATED, as_of=START)
    with pytest.raises(UnknownConvention):
        loan_replay(daily(), [], [], rules=ServicingRules(rest="weekly"), as_of=START)
    with pytest.raises(UnknownConvention):
        loan_replay(daily(), [], [], rules=ServicingRules(AllocationOrder(("fees",) * 4)), as_of=START)
