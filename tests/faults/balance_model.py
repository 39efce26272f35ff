"""The engine's protocol as a program: every interleaving that chance finds, with every fault, ends in right books.

One process runs the whole protocol, one atomic action at a time, in random order:

* PostgreSQL is durable and serial. One transaction is one atomic action, except the database path (`db_txn`), which
  takes row locks one by one and works for several actions while it holds them. PostgreSQL can crash: transactions under
  way die, and commits that were not waited for (take, flip) since the last one that was may be undone.
* Memory is not trusted: two copies, which may restart from old data, be wiped, fork, lose or change keys. One script is
  one atomic action on one copy.
* Every process is a generator and may be paused or killed at any `yield`. Two API nodes each have a view of (mode,
  epoch) of their own, perhaps an old one.

Each schedule ends with memory gone for good: PostgreSQL alone must give every client an answer.

Profiles: quiet, no fault, and every request must finish (no deadlock, no livelock); kills, processes killed and planned
fences; hostile, everything. In quiet and kills a fence for integrity (chain, verify, owner, dup, stale, lost) is a
violation: an honest memory is never accused, since each fence throws away work.

That anybody who waits in vain may end the epoch is in the model as a planned fence, which may come at any moment. Not
in the model: snapshots and lock queues of SQL (tested on a real server), the expiry of holds, batches, the loss of a
waited-for commit by PostgreSQL itself.

    python -m tests.faults.balance_model --schedules 100000 --seed 1
    python -m tests.faults.balance_model --mutation all       each rule that is removed must be missed
    python -m tests.faults.balance_model --schedules 1 --seed 4711
"""
# ruff: noqa: C901, BLE001, UP031 - one state machine, read as a whole; a model with a rule removed may break in any way

import argparse
import concurrent.futures
import multiprocessing
import random
import sys
import time
from collections import Counter

# name -> (partition, currency).  Partition 0 = pinned to the database.
ACCOUNTS = {
    "a": (1, "EUR"),
    "b": (1, "EUR"),
    "c": (1, "EUR"),
    "d": (2, "EUR"),
    "e": (2, "EUR"),
    "f": (0, "EUR"),
    "u": (1, "USD"),
    "v": (2, "USD"),
    "BE": (0, "EUR"),
    "BU": (0, "USD"),
}
PART = {k: v[0] for k, v in ACCOUNTS.items()}
CCY = {k: v[1] for k, v in ACCOUNTS.items()}
BANK = {"EUR": "BE", "USD": "BU"}  # the bank's own accounts, no limit
ENGINE_PARTS = (1, 2)
UNLIMITED = 10**9
MAX_ATTEMPTS = 16  # of a domain transaction to get its accounts (quiet only)
MAX_QUEUE = 6  # entries that may be un-journaled (back-pressure)
INTEGRITY = ("chain", "verify", "owner", "dup", "stale", "lost")

# Every rule that can be switched off, and what it is.
MUTATIONS = {
    "ack_early": "answer COMMITTED from Redis, before the journal",
    "journal_after_fence": "journaler ignores mode and epoch",
    "no_verify": "journaler does not re-execute",
    "no_unique": "journaler and database path do not check the transaction id",
    "safe_before_post": "DRAIN -> SAFE before everything is posted",
    "reuse_epoch": "activate does not raise the epoch",
    "no_owner_check": "journaler accepts entries on database-owned accounts",
    "stale_shadow": "journaler keeps its cache although an account was flipped",
    "few_no_compare": "the call for few entries does not compare epoch, head and flips under the lock",
    "few_no_flips": "the call for few entries compares all but the flips",
    "flip_unposted": "flip although journaled entries are not posted",
    "flip_before_hand": "flip first, stop Redis afterwards (wrong order)",
    "flip_no_wait": "flip before the entries executed in Redis are journaled",
    "flip_no_token": "flip does not compare the ownership token",
    "hand_no_flag": "hand does not stop exec on the account",
    "install_no_token": "install does not compare the ownership token",
    "no_recheck": "database path does not check the owner again after the row locks",
    "part_before_lock": "database path reads (mode, epoch) before the row locks",
    "take_ignores_lock": "take does not wait for the row lock of a domain transaction",
    "take_no_guard": 'take sets the epoch without "owner_epoch < epoch"',
    "no_reservation": "flip does not reserve the account for the caller (livelock)",
    "no_claim": "database path does not claim the transaction id in Redis",
    "void_early": "status answers VOID while the accepting epoch is alive",
    "cutoff_no_lock": "cut-off does not wait for open transactions",
    "unordered_locks": "database path locks accounts in any order, waits for ever (deadlock)",
}


class Violation(Exception):
    """An invariant is broken."""


class ConnectionLost(Exception):
    """PostgreSQL crashed while a transaction was open."""


# ------------------------------------------------------------------ the one state machine
def apply(get, ops):
    """Deterministic.  State of an account = (balance, held, overdraft, status).
    All operations or none.  Returns (outcome, {account: new state}).  Lua runs only 'X'."""
    new = {}
    for op in ops:
        kind, src = op[0], op[1]
        bal, held, od, st = new[src] if src in new else get(src)
        if kind == "X":  # transfer leg
            dst, amount = op[2], op[3]
            bal2, held2, od2, st2 = new[dst] if dst in new else get(dst)
            if CCY[src] != CCY[dst]:
                return "CCY", {}
            if st != "O" or st2 != "O":
                return "FROZEN", {}
            if bal - held + od < amount:
                return "NSF", {}
            new[src] = (bal - amount, held, od, st)
            new[dst] = (bal2 + amount, held2, od2, st2)
        elif kind == "H":  # place (+) or release (-) a hold
            amount = op[2]
            if held + amount < 0 or (amount > 0 and bal - held + od < amount):
                return "NSF", {}
            new[src] = (bal, held + amount, od, st)
        elif kind == "F":  # freeze / unfreeze
            new[src] = (bal, held, od, "F" if st == "O" else "O")
        elif kind == "O":  # overdraft limit
            if bal - held + op[2] < 0:
                return "NSF", {}
            new[src] = (bal, held, op[2], st)
    return "OK", new


