"""What can go wrong with people and access."""

from apps.core.errors import Conflict, NotAuthenticated, PermissionDenied, Unprocessable


class InvalidCredentials(NotAuthenticated):
    """401: the address and the password do not belong together, or the user may not sign in. Never says which."""

    code = "invalid-credentials"
    title = "The e-mail address or the password is wrong"


class InvalidRefreshToken(NotAuthenticated):
    """401: the refresh token is not valid, was used before, or its session has ended. Sign in again."""

    code = "invalid-refresh-token"
    title = "The refresh token is not accepted"


class RoleUnknown(Unprocessable):
    """422: there is no role with this code."""

    code = "role-unknown"
    title = "The role is not known"


class OwnRolesRefused(Unprocessable):
    """422: nobody changes the roles or the standing of their own user."""

    code = "own-roles-refused"
    title = "Another administrator has to change this"


class RoleOutOfReach(PermissionDenied):
    """403: the role or limit reaches further than the one who would give, take or change it."""

    code = "role-out-of-reach"
    title = "The role reaches further than you do"
    advice = "Ask an administrator of the whole bank."


class BranchOutOfReach(Unprocessable):
    """422: there is no such open branch among those that the one who asks reaches; or a role needs one."""

    code = "branch-out-of-reach"
    title = "The user cannot be placed there"


class StaffNeedsRole(Unprocessable):
    """422: somebody who is invited gets one role at least: without any there is nothing to be done here."""

    code = "staff-needs-role"
    title = "Name a role"


class InvitationAccepted(Conflict):
    """409: the user has set a password, or was deactivated: there is nothing to invite to."""

    code = "invitation-accepted"
    title = "The user does not wait for an invitation"


class UserErased(Conflict):
    """409: the user was erased, and nobody is behind it any more."""

    code = "user-erased"
    title = "The user was erased"


class EmailTaken(Conflict):
    """409: another user has this address. Told to staff who create users only, never to the public."""

    code = "email-taken"
    title = "The e-mail address is in use"


class EmailNotConfirmed(PermissionDenied):
    """403: the password is right, but the address was not confirmed yet. A new link can be asked for."""

    code = "email-not-confirmed"
    title = "Confirm your e-mail address first"
    advice = "Follow the link that was sent, or ask for another: POST auth/email/resend."


class LinkNotValid(Unprocessable):
    """422: the link or token was used before, has expired, or was never made by us."""

    code = "link-not-valid"
    title = "The link is not valid any more"


class PasswordWrong(Unprocessable):
    """422: the present password, shown to change something, is not right."""

    code = "password-wrong"
    title = "The present password is not right"


class CodeNotValid(Unprocessable):
    """422: the code is wrong, was used before, or too many were tried. After five tries begin anew."""

    code = "code-not-valid"
    title = "The code is not accepted"


class ChallengeNotValid(NotAuthenticated):
    """401: the `mfa_token` is unknown, used up or expired. Sign in again."""

    code = "challenge-not-valid"
    title = "The proof that was asked for has expired"


class MfaStepUpRequired(PermissionDenied):
    """403: this needs a second factor (or the password, where there is none) shown within the last minutes.

    Nothing was changed.
    """

    code = "mfa-step-up-required"
    title = "Show your second factor again"
    advice = "POST auth/step-up and auth/step-up/verify, then send the same request with the same key."


class MfaEnrolmentRequired(PermissionDenied):
    """403: staff need a second factor here, and this user has none yet."""

    code = "mfa-enrolment-required"
    title = "Set up a second factor first"
    advice = "POST auth/factors, then confirm it; after that sign in again."


class FactorRefused(Unprocessable):
    """422: the second factor cannot be set up or removed: there are too many, or it is the last that is required."""

    code = "factor-refused"
    title = "The second factor cannot be changed so"


class ChannelUnavailable(Unprocessable):
    """422: messages of this kind are not sent from here, so they cannot be a second factor."""

    code = "channel-unavailable"
    title = "Messages of this kind are not sent from here"


class AmountLimitExceeded(PermissionDenied):
    """403: more than the roles of the user may move in one transaction. Recorded as a security event."""

    code = "amount-limit-exceeded"
    title = "Above your limit"
    advice = "Ask somebody with a higher limit; the limit is in `limit`."


class ApiKeyRefused(Unprocessable):
    """422: the key cannot be made: its permissions go beyond its user's, or its life is too long."""

    code = "api-key-refused"
    title = "The key cannot be made so"
