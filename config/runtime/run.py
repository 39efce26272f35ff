"""`run`: a whole copy in the foreground. `up` and `down`: the same copy in the background."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from config.env import ROOT
from config.runtime.health import ready_wait
from config.runtime.home import Home, HomeLock, home_open, json_read
from config.runtime.leftovers import group_stop, started_from, started_of
from config.runtime.ports import web_port
from config.runtime.processes import Supervisor, commands
from config.runtime.proxy import https_port, proxy_command, proxy_environment, tls_wanted, web_environment
from config.runtime.report import (
    STOP_SIGNALS,
    RuntimeFault,
    StopRequested,
    say,
    signals_raise,
    step,
    terminal_watch,
    warn,
)
from config.runtime.servers import Servers, servers_of, state_update

READY_SECONDS = 60.0
SERVERS = ("postgres", "valkey")
LEFTOVER_GRACE_SECONDS = 10.0


def run() -> int:
    """Start a copy, keep it until it is asked to stop, stop it. Returns the exit code."""
    started = time.monotonic()
    home = home_open()
    lock = HomeLock(home)
    if not lock.take():
        raise RuntimeFault(already_running(home))
    servers: Servers | None = None
    clean = False
    try:
        with signals_raise():
            terminal_watch()
            say(f"Numina starts, data in {home.path}")
            leftovers_stop(home)
            port, remark = web_port(os.environ.get("NUMINA_PORT", "").strip() or None)
            state_update(home, phase="starting", parent=started_of(os.getpid()).as_json(), port=port, ready=False)
            servers = servers_of(home)
            servers.start()
            _prepare(servers)
            if remark:
                warn(remark)
            clean = _supervise(servers, port, started)
    except StopRequested:
        clean = True
    finally:
        # From here on a second Ctrl-C must not interrupt the stopping of databases.
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        _stop(home, servers)
        lock.release()
    return 0 if clean else 1


def _prepare(servers: Servers) -> None:
    """Bring the database to the code's state, load reference data, seed when it is empty."""
    seed = os.environ.get("NUMINA_SEED", "").strip() or "demo"
    if seed not in {"demo", "tiny", "none"}:
        raise RuntimeFault(f"NUMINA_SEED must be demo, tiny or none, not {seed!r}.")
    logins = servers.home.run / "logins.txt"
    command = [sys.executable, str(ROOT / "manage.py"), "prepare", "--seed", seed, "--logins-file", str(logins)]
    done = subprocess.run(command, cwd=ROOT, env=servers.command_environment(), stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeFault("The database could not be brought up to date; the lines above say why.")


def _supervise(servers: Servers, port: int, started: float) -> bool:
    """Run the processes until one ends or a signal comes. True when it was a signal."""
    home = servers.home
    folder = home.run / "ready"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    processes = commands(port)
    background = [name for name in processes if name != "web"]
    tls_port = https_port() if tls_wanted() else 0
    ended = threading.Event()
    gave_up = threading.Event()

    def announce() -> None:
        missing = ready_wait(port, folder, background, seconds=READY_SECONDS, ended=ended)
        if ended.is_set():
            return
        if missing:
            warn(f"Not ready after {READY_SECONDS:.0f} s: {missing}")
            gave_up.set()
            os.kill(os.getpid(), signal.SIGTERM)
            return
        state_update(home, phase="ready", ready=True)
        _banner(home, f"https://localhost:{tls_port}" if tls_port else f"http://127.0.0.1:{port}", started)

    def on_started(pids: dict[str, int]) -> None:
        services = {}
        for name, pid in pids.items():
            with contextlib.suppress(Exception):  # it may have ended already; the manager then stops all
                services[name] = started_of(pid).as_json()
        services.get("web", {})["port"] = port
        state_update(home, services=services)
        threading.Thread(target=announce, daemon=True).start()

    supervisor = Supervisor(sys.stdout, on_started)
    environment = {**os.environ, **servers.environment()}
    environment.setdefault("NUMINA_LOG_FORMAT", "console")
    environment.setdefault("NUMINA_PUBLIC_URL", f"http://localhost:{port}")  # where links in mails lead to
    environment["NUMINA_READY_FOLDER"] = str(folder)
    if tls_port:
        environment |= web_environment(tls_port)
    for name, command in processes.items():
        supervisor.add(name, command, {**environment, "NUMINA_PROCESS": name})
    if tls_port:
        supervisor.add(
            "proxy", proxy_command(), environment | proxy_environment(home, port=tls_port, upstream_port=port)
        )
    supervisor.loop()
    ended.set()
    asked = supervisor.returncode in {130, 143}
    if not asked:
        warn(f"A process ended by itself (code {supervisor.returncode}), so all were stopped; its lines are above.")
    return asked and not gave_up.is_set()


def _banner(home: Home, site: str, started: float) -> None:
    say()
    say(f"Numina is ready ({time.monotonic() - started:.1f} s).")
    say(f"  staff site     {site}/admin/")
    say(f"  API            {site}/api/v1/docs")
    say(f"  health         {site}/api/v1/health/ready")
    if not os.environ.get("EMAIL_URL"):
        say(f"  mail           files in {home.mail}, since EMAIL_URL is not set")
    with contextlib.suppress(OSError):
        logins = (home.run / "logins.txt").read_text().rstrip()
        if logins:
            say()
            say(logins)
    say()
    say('  commands       make manage ARGS="..."     logs  ' + str(home.log))
    say("  to stop        " + ("make down" if os.environ.get("NUMINA_BACKGROUND") else "Ctrl-C here, or make down"))
    say()


def application_processes(services: dict[str, Any]) -> list[str]:
    """The names of the processes on record that are neither PostgreSQL nor Valkey."""
    return [name for name in services if name not in SERVERS]


def leftovers_stop(home: Home) -> None:
    """End the processes of a copy whose manager was killed. Its PostgreSQL and Valkey are taken over instead."""
    services = json_read(home.state_file).get("services", {})
    for name in application_processes(services):
        process = started_from(services.get(name))
        if process is not None and group_stop(process, str(home.path), grace_seconds=LEFTOVER_GRACE_SECONDS):
            say(f"  {name:<14} stopped one that an earlier start left behind (pid {process.pid})")


def _stop(home: Home, servers: Servers | None) -> None:
    """Stop in order: processes (already ended, as a rule), Valkey, PostgreSQL."""
    with contextlib.suppress(OSError):
        state_update(home, phase="stopping", ready=False)
    say("Numina stops")
    services = json_read(home.state_file).get("services", {})
    for name in application_processes(services):
        process = started_from(services.get(name))
        if process is not None:
            group_stop(process, str(home.path), grace_seconds=2)
    if servers is not None:
        with step("servers") as current:
            servers.stop()
            current.note = "stopped, data kept"
    home.state_file.unlink(missing_ok=True)


def already_running(home: Home) -> str:
    state = json_read(home.state_file)
    port, pid = state.get("port", "?"), state.get("parent", {}).get("pid", "?")
    return (
        f"This copy runs already: http://127.0.0.1:{port}/admin/ (pid {pid}). `make down` stops it; "
        "for a second copy set NUMINA_HOME to another folder."
    )
