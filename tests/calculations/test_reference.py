"""The reference names every option that there is."""

from __future__ import annotations

from pathlib import Path

from apps.calculations import allocation, business_days
from apps.calculations.day_counts import CONVENTIONS
from apps.calculations.interest import InterestTerms
from apps.core.money import ROUNDING_MODES

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "calculations.md").read_text(encoding="utf-8")


def test_the_reference_names_every_option() -> None:
    names = [*business_days.CONVENTIONS, *ROUNDING_MODES, *allocation.METHODS]
    names += [name for name in InterestTerms.__dataclass_fields__ if name not in {"day_count", "day_count_terms"}]
    missing = [name for name in names if f"`{name}`" not in TEXT]
    assert not missing
    for convention in CONVENTIONS.values():
        assert f"| `{convention.name}` | {convention.formula} |" in TEXT
        assert convention.source in TEXT
