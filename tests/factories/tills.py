"""Tills with an open session, for tests of cash that is not of an account."""

from __future__ import annotations

from apps.core import clock
from apps.identity.models import User
from apps.payments import services
from apps.payments.models import TillSession
from tests.factories.books import currency_ready, gl_account_ready
from tests.factories.identity import user_make
from tests.factories.postings import branch_new


def till_session(teller: User | None = None, *, currency: str = "KES") -> TillSession:
    """An open session of a teller at a till of a branch of its own, with nothing in it."""
    currency_ready(currency)
    teller = teller or user_make("payments.till", branch=branch_new())
    for code in ("1110", "1120", "1220", "1230", "1260", "4250", "4340", "5720"):
        gl_account_ready(code)
    till = services.till_create(
        acting_user=None, branch_code=teller.branch.code, number=1, name="Till 1", currency=currency,
        holding_limit=100_000_000, transaction_limit=10_000_000, tolerance=0,
    )  # fmt: skip
    return services.session_open(acting_user=teller, till_id=till.pk, count={}, at=clock.now())
