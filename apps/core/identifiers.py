"""Identifiers that banks write to each other: is it well formed, and do its check digits agree?

None of this says that an account or a bank exists. Sources: ISO 13616 and SWIFT's IBAN registry (release 99), ISO 9362
(BIC), the American Bankers Association's routing numbers, ISO 17442 (LEI), ISO 6166 (ISIN), ANSI X9.6 (CUSIP), the
London Stock Exchange (SEDOL), ISO 11649 (RF references), ISO 7064 (systems of check characters).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from apps.core.check_digits import (
    damm_valid,
    luhn_valid,
    mod11_2_valid,
    mod11_10_valid,
    mod37_2_valid,
    mod37_36_valid,
    mod97_10_valid,
    mod97_remainder,
    verhoeff_valid,
)
from apps.core.countries import COUNTRIES

_REGISTRY = """
AD n8c12 AE n19 AL n8c16 AT n16 AZ a4c20 BA n16 BE n12 BG a4n6c8 BH a4c14 BI n23 BR n23a1c1 BY c4n4c16 CH n5c12 CR n18
CY n8c16 CZ n20 DE n18 DJ n23 DK n14 DO c4n20 EE n16 EG n25 ES n20 FI n14 FK a2n12 FO n14 FR n10c11n2 GB a4n14 GE a2n16
GI a4c15 GL n14 GR n7c16 GT c24 HN a4n20 HR n17 HU n24 IE a4n14 IL n19 IQ a4n15 IS n22 IT a1n10c12 JO a4n4c18 KW a4c22
KZ n3c13 LB n4c20 LC a4c24 LI n5c12 LT n16 LU n3c13 LV a4c13 LY n21 MC n10c11n2 MD c20 ME n18 MK n3c10n2 MN n16 MR n23
MT a4n5c18 MU a4n19a3 NI a4n20 NL a4n10 NO n11 OM n3c16 PK a4c16 PL n24 PS a4c21 PT n21 QA a4c21 RO a4c16 RS n18
RU n14c15 SA n2c18 SC a4n20a3 SD n14 SE n20 SI n15 SK n20 SM a1n10c12 SO n19 ST n21 SV a4n20 TL n19 TN n20 TR n6c16
UA n6c19 VA n18 VG a4n16 XK n16 YE a4n4c18
"""
_AT_HOME = """
AO n21 BF a2c22 BJ a2c22 CF n23 CG n23 CI a2n22 CM n23 CV n21 DZ n22 GA n23 GQ n23 GW a2c19 IR n22 KM n23 MA n24 MG n23
ML a2c22 MZ n21 NE a2n22 SN a2n22 TD n23 TG a2n22
"""
"""Not in the registry, but the country's own banks use the form: the states of the CFA franc, Algeria, Morocco ..."""
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}


def _structures() -> dict[str, str]:
    words = (_REGISTRY + _AT_HOME).split()
    return dict(zip(words[::2], words[1::2], strict=True))


IBAN_STRUCTURES: dict[str, str] = _structures()
"""By country, what follows the check digits: n digits, a capital letters, c either, each with a length."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An identifier in its electronic form, and what is wrong with it ("" when nothing is)."""

    value: str
    reason: str = ""

    @property
    def valid(self) -> bool:
        return not self.reason


def iban_length(country: str) -> int | None:
    """Characters of an IBAN of this country, or None for a country without IBANs."""
    structure = IBAN_STRUCTURES.get(country)
    return None if structure is None else 4 + sum(int(size) for size in re.findall(r"\d+", structure))


def iban_check(text: str) -> Checked:
    """An IBAN, written with or without spaces, dashes or dots: country, length, structure, check digits.

    Countries whose banks number so at home, outside of SWIFT's registry, count too (`_AT_HOME`).
    """
    value = re.sub(r"[-.]", "", _electronic(text))
    length = iban_length(value[:2])
    if length is None:
        return Checked(value, "The country has no IBAN.")
    if len(value) != length:
        return Checked(value, f"An IBAN of {value[:2]} has {length} characters.")
    pattern = re.sub(r"([nac])(\d+)", lambda part: f"{_CLASSES[part[1]]}{{{part[2]}}}", IBAN_STRUCTURES[value[:2]])
    if not re.fullmatch(f"[A-Z]{{2}}[0-9]{{2}}{pattern}", value):
        return Checked(value, f"An IBAN of {value[:2]} is not structured like that.")
    if not 2 <= int(value[2:4]) <= 98 or mod97_remainder(value[4:] + value[:4]) != 1:
        return Checked(value, "The check digits do not agree.")
    return Checked(value)


def iban_make(country: str, bban: str) -> str:
    """The IBAN with its check digits. Raises ValueError for what cannot be one."""
    digits = 98 - mod97_remainder(f"{bban}{country}00")
    checked = iban_check(f"{country}{digits:02d}{bban}")
    if not checked.valid:
        raise ValueError(checked.reason)
    return checked.value


