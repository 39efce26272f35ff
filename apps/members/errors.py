"""What members refuse."""

from apps.core.errors import Conflict, Unprocessable


class MemberNumberTaken(Conflict):
    """409: another member has this number."""

    code = "member-number-taken"
    title = "The member number is taken"


class MemberUserTaken(Conflict):
    """409: the user is linked to another member, or the member to another user."""

    code = "member-user-taken"
    title = "The user or the member is linked already"


class IdentityNumberTaken(Conflict):
    """409: another member of the same country has this national number."""

    code = "identity-number-taken"
    title = "The identity number is taken"


class MemberNotActive(Unprocessable):
    """422: the member is blocked or has left."""

    code = "member-not-active"
    title = "The member is not active"


class BranchNotUsable(Unprocessable):
    """422: no such branch, a branch that is closed, or one outside your own."""

    code = "branch-not-usable"
    title = "The branch cannot be used"
