"""Bank statement files: what banks really write, and what is refused. Published files: `make cases DIR=...`."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calculations.bank_statements import bank_file_read
from apps.calculations.bank_statements._ofx import amount_read
from apps.calculations.errors import BankFileNotValid

D = Decimal

# Forms of lines that wolph/mt940 collects from banks (mt940_tests): entry dates of spaces, funds codes, open decimals,
# reversals, texts that go on, blocks around the fields, pages.
SWIFT = """{1:F01ASNBNL21XXXX0000000000}{2:O940ASNBNL21XXXXN}{3:}{4:
:20:0000000000
:25:NL91ABNA0417164300
:28C:999/1
:60F:C131230CHF100,
:61:200101    D65,00NOVBNL47INGB9999999999
hr paulissen
:86:first line

second line
:61:1312310102CF79,7FMSC01916//NONREF
20131209007602198765432000000012
:61:131231RD10,1N426NONREF//B1
:61:131231RC,05S   X
:62M:C140407CHF124,75
:86:of the page, not of an entry
-}{5:}
:20:2
:25:123456789
:28:999/2
:60M:C140407CHF124,75
:61:140230DR000000000001,62NTRF0000549855700010//025498557/000001
:61:131231D1x,00NMSC
:62F:C140407CHF123,
-
:61:2212191220C119,NMSC341241773/1XXXXX//O/341241774
"""


def test_swift_lines_as_banks_write_them() -> None:
    file = bank_file_read(SWIFT.replace("\n", "\r\n").encode("cp1252"))
    first, second, alone = file.statements
    assert (first.account.number, first.account.kind, first.number) == ("NL91ABNA0417164300", "iban", "999/1")  # type: ignore[union-attr]
    assert [one.amount for one in first.entries] == [D("-65.00"), D("79.7"), D("10.1"), D("-0.05")]
    assert [one.reversal for one in first.entries] == [False, False, True, True]
    assert first.entries[0].text == "hr paulissen\nfirst line\n\nsecond line"
    assert (first.entries[0].kind, first.entries[0].reference) == ("NOVB", "NL47INGB9999999999")
    assert (first.entries[1].bank_reference, first.entries[2].bank_reference) == ("NONREF", "B1")
    assert first.entries[1].value_date == dt.date(2013, 12, 31)
    assert first.entries[1].booked_on == dt.date(2014, 1, 2), "the year that brings it closest"
    assert (first.difference, first.reconciles, first.intermediate) == (D(0), True, True)
    assert (second.entries[0].amount, second.entries[0].value_date) == (D("-1.62"), None), "30 February"
    assert second.entries[1].amount is None
    assert second.difference == D("-0.13")
    assert len(file.problems) == 1, "and it is said that a line cannot be read"
    assert (alone.net, alone.opening, alone.reconciles) == (D(119), None, None)


def test_an_interim_report_has_no_balances() -> None:
    file = bank_file_read(
        b":20:ST\n:25:PL29\n:28C:1/1\n:34F:PLN0\n:61:1701190119CN0,01NTRFNONREF//MB17\n:90C:1PLN0,01\n-\n"
    )
    assert (file.format, file.entries[0].currency, file.entries[0].amount) == ("MT942", "PLN", D("0.01"))


CAMT = """<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Id>S1</Id><ElctrncSeqNb>7</ElctrncSeqNb><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>
 <Dt><DtTm>2014-12-30T08:00:00</DtTm></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">4.125</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="EUR">9.125</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts>
 <BookgDt><Dt>2014-12-31</Dt></BookgDt><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly>
 </Domn></BkTxCd><NtryDtls><TxDtls><RmtInf><Ustrd>A &amp; B</Ustrd></RmtInf></TxDtls><TxDtls/></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">100</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts></Ntry>
