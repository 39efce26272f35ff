"""What payments refuse. Refusals of the books themselves are in `apps.balances.errors`."""

from apps.core.errors import Conflict, InvalidRequest, NotFound, Unprocessable


class PaymentAccountNotFound(NotFound):
    """404: no such account, or it is not one that the user may use here; the two look the same."""

    code = "payment-account-not-found"
    title = "No such account"


class SignaturesMissing(Unprocessable):
    """422: the account's mandate asks for more signatures for this amount; `needed` says how many, `signed` who did."""

    code = "signatures-missing"
    title = "More signatures are needed"


class SignatoryUnknown(Unprocessable):
    """422: this member does not sign for the account."""

    code = "signatory-unknown"
    title = "Not a signatory of the account"


class PendingPaymentEnded(Conflict):
    """409: it was carried out, refused, cancelled, or was not signed in time."""

    code = "pending-payment-ended"
    title = "It waits for signatures no more"


class SameAccount(Unprocessable):
    """422: source and destination are one account."""

    code = "same-account"
    title = "Source and destination are the same account"


class TransactionLimitExceeded(Unprocessable):
    """422: the account's product lets one transaction take out less than this."""

    code = "transaction-limit-exceeded"
    title = "Above the limit of one transaction"


class ChannelNotAllowed(Unprocessable):
    """422: the account's product is not used by this channel."""

    code = "channel-not-allowed"
    title = "Not by this channel"


class BalanceBelowMinimum(Unprocessable):
    """422: the account would hold less than its product asks for."""

    code = "balance-below-minimum"
    title = "Below the least balance"


class BalanceAboveMaximum(Unprocessable):
    """422: an account would hold more than its product allows."""

    code = "balance-above-maximum"
    title = "Above the greatest balance"


class ValueDateNotAllowed(Unprocessable):
    """422: the value date lies further back or ahead than the bank allows."""

    code = "value-date-not-allowed"
    title = "The value date is not allowed"


class BranchMissing(Unprocessable):
    """422: cash moves at a branch, and the user belongs to none."""

    code = "branch-missing"
    title = "The user has no branch"


class PaymentNotReversible(Conflict):
    """409: only a deposit, a withdrawal, a transfer or a captured hold that was committed is reversed here."""

    code = "payment-not-reversible"
    title = "Cannot be reversed here"


class ImportHeaderInvalid(InvalidRequest):
    """400: the first line of the file does not name the columns of an import."""

    code = "import-header-invalid"
    title = "The header of the file is not that of an import"


class ImportFileMissing(InvalidRequest):
    """400: the upload has no file, or an empty one."""

    code = "import-file-missing"
    title = "There is no file"


class ImportNotResumable(Conflict):
    """409: the uploaded file is no longer there; send it again."""

    code = "import-not-resumable"
    title = "The file is gone"


class TillInUse(Conflict):
    """409: the till, or the teller, has a session that is not closed."""

    code = "till-in-use"
    title = "A session is not closed yet"


class TillNotOpen(Conflict):
    """409: the session is not open for this any more, or it is another teller's."""

    code = "till-not-open"
    title = "The till is not open for this"


class TillNumberTaken(Conflict):
    """409: the branch has a till with this number."""

    code = "till-number-taken"
    title = "The number is taken"


class CountNotRight(Unprocessable):
    """422: notes and coins that the currency does not have, or that are not worth the amount."""

    code = "count-not-right"
    title = "The notes and coins do not add up"


class TillLimitExceeded(Unprocessable):
    """422: more than one transaction at the till may move, or more cash than the till may hold."""

    code = "till-limit-exceeded"
    title = "Above a limit of the till"


class CashNotThere(Unprocessable):
    """422: the till or the vault holds less cash than is to leave it."""

    code = "cash-not-there"
    title = "There is not as much cash"


class NeedsAnotherPerson(Conflict):
    """409: it takes two: who asked, or counted, does not confirm."""

    code = "needs-another-person"
    title = "Somebody else has to confirm it"


class VaultTransferOpen(Conflict):
    """409: cash between till and vault is asked for and not confirmed; confirm or cancel it first."""

    code = "vault-transfer-open"
    title = "A vault transfer is not decided"


class VaultTransferDecided(Conflict):
    """409: the vault transfer was confirmed or cancelled before."""

    code = "vault-transfer-decided"
    title = "The vault transfer is decided"


class InstructionEnded(Conflict):
    """409: the instruction has ended or was cancelled, or is not in the state for this."""

    code = "instruction-ended"
    title = "The instruction is not in the state for this"


class InstructionNotDue(Conflict):
    """409: no date of the instruction is due by the open business date."""

    code = "instruction-not-due"
    title = "Nothing is due"


class InstructionNotValid(Unprocessable):
    """422: terms that do not go together, or dates of which none lies ahead."""

    code = "instruction-not-valid"
    title = "The terms of the instruction are not possible"


class ChequeKnown(Conflict):
    """409: this cheque was paid in before and has not come back."""

    code = "cheque-known"
    title = "The cheque was paid in before"


class ChequeDecided(Conflict):
    """409: the cheque has cleared or was returned."""

    code = "cheque-decided"
    title = "The cheque is decided"


class ChequeNotPayable(Unprocessable):
    """422: the account has no such leaf, or it was paid or stopped."""

    code = "cheque-not-payable"
    title = "The cheque cannot be paid"


class ChequeNumbersTaken(Conflict):
    """409: leaves with these numbers were issued on the account."""

    code = "cheque-numbers-taken"
    title = "The numbers are taken"


class TerminalCodeTaken(Conflict):
    """409: there is a terminal with this code."""

    code = "terminal-code-taken"
    title = "The code is taken"


class TerminalNotUsable(Unprocessable):
    """422: the terminal is out of use, in another currency, or may not ask for as much."""

    code = "terminal-not-usable"
    title = "The terminal may not ask for this"
