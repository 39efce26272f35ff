"""What runs of a copy, as a table and as data. Looks only; starts and changes nothing."""

import json
import socket
from typing import Any

from config.runtime.health import health_get
from config.runtime.home import Home, home_path, json_read
from config.runtime.leftovers import is_alive, started_from
from config.runtime.report import say

SERVICES = ("postgres", "valkey", "web")  # and as many workers as the copy was started with


def status_collect() -> dict[str, Any]:
    """State of each part: {"up", "home", "phase", "urls", "services": [{name, state, pid, port, detail}]}.

    `state` is up, down or degraded. `up` is true only when every part is up and the site answers that it is ready.
    """
    home = Home(home_path())
    state = json_read(home.state_file)
    records = state.get("services", {})
    services = [_service(name, records.get(name, {})) for name in dict.fromkeys((*SERVICES, *records))]
    port = state.get("port")
    manager = started_from(state.get("parent"))
    running = is_alive(manager)
    status, body = health_get(port) if running and isinstance(port, int) else (0, {})
    services.append(
        {
            "name": "site",
            "state": "up" if status == 200 else "down",
            "pid": None,
            "port": port if running else None,
            "detail": f"ready answers {status}" if status else "no answer",
            "checks": body,
        }
    )
    site = f"http://127.0.0.1:{port}" if running and port else None
    return {
        "up": running and all(service["state"] == "up" for service in services),
        "phase": state.get("phase", "stopped") if running else "stopped",
        "home": str(home.path),
        "manager_pid": manager.pid if running and manager else None,
        "urls": {"staff": f"{site}/admin/", "api": f"{site}/api/v1/", "docs": f"{site}/api/v1/docs"} if site else {},
        "services": services,
    }


def _service(name: str, record: dict[str, Any]) -> dict[str, Any]:
    port = record.get("port")
    if "outside" in record:
        up = _listens(record["outside"], port or 0)
        detail = f"outside server {record['outside']}"
        return {"name": name, "state": "up" if up else "down", "pid": None, "port": port, "detail": detail}
    process = started_from(record)
    alive = is_alive(process)
    state = "up" if alive else "down"
    if alive and isinstance(port, int) and not _listens("127.0.0.1", port):
        state = "degraded"
    detail = {"up": "", "degraded": "runs but does not listen", "down": "not running"}[state]
    pid = process.pid if alive and process else None
    return {"name": name, "state": state, "pid": pid, "port": port if alive else None, "detail": detail}


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def status_lines(found: dict[str, Any]) -> list[str]:
    """The state as a table for people."""
    lines = [f"Numina {found['phase']}, data in {found['home']}"]
    for service in found["services"]:
        pid, port = service["pid"] or "-", service["port"] or "-"
        line = f"  {service['name']:<16} {service['state']:<9} pid {pid!s:<9} port {port!s:<6} {service['detail']}"
        lines.append(line.rstrip())
    lines += [f"  {name:<16} {url}" for name, url in found["urls"].items()]
    if not found["up"]:
        lines.append("  not everything is up: `make run` starts it, `make down` clears what was left behind")
    return lines


def status_print(*, as_json: bool) -> int:
    """Print the state; 0 when everything is up, otherwise 1."""
    found = status_collect()
    say(json.dumps(found, indent=2) if as_json else "\n".join(status_lines(found)))
    return 0 if found["up"] else 1
