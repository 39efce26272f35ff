"""django-hordak at the same work: transfers between accounts with sufficient funds, one process, one connection.

Run by `make bench` in an environment of its own: `python hordak_peer.py DATABASE_URL SECONDS` prints a rate a second.
"""

import random
import sys
import time

import dj_database_url
import django
from django.conf import settings


def main(url: str, seconds: float) -> None:
    settings.configure(
        DATABASES={"default": dj_database_url.parse(url)},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "djmoney", "hordak"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SECRET_KEY="nothing-is-signed-here",
        USE_TZ=True,
        CURRENCIES=("KES",),
        DEFAULT_CURRENCY="KES",
        HORDAK_DECIMAL_PLACES=2,
    )
    django.setup()
    from django.core.management import call_command
    from hordak.models import Account, AccountType
    from moneyed import Money

    call_command("migrate", verbosity=0)
    parent = Account.objects.filter(parent=None, code="2").first()
    if parent is None:  # the first round makes the accounts, the others find them
        parent = Account.objects.create(name="Deposits", code="2", type=AccountType.liability, currencies=["KES"])
        for n in range(50):
            Account.objects.create(name=f"Member {n}", code=f"{n:04}", parent=parent, currencies=["KES"])
    accounts = list(Account.objects.filter(parent=parent))
    rng = random.Random(42)
    amount = Money("0.01", "KES")
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        source, target = rng.sample(accounts, 2)
        source.transfer_to(target, amount)
        done += 1
    print(done / (time.perf_counter() - started))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
