"""What the machine can do at all, beside which the engine is measured: bare Lua transfers, COPY with one UPDATE."""

from __future__ import annotations

import hashlib
import random
import selectors
import socket
import time
import uuid
from urllib.parse import urlsplit

from django.db import connection, transaction

# The least that a transfer in memory can be: happens once by its id, is covered, moves, and is written to a stream.
LUA = """
if not redis.call('SET', KEYS[3], 'E', 'EX', 120, 'NX') then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'bal')) < tonumber(ARGV[1]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'bal', -ARGV[1])
redis.call('HINCRBY', KEYS[2], 'bal', ARGV[1])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 's', KEYS[1], 'd', KEYS[2], 'a', ARGV[1])
return 1
"""
ACCOUNTS = 1_000
CLIENTS = 8
PIPELINE = 100
COPY_BATCH = 5_000


def _command(*words: object) -> bytes:
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _pipeline(sha: str, chance: random.Random) -> bytes:
    """A hundred transfers between random accounts, each with an id of its own, as bytes to be sent."""
    head = b"*8\r\n" + _command("EVALSHA", sha, 4).partition(b"\r\n")[2]
    commands = []
    for _ in range(PIPELINE):
        one, two = chance.sample(range(ACCOUNTS), 2)
        words = (f"bench:a:{one}", f"bench:a:{two}", f"bench:i:{chance.getrandbits(128):032x}", "bench:s", "1")
        commands.append(head + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words))
    return b"".join(commands)


def lua(url: str, transfers: int) -> float:
    """Bare Lua transfers a second by 8 connections with 100 in the pipeline of each.

    What is sent is made before, so that the clock sees the server only.
    """
    place = urlsplit(url)
    setup: list[tuple[object, ...]] = [("AUTH", place.password)] if place.password else []
    setup += [("SELECT", place.path.strip("/") or "0"), ("SCRIPT", "LOAD", LUA)]
    sha, chance = hashlib.sha1(LUA.encode(), usedforsecurity=False).hexdigest(), random.Random()
    waiting = [_pipeline(sha, chance) for _ in range(transfers // PIPELINE)]
    poll, sockets = selectors.DefaultSelector(), []
    for number in range(CLIENTS):
        one = socket.create_connection((place.hostname or "127.0.0.1", place.port or 6379))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        funds = [("HSET", f"bench:a:{account}", "bal", 10**9) for account in range(ACCOUNTS)] if number == 0 else []
        for words in [*setup, *funds]:
            one.sendall(_command(*words))
            one.recv(65_536)
        poll.register(one, selectors.EVENT_READ, number)
        sockets.append(one)
    missing, done, started = [PIPELINE] * CLIENTS, 0, time.perf_counter()
    for one in sockets:
        one.sendall(waiting.pop())
    while any(missing):
        for key, _ in poll.select(10):
            answers = sockets[key.data].recv(262_144)
            done += answers.count(b":1")
            missing[key.data] -= answers.count(b"\n")
            if missing[key.data] == 0 and waiting:
                missing[key.data] = PIPELINE
                sockets[key.data].sendall(waiting.pop())
    rate = done / (time.perf_counter() - started)
    for one in sockets:
        one.sendall(_command("UNLINK", "bench:s", *[f"bench:a:{account}" for account in range(ACCOUNTS)]))
        one.recv(1_000)
        one.close()
    return rate


def _copies(first: int) -> tuple[str, str, str]:
    """A batch of transfers as the rows of journal, lines and keys, in COPY's text format."""
    journal, lines, keys = [], [], []
    for number in range(first, first + COPY_BATCH):
        transaction_id, pair = uuid.uuid4(), random.sample(range(1, ACCOUNTS + 1), 2)
        journal.append(
            f"{number}\t{transaction_id}\ttransfer\tOK\t2\t2026-01-05\t2026-01-05\t2026-01-05 10:00:00Z"
            "\t\\N\t\tapi\tRent\n"
        )
        for place, (account, side, after) in enumerate(((pair[0], "D", 99), (pair[1], "C", 101)), 1):
            lines.append(f"{number}\t{place}\t{account}\tKES\t{side}\t1\t100\t{after}\t1\t2026-01-05\n")
        keys.append(f"{transaction_id}\tbench\t{transaction_id.hex}\t\\\\x{bytes(32).hex()}\tOK\t{number}\n")
    return "".join(journal), "".join(lines), "".join(keys)


def copy(transfers: int) -> float:
    """Transfers a second of nothing but COPY into tables of the same shape with the same keys, and one UPDATE of all
    balances, committed every 5,000. Rows are made before."""
    made = [_copies(10_000_000 + first) for first in range(0, transfers, COPY_BATCH)]
    started = time.perf_counter()
    for batch in made:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, rows in zip(("journal", "line", "key"), batch, strict=True):
                with cursor.copy(f"COPY bench.{table} FROM STDIN") as writer:
                    writer.write(rows)
            cursor.execute(
                "UPDATE bench.account SET balance = balance + 1, version = version + 1 WHERE id <= %s", [ACCOUNTS]
            )
    rate = transfers / (time.perf_counter() - started)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench.line, bench.key, bench.journal")
    return rate
