"""Celery's settings: broker on Redis or RabbitMQ, four queues, nothing kept that the database already knows."""

from typing import Any

from kombu import Exchange, Queue

from config.env import Env
from config.integrations.queues import QUEUE_NAMES, ROUTES

TASK_SECONDS_MAX = 3600
ACK_SECONDS_MAX = TASK_SECONDS_MAX + 600
"""How long a broker waits for a task to end before it hands it to a second worker: longer than the longest task."""


def celery_settings(env: Env) -> dict[str, Any]:
    """Settings with the `CELERY_` prefix."""
    return {
        "CELERY_BROKER_URL": broker_url(env),
        "CELERY_RESULT_BACKEND": None,  # states of work are rows of ours, not results in Redis
        "CELERY_TASK_IGNORE_RESULT": True,
        "CELERY_TASK_QUEUES": _queues(),
        "CELERY_TASK_ROUTES": {task: {"queue": queue} for task, queue in ROUTES.items()},
        "CELERY_TASK_DEFAULT_QUEUE": "default",
        "CELERY_TASK_DEFAULT_EXCHANGE": "default",
        "CELERY_TASK_DEFAULT_ROUTING_KEY": "default",
        "CELERY_TASK_CREATE_MISSING_QUEUES": False,  # a misspelt queue fails at once instead of filling unseen
        # A task is taken off the queue only after it ran, since tasks are safe to run twice.
        "CELERY_TASK_ACKS_LATE": True,
        "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        "CELERY_TASK_TIME_LIMIT": TASK_SECONDS_MAX,
        "CELERY_TASK_SOFT_TIME_LIMIT": TASK_SECONDS_MAX - 60,
        "CELERY_BROKER_TRANSPORT_OPTIONS": _transport_options(env),
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_TIMEZONE": "UTC",
        "CELERY_ENABLE_UTC": True,
        "CELERY_BEAT_SCHEDULER": "django_celery_beat.schedulers:DatabaseScheduler",
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
        "CELERY_WORKER_SEND_TASK_EVENTS": False,
    }


def broker_url(env: Env) -> str:
    """Where messages wait: NUMINA_BROKER_URL (redis, amqp, amqps), else the Redis database after the cache's."""
    return env.broker_url or env.redis_database(1)


def _queues() -> list[Queue]:
    # RabbitMQ's own limit is half an hour. It reads this since 3.12, before that `consumer_timeout` of its settings.
    patience = {"x-consumer-timeout": ACK_SECONDS_MAX * 1_000}
    return [
        Queue(name, Exchange(name, type="direct"), routing_key=name, queue_arguments=patience) for name in QUEUE_NAMES
    ]


def _transport_options(env: Env) -> dict[str, Any]:
    if broker_url(env).startswith("amqp"):
        return {"confirm_publish": True}  # a message counts as sent when RabbitMQ says that it has it
    return {
        "visibility_timeout": ACK_SECONDS_MAX,
        "socket_timeout": 10,
        "queue_order_strategy": "priority",  # of several queues, a worker empties the first first
    }
