"""
Writes `zibo-realm.json` from the demo accounts: `python docker/keycloak/make_realm.py`.

What depends on the place is a placeholder that Keycloak fills from its environment at import.
https://www.keycloak.org/server/importExport
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hie.access.demo_sign_in.accounts import SYSTEM, Account, accounts
from hie.access.demo_sign_in.clients import RESIDENT_WRITES

FILE = Path(__file__).with_name("zibo-realm.json")
Json = dict[str, Any]

# The types for which a client may ask a scope of its own; `*` covers every other.
TYPES = (
    "*", "AllergyIntolerance", "Appointment", "AuditEvent", "CarePlan", "Composition", "Condition", "Consent",
    "Coverage", "DiagnosticReport", "DocumentReference", "Encounter", "EpisodeOfCare", "FamilyMemberHistory",
    "Immunization", "Location", "MedicationDispense", "MedicationRequest", "MedicationStatement", "Observation",
    "Organization", "Patient", "Person", "Practitioner", "PractitionerRole", "Procedure", "Provenance",
    "QuestionnaireResponse", "ServiceRequest", "Task",
)  # fmt: skip
WIDE = ("rs", "cruds", "read", "write")
LETTERS = {"patient": ("rs", "read"), "user": WIDE, "system": WIDE}
DEFAULT_SCOPES = ["basic", "acr", "profile", "email", "roles", "web-origins", "exchange"]


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(realm(), ensure_ascii=False, indent=1) + "\n", "utf-8")


def realm() -> Json:
    """The whole realm."""
    return {
        "realm": "zibo",
        "displayName": "淄博市全民健康信息平台",
        "enabled": True,
        "sslRequired": "external",
        "registrationAllowed": False,
        "resetPasswordAllowed": False,
        "loginWithEmailAllowed": False,
        "bruteForceProtected": True,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "accessTokenLifespan": 300,
        "ssoSessionIdleTimeout": 1800,
        "ssoSessionMaxLifespan": 28800,
        "defaultSignatureAlgorithm": "RS256",
        "internationalizationEnabled": True,
        "supportedLocales": ["zh-CN", "en"],
        "defaultLocale": "zh-CN",
        "loginTheme": "zibo",
        "eventsEnabled": True,
        "adminEventsEnabled": True,
        "roles": {"realm": [{"name": name} for name in role_names()]},
        "clientScopes": [*built_in_scopes(), exchange_scope(), *map(smart_scope, smart_scopes())],
        "defaultDefaultClientScopes": DEFAULT_SCOPES,
        "clients": list(clients()),
        "users": [user(one) for one in accounts().values()] + [service_account()],
        "components": {"org.keycloak.userprofile.UserProfileProvider": [user_profile()]},
    }


def role_names() -> list[str]:
    """The roles of the access policy."""
    return list(dict.fromkeys([*(one.role for one in accounts().values()), SYSTEM.role]))


def smart_scopes(context: str = "") -> Iterator[str]:
    """Every SMART scope that can be asked for, of one context or of all."""
    for name, letters in LETTERS.items():
        if context in ("", name):
            yield from (f"{name}/{kind}.{ops}" for kind in TYPES for ops in letters)
    if context in ("", "patient"):
        yield from (f"patient/{kind}.cruds" for kind in sorted(RESIDENT_WRITES))
        yield "launch/patient"


def clients() -> Iterator[Json]:
    """Workbench and portal sign people in; the system acts for itself."""
    workbench = browser_client("workbench", "${HIE_PUBLIC_URL:http://127.0.0.1:8080}", "/workbench", "user")
    yield told_of_sign_out(workbench, "${HIE_WEB_INTERNAL_URL:http://127.0.0.1:8080}/workbench")
    portal = browser_client("portal", "${HIE_PORTAL_URL:http://127.0.0.1:8081}", "", "patient")
    yield told_of_sign_out(portal, "${HIE_PORTAL_INTERNAL_URL:http://127.0.0.1:8081}")
    yield {
        "clientId": "system",
        "name": "后台系统 / backend service",
        "clientAuthenticatorType": "client-secret",
        # Without a secret of the operator's own there is none that anybody could know.
        "secret": "${HIE_SYSTEM_SECRET:}",
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": True,
        "defaultClientScopes": DEFAULT_SCOPES,
        "optionalClientScopes": list(smart_scopes("system")),
    }


def browser_client(name: str, base: str, path: str, context: str) -> Json:
    """A public client: code flow, PKCE with S256, nothing else."""
    return {
        "clientId": name,
        "publicClient": True,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": True,
        "redirectUris": [f"{base}{path}/callback"],
        "webOrigins": [],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "post.logout.redirect.uris": f"{base}{path}/*##{base}{path}",
        },
        "defaultClientScopes": DEFAULT_SCOPES,
        "optionalClientScopes": ["offline_access", *smart_scopes(context)],
    }  # fmt: skip


def told_of_sign_out(client: Json, inside: str) -> Json:
    """Keycloak itself tells the client when a session ended elsewhere, at its address inside the house."""
    told = {
        "backchannel.logout.url": f"{inside}/back-channel-logout",
        "backchannel.logout.session.required": "true",
    }
    return {**client, "frontchannelLogout": False, "attributes": {**client["attributes"], **told}}


def user(account: Account) -> Json:
    """A demo account; disabled unless the environment asks for the demo."""
    found: Json = {
        "id": account.subject,
        "username": account.account,
        "enabled": "${HIE_DEMO_ACCOUNTS:false}",
        "firstName": account.name,
        "credentials": [{"type": "password", "value": account.account}],
        "realmRoles": [account.role],
    }
    if account.organization:
        found["attributes"] = {
            "organization": [account.organization],
            "organization_name": [account.organization_name],
        }
    return found


def service_account() -> Json:
    """The user behind the client `system`."""
    return {
        "id": SYSTEM.subject,
        "username": "service-account-system",
        "enabled": True,
        "serviceAccountClientId": "system",
        "realmRoles": [SYSTEM.role],
    }


def scope(name: str, mappers: list[Json], *, in_token: bool = False) -> Json:
    """A client scope."""
    shown = {"include.in.token.scope": str(in_token).lower(), "display.on.consent.screen": "false"}
    return {"name": name, "protocol": "openid-connect", "attributes": shown, "protocolMappers": mappers}


def smart_scope(name: str) -> Json:
    """A SMART scope only has to be registered; what it means is decided by the exchange."""
    return scope(name, [], in_token=True)


def mapper(name: str, kind: str, **config: str) -> Json:
    """A protocol mapper that writes into every token."""
    everywhere = {
        "access.token.claim": "true",
        "id.token.claim": "true",
        "userinfo.token.claim": "true",
        "introspection.token.claim": "true",
    }
    settings = everywhere | {key.replace("__", "."): value for key, value in config.items()}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": settings}


def built_in_scopes() -> Iterator[Json]:
    """A realm file that lists scopes gets none of Keycloak's own: these are they."""
    auth_time = {"user__session__note": "AUTH_TIME", "claim__name": "auth_time", "jsonType__label": "long"}
    yield scope(
        "basic",
        [
            mapper("sub", "oidc-sub-mapper"),
            mapper("auth_time", "oidc-usersessionmodel-note-mapper", **auth_time),
        ],
    )
    yield scope("acr", [mapper("acr loa level", "oidc-acr-mapper")])
    username = {"user__attribute": "username", "claim__name": "preferred_username", "jsonType__label": "String"}
    yield scope(
        "profile",
        [
            mapper("username", "oidc-usermodel-attribute-mapper", **username),
            mapper("full name", "oidc-full-name-mapper"),
        ],
        in_token=True,
    )
    email = {"user__attribute": "email", "claim__name": "email", "jsonType__label": "String"}
    yield scope("email", [mapper("email", "oidc-usermodel-attribute-mapper", **email)], in_token=True)
    roles = {"claim__name": "realm_access.roles", "jsonType__label": "String", "multivalued": "true"}
    yield scope("roles", [mapper("realm roles", "oidc-usermodel-realm-role-mapper", **roles)])
    yield scope("web-origins", [mapper("allowed web origins", "oidc-allowed-origins-mapper")])
    yield scope("offline_access", [], in_token=True)


