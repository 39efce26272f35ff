"""A report that is kept, a schedule, a definition, a closed year, a budget: for the walk over all operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.budgets.models import Commitment
from apps.budgets.services import budget_draft
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.reporting.models import ReportDefinition, ReportDefinitionVersion, ReportRun, ReportSchedule, YearClose
from apps.reporting.services import link_make, report_draw
from tests.factories.books import gl_account_ready
from tests.factories.identity import RoleFactory

KES = {"amount": "1.00", "currency": "KES"}
SPEC = {"fields": ["number", "balance"], "sort": [{"by": "balance"}], "limit": 5}
LAYOUT = {"cash": ["1120"], "investing": ["1220"], "financing": ["3390"]}


def report_things(root: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """Ids by URL parameter, and bodies that are accepted."""
    role = RoleFactory()
    schedule = ReportSchedule.objects.create(
        report="cash-flow", form="csv", rhythm="month", currency="KES", role=role, created_by=root
    )
    run = ReportRun.objects.create(
        report="cash-flow",
        form="csv",
        since=dt.date(2020, 1, 1),
        as_of=dt.date(2020, 1, 31),
        currency="KES",
        requested_by=root,
    )
    report_draw(run_id=run.pk, at=clock.now())
    definition = ReportDefinition.objects.create(title="Mine", dataset="accounts", spec=SPEC, owner=root)
    ReportDefinitionVersion.objects.create(
        definition=definition, number=1, title="Mine", spec=SPEC, changed_by=root, changed_at=clock.now()
    )
    year = business_date_current().year - 1
    YearClose.objects.create(year=year, status="closed", results={"KES": 100}, changed_by=root, changed_at=clock.now())
    ids = {
        "report_id": run.pk,
        "schedule_id": schedule.pk,
        "definition_id": definition.pk,
        "year": year,
        "code": "trial-balance-by-branch",
        "kind": "cash-flow",
        "token": link_make(run=run, user=root, at=clock.now()).rpartition("/")[2],
    }
    asked = {"report": "balance-sheet", "format": "csv"}
    defined = {"title": "Mine", "spec": SPEC}
    budget_ids, budget_bodies = _budget_things(root)
    return ids | budget_ids, {
        ("POST", "reports/runs"): asked,
        ("POST", "reports/schedules"): {**asked, "rhythm": "month", "role": role.code},
        ("POST", "reports/years/{year}/close"): {},
        ("POST", "reports/years/{year}/reopen"): {"reason": "Late invoice"},
        ("POST", "reports/layouts"): {"kind": "cash-flow", "definition": LAYOUT, "note": "Ours"},
        ("POST", "reports/rates"): {"currency": "USD", "date": "2026-01-31", "rate": "129.25"},
        ("POST", "reports/definitions"): {**defined, "dataset": "accounts"},
        ("POST", "reports/definitions/preview"): {"dataset": "accounts", "spec": SPEC},
        ("PUT", "reports/definitions/{definition_id}"): defined,
        **budget_bodies,
    }


def _budget_things(root: Any) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    year = business_date_current().year
    budget = budget_draft(acting_user=root, year=year, currency="KES", title="Plan", note="", at=clock.now())
    commitment = Commitment.objects.create(
        branch=root.branch,
        gl_account=gl_account_ready("5510"),
        month=dt.date(year, 1, 1),
        currency="KES",
        amount=1_00,
        reference="PO 1",
        created_by=root,
    )
    line = {"branch": root.branch.code, "account_code": "5510", "amount": KES}
    return {"budget_id": budget.pk, "commitment_id": commitment.pk}, {
        ("POST", "budgets"): {"year": year, "title": "Plan"},
        ("PATCH", "budgets/{budget_id}/lines"): {"lines": [{**line, "month": 1}]},
        ("PUT", "budgets/cost-centres"): {"code": "IT", "name": "IT", "places": [{"account_code": "5510"}]},
        ("PUT", "budgets/rules"): {"account_code": "5510", "mode": "warn"},
        ("POST", "budgets/commitments"): {**line, "month": f"{year}-01-31", "reference": "PO 2"},
        ("POST", "budgets/commitments/{commitment_id}/end"): {"status": "spent"},
    }
