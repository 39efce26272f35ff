"""`manage.py demo_logins`: who can sign in to the demo bank."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.identity.models import User
from apps.identity.services import DEMO_PASSWORD
from apps.identity.services._demo import DEMO_USERS, demo_email


class Command(BaseCommand):
    help = "Prints a login for each role of the demo bank; nothing when the bank was not seeded with demo users."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.NUMINA.get("DEMO_ALLOWED", False):
            raise CommandError("There are no demo users in this installation.")
        role_of = {demo_email(code): code for code in DEMO_USERS}
        users = User.objects.filter(email__in=role_of, is_active=True).select_related("branch")
        # A password that was changed since is not ours to print.
        logins = [
            {
                "role": role_of[user.email],
                "email": user.email,
                "password": DEMO_PASSWORD if user.check_password(DEMO_PASSWORD) else "(changed)",
                "branch": user.branch.code if user.branch else "",
                "staff_site": user.is_staff,
            }
            for user in users
        ]
        logins.sort(key=lambda login: list(DEMO_USERS).index(str(login["role"])))
        if options["json"]:
            self.stdout.write(json.dumps(logins))
            return
        if not logins:
            return
        rows = [("Role", "E-mail", "Password", "Branch", "Signs in to")]
        rows += [
            (
                str(login["role"]),
                str(login["email"]),
                str(login["password"]),
                str(login["branch"]),
                "staff site and API" if login["staff_site"] else "API",
            )
            for login in logins
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
