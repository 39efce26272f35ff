"""Bank statement files: what each says, and whether it adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from apps.calculations.bank_statements import BankFile, Entry, Statement, bank_file_read, paid, received
from apps.calculations.errors import BankFileNotValid
from tests.cases.registry import Case, Unsupported, handles


@handles("bank_statements")
def bank_statement(case: Case) -> dict[str, Any]:
    name, said = case.need("file", "format")
    path = case.folder / name
    if not path.is_file():
        raise Unsupported(f"no file {name}")
    try:
        file = bank_file_read(path.read_bytes())
    except BankFileNotValid as error:
        return {"valid": False, "error": error.code}
    if said.startswith("MT94"):
        return swift(file)
    return camt(file) if said.startswith("camt") else ofx(file)


def sums(entries: list[Entry]) -> dict[str, Any]:
    came, went = received(entries), paid(entries)
    return {
        "credits": len(came),
        "debits": len(went),
        "sum_credits": sum(came, Decimal(0)),
        "sum_debits": sum(went, Decimal(0)),
        "net": sum(came + went, Decimal(0)),
    }


def swift(file: BankFile) -> dict[str, Any]:
    opened = [one for one in file.statements if one.opening is not None]
    first = opened[0].opening if opened else None
    closed = [one.closing for one in file.statements if one.closing is not None]
    sections = [section(one) for one in opened]
    return {
        **sums(file.entries),
        "statements_opening_tags": len(opened),
        "transactions": len(file.entries),
        "currency": first.currency if first else None,
        "first_opening": first.amount if first else None,
        "first_opening_type": first.kind if first else None,
        "last_closing": closed[-1].amount if closed else None,
        "sections": sections,
        "all_sections_reconcile": all(one["reconciles"] for one in sections),
        "statement_date": closed[-1].date.isoformat() if closed and closed[-1].date else None,
        "unreadable": len(file.problems),
    }


def section(one: Statement) -> dict[str, Any]:
    return {
        "opening": one.opening.amount if one.opening else None,
        "closing": one.closing.amount if one.closing else None,
        "entries": len(one.entries),
        "net": one.net,
        "reconciles": one.reconciles,
        "difference": one.difference,
        "intermediate": one.intermediate,
    }


def camt(file: BankFile) -> dict[str, Any]:
    return {"statements": len(file.statements), "detail": [report(one) for one in file.statements]}


def report(one: Statement) -> dict[str, Any]:
    known = one.account if one.account and one.account.kind in {"iban", "other"} else None  # the cases' own choice
    return {
        **sums(list(one.entries)),
        "id": one.id,
        "account": known.number if known else None,
        "balances": [
            {"type": b.kind, "amount": b.amount, "currency": b.currency, "date": b.date.isoformat() if b.date else None}
            for b in one.balances
        ],
        "entries": len(one.entries),
        "transaction_details": sum(entry.details for entry in one.entries),
        "opening": one.opening.amount if one.opening else None,
        "closing": one.closing.amount if one.closing else None,
        "opening_plus_net_equals_closing": one.reconciles,
        "difference": one.difference,
    }


def ofx(file: BankFile) -> dict[str, Any]:
    entries = file.entries
    return {
        "statement_sections": sum(one.kind != "investment" for one in file.statements),
        "investment_sections": sum(one.kind == "investment" for one in file.statements),
        "transactions": len(entries),
        "unreadable_amounts": sum(entry.amount is None for entry in entries),
        "sum": sums(entries)["net"],
        "credits": len(received(entries)),
        "debits": len(paid(entries)),
        "distinct_fitids": len({entry.reference for entry in entries if entry.reference}),
        "ledger_balances": [b.amount for one in file.statements for b in one.balances if b.kind == "LEDGERBAL"],
        "currencies": list(dict.fromkeys(one.currency for one in file.statements if one.currency)),
    }
