"""`audit_verify` and `business_date` as an operator meets them."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEvent
from apps.ledger.models import DailyTotal
from apps.ledger.selectors import business_date_current
from tests.factories.postings import Books
from tests.ledger.test_sealing import tamper

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command(command, *arguments, stdout=out, stderr=err)
    except SystemExit as error:
        code = int(error.code or 0)
    return code, out.getvalue(), err.getvalue()


def document(*arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run("audit_verify", "--json", *arguments)
    return code, json.loads(out)


@pytest.fixture
def entry() -> int:
    books = Books()
    return books.move(books.cash(), books.customer(), 100).journal_id or 0


def test_audit_verify_seals_when_asked_and_gives_an_anchor(entry: int) -> None:
    code, found = document()
    assert (code, found["ok"], found["sealed_now"]) == (0, True, 0)
    assert found["chain"]["unsealed"] >= 1
    code, found = document("--seal")
    assert (code, found["ok"], found["chain"]["unsealed"]) == (0, True, 0)
    assert found["sealed_now"] >= 1
    assert found["books"]["lines"] >= 2
    anchor = found["chain"]["anchor"]
    assert anchor.startswith(f"{entry}:")
    assert document("--anchor", anchor)[0] == 0
    code, found = document("--anchor", f"{entry}:{'0' * 64}")
    assert (code, found["chain"]["faults"]) == (1, [f"entry {entry} does not have the hash that was noted"])


def test_audit_verify_names_the_changed_entry_and_fails(entry: int) -> None:
    run("audit_verify", "--seal")
    tamper("ledger_journal", "UPDATE ledger_journal SET description = 'changed' WHERE id = %s", entry)
    code, out, err = run("audit_verify")
    assert code == 1
    assert f"entry {entry} was changed after it was sealed" in err
    assert "1 faults" in out


def test_audit_verify_finds_what_does_not_add_up(entry: int) -> None:
    run("audit_verify", "--seal")
    total = DailyTotal.objects.order_by("pk")[0]
    DailyTotal.objects.filter(pk=total.pk).update(credit=total.credit + 5)
    code, found = document()
    assert (code, found["ok"], len(found["books"]["faults"])) == (1, False, 1)


@pytest.mark.parametrize("anchor", ["1", "x:00", "1:zz", f"1:{'g' * 64}", f"-1:{'0' * 64}"])
def test_an_anchor_that_is_none_is_refused(anchor: str) -> None:
    with pytest.raises(CommandError):
        call_command("audit_verify", f"--anchor={anchor}")


def test_business_date_is_shown_and_advanced_and_recorded() -> None:
    today = business_date_current()
    tomorrow = today + dt.timedelta(days=1)
    assert run("business_date")[1].strip() == str(today)
    assert "dry run" in run("business_date", "--advance", str(tomorrow), "--dry-run")[1]
    assert business_date_current() == today
    assert run("business_date", "--advance", str(tomorrow))[1].strip() == f"{today} -> {tomorrow}"
    assert business_date_current() == tomorrow
    event = AuditEvent.objects.filter(action="ledger.business_date.advanced").latest("pk")
    assert (event.before, event.after) == ({"current": str(today)}, {"current": str(tomorrow)})
    _, out, _ = run("business_date", "--json")
    assert json.loads(out) == {"before": str(tomorrow), "business_date": str(tomorrow), "dry_run": False}
    with pytest.raises(CommandError, match="cannot move back"):
        call_command("business_date", "--advance", str(today))