def accounts_of(ops):
    return sorted({x for op in ops for x in op[1:3] if isinstance(x, str)})


def chain(prev, seq, tid, ops, out, upd):
    return hash((prev, seq, tid, ops, out, tuple(sorted(upd.items()))))


# ------------------------------------------------------------------ Redis
class RedisPart:
    """One partition in one Redis copy.  acc: account -> (state, token, handed, last)"""

    __slots__ = ("acc", "durable", "epoch", "hash", "seq", "stream")

    def __init__(self, epoch, nonce):
        self.epoch, self.seq, self.hash, self.durable = epoch, 0, nonce, 0
        self.acc, self.stream = {}, {}

    def clone(self):
        n = RedisPart(self.epoch, self.hash)
        n.seq, n.durable, n.acc, n.stream = self.seq, self.durable, dict(self.acc), dict(self.stream)
        return n


class RedisCopy:
    """idem: (partition, transaction id) -> ('E', epoch) executed by the engine | ('D',) database path"""

    __slots__ = ("idem", "part")

    def __init__(self):
        self.part, self.idem = {}, {}

    def clone(self):
        n = RedisCopy()
        n.part = {p: x.clone() for p, x in self.part.items()}
        n.idem = dict(self.idem)
        return n


def lua_exec(c, p, epoch, tid, ops):
    """All checks first, writes last."""
    r = c.part.get(p)
    if r is None or r.epoch != epoch:
        return "EPOCH"
    mark = c.idem.get((p, tid))
    if mark == ("D",):
        return "DB"  # this id belongs to the database path
    if mark == ("E", epoch):
        return "DUP"
    missing = [a for a in accounts_of(ops) if a not in r.acc or r.acc[a][2]]
    if missing:
        return missing  # MISS or HANDED: same handling
    if r.seq - r.durable >= MAX_QUEUE:
        return "BUSY"
    out, upd = apply(lambda a: r.acc[a][0], ops)  # a refusal is an entry too
    prev, r.seq = r.hash, r.seq + 1
    r.hash = chain(prev, r.seq, tid, ops, out, upd)
    r.stream[r.seq] = (r.seq, prev, r.hash, tid, ops, out, upd)
    for a in accounts_of(ops):  # `last` also for a refusal: it was read
        state, token, _, _ = r.acc[a]
        r.acc[a] = (upd.get(a, state), token, False, r.seq)
    c.idem[p, tid] = ("E", epoch)
    return (out,)


def lua_install(c, p, epoch, a, token, state, check_token=True):
    """A value read from PostgreSQL under `token` may replace only an older token."""
    r = c.part.get(p)
    if r is not None and r.epoch == epoch:
        old = r.acc.get(a)
        if old is None or old[1] < token or not check_token:
            r.acc[a] = (state, token, False, 0)


def lua_hand(c, p, epoch, tokens, set_flag=True):
    """Stop exec on these accounts.  Returns the sequence that must be journaled first."""
    r = c.part.get(p)
    if r is None or r.epoch != epoch:
        return "EPOCH"
    for a, token in tokens.items():
        if a in r.acc and r.acc[a][1] > token:
            return "STALE"  # caller's view is old: look again
    wait = 0
    for a, token in tokens.items():
        state, old, _, last = r.acc.get(a, (None, token, True, r.seq))
        wait = max(wait, last if old == token else r.seq)
        if set_flag:
            r.acc[a] = (state, token, True, last)  # an absent account gets a tombstone
    return wait


def lua_claim(c, p, epoch, alive, tid):
    """Send this transaction id to the database path for good (until the key expires)."""
    r = c.part.get(p)
    if r is not None and r.epoch != epoch:
        return "EPOCH"
    if alive and c.idem.get((p, tid)) == ("E", epoch):
        return "DUP"  # the engine has it: wait for the journal
    c.idem[p, tid] = ("D",)
    return "CLAIMED"


def lua_mark(c, p, epoch, seq, h):
    """Tell Redis what is journaled; only if it is the same history."""
    r = c.part.get(p)
    if r is not None and r.epoch == epoch and seq in r.stream and r.stream[seq][2] == h:
        r.durable = max(r.durable, seq)
        for s in [s for s in r.stream if s <= r.durable - 2]:
            del r.stream[s]


# ------------------------------------------------------------------ the world
class Part:
    """Row of table `part`: the only authority on the mode of a partition."""

    __slots__ = ("epoch", "flips", "hash", "head", "hold", "mode", "nonce")

    def __init__(self):
        self.mode, self.epoch, self.nonce = "SAFE", 1, 0
        self.head, self.hash, self.flips, self.hold = 0, 0, 0, 0


class Tx:
    """An open PostgreSQL transaction of the database path."""

    def __init__(self, day):
        self.alive, self.locks, self.day = True, [], day  # open = holds the business-day lock, shared


