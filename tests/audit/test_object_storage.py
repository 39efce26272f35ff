"""The trail's archive on a real object storage: there and back, and what is changed there is noticed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.storage import default_storage as files

from apps.audit import anchors, archiving
from apps.audit.errors import ArchiveFaulty
from apps.audit.models import AuditEvent
from apps.audit.sealing import trail_seal_all
from apps.audit.verifying import trail_check
from apps.core import clock
from config.integrations.storage import default_storage
from tests.servers import KEY, SECRET, seaweedfs

pytestmark = [pytest.mark.django_db, pytest.mark.runtime]

LATER = dt.datetime(2031, 6, 1, tzinfo=dt.UTC)


@pytest.fixture
def bucket(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket that the bank's files are in, as NUMINA_STORAGE_URL sets it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with seaweedfs(tmp_path) as endpoint:
        made = boto3.resource("s3", endpoint_url=endpoint, region_name="eu-central-1").create_bucket(Bucket="bank")
        url = f"s3://bank/numina?endpoint={endpoint}&region=eu-central-1&encryption=none"
        settings.STORAGES = {**settings.STORAGES, "default": default_storage(url)}
        yield made


def test_the_archive_lives_on_an_object_storage(bucket: Any, old_month: str) -> None:
    before = list(AuditEvent.objects.filter(at__year=2029).order_by("pk").values())
    anchors.anchors_write(at=LATER)
    archive = archiving.partition_archive(partition=old_month, acting_user=None, at=LATER)
    kept = sorted(one.key.removeprefix("numina/audit/") for one in bucket.objects.all())
    assert f"archive/{old_month}-{archive.sha256[:12]}.jsonl.gz" in kept
    assert any(name.startswith("anchors/trail-") for name in kept)
    assert not AuditEvent.objects.filter(at__year=2029).exists()
    trail_seal_all(at=clock.now())
    *_, report = trail_check()
    assert (report.faults, report.archived) == ([], len(before))

    whole = bucket.Object(f"numina/{archive.file}").get()["Body"].read()
    bucket.put_object(Key=f"numina/{archive.file}", Body=whole[:-9] + b"123456789")
    assert files.size(archive.file) == len(whole)
    with pytest.raises(ArchiveFaulty):
        archiving.partition_restore(partition=old_month, acting_user=None, at=LATER)
    bucket.put_object(Key=f"numina/{archive.file}", Body=whole)
    archiving.partition_restore(partition=old_month, acting_user=None, at=LATER)
    assert list(AuditEvent.objects.filter(at__year=2029).order_by("pk").values()) == before
