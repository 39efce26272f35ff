"""The engine switched on, with a memory that the test may kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import engine_patient, partition_reset
from tests.factories.postings import Books
from tests.faults.machines import Memory


@pytest.fixture
def memory(committed_db: None, settings: Any, tmp_path: Path) -> Iterator[Memory]:
    """A Valkey of the test's own, which it may kill, stop, wipe and cut."""
    server = Memory(tmp_path)
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True, "REDIS_URL": server.url}
    partition_reset()
    yield server
    partition_reset()
    server.stop()


@pytest.fixture
def engine_on(committed_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine on the worker's shared memory."""
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    engine_patient(monkeypatch)
    yield
    partition_reset()


@pytest.fixture
def books(committed_db: None) -> Books:
    return Books()
