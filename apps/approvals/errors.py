"""What can be against an approval."""

from apps.core.errors import Conflict, InvalidRequest, NotFound, PermissionDenied, Unprocessable


class ApprovalKindUnknown(InvalidRequest):
    """400: no action of this kind is registered."""

    code = "approval-kind-unknown"
    title = "This kind of action is not known"


class ApprovalNotNeeded(Unprocessable):
    """422: no policy asks for approval of this: call the operation itself."""

    code = "approval-not-needed"
    title = "No approval is needed"


class ApprovalNotFound(NotFound):
    """404: no such request, or not one that you made, decide or oversee."""

    code = "approval-not-found"
    title = "No such approval"


class ApprovalPending(Conflict):
    """409: an open request for the same record waits already."""

    code = "approval-pending"
    title = "Approval is already asked for"
    advice = "Wait for the open request that `approval_id` names, or cancel it."


class ApprovalStateConflict(Conflict):
    """409: the request is in a state in which this cannot be done."""

    code = "approval-state"
    title = "Not possible in this state"


class MakerIsNotChecker(PermissionDenied):
    """403: nobody decides on what they asked for, nor lends anybody the authority to."""

    code = "maker-is-not-checker"
    title = "Nobody decides on their own request"


class NotYourApproval(PermissionDenied):
    """403: the open level asks somebody else: another role, branch, group or person."""

    code = "not-your-approval"
    title = "This level is not yours to decide"


class ConflictOfInterest(PermissionDenied):
    """403: the request is about your own affairs or those of somebody you are related to."""

    code = "conflict-of-interest"
    title = "You have an interest in this request"


class ApproverLimitExceeded(PermissionDenied):
    """403: the amount is above what you may decide on."""

    code = "approver-limit-exceeded"
    title = "Above your limit"


class AlreadyDecided(Conflict):
    """409: you, or the one in whose place you stand, decided on this request before."""

    code = "already-decided"
    title = "Nobody decides twice on one request"


class CommentRequired(InvalidRequest):
    """400: rejecting, returning, and approving what is flagged need a comment."""

    code = "comment-required"
    title = "Say why"


class PolicyInvalid(InvalidRequest):
    """400: the rules of a policy leave a gap, overlap, or name what does not exist. `errors` lists every fault."""

    code = "approval-policy-invalid"
    title = "The policy does not hold together"


class PolicyStateConflict(Conflict):
    """409: only a draft can be activated, and a kind has one version a day."""

    code = "approval-policy-state"
    title = "Not possible for this version of the policy"


class DelegationLoop(Unprocessable):
    """422: authority would come back to the one who lent it."""

    code = "delegation-loop"
    title = "The delegation closes a loop"


class DelegationInvalid(Unprocessable):
    """422: the delegate cannot decide, the period is over, or is longer than a year."""

    code = "delegation-invalid"
    title = "The delegation is not possible"


class BulkRefused(Unprocessable):
    """422: a request is not decided in bulk: it is flagged, above the limit for bulk, or of another kind."""

    code = "approval-not-in-bulk"
    title = "Not to be decided in bulk"


class ApprovalDocumentRefused(Unprocessable):
    """422: the file is too large, of a kind that is not accepted, or not what its name says; or there are twenty."""

    code = "approval-document-refused"
    title = "The file is not accepted"


class ApproverNotUsable(Unprocessable):
    """422: the person named is not active or does not decide on approvals."""

    code = "approver-not-usable"
    title = "This person cannot be asked"


class ApprovalRequired(Unprocessable):
    """422: this needs approval, which cannot be asked for together with others."""

    code = "approval-required"
    title = "Approval is needed"
