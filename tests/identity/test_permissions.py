"""Permission codes: every one used anywhere exists, every role's exists, the admin's questions are answered."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from django.conf import settings

from apps.identity.permissions import ADMIN_PERMISSIONS, PERMISSIONS, permissions_unknown
from tests.factories.identity import UserFactory, user_make

APPS = settings.BASE_DIR / "apps"
CODE_ARGUMENTS = {"has_permission", "user_may", "permission_require"}
CODE_NAMES = {"view_permission", "add_permission", "change_permission", "permission", "MANAGE"}


def codes_in(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, code) of every string that stands where a permission code belongs."""
    found = []
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            if "permissions" in names and isinstance(node.value, ast.Dict):
                values = list(node.value.values)
            elif names & CODE_NAMES and node.value is not None:
                values = [node.value]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CODE_ARGUMENTS:
                values = list(node.args)
            values += [keyword.value for keyword in node.keywords if keyword.arg in CODE_NAMES]
        found += [
            (value.lineno, value.value)
            for value in values
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value not in ("", "*")
        ]
    return found


def test_every_code_in_the_source_is_registered():
    unknown = []
    seen = set()
    for path in sorted(APPS.rglob("*.py")):
        for line, code in codes_in(ast.parse(path.read_text(encoding="utf-8"))):
            seen.add(code)
            if code not in PERMISSIONS:
                unknown.append(f"{path.relative_to(APPS)}:{line} {code}")
    assert unknown == []
    assert {"identity.view_users", "audit.view"} <= seen  # the scan finds what is there


def test_every_role_in_the_fixtures_is_made_of_registered_codes():
    roles = json.loads(Path(settings.BASE_DIR / "fixtures/roles.json").read_text())
    assert {
        role["code"]: permissions_unknown(role["permissions"])
        for role in roles
        if permissions_unknown(role["permissions"])
    } == {}
    assert len({role["code"] for role in roles}) == len(roles)


def test_every_code_belongs_to_some_role():
    roles = json.loads(Path(settings.BASE_DIR / "fixtures/roles.json").read_text())
    assert PERMISSIONS.keys() - {code for role in roles for code in role["permissions"]} == set()


def test_duties_are_segregated():
    held = {
        role["code"]: set(role["permissions"])
        for role in json.loads(Path(settings.BASE_DIR / "fixtures/roles.json").read_text())
    }
    moves = {"payments.transfer", "payments.deposit", "payments.withdraw", "payments.batch", "ledger.post"}
    assert not held["administrator"] & moves
    looks = {code for code in PERMISSIONS if "view" in code} | {"backoffice.dashboard", "audit.export", "audit.verify"}
    looks |= {"reporting.read", "reporting.analytics"}
    assert not held["auditor"] - looks - {"approvals.request", "calculations.use"}
    for role, codes in held.items():
        assert not ({"identity.manage_users"} <= codes and codes & moves), role


def test_admin_questions_map_to_registered_codes():
    assert permissions_unknown(ADMIN_PERMISSIONS.values()) == []


@pytest.mark.django_db
def test_the_admin_asks_in_djangos_words():
    reader = user_make("identity.view_users", "members.view")
    assert reader.has_perm("identity.view_user")
    assert reader.has_perm("members.view_member")
    assert reader.has_perm("members.view")
    assert reader.has_perms(["members.view_member", "identity.view_user"])
    assert not reader.has_perm("identity.change_user")
    assert not reader.has_perm("identity.delete_user")
    assert not reader.has_perm("audit.view_auditevent")
    assert not reader.has_perm("django_celery_beat.view_periodictask")
    assert reader.has_module_perms("members")
    assert not reader.has_module_perms("ledger")
    gone = user_make("members.view", is_active=False)
    assert not gone.has_perm("members.view")
    assert not gone.has_module_perms("members")
    root = UserFactory(is_superuser=True)
    assert root.has_perm("django_celery_beat.delete_periodictask")
    assert root.has_module_perms("anything")
