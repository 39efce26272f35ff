"""The checks that look for danger: they find what they should, and an answer that never came is no fault."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from config.runtime import supply
from config.runtime.home import Home

PLANTED = {
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "an AWS key": "AKIA" + "A1B2" * 4,
    "a GitHub token": "ghp_" + "a1" * 18,
    "a Stripe key": "sk_live_" + "a1" * 10,
    "a key of ours": "nk_live_" + "a1" * 14,
    "a Vault token": "hvs." + "a1" * 14,
    "a JWT": "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
    "a password in an address": "DATABASE_URL=postgresql://bank:" + "hunter2hunter2@db:5432/bank",
    "a master key": "NUMINA_MASTER_KEY=" + "0a" * 32,
}


@pytest.mark.parametrize("kind", sorted(PLANTED))
def test_a_planted_secret_is_found_by_line(kind: str) -> None:
    assert supply.text_scan(f"first\n{PLANTED[kind]}\n") == [(2, kind)]


def test_examples_are_no_secrets() -> None:
    for line in (
        "redis://:password@127.0.0.1:6379/0",
        "postgresql://user:password@host:5432/numina",
        "NUMINA_SECRET_KEY=${NUMINA_SECRET_KEY}",
        f"{PLANTED['a key of ours']}  # not a secret",
    ):
        assert supply.text_scan(line) == []


def test_the_scan_reads_what_git_tracks_and_never_shows_the_secret(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "settings.py").write_text(PLANTED["an AWS key"])
    (tmp_path / "left.py").write_text(PLANTED["an AWS key"])
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    subprocess.run(["git", "add", "settings.py", "picture.png"], cwd=tmp_path, check=True)
    assert supply.secrets_scan(tmp_path) == (False, "settings.py:1: an AWS key")


def test_this_tree_holds_no_secret() -> None:
    assert supply.secrets_scan() in {(True, ""), (True, supply.NOTE + "left out, this is no Git checkout")}


def test_a_known_hole_fails_and_a_missing_answer_does_not() -> None:
    assert supply.verdict(1, "django 5.2 PYSEC-1", "Found 1 known vulnerability in 1 package")[0] is False
    assert supply.verdict(0, "", "No known vulnerabilities found") == (True, "")
    passed, output = supply.verdict(1, "", "ConnectionError")
    assert passed
    assert output.startswith(supply.NOTE)
    passed, output = supply.verdict(0, "vine  Dependency not found on PyPI and could not be audited: vine", "")
    assert passed
    assert "1 libraries" in output


def test_a_database_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip-audit", 60)

    monkeypatch.setattr(supply.subprocess, "run", hang)
    home = Home(tmp_path)
    home.cache.mkdir()
    passed, output = supply.known_holes(home)
    assert passed
    assert "left out" in output
