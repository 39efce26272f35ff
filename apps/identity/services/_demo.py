"""Users of the demo bank: one for each role, all with one well-known password. Refused in production."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from apps.core.errors import Unprocessable
from apps.identity.models import Branch, User
from apps.identity.services._staff import user_create_staff

DEMO_PASSWORD = "numina-demo-2026"  # noqa: S105 - printed by make run; demo users exist in demo banks only
DEMO_DOMAIN = "numina.example"

# role -> (part before the @, name of the person)
DEMO_USERS: dict[str, tuple[str, str]] = {
    "teller": ("teller", "Grace Wanjiku"),
    "loan_officer": ("loan.officer", "Peter Otieno"),
    "branch_manager": ("manager", "Amina Hassan"),
    "finance": ("finance", "Daniel Mwangi"),
    "compliance": ("compliance", "Faith Chebet"),
    "auditor": ("auditor", "Joseph Kamau"),
    "administrator": ("admin", "Lucy Njeri"),
    "integration": ("integration", "Core banking adapter"),
    "member": ("member", "Brian Kiprop"),
}


def demo_email(role_code: str) -> str:
    """The address of the demo user with this role; KeyError for a role without one."""
    return f"{DEMO_USERS[role_code][0]}@{DEMO_DOMAIN}"


@transaction.atomic
def demo_users_create(*, branch: Branch, branches: Mapping[str, Branch] | None = None) -> dict[str, User]:
    """Create the demo users that are missing and return all of them by role.

    They work in `branch` unless `branches` names another for their role. The member's user belongs to no staff; link
    it to a member afterwards. Raises Unprocessable where NUMINA["DEMO_ALLOWED"] is off, as in production.
    """
    if not settings.NUMINA.get("DEMO_ALLOWED", False):
        raise Unprocessable("Demo users have a well-known password and are not made in this installation.")
    users = {}
    for role_code, (_, full_name) in DEMO_USERS.items():
        email = demo_email(role_code)
        existing = User.objects.filter(email=email).first()
        users[role_code] = existing or user_create_staff(
            acting_user=None,
            email=email,
            full_name=full_name,
            role_codes=[role_code],
            branch=(branches or {}).get(role_code, branch),
            password=DEMO_PASSWORD,
            time_zone="Africa/Nairobi",
        )
    return users