<Ntry><Amt Ccy="EUR">1e3</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def test_camt_signs_details_and_what_is_not_booked() -> None:
    file = bank_file_read(CAMT.encode())
    (one,) = file.statements
    assert (file.format, one.id, one.number, one.account.kind) == ("camt.053.001.08", "S1", "7", "iban")  # type: ignore[union-attr]
    assert one.opening is not None
    assert (one.opening.amount, one.opening.date) == (D(-5), dt.date(2014, 12, 30))
    returned, announced, unreadable = one.entries
    assert (returned.amount, returned.reversal, returned.details, returned.kind) == (
        D("9.125"),
        True,
        2,
        "PMNT-RCDT-ESCT",
    )
    assert (returned.text, returned.value_date) == ("A & B", dt.date(2014, 12, 31))
    assert (announced.booked, unreadable.amount) == (False, None)
    assert (one.net, one.difference) == (D("-90.875"), D(0)), "what is only announced is not in the closing balance"
    assert file.problems == ("Amount cannot be read: 1e3",)


def test_ofx_leaves_closed_or_not() -> None:
    file = bank_file_read(
        b"OFXHEADER:100\nVERSION:102\n<OFX><STMTRS><CURDEF>CAD<BANKACCTFROM><ACCTID>12</BANKACCTFROM>"
        b"<STMTTRN><TRNTYPE>POS</TRNTYPE><DTPOSTED>20180507120000[-5:EST]<TRNAMT>-1.234,56<FITID>A<NAME>S&amp;P"
        b"<ORIGCURRENCY><CURSYM>USD</ORIGCURRENCY></STMTTRN><STMTTRN><TRNAMT>$120<FITID>B</STMTTRN>"
        b"<LEDGERBAL><BALAMT>10<DTASOF>20180508</LEDGERBAL><AVAILBAL><BALAMT></AVAILBAL></STMTRS></OFX>"
    )
    (one,) = file.statements
    assert (file.format, one.id, one.currency, one.balances[0].amount) == ("OFX 102", "12", "CAD", D(10))
    bought = one.entries[0]
    assert (bought.amount, bought.currency, bought.text) == (D("-1234.56"), "CAD", "S&P"), "already changed into CAD"
    assert bought.booked_on == dt.date(2018, 5, 7)
    assert file.problems == ("Balance cannot be read: ", "Amount cannot be read: $120")


@pytest.mark.parametrize(
    ("text", "amount"),
    [("+000115.8331", "115.8331"), ("-0,5", "-0.5"), ("1,234,567", "1234567"), ("10,000.50", "10000.50"),
     ("1 025,53", "1025.53"), ("-.05", "-0.05"), ("", None), ("1.2e3", None), ("--1", None), (".", None)],
)  # fmt: skip
def test_amounts_of_ofx(text: str, amount: str | None) -> None:
    assert amount_read(text) == (None if amount is None else D(amount))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"  ", "empty"),
        (b"date;amount\n1;2", "None of the formats"),
        (b"<Document><Other/></Document>", "Not a camt"),
        (b"<Document><BkToCstmrStmt>", "well-formed"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Document>&a;</Document>', "DTD"),
        (b"<a>" * 70, "nested"),
        (b"\xff\xfe<\x00", "well-formed"),
    ],
)
def test_what_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(BankFileNotValid, match=says):
        bank_file_read(content)


@given(st.sampled_from([SWIFT, CAMT]), st.integers(0, 900), st.binary(max_size=6))
@settings(max_examples=80, deadline=None)
def test_a_mangled_file_is_read_or_refused(text: str, place: int, noise: bytes) -> None:
    content = text.encode()
    with suppress(BankFileNotValid):
        bank_file_read(content[:place] + noise + content[place + len(noise) :])


LONG = b"9" * 300_000


@pytest.mark.parametrize(
    "content",
    [
        b":20:1\n:60F:C131230CHF100,\n:61:200101D" + LONG + b"!",
        b"<OFX><STMTRS><STMTTRN><TRNAMT>" + LONG + b"x</STMTTRN></STMTRS>",
        b"<OFX><STMTRS><" + b"a" * 300_000,
        b"<D><BkToCstmrStmt>" + b"text<b/>" * 100_000 + b"</BkToCstmrStmt></D>",
    ],
    ids=["line", "amount", "tag", "text"],
)
def test_what_is_long_and_wrong_is_given_up_at_once(content: bytes) -> None:
    """Read by steps that go back, each of these takes an hour."""
    assert all(entry.amount is None for entry in bank_file_read(content).entries)
