"""What lending refuses. Refusals of the books are in `apps.balances.errors`, of calculations in `apps.calculations`."""

from apps.core.errors import Conflict, NotFound, Unprocessable


class LoanNotFound(NotFound):
    """404: no such loan, or not one in the user's reach; the two look the same."""

    code = "loan-not-found"
    title = "No such loan"


class LoanProductNotUsable(Unprocessable):
    """422: no such product, one that is closed for new loans, or one without terms on that day."""

    code = "loan-product-not-usable"
    title = "The loan product cannot be used"


class LoanTermsInvalid(Unprocessable):
    """422: a document of a product's terms, or its mapping, says something that cannot be."""

    code = "loan-terms-invalid"
    title = "The terms are not valid"


class LoanTermsPast(Unprocessable):
    """422: new terms begin after the latest ones, and not before the open business day."""

    code = "loan-terms-past"
    title = "The terms begin too early"


class LoanProductCodeTaken(Conflict):
    """409: a loan product has this code already."""

    code = "loan-product-code-taken"
    title = "The code is taken"


class ApplicationOutsideProduct(Unprocessable):
    """422: amount, instalments, rate or borrower are not among what the product offers."""

    code = "application-outside-product"
    title = "Outside of what the product offers"


class ApplicationStateWrong(Conflict):
    """409: the application is not in a state in which this can be done."""

    code = "application-state-wrong"
    title = "Not possible in this state of the application"


class ApplicationIncomplete(Unprocessable):
    """422: something that the product asks for is missing: a document, an income."""

    code = "application-incomplete"
    title = "The application is not complete"


class NotAffordable(Unprocessable):
    """422: the instalment takes more of the income than the product allows."""

    code = "loan-not-affordable"
    title = "The instalment is above what the income allows"


class OfferLapsed(Conflict):
    """409: the offer was open until a day that has passed."""

    code = "loan-offer-lapsed"
    title = "The offer has lapsed"


class OwnApplication(Conflict):
    """409: nobody decides on what he asked for himself, nor on a loan of his own."""

    code = "loan-application-own"
    title = "Somebody else must decide"


class LoanStateWrong(Conflict):
    """409: the loan is not in a state in which this can be done."""

    code = "loan-state-wrong"
    title = "Not possible in this state of the loan"


class DisbursementTooHigh(Unprocessable):
    """422: more than was agreed and is still to be paid out."""

    code = "disbursement-too-high"
    title = "More than is still to be paid out"


class LoanOverpaid(Unprocessable):
    """422: more than is owed, and no account is known that the rest could go to."""

    code = "loan-overpaid"
    title = "More than is owed"


class SecurityMissing(Unprocessable):
    """422: the product asks for collateral or guarantors that the loan does not have yet."""

    code = "loan-security-missing"
    title = "Collateral or guarantors are missing"


class PayoffDiffers(Unprocessable):
    """422: a loan is closed with exactly what the quote of that day says."""

    code = "payoff-differs"
    title = "The amount is not that of the quote"


class EventDateNotAllowed(Unprocessable):
    """422: an event is neither before the loan, nor in the future, nor before something that cannot be replayed."""

    code = "loan-event-date-not-allowed"
    title = "The date is not allowed"


class EventNotReversible(Conflict):
    """409: it is reversed already, or something after it builds on it."""

    code = "loan-event-not-reversible"
    title = "The event cannot be reversed"


class PayOutNotPossible(Unprocessable):
    """422: the way in which money is to be paid out or to come in cannot be used for this loan."""

    code = "loan-pay-out-not-possible"
    title = "Money cannot go this way"


class LoanBooksDiffer(Conflict):
    """409: loans and the general ledger do not say the same; the close of business stops there."""

    code = "loan-books-differ"
    title = "Loans and the books differ"


class GuarantorNotPossible(Unprocessable):
    """422: the member cannot vouch for this loan, or not with this account."""

    code = "loan-guarantor-not-possible"
    title = "The member cannot vouch"


class CreditLineStateWrong(Conflict):
    """409: the credit line is not in a state in which this can be done."""

    code = "credit-line-state-wrong"
    title = "Not possible in this state of the credit line"


class CreditLineExceeded(Unprocessable):
    """422: more than the limit leaves, or more than is owed."""

    code = "credit-line-exceeded"
    title = "More than the credit line allows"


class GroupNotPossible(Unprocessable):
    """422: the member cannot belong to this group, or a loan is not one of its members'."""

    code = "loan-group-not-possible"
    title = "Not possible in this group"
