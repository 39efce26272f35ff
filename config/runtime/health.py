"""Asks a running site whether it is ready."""

import http.client
import json
import time
from collections.abc import Callable
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


def health_wait(port: int, *, seconds: float, given_up: Callable[[], bool]) -> tuple[int, dict[str, Any]]:
    """Ask until the answer is 200, the time is over or `given_up` says so; the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        status, body = health_get(port)
        if status == 200 or given_up() or time.monotonic() > deadline:
            return status, body
        time.sleep(0.1)
