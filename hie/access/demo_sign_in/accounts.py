"""
The demo accounts: who they are, and which resident they are bound to.

https://www.keycloak.org/docs/latest/server_admin/#assembly-managing-users_server_administration_guide
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from hie.access.accounts import Accounts

RESIDENT = "resident"


@dataclass(frozen=True, slots=True)
class Account:
    """One account; `binding` is (system, value) of the resident's identifier and never leaves this side."""

    account: str
    name: str
    role: str
    zh: str
    en: str
    organization: str = ""
    organization_name: str = ""
    binding: tuple[str, str] | None = None

    @property
    def subject(self) -> str:
        """The `sub` of its tokens; the same on every machine."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:hie:demo-account:{self.account}"))


SYSTEM = Account("system", "后台系统", "system", "后台系统", "backend service")


@lru_cache(maxsize=1)
def accounts() -> Mapping[str, Account]:
    """Every account that a person can sign in to, by name."""
    data = json.loads(resources.files("hie.access.demo_sign_in").joinpath("accounts.json").read_text("utf-8"))
    return {found["account"]: _account(found, data["organizations"]) for found in data["accounts"]}


def _account(found: dict[str, object], organizations: dict[str, dict[str, str]]) -> Account:
    belongs = organizations.get(str(found.get("organization", "")), {})
    bound = found.get("binding")
    return Account(
        str(found["account"]),
        str(found["name"]),
        str(found["role"]),
        str(found["zh"]),
        str(found["en"]),
        belongs.get("identifier", ""),
        belongs.get("name", ""),
        (bound["system"], bound["value"]) if isinstance(bound, dict) else None,
    )


def authenticate(account: str, password: str) -> Account | None:
    """The account, where name and password fit."""
    found = accounts().get(account)
    right = hmac.compare_digest(password.encode(), (found.account if found else "\x00").encode())
    return found if right else None


async def bind_demo_accounts(bindings: Accounts) -> None:
    """Bind the demo residents where nobody bound them otherwise; safe to repeat at every start."""
    for account in accounts().values():
        if account.binding and await bindings.binding(account.subject) is None:
            await bindings.bind(account.subject, *account.binding, by="demo")
