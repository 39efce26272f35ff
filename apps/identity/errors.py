"""What can go wrong with people and access."""

from apps.core.errors import Conflict, NotAuthenticated, Unprocessable


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


class EmailTaken(Conflict):
    """409: another user has this address. Told to staff who create users only, never to the public."""

    code = "email-taken"
    title = "The e-mail address is in use"
