"""How members are found: a few words, each the beginning of a name, number or e-mail address, or a whole phone number.

`Member.search_text` holds the member's words, folded (no accents, no case, no punctuation); PostgreSQL indexes them as
lexemes (GIN), so "ali oti" finds Alice Otieno by two prefix look-ups and a bitmap, whatever the order of the words.
Phone numbers are encrypted: they are no words, and found whole, with or without the country code, by blind indexes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db.models import BooleanField, F, Func, Q, TextField, Value

from apps.members.models import NATIONAL_DIGITS
from apps.vault.crypto import blind_indexes

WORDS_MAX = 6
WORD_LENGTH_MAX = 60
_APOSTROPHES = re.compile("['`\u2018\u2019\u02bc\u02bb]")  # O'Brien, Ng'ang'a: one word
_NOT_WORD = re.compile(r"[\W_]+")


def words_of(text: str) -> list[str]:
    """The folded words of a text, in order."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return [word[:WORD_LENGTH_MAX] for word in _NOT_WORD.split(_APOSTROPHES.sub("", plain)) if word]


def search_text_of(*, number: str, names: list[str], email: str, registration_number: str) -> str:
    """What `Member.search_text` holds for these facts. Services and bulk loaders write it with the row."""
    words = [number.casefold()]
    for name in names:
        words += words_of(name)
    if email:
        words += [email.casefold(), *words_of(email.partition("@")[0])]
    words += words_of(registration_number)
    return " ".join(dict.fromkeys(words))


def matching(text: str) -> Q | None:
    """The condition that a member is found by `text`; None when it has no word to look for.

    Each word that could be a whole phone number (the text may be one with spaces) finds that number as well.
    """
    chunks = [text] if _phone_digits(text) else text.split()
    phones = [digits for chunk in chunks if (digits := _phone_digits(chunk))]
    query = query_of(" ".join(chunk for chunk in chunks if not _phone_digits(chunk)))
    wanted = Q(WordsMatch(query)) if query else None
    for digits in phones[:WORDS_MAX]:
        one = Q(WordsMatch(query_of(digits))) | Q(phone_end_index__in=phone_indexes(digits, last=NATIONAL_DIGITS))
        wanted = one if wanted is None else wanted & one
    return wanted


def phone_indexes(phone: str, *, last: int = 0) -> list[bytes]:
    """The blind indexes of a phone number in E.164, or of its last so many digits."""
    return blind_indexes(phone, context="members.member.phone", last=last)


def _phone_digits(text: str) -> str:
    """The digits of what could be a whole phone number; empty for anything else."""
    bare = re.sub(r"[\s().\-]", "", text)
    digits = bare.removeprefix("+")
    whole = digits.isascii() and digits.isdigit() and NATIONAL_DIGITS <= len(digits.lstrip("0")) <= 15
    return digits if whole else ""


def query_of(text: str) -> str:
    """The tsquery that finds `text`; empty when it has no word to look for. Later words than the sixth do not count."""
    terms = []
    for chunk in text.split()[:WORDS_MAX]:
        if "@" in chunk:
            terms.append(_prefix(chunk.casefold()[:254]))
            continue
        bare = chunk.lstrip("+")
        digits = re.sub(r"[-().]", "", bare)[:WORD_LENGTH_MAX]
        if digits.isascii() and digits.isdigit():
            national = digits.lstrip("0")
            choices = dict.fromkeys([digits, national] if national else [digits])
            terms.append("(" + " | ".join(_prefix(choice) for choice in choices) + ")")
            continue
        terms += [_prefix(word) for word in words_of(chunk)]
    return " & ".join(terms[:WORDS_MAX])


def _prefix(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


class _Vector(Func):
    # The expression of the index members_by_words.
    function = "members_words"
    output_field = TextField()


class _Query(Func):
    template = "%(expressions)s::tsquery"
    output_field = TextField()


class WordsMatch(Func):
    """The condition that a member has words beginning with those of `query_of`: queryset.filter(WordsMatch(query))."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, query: str = "", *expressions: Any, **extra: Any) -> None:
        given = expressions or (_Vector(F("search_text")), _Query(Value(query)))
        super().__init__(*given, **extra)


class OneOf(Func):
    """The condition that the key is one of those in an array: queryset.filter(OneOf(F("pk"), ArraySubquery(...))).

    The array is worked out first, by its own plan. As an ordinary condition the search would be planned together with
    the order and the limit of a page, and for a rare name the planner then reads a whole branch in that order.
    """

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()
