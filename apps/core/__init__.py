"""Core: what every app builds on. No tables, no rules of banking of its own."""
