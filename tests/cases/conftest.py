"""`pytest tests/cases --cases-dir DIR`: which folder, and the count of each of its files at the end."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cases.registry import DATA, Case, cases_read

OUTCOMES = {"passed": "passed", "failed": "failed", "skipped": "unsupported"}

for module in sorted(Path(__file__).parent.glob("handlers_*.py")):
    importlib.import_module(f"tests.cases.{module.stem}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases-dir", type=Path, help="a folder of case files (default: tests/cases/data)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    folder: Path = metafunc.config.getoption("cases_dir", None) or DATA
    if not folder.is_dir():
        raise pytest.UsageError(f"--cases-dir: {folder} is not a folder")
    cases = cases_read(folder)
    if not cases:
        raise pytest.UsageError(f"--cases-dir: no case files in {folder}")
    metafunc.parametrize("case", cases, ids=[f"{case.file}:{case.id}" for case in cases])


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest, record_property: Any) -> None:
    """The file of the case goes with the report, also from the processes of xdist."""
    if "case" in request.fixturenames:
        case: Case = request.getfixturevalue("case")
        record_property("case_file", case.file)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: dict[str, Counter[str]] = {}
    for outcome, word in OUTCOMES.items():
        for report in terminalreporter.stats.get(outcome, []):
            file = dict(getattr(report, "user_properties", [])).get("case_file")
            if file is not None and (report.when == "call" or outcome != "passed"):
                counts.setdefault(file, Counter())[word] += 1
    if not counts:
        return
    terminalreporter.section("cases")
    for file, count in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        terminalreporter.write_line(f"{file}: " + ", ".join(f"{count[word]} {word}" for word in OUTCOMES.values()))
