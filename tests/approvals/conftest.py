"""The bank of approvers; policies of one test are not remembered in the next."""

from collections.abc import Iterator

import pytest

from apps.approvals.models import ApprovalPolicy
from apps.approvals.selectors import policies_forget
from tests.approvals.support import Bank, toy_register

toy_register()


@pytest.fixture(autouse=True)
def _no_policies_of_others() -> Iterator[None]:
    policies_forget()
    yield
    policies_forget()


@pytest.fixture
def bank(db: None) -> Bank:
    ApprovalPolicy.objects.filter(state="active").update(state="withdrawn")  # what committing tests left
    return Bank()
