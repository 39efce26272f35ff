"""What the calculations refuse. Every error names the argument at fault by its JSON pointer, as the API shows it."""

from __future__ import annotations

from apps.core.errors import Unprocessable


class CalculationError(Unprocessable):
    """422: the calculation cannot be made of these values.

    The base of all refusals of the engine. `pointer` is that of the argument: a day count's `/frequency`.
    """

    code = "calculation-impossible"
    title = "The calculation cannot be made"


class UnknownConvention(CalculationError):
    """422: no convention has this name. The reference of the calculations lists the names."""

    code = "unknown-convention"
    title = "The convention is not known"


class ConventionNeeds(CalculationError):
    """422: the convention needs something that was not given: a frequency, a maturity, a calendar."""

    code = "convention-needs-more"
    title = "The convention needs more"


class PeriodNotValid(CalculationError):
    """422: a period or a list of dates is not in order, empty, or too long."""

    code = "period-not-valid"
    title = "The period is not valid"


class RateNotValid(CalculationError):
    """422: a rate, or a table of rates, cannot be used."""

    code = "rate-not-valid"
    title = "The rate is not valid"


class AmountOutOfRange(CalculationError):
    """422: an amount or a number is outside what the calculation takes."""

    code = "calculation-out-of-range"
    title = "An amount is outside what the calculation takes"


class RecurrenceNotValid(CalculationError):
    """422: a recurrence rule is not one of RFC 5545, or never gives a date."""

    code = "recurrence-not-valid"
    title = "The recurrence rule is not valid"


class CalendarUnknown(CalculationError):
    """422: no calendar of business days has this name."""

    code = "calendar-unknown"
    title = "The calendar is not known"


class NoSolution(CalculationError):
    """422: no rate makes these flows balance, or none between -100 % and 10,000,000 %."""

    code = "no-solution"
    title = "There is no solution"


class ScheduleNotPossible(CalculationError):
    """422: these terms give no schedule: an instalment below the interest, shares that do not
    add up, a loan without instalments."""

    code = "schedule-not-possible"
    title = "These terms give no schedule"


class EventNotPossible(CalculationError):
    """422: an event of a loan cannot have happened: a payment before the loan, more tranches than
    agreed, out of order."""

    code = "event-not-possible"
    title = "The event is not possible"


class BankFileNotValid(CalculationError):
    """422: a bank statement file is in none of the known formats, too large, or not well-formed."""

    code = "bank-file-not-valid"
    title = "The bank statement file cannot be read"


class TooFewValues(CalculationError):
    """422: a figure needs more values than it was given."""

    code = "too-few-values"
    title = "Too few values"
