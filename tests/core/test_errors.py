"""Every error code of every app: unique, documented, well made."""

import re
from pathlib import Path

from django.conf import settings
from django.test import Client

from apps.core.api.catalogue import as_markdown, error_classes, error_entries
from apps.core.errors import DomainError


def test_codes_are_unique() -> None:
    by_code: dict[str, type[DomainError]] = {}
    for cls in error_classes():
        assert "code" in cls.__dict__, f"{cls.__module__}.{cls.__name__} needs a code of its own"
        other = by_code.setdefault(cls.code, cls)
        assert other is cls, f"{cls.code} belongs to {other.__module__} and to {cls.__module__}"


def test_codes_titles_and_statuses_are_well_made() -> None:
    for entry in error_entries():
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", entry.code), entry
        assert 400 <= entry.status <= 503, entry
        assert entry.status_phrase, entry
        assert entry.title, entry
        assert entry.meaning, entry
        assert entry.advice, entry


def test_the_document_is_in_step() -> None:
    path = Path(settings.BASE_DIR) / "docs" / "api-errors.md"
    assert path.read_text(encoding="utf-8") == as_markdown(), "run: make manage ARGS=error_docs"


def test_the_page_that_types_point_to_has_every_code() -> None:
    page = Client().get("/api/v1/docs/errors").content.decode()
    for entry in error_entries():
        assert f'id="{entry.code}"' in page


def test_an_error_says_its_title_when_it_has_no_words_of_its_own() -> None:
    for cls in error_classes():
        if cls.__init__ is DomainError.__init__:
            assert str(cls()) == cls.title
            assert cls("Because.", pointer="/a", limit=1).extra == {"limit": 1}
