"""Long work, seen from below `jobs`: how a layer under it has something done by a job without importing it.

The app declares its work when Django starts; `jobs` makes a kind of job of each and registers how one is started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Work:
    """Work of a kind. `run` is given the job (jobs.registry.JobRun) and is safe to run again from its start; it returns
    facts ready for JSON, and where in the API the result is."""

    name: str
    title: str
    run: Callable[[Any], tuple[Mapping[str, Any], str]]


Host = Callable[[Work], None]
Starter = Callable[..., Any]

_works: list[Work] = []
_hosts: list[tuple[Host, Starter]] = []


def work_register(work: Work) -> None:
    """Make work known, whether or not `jobs` has registered itself by now."""
    _works.append(work)
    for host, _ in _hosts:
        host(work)


def host_register(host: Host, starter: Starter) -> None:
    """Have `host(work)` called for each work that is known or comes to be; `starter` is jobs.services.job_start."""
    _hosts[:] = [(host, starter)]
    for work in _works:
        host(work)


def work_start(*, acting_user: Any, name: str, job_id: Any, payload: Mapping[str, Any], at: Any) -> None:
    """Have work done in the background by a job of this id, as part of the running transaction.

    Raises RuntimeError where no app runs jobs: what is promised must be done.
    """
    if not _hosts:
        raise RuntimeError("nobody runs jobs: is apps.jobs in INSTALLED_APPS?")
    _hosts[0][1](acting_user=acting_user, kind=name, job_id=job_id, payload=payload, at=at)
