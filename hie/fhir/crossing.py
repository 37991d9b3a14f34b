"""
Requests of pages from other origins: SMART apps in a browser, where the settings name their origins.

No cookie opens this interface, so no answer allows credentials. https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Mapping

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
# What a page may send and read beyond the few headers that are always open.
SENT = (
    "Accept, Authorization, Content-Type, Content-Encoding, If-Match, If-Modified-Since, If-None-Exist, If-None-Match,"
    " Prefer, X-Access-Reason, X-Correlation-Id, X-Purpose-Of-Use, X-Request-Id"
)
SHOWN = "Content-Location, ETag, Last-Modified, Location, Retry-After, X-Correlation-Id, X-Progress, X-Request-Id"
SECONDS = "3600"


def opened(origins: str, origin: str | None) -> Mapping[str, str]:
    """The headers of an answer to a page of `origin`; none where it is not one of the settings'."""
    if origin is None or not origins:
        return {}
    if origins.strip() == "*":
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": SHOWN}
    if origin not in origins.split():
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": SHOWN, "Vary": "Origin"}


def preflight(origins: str, origin: str | None) -> Mapping[str, str]:
    """The headers of an answer to the question that a browser asks first."""
    allowed = opened(origins, origin)
    if "Access-Control-Allow-Origin" not in allowed:
        return allowed
    return {
        **allowed,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": SECONDS,
    }
