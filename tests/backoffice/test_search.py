"""The palette: at most six of a kind, only what the user may see, as it is now."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.backoffice.conftest import EVERYTHING, Bank
from tests.factories.lending import chart_ready, loan_make
from tests.factories.members import MemberFactory


def search(client: Client, term: str) -> str:
    response = client.get(reverse("admin:search"), {"s": term, "extended": "1"})
    assert response.status_code == 200
    return response.content.decode()


def test_members_accounts_and_entries_are_found(auditor: Client, bank: Bank) -> None:
    assert reverse("admin:members_member_change", args=[bank.alice.member_id]) in search(auditor, "alice")
    assert reverse("admin:accounts_account_change", args=[bank.bob.pk]) in search(auditor, bank.bob.number[:10])
    for term in (f"#{bank.transfer}", "INV-2026-77"):
        assert reverse("admin:ledger_journalentry_change", args=[bank.transfer]) in search(auditor, term), term
    assert reverse("admin:ledger_trial_balance") in search(auditor, "trial")


def test_an_entry_is_found_by_its_transaction(auditor: Client, bank: Bank) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_id::text FROM ledger_journal WHERE id = %s", [bank.transfer])
        transaction_id = cursor.fetchone()[0]
    assert reverse("admin:ledger_journalentry_change", args=[bank.transfer]) in search(auditor, transaction_id)


def test_a_loan_is_found_by_its_number_by_who_may_see_loans(staff: Callable[..., Client], bank: Bank) -> None:
    chart_ready()
    loan = loan_make()
    page = reverse("admin:lending_loan_change", args=[loan.pk])
    assert page in search(staff("lending.view", scope="all"), loan.number[:8])
    assert page not in search(staff("accounts.view", scope="all"), loan.number)


def test_at_most_six_of_a_kind(auditor: Client, bank: Bank) -> None:
    for _ in range(9):
        MemberFactory(branch=bank.east, first_name="Zawadi")
    assert search(auditor, "zawadi").count("<li class") == 6


def test_only_what_the_user_may_see(staff: Callable[..., Client], bank: Bank) -> None:
    east = staff(*EVERYTHING, scope="branch", branch=bank.east)
    assert "Bob Kamau" not in search(east, "bob")
    assert "Account ·" not in search(east, bank.bob.number)
    teller = staff("members.view", scope="branch", branch=bank.east)
    assert "Alice Otieno" in search(teller, "alice")
    assert "Entry #" not in search(teller, "INV-2026-77")
    assert "Trial balance" not in search(teller, "trial")


def test_a_search_is_fresh_and_costs_little(auditor: Client, bank: Bank) -> None:
    assert "Zuberi" not in search(auditor, "zuberi")
    MemberFactory(branch=bank.east, first_name="Zuberi")
    assert "Zuberi" in search(auditor, "zuberi")
    with CaptureQueriesContext(connection) as captured:
        search(auditor, bank.alice.number)
    assert len(captured) <= 9


def test_odd_terms_find_nothing_and_break_nothing(auditor: Client, bank: Bank) -> None:
    for term in ("", " ", "';--", "{{7*7}}", "%", "_", "é" * 500, "\u202e", "9" * 60, "#", "-1"):
        response = auditor.get(reverse("admin:search"), {"s": term, "extended": "1"})
        assert response.status_code == 200, term
        assert "49" not in response.content.decode() or "7*7" in response.content.decode()


def test_strangers_search_nothing(bank: Bank) -> None:
    assert Client().get(reverse("admin:search"), {"s": "alice"}).status_code == 302
