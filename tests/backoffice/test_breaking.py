"""`manage.py demo break-redis` touches no memory but the embedded one of a copy that runs."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def test_memory_that_is_not_the_copys_own_is_not_killed() -> None:
    with pytest.raises(CommandError, match="nothing was touched"):
        call_command("demo", "break-redis", "--seconds", "6")
