"""
* PortalError
  + SignedOut      the issuer or the exchange no longer takes the visitor's token
  + SignInFailed   the answer of the issuer does not belong to this sign-in, or does not hold
  + NotThere       no such resource, or not one of this visitor
  + Refused        the exchange does not allow it
  + Conflict       somebody else changed it meanwhile
  + Unavailable    nothing is wrong with the request; try again later
"""

from __future__ import annotations


class PortalError(Exception):
    """`status` is the HTTP status of the page that says so."""

    status = 500


class SignedOut(PortalError):
    status = 401


class SignInFailed(PortalError):
    status = 400


class NotThere(PortalError):
    status = 404


class Refused(PortalError):
    status = 403


class Conflict(PortalError):
    status = 409


class Unavailable(PortalError):
    status = 503
