"""The rules of retention in one table, the certificate that is written from it, and a member's own data as a file."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.conf import settings

from apps.accounts.models import Account
from apps.compliance.models import PrivacyRequest
from apps.core.pdf import pdf_render
from apps.ledger.account_lines import lines_of
from apps.members.erasure import CONTACT, IDENTITY
from apps.members.selectors import member_facts

LINES_MAX = 100_000

GONE, PSEUDONYMISED, KEPT = "erased", "pseudonymised", "kept"


def certificate_of(request: PrivacyRequest, *, keep_until: dt.date, has_user: bool, today: dt.date) -> dict[str, Any]:
    """What became of each kind of data, by which rule, until when. JSON-ready."""
    years = settings.NUMINA["RETENTION_YEARS"]
    still = keep_until > today
    rows = [
        _row("Contact data", CONTACT, GONE, "Of no use once the business has ended"),
        _row(
            "Identity",
            IDENTITY,
            PSEUDONYMISED if still else GONE,
            f"Anti-money-laundering: {years} years after the last account was closed. Kept encrypted and apart, for"
            " compliance alone; deleted on the day below"
            if still
            else "The years that the law names are over",
            keep_until if still else None,
        ),
        _row(
            "Accounts and their movements",
            ("account numbers", "amounts", "dates", "descriptions"),
            KEPT,
            f"Bookkeeping: {years} years; under the member's number alone",
            keep_until,
        ),
        _row(
            "Audit trail",
            ("who did what, when"),
            KEPT,
            f"Evidence: {years} years, append-only and sealed; identity numbers were never in it in full",
            keep_until,
        ),
    ]
    if has_user:
        rows.insert(
            1,
            _row("Sign-in", ("e-mail", "name", "phone", "password", "addresses"), GONE, "The user is locked for good"),
        )
    return {
        "request": str(request.pk),
        "member_number": request.member.number,
        "on": today.isoformat(),
        "bank": settings.NUMINA["BANK_NAME"],
        "data_region": settings.NUMINA["DATA_REGION"] or "not declared",
        "rows": rows,
    }


def _row(
    what: str, fields: tuple[str, ...] | str, outcome: str, rule: str, until: dt.date | None = None
) -> dict[str, Any]:
    named = [fields] if isinstance(fields, str) else [name.replace("_", " ") for name in fields]
    return {
        "what": what,
        "fields": named,
        "outcome": outcome,
        "rule": rule,
        "until": until.isoformat() if until else None,
    }


def certificate_pdf(request: PrivacyRequest) -> bytes:
    """The certificate of an erasure, to be handed to whoever asked."""
    return pdf_render(
        template="compliance/certificate.html",
        context={"certificate": request.certificate, "request": request, "made_at": request.decided_at},
        identifier=request.pk.bytes,
    )


def member_data(request: PrivacyRequest) -> bytes:
    """Everything that the bank holds about the member, as JSON: made when it is asked for, so no copy lies about."""
    member = request.member
    facts = {**member_facts(member), "national_id": member.national_id, "tax_id": member.tax_id}
    accounts = []
    for account in Account.objects.filter(member=member).select_related("product").order_by("number"):
        lines = lines_of(account_id=account.ledger_account_id).order_by("journal_id", "line_no")[:LINES_MAX]
        accounts.append(
            {
                "number": account.number,
                "name": account.name,
                "product": account.product.name,
                "currency": account.currency,
                "status": account.status,
                "opened_on": account.opened_on,
                "closed_on": account.closed_on,
                "movements_minor_units": [
                    {
                        "date": line.business_date,
                        "kind": line.journal.kind,
                        "amount": line.amount if line.side == "C" else -line.amount,
                        "balance": line.balance_after,
                        "description": line.journal.description,
                        "counterparty": line.journal.counterparty,
                        "reference": line.journal.reference,
                    }
                    for line in lines
                ],
            }
        )
    document = {
        "bank": settings.NUMINA["BANK_NAME"],
        "request": request.pk,
        "made_at": request.created_at,
        "member": facts,
        "user": _user(member.user) if member.user_id else None,
        "accounts": accounts,
        "requests": list(member.privacy_requests.order_by("created_at").values("kind", "status", "created_at")),
    }
    return json.dumps(document, default=_plain, ensure_ascii=False, indent=1).encode()


def _user(user: Any) -> dict[str, Any]:
    sessions = user.sessions.order_by("-created_at").values("created_at", "ip", "user_agent")[:1_000]
    named = ("email", "full_name", "phone", "locale", "time_zone", "date_joined")
    return {**{name: getattr(user, name) for name in named}, "sign_ins": list(sessions)}


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)
