"""The cache on Redis or Valkey. Losing it makes Numina slower, never wrong: its errors are logged and passed over."""

from typing import Any

from config.env import Env


def caches(env: Env) -> dict[str, Any]:
    """The value of CACHES. Timeouts are seconds and short: a dead cache must not hold up a request."""
    return {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": env.redis_database(0),
            "KEY_PREFIX": "numina",
            "TIMEOUT": 300,
            "OPTIONS": {
                "CLIENT_CLASS": "django_redis.client.DefaultClient",
                "IGNORE_EXCEPTIONS": True,
                "LOG_IGNORED_EXCEPTIONS": True,
                "SOCKET_CONNECT_TIMEOUT": 0.5,
                "SOCKET_TIMEOUT": 0.5,
                "CONNECTION_POOL_KWARGS": {"max_connections": 50, "health_check_interval": 30},
            },
        }
    }
