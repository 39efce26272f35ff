"""A client that posts batches as fast as it can and writes down what it was told; run as a program, to be killed."""

from __future__ import annotations

import os
import sys
import uuid

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from apps.balances.services import Leg, Posting, postings_post  # noqa: E402 - after Django's set-up


def main(source: int, destination: int, items: int) -> None:
    """Post for ever; print the transaction ids of a batch once it is answered, all or nothing on one line."""
    while True:
        postings = [
            Posting(
                (transaction_id := uuid.uuid4()), "poster", transaction_id.hex, b"\0" * 32, "transfer",
                (Leg(source, -1, "KES"), Leg(destination, 1, "KES")),
            )
            for _ in range(items)
        ]  # fmt: skip
        outcomes = postings_post(postings, actor_id=None).outcomes
        if not all(outcome.ok for outcome in outcomes):
            sys.exit(3)
        sys.stdout.write(" ".join(posting.transaction_id.hex for posting in postings) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
