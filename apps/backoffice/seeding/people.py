"""The demo bank's members and accounts, planned in memory from a seed: the same seed gives the same people."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field

from apps.accounts.numbers import account_number
from apps.backoffice.seeding import names
from apps.backoffice.seeding.profiles import Profile, first_day
from apps.members.numbers import member_number

# What people live from: the share of each among persons, the product of the main account, those of further ones.
PERSONAS: dict[str, tuple[float, str, tuple[str, ...]]] = {
    "salaried": (0.42, "CUR-KES", ("SAV-KES", "WAL-KES", "SAV-USD")),
    "trader": (0.22, "CUR-KES", ("WAL-KES", "SAV-KES")),
    "farmer": (0.12, "SAV-KES", ("WAL-KES",)),
    "rider": (0.08, "WAL-KES", ("SAV-KES",)),
    "student": (0.07, "WAL-KES", ("SAV-KES",)),
    "pensioner": (0.05, "SAV-KES", ("CUR-KES",)),
    "diaspora": (0.04, "CUR-KES", ("SAV-USD", "CUR-EUR")),
}
FIXED = ("salaried", "diaspora")  # of the first members, one of them the demo login's: the same in every bank
FIXED_LAST = len(FIXED) - 1
LOGIN_INCOME = 9_650_000  # minor units a month
BUSINESS = ("BIZ-KES", ("SAV-KES", "SAV-USD", "CUR-EUR"))
BUSINESS_SHARE = 0.09
FOUNDER_SHARE = 0.55  # were members before the books begin: their balances are taken over on the first day
DORMANT_SHARE = 0.05
NAIROBI = dt.timezone(dt.timedelta(hours=3))


@dataclass(slots=True)
class MemberPlan:
    """A member to be, with what drives the flow of money: persona, and monthly income in minor units of KES."""

    index: int
    id: uuid.UUID
    number: str
    kind: str
    persona: str
    place: names.Place
    joined_on: dt.date
    created_at: dt.datetime
    first_name: str = ""
    last_name: str = ""
    business_name: str = ""
    registration_number: str = ""
    date_of_birth: dt.date | None = None
    email: str = ""
    phone: str = ""
    address: str = ""
    city: str = ""
    income: int = 0
    employer: str = ""
    pay_day: int = 0
    rent: int = 0
    landlord: str = ""
    instalment: int = 0
    lender: str = ""
    school: str = ""
    school_fee: int = 0
    dormant: bool = False
    accounts: list[AccountPlan] = field(default_factory=list)

    @property
    def display_name(self) -> str:
        """The name as shown to people."""
        return self.business_name or f"{self.first_name} {self.last_name}"


@dataclass(slots=True, eq=False)
class AccountPlan:
    """An account to be, and its state while the flow of money is played through: balance in minor units."""

    index: int
    id: uuid.UUID
    number: str
    product: str
    currency: str
    name: str
    member: MemberPlan
    opened_on: dt.date
    created_at: dt.datetime
    overdraft_limit: int = 0
    likes_overdraft: bool = False
    holders: list[tuple[MemberPlan, str]] = field(default_factory=list)
    ledger_id: int = 0
    balance: int = 0
    interest_base: int = 0  # the lowest balance of the running month

    @property
    def available(self) -> int:
        """What may be taken out, minor units."""
        return self.balance + self.overdraft_limit


@dataclass(slots=True)
class Plan:
    """Everything that is known before the first shilling moves."""

    profile: Profile
    seed: int
    first: dt.date
    today: dt.date
    members: list[MemberPlan]
    accounts: list[AccountPlan]


def plan_make(*, profile: Profile, seed: int, today: dt.date) -> Plan:
    """Plan the members and accounts of a profile. `today` is the open business day, which all dates relate to."""
    rng = random.Random(f"{seed}:{profile.name}:people")  # noqa: S311  (must repeat, not be secret)
    first = first_day(today, profile.months)
    members = [_member(rng, index, first, today) for index in range(profile.members)]
    accounts = _accounts(rng, members, profile.accounts, today)
    _holders(rng, members, accounts)
    return Plan(profile, seed, first, today, members, accounts)


def uuid7_at(moment: dt.datetime, rng: random.Random) -> uuid.UUID:
    """A UUIDv7 of a moment whose random bits come from `rng`."""
    milliseconds = int(moment.timestamp() * 1000)
    bits = milliseconds << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62)
    return uuid.UUID(int=bits)


def _office_hours(rng: random.Random, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(8 + rng.randrange(9), rng.randrange(60), rng.randrange(60)), NAIROBI)


def _weekday(day: dt.date) -> dt.date:
    """The day itself, or the Friday before a weekend."""
    return day - dt.timedelta(days=max(day.weekday() - 4, 0))


def _joined(rng: random.Random, index: int, first: dt.date, today: dt.date) -> dt.date:
    if index < 10 or rng.random() < FOUNDER_SHARE:
        return _weekday(first - dt.timedelta(days=30 + int(rng.triangular(0, 2000, 400))))
    span = max((today - first).days - 20, 1)
    return max(_weekday(first + dt.timedelta(days=rng.randrange(span))), first)


def _member(rng: random.Random, index: int, first: dt.date, today: dt.date) -> MemberPlan:
    place = rng.choices(names.PLACES, weights=[place.share for place in names.PLACES])[0]
    if index <= FIXED_LAST:
        place = names.PLACES[0]  # where the demo logins work
    joined = _joined(rng, index, first, today)
    created = _office_hours(rng, joined)
    is_business = index > FIXED_LAST and rng.random() < BUSINESS_SHARE
    member = MemberPlan(
        index=index,
        id=uuid7_at(created, rng),
        number=member_number(index + 1),
        kind="business" if is_business else "person",
        persona="business" if is_business else FIXED[min(index, FIXED_LAST)],
        place=place,
        joined_on=joined,
        created_at=created,
    )
    member.city = place.towns[min(int(rng.expovariate(0.6)), len(place.towns) - 1)]
    member.phone = f"+2547{index % 100:02d}{rng.randrange(10**6):06d}"
    member.address = f"P.O. Box {rng.randrange(1, 9000)}-{rng.choice(('00100', '40100', '80100', '00800'))}"
    if is_business:
        _business_facts(rng, member)
    else:
        _person_facts(rng, member, today)
    member.dormant = index > FIXED_LAST and rng.random() < DORMANT_SHARE
    return member


def _business_facts(rng: random.Random, member: MemberPlan) -> None:
    trade, form = rng.choice(names.BUSINESS_TRADES)
    member.business_name = " ".join(filter(None, (rng.choice(names.BUSINESS_FIRST), trade, form)))
    member.registration_number = f"PVT-{rng.randrange(16, 26)}-{rng.randrange(10**6):06d}"
    member.email = f"accounts.{member.index + 1}@example.com"
    member.income = _round(rng.lognormvariate(12.6, 0.7), 1000)  # median about KES 300,000 a month
    member.rent = _round(member.income / 100 * rng.uniform(0.06, 0.12), 500)
    member.landlord = rng.choice(names.LANDLORDS)


def _person_facts(rng: random.Random, member: MemberPlan, today: dt.date) -> None:
    if member.index > FIXED_LAST:
        member.persona = rng.choices(list(PERSONAS), weights=[share for share, *_ in PERSONAS.values()])[0]
    woman = rng.random() < 0.5
    member.first_name = rng.choice(names.WOMEN if woman else names.MEN)
    member.last_name = rng.choice(names.FAMILIES)
    if member.index == 0:
        member.first_name, member.last_name = names.LOGIN
    low, high = {"student": (18, 25), "pensioner": (60, 84)}.get(member.persona, (21, 59))
    age_days = int(rng.triangular(low, high, low + (high - low) * 0.35) * 365.25)
    member.date_of_birth = today - dt.timedelta(days=age_days + 300)
    plain = "".join(char for char in f"{member.first_name}.{member.last_name}".lower() if char.isalpha() or char == ".")
    if member.index == 0:
        member.email = names.LOGIN_EMAIL
    elif rng.random() < 0.8:
        member.email = f"{plain}{member.index + 1}@example.com"
    # Median income a month in KES; traders and farmers by their takings.
    median = {"salaried": 58_000, "trader": 90_000, "farmer": 35_000, "rider": 28_000, "student": 9_000}
    median |= {"pensioner": 26_000, "diaspora": 140_000}
    member.income = _round(median[member.persona] * rng.lognormvariate(0, 0.45), 500)
    if member.index == 0:
        member.income = LOGIN_INCOME
    if member.persona == "salaried" and (member.index == 0 or rng.random() < 0.55):
        member.employer = rng.choice(names.EMPLOYERS)  # others are paid through another bank
    elif member.persona == "diaspora":
        member.employer = rng.choice(names.ABROAD)
    member.pay_day = rng.choice((25, 26, 27, 28, 28, 30, 30, 30))
    if member.employer and rng.random() < 0.75:
        member.instalment = _round(member.income / 100 * rng.uniform(0.25, 0.45), 100)
        member.lender = rng.choice(names.LENDERS)
    if (member.employer or member.persona == "trader") and (member.index == 0 or rng.random() < 0.55):
        member.rent = _round(member.income / 100 * rng.uniform(0.18, 0.28), 500)
        member.landlord = rng.choice(names.LANDLORDS)
    if member.persona not in {"student", "rider", "pensioner"} and (member.index == 0 or rng.random() < 0.45):
        member.school = rng.choice(names.SCHOOLS)
        member.school_fee = _round(min(member.income / 100 * rng.uniform(0.25, 0.7), 90_000), 500)


def _round(amount: float, step: int) -> int:
    """An amount in shillings, rounded to `step` shillings, in minor units."""
    return max(round(amount / step), 1) * step * 100


def _accounts(rng: random.Random, members: list[MemberPlan], wanted: int, today: dt.date) -> list[AccountPlan]:
    accounts: list[AccountPlan] = []
    for member in members:
        main = BUSINESS[0] if member.kind == "business" else PERSONAS[member.persona][1]
        accounts.append(_account(rng, len(accounts), member, main, member.joined_on))
    for product in ("SAV-KES", "WAL-KES"):  # the member of the demo login has three accounts
        accounts.append(_account(rng, len(accounts), members[0], product, members[0].joined_on))
    for product in ("SAV-USD", "CUR-EUR"):  # every bank has at least one account in each currency
        accounts.append(_account(rng, len(accounts), members[1], product, members[1].joined_on))
    while len(accounts) < wanted:
        member = rng.choice(members)
        extras = BUSINESS[1] if member.kind == "business" else PERSONAS[member.persona][2]
        product = rng.choice(extras)
        if member.index == 0 or any(account.product == product for account in member.accounts):
            continue
        opened = member.joined_on
        if rng.random() < 0.6 and not member.dormant:
            span = max((today - member.joined_on).days - 15, 1)
            opened = max(_weekday(member.joined_on + dt.timedelta(days=rng.randrange(span))), member.joined_on)
        accounts.append(_account(rng, len(accounts), member, product, opened))
    return accounts


def _account(rng: random.Random, index: int, member: MemberPlan, product: str, opened_on: dt.date) -> AccountPlan:
    created = member.created_at if opened_on == member.joined_on else _office_hours(rng, opened_on)
    account = AccountPlan(
        index=index,
        id=uuid7_at(created, rng),
        number=account_number(prefix=_PREFIX[product], branch_code=member.place.code, serial=index + 1),
        product=product,
        currency=product[-3:],
        name=member.display_name,
        member=member,
        opened_on=opened_on,
        created_at=created,
    )
    chance, most = {"CUR-KES": (0.12, 150_000), "BIZ-KES": (0.3, 1_500_000)}.get(product, (0, 0))
    if rng.random() < chance:
        account.overdraft_limit = _round(min(member.income / 100 * rng.uniform(0.5, 1.2), most), 5_000)
        account.likes_overdraft = rng.random() < 0.5
    member.accounts.append(account)
    return account


_PREFIX = {"SAV-KES": "01", "CUR-KES": "02", "BIZ-KES": "03", "WAL-KES": "04", "SAV-USD": "05", "CUR-EUR": "06"}


def _holders(rng: random.Random, members: list[MemberPlan], accounts: list[AccountPlan]) -> None:
    """Joint owners on some accounts of people, signatories on half of those of businesses."""
    people = {place.code: [m for m in members if m.kind == "person" and m.place is place] for place in names.PLACES}
    for account in accounts:
        role = "signatory" if account.member.kind == "business" else "joint"
        chance = 0.5 if role == "signatory" else 0.05 if account.product in {"CUR-KES", "SAV-KES"} else 0
        if account.member.index == 0 or rng.random() >= chance:
            continue
        other = rng.choice(people[account.member.place.code] or members)
        if other is not account.member and other.joined_on <= account.opened_on:
            account.holders.append((other, role))
