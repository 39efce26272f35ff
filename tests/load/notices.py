"""Notifications under load: how many are written a minute, and how many mails leave through a local SMTP server.

`make bench ARGS="--notices"` runs it alone, on servers of its own. The mail server is a process of its own that takes
everything and keeps nothing. Writing is one call and one transaction for each person, as an event does it; telling is
the same with the message to the broker. The processor time of this process is measured beside the clock: on a machine
that does other work as well, it says what the code costs.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PEOPLE, WRITES, MAILS, SENDERS = 1_000, 5_000, 2_000, 2
FLOORS = {
    "written one by one": 10_000,
    "told one by one": 10_000,
    "written a thousand at once": 10_000,
    "mails, one sender": 1_000,
    "mails, two senders": 1_000,
}


@dataclass(frozen=True)
class Paid:
    """The event that is told of."""

    number: int
    payee: str


def kind_make() -> Any:
    """The kind of the event, known to the process that writes and to those that send."""
    from apps.core.notices import EMAIL, IN_APP, Kind, Texts, kind_register

    text = "Dear {recipient_name},\n\nPayment {number} to {payee} was made.\n\n{bank_name}"
    return kind_register(
        Kind(
            code="bench.paid",
            title="A payment was made",
            sample=Paid(1, "Acme"),
            texts={"en": Texts("Payment {number} to {payee}", text, "Payment {number}")},
            channels=frozenset({IN_APP, EMAIL}),
        )
    )


def sink_run(port: int) -> None:
    """A mail server that takes everything."""
    import asyncio

    from aiosmtpd.handlers import Sink
    from aiosmtpd.smtp import SMTP

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Sink(), hostname="localhost"), "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


def sender_run(port: int, done: Any) -> None:
    """What a worker's process does, until nothing is due."""
    import django

    django.setup()
    _mail_to(port)
    kind_make()
    from apps.core import clock
    from apps.notifications.services import delivery_send_due

    sent = 0
    while count := delivery_send_due(at=clock.now()):
        sent += count
    done.put(sent)


@dataclass(frozen=True)
class Rate:
    """How many a minute by the clock, and milliseconds of this process for each; None where others did the work."""

    per_minute: float
    cpu_ms: float | None = None


def rate_of(count: int, work: Callable[[], None]) -> Rate:
    """What `count` operations, done by `work`, took."""
    started, burnt = time.perf_counter(), time.process_time()
    work()
    return Rate(60 * count / (time.perf_counter() - started), 1_000 * (time.process_time() - burnt) / count)


def measure() -> dict[str, Rate]:
    """What was measured, by name. The database is migrated and given people first."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from apps.core import clock
    from apps.core.notices import notify
    from apps.notifications.models import Delivery
    from apps.notifications.services import notification_create

    call_command("migrate", verbosity=0)
    user_model: Any = get_user_model()
    mark = uuid.uuid4().hex[:8]
    people = user_model.objects.bulk_create(
        [user_model(email=f"n{number}-{mark}@example.com", full_name="Alice Wanjiku") for number in range(PEOPLE)]
    )
    ids = [person.pk for person in people]
    kind = kind_make()
    rates: dict[str, Rate] = {}

    def write() -> None:
        for number in range(WRITES):
            context = Paid(number, "Acme Ltd")
            notification_create(kind=kind, recipients=[ids[number % PEOPLE]], context=context, at=clock.now())

    def tell() -> None:
        for number in range(WRITES):
            notify(kind, recipients=[ids[number % PEOPLE]], context=Paid(number, "Acme Ltd"), at=clock.now())

    def write_many() -> None:
        for number in range(WRITES // PEOPLE):
            notification_create(kind=kind, recipients=ids, context=Paid(number, "Acme Ltd"), at=clock.now())

    rates["written one by one"] = rate_of(WRITES, write)
    rates["told one by one"] = rate_of(WRITES, tell)
    rates["written a thousand at once"] = rate_of(WRITES, write_many)

    for senders, name in ((1, "mails, one sender"), (SENDERS, "mails, two senders")):
        queued = Delivery.objects.filter(status="queued").order_by("pk").values_list("pk", flat=True)
        kept = list(queued[:MAILS])
        Delivery.objects.filter(status="queued").exclude(pk__in=kept).update(status="failed")
        rates[name] = Rate(_mails(senders))
        assert not Delivery.objects.filter(pk__in=kept).exclude(status="sent").exists(), "mail was left behind"
        Delivery.objects.filter(status="failed").update(status="queued")
    return rates


def _mails(senders: int) -> float:
    """Mails a minute that `senders` processes hand over, their own start left out."""
    from django.db import connections

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    sink = context.Process(target=sink_run, args=(port,), daemon=True)
    sink.start()
    _wait_for(port)
    done = context.Queue()
    processes = [context.Process(target=sender_run, args=(port, done)) for _ in range(senders)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sink.terminate()
    sink.join()
    assert sum(done.get() for _ in processes) == MAILS
    from django.db.models import Max, Min

    from apps.notifications.models import Delivery

    facts = Delivery.objects.filter(status="sent").order_by("-sent_at")[:MAILS]
    times = Delivery.objects.filter(pk__in=list(facts.values_list("pk", flat=True))).aggregate(
        first=Min("attempted_at"), last=Max("sent_at")
    )
    return float(60 * MAILS / (times["last"] - times["first"]).total_seconds())


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the mail server did not come up"
            time.sleep(0.05)
        else:
            return


def _mail_to(port: int) -> None:
    from django.conf import settings

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


def main() -> int:
    """Measure and print; 1 when a figure is below its floor."""
    import django

    django.setup()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    rates = measure()
    for name, rate in rates.items():
        burnt = f"{rate.cpu_ms:.2f} ms of CPU each" if rate.cpu_ms is not None else ""
        print(f"{name:<28} {rate.per_minute:>10,.0f} a minute   floor {FLOORS[name]:,}   {burnt}")
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    return 1 if any(rate.per_minute < FLOORS[name] for name, rate in rates.items()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
