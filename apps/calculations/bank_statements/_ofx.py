"""Open Financial Exchange: 1.x (SGML, where leaves have no closing tag) and 2.x (XML, often written like 1.x).

One reader for both: an element with a text before the next tag is a leaf, whether it is closed or not. Sections are
STMTRS (accounts), CCSTMTRS (cards), INVSTMTRS (securities accounts); a message that only brings an error has none.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from decimal import Decimal

from apps.calculations.bank_statements._facts import AccountName, BankFile, Entry, Named, Statement

# Possessive: what does not fit is given up at once, however long it is.
_TOKEN = re.compile(r"<(/?)([A-Za-z0-9_.]++)([^<>]*+)>([^<]*)")
_SECTIONS = {"STMTRS": "account", "CCSTMTRS": "card", "INVSTMTRS": "investment"}
_BALANCES = ("LEDGERBAL", "AVAILBAL")

Leaves = list[tuple[str, str]]


def ofx_read(text: str) -> BankFile:
    """The statements of a file. Amounts that cannot be read are named in `problems`."""
    body = text[max(text.upper().find("<OFX>"), 0) :]
    version = re.search(r"VERSION[:=]\s*\"?([0-9]+)", text[:2000])
    problems: list[str] = []
    statements = [
        _statement(_SECTIONS[name], leaves, parts, problems) for name, leaves, parts in _sections(list(_tokens(body)))
    ]
    return BankFile(f"OFX {version[1]}" if version else "OFX", tuple(statements), tuple(problems))


def _tokens(body: str) -> Iterator[tuple[str, str, str]]:
    """(what, name, text): "open" with its text when it is a leaf, "close"."""
    for closing, name, rest, text in _TOKEN.findall(body):
        said = html.unescape(text.strip())
        if closing:
            yield "close", name.upper(), ""
        else:
            yield "open", name.upper(), said
            if rest.endswith("/"):
                yield "close", name.upper(), ""


def _sections(tokens: list[tuple[str, str, str]]) -> Iterator[tuple[str, Leaves, list[tuple[str, Leaves]]]]:
    """Each section: its name, its own leaves, and the groups of leaves in it (entries, balances)."""
    name, leaves = "", Leaves()
    parts: list[tuple[str, Leaves]] = []
    group: Leaves | None = None
    foreign = False
    for what, tag, text in tokens:
        if tag == "ORIGCURRENCY":  # what it was before the bank changed it
            foreign = what == "open"
        if tag in _SECTIONS:
            if what == "open":
                name, leaves, parts, group = tag, [], [], None
            elif name:
                yield name, leaves, parts
                name = ""
        elif not name:
            continue
        elif tag == "STMTTRN" or tag in _BALANCES:
            group = [] if what == "open" else None
            if group is not None:
                parts.append((tag, group))
        elif what == "open" and text and not foreign:
            (leaves if group is None else group).append((tag, text))
    if name:  # the file ends early
        yield name, leaves, parts


def _first(leaves: Leaves, *names: str) -> str:
    return next((text for name in names for tag, text in leaves if tag == name), "")


def _statement(kind: str, leaves: Leaves, parts: list[tuple[str, Leaves]], problems: list[str]) -> Statement:
    number = _first(leaves, "ACCTID")
    currency = _first(leaves, "CURDEF") or None
    balances = []
    for name, group in parts:
        if name != "STMTTRN":
            amount = amount_read(_first(group, "BALAMT"))
            if amount is None:
                problems.append(f"Balance cannot be read: {_first(group, 'BALAMT')[:40]}")
            else:
                balances.append(Named(name, amount, currency, _date(_first(group, "DTASOF"))))
    entries = [_entry(group, currency, problems) for name, group in parts if name == "STMTTRN"]
    return Statement(
        id=number,
        account=AccountName(number) if number else None,
        currency=currency,
        balances=tuple(balances),
        entries=tuple(entries),
        kind=kind,
    )


def amount_read(text: str) -> Decimal | None:
    """An amount as OFX writes it: a sign, digits, a point or a comma before the decimals. Where a file has both, or one
    of them more than once, the others are thousands. None when it is no number."""
    said = re.sub(r"[\s']", "", text)
    if not re.fullmatch(r"[-+]?(?=[.,]*[0-9])[0-9.,]++", said):
        return None
    mark = max(said.rfind("."), said.rfind(","))
    if mark >= 0 and said.count(said[mark]) > 1:
        mark = -1 if set(said) & {".", ","} == {said[mark]} else mark
    whole, part = (said[:mark], said[mark + 1 :]) if mark >= 0 else (said, "")
    sign = -1 if whole.startswith("-") else 1
    return sign * Decimal(f"{re.sub('[^0-9]', '', whole) or 0}.{part or 0}")


def _date(text: str) -> dt.date | None:
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _entry(leaves: Leaves, currency: str | None, problems: list[str]) -> Entry:
    given = _first(leaves, "TRNAMT")
    amount = amount_read(given)
    if amount is None:
        problems.append(f"Amount cannot be read: {given[:40]}")
    booked = _date(_first(leaves, "DTPOSTED"))
    return Entry(
        amount,
        _first(leaves, "CURSYM") or currency,
        _date(_first(leaves, "DTAVAIL")) or booked,
        booked,
        kind=_first(leaves, "TRNTYPE"),
        reference=_first(leaves, "FITID"),
        bank_reference=_first(leaves, "REFNUM", "CHECKNUM"),
        text="\n".join(text for name in ("NAME", "MEMO") if (text := _first(leaves, name))),
        reversal=_first(leaves, "CORRECTACTION") == "DELETE",
    )
