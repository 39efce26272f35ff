"""The daily anchor: the head of each hash chain, noted where a database's superuser does not reach.

It goes to the anchor's table, to the object storage (a bucket with object lock keeps it for good), and to the log,
which leaves the machine. Other chains, such as the journal's, register where their head is read.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from apps.audit.models import Anchor, Seal

logger = structlog.get_logger(__name__)

TRAIL = "trail"
Head = Callable[[], tuple[int, bytes] | None]
"""The last sealed id of a chain with its hash; None while nothing is sealed."""


def _trail_head() -> tuple[int, bytes] | None:
    seal = Seal.objects.order_by("-pk").only("hash").first()
    return None if seal is None else (seal.pk, bytes(seal.hash))


_chains: dict[str, Head] = {TRAIL: _trail_head}


def chain_register(name: str, head: Head) -> None:
    """Have the chain `name` anchored each day. For AppConfig.ready of the app that owns it."""
    _chains[name] = head


def anchors_write(*, at: dt.datetime) -> list[Anchor]:
    """Anchor each chain for the day before `at` (UTC), once; returns what is new. Safe to run any number of times.

    The file is written first: an anchor in the table always has its file, even when the commit fails.
    """
    made = []
    day = at.astimezone(dt.UTC).date() - dt.timedelta(days=1)
    for chain, head_read in _chains.items():
        head = head_read()
        if head is None or Anchor.objects.filter(chain=chain, day=day).exists():
            continue
        last_id, digest = head
        note = {"chain": chain, "day": day.isoformat(), "last_id": last_id, "hash": digest.hex(), "at": at.isoformat()}
        content = ContentFile(json.dumps(note).encode() + b"\n")
        name = default_storage.save(f"audit/anchors/{chain}-{day.isoformat()}.json", content)
        with transaction.atomic():
            anchor, new = Anchor.objects.get_or_create(
                chain=chain,
                day=day,
                defaults={"last_id": last_id, "hash": digest, "made_at": at, "file": name},
            )
        if new:
            logger.info("audit anchor", chain=chain, day=day.isoformat(), last_id=last_id, head=digest.hex())
            made.append(anchor)
    return made


def anchors_check(chain: str) -> tuple[dict[int, bytes], list[str]]:
    """The anchors of a chain as their files say them, by id, and each difference between a file and the table."""
    noted: dict[int, bytes] = {}
    faults = []
    known: dict[str, Anchor] = {}
    for row in Anchor.objects.filter(chain=chain).order_by("day"):
        known[row.file.rpartition("/")[2]] = row
        noted[row.last_id] = bytes(row.hash)
    try:
        files = sorted(default_storage.listdir("audit/anchors")[1])
    except FileNotFoundError:
        files = []
    for file in files:
        if not file.startswith(f"{chain}-"):
            continue
        anchor = known.pop(file) if file in known else None
        note = _file_read(file)
        if note is None:
            faults.append(f"the anchor file {file} cannot be read")
            continue
        last_id, digest = note
        if anchor is not None and (anchor.last_id, bytes(anchor.hash)) != (last_id, digest):
            faults.append(f"the anchor of {anchor.day.isoformat()} is not the one that was stored outside")
        noted[last_id] = digest
    faults += [f"the file of the anchor of {row.day.isoformat()} is missing" for row in known.values()]
    return noted, faults


def _file_read(name: str) -> tuple[int, bytes] | None:
    try:
        with default_storage.open(f"audit/anchors/{name}") as stream:
            note: dict[str, Any] = json.loads(stream.read())
        return int(note["last_id"]), bytes.fromhex(note["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