def bic_check(text: str) -> Checked:
    """A BIC of 8 or 11 characters: party, country, place, branch. Since ISO 9362:2014 the party may have digits."""
    value = _electronic(text)
    if not re.fullmatch(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", value):
        return Checked(value, "A BIC has 8 or 11 letters and digits: four of the party, a country, two or five more.")
    if value[4:6] not in COUNTRIES and value[4:6] != "XK":
        return Checked(value, "There is no such country.")
    return Checked(value)


def aba_check(text: str) -> Checked:
    """A routing number of the United States: nine digits with weights 3, 7, 1."""
    value = _electronic(text)
    if not re.fullmatch(r"[0-9]{9}", value):
        return Checked(value, "A routing number has nine digits.")
    total = sum(int(digit) * weight for digit, weight in zip(value, (3, 7, 1) * 3, strict=True))
    return Checked(value, "" if total % 10 == 0 else "The check digit does not agree.")


def lei_check(text: str) -> Checked:
    """A legal entity identifier: 18 letters and digits, two check digits (ISO 7064 MOD 97-10)."""
    value = _electronic(text)
    if not re.fullmatch(r"[A-Z0-9]{18}[0-9]{2}", value):
        return Checked(value, "An LEI has 20 characters, the last two digits.")
    return Checked(value, "" if mod97_remainder(value) == 1 else "The check digits do not agree.")


def isin_check(text: str) -> Checked:
    """A securities identification number: country, nine characters, Luhn digit over letters as 10 to 35."""
    value = _electronic(text)
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}[0-9]", value):
        return Checked(value, "An ISIN has a country, nine characters and a digit.")
    digits = "".join(str(int(letter, 36)) for letter in value)
    return Checked(value, "" if luhn_valid(digits) else "The check digit does not agree.")


def cusip_check(text: str) -> Checked:
    """A security of North America: eight characters (* @ # count 36 to 38), every second doubled, and a digit."""
    value = _electronic(text)
    if not re.fullmatch(r"[A-Z0-9*@#]{8}[0-9]", value):
        return Checked(value, "A CUSIP has eight characters and a digit.")
    order = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"
    weighed = [order.index(letter) * (1 + place % 2) for place, letter in enumerate(value[:8])]
    total = sum(weight // 10 + weight % 10 for weight in weighed)
    return Checked(value, "" if (total + int(value[8])) % 10 == 0 else "The check digit does not agree.")


def sedol_check(text: str) -> Checked:
    """A security of London: six digits and consonants with weights 1, 3, 1, 7, 3, 9, and a digit."""
    value = _electronic(text)
    if not re.fullmatch(r"[0-9BCDFGHJ-NP-TV-Z]{6}[0-9]", value):
        return Checked(value, "A SEDOL has six digits or consonants and a digit.")
    total = sum(int(letter, 36) * weight for letter, weight in zip(value, (1, 3, 1, 7, 3, 9, 1), strict=True))
    return Checked(value, "" if total % 10 == 0 else "The check digit does not agree.")


def creditor_reference_check(text: str) -> Checked:
    """An RF reference of an invoice (ISO 11649): two check digits and up to 21 letters and digits."""
    value = _electronic(text)
    if not re.fullmatch(r"RF[0-9]{2}[A-Z0-9]{1,21}", value):
        return Checked(value, "A reference has RF, two digits and 1 to 21 letters and digits.")
    return Checked(value, "" if mod97_remainder(value[4:] + value[:4]) == 1 else "The check digits do not agree.")


def luhn_check(text: str) -> Checked:
    """A number with a Luhn digit at its end, such as a card number."""
    value = _electronic(text)
    return Checked(value, "" if luhn_valid(value) else "The check digit does not agree.")


def verhoeff_check(text: str) -> Checked:
    """A number with a Verhoeff digit at its end, such as an Aadhaar number."""
    value = _electronic(text)
    return Checked(value, "" if verhoeff_valid(value) else "The check digit does not agree.")


def damm_check(text: str) -> Checked:
    """A number with a Damm digit at its end."""
    value = _electronic(text)
    return Checked(value, "" if damm_valid(value) else "The check digit does not agree.")


def mod11_10_check(text: str) -> Checked:
    """A number with a digit of ISO 7064 MOD 11,10 at its end."""
    value = _electronic(text)
    return Checked(value, "" if mod11_10_valid(value) else "The check digit does not agree.")


def _system(valid: Callable[[str], bool]) -> Callable[[str], Checked]:
    def check(text: str) -> Checked:
        value = re.sub("-", "", _electronic(text))
        return Checked(value, "" if valid(value) else "The check character does not agree.")

    return check


CHECKS: dict[str, Callable[[str], Checked]] = {
    "iban": iban_check,
    "bic": bic_check,
    "aba": aba_check,
    "lei": lei_check,
    "isin": isin_check,
    "luhn": luhn_check,
    "verhoeff": verhoeff_check,
    "damm": damm_check,
    "mod11_10": mod11_10_check,
    "mod11_2": _system(mod11_2_valid),
    "mod37_2": _system(mod37_2_valid),
    "mod37_36": _system(mod37_36_valid),
    "mod97_10": _system(mod97_10_valid),
    "cusip": cusip_check,
    "sedol": sedol_check,
    "rf": creditor_reference_check,
}
"""The check for each kind of identifier."""


def _electronic(text: str) -> str:
    return text.replace(" ", "").upper()
