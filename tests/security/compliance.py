"""What compliance's routes need in the tests of this folder: a flag, a request of another's, a hold, and bodies."""

from __future__ import annotations

from typing import Any

from apps.compliance.models import Flag
from apps.compliance.retention import certificate_of
from apps.compliance.services import hold_place, request_make
from apps.core import clock
from tests.factories.identity import user_make


def compliance_things(user: Any, member: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted. The erasure was asked for by somebody else."""
    flag = Flag.objects.create(
        rule="velocity",
        subject_type="accounts.account",
        subject_id=str(member.pk),
        subject_label="Alice",
        branch=member.branch,
        day=clock.now().date(),
        detected_at=clock.now(),
        summary="20 payments out",
    )
    asked = request_make(acting_user=user_make(), member=member, kind="erasure", reason="", at=clock.now())
    today = clock.now().date()
    asked.certificate = certificate_of(asked, keep_until=today, has_user=True, today=today)
    asked.save()
    hold = hold_place(acting_user=user, member=member, reason="Asked for it")
    ids = {"flag_id": flag.pk, "privacy_request_id": asked.pk, "legal_hold_id": hold.pk}
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "compliance/flags/{flag_id}/decision"): {"outcome": "cleared", "comment": "Salary day"},
        ("POST", "privacy/requests"): {"kind": "export", "member_id": str(member.pk)},
        ("POST", "privacy/requests/{privacy_request_id}/decision"): {"approve": False, "note": "Not proved"},
        ("POST", "privacy/holds"): {"member_id": str(member.pk), "reason": "Court"},
        ("POST", "privacy/holds/{legal_hold_id}/lift"): {"reason": "Closed"},
        ("POST", "members/lookup"): {"identity_number": "12345678"},
        ("POST", "members/{member_id}/reveal"): {"reason": "Asked for it"},
    }
    return ids, bodies