class World:
    def __init__(self, seed, mutation=""):
        self.r = r = random.Random(seed)
        self.off = frozenset(mutation.split("+")) - {""}
        self.count = Counter()
        self.profile = r.choices(("quiet", "kills", "hostile"), (15, 25, 60))[0]
        self.fault_rate = {"quiet": 0, "kills": 0.02}.get(self.profile) or 0
        if self.profile == "hostile":
            self.fault_rate = r.choice((0.003, 0.01, 0.03, 0.06))
        self.hot = r.random() < 0.3  # steady load on accounts a and b
        self.domain_share = r.choice((0.05, 0.15, 0.35, 0.6))  # of new requests
        self.fence_rate = r.choice((0.001, 0.005, 0.02))  # planned fences
        # PostgreSQL
        self.acct = dict.fromkeys(ACCOUNTS, (0, 0, 0, "O"))
        for a in "abcdefuv":
            self.acct[a] = (r.choice((0, 50, 100)), 0, r.choice((0, 0, 30)), "O")
        for ccy, bank in BANK.items():
            self.acct[bank] = (-sum(v[0] for a, v in self.acct.items() if CCY[a] == ccy), 0, UNLIMITED, "O")
        self.init = dict(self.acct)
        self.owner = dict.fromkeys(ACCOUNTS, (0, 0))  # account -> (owner_epoch, token)
        self.reserved = {}  # account -> True: db_until in the future
        self.part = {p: Part() for p in ENGINE_PARTS}
        self.journal, self.by_id = [], {}  # row = (tid, ops, outcome, upd, day)
        self.unposted = {p: [] for p in ENGINE_PARTS}
        self.locks, self.open, self.day = {}, [], 1
        self.undo, self.generation = [], 0  # commits with synchronous_commit=off
        # Redis
        self.copies = [RedisCopy(), RedisCopy()]
        self.snaps = [[RedisCopy()], [RedisCopy()]]
        self.up, self.primary, self.split = [True, True], 0, False
        # API nodes, clients
        self.views = [dict.fromkeys(ENGINE_PARTS, ("SAFE", 1)) for _ in range(2)]
        self.requests, self.answers, self.accepted, self.begun = {}, {}, {}, {}
        self.actors, self.clock = [], 0

    # -------------------------------------------------------------- PostgreSQL primitives
    def sync_commit(self):
        self.undo.clear()  # the WAL is one sequence

    def engine_owned(self, a, view=None):
        """The ownership rule."""
        p = PART[a]
        if not p:
            return False
        mode, epoch = view[p] if view else (self.part[p].mode, self.part[p].epoch)
        return mode in ("FAST", "DRAIN") and self.owner[a][0] == epoch

    def live(self, a):
        """Newest journaled state: last un-posted entry of the account, else its row."""
        if PART[a]:
            for row in reversed(self.unposted[PART[a]]):
                if a in row[3]:
                    return row[3][a]
        return self.acct[a]

    def append(self, tid, ops, out, upd, day=None):
        if tid in self.by_id and "no_unique" not in self.off:
            raise Violation("transaction id twice in the journal")
        row = (tid, ops, out, upd, self.day if day is None else day)
        self.by_id.setdefault(tid, row)
        self.journal.append(row)
        self.sync_commit()
        return row

    def store(self, upd):
        """UPDATE account: the CHECK constraints."""
        for a, (bal, held, od, _) in upd.items():
            if bal - held + od < 0 or held < 0:
                raise Violation(f"negative available balance on {a}")
        self.acct.update(upd)

    def post(self, p, limit=10**9):
        """Poster: whole journal rows, in order, one transaction."""
        rows = self.unposted[p][:limit]
        if any(self.locks.get(a) for row in rows for a in row[3]):
            return  # would wait for a row lock
        for row in rows:
            self.store(row[3])
        if rows:
            del self.unposted[p][: len(rows)]
            self.sync_commit()

    def fence(self, p, epoch, why):
        par = self.part[p]
        if par.mode == "FAST" and par.epoch == epoch:
            par.mode = "DRAIN"
            self.sync_commit()
            self.count["fence:" + why] += 1
            if why in INTEGRITY and self.profile != "hostile" and "ignore_alarms" not in self.off:
                raise Violation(f"false alarm: fence {why} although Redis was honest")

    def to_safe(self, p):
        par = self.part[p]
        if par.mode == "DRAIN" and (not self.unposted[p] or "safe_before_post" in self.off):
            par.mode = "SAFE"

    def activate(self, p):
        par = self.part[p]
        if par.mode == "SAFE" and not par.hold:
            par.mode, par.head, par.nonce = "FAST", 0, self.r.getrandbits(60)
            par.hash = par.nonce
            if "reuse_epoch" not in self.off:
                par.epoch += 1
            self.sync_commit()
            self.count["activate"] += 1

    def take(self, p, epoch, ids):
        """API on MISS/HANDED: give accounts to the engine (own transaction, row locks, not durable by
        itself).  Returns {account: (token, state)}; accounts that are reserved or locked are left out."""
        par, got = self.part[p], {}
        if (par.mode != "FAST" or par.epoch != epoch) and "take_no_guard" not in self.off:
            return got
        for a in ids:
            oe, token = self.owner[a]
            if oe == epoch and par.mode == "FAST" and par.epoch == epoch:
                got[a] = (token, self.live(a))  # taken before, perhaps not installed yet
                continue
            if a in self.reserved or (self.locks.get(a) and "take_ignores_lock" not in self.off):
                continue
            if oe < epoch or "take_no_guard" in self.off:
                self.undo.append((a, self.owner[a]))
                self.owner[a] = (epoch, token + 1)
                got[a] = (token + 1, self.acct[a])
                self.count["take"] += 1
        return got

    def flip(self, p, epoch, tokens):
        """Give accounts back to the database: own transaction, holds the `part` row lock (so it excludes
        the journaler) and the account row locks; not durable by itself."""
        par = self.part[p]
        if par.mode != "FAST" or par.epoch != epoch:
            return
        for a, token in tokens.items():
            if self.owner[a] != (epoch, token) and not ("flip_no_token" in self.off and self.owner[a][0] == epoch):
                continue  # somebody else did it, or it was taken again
            if self.locks.get(a):
                continue
            if any(a in row[3] for row in self.unposted[p]) and "flip_unposted" not in self.off:
                continue
            self.undo.append((a, self.owner[a]))
            self.owner[a] = (0, self.owner[a][1])
            if "no_reservation" not in self.off:
                self.reserved[a] = True
            par.flips += 1
            self.count["flip"] += 1

    # -------------------------------------------------------------- Redis as seen by a process
    def redis(self):
        i = self.r.randrange(2) if self.split else self.primary
        return self.copies[i] if self.up[i] else None

    def persist(self, c):
        """fsync / replication: states to which a copy may fall back."""
        i = self.copies.index(c)
        self.snaps[i].append(c.clone())
        del self.snaps[i][:-4]

    # -------------------------------------------------------------- API: plain transfer
    def engine(self, t, p, epoch):
        """Drive one transfer into Redis.  -> None try again | 'DB' | 'DUP' | (outcome,)"""
        refused = 0
        while True:
            yield
            c = self.redis()
            if c is None:
                if self.r.random() < 0.3:
                    self.fence(p, epoch, "redis-down")
                return None
            res = lua_exec(c, p, epoch, t[0], t[1])
            if res in ("EPOCH", "BUSY"):
                return None
            if not isinstance(res, list):
                if self.profile == "hostile" and self.r.random() < 0.5:
                    self.persist(c)
                return res
            yield
            got = self.take(p, epoch, res)  # PostgreSQL
            refused += len(got) < len(res)
            yield
            for a, (token, state) in got.items():  # a slow installer waits here
                lua_install(c, p, epoch, a, token, state, "install_no_token" not in self.off)
            if refused > 2 or (len(got) == len(res) and self.r.random() < 0.05):
                return "DB"  # somebody works on the account: join him

    def transfer(self, node, t, want_async):
        parts = {PART[a] for a in accounts_of(t[1])}
        p = parts.pop() if len(parts) == 1 else 0  # 0: pinned or across partitions
        for _ in range(self.patience):
            mode, epoch = self.views[node][p] if p else ("SAFE", 0)
            yield
            if t[0] in self.by_id:
                return self.answer(t)  # idempotent repeat
            yield
            if p and mode == "FAST":
                res = yield from self.engine(t, p, epoch)
                if isinstance(res, tuple) and "ack_early" in self.off:
                    return self.note(t[0], res[0])
                if res == "DUP" or isinstance(res, tuple):
                    if want_async:
                        self.accepted.setdefault(t[0], []).append((p, epoch))
                        self.count["202 accepted"] += 1
                        return
                    for _ in range(self.r.choice((2, 8))):
                        yield
                        if t[0] in self.by_id:
                            return self.answer(t)
                if res != "DB":
                    self.refresh(node, p)
                    continue
            if (yield from self.db_txn(t, p)):
                yield  # killed here: committed, client not told
                return self.answer(t)
            if p:
                self.refresh(node, p)

    def refresh(self, node, p):
        self.views[node][p] = (self.part[p].mode, self.part[p].epoch)

    def status(self, t):
        """GET /transfers/{id} of an asynchronous transfer, with the epoch from the receipt."""
        p, epoch = self.accepted[t[0]][0]
        yield
        par = self.part[p]
        if t[0] in self.by_id:
            return self.answer(t)
        if "void_early" not in self.off:
            if par.mode == "FAST" and par.epoch == epoch:
                self.count["status pending"] += 1
                return
            c = self.redis()
            if c is not None and lua_claim(c, p, par.epoch, par.mode == "FAST", t[0]) != "CLAIMED":
                return  # re-sent by the client, pending again
        yield
        if t[0] not in self.by_id:  # INSERT .. ON CONFLICT DO NOTHING
            self.append(t[0], t[1], "VOID", {})
        self.answer(t)

    # -------------------------------------------------------------- database path / in_database
    def db_txn(self, t, claim_part=0):
        """One synchronous PostgreSQL transaction over any accounts, whoever owned them.
        Returns True when transaction t is in the journal."""
        tid, ops = t[0], t[1]
        ids = accounts_of(ops)
        if "unordered_locks" in self.off:
            self.r.shuffle(ids)
        lost = 0
        for _ in range(self.patience):
            if self.profile == "quiet" and t[2] == "domain" and lost > MAX_ATTEMPTS:
                raise Violation("a domain transaction loses the account again and again")
            if claim_part and "no_claim" not in self.off:  # client keys only; best effort
                par, c = self.part[claim_part], self.redis()
                if c is not None:
                    if lua_claim(c, claim_part, par.epoch, par.mode == "FAST", tid) != "CLAIMED":
                        return False
                    yield
            view = {p: (par.mode, par.epoch) for p, par in self.part.items()}
            need = [a for a in ids if self.engine_owned(a)]
            lost += bool(need)
            if need:  # nothing is locked while we wait
                yield from self.handover(need)
                continue
            tx = Tx(self.day)
            self.open.append(tx)
            try:
                if not (yield from self.lock(tx, ids)):
                    continue  # lock_timeout
                # a later statement, hence a newer snapshot, than the row locks:
                if "part_before_lock" not in self.off:
                    view = None
                if "no_recheck" not in self.off and any(self.engine_owned(a, view) for a in ids):
                    continue
                if tid in self.by_id and "no_unique" not in self.off:
                    return True
                rows = {a: self.acct[a] for a in ids}  # SELECT; domain code works on these
                for _ in range(self.r.randrange(4)):
                    yield
                if not tx.alive:
                    continue
                if tid in self.by_id and "no_unique" not in self.off:
                    return True  # unique index
                if self.r.random() < 0.03:
                    continue  # crash or error before COMMIT
                out, upd = apply(rows.__getitem__, ops)
                self.store(upd)
                self.append(tid, ops, out, upd, tx.day)
                for a in ids:
                    self.reserved.pop(a, None)  # the engine may take them again at once
                self.count["db:" + out] += 1
                return True  # COMMIT
            finally:
                self.release(tx)
        return False

    def lock(self, tx, ids):
        """SELECT .. WHERE id = ANY(..) ORDER BY id FOR NO KEY UPDATE"""
        for a in ids:
            waited = 0
            while self.locks.get(a):
                waited += 1
                if waited > 30 and "unordered_locks" not in self.off:
                    return False
                yield
            if not tx.alive:
                return False
            self.locks[a] = tx
            tx.locks.append(a)
            if self.r.random() < 0.5:
                yield
        return tx.alive

    def release(self, tx):
        if tx in self.open:
            self.open.remove(tx)
        for a in tx.locks:
            if self.locks.get(a) is tx:
                del self.locks[a]

    def handover(self, ids):
        """Bring engine-owned accounts to the database.  Any process may repeat any step."""
        for p in sorted({PART[a] for a in ids}):
            par = self.part[p]
            mode, epoch = par.mode, par.epoch
            if mode == "DRAIN":  # everything comes home by itself
                self.post(p)
                self.to_safe(p)
                yield
                continue
            tokens = {a: self.owner[a][1] for a in ids if PART[a] == p and self.owner[a][0] == epoch}
            if mode != "FAST" or not tokens:
                continue
            yield
            if "flip_before_hand" in self.off:
                self.post(p)
                self.flip(p, epoch, tokens)
                yield
            c = self.redis()  # 1. stop exec
            if c is None:
                if self.r.random() < 0.3:
                    self.fence(p, epoch, "redis-down")
                continue
            wait = lua_hand(c, p, epoch, tokens, "hand_no_flag" not in self.off)
            if wait in ("EPOCH", "STALE"):
                yield
                continue
            self.count["hand"] += 1
            for _ in range(12):  # 2. until the journal has it
                if par.epoch != epoch or par.head >= wait or "flip_no_wait" in self.off:
                    break
                yield
            else:
                continue
            yield
            self.post(p)  # 3. until it is posted (caller may post)
            yield
            self.flip(p, epoch, tokens)  # 4. flip, checked in PostgreSQL
            yield

    # -------------------------------------------------------------- background processes
    def prove(self, batch, cache, epoch, head, hh):
        """Execute entries again: (states after them, hash of the last, what is wrong or None)."""
        new, h, seen = dict(cache), hh, set()
        for n, (seq, prev, eh, tid, ops, out, upd) in enumerate(batch):
            for a in accounts_of(ops):
                if a not in new:  # SELECT owner_epoch, live state
                    if self.owner[a][0] != epoch and "no_owner_check" not in self.off:
                        return new, h, "owner"
                    new[a] = self.live(a)
            if seq != head + n + 1 or prev != h or chain(prev, seq, tid, ops, out, upd) != eh:
                return new, h, "chain"
            if (tid in self.by_id or tid in seen) and "no_unique" not in self.off:
                return new, h, "dup"
            if "no_verify" not in self.off and apply(new.__getitem__, ops) != (out, upd):
                return new, h, "verify"
            seen.add(tid)
            new.update(upd)
            h = eh
        return new, h, None

    def few_fits(self, par, epoch, head, hh, flips):
        """Is the partition what the entries were proved for?"""
        if "few_no_compare" in self.off:
            return True
        same = (par.mode, par.epoch, par.head, par.hash) == ("FAST", epoch, head, hh)
        return same and (par.flips == flips or "few_no_flips" in self.off)

    def journaler(self):
        cache, key = {}, None
        while True:
            yield
            p = self.r.choice(ENGINE_PARTS)
            par = self.part[p]
            if par.mode != "FAST":
                continue
            epoch, head, hh = par.epoch, par.head, par.hash
            yield
            c = self.redis()
            if c is None:
                if self.r.random() < 0.2:
                    self.fence(p, epoch, "redis-down")
                continue
            mem = c.part.get(p)
            if mem is None or mem.epoch < epoch:
                if head:
                    self.fence(p, epoch, "lost")  # a used epoch is never initialised again
                continue
            if mem.epoch > epoch:
                continue
            if mem.seq < head:
                self.fence(p, epoch, "stale")
                continue
            batch = [
                mem.stream[s] for s in range(head + 1, min(mem.seq, head + self.r.randint(1, 4)) + 1) if s in mem.stream
            ]
            if not batch:
                continue
            few = False
            if key is not None and key[:5] == (p, epoch, head, hh, self.generation) and self.r.random() < 0.7:
                # ---- few entries: proved before the lock, from states that are kept and others read now
                now, (new, h, bad) = key, self.prove(batch, cache, epoch, head, hh)
                yield
                if self.generation != key[4]:
                    cache, key = {}, None  # PostgreSQL crashed, and the session with it
                    continue
                # ---- one call is the whole transaction: lock, compare, write
                few = not bad and self.few_fits(par, epoch, head, hh, key[5])
                if few and any(row[3] in self.by_id for row in batch) and "no_unique" not in self.off:
                    bad = "dup"
                if not few:
                    cache, key = {}, None  # the long way reads again, and alone decides that memory is wrong
            if not few:
                yield
                # ---- BEGIN; SELECT .. FROM part FOR UPDATE; compare and swap
                if "journal_after_fence" in self.off:
                    if (par.head, par.hash) != (head, hh):
                        continue
                elif (par.mode, par.epoch, par.head, par.hash) != ("FAST", epoch, head, hh):
                    continue
                now = (p, epoch, head, hh, self.generation, par.flips if "stale_shadow" not in self.off else 0)
                new, h, bad = self.prove(batch, cache if key == now else {}, epoch, head, hh)
            if bad:
                self.fence(p, epoch, bad)  # nothing of the suffix is ever journaled
                continue
            if self.r.random() < 0.03:
                self.count["journaler crash before commit"] += 1
                return
            for _, _, _, tid, ops, out, upd in batch:
                self.unposted[p].append(self.append(tid, ops, out, upd))
            par.head, par.hash = batch[-1][0], h
            # ---- COMMIT
            self.count["journaled, few" if few else "journaled"] += len(batch)
            if self.r.random() < 0.03:
                self.count["journaler crash after commit"] += 1
                return
            cache, key = new, (p, epoch, par.head, par.hash, self.generation, now[5])
            yield
            c = self.redis()
            if c is not None:
                lua_mark(c, p, epoch, key[2], key[3])

    def poster(self):
        while True:
            yield
            p = self.r.choice(ENGINE_PARTS)
            self.post(p, self.r.randint(1, 5))
            self.to_safe(p)

    def controller(self):
        while True:
            yield
            p = self.r.choice(ENGINE_PARTS)
            par = self.part[p]
            self.to_safe(p)
            if par.mode == "SAFE" and self.r.random() < 0.5:
                self.activate(p)
            if self.r.random() < 0.3:
                self.refresh(self.r.randrange(2), p)  # nodes learn late
            if self.reserved and self.profile != "quiet" and self.r.random() < 0.05:
                self.reserved.pop(self.r.choice(sorted(self.reserved)))  # clock: reservation over
            if self.r.random() < 0.02 and (not self.open or "cutoff_no_lock" in self.off):
                self.day += 1  # cut-off: exclusive business-day lock
            yield
            if par.mode == "FAST":  # init Redis for this epoch
                epoch, nonce = par.epoch, par.nonce
                c = self.redis()
                yield
                if c is not None:
                    mem = c.part.get(p)
                    if mem is None or mem.epoch < epoch:
                        if par.epoch == epoch and par.head:
                            self.fence(p, epoch, "lost")
                        else:
                            c.part[p] = RedisPart(epoch, nonce)
            if self.r.random() < self.fence_rate:
                self.fence(p, par.epoch, "planned")

    def domain(self, t):
        for _ in range(self.patience):
            yield
            if t[0] in self.by_id or (yield from self.db_txn(t)):
                yield
                return self.answer(t)

    def bulk(self, t, p):
        """Close of business: fence -> DRAIN -> SAFE -> set-based SQL -> activate (by the controller)."""
        par = self.part[p]
        par.hold += 1
        try:
            self.fence(p, par.epoch, "planned")
            for _ in range(60):
                yield
                self.post(p)
                self.to_safe(p)
                if par.mode == "SAFE":
                    break
            yield from self.domain(t)
        finally:
            par.hold -= 1

    # -------------------------------------------------------------- clients
    def note(self, tid, out):
        if self.answers.setdefault(tid, out) != out:
            raise Violation("two different answers for one key")
        self.count["answer:" + out] += 1

    def answer(self, t):
        self.note(t[0], self.by_id[t[0]][2])

    def hot_client(self):
        while True:
            src, dst = self.r.choice(("ab", "ba", "ac"))
            t = (len(self.requests), (("X", src, dst, 10),), "async")
            self.requests[t[0]], self.begun[t[0]] = t, len(self.journal)
            yield from self.transfer(self.r.randrange(2), t, True)
            yield

    def client(self):
        r = self.r
        if self.requests and r.random() < 0.35:  # repeat: same key, maybe other node
            t = r.choice(list(self.requests.values())[-r.choice((4, 1000)) :])
        else:
            tid, k = len(self.requests), r.random()
            pick = r.choice
            amount = r.choice((10, 30, 50, 90))
            if k >= self.domain_share:  # plain transfer, sometimes with a fee leg
                src = pick("aaabbbcccddeeefuv")
                dst = pick(
                    [
                        x
                        for x in "abcdefuv"
                        if x != src and ((PART[x] == PART[src] and CCY[x] == CCY[src]) or r.random() < 0.1)
                    ]
                    or ["a"]
                )
                ops = [("X", src, dst, amount)]
                if r.random() < 0.2:
                    ops.append(("X", src, pick([x for x in "abcdef" if x != src]), 5))
                kind = "async" if r.random() < 0.3 else "sync"
            elif k > 0.02:  # domain code: several accounts, one transaction
                kind = "domain"
                ops = []
                for _ in range(r.randint(1, 3)):
                    a = pick("aabcdefuv")
                    ops.append(
                        r.choice(
                            (
                                ("X", a, BANK[CCY[a]], amount),
                                ("X", BANK[CCY[a]], a, amount),
                                ("X", a, pick([x for x in "abcdef" if x != a]), amount),
                                ("H", a, r.choice((10, 40, -10))),
                                ("F", a),
                                ("O", a, r.choice((0, 30, 60))),
                            )
                        )
                    )
            else:
                kind = "bulk"
                ops = [("X", "BE", a, 1) for a in pick(("abc", "de"))]
            t = (tid, tuple(ops), kind)
            self.requests[tid] = t
            self.begun[tid] = len(self.journal)
        kind = t[2]
        if kind == "domain":
            g = self.domain(t)
        elif kind == "bulk":
            g = self.bulk(t, PART[t[1][0][2]])
        elif t[0] in self.accepted and r.random() < 0.6:
            g = self.status(t)
        else:
            g = self.transfer(r.randrange(2), t, kind == "async")
        self.start(g)

    # -------------------------------------------------------------- faults
    def kill(self):
        if self.actors:
            x = self.r.randrange(len(self.actors))
            g, name, _ = self.actors[x]
            g.close()
            self.count["fault: kill %s" % (name or "api/domain")] += 1
            self.gone(x)

    def fault(self):
        r, k, i = self.r, self.r.random(), self.r.randrange(2)
        n = None
        if self.profile == "kills" or k < 0.15:
            return self.kill()
        c = self.copies[i]
        part = c.part.get(r.choice(ENGINE_PARTS))
        acc = r.choice(sorted(part.acc)) if part and part.acc else None
        if k < 0.30:
            n, self.copies[i], self.up[i] = "stale restart", r.choice(self.snaps[i]).clone(), True
        elif k < 0.36:
            n, self.copies[i] = "wipe", RedisCopy()
        elif k < 0.44:
            n, self.up[i] = "up/down", not self.up[i]
        elif k < 0.54:
            self.copies[1 - i] = r.choice(self.snaps[i] + [c]).clone()
            n, self.primary, self.split, self.up[1 - i] = "failover", 1 - i, r.random() < 0.5, True
        elif k < 0.61:
            n, self.split = "split on/off", not self.split
        elif k < 0.69:
            self.generation += 1  # PostgreSQL crash / failover
            for tx in self.open:
                tx.alive = False
            self.open, self.locks = [], {}
            for a, old in reversed(self.undo):
                if PART[a] and self.owner[a][0] == 0:
                    self.part[PART[a]].flips -= 1
                self.owner[a] = old
            n = "pg crash, %s" % ("async commits lost" if self.undo else "nothing lost")
            self.undo = []
        elif k < 0.77 and acc:
            n = "key lost"
            del part.acc[acc]
        elif k < 0.82 and acc and part.acc[acc][0]:
            state, token, handed, last = part.acc[acc]
            n, part.acc[acc] = "balance changed", ((state[0] + 40, *state[1:]), token, handed, last)
        elif k < 0.90 and acc and part.acc[acc][0]:
            n, part.acc[acc] = "handed flag lost", (*part.acc[acc][:2], False, *part.acc[acc][3:])
        elif k < 0.94:
            n, c.idem = "idempotency keys lost", {}
        elif k < 0.97:
            self.undo, n = [], "wal flushed"
        elif self.reserved:
            self.reserved, n = {}, "reservations expired"
        if n:
            self.count["fault: " + n] += 1
        return None

    # -------------------------------------------------------------- run one schedule
    def audit(self):
        """Invariants that hold at every moment."""
        for view, name in ((self.acct.__getitem__, "posted"), (self.live, "live")):
            total = Counter()
            for a in ACCOUNTS:
                total[CCY[a]] += view(a)[0]
            if any(total.values()):
                raise Violation(f"{name} view does not sum to zero")
        for rows in self.unposted.values():
            for row in rows:
                for a in row[3]:
                    if not self.engine_owned(a):
                        raise Violation("database-owned account has un-posted entries")
        if self.profile != "hostile":  # Redis = journal + stream, key by key
            for p, mem in self.copies[0].part.items():
                par = self.part[p]
                if (par.mode, par.epoch) != ("FAST", mem.epoch):
                    continue
                for a, (state, token, handed, _last) in mem.acc.items():
                    if handed or self.owner[a] != (par.epoch, token):
                        continue
                    want = self.live(a)
                    for s in range(par.head + 1, mem.seq + 1):
                        if s not in mem.stream:
                            raise Violation("stream has a hole")
                        want = mem.stream[s][6].get(a, want)
                    if state != want:
                        raise Violation("Redis balance != journal + stream")

    def start(self, g, name=None):
        self.actors.append([g, name, 0])

    def step(self, x):
        g, name, wake = self.actors[x]
        self.clock += 1
        if self.clock < wake:
            return  # paused (garbage collection, SIGSTOP)
        if not name and self.r.random() < 0.004:
            self.actors[x][2] = self.clock + self.r.choice((10, 40, 150))
            self.count["fault: pause api/domain"] += 1
        try:
            next(g)
        except StopIteration:
            self.gone(x)

    def gone(self, x):
        name = self.actors[x][1]
        if name:
            self.actors[x] = [getattr(self, name)(), name, 0]
        else:
            self.actors.pop(x)

    def run(self, steps):
        r = self.r
        self.patience = 10**6 if self.profile == "quiet" else 4
        for name in ("journaler", "journaler", "poster", "controller", "controller"):
            self.start(getattr(self, name)(), name)
        if self.hot:
            for _ in range(4):
                self.start(self.hot_client(), "hot_client")
        if r.random() < 0.8:  # start with the engine on
            for p in ENGINE_PARTS:
                self.activate(p)
                for c in self.copies:
                    c.part[p] = RedisPart(self.part[p].epoch, self.part[p].nonce)
                for node in (0, 1):
                    self.refresh(node, p)
        for n in range(steps):
            k = r.random()
            if k < self.fault_rate:
                self.fault()
            elif k < self.fault_rate + 0.06 and len(self.actors) < 14:
                self.client()
            elif r.random() < 0.2:
                self.step(r.randrange(2))  # actors 0 and 1 are the journalers
            else:
                self.step(r.randrange(len(self.actors)))
            if n % 16 == 0:
                self.audit()
        if self.profile == "quiet":  # deadlock and livelock freedom
            for _ in range(6000):
                if all(name for _, name, _ in self.actors):
                    break
                self.step(r.randrange(len(self.actors)))
            else:
                raise Violation("a request does not finish (deadlock or livelock)")
        return self.finish()

    def finish(self):
        """Redis is gone for good.  PostgreSQL alone answers everybody; then the history is checked."""
        for g, _, _ in self.actors:
            g.close()
        self.locks = {}
        for p in ENGINE_PARTS:
            par = self.part[p]
            if par.mode == "FAST":
                par.mode = "DRAIN"
            self.post(p)
            self.to_safe(p)
            if par.mode != "SAFE":
                raise Violation("partition cannot reach SAFE")
        for t in self.requests.values():
            if t[0] not in self.answers:
                if t[0] not in self.by_id:
                    if t[0] in self.accepted:
                        self.append(t[0], t[1], "VOID", {})
                    else:
                        out, upd = apply(self.acct.__getitem__, t[1])
                        self.store(upd)
                        self.append(t[0], t[1], out, upd)
                self.answer(t)
        self.audit()
        if len({row[0] for row in self.journal}) != len(self.journal):
            raise Violation("one key, two effects")
        state = dict(self.init)
        last_day = 1
        for n, (tid, ops, out, upd, day) in enumerate(self.journal):
            if day < last_day:
                raise Violation("row in a closed business day")
            last_day = day
            if out != "VOID" and apply(state.__getitem__, ops) != (out, upd):
                raise Violation("journal is not a serial history")
            state.update(upd)
            if n < self.begun[tid]:
                raise Violation("effect before the request")
        if state != self.acct:
            raise Violation("posted balances != replay of the journal")
        for tid, out in self.answers.items():
            if tid not in self.by_id or self.by_id[tid][2] != out:
                raise Violation("an answer was lost")
        return self.count


