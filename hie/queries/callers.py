"""
In whose name a query is decided: the organization that the directory has for its sender, for treatment.

https://profiles.ihe.net/ITI/IUA/
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.hl7v2.site import Site
from hie.access.caller import Caller
from hie.access.policy import policy
from hie.access.scopes import parse_all
from hie.directory.senders import SENDER
from records.errors import Gone, NotFound
from records.resource_store import ResourceStore

ROLE = "clinician"


@dataclass(frozen=True, slots=True)
class Callers:
    """Makes a caller of a site."""

    store: ResourceStore

    async def of(self, site: Site, sender: str) -> Caller:
        """A clinician of the organization; a sender that nobody registered is an organization nobody knows."""
        role = policy().roles[ROLE]
        return Caller(
            subject=f"site:{site.id}", name=site.name, role=ROLE, organization=await self._organization(site, sender),
            organization_name=site.name, scopes=parse_all(f"{role.contexts[0]}/*.rs"), purpose=role.default_purpose,
            client=site.id,
        )  # fmt: skip

    async def _organization(self, site: Site, sender: str) -> str:
        """Its own identifier, by which consents name it; else the one that it sends by."""
        own = f"{SENDER}|{sender}"
        if not site.organization:
            return own
        try:
            found = (await self.store.read("Organization", site.organization)).resource()
        except (NotFound, Gone):
            return own
        listed = [i for i in found.get("identifier", ()) if i.get("value") and i.get("system") != SENDER]
        return f"{listed[0].get('system', '')}|{listed[0]['value']}" if listed else own
