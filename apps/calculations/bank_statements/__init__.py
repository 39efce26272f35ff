"""Bank statement files read into facts: SWIFT MT940, ISO 20022 camt.052, camt.053 and camt.054, OFX 1 and 2.

    >>> file = bank_file_read(content)
    >>> [(one.opening, one.net, one.closing, one.difference) for one in file.statements]

Nothing is put right silently: `Statement.difference` is what opening balance and entries lack to the closing balance,
and what cannot be read is in `BankFile.problems`. Amounts are signed, credits of the account above zero, and exact.
Whose account it is and what an entry pays are not decided here.
"""

from apps.calculations.bank_statements._facts import AccountName, BankFile, Entry, Named, Statement, paid, received
from apps.calculations.bank_statements._reading import BYTES_MAX, FORMATS, bank_file_read

__all__ = [
    "BYTES_MAX",
    "FORMATS",
    "AccountName",
    "BankFile",
    "Entry",
    "Named",
    "Statement",
    "bank_file_read",
    "paid",
    "received",
]
