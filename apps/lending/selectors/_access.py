"""Who sees which product, application and loan: the gates of every view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.lending.errors import LoanNotFound
from apps.lending.models import CreditLine, Loan, LoanApplication, LoanEvent, LoanGroup, LoanProduct

if TYPE_CHECKING:
    from apps.identity.models import User


def products_visible_to(user: User) -> QuerySet[LoanProduct]:
    """All products for staff; members see those that are open for applications."""
    products = LoanProduct.objects.all()
    return products if user.scope in ("all", "branch") else products.filter(is_active=True)


def product_get_for(*, user: User, pk: UUID) -> LoanProduct:
    """The product, if the user may see it. Raises `NotFound`."""
    product = products_visible_to(user).filter(pk=pk).first()
    if product is None:
        raise NotFound("No such loan product.")
    return product


def applications_visible_to(user: User) -> QuerySet[LoanApplication]:
    """Applications by the user's scope: the whole bank, the user's branches, or the user's own."""
    applications = LoanApplication.objects.select_related("product", "member", "branch", "account")
    if user.scope == "all":
        return applications
    if user.scope == "branch":
        return applications.filter(branch_id__in=user.branch_ids)
    return applications.filter(member__user=user.pk)


def application_get_for(*, user: User, pk: UUID) -> LoanApplication:
    """The application, if the user may see it. Raises `NotFound`: not there and not yours look the same."""
    application = applications_visible_to(user).filter(pk=pk).first()
    if application is None:
        raise NotFound("No such loan application.")
    return application


def loans_visible_to(user: User) -> QuerySet[Loan]:
    """Loans by the user's scope: the whole bank, the user's branches, or the user's own."""
    loans = Loan.objects.select_related("product", "member", "branch", "account", "standing")
    if user.scope == "all":
        return loans
    if user.scope == "branch":
        return loans.filter(branch_id__in=user.branch_ids)
    return loans.filter(member__user=user.pk)


def loan_get_for(*, user: User, pk: UUID) -> Loan:
    """The loan, if the user may see it. Raises `LoanNotFound`: not there and not yours look the same."""
    loan = loans_visible_to(user).filter(pk=pk).first()
    if loan is None:
        raise LoanNotFound
    return loan


def event_get_for(*, user: User, pk: UUID) -> LoanEvent:
    """An event of a loan that the user may see. Raises `NotFound`."""
    event = LoanEvent.objects.filter(pk=pk, loan__in=loans_visible_to(user).order_by().values("pk")).first()
    if event is None:
        raise NotFound("No such event of a loan.")
    return event


def lines_visible_to(user: User) -> QuerySet[CreditLine]:
    """Credit lines by the user's scope: the whole bank, the user's branches, or the user's own."""
    lines = CreditLine.objects.select_related("product", "member", "branch", "account")
    if user.scope == "all":
        return lines
    if user.scope == "branch":
        return lines.filter(branch_id__in=user.branch_ids)
    return lines.filter(member__user=user.pk)


def line_get_for(*, user: User, pk: UUID) -> CreditLine:
    """The credit line, if the user may see it. Raises NotFound."""
    line = lines_visible_to(user).filter(pk=pk).first()
    if line is None:
        raise NotFound("No such credit line.")
    return line


def groups_visible_to(user: User) -> QuerySet[LoanGroup]:
    """Groups by the user's scope; members see the one they belong to."""
    if user.scope == "all":
        return LoanGroup.objects.all()
    if user.scope == "branch":
        return LoanGroup.objects.filter(branch_id__in=user.branch_ids)
    return LoanGroup.objects.filter(members__member__user=user.pk, members__left_on__isnull=True)


def group_get_for(*, user: User, pk: UUID) -> LoanGroup:
    """The group, if the user may see it. Raises NotFound."""
    group = groups_visible_to(user).filter(pk=pk).first()
    if group is None:
        raise NotFound("No such loan group.")
    return group
