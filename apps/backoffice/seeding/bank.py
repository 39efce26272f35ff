"""What the demo bank itself does: capital, cash between vault and tills, settlement, investments, wages and rent."""

from __future__ import annotations

import datetime as dt
import random

from apps.backoffice.seeding.books import CHANNEL_GL, HQ, Books
from apps.backoffice.seeding.names import PLACES
from apps.backoffice.seeding.people import AccountPlan, Plan
from apps.backoffice.seeding.profiles import month_end

SHILLING = 100  # minor units
# Yearly rates in per cent.
SAVINGS_RATE = {"KES": 4, "USD": 1}
OVERDRAFT_RATE = 14
INVESTMENT_RATE = 11
TAX_ON_INTEREST = 15
EXCISE_ON_FEES = 20
MAINTENANCE_MONTHS = (3, 9)
MAINTENANCE_FEE = {"CUR-KES": 150 * SHILLING, "BIZ-KES": 600 * SHILLING}


class Bank:
    """The bank's own entries. Sizes grow with the number of members."""

    def __init__(self, plan: Plan, books: Books) -> None:
        self._books = books
        self._plan = plan
        self._rng = random.Random(f"{plan.seed}:{plan.profile.name}:bank")  # noqa: S311  (must repeat, not be secret)
        size = plan.profile.members
        self._till_float = {place.code: _thousands(size * 5_500 * place.share) for place in PLACES}
        self._vault_high = {code: 6 * amount for code, amount in self._till_float.items()}
        # A small bank settles twice a week, so that its books are mostly its members' doings.
        busy = plan.profile.transactions / max((plan.today - plan.first).days, 1) > 100
        self._settle_days = {0, 1, 2, 3, 4} if busy else {1, 4}

    def open(self, founders: list[AccountPlan], opening: dict[int, int]) -> None:
        """The first day: capital, cash in the vaults, and the balances taken over from the books before.

        `opening` gives the balance of a founder's account by its index, minor units.
        """
        books, size = self._books, self._plan.profile.members
        capital = _thousands(size * 24_000)
        books.bank_entry([("1210", HQ, -capital), ("3120", HQ, capital)], "Ordinary share capital paid in")
        equipment = _thousands(size * 2_400)
        books.bank_entry([("1730", HQ, -equipment), ("1210", HQ, equipment)], "Computers and core systems bought")
        totals: dict[str, int] = {}
        for account in founders:
            totals[account.currency] = totals.get(account.currency, 0) + opening[account.index]
        for currency, total in sorted(totals.items()):
            if total:
                books.bank_entry(
                    [(_home(currency), HQ, -total), ("3390", HQ, total)],
                    "Funds taken over with the opening balances",
                    currency=currency,
                    kind="opening",
                )
        for account in founders:
            if opening[account.index]:
                books.customer_entry(
                    account,
                    opening[account.index],
                    [(books.inner("3390", HQ, account.currency), -opening[account.index])],
                    kind="opening",
                    channel="back-office",
                    description="Opening balance taken over",
                    actor="finance",
                )
        for place in PLACES:
            self._cash_order(place.code, 3 * self._till_float[place.code])

    def morning(self, day: dt.date) -> None:
        """Fill the tills from the vaults, and the vaults from the central bank."""
        if day.weekday() == 6:
            return
        for place in PLACES:
            code, wanted = place.code, self._till_float[place.code]
            cash = -self._books.balance("1120", code)
            if cash > wanted * 7 // 10:
                continue
            need = _thousands((wanted - cash) / SHILLING)
            if -self._books.balance("1110", code) < need:
                self._cash_order(code, max(2 * wanted, need))
            self._books.bank_entry(
                [("1120", code, -need), ("1110", code, need)],
                "Cash from vault to tills",
                actor=f"manager:{code}",
                kind="cash_movement",
            )

    def evening(self, day: dt.date) -> None:
        """Tills to the vaults, surplus cash to the central bank, and settlement of the channels."""
        if day.weekday() == 6:
            return
        books = self._books
        for place in PLACES:
            code, wanted = place.code, self._till_float[place.code]
            surplus = -books.balance("1120", code) - wanted
            if surplus > wanted // 2:
                books.bank_entry(
                    [("1110", code, -surplus), ("1120", code, surplus)],
                    "Cash from tills to vault",
                    actor=f"manager:{code}",
                    kind="cash_movement",
                )
            vault = -books.balance("1110", code)
            if vault > self._vault_high[code]:
                self._cash_order(code, _thousands((self._vault_high[code] / 2 - vault) / SHILLING))
        if day.weekday() in self._settle_days:
            self._settle("KES")
        if day.weekday() == 4:
            self._settle("USD")
            self._settle("EUR")

    def _cash_order(self, code: str, amount: int) -> None:
        """Cash from the central bank to a branch's vault, through inter-branch clearing; negative: back to it."""
        if amount == 0:
            return
        text = "Cash from the central bank to vault" if amount > 0 else "Cash from vault to the central bank"
        lines = [("1110", code, -amount), ("1910", code, amount), ("1910", HQ, -amount), ("1210", HQ, amount)]
        self._books.bank_entry(lines, text, actor=f"manager:{code}", kind="cash_movement")

    def _settle(self, currency: str) -> None:
        for channel, gl_code in CHANNEL_GL.items():
            open_amount = self._books.balance(gl_code, HQ, currency)
            if open_amount:
                self._books.bank_entry(
                    [(gl_code, HQ, -open_amount), (_home(currency), HQ, open_amount)],
                    f"Settlement: {channel}",
                    currency=currency,
                    actor=None,
                    kind="settlement",
                )

    def month_work(self, day: dt.date) -> None:
        """What the bank pays and earns on this day of the month."""
        books, size = self._books, self._plan.profile.members
        if day.day == 1:
            for place in PLACES:
                rent = _thousands(size * 70 * place.share + 15)
                self._pay("5510", place.code, rent, f"Rent of the {place.name} branch")
            self._invest()
        elif day.day == 5:
            self._tax_forward()
        elif day.day == 12:
            for gl_code, text, share in (("5520", "Electricity and water", 9), ("5540", "Guards and alarms", 14)):
                for place in PLACES:
                    self._pay(gl_code, place.code, self._about(size * share * place.share), f"{text}, {place.name}")
        elif day.day == 18:
            self._pay("5620", HQ, self._about(size * 45), "Software and hosting")
            self._pay("5610", HQ, self._about(size * 18), "Telephone and data lines")
        elif day.day == 27:
            for place in PLACES:
                self._pay("5410", place.code, self._about(size * 240 * place.share), f"Wages, {place.name}")
            self._pay("5410", HQ, self._about(size * 160), "Wages, head office")
        if day == month_end(day):
            invested = -books.balance("1310")
            earned = invested * INVESTMENT_RATE // 1200
            if earned:
                books.bank_entry([("1210", HQ, -earned), ("4130", HQ, earned)], "Interest on treasury bills")
            wear = -books.balance("1730") // 48
            books.bank_entry([("5550", HQ, -wear), ("1790", HQ, wear)], "Depreciation of computers")

    def _pay(self, gl_code: str, code: str, amount: int, text: str) -> None:
        """An expense of a branch, paid by the head office."""
        amount = max(amount, 1_000 * SHILLING)
        if code == HQ:
            self._books.bank_entry([(gl_code, HQ, -amount), ("1210", HQ, amount)], text)
        else:
            lines = [(gl_code, code, -amount), ("1910", code, amount), ("1910", HQ, -amount), ("1210", HQ, amount)]
            self._books.bank_entry(lines, text)

    def _invest(self) -> None:
        """Keep somewhat more than half of the deposits in treasury bills."""
        wanted = self._books.deposits.get("KES", 0) * 55 // 100
        change = _hundred_thousands(wanted + self._books.balance("1310"))
        if change:
            text = "Treasury bills bought" if change > 0 else "Treasury bills redeemed"
            self._books.bank_entry([("1310", HQ, -change), ("1210", HQ, change)], text)

    def _tax_forward(self) -> None:
        for gl_code, text in (("2220", "Withholding tax paid over"), ("2240", "Excise duty paid over")):
            owed = self._books.balance(gl_code)
            if owed:
                self._books.bank_entry([(gl_code, HQ, -owed), ("1210", HQ, owed)], text)

    def interest(self, accounts: list[AccountPlan], day: dt.date) -> None:
        """On the last day of a month: interest to savers on the month's lowest balance, less withholding tax;
        interest on overdrafts; twice a year the maintenance fee of current accounts."""
        for account in accounts:
            base = account.interest_base
            if account.product in {"SAV-KES", "SAV-USD"}:
                gross = base * SAVINGS_RATE[account.currency] * day.day // 36_500
                if gross >= 50 * SHILLING or (gross >= SHILLING and account.currency != "KES"):
                    self._pay_interest(account, gross, day)
            elif base < 0:
                charge = -base * OVERDRAFT_RATE * day.day // 36_500
                if SHILLING <= charge <= account.available:
                    self._charge(account, charge, "4120", "interest", f"Overdraft interest {day:%B %Y}")
            fee = MAINTENANCE_FEE.get(account.product, 0)
            if fee and day.month in MAINTENANCE_MONTHS and account.available >= fee * 2:
                self.fee(account, fee, "4210", f"Maintenance fee, half year to {day:%B %Y}")
            account.interest_base = account.balance

    def _pay_interest(self, account: AccountPlan, gross: int, day: dt.date) -> None:
        books = self._books
        tax = gross * TAX_ON_INTEREST // 100 if account.currency == "KES" else 0
        others = [(books.inner("5110", account.member.place.code, account.currency), -gross)]
        if tax:
            others.append((books.inner("2220"), tax))
        note = f" (tax {tax / SHILLING:.2f} withheld)" if tax else ""
        books.customer_entry(
            account, gross - tax, others, kind="interest", channel="system", description=f"Interest {day:%B %Y}{note}"
        )

    def _charge(self, account: AccountPlan, amount: int, gl_code: str, kind: str, text: str) -> None:
        income = self._books.inner(gl_code, account.member.place.code, account.currency)
        self._books.customer_entry(account, -amount, [(income, amount)], kind=kind, channel="system", description=text)

    def fee(self, account: AccountPlan, amount: int, gl_code: str, text: str) -> None:
        """Charge a fee with the excise duty on it. The caller has looked at the funds."""
        duty = amount * EXCISE_ON_FEES // 100
        income = self._books.inner(gl_code, account.member.place.code, account.currency)
        others = [(income, amount), (self._books.inner("2240", HQ, account.currency), duty)]
        self._books.customer_entry(account, -amount - duty, others, kind="fee", channel="system", description=text)

    def _about(self, shillings: float) -> int:
        return round(shillings * self._rng.uniform(0.9, 1.1)) * SHILLING


def _home(currency: str) -> str:
    """Where the bank keeps its own money of a currency: shillings at the central bank, others with correspondents."""
    return "1210" if currency == "KES" else "1220"


def _thousands(shillings: float) -> int:
    """Shillings, rounded to thousands, in minor units."""
    return round(shillings / 1000) * 1000 * SHILLING


def _hundred_thousands(minor: int) -> int:
    step = 100_000 * SHILLING
    return minor // step * step if minor >= 0 else -(-minor // step * step)
