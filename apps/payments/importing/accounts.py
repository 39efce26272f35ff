"""The accounts that an import posts to: those of the file, opened when asked for, and the bank's own."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Case, IntegerField, Value, When

from apps.accounts.errors import AccountNumberTaken
from apps.accounts.models import AccountProduct
from apps.accounts.selectors import AccountRef, ledger_refs
from apps.accounts.services import accounts_open
from apps.balances.services import internal_account_id
from apps.core.errors import DomainError
from apps.core.retry import retry_transient
from apps.members.errors import MemberNumberTaken
from apps.members.models import Member
from apps.members.services import member_create
from apps.payments.channels import CHANNELS, OPENING_BALANCES
from apps.payments.importing.rows import ImportRow

if TYPE_CHECKING:
    from apps.identity.models import Branch, User

MISSING_ID = UUID(int=0)
"""Of an account that a dry run would open."""


class AccountFinder:
    """Finds accounts by number and remembers them; opens what is missing when `create` is given.

    `only_branch_id` limits it to the accounts of one branch. In a dry run nothing is opened, and references to what
    would be have ledger ids below zero.
    """

    def __init__(
        self,
        *,
        source: str,
        acting_user: User | None,
        branch: Branch | None,
        only_branch_id: UUID | None,
        create: bool,
        dry_run: bool,
    ) -> None:
        self._source = source
        self._user = acting_user
        self._branch = branch
        self._only_branch_id = only_branch_id
        self._create = create
        self._dry_run = dry_run
        self._refs: dict[str, AccountRef] = {}
        self._products: dict[str, AccountProduct | None] = {}
        self._member_id: UUID | None = None
        self._counters: dict[tuple[str, bool, UUID, str], int] = {}
        self.faults: dict[str, DomainError | None] = {}
        self.opened = 0

    def find(self, rows: Iterable[ImportRow]) -> dict[str, AccountRef]:
        """References of the accounts of these rows; those that are not there and cannot be opened are left out."""
        unseen = {row.account_number: row for row in reversed(list(rows)) if row.account_number not in self._refs}
        if unseen:
            found = ledger_refs(numbers=list(unseen))
            limit = self._only_branch_id
            self._refs.update({number: ref for number, ref in found.items() if limit is None or ref.branch_id == limit})
            if self._create:
                missing = [unseen[number] for number in sorted(unseen.keys() - found.keys() - self.faults.keys())]
                self._open_all(missing)
        return self._refs

    def counter(self, ref: AccountRef, row: ImportRow) -> int:
        """Ledger account id of the bank's side of a row: its channel's, or that of opening balances."""
        key = (row.channel, row.minor > 0, ref.branch_id, row.currency)
        found = self._counters.get(key)
        if found is None:
            channel = CHANNELS.get(row.channel)
            code = OPENING_BALANCES if channel is None else channel.deposit if row.minor > 0 else channel.withdrawal
            found = self._counters[key] = internal_account_id(
                gl_code=code, branch_id=ref.branch_id, branch_code=ref.branch_code, currency=row.currency
            )
        return found

    def _open_all(self, rows: list[ImportRow]) -> None:
        """Open the accounts of these rows, as of their dates; why one cannot be opened is kept in `faults`."""
        wanted: list[tuple[ImportRow, AccountProduct, Branch]] = []
        for row in rows:
            product = self._product(row.currency)
            if product is None or self._branch is None:
                self.faults[row.account_number] = None
            else:
                wanted.append((row, product, self._branch))
        if self._dry_run:
            for row, product, branch in wanted:
                self.opened += 1
                self._refs[row.account_number] = AccountRef(
                    row.account_number, MISSING_ID, -self.opened, row.currency, branch.pk, branch.code,
                    product.pk, "active", None, None, (),
                )  # fmt: skip
            return
        if wanted and self._branch is not None:
            # In the order of numbers: two imports then wait for each other and do not deadlock.
            for product in {product.pk: product for _, product, _ in wanted}.values():
                self._open_together(product, self._branch, [row for row, own, _ in wanted if own.pk == product.pk])
            self._refs.update(ledger_refs(numbers=[row.account_number for row, _, _ in wanted]))

    def _open_together(self, product: AccountProduct, branch: Branch, rows: list[ImportRow]) -> None:
        """Open accounts of one product: all at once, or one by one when one of them cannot be."""
        try:
            self.opened += self._open_rows(product, branch, rows)
        except DomainError as error:
            if len(rows) > 1:
                for row in rows:
                    self._open_together(product, branch, [row])
            elif not isinstance(error, AccountNumberTaken):  # taken: another import opened it at this moment
                self.faults[rows[0].account_number] = error

    @retry_transient
    def _open_rows(self, product: AccountProduct, branch: Branch, rows: list[ImportRow]) -> int:
        member_id = self._member(min(row.booking_date for row in rows))
        wanted = [(row.account_number, f"Imported account {row.account_number}", row.booking_date) for row in rows]
        opened = accounts_open(
            acting_user=self._user, product_id=product.pk, member_id=member_id, branch_id=branch.pk, rows=wanted
        )
        return len(opened)

    def _product(self, currency: str) -> AccountProduct | None:
        """The product for accounts of a currency: savings before current accounts before wallets, by code."""
        if currency not in self._products:
            rank = Case(
                When(kind="savings", then=Value(0)),
                When(kind="current", then=Value(1)),
                default=Value(2),
                output_field=IntegerField(),
            )
            products = AccountProduct.objects.filter(currency_id=currency, is_active=True)
            self._products[currency] = products.order_by(rank, "code").first()
        return self._products[currency]

    def _member(self, joined_on: dt.date) -> UUID:
        """The member in whose name a source's accounts of a branch stand until staff assign them."""
        if self._member_id is None and self._branch is not None:
            digest = hashlib.sha256(f"{self._source}\n{self._branch.code}".encode()).hexdigest()
            number = f"IMP{digest[:12].upper()}"
            found = Member.objects.filter(number=number).values_list("pk", flat=True).first()
            if found is None:
                try:
                    found = member_create(
                        acting_user=self._user,
                        kind="business",
                        business_name=f"Imported accounts ({self._source})",
                        joined_on=joined_on,
                        branch_id=self._branch.pk,
                        number=number,
                    ).pk
                except MemberNumberTaken:  # another import made it at this moment
                    found = Member.objects.values_list("pk", flat=True).get(number=number)
            self._member_id = found
        if self._member_id is None:
            raise ValueError("accounts are opened at a branch")
        return self._member_id
