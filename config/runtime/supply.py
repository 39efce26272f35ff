"""Checks of `make check` that look for danger rather than for mistakes: secrets in the tree, dangerous calls, and
libraries with known holes. Each returns whether it passed and what to say."""

import datetime as dt
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from config.env import ROOT
from config.runtime.home import Home, json_read, json_write

LOCKS = ("production.lock", "local.lock")
NOTE = "note: "
"""Begins an output that is worth a line although the check passed."""
AUDIT_SECONDS = 60
FILE_BYTES_MAX = 1_000_000

# What a secret looks like, whoever wrote it. Examples and tests carry ALLOWED on their line.
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "a Stripe key": re.compile(r"\b[rs]k_live_[0-9A-Za-z]{16,}\b"),
    "a key of ours": re.compile(r"\bnk_live_[0-9A-Za-z_-]{24,}\b"),
    "a Vault token": re.compile(r"\bhvs\.[A-Za-z0-9_-]{24,}"),
    "a JWT": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a password in an address": re.compile(
        r"\b(?:postgres(?:ql)?|rediss?|amqps?|https?)://[^\s:/@\"'{}$<]+:[^\s@\"'{}$<]{8,}@"
    ),
    "a master key": re.compile(r"NUMINA_(?:MASTER_KEY|SECRET_KEY|JWT_SIGNING_KEY)\s*[=:]\s*[\"']?[0-9A-Za-z+/_-]{32,}"),
}
ALLOWED = re.compile(r"not a secret|example|password@|only-for-tests")


def secrets_scan(root: Path = ROOT) -> tuple[bool, str]:
    """Every tracked text file, line by line; the finding names file, line and kind, never the secret."""
    git = shutil.which("git")
    listed = git and subprocess.run([git, "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if not listed or listed.returncode:
        return True, NOTE + "left out, this is no Git checkout"
    found = []
    for name in listed.stdout.decode().split("\0"):
        path = root / name
        if not name or not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{number}: {kind}" for number, kind in text_scan(text)]
    return not found, "\n".join(found)


def text_scan(text: str) -> list[tuple[int, str]]:
    """Line numbers and kinds of what looks like a secret."""
    return [
        (number, kind)
        for number, line in enumerate(text.splitlines(), 1)
        for kind, pattern in SECRETS.items()
        if pattern.search(line) and not ALLOWED.search(line)
    ]


def dangerous_calls() -> tuple[bool, str]:
    """bandit, from medium severity and confidence on: shells, weak hashes, unsafe parsers, SQL made where it is run.

    With little confidence it names every statement that is put together from constants of ours, as reports are; that
    no value of a caller gets into SQL is what tests/security/ tries.
    """
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "-ll", "-ii", "apps", "config", "manage.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout


def known_holes(home: Home) -> tuple[bool, str]:
    """pip-audit over the locks. The answer is kept until the locks or the day change; without network it is a note."""
    wanted = hashlib.sha256(b"".join((ROOT / "requirements" / name).read_bytes() for name in LOCKS)).hexdigest()
    stamp, day = home.cache / "pip-audit.json", _today()
    known = json_read(stamp)
    if known.get("locks") == wanted and known.get("day") == day:
        return bool(known["passed"]), str(known["output"])
    files = [part for name in LOCKS for part in ("--requirement", f"requirements/{name}")]
    command = [sys.executable, "-m", "pip_audit", *files, "--disable-pip", "--no-deps", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--timeout", "5", "--cache-dir", str(home.cache / "pip-audit")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=AUDIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True, NOTE + "left out, the database of holes does not answer in time"
    passed, output = verdict(done.returncode, done.stdout, done.stderr)
    json_write(stamp, {"locks": wanted, "day": day, "passed": passed, "output": output})
    return passed, output


def verdict(code: int, output: str, errors: str) -> tuple[bool, str]:
    """What a run of pip-audit means: a hole fails, an answer that never came does not."""
    if "Found " in errors and "known vulnerabilit" in errors:
        return False, output
    unanswered = output.count("could not be audited")
    if code or unanswered:
        return True, NOTE + f"left out in part: {unanswered or 'all'} libraries could not be asked about (no network?)"
    return True, ""


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
