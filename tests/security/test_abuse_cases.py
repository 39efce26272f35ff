"""The page of abuse cases names what exists; and the cases that no other file tries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.core.pdf import OwnFilesFetcher
from tests.architecture.source import ROOT
from tests.factories.identity import PASSWORD, user_make

CASES = 34
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.M)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_each_case_names_tests_that_exist() -> None:
    rows = ROW.findall((ROOT / "docs" / "reference" / "abuse-cases.md").read_text(encoding="utf-8"))
    assert [int(row[0]) for row in rows] == list(range(1, CASES + 1))
    faults = []
    for number, _case, _defence, shown_by, _open in rows:
        tests = TEST.findall(shown_by)
        faults += [f"{number} names no test"] * (not tests)
        for file, name in tests:
            path = ROOT / file
            if not path.is_file() or not re.search(rf"def {name}\(", path.read_text(encoding="utf-8")):
                faults.append(f"{number} names {file}::{name}, which does not exist")
    assert not faults, "\n".join(faults)


def test_a_session_known_before_sign_in_is_not_the_one_after(db: None, settings: Any) -> None:
    """Case 24: whoever set the victim's cookie holds nothing once the victim has signed in."""
    settings.SESSION_COOKIE_SECURE = True
    user_make("backoffice.dashboard", email="clerk@example.com")
    client = Client()
    session = client.session
    session["planted"] = "before"
    session.save()
    planted = session.session_key
    answer = client.post(
        "/admin/login/", {"username": "clerk@example.com", "password": PASSWORD, "next": "/admin/"}, secure=True
    )
    assert answer.status_code == 302, answer.content[:500]
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie.value != planted
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] in {"Lax", "Strict"}
    attacker = Client()
    attacker.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert attacker.get("/admin/", secure=True).status_code == 302


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "https://example.com/a.css", "ftp://h/a",
        "file:///etc/passwd", "file://host/etc/passwd", "file:///proc/self/environ", "gopher://127.0.0.1:6379/_INFO",
        (ROOT / "static" / ".." / "manage.py").as_uri(), (ROOT / "static").as_uri() + "/%2e%2e/manage.py",
    ],
    ids=range(10),
)  # fmt: skip
def test_a_pdf_fetches_nothing_but_our_own_files(url: str) -> None:
    """Case 15: what a name or a description smuggles into a document is not called."""
    with pytest.raises(ValueError, match="of ours"):
        OwnFilesFetcher().fetch(url)
