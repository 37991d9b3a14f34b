"""
The headers of every page: nothing is loaded from elsewhere, nothing is kept, nothing is embedded.

https://www.w3.org/TR/CSP3/, https://w3c.github.io/trusted-types/dist/spec/
"""

from __future__ import annotations

from collections.abc import Sequence


def policy(form_targets: Sequence[str] = ()) -> str:
    """
    The content security policy. A browser holds `form-action` against the redirect after a form, too: the issuer's
    origin has to be among the targets, or signing out silently does nothing.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *form_targets)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def security_headers(form_targets: Sequence[str] = (), *, https: bool = False) -> dict[str, str]:
    """Every security header of a page."""
    headers = {
        "Content-Security-Policy": policy(form_targets),
        "Cache-Control": "no-store",
        # `no-referrer` would make the Origin of our own forms `null`.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers
