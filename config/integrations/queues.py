"""The queues of background work, in order of urgency. Plain Python: the process manager reads it without Django."""

# `critical`: what a person waits for. `bulk`: long work that may wait. `mail`: outside servers that may hang.
QUEUE_NAMES = ("critical", "default", "bulk", "mail")
