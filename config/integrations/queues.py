"""The queues of background work, in order of urgency. Plain Python: the process manager reads it without Django."""

# `critical`: what a person waits for. `bulk`: long work that may wait. `mail`: outside servers that may hang.
QUEUE_NAMES = ("critical", "default", "bulk", "mail")

# Where each task goes, by its name; one that is not named here goes to `default`. Jobs bring the queue of their kind.
ROUTES = {
    "ledger.journal_seal": "default",
    "ledger.business_date_roll": "critical",
    "balances.hold_expire_due": "default",
    "identity.code_send": "critical",
    "identity.reset_send": "mail",
    "identity.invitation_send": "mail",
    "identity.confirm_send": "mail",
    "identity.notice_send": "mail",
    "identity.housekeeping": "bulk",
    "notifications.deliver_due": "default",
    "notifications.deliver_bulk": "mail",
    "approvals.timers_sweep": "default",
    "approvals.executions_sweep": "critical",
    "approvals.event_announce": "mail",
    "approvals.digest_send": "mail",
    "audit.trail_seal": "default",
    "audit.anchor": "default",
    "audit.housekeeping": "bulk",
    "audit.trail_verify": "bulk",
    "compliance.scan": "bulk",
    "compliance.forget": "bulk",
    "vault.rotate": "bulk",
    "jobs.sweep": "critical",
    "jobs.schedule_tick": "critical",
}
