"""pgledger beside us, when PGLEDGER_SQL names its SQL file, or several with a colon between (its ULID functions first).

The file is not part of this project: fetch it yourself. It goes into a schema of its own in the bench's database.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.db import connection

SCHEMA = "pgledger"
ACCOUNTS = 2_000
OPTIONS = f"-c search_path={SCHEMA},public"


def pgledger_make() -> bool:
    """Load it and open its accounts; False where no file is named."""
    files = [Path(name) for name in os.environ.get("PGLEDGER_SQL", "").split(":") if name]
    if not files:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        cursor.execute(f"SET search_path = {SCHEMA}, public")
        try:
            for file in files:
                cursor.execute(file.read_text(encoding="utf-8"))  # without parameters: as it stands
            cursor.execute("CREATE TABLE bench_account (n int PRIMARY KEY, id text NOT NULL)")
            cursor.execute(
                "INSERT INTO bench_account SELECT n, (pgledger_create_account('bench ' || n, 'KES')).id"
                " FROM generate_series(1, %s) n",
                [ACCOUNTS],
            )
            cursor.execute("ANALYZE")
        finally:
            cursor.execute("SET search_path = DEFAULT")
    return True
