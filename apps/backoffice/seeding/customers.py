"""What the demo bank's customers do: wages, rent, school fees, takings, shopping, transfers among themselves."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

from apps.backoffice.seeding import names
from apps.backoffice.seeding.bank import Bank
from apps.backoffice.seeding.books import HQ, Books
from apps.backoffice.seeding.people import AccountPlan, MemberPlan
from apps.backoffice.seeding.profiles import month_end

SHILLING = 100  # minor units
ATM_FEE = 35 * SHILLING
ATM_MOST = 40_000 * SHILLING
MOBILE_FEES = ((1_000, 0), (5_000, 15), (20_000, 30), (300_000, 60))  # up to so many shillings: so many shillings
WALLET_MOST = 290_000 * SHILLING
MUCH = 2.5  # times what an account usually holds
REFUSED_SHARE = 0.2  # of the payments that lack funds, how many are tried all the same
SCHOOL_MONTHS = {1: "1", 5: "2", 9: "3"}

# How often an account moves against others, by product.
WEIGHTS = {"CUR-KES": 5, "BIZ-KES": 9, "WAL-KES": 5, "SAV-KES": 2, "SAV-USD": 1, "CUR-EUR": 1}

# What an account does, as (action, weight): first when money comes in, then when it goes out.
Habit = tuple[tuple[tuple[str, ...], tuple[int, ...]], tuple[tuple[str, ...], tuple[int, ...]]]
HABITS: dict[str, Habit] = {
    "CUR-KES": (
        (("mobile_in", "cash_in", "incoming"), (5, 2, 2)),
        (("atm", "shop", "mobile_out", "transfer", "to_savings", "bill", "cash_out"), (26, 24, 14, 12, 8, 10, 4)),
    ),
    "trader": (
        (("cash_in", "mobile_in"), (8, 3)),
        (("supplier", "shop", "atm", "mobile_out", "to_savings", "transfer", "cash_out"), (30, 10, 12, 14, 10, 10, 8)),
    ),
    "BIZ-KES": (
        (("cash_in", "mobile_in", "online_in", "cheque_in"), (7, 6, 3, 2)),
        (("supplier", "outgoing", "cheque_out", "cash_out", "bill", "wages"), (34, 18, 12, 8, 10, 14)),
    ),
    "WAL-KES": (
        (("mobile_in", "incoming"), (9, 1)),
        (("airtime", "shop", "transfer", "mobile_out", "bill"), (24, 26, 18, 16, 10)),
    ),
    "SAV-KES": (
        (("cash_in", "mobile_in", "incoming"), (5, 4, 1)),
        (("cash_out", "atm", "mobile_out"), (4, 4, 3)),
    ),
    "foreign": ((("incoming",), (1,)), (("outgoing",), (1,))),
}
TELLER_ACTIONS = frozenset({"cash_in", "cash_out", "cheque_in", "cheque_out"})
TRANSFER_TEXTS = (
    "Chama contribution", "For mum", "Loan back", "Rent share", "Harambee", "School trip", "Fuel", "Thank you", "Lunch",
)  # fmt: skip


class Customers:
    """The customers' side of the flow of money."""

    def __init__(self, *, rng: random.Random, books: Books, bank: Bank, first_year: int) -> None:
        self._first_year = first_year
        self._rng = rng
        self._books = books
        self._bank = bank
        self._by_currency: dict[str, list[AccountPlan]] = {}
        self._businesses: list[AccountPlan] = []
        self._actions: dict[str, Callable[[AccountPlan, str | None], bool]] = {
            name: getattr(self, f"_{name}")
            for incoming, outgoing in HABITS.values()
            for name in (*incoming[0], *outgoing[0], "invest")
        }

    def account_opened(self, account: AccountPlan) -> None:
        """From now on others may pay to this account."""
        self._by_currency.setdefault(account.currency, []).append(account)
        if account.product == "BIZ-KES":
            self._businesses.append(account)

    def first_deposit(self, account: AccountPlan) -> None:
        """The money with which an account that is opened in front of us begins."""
        member, amount = account.member, self.opening_amount(account)
        if account.product == "WAL-KES":
            self._credit(account, amount, "1240", "mobile", "First deposit from mobile money", member.display_name)
        elif account.currency != "KES":
            self._credit(account, amount, "2420", "incoming", "First deposit", member.employer or member.display_name)
        else:
            self._cash(account, amount, "First deposit", f"teller:{member.place.code}")

    def opening_amount(self, account: AccountPlan) -> int:
        """What an account holds at first, minor units."""
        share = {"SAV-KES": 1.4, "CUR-KES": 0.45, "BIZ-KES": 0.8, "WAL-KES": 0.08}.get(account.product, 0.01)
        return self._amount(account.member.income * share, 0.6)

    def salary(self, member: MemberPlan, day: dt.date) -> bool:
        """Wages, a pension or a remittance, to the account that suits it."""
        account = member.accounts[0]
        if member.persona == "diaspora":
            foreign = [a for a in member.accounts if a.currency != "KES" and a.opened_on <= day]
            if foreign:
                amount = round(member.income * self._rng.uniform(0.96, 1.04) / 130 / 50) * 50
                return self._credit(foreign[0], amount, "2420", "incoming", f"Salary {day:%B %Y}", member.employer)
        payer = member.employer or "National Pensions Fund"
        text = f"Pension {day:%B %Y}" if member.persona == "pensioner" else f"Salary {day:%B %Y}"
        # Without a raise the same each month; a raise each January.
        raised = member.income * (100 + 4 * (day.year - self._first_year)) // 100
        return self._credit(account, raised // SHILLING * SHILLING, "2420", "incoming", text, payer)

    def rent(self, member: MemberPlan, day: dt.date) -> bool:
        """The month's rent, when there is enough."""
        return self._debit(
            member.accounts[0], member.rent, "2410", "outgoing", f"Rent {day:%B %Y}", member.landlord, refuse=True
        )

    def standing_order(self, member: MemberPlan, day: dt.date) -> bool:
        """What leaves each month after the wages: instalments owed elsewhere."""
        return self._debit(member.accounts[0], member.instalment, "2410", "outgoing", "Standing order", member.lender)

    def school_fees(self, member: MemberPlan, day: dt.date) -> bool:
        """A term's school fees, when there is enough."""
        text = f"School fees term {SCHOOL_MONTHS[day.month]} {day.year}"
        return self._debit(member.accounts[0], member.school_fee, "2410", "outgoing", text, member.school, refuse=True)

    def choose(self, account: AccountPlan) -> str:
        """What an account does next: money in when it has little for its owner, out when it has much."""
        key = account.product
        if account.currency != "KES":
            key = "foreign"
        elif key == "CUR-KES" and account.member.persona == "trader":
            key = "trader"
        return self._pick(account, HABITS[key])

    def _fullness(self, account: AccountPlan) -> float:
        """What an account holds against the usual; who likes to overdraw counts the limit as money, twice."""
        have = account.balance + (account.overdraft_limit * 2 if account.likes_overdraft else 0)
        return have / (account.member.income * USUAL.get(account.product, 0.012))

    def _spending(self, account: AccountPlan, share: float) -> int:
        """An amount to spend around a share of the monthly income, more when there is more than usual."""
        return self._amount(account.member.income * share * max(min(self._fullness(account), 6), 0.4))

    def _pick(self, account: AccountPlan, habit: Habit) -> str:
        fullness = self._fullness(account)
        if fullness > MUCH and self._rng.random() < 0.4:
            return "invest"
        inflow = 0.8 - 0.35 * fullness
        if account.product == "CUR-KES" and account.member.persona in {"salaried", "diaspora"}:
            inflow -= 0.3  # they live from their wages
        names_, weights = habit[0] if self._rng.random() < max(min(inflow, 0.92), 0.06) else habit[1]
        return self._rng.choices(names_, weights)[0]

    def act(self, account: AccountPlan, action: str, actor: str | None) -> bool:
        """Do it; returns whether something was booked."""
        return self._actions[action](account, actor)

    # Money in

    def _cash_in(self, account: AccountPlan, actor: str | None) -> bool:
        trade = account.product == "BIZ-KES" or account.member.persona == "trader"
        amount = self._amount(account.member.income * (0.12 if trade else 0.15))
        return self._cash(account, amount, "Takings of the day" if trade else "Cash deposit", actor)

    def _mobile_in(self, account: AccountPlan, actor: str | None) -> bool:
        amount = min(self._amount(account.member.income * 0.1), WALLET_MOST)
        return self._credit(account, amount, "1240", "mobile", "Mobile money top-up", self._phone())

    def _incoming(self, account: AccountPlan, actor: str | None) -> bool:
        foreign = account.currency != "KES"
        amount = self._amount(account.member.income * (0.0035 if foreign else 0.12))
        payer = self._rng.choice(names.ABROAD if foreign else names.EMPLOYERS)
        return self._credit(
            account, amount, "2420", "incoming", "Remittance" if foreign else "Transfer received", payer
        )

    def _online_in(self, account: AccountPlan, actor: str | None) -> bool:
        amount = self._amount(account.member.income * 0.08)
        return self._credit(account, amount, "1250", "online", "Online shop payout", "Soko Online")

    def _cheque_in(self, account: AccountPlan, actor: str | None) -> bool:
        number = self._rng.randrange(100_000, 999_999)
        amount = self._amount(account.member.income * 0.2)
        return self._credit(
            account, amount, "1260", "cheque", f"Cheque {number} paid in", self._rng.choice(names.EMPLOYERS), actor
        )

    # Money out

    def _atm(self, account: AccountPlan, actor: str | None) -> bool:
        step = 500 * SHILLING
        amount = min(max(round(self._spending(account, 0.07) / step), 1) * step, ATM_MOST)
        fee = ATM_FEE * 120 // 100
        if account.available < amount + fee:
            return self._short(account, amount, "1230", "withdrawal", "atm", "ATM withdrawal")
        place = self._rng.choice(account.member.place.atms)
        if self._debit(account, amount, "1230", "atm", place, kind="withdrawal"):
            self._bank.fee(account, ATM_FEE, "4240", "ATM fee")
        return True

    def _shop(self, account: AccountPlan, actor: str | None) -> bool:
        wallet = account.product == "WAL-KES"
        amount = self._spending(account, (0.04 if wallet else 0.05))
        gl_code, channel = ("1240", "mobile") if wallet else ("1230", "atm")
        return self._debit(account, amount, gl_code, channel, "Purchase", self._rng.choice(names.SHOPS), refuse=True)

    def _airtime(self, account: AccountPlan, actor: str | None) -> bool:
        amount = self._rng.choice((50, 100, 100, 200, 250, 500)) * SHILLING
        return self._debit(account, amount, "1240", "mobile", "Airtime", "Savannah Telecom Ltd")

    def _mobile_out(self, account: AccountPlan, actor: str | None) -> bool:
        amount = min(self._spending(account, 0.06), WALLET_MOST)
        fee = next((fee for limit, fee in MOBILE_FEES if amount <= limit * SHILLING), 60) * SHILLING
        if account.available < amount + fee * 120 // 100:
            return self._short(account, amount, "1240", "withdrawal", "mobile", "To mobile money")
        if self._debit(account, amount, "1240", "mobile", "To mobile money", self._phone()) and fee:
            self._bank.fee(account, fee, "4220", "Mobile money fee")
        return True

    def _bill(self, account: AccountPlan, actor: str | None) -> bool:
        amount = self._spending(account, 0.035)
        return self._debit(account, amount, "1250", "online", self._rng.choice(names.BILLERS))

    def _cash_out(self, account: AccountPlan, actor: str | None) -> bool:
        amount = self._spending(account, 0.12)
        till = self._books.inner("1120", account.member.place.code)
        if account.available < amount or -till.balance < amount:
            return False
        return self._cash(account, -amount, "Cash withdrawal", actor)

    def _outgoing(self, account: AccountPlan, actor: str | None) -> bool:
        foreign = account.currency != "KES"
        amount = self._spending(account, (0.003 if foreign else 0.1))
        text, payee = ("Transfer abroad", names.ABROAD) if foreign else ("Supplier paid", names.SUPPLIERS)
        return self._debit(account, amount, "2410", "outgoing", text, self._rng.choice(payee))

    def _cheque_out(self, account: AccountPlan, actor: str | None) -> bool:
        number = self._rng.randrange(100_000, 999_999)
        amount = self._spending(account, 0.12)
        return self._debit(
            account, amount, "1260", "cheque", f"Cheque {number}", self._rng.choice(names.SUPPLIERS), actor=actor
        )

    def _invest(self, account: AccountPlan, actor: str | None) -> bool:
        """Somebody with much on the account puts most of it to work."""
        step = 1_000 * SHILLING
        amount = int(account.balance * self._rng.uniform(0.4, 0.75)) // step * step
        if account.member.kind == "business":
            text, payee = "Stock purchase", self._rng.choice(names.SUPPLIERS)
        else:
            text, payee = self._rng.choice(names.LARGE_SPENDINGS)
        return self._debit(account, amount, "2410", "outgoing", text, payee)

    # Among customers

    def _transfer(self, account: AccountPlan, actor: str | None) -> bool:
        target = self._rng.choice(self._by_currency[account.currency])
        text = self._rng.choice(TRANSFER_TEXTS)
        return self._between(account, target, self._spending(account, 0.05), text)

    def _to_savings(self, account: AccountPlan, actor: str | None) -> bool:
        for target in account.member.accounts:
            if target.product == "SAV-KES" and target.opened_on <= self._books.day:
                return self._between(account, target, self._spending(account, 0.07), "To savings")
        return self._transfer(account, actor)

    def _supplier(self, account: AccountPlan, actor: str | None) -> bool:
        if not self._businesses:
            return self._outgoing(account, actor)
        target = self._rng.choice(self._businesses)
        text = f"Invoice {self._rng.randrange(1000, 9999)}"
        return self._between(account, target, self._spending(account, 0.13), text)

    def _wages(self, account: AccountPlan, actor: str | None) -> bool:
        target = self._rng.choice(self._by_currency["KES"])
        if target.member.kind == "business":
            return False
        amount = min(self._amount(target.member.income * 0.25), account.member.income // 4)
        return self._between(account, target, amount, "Casual wages")

    def _between(self, source: AccountPlan, target: AccountPlan, amount: int, text: str) -> bool:
        if target is source or source.available < amount or amount <= 0:
            return False
        self._books.transfer(source, target, amount, channel="online", description=text)
        return True

    # The one place each for credits, debits, cash

    def _credit(
        self,
        account: AccountPlan,
        amount: int,
        gl_code: str,
        channel: str,
        text: str,
        payer: str,
        actor: str | None = None,
    ) -> bool:
        if amount <= 0:
            return False
        inner = self._books.inner(gl_code, HQ, account.currency)
        self._books.customer_entry(
            account, amount, [(inner, -amount)],
            kind="deposit", channel=channel, description=text, counterparty=payer, actor=actor,
        )  # fmt: skip
        return True

    def _debit(
        self,
        account: AccountPlan,
        amount: int,
        gl_code: str,
        channel: str,
        text: str,
        payee: str = "",
        *,
        kind: str = "withdrawal",
        refuse: bool = False,
        actor: str | None = None,
    ) -> bool:
        if account.available < amount:
            return refuse and self._short(account, amount, gl_code, kind, channel, text)
        if amount <= 0:
            return False
        inner = self._books.inner(gl_code, HQ, account.currency)
        self._books.customer_entry(
            account, -amount, [(inner, amount)],
            kind=kind, channel=channel, description=text, counterparty=payee, actor=actor,
        )  # fmt: skip
        return True

    def _short(self, account: AccountPlan, amount: int, gl_code: str, kind: str, channel: str, text: str) -> bool:
        """Funds are missing: now and then it is tried all the same, and refused."""
        if account.available >= amount or self._rng.random() >= REFUSED_SHARE:
            return False
        inner = self._books.inner(gl_code, HQ, account.currency)
        self._books.refused(account, amount, inner, kind=kind, channel=channel, description=text)
        return True

    def _cash(self, account: AccountPlan, amount: int, text: str, actor: str | None) -> bool:
        till = self._books.inner("1120", account.member.place.code)
        kind = "deposit" if amount > 0 else "withdrawal"
        self._books.customer_entry(
            account, amount, [(till, -amount)], kind=kind, channel="branch", description=text, actor=actor
        )
        return True

    def _amount(self, mean: float, spread: float = 0.5) -> int:
        """An amount around `mean` (minor units), rounded as people do: to 10, 50, 100 or 500 shillings."""
        shillings = mean * self._rng.lognormvariate(-0.12, spread) / SHILLING
        step = 10 if shillings < 1_000 else 50 if shillings < 5_000 else 100 if shillings < 20_000 else 500
        return max(round(shillings / step), 1) * step * SHILLING

    def _phone(self) -> str:
        return f"+2547** ***{self._rng.randrange(1000):03d}"


# What an account usually holds, in months of its owner's income.
USUAL = {"CUR-KES": 0.9, "BIZ-KES": 0.9, "WAL-KES": 0.12, "SAV-KES": 2.2}


def pay_date(month: dt.date, day: int) -> dt.date:
    """The day of `month` on which wages due on `day` are paid: not after the month's end, not on a weekend."""
    due = min(month.replace(day=1) + dt.timedelta(days=day - 1), month_end(month))
    return due - dt.timedelta(days=max(due.weekday() - 4, 0))
