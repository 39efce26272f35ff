"""Asks a running site whether it is ready."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.runtime.ports import ADDRESS

READY_PATH = "/api/v1/health/ready"


def health_get(port: int, *, timeout: float = 5.0) -> tuple[int, dict[str, Any]]:
    """Status and body of the readiness answer; status 0 when nothing answers."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=timeout)
    try:
        connection.request("GET", READY_PATH, headers={"Host": "localhost", "Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(65_536)
    except (OSError, http.client.HTTPException):
        return 0, {}
    finally:
        connection.close()
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = {}
    return answer.status, parsed if isinstance(parsed, dict) else {}


def ready_wait(port: int, folder: Path, background: Sequence[str], *, seconds: float, ended: threading.Event) -> str:
    """Wait until the site answers 200 and the background processes are at work; what is missing, or nothing.

    `folder` is where the `background` processes leave a mark when they are (see config.celery).
    """
    deadline = time.monotonic() + seconds
    while True:
        status, body = health_get(port)
        late = [name for name in background if not (folder / name).exists()]
        if (status == 200 and not late) or ended.is_set():
            return ""
        if time.monotonic() > deadline:
            return f"the site answers {status or 'nothing'} {body or ''}" if status != 200 else " and ".join(late)
        ended.wait(0.1)
