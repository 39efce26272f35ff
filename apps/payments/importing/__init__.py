"""Importing transactions from files: read, check each row, post in batches, report. See `run.transactions_import`."""
