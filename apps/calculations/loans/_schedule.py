"""The schedule of a loan: equal instalments, equal principal, interest only, shares; declining or flat interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

from apps.calculations.errors import AmountOutOfRange, ScheduleNotPossible
from apps.calculations.loans._interest import Interest, Part
from apps.calculations.loans._rows import Row, Schedule
from apps.calculations.loans._terms import Fee, LoanTerms, Period, Rounding
from apps.core.money import minor_round

PRECISION = 40


def loan_schedule(terms: LoanTerms) -> Schedule:
    """The schedule of a loan by its terms. Raises a CalculationError that names the term at fault.

    Formulas: the level instalment from the present value of an annuity (with growth factors where periods differ),
    see the module docs/reference/loan-calculations.md.
    """
    terms.check()
    financed = sum(fee_amount(fee, terms.principal, 0, terms.principal) for fee in terms.fees if fee.kind == "financed")
    if financed:
        terms = _financed(terms, financed)
    rows, instalments = _flat(terms) if terms.method == "flat" else _declining(terms)
    withheld = sum(fee_amount(fee, terms.principal, 0, terms.principal) for fee in terms.fees if fee.kind == "upfront")
    if withheld >= terms.principal:
        raise AmountOutOfRange("The upfront fees leave nothing to pay out.", pointer="/fees")
    rows = [_with_fees(row, terms.fees) for row in rows]
    return Schedule(terms, tuple(rows), tuple(instalments), terms.principal - financed - withheld, financed)


def _financed(terms: LoanTerms, financed: int) -> LoanTerms:
    """The terms with fees on top of the principal, and on top of the first tranche."""
    tranches = terms.tranches
    if tranches:
        tranches = ((tranches[0][0], tranches[0][1] + financed), *tranches[1:])
    return replace(terms, principal=terms.principal + financed, tranches=tranches)


def fee_amount(fee: Fee, principal: int, interest: int, outstanding: int) -> int:
    """A fee in minor units, half up."""
    base = {
        "principal": principal,
        "interest": interest,
        "principal_and_interest": principal + interest,
        "outstanding": outstanding,
    }.get(fee.base, 0)
    return fee.amount + minor_round(Fraction(fee.share) * base, 1, "half_up")


def _with_fees(row: Row, fees: Sequence[Fee]) -> Row:
    due = [
        (fee, fee_amount(fee, row.principal, row.interest, row.opening)) for fee in fees if fee.kind == "per_instalment"
    ]
    if not due:
        return row
    return replace(
        row,
        fees=sum(amount for fee, amount in due if not fee.penalty),
        penalties=sum(amount for fee, amount in due if fee.penalty),
    )


def exact_decimal(value: Fraction) -> Decimal:
    """A fraction to 40 digits."""
    with localcontext() as context:
        context.prec = PRECISION
        return Decimal(value.numerator) / value.denominator


def level_instalment(
    balance: int,
    growths: Sequence[Decimal],
    balloon: int,
    rounding: Rounding,
    weights: Sequence[Decimal] | None = None,
) -> int:
    """The instalment that leaves `balloon` of `balance` after periods with these growths (g of 1 + g).

    With `weights`, the instalment of each period is so many times the one found. First to the minor unit, then to the
    unit of the rounding, as a person would.
    """
    with localcontext() as context:
        context.prec = PRECISION
        product, total = Decimal(1), Decimal(0)
        for n, growth in enumerate(growths):
            factor = 1 + growth
            product *= factor
            total = total * factor + (1 if weights is None else weights[n])
        exact = (balance * product - balloon) / total
    cents = minor_round(exact, 1, rounding.mode)
    return minor_round(cents, rounding.unit, rounding.mode) if rounding.unit > 1 else cents


def _weights(terms: LoanTerms) -> list[Decimal]:
    """How many times the first instalment each one is."""
    with localcontext() as context:
        context.prec = PRECISION
        grace, every = terms.grace_principal, terms.step_every
        return [(1 + terms.step) ** (max(index - grace, 0) // every) for index in range(terms.count)]


class Level:
    """The level instalment of a loan as it stands: kept, until the rate changes, or worked out each time (`spread`)."""

    def __init__(self, terms: LoanTerms, interest: Interest) -> None:
        self.terms, self.interest = terms, interest
        self.found: list[int] = [] if terms.instalment is None else [terms.instalment]
        self._rate = interest.rate_on(terms.start)
        self._stepped: list[int] = []
        self._weights = _weights(terms) if terms.step else []
        self._years = [exact_decimal(self._length(n, period)) for n, period in enumerate(terms.periods)]

    def _length(self, index: int, period: Period) -> Fraction:
        """The years of a period as the level instalment sees them; none while there is no interest."""
        terms = self.terms
        if terms.annuity_years is not None:
            return terms.annuity_years
        free = index < terms.interest_free or (index < terms.grace_principal and not terms.interest_in_grace)
        return Fraction(0) if free else self.interest.years(period.start, period.due, period)

    def at(self, index: int, balance: int) -> int:
        """The instalment of the period `index`, with `balance` owed at its start."""
        rate = self.interest.rate_on(self.terms.periods[index].start)
        if not self.found or self.terms.remainder == "spread" or rate != self._rate:
            self.reset(index, balance)
            self._rate = rate
        if not self.terms.step:
            return self.found[-1]
        rounding = self.terms.instalment_rounding
        amount = minor_round(Fraction(self.found[-1]) * Fraction(self._weights[index]), rounding.unit, rounding.mode)
        if self._stepped[-1:] != [amount]:
            self._stepped.append(amount)
        return amount

    @property
    def amounts(self) -> list[int]:
        """The instalments worked out, those of the steps one by one."""
        return self._stepped if self.terms.step else self.found

    def reset(self, index: int, balance: int) -> None:
        """Work the instalment out for the periods from `index` on."""
        terms = self.terms
        if terms.instalment_principal is not None and not self.found:
            balance = terms.instalment_principal
        rate = self.interest.rate_on(terms.periods[index].start)
        with localcontext() as context:
            context.prec = PRECISION
            growths = [rate * years for years in self._years[index:]]
        weights = self._weights[index:] if terms.step else None
        self.found.append(level_instalment(balance, growths, terms.balloon, terms.instalment_rounding, weights))


def _declining(terms: LoanTerms) -> tuple[list[Row], list[int]]:
    interest = Interest(terms)
    level = Level(terms, interest)
    paid_out = terms.tranches or ((terms.start, terms.principal),)
    balance = sum(amount for date, amount in paid_out if date <= terms.start)
    waiting = sorted(one for one in paid_out if one[0] > terms.start)
    deferred = 0
    rows: list[Row] = []
    for index, period in enumerate(terms.periods):
        number = index + 1
        later = [one for one in waiting if one[0] <= period.due]
        waiting = waiting[len(later) :]
        tranche = sum(amount for _, amount in later)
        parts = interest.parts(period, balance, later)
        accrued = 0 if _is_free(terms, number) else interest.rounded(parts)
        due_now = 0 if number <= terms.grace_interest else accrued + deferred
        deferred = deferred + accrued if number <= terms.grace_interest else 0
        principal = _principal(terms, level, index, balance, accrued)
        if number == terms.count:
            due_now, deferred = due_now + deferred, 0
            to_first = terms.remainder == "first" and terms.amortization != "interest_only"
            principal = principal + terms.balloon if to_first else balance + tranche
        elif not 0 <= principal <= balance + tranche:
            principal = _refused(principal, balance + tranche, number)
        closing = balance + tranche - principal
        if number == 1 and terms.first_interest == "actual_days":
            due_now = _first_interest(terms, due_now, period)
        rows.append(
            Row(number, period.start, period.due, balance, principal, due_now, closing, disbursed=tranche, parts=parts)
        )
        balance = closing
    if terms.remainder == "first" and balance:
        rows = _rest_to_first(rows, balance)
    return rows, level.amounts


def _is_free(terms: LoanTerms, number: int) -> bool:
    return number <= terms.interest_free or (number <= terms.grace_principal and not terms.interest_in_grace)


def _refused(principal: int, balance: int, number: int) -> int:
    """The principal where it is above the balance (rounding up has paid the loan before its end)."""
    if principal < 0:
        raise ScheduleNotPossible(f"Instalment {number} does not cover its interest.", pointer="/instalment")
    return balance


def _principal(terms: LoanTerms, level: Level, index: int, balance: int, accrued: int) -> int:
    """The principal that is due with an instalment, before the last one takes the rest."""
    if index < terms.grace_principal:
        return 0
    left = terms.count - index
    if terms.amortization == "equal_instalments":
        return level.at(index, balance) - accrued
    if terms.amortization == "interest_only":
        return 0
    rounding = terms.principal_rounding
    if terms.amortization == "shares":
        share = terms.shares[index - terms.grace_principal][0]
        return minor_round(share * terms.principal, rounding.unit, rounding.mode)
    to_repay = balance - terms.balloon
    if terms.remainder != "spread":
        to_repay, left = terms.principal - terms.balloon, terms.count - terms.grace_principal
    return minor_round(Fraction(to_repay, left), rounding.unit, rounding.mode)


def _first_interest(terms: LoanTerms, interest: int, period: Period) -> int:
    """The first interest for the days to the moved due date."""
    nominal = (period.nominal_due - period.start).days
    rounding = terms.interest_rounding
    return minor_round(Fraction(interest * period.days, nominal), rounding.unit, rounding.mode)


def _rest_to_first(rows: list[Row], rest: int) -> list[Row]:
    """What rounding leaves goes to the first instalment that has principal; interest stays as it was worked out."""
    first = next((n for n, row in enumerate(rows) if row.principal), len(rows) - 1)
    moved = []
    for n, row in enumerate(rows):
        opening = row.opening - (rest if n > first else 0)
        principal = row.principal + (rest if n == first else 0)
        moved.append(replace(row, opening=opening, principal=principal, closing=opening + row.disbursed - principal))
    if any(row.principal < 0 or row.closing < 0 for row in moved):
        raise ScheduleNotPossible("Rounding leaves more than the first instalment can take.", pointer="/remainder")
    return moved


def _flat(terms: LoanTerms) -> tuple[list[Row], list[int]]:
    """Flat interest: on the whole principal for the whole term, in equal parts or by shares."""
    interests, principals = _flat_shares(terms) if terms.amortization == "shares" else _flat_equal(terms)
    rows: list[Row] = []
    balance = terms.principal
    deferred = 0
    for index, period in enumerate(terms.periods):
        number, interest = index + 1, interests[index]
        if number <= terms.grace_interest:
            interest, deferred = 0, deferred + interest
        else:
            interest, deferred = interest + deferred, 0
        if number == 1 and terms.first_interest == "actual_days":
            interest = _first_interest(terms, interest, period)
        closing = balance - principals[index]
        part = Part(period.start, period.due, terms.principal, terms.rate, terms.period_years)
        rows.append(Row(number, period.start, period.due, balance, principals[index], interest, closing, parts=(part,)))
        balance = closing
    return rows, []


def _flat_years(terms: LoanTerms) -> Fraction:
    """The years that bear flat interest: nominal periods, or days from start to end by the day count."""
    free = max(terms.interest_free, 0 if terms.interest_in_grace else terms.grace_principal)
    if terms.interest == "per_period":
        return terms.period_years * (terms.count - free)
    interest = Interest(terms)
    return sum((interest.years(period.start, period.due, period) for period in terms.periods[free:]), Fraction(0))


def _flat_equal(terms: LoanTerms) -> tuple[list[int], list[int]]:
    rounding, money = terms.interest_rounding, terms.principal_rounding
    total = minor_round(terms.principal * Fraction(terms.rate) * _flat_years(terms), rounding.unit, rounding.mode)
    free = max(terms.interest_free, 0 if terms.interest_in_grace else terms.grace_principal)
    bearing = terms.count - free  # none, when all periods are free of interest
    interests = [0] * free + (_parts_of(total, bearing, rounding, terms.remainder) if bearing else [])
    grace = terms.grace_principal
    if terms.amortization == "interest_only":
        return interests, [0] * (terms.count - 1) + [terms.principal]
    unit = terms.instalment_rounding.unit
    if unit > 1:  # the instalment is in whole units: principal makes up for the interest's cents
        mode = terms.instalment_rounding.mode
        part = minor_round(Fraction(terms.principal, terms.count - grace), unit, mode)
        principals, left = [0] * grace, terms.principal
        for interest in interests[grace:-1]:
            principals.append(min(max(part + minor_round(interest, unit, mode) - interest, 0), left))
            left -= principals[-1]
        return interests, [*principals, left]
    parts = _parts_of(terms.principal - terms.balloon, terms.count - grace, money, terms.remainder)
    parts[-1] += terms.balloon
    return interests, [0] * grace + parts


def _parts_of(total: int, count: int, rounding: Rounding, remainder: str) -> list[int]:
    """A total in `count` rounded parts: equal, the rest in the last or first, or each of what is left (`spread`)."""
    parts: list[int] = []
    level = minor_round(Fraction(total, count), rounding.unit, rounding.mode)
    if remainder == "first":
        level = min(level, total // count)
        return [total - level * (count - 1), *[level] * (count - 1)]
    left = total
    for to_come in range(count, 1, -1):
        if remainder == "spread":
            level = minor_round(Fraction(left, to_come), rounding.unit, rounding.mode)
        parts.append(min(level, left))  # rounding up may take all before the end
        left -= parts[-1]
    return [*parts, left]


def _flat_shares(terms: LoanTerms) -> tuple[list[int], list[int]]:
    """Flat interest and principal by shares. What rounding leaves is carried to the next instalment.

    In the grace each period has the interest of one period; the shares split that of the periods after it.
    """
    per_period = terms.principal * Fraction(terms.rate) * terms.period_years
    grace = terms.grace_principal
    total = per_period * (terms.count - grace)
    carried = Fraction(0)
    interests, principals = [], []
    for _ in range(grace):
        exact = per_period + carried if terms.interest_in_grace else Fraction(0)
        interests.append(minor_round(exact, terms.interest_rounding.unit, terms.interest_rounding.mode))
        principals.append(0)
        carried = exact - interests[-1]
    carried_principal = Fraction(0)
    for share, interest_share in terms.shares:
        exact = terms.principal * share + carried_principal
        principals.append(minor_round(exact, terms.principal_rounding.unit, terms.principal_rounding.mode))
        carried_principal = exact - principals[-1]
        exact = total * (share if interest_share is None else interest_share) + carried
        interests.append(minor_round(exact, terms.interest_rounding.unit, terms.interest_rounding.mode))
        carried = exact - interests[-1]
    principals[-1] += terms.principal - sum(principals)
    return interests, principals
