"""Identifiers: the registry's own samples, and what is wrong with the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.check_digits import mod97_remainder
from apps.core.identifiers import (
    CHECKS,
    IBAN_STRUCTURES,
    aba_check,
    bic_check,
    iban_check,
    iban_length,
    iban_make,
    isin_check,
    lei_check,
    luhn_check,
)

SAMPLES = """
AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201
AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456
BR1800360305000010009795493C1 BY13NBRB3600900000002Z00AB00 CH9300762011623852957 CR05015202001026284066
CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243
DO28BAGR00000001212453611324 EE382200221020145685 EG380019000500000000263180002 ES9121000418450200051332
FI2112345600000785 FO6264600001631634 FR1420041010050500013M02606 GB29NWBK60161331926819 GE29NB0000000101904917
GI75NWBK000000007099453 GL8964710001000206 GR1601101250000000012300695 GT82TRAJ01020000001210029690
HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999
IQ98NBIQ850123456789012 IS140159260076545510730339 IT60X0542811101000000123456 JO94CBJO0010000000000131000302
KW81CBKU0000000000001234560101 KZ86125KZT5004100100 LB62099900000001001901229114
LC55HEMM000100010012001200023015 LI21088100002324013AA LT121000011101001000 LU280019400644750000
LV80BANK0000435195001 LY83002048000020100120361 MC5811222000010123456789030 MD24AG000225100013104168
ME25505000012345678951 MK07250120000058984 MR1300020001010000123456753 MT84MALT011000012345MTLCAST001S
MU17BOMM0101101030300200000MUR NL91ABNA0417164300 NO9386011117947 PK36SCBL0000001123456702
PL61109010140000071219812874 PS92PALS000000000400123456702 PT50000201231234567890154
QA58DOHB00001234567890ABCDEFG RO49AAAA1B31007593840000 RS35260005601001611379 SA0380000000608010167519
SC18SSCB11010000000000001497USD SE4550000000058398257466 SI56263300012039086 SK3112000000198742637541
SM86U0322509800000000270100 ST68000100010051845310112 SV62CENR00000000000000700025 TL380080012345678910157
TN5910006035183598478831 TR330006100519786457841326 UA213223130000026007233566001 VA59001123000012345678
VG96VPVG0000012345678901 XK051212012345678906
""".split()  # noqa: SIM905 - the registry's samples, one for each country


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_registry_s_samples(sample: str) -> None:
    found = iban_check(" ".join(sample[place : place + 4] for place in range(0, len(sample), 4)))
    assert (found.valid, found.value, found.reason) == (True, sample, "")
    assert iban_length(sample[:2]) == len(sample)
    assert iban_make(sample[:2], sample[4:]) == sample


@pytest.mark.parametrize(
    ("text", "reason"),
    [("DE89 3704 0044 0532 0130", "22 characters"), ("GB96 BARC 2020 1530 0934 591", "22 characters"),
     ("GB2L ABBY 0901 2857 2017 07", "structured"), ("AT611804300234573201", "check digits"),
     ("US00123", "no IBAN"), ("", "no IBAN"), ("DE8937040044053201300X", "structured"),
     ("DE00370400440532013000", "check")],
)  # fmt: skip
def test_what_is_wrong_with_an_iban(text: str, reason: str) -> None:
    assert reason in iban_check(text).reason


def test_an_iban_that_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="structured"):
        iban_make("DE", "37040044053201300X")


@pytest.mark.parametrize(
    ("kind", "text", "valid"),
    [("bic", "AGRIFRPP", True), ("bic", "MARKDEF1100", True), ("bic", "AGRIFRPP8", False),
     ("bic", "GENOXXM1GLS", False),
     ("bic", "agrifrpp", True), ("bic", "1234DEWWXXX", True),
     ("bic", "AGRIF2PP", False), ("bic", "GENODEM1@#%", False),
     ("aba", "111000025", True), ("aba", "112000025", False), ("aba", "11100002B", False),
     ("luhn", "79927398713", True), ("luhn", "4111 1111 1111 1111", True), ("luhn", "79927398710", False),
     ("lei", "213800KUD8LXJWSQ9D15", False), ("lei", "5493001KJTIIGC8Y1R12", True), ("lei", "5493", False),
     ("verhoeff", "2363", True), ("verhoeff", "1428570", True), ("verhoeff", "2364", False),
     ("verhoeff", "2633", False), ("verhoeff", "", False), ("damm", "5724", True), ("damm", "5727", False),
     ("damm", "7524", False), ("damm", "1126", False), ("mod11_10", "07945", True), ("mod11_10", "07954", False),
     ("mod11_10", "36574261809", True), ("mod11_10", "36574261890", False), ("mod11_10", "x", False),
     ("iban", "ES15-0049-1806-9121-1186-9374", True), ("iban", "NO 44 1850.05.14562", True),
     ("iban", "MC1112739000700011111000h79", True), ("iban", "SN08 SN01 0015 2000 0485 0000 3035", True),
     ("iban", "MA64 0115 1900 0001 2050 0053 4921", True), ("iban", "DZ58 0002 1000 0111 3000 0005 70", True),
     ("iban", "TG53 TG00 9060 4310 3465 0040 0070", True), ("iban", "QQ93 1234 5678", False),
     ("isin", "US0378331005", True), ("isin", "US0378331006", False), ("isin", "0378331005", False),
     # ISO 7064: ORCID's example of MOD 11-2, ISBT 128's of MOD 37-2, GRid's of MOD 37,36
     ("mod11_2", "0000-0002-1825-0097", True), ("mod11_2", "0000-0002-1694-233X", True),
     ("mod11_2", "0000-0002-1825-0098", False), ("mod37_2", "G123489654321Y", True),
     ("mod37_2", "G123489654321Z", False), ("mod37_36", "A12425GABC1234002M", True),
     ("mod37_36", "A12425GABC1234003M", False), ("mod37_2", "", False),
     ("mod97_10", "9999123456789012141490", True), ("mod97_10", "9999123456789012141409", False),
     ("mod97_10", "é", False),
     # securities as their registers have them: Apple, Google, Oracle; BAE Systems, Treasury
     ("cusip", "037833100", True), ("cusip", "38259P508", True), ("cusip", "68389X105", True),
     ("cusip", "68389X106", False), ("cusip", "37833100", False), ("sedol", "0263494", True),
     ("sedol", "B0WNLY7", True), ("sedol", "B0WNLY8", False), ("sedol", "A0WNLY7", False),
     # ISO 11649's references
     ("rf", "RF18 5390 0754 7034", True), ("rf", "RF18 5390 0754 7043", False), ("rf", "XX18539007547034", False)],
)  # fmt: skip
def test_other_identifiers(kind: str, text: str, valid: bool) -> None:
    assert CHECKS[kind](text).valid is valid


def test_each_check_has_a_name() -> None:
    assert set(CHECKS.values()) >= {iban_check, bic_check, aba_check, lei_check, isin_check, luhn_check}
    assert len(set(CHECKS.values())) == len(CHECKS)


@given(country=st.sampled_from(sorted(IBAN_STRUCTURES)), text=st.text(max_size=40))
def test_nothing_breaks_a_check(country: str, text: str) -> None:
    for check in CHECKS.values():
        assert check(country + text).value is not None


@given(place=st.integers(4, 21), digit=st.integers(1, 9))
def test_a_wrong_digit_is_found(place: int, digit: int) -> None:
    sample = "DE89370400440532013000"
    changed = sample[:place] + str((int(sample[place]) + digit) % 10) + sample[place + 1 :]
    assert not iban_check(changed).valid
    assert mod97_remainder(changed[4:] + changed[:4]) != 1
