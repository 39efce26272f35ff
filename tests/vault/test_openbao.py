"""Data keys under a master key that a real OpenBao keeps: it wraps, unwraps, rotates, and is missed when away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.vault.crypto import value_open, value_seal
from apps.vault.errors import MasterKeyUnavailable
from apps.vault.keys import keys_forget
from apps.vault.models import DataKey
from apps.vault.services import master_rewrap
from tests.servers import openbao

pytestmark = [pytest.mark.django_db, pytest.mark.runtime]

HERE = {"context": "test.field", "record": "1"}
POLICY = 'path "transit/+/bank" { capabilities = ["update"] }'


@pytest.fixture
def bao(settings: Any, tmp_path: Path) -> Iterator[httpx.Client]:
    """A keeper with a key that does not leave it, and a token that may wrap and unwrap with it and nothing else."""
    with openbao(tmp_path) as client:
        client.post("/v1/transit/keys/bank", json={"exportable": False}).raise_for_status()
        client.put("/v1/sys/policies/acl/numina", json={"policy": POLICY}).raise_for_status()
        answer = client.post("/v1/auth/token/create", json={"policies": ["numina"], "no_parent": True})
        vault = {"master_keys": "", "url": str(client.base_url), "token": answer.json()["auth"]["client_token"]}
        settings.NUMINA = {**settings.NUMINA, "VAULT": {**vault, "key": "bank"}}
        keys_forget()
        yield client
    keys_forget()


def test_openbao_keeps_the_master_key(bao: httpx.Client) -> None:
    DataKey.objects.all().delete()
    sealed = value_seal("12345678", **HERE)
    wrapped = DataKey.objects.get(purpose="data")
    assert (wrapped.master, bytes(wrapped.wrapped)[:9]) == ("transit:bank", b"vault:v1:")
    keys_forget()
    assert value_open(sealed, **HERE) == "12345678"

    bao.post("/v1/transit/keys/bank/rotate").raise_for_status()
    assert master_rewrap(acting_user=None) == DataKey.objects.count()
    assert master_rewrap(acting_user=None) == 0
    wrapped.refresh_from_db()
    assert bytes(wrapped.wrapped)[:9] == b"vault:v2:"
    keys_forget()
    assert value_open(sealed, **HERE) == "12345678"

    bao.delete("/v1/sys/policies/acl/numina").raise_for_status()
    keys_forget()
    with pytest.raises(MasterKeyUnavailable):
        value_open(sealed, **HERE)
