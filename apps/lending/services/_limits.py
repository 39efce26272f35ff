"""What a product lends, and to whom: amounts, rates and instalments that its terms do not offer are refused."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from apps.core.currencies import currency_get
from apps.core.display import money_text
from apps.lending.errors import ApplicationOutsideProduct
from apps.lending.models import LoanProductTerms
from apps.lending.requirements import Requirements, requirements_read


def needs_of(terms: LoanProductTerms) -> Requirements:
    """What an application on these terms needs."""
    return requirements_read(terms.requirements, exponent=currency_get(terms.product.currency_id).exponent)


def limits_check(
    *, terms: LoanProductTerms, amount: int, rate: Decimal, instalments: int, borrower: str | None = None
) -> None:
    """Raises `ApplicationOutsideProduct` for what the terms do not offer, or not to a kind of member."""
    money = partial(money_text, currency=terms.product.currency_id, with_currency=True)
    narrower = needs_of(terms).limits.get(borrower or "")
    if narrower is not None:
        if narrower.principal_max is not None and amount > narrower.principal_max:
            raise ApplicationOutsideProduct(
                f"At most {money(narrower.principal_max)} for a {borrower}.", pointer="/amount"
            )
        if narrower.instalments_max is not None and instalments > narrower.instalments_max:
            raise ApplicationOutsideProduct(
                f"At most {narrower.instalments_max} instalments for a {borrower}.", pointer="/instalments"
            )
    if not terms.principal_min <= amount <= terms.principal_max:
        bounds = f"From {money(terms.principal_min)} to {money(terms.principal_max)}."
        raise ApplicationOutsideProduct(bounds, pointer="/amount")
    if not terms.instalments_min <= instalments <= terms.instalments_max:
        raise ApplicationOutsideProduct(
            f"From {terms.instalments_min} to {terms.instalments_max} instalments.", pointer="/instalments"
        )
    if not terms.rate_min <= rate <= terms.rate_max:
        least, most = ((one * 100).normalize() for one in (terms.rate_min, terms.rate_max))
        raise ApplicationOutsideProduct(f"A rate from {least:f} to {most:f} %.", pointer="/rate_percent")
