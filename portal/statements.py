"""Help and the accessibility statement; they need no sign-in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.errors import PortalError
from portal.site import Endpoint, Site


def routes(site: Site) -> list[Route]:
    """/help, /accessibility."""
    return [
        Route("/help", _page(site, "help.html")),
        Route("/accessibility", _page(site, "accessibility.html")),
    ]


def _page(site: Site, template: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        """GET; with the navigation where somebody is signed in."""
        try:
            request.state.session = await site.session(request)
        except PortalError:
            request.state.session = None
        settings = site.settings
        return site.pages.render(
            request, f"portal/{template}", phone=settings.portal_phone, minutes=settings.idle_seconds // 60
        )

    return endpoint
