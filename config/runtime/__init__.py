"""Starts and stops a whole Numina on one machine: PostgreSQL, Valkey, web, worker and beat. Plain Python, no Django.

`python -m config.runtime run|up|down|status|env|manage|test|check`; the Makefile's targets call these.
"""
