"""Security events that come in floods: each kind is written once a minute for an actor and place, with the count."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from apps.audit.services import record

WINDOW_SECONDS = 60.0
KEYS_MAX = 10_000


class Damper:
    """Says when to write: the first of each window. Per process, bounded, safe between threads."""

    def __init__(self, *, window: float = WINDOW_SECONDS, keys_max: int = KEYS_MAX) -> None:
        self._window = window
        self._keys_max = keys_max
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, key: str, now: float | None = None) -> int | None:
        """How many were held back since the last one written; None when this one is to be held back too."""
        moment = time.monotonic() if now is None else now
        with self._lock:
            started, held = self._seen.get(key, (float("-inf"), 0))
            if moment - started < self._window:
                self._seen[key] = (started, held + 1)
                return None
            self._seen[key] = (moment, 0)
            self._seen.move_to_end(key)
            while len(self._seen) > self._keys_max:
                self._seen.popitem(last=False)
            return held

    def clear(self) -> None:
        """Forget everything: for tests."""
        with self._lock:
            self._seen.clear()


damper = Damper()


def denied_record(*, acting_user: Any, permission: str, place: str, method: str = "") -> None:
    """Record a refused attempt (403): at most one a minute for an actor and place; the next tells how many more."""
    actor = str(getattr(acting_user, "pk", None) or "anonymous")
    held = damper.admit(f"{actor}|{place}|{method}")
    if held is None:
        return
    record(
        action="core.access.denied",
        acting_user=acting_user,
        kind="security",
        object_type="view",
        object_label=place,
        after={"permission": permission, "method": method, "held_back_before": held},
    )