# ------------------------------------------------------------------ command line
def work(job):
    seed, n, steps, mutation = job
    total, bad = Counter(), []
    for s in range(seed, seed + n):
        w = World(s, mutation)
        try:
            w.run(steps)
        except Violation as e:
            bad.append((s, w.profile, str(e)))
        except Exception as e:  # a mutated model may break in other ways
            bad.append((s, w.profile, f"{type(e).__name__}: {e}"))
        total += w.count
        total["profile " + w.profile] += 1
        if mutation and bad:
            break
    return n, total, bad


def explore(processes, seed, schedules, steps, mutation):
    chunk = max(1, min(100 if mutation else 500, schedules // 8))
    jobs = [(seed + k, min(chunk, schedules - k), steps, mutation) for k in range(0, schedules, chunk)]
    total, bad, done = Counter(), [], 0
    # Spawned, not forked: who calls may have threads. An executor ends when what it has begun is done; a Pool kills
    # its processes, and waits for ever when one of them held the lock of the queue.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as executor:
        for n, t, b in executor.map(work, jobs):
            total, bad, done = total + t, bad + b, done + n
            if mutation and bad:
                executor.shutdown(wait=False, cancel_futures=True)
                break
    return done, total, bad


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--schedules", type=int, default=2000)
    ap.add_argument("--steps", type=int, default=600)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--mutation", default="", help="NAME, NAME+NAME, or all: " + ", ".join(MUTATIONS))
    ap.add_argument(
        "--ignore-alarms",
        action="store_true",
        help="false alarms are no violation: shows which rules protect money by themselves",
    )
    ap.add_argument("--processes", type=int, default=2)
    a = ap.parse_args()
    if a.mutation != "all" and not set(a.mutation.split("+")) - {""} <= set(MUTATIONS):
        ap.error("unknown mutation")
    failed = False
    for mutation in list(MUTATIONS) if a.mutation == "all" else [a.mutation]:
        t0 = time.time()
        flags = mutation + "+ignore_alarms" * a.ignore_alarms
        done, total, bad = explore(a.processes, a.seed, a.schedules, a.steps, flags)
        if mutation:
            print(
                "%-20s %s  %s"
                % (
                    mutation,
                    "caught" if bad else "NOT CAUGHT in %d" % done,
                    "seed %d (%s): %s" % bad[0] if bad else "",
                ),
                flush=True,
            )
            failed |= not bad
        else:
            print("%d schedules x %d steps, %.0f s, %d violations" % (done, a.steps, time.time() - t0, len(bad)))
            for k, v in sorted(total.items()):
                print("  %-44s %d" % (k, v))
            for b in bad[:10]:
                print("  VIOLATION seed %d (%s): %s" % b)
            failed |= bool(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
