"""Who moves the money of an account, who gets it after a death, and what the bank's people note about it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.accounts.models._accounts import Account
from apps.vault.fields import EncryptedTextField


class MandateRule(models.Model):
    """How many of an account's signatories must sign for an amount, from a day until another.

    Of the rules of a day the one with the smallest `amount_to` (minor units) that covers the amount counts; None covers
    every amount. Where no rule holds, each signatory acts alone. Rules are ended, never changed: they are the history.
    """

    class Rule(models.TextChoices):
        ANY = "any", "Any one"
        ALL = "all", "All together"
        COUNT = "count", "So many together"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="mandate_rules")
    amount_to = models.BigIntegerField(null=True, help_text="Up to this amount, minor units; empty: any amount.")
    rule = models.CharField(max_length=5, choices=Rule.choices)
    count = models.PositiveSmallIntegerField(null=True, help_text="Of the rule count: how many.")
    since = models.DateField()
    until = models.DateField(null=True, help_text="The last day; empty: until it is replaced.")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "accounts_mandate_rule"
        ordering = ("-since", F("amount_to").asc(nulls_last=True))
        constraints = [
            models.UniqueConstraint(
                fields=("account", "since", "amount_to"), nulls_distinct=False, name="accounts_mandate_once_an_amount"
            ),
            models.CheckConstraint(
                condition=Q(rule="count", count__gte=2) | (~Q(rule="count") & Q(count=None)),
                name="accounts_mandate_count_sound",
            ),
            models.CheckConstraint(
                condition=Q(amount_to=None) | Q(amount_to__gt=0), name="accounts_mandate_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="accounts_mandate_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} up to {self.amount_to}: {self.rule}"


class Nominee(models.Model):
    """Who is to get what is on an account when its owner dies, as the owner named them; ended, never changed."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="nominees")
    name = models.CharField(max_length=160)
    relationship = models.CharField(max_length=40)
    contact = EncryptedTextField(
        "Telephone or address", context="accounts.nominee.contact", max_length=200, db_column="contact_sealed"
    )
    since = models.DateField()
    until = models.DateField(null=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=("account",), condition=Q(until=None), name="accounts_nominee_one_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.relationship}"


class AccountNote(models.Model):
    """What somebody of the bank noted about an account; PostgreSQL refuses to change or remove it."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=2000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "accounts_note"
        ordering = ("-id",)
        indexes = [models.Index(fields=("account", "-id"), name="accounts_note_of_account")]

    def __str__(self) -> str:
        return self.text[:60]
