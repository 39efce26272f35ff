"""Ports, secrets, state and leftovers of the runtime."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.env import env_read
from config.integrations.celery import celery_settings
from config.integrations.logging import REDACTED, redact
from config.runtime import testing
from config.runtime.home import Home, HomeLock, home_open, json_read, json_write, secrets_get
from config.runtime.leftovers import Started, group_stop, is_alive, started_of
from config.runtime.ports import port_any, port_for, port_is_free, web_port
from config.runtime.processes import worker_commands, worker_groups
from config.runtime.report import RuntimeFault
from config.runtime.status import status_collect


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("NUMINA_HOME", str(tmp_path / "home"))
    return home_open()


@pytest.fixture
def busy_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]  # type: ignore[misc]


def test_a_port_in_use_is_not_free(busy_port: int) -> None:
    assert not port_is_free(busy_port)
    assert port_is_free(port_any())


def test_a_service_keeps_its_port_while_it_is_free(home: Home) -> None:
    first = port_for(home, "postgres")
    assert port_for(home, "postgres") == first
    with socket.create_server(("127.0.0.1", first)):
        assert port_for(home, "postgres") != first


def test_a_wanted_port_that_is_busy_is_an_error(busy_port: int) -> None:
    with pytest.raises(RuntimeFault, match=f"Port {busy_port} is busy"):
        web_port(str(busy_port))


@pytest.mark.parametrize("wanted", ["0", "65536", "80a", "-1", "٨٠٨٠"])
def test_what_is_no_port_is_an_error(wanted: str) -> None:
    with pytest.raises(RuntimeFault, match="NUMINA_PORT"):
        web_port(wanted)


def test_without_a_wish_the_next_free_port_is_taken_and_said(monkeypatch: pytest.MonkeyPatch, busy_port: int) -> None:
    monkeypatch.setattr("config.runtime.ports.WEB_PORT_DEFAULT", busy_port)
    port, remark = web_port(None)
    assert port > busy_port
    assert str(port) in remark


def test_secrets_are_made_once_and_only_the_owner_reads_them(home: Home) -> None:
    first = secrets_get(home)
    assert secrets_get(home) == first
    assert len(set(first.values())) == len(first)
    assert home.secrets_file.stat().st_mode & 0o777 == 0o600


def test_a_torn_secrets_file_is_reported_and_not_replaced(home: Home) -> None:
    home.secrets_file.write_text('{"secret_key": "half')
    with pytest.raises(RuntimeFault, match=r"secrets\.json"):
        secrets_get(home)
    assert home.secrets_file.read_text() == '{"secret_key": "half'


def test_a_torn_state_file_reads_as_empty(home: Home) -> None:
    json_write(home.state_file, {"port": 1})
    assert json_read(home.state_file) == {"port": 1}
    home.state_file.write_text('{"port":')
    assert json_read(home.state_file) == {}


def test_one_process_holds_the_lock(home: Home) -> None:
    code = (
        "from config.runtime.home import *; import sys; "
        f"sys.exit(0 if HomeLock(Home(Path({str(home.path)!r}))).take() else 3)"
    )
    lock = HomeLock(home)
    assert lock.take()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
    lock.release()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reused_pid_is_not_taken_for_ours() -> None:
    me = started_of(os.getpid())
    assert is_alive(me)
    assert not is_alive(Started(me.pid, me.started - 100))
    assert not is_alive(None)


def test_a_leftover_group_is_stopped_even_when_it_ignores_sigterm(home: Home) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "NUMINA_HOME": str(home.path)},
    )
    assert child.stdout is not None
    child.stdout.readline()
    record = started_of(child.pid)
    assert not group_stop(record, "/another/home", grace_seconds=0.2), "another copy's process was stopped"
    assert group_stop(record, str(home.path), grace_seconds=0.2)
    assert not is_alive(record)
    child.stdout.close()
    child.wait()


def test_nothing_runs_in_a_new_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    found = status_collect()
    assert (found["up"], found["phase"]) == (False, "stopped")
    assert {service["state"] for service in found["services"]} == {"down"}


def test_a_home_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMINA_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(RuntimeFault, match="NUMINA_HOME"):
        home_open()


def test_each_queue_has_a_key_of_its_own() -> None:
    """With one shared key a task would be copied into every queue."""
    queues = celery_settings(env_read({"REDIS_URL": "redis://h/0"}))["CELERY_TASK_QUEUES"]
    assert all(queue.exchange.name == queue.routing_key == queue.name for queue in queues)
    served = [
        name for command in worker_commands().values() for name in command[command.index("--queues") + 1].split(",")
    ]
    assert sorted(served) == sorted(queue.name for queue in queues)


def test_each_queue_may_have_a_worker_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMINA_WORKERS", "critical=2 default=3 bulk=1 mail=1")
    workers = worker_commands()
    assert list(workers) == ["worker-critical", "worker-default", "worker-bulk", "worker-mail"]
    assert workers["worker-default"][9:13] == ["--queues", "default", "--concurrency", "3"]


@pytest.mark.parametrize(
    "text", ["critical,default,bulk=2", "critical,default,bulk,mail", "critical,default,bulk,mail,bulk=1", "all=0"]
)
def test_a_queue_that_no_worker_or_two_would_take_is_an_error(text: str) -> None:
    with pytest.raises(RuntimeFault, match="NUMINA_WORKERS"):
        worker_groups(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "x"),
        ("refresh_token", "x"),
        ("event", "Authorization: Bearer abc.def.ghi"),
        ("event", "card 4111111111111111 refused"),
        ("event", "to DE89370400440532013000 today"),
        ("data", {"nested": [{"otp": "123456"}]}),
    ],
)
def test_secrets_do_not_reach_the_log(name: str, value: object) -> None:
    text = str(redact(None, "info", {name: value}))
    assert REDACTED in text
    assert not any(secret in text for secret in ("abc.def", "4111111111111111", "DE8937", "123456", "'x'"))


def test_the_whole_suite_fails_below_ninety_percent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []
    monkeypatch.setenv("NUMINA_HOME", str(tmp_path))
    monkeypatch.setattr(testing, "throwaway_servers", lambda: contextlib.nullcontext(SimpleNamespace(environment=dict)))
    monkeypatch.setattr(testing, "_template_make", lambda servers: "template")
    monkeypatch.setattr(testing, "process_run", lambda command, environment: asked.append(command) or 0)
    assert testing.test([]) == testing.test(["tests/core"]) == 0
    assert {"--cov", "--cov-fail-under=90"} <= set(asked[0])
    assert "branch = true" in (testing.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "--cov" not in asked[1], "a part says nothing of the whole"
