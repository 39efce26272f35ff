"""ISO 20022 camt.052 (report), camt.053 (statement), camt.054 (notification), all versions.

An entry's sign is that of its CdtDbtInd, also of a reversal: RvslInd says that it takes another one back, not which way
the money goes. Entries that are not booked (Sts PDNG, INFO, FUTR) do not count towards the booked closing balance.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

from apps.calculations.bank_statements._facts import AccountName, BankFile, Entry, Named, Statement
from apps.calculations.bank_statements._xml import Node, xml_read
from apps.calculations.errors import BankFileNotValid

_MESSAGES = {"BkToCstmrAcctRpt": "Rpt", "BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}
_ACCOUNTS = (
    ("IBAN", "iban"), ("Othr/Id", "other"), ("BBAN", "bban"), ("UPIC", "upic"), ("PrtryAcct/Id", "proprietary"),
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?|[-+]?\.[0-9]+")


def camt_read(content: bytes) -> BankFile:
    """The statements of a message. Raises BankFileNotValid for another one."""
    root = xml_read(content)
    found = re.search(rb"camt\.05[234]\.[0-9]{3}\.[0-9]{2}", content[:4096])
    for message in [root, *root.children]:
        part = _MESSAGES.get(re.sub(r"V[0-9]+$", "", message.name))
        if part is not None:
            problems: list[str] = []
            statements = tuple(_statement(one, problems) for one in message.all(part))
            return BankFile(found[0].decode() if found else "camt", statements, tuple(problems))
    raise BankFileNotValid("Not a camt.052, camt.053 or camt.054 message.", pointer="/content")


def _statement(node: Node, problems: list[str]) -> Statement:
    account = next(
        (AccountName(said, kind) for path, kind in _ACCOUNTS if (said := node.said(f"Acct/Id/{path}"))), None
    )
    balances = [found for one in node.all("Bal") if (found := _balance(one, problems)) is not None]
    entries = tuple(_entry(one, problems) for one in node.all("Ntry"))
    currencies = [named for named in (*(b.currency for b in balances), *(e.currency for e in entries)) if named]
    return Statement(
        id=node.said("Id"),
        number=node.said("ElctrncSeqNb", "LglSeqNb"),
        account=account,
        currency=node.said("Acct/Ccy") or (currencies[0] if currencies else None),
        balances=tuple(balances),
        entries=entries,
    )


def _amount(node: Node, problems: list[str]) -> tuple[Decimal | None, str | None]:
    """The signed amount of a balance or an entry, and its currency."""
    given = node.find("Amt")
    text = given.text.strip() if given else ""
    currency = given.attributes.get("Ccy") if given else None
    try:
        value = Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        value = None
    if value is None:
        problems.append(f"Amount cannot be read: {text[:40]}")
        return None, currency
    return (-value if node.said("CdtDbtInd") == "DBIT" else value), currency


def _date(node: Node, name: str) -> dt.date | None:
    text = node.said(f"{name}/Dt", f"{name}/DtTm")[:10]
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _balance(node: Node, problems: list[str]) -> Named | None:
    amount, currency = _amount(node, problems)
    kind = node.said("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd", "Tp/Prtry")
    return None if amount is None else Named(kind, amount, currency, _date(node, "Dt"))


def _entry(node: Node, problems: list[str]) -> Entry:
    amount, currency = _amount(node, problems)
    details = list(node.below("TxDtls"))
    texts = [one.text.strip() for one in node.below("Ustrd")] or [node.said("AddtlNtryInf")]
    return Entry(
        amount,
        currency,
        _date(node, "ValDt") or _date(node, "BookgDt"),
        _date(node, "BookgDt"),
        kind="-".join(
            part for name in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd") if (part := node.said(f"BkTxCd/Domn/{name}"))
        )
        or node.said("BkTxCd/Prtry/Cd"),
        reference=node.said("NtryRef", "NtryDtls/TxDtls/Refs/EndToEndId"),
        bank_reference=node.said("AcctSvcrRef"),
        text="\n".join(text for text in texts if text),
        reversal=node.said("RvslInd").lower() in {"true", "1"},
        details=len(details),
        booked=node.said("Sts/Cd", "Sts") in {"BOOK", ""},
    )
