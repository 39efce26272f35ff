"""What Django costs around a transfer in memory that nobody checks: no sign-in, no key looked up, no journal.

The limit of `engine http accepted` beside the minimal view: one view, no middleware, one bare Lua transfer or one
balance by redis-py. Started by the bench, with the memory's address in BENCH_BARE_URL.
"""

import json
import os
import random

import django
import redis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="nothing-is-signed-here", MIDDLEWARE=[], DEBUG=False
)
django.setup(set_prefix=False)

from tests.load.limits import ACCOUNTS, LUA  # noqa: E402

memory = redis.Redis.from_url(os.environ["BENCH_BARE_URL"])
script = memory.register_script(LUA)
for account in range(ACCOUNTS):
    memory.hset(f"bench:a:{account}", "bal", 10**9)


def transfer(request: HttpRequest) -> HttpResponse:
    json.loads(request.body)
    one, two = random.sample(range(ACCOUNTS), 2)
    key = request.headers["Idempotency-Key"]
    done = script(keys=[f"bench:a:{one}", f"bench:a:{two}", f"bench:i:{key}", "bench:s"], args=[1])
    return answered({"done": done})


def balance(_: HttpRequest) -> HttpResponse:
    return answered({"balance": int(memory.hget(f"bench:a:{random.randrange(ACCOUNTS)}", "bal") or 0)})


def answered(data: dict[str, object]) -> HttpResponse:
    body = json.dumps(data).encode()
    return HttpResponse(body, content_type="application/json", headers={"Content-Length": str(len(body))})


urlpatterns = [path("transfers", transfer), path("balance", balance)]
application = WSGIHandler()
