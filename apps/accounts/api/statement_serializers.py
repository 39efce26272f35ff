"""How the API shows statements."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.api.serializers import AccountShortSerializer
from apps.accounts.models import StatementIssue
from apps.accounts.numbers import iban_of, number_masked
from apps.accounts.selectors import Statement
from apps.accounts.statements.codes import code_grouped
from apps.core.api.money_fields import MoneyField
from apps.core.currencies import minor_format


class StatementLineSerializer(serializers.Serializer):
    """A movement and the balance after it, by business date."""

    id = serializers.UUIDField(help_text="Of the transaction.")
    entry_number = serializers.IntegerField()
    business_date = serializers.DateField()
    value_date = serializers.DateField()
    kind = serializers.CharField()
    description = serializers.CharField()
    counterparty = serializers.CharField()
    reference = serializers.CharField()
    direction = serializers.ChoiceField(choices=["in", "out"])
    amount = MoneyField()
    balance = MoneyField()


class StatementProofSerializer(serializers.Serializer):
    """Why the figures can be trusted."""

    adds_up = serializers.BooleanField(help_text="Opening plus paid in less paid out is the closing balance.")
    ledger_balance = MoneyField(
        allow_null=True, help_text="Balance in the books; null when entries lie after the period. Equals closing."
    )


class StatementVerificationSerializer(serializers.Serializer):
    """How anybody can have the statement confirmed."""

    code = serializers.CharField()
    path = serializers.CharField()


class StatementSerializer(serializers.Serializer):
    """An account over a period."""

    account = AccountShortSerializer()
    iban = serializers.CharField(help_text="Empty where the bank has none.")
    holders = serializers.ListField(child=serializers.CharField(), help_text="The owner first.")
    currency = serializers.CharField()
    opening_balance = MoneyField()
    paid_in = MoneyField()
    paid_out = MoneyField()
    closing_balance = MoneyField()
    line_count = serializers.IntegerField()
    lines = StatementLineSerializer(many=True)
    proof = StatementProofSerializer()
    verification = StatementVerificationSerializer()
    issued_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


class StatementIssueSerializer(serializers.Serializer):
    """What a statement said, without naming anybody."""

    valid = serializers.BooleanField()
    code = serializers.CharField()
    account = serializers.CharField(help_text="Masked.")
    holder = serializers.CharField(help_text="First letters only.")
    currency = serializers.CharField()
    opening_balance = MoneyField()
    paid_in = MoneyField()
    paid_out = MoneyField()
    closing_balance = MoneyField()
    line_count = serializers.IntegerField()
    issued_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


def statement_shown(statement: Statement, issue: StatementIssue) -> dict[str, Any]:
    """The statement ready for JSON. Built by hand: fifty thousand lines through serializers would take seconds."""
    currency = statement.currency

    def money(minor: int) -> dict[str, str]:
        return {"amount": minor_format(minor, currency), "currency": currency}

    return {
        "account": {"id": statement.account.pk, "number": statement.account.number},
        "iban": iban_of(statement.account.number),
        "holders": [
            statement.account.member.display_name,
            *(holder.member.display_name for holder in statement.account.holders_now),
        ],
        "currency": currency,
        "from": statement.starts_on,
        "to": statement.ends_on,
        "opening_balance": money(statement.opening),
        "paid_in": money(statement.paid_in),
        "paid_out": money(statement.paid_out),
        "closing_balance": money(statement.closing),
        "line_count": len(statement.lines),
        "lines": [
            {
                "id": line.entry.transaction_id,
                "entry_number": line.entry.entry_number,
                "business_date": line.entry.business_date,
                "value_date": line.entry.value_date,
                "kind": line.entry.kind,
                "description": line.entry.description,
                "counterparty": line.entry.counterparty,
                "reference": line.entry.reference,
                "direction": "in" if line.amount > 0 else "out",
                "amount": money(abs(line.amount)),
                "balance": money(line.balance),
            }
            for line in statement.lines
        ],
        "proof": {
            "adds_up": statement.opening + statement.paid_in - statement.paid_out == statement.closing,
            "ledger_balance": None if statement.ledger_balance is None else money(statement.ledger_balance),
        },
        "verification": {"code": code_grouped(issue.code), "path": f"/api/v1/statements/verify?code={issue.code}"},
        "issued_at": issue.issued_at,
    }


def issue_shown(issue: StatementIssue) -> dict[str, Any]:
    """What a stranger with the code may know."""
    account = issue.account
    amounts = {
        "opening_balance": issue.opening,
        "paid_in": issue.paid_in,
        "paid_out": issue.paid_out,
        "closing_balance": issue.closing,
    }
    return {
        "valid": True,
        "code": code_grouped(issue.code),
        "account": number_masked(account.number),
        "holder": " ".join(word[0] + "\u2022" * 4 for word in account.member.display_name.split()),
        "currency": account.currency,
        "from": issue.starts_on,
        "to": issue.ends_on,
        **{
            name: {"amount": minor_format(minor, account.currency), "currency": account.currency}
            for name, minor in amounts.items()
        },
        "line_count": issue.line_count,
        "issued_at": issue.issued_at,
    }
