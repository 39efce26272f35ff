"""Reads of accounts for figures of the whole bank."""

from apps.accounts.models import AccountProduct


def deposit_gl_codes() -> list[str]:
    """The chart's control accounts under which deposits hang, by the products that use them."""
    return sorted(set(AccountProduct.objects.values_list("gl_account__code", flat=True)))
