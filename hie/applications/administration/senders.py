"""
Onboarding: senders that nobody registered, made a facility of the directory or part of one.

https://profiles.ihe.net/ITI/mCSD/
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.responses import Response

from adapters.hl7v2 import charset
from hie.applications.administration.monitor import BASE
from hie.applications.administration.services import Services
from hie.applications.organizations import active
from hie.applications.work import create
from hie.directory.senders import authority_of
from hie.directory.sites import Waiting
from hie.ui import N_, Option
from hie.workbench.desk import Visit
from records.errors import NotFound
from records.stored import Json

ORGANIZATION = "urn:hie:organization"
HOW = (Option("existing", N_("目录里已有的机构")), Option("new", N_("新机构")))
CHARSETS = ("UTF-8", "GB18030", "GBK", "BIG5", "ISO-8859-1")


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender that waits, and how many messages it sent; `held` of them are in quarantine."""

    waiting: Waiting
    messages: int
    held: int


@dataclass(frozen=True, slots=True)
class SenderDesk:
    """Handlers."""

    services: Services

    async def show(self, visit: Visit) -> Response:
        """GET: who waits."""
        held = await self.services.quarantine.senders()
        senders = [
            Sender(one, await self._messages(one.sender), held.get(one.sender, 0))
            for one in await self.services.directory.provisional()
        ]
        return visit.render(
            "administration/senders.html", senders=senders, mode=self.services.settings.unknown_sender,
            registered=visit.query.get("registered", ""), released=visit.query.get("released", ""),
        )  # fmt: skip

    async def _messages(self, sender: str) -> int:
        # By the index over names, which begin with the sender.
        named = {"name": {"$gte": f"{sender}\x1f", "$lt": f"{sender}\x20"}}
        return await self.services.journal.collection.count_documents(named, limit=100_000)

    async def form(self, visit: Visit) -> Response:
        """GET: the form of one sender, by the id of its provisional site."""
        sender = await self._sender(visit)
        values = {"charset": self.services.settings.default_charset, "zone": self.services.settings.default_zone,
                  "authority": authority_of(sender), "how": "existing"}  # fmt: skip
        return await self._form(visit, sender, values, {}, 200)

    async def _sender(self, visit: Visit) -> str:
        waiting = await self.services.directory.provisional()
        found = next((one.sender for one in waiting if one.site == visit.params["site"]), None)
        if found is None:
            raise NotFound("There is no such sender.")
        return found

    async def _form(
        self, visit: Visit, sender: str, values: Mapping[str, str], errors: Mapping[str, str], status: int
    ) -> Response:
        options = tuple(Option(one["id"], str(one.get("name", ""))) for one in await active(visit.reader))
        charsets = tuple(Option(one, one) for one in CHARSETS)
        return visit.render(
            "administration/sender.html", status=status, sender=sender, site=visit.params["site"], values=values,
            errors=errors, organizations=options, charsets=charsets, how=HOW,
        )  # fmt: skip

    async def register(self, visit: Visit) -> Response:
        """POST: make the facility where it is new, then register the sender; what waited goes on."""
        sender = await self._sender(visit)
        known = {one["id"] for one in await active(visit.reader)}
        if errors := check(visit.form, known):
            return await self._form(visit, sender, visit.form, errors, 422)
        organization = visit.form.get("organization", "")
        if visit.form.get("how") == "new":
            made = facility(visit.form["name"], visit.form["code"])
            organization = made["id"]
            await visit.work.file([create(made)], f"urn:hie:onboarding#{visit.caller.subject}")
        await self.services.directory.onboard(
            sender, organization, by=visit.caller.subject, authority=visit.form["authority"],
            charset=visit.form["charset"], zone=visit.form["zone"],
        )  # fmt: skip
        visit.note("update", resource_type="Organization", resource_id=organization)
        released = await self.services.quarantine.release_known(by=visit.caller.subject)
        return visit.redirect(f"{BASE}/senders?registered=1&released={released}")


def facility(name: str, code: str) -> Json:
    """A new facility of the directory."""
    return {
        "resourceType": "Organization",
        "id": str(uuid.uuid4()),
        "active": True,
        "identifier": [{"system": ORGANIZATION, "value": code}],
        "name": name,
    }


def check(form: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """What is missing or wrong, by field."""
    errors: dict[str, str] = {}
    if form.get("how") == "new":
        if not form.get("name"):
            errors["name"] = N_("请填写机构名称。")
        if not form.get("code"):
            errors["code"] = N_("请填写机构代码。")
    elif form.get("organization") not in known:
        errors["organization"] = N_("请选择这个发送方属于哪家机构。")
    if charset.codec_of(form.get("charset", "")) is None:
        errors["charset"] = N_("请选择字符集。")
    if not _is_zone(form.get("zone", "")):
        errors["zone"] = N_("没有这个时区，例如 Asia/Shanghai。")
    if not form.get("authority", "").startswith(("urn:", "http://", "https://")):
        errors["authority"] = N_("编号体系写成以 urn: 或 http 开头的标识。")
    return errors


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
