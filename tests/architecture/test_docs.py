"""The documents are part of the product: what they name exists, what exists they name."""

import re

from tests.architecture.source import ROOT

REQUIREMENT = re.compile(
    r"^\| ((?:MSME|RTB|BANK|SETUP|PFM)-\d+\.\d+) \| [^|]* \| (done|partial|not yet) \| ([^|]*) \| ([^|]*) \|$", re.M
)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
COUNTS = {"MSME": 100, "RTB": 51, "BANK": 54, "SETUP": 29, "PFM": 30}


def _trace() -> list[tuple[str, str, str, str]]:
    return REQUIREMENT.findall((ROOT / "docs" / "requirements.md").read_text(encoding="utf-8"))


def test_every_requirement_is_traced_once() -> None:
    ids = [row[0] for row in _trace()]
    assert len(ids) == len(set(ids)), "an id stands twice"
    counted = {family: sum(1 for item in ids if item.startswith(family + "-")) for family in COUNTS}
    assert counted == COUNTS


def test_what_is_done_names_a_test_that_exists() -> None:
    faults = []
    for requirement, status, where, shown_by in _trace():
        tests = TEST.findall(shown_by)
        if status == "done" and not tests:
            faults.append(f"{requirement} is called done and names no test")
        for file, name in tests:
            path = ROOT / file
            if not path.is_file() or not re.search(rf"def {name}\(", path.read_text(encoding="utf-8")):
                faults.append(f"{requirement} names {file}::{name}, which does not exist")
        named = re.findall(r"`((?:apps|config|docs|fixtures|templates)/[\w./-]+)`", where)
        faults += [f"{requirement} names {file}, which does not exist" for file in named if not (ROOT / file).exists()]
    assert not faults, "\n".join(faults)


def test_every_decision_names_its_check() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert records
    faults = [
        path.name for path in records if not re.search(r"^## (Check|Checks)$", path.read_text(encoding="utf-8"), re.M)
    ]
    assert not faults, "no check, no rule: " + ", ".join(faults)


def test_links_between_documents_lead_somewhere() -> None:
    faults = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", path.read_text(encoding="utf-8"))
        faults += [f"{path.relative_to(ROOT)} -> {target}" for target in targets if not (path.parent / target).exists()]
    assert not faults, "\n".join(faults)


def test_dependencies_have_a_reason_each() -> None:
    faults = [
        f"{path.name}: {line}"
        for path in sorted((ROOT / "requirements").glob("*.in"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r")) and "#" not in line
    ]
    assert not faults, "\n".join(faults)


def test_locks_pin_every_package_with_a_hash() -> None:
    for path in sorted((ROOT / "requirements").glob("*.lock")):
        text = path.read_text(encoding="utf-8")
        packages = re.findall(r"^[a-z0-9]\S*==\S+ \\\n\s+--hash=sha256:", text, re.M)
        names = re.findall(r"^[a-z0-9]\S*==", text, re.M)
        assert names, path.name
        assert len(packages) == len(names), path.name


def test_every_variable_of_the_environment_is_documented() -> None:
    read = re.findall(r'reader\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config" / "env.py").read_text(encoding="utf-8"))
    told = set(re.findall(r"`([A-Z_]{8,})`", (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")))
    assert len(read) > 40
    missing = sorted({*read, "NUMINA_MASTER_KEY", "NUMINA_PORT", "NUMINA_SEED", "NUMINA_WORKERS"} - told)
    assert not missing, f"docs/reference/settings.md does not tell of {', '.join(missing)}"
    runtime = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "config").rglob("*.py"))
    assert not [name for name in told if name.startswith("NUMINA_") and name.removesuffix("_FILE") not in runtime]
