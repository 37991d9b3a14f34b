"""The realm file is what its program writes, and holds no secret."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from hie.access.demo_sign_in.accounts import accounts
from hie.access.policy import policy
from hie.access.scopes import parse
from hie.workbench.oidc import SCOPE as WORKBENCH_SCOPE
from portal.oidc import SCOPE as PORTAL_SCOPE

KEYCLOAK = Path(__file__).resolve().parents[2] / "docker" / "keycloak"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """docker/keycloak/make_realm.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("make_realm", KEYCLOAK / "make_realm.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestRealm:
    def test_up_to_date(self, program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Written again, it is the same to the byte."""
        monkeypatch.setattr(program, "FILE", tmp_path / "realm.json")
        program.main()

        assert (tmp_path / "realm.json").read_bytes() == (KEYCLOAK / "zibo-realm.json").read_bytes()

    def test_no_secret(self, program: ModuleType) -> None:
        """The backend's secret comes from the environment, and the demo accounts are off without a word of it."""
        realm = program.realm()
        secrets = [client["secret"] for client in realm["clients"] if "secret" in client]

        assert secrets == ["${HIE_SYSTEM_SECRET:}"]
        assert {user["enabled"] for user in realm["users"] if "credentials" in user} == {"${HIE_DEMO_ACCOUNTS:false}"}

    def test_no_id_number(self) -> None:
        """Which resident an account is stays inside the exchange."""
        text = (KEYCLOAK / "zibo-realm.json").read_text("utf-8")

        assert all(one.binding[1] not in text for one in accounts().values() if one.binding)

    def test_roles(self, program: ModuleType) -> None:
        """Every role of the realm is one of the access policy."""
        assert set(program.role_names()) <= set(policy().roles)

    def test_scopes(self, program: ModuleType) -> None:
        """Every SMART scope is one that the exchange understands; what workbench and portal ask for is among them."""
        smart = [one for one in program.smart_scopes() if one != "launch/patient"]

        assert all(parse(one) for one in smart)
        assert set(WORKBENCH_SCOPE.split()) - {"openid"} <= set(program.smart_scopes("user"))
        assert set(PORTAL_SCOPE.split()) - {"openid"} <= set(program.smart_scopes("patient"))

    def test_clients(self, program: ModuleType) -> None:
        """Browsers use the code flow with S256 alone, the backend its own grant alone."""
        flows = ("standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled")
        found = {one["clientId"]: [one.get(name, False) for name in flows] for one in program.clients()}

        assert found == {
            "workbench": [True, False, False, False],
            "portal": [True, False, False, False],
            "system": [False, False, False, True],
        }
        methods = [one["attributes"]["pkce.code.challenge.method"] for one in program.clients() if "attributes" in one]
        assert methods == ["S256", "S256"]

    def test_placeholders_have_values(self) -> None:
        """An import without any environment gives a realm: each placeholder says what it is without one."""
        text = json.dumps(json.loads((KEYCLOAK / "zibo-realm.json").read_text("utf-8")))

        assert re.findall(r"\$\{[^}:]*\}", text) == []
