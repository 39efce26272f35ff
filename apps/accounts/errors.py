"""What accounts and their products refuse."""

from apps.core.errors import Conflict, InvalidRequest, Unprocessable


class AccountNumberTaken(Conflict):
    """409: another account has this number."""

    code = "account-number-taken"
    title = "The account number is taken"


class AccountNumberInvalid(InvalidRequest):
    """400: not an account number: 4 to 34 capital letters and digits."""

    code = "account-number-invalid"
    title = "The account number is not valid"


class AccountIsClosed(Conflict):
    """409: a closed account stays as it is."""

    code = "account-is-closed"
    title = "The account has been closed"


class ProductCodeTaken(Conflict):
    """409: another product has this code."""

    code = "product-code-taken"
    title = "The product code is taken"


class ProductNotUsable(Unprocessable):
    """422: no such product, or one that is not open for new accounts."""

    code = "product-not-usable"
    title = "The product cannot be used"


class ProductTermsInvalid(Unprocessable):
    """422: the terms of the product do not fit together or do not fit the books."""

    code = "product-terms-invalid"
    title = "The terms of the product do not fit"


class OverdraftAboveProduct(Unprocessable):
    """422: the overdraft limit is above what the product allows."""

    code = "overdraft-above-product"
    title = "The overdraft limit is above the product's"


class OverdraftInUse(Unprocessable):
    """422: the overdraft limit would be below what the account uses of it now."""

    code = "overdraft-in-use"
    title = "More of the overdraft is in use"


class HolderInvalid(Unprocessable):
    """422: a further holder is unknown, not active, named twice, or is the owner."""

    code = "holder-invalid"
    title = "A holder cannot be added"


class MandateInvalid(Unprocessable):
    """422: the rules of the mandate do not go together, or ask for more signatures than there are signatories."""

    code = "mandate-invalid"
    title = "The mandate does not fit together"


class StatementTooLong(Unprocessable):
    """422: the period is longer, or has more entries, than one statement covers."""

    code = "statement-too-long"
    title = "The statement would be too long"
    advice = "Ask for a shorter period, or page through the account's transactions."


class StatementBatchInvalid(Unprocessable):
    """422: no account in reach had anything to state, or there are too many for one batch."""

    code = "statement-batch-invalid"
    title = "The batch of statements cannot be drawn up"


class StatementsNotReady(Conflict):
    """409: the archive is still being put together, or is no longer the one that was kept."""

    code = "statements-not-ready"
    title = "The statements are not ready"


class TermsInvalid(Unprocessable):
    """422: the interest terms do not fit together; the pointer names the field."""

    code = "terms-invalid"
    title = "The interest terms do not fit together"


class TermsBegun(Conflict):
    """409: terms and fees change from an open date on; the past stays as it was."""

    code = "terms-begun"
    title = "The past is not changed"


class TermsDateTaken(Conflict):
    """409: the product has other terms from this date."""

    code = "terms-date-taken"
    title = "There are terms from this date"


class FeeInvalid(Unprocessable):
    """422: the fee does not fit together; the pointer names the field."""

    code = "fee-invalid"
    title = "The fee does not fit together"


class AccountNotSettled(Conflict):
    """409: something is open on the account that is to be closed, or its interest has to accrue anew first."""

    code = "account-not-settled"
    title = "The account is not settled yet"


class PayoutNotPossible(Unprocessable):
    """422: the balance cannot be paid to this account: not there, closed, or in another currency."""

    code = "payout-not-possible"
    title = "The balance cannot be paid to this account"


class FeeWaived(Conflict):
    """409: the fee was waived already, or what became of it has just changed."""

    code = "fee-waived"
    title = "The fee is not there to be waived"


class TermDepositInvalid(Unprocessable):
    """422: the term deposit does not fit the account, its product or its source."""

    code = "term-deposit-invalid"
    title = "The term deposit cannot be placed"


class DividendInvalid(Unprocessable):
    """422: the dividend does not fit the product, or its period is not closed; the pointer names the field."""

    code = "dividend-invalid"
    title = "The dividend is not possible"


class DividendTaken(Conflict):
    """409: a dividend on days of this period was drawn up or paid; withdraw the draft first."""

    code = "dividend-taken"
    title = "There is a dividend for this period"


class DividendDecided(Conflict):
    """409: the dividend was withdrawn, is being paid or has been."""

    code = "dividend-decided"
    title = "The dividend is decided"


class NoInstalmentOpen(Conflict):
    """409: no instalment of the recurring deposit is due or was missed."""

    code = "no-instalment-open"
    title = "No instalment is open"


class TermDepositNotRunning(Conflict):
    """409: no term runs on the account."""

    code = "term-deposit-not-running"
    title = "No term runs on the account"