def exchange_scope() -> Json:
    """What the exchange reads beyond the standard: its audience, and the caller's organization."""
    names = ("organization", "organization_name")
    settings = [{"user__attribute": name, "claim__name": name, "jsonType__label": "String"} for name in names]
    return scope(
        "exchange",
        [
            mapper("audience", "oidc-audience-mapper", included__custom__audience="${HIE_AUDIENCE:hie}"),
            *(mapper(one["claim__name"], "oidc-usermodel-attribute-mapper", **one) for one in settings),
        ],
    )


def user_profile() -> Json:
    """Only administrators say to which organization an account belongs."""
    everyone, staff = ["admin", "user"], ["admin"]
    attributes = [
        {"name": "username", "displayName": "Username", "permissions": {"view": everyone, "edit": staff}},
        {"name": "email", "displayName": "Email", "permissions": {"view": everyone, "edit": everyone}},
        {"name": "firstName", "displayName": "Name", "permissions": {"view": everyone, "edit": staff}},
        {"name": "lastName", "displayName": "Second name", "permissions": {"view": everyone, "edit": staff}},
        {"name": "organization", "displayName": "Organization", "permissions": {"view": everyone, "edit": staff}},
        {"name": "organization_name", "displayName": "Organization", "permissions": {"view": everyone, "edit": staff}},
    ]
    text = json.dumps({"attributes": attributes})
    return {"providerId": "declarative-user-profile", "config": {"kc.user.profile.config": [text]}}


if __name__ == "__main__":
    main()
