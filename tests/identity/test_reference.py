"""Reference data and the demo's users."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEvent
from apps.core.errors import Unprocessable
from apps.core.reference import ORDER, loader_of, loader_register
from apps.identity.models import Branch, Role, User
from apps.identity.reference import branches_load, roles_load
from apps.identity.selectors import head_office
from apps.identity.services import DEMO_PASSWORD, demo_users_create

pytestmark = pytest.mark.django_db


def run(command, *args, **options) -> str:
    out = io.StringIO()
    call_command(command, *args, stdout=out, **options)
    return out.getvalue()


def write(folder, **files) -> None:
    for name, rows in files.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))


def test_all_reference_data_loads_twice_with_one_effect():
    first = json.loads(run("load_reference_data", "--json"))
    assert {name for name, report in first.items() if not (report["added"] or report["present"])} == set()
    assert list(first) == list(ORDER)
    second = json.loads(run("load_reference_data", "--json"))
    assert {name: report["added"] for name, report in second.items()} == {name: [] for name in ORDER}
    assert {name: report["differs"] for name, report in second.items()} == {name: [] for name in ORDER}
    assert head_office().code == "HQ"


def test_a_bank_whose_currency_has_no_decimals_starts_too(settings):
    settings.NUMINA = {**settings.NUMINA, "BASE_CURRENCY": "UGX"}
    assert "approval_policies" in run("load_reference_data")


def test_what_staff_changed_is_kept_and_reported():
    run("load_reference_data")
    Role.objects.filter(code="teller").update(name="Cashier", permissions=["members.view"])
    text = run("load_reference_data")
    role = Role.objects.get(code="teller")
    assert (role.name, role.permissions) == ("Cashier", ["members.view"])
    assert "teller.name is 'Cashier' here, 'Teller' in the file; kept" in text


def test_dry_run_adds_nothing(tmp_path):
    write(tmp_path, branches=[{"code": "X1", "name": "New", "parent": None, "time_zone": "UTC"}])
    report = json.loads(run("load_reference_data", "--dry-run", "--json", folder=tmp_path))
    assert report["branches"]["added"] == ["X1"]
    assert not Branch.objects.filter(code="X1").exists()


def test_branches_name_their_parents_by_code(tmp_path):
    rows = [
        {"code": "P1", "name": "Parent", "parent": None, "time_zone": "UTC"},
        {"code": "C1", "name": "Child", "parent": "P1", "time_zone": "UTC"},
    ]
    assert branches_load(rows).added == ["P1", "C1"]
    assert Branch.objects.get(code="C1").parent.code == "P1"
    assert AuditEvent.objects.filter(action="identity.branch.created", actor_label="system").count() == 2
    moved = [{**rows[1], "parent": None}]
    assert branches_load(moved).differs == [{"key": "C1", "field": "parent", "here": "P1", "file": None}]


@pytest.mark.parametrize(
    "files",
    [
        {"roles": [{"code": "x", "name": "X", "scope": "all", "permissions": ["no.such"], "is_staff_role": True}]},
        {"roles": [{"code": "x", "name": "X", "scope": "galaxy", "permissions": [], "is_staff_role": True}]},
        {"roles": {"code": "x"}},
        {"branches": [{"code": "Y", "name": "Y", "parent": "nowhere", "time_zone": "UTC"}]},
        {"branches": [{"name": "no code"}]},
    ],
)
def test_bad_files_change_nothing(tmp_path, files):
    write(tmp_path, **files)
    before = (Role.objects.count(), Branch.objects.count())
    with pytest.raises(CommandError):
        run("load_reference_data", folder=tmp_path)
    assert (Role.objects.count(), Branch.objects.count()) == before


def test_a_file_that_nobody_loads_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("apps.core.management.commands.load_reference_data.loader_of", lambda name: None)
    write(tmp_path, roles=[])
    with pytest.raises(CommandError, match="no installed app loads roles"):
        run("load_reference_data", folder=tmp_path)


def test_loaders_have_their_place():
    assert loader_of("roles") is roles_load
    with pytest.raises(ValueError):
        loader_register("horoscopes", roles_load)


def test_demo_users_one_for_each_role(api):
    assert run("demo_logins") == ""
    run("load_reference_data")
    users = demo_users_create(branch=head_office())
    assert users.keys() == set(Role.objects.values_list("code", flat=True))
    assert demo_users_create(branch=head_office()) == users
    assert User.objects.count() == len(users)
    for code, user in users.items():
        assert user.role_codes == [code]
        signed_in = api.post("auth/login", {"email": user.email, "password": DEMO_PASSWORD})
        assert signed_in.status_code == 200
    assert not users["member"].is_staff
    assert not users["integration"].is_staff
    assert users["teller"].is_staff


def test_demo_logins_are_printed_with_the_passwords_that_work():
    run("load_reference_data")
    users = demo_users_create(branch=head_office())
    users["teller"].set_password("changed by somebody 1")
    users["teller"].save()
    table = run("demo_logins").splitlines()
    assert table[0].split() == ["Role", "E-mail", "Password", "Branch", "Signs", "in", "to"]
    assert len(table) == 1 + len(users)
    assert "(changed)" in next(line for line in table if line.startswith("teller"))
    logins = json.loads(run("demo_logins", "--json"))
    assert {login["role"]: login["password"] for login in logins}["auditor"] == DEMO_PASSWORD


def test_no_demo_users_where_they_do_not_belong(settings, branch):
    settings.NUMINA = {**settings.NUMINA, "DEMO_ALLOWED": False}
    with pytest.raises(Unprocessable):
        demo_users_create(branch=branch)
    with pytest.raises(CommandError):
        run("demo_logins")
