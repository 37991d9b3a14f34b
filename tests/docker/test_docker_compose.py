"""The compose file says only what exists (settings, commands, routes, paths, secrets) and opens the doors meant."""

from __future__ import annotations

import importlib.resources
import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
from compose_file import DOCKER, ENV_EXAMPLE, EXCHANGE, FILE, compose, environment, example, services
from image_programs import program

from hie.cli import app
from hie.http.health import Health
from hie.settings import Settings

INSIDE = ("mongo1", "mongo2", "mongo3", "mongo-init", "keycloak-database")
OURS = (*EXCHANGE, "mongo-init")


def setting_names() -> set[str]:
    """Every environment variable that the exchange reads."""
    from portal.settings import Settings as PortalSettings

    return {
        f"{model.model_config.get('env_prefix', '')}{name}".upper()
        for model in (Settings, PortalSettings)
        for name in model.model_fields
    }


def placeholders() -> set[str]:
    """Every variable that the realm file reads."""
    return set(re.findall(r"\$\{(\w+):", (DOCKER / "keycloak" / "zibo-realm.json").read_text("utf-8")))


class TestForm:
    def test_schema(self) -> None:
        """It is a compose file by the schema of the specification."""
        package = pytest.importorskip("check_jsonschema", reason="carries the compose specification's schema")
        file = importlib.resources.files(package) / "builtin_schemas" / "vendor" / "compose-spec.json"
        schema = json.loads(file.read_text("utf-8"))

        assert list(jsonschema.validators.validator_for(schema)(schema).iter_errors(compose())) == []

    def test_compose_itself(self) -> None:
        """Docker Compose reads it with the example's variables; no engine is needed for that."""
        command = ["docker", "compose"]
        if not shutil.which("docker") or subprocess.run([*command, "version"], capture_output=True).returncode:
            pytest.skip("no docker compose on this machine")
        asked = [*command, "-f", str(FILE), "--env-file", str(ENV_EXAMPLE), "config", "--quiet"]
        answer = subprocess.run(asked, capture_output=True, text=True)

        assert (answer.returncode, answer.stderr) == (0, "")

    def test_variables(self) -> None:
        """Every variable is in env.example, and nothing else is."""
        used = set(re.findall(r"(?<!\$)\$\{(\w+)", FILE.read_text("utf-8")))

        assert set(example()) == used


class TestSettings:
    @pytest.mark.parametrize("service", EXCHANGE)
    def test_real_settings(self, service: str) -> None:
        """What a service is told is a setting of the exchange or of the portal."""
        told = {name.removesuffix("_FILE") for name in environment(service) if name.startswith("HIE_")}

        assert told - setting_names() == set()

    @pytest.mark.parametrize("service", ["web", "listener", "worker"])
    def test_production(self, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The exchange is in production, knows its issuer and keeps strangers' messages aside."""
        for name, value in environment(service).items():
            monkeypatch.setenv(name, value)
        found = Settings()

        assert (found.mode, found.unknown_sender) == ("production", "quarantine")
        assert found.issuer_url == "https://sso.example.org/realms/zibo"
        assert found.fhir_url == "https://hie.example.org/fhir"

    def test_mllp_is_encrypted(self) -> None:
        """The listener has certificate, key and the authority of its senders, as secrets that it is given."""
        names = ("HIE_MLLP_TLS_CERTIFICATE", "HIE_MLLP_TLS_KEY", "HIE_MLLP_TLS_CLIENT_CA")
        files = {environment("listener")[name].removeprefix("/run/secrets/") for name in names}

        assert files <= set(services()["listener"]["secrets"])

    def test_realm(self) -> None:
        """Keycloak fills the realm's placeholders; the demo accounts stay off."""
        told = {name.removesuffix("_FILE") for name in environment("keycloak") if name.startswith("HIE_")}

        assert told <= placeholders()
        assert placeholders() - told <= {"HIE_AUDIENCE"}
        assert environment("keycloak")["HIE_DEMO_ACCOUNTS"] == "false"
        assert environment("keycloak")["HIE_PUBLIC_URL"] == environment("web")["HIE_PUBLIC_URL"]
        assert environment("keycloak")["HIE_PORTAL_URL"] == environment("web")["HIE_PORTAL_URL"]

    @pytest.mark.parametrize("service", OURS)
    def test_databases(self, service: str) -> None:
        """The portal's user is another than the exchange's, and each has its secret."""
        told = {value for name, value in environment(service).items() if name.endswith("_FILE")}

        assert {file.removeprefix("/run/secrets/") for file in told} <= set(services()[service]["secrets"])
        assert ("exchange_mongo_uri" in services()[service]["secrets"]) == (service != "portal")


class TestServices:
    def test_commands(self) -> None:
        """Each service runs a command that there is."""
        known = {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}

        assert {services()[one]["command"][1] for one in EXCHANGE} <= known
        assert {services()[one]["command"][0] for one in EXCHANGE} == {"hie"}

    def test_health_of_the_exchange(self) -> None:
        """Health is asked where it is answered."""
        from portal.app import create
        from portal.settings import Settings as PortalSettings

        web = {route.path for route in Health({}).routes()}
        portal = {getattr(route, "path", "") for route in create(PortalSettings()).routes}

        assert _asked("web") in [(Settings().web_port, path) for path in web]
        assert _asked("portal") in [(Settings().portal_port, path) for path in portal]
        assert services()["listener"]["healthcheck"]["test"][-1] == f"tcp:{Settings().mllp_port}"

    @pytest.mark.parametrize("service", sorted(set(services()) - {"mongo-init"}))
    def test_health(self, service: str) -> None:
        """Every service that stays says how it is."""
        assert services()[service]["healthcheck"]["test"][0] == "CMD"

    @pytest.mark.parametrize("service", sorted(services()))
    def test_limits(self, service: str) -> None:
        """Read-only, without rights, within bounds, started again, at a named version."""
        found = services()[service]

        assert found["read_only"] is True
        assert found["cap_drop"] == ["ALL"]
        assert found["security_opt"] == ["no-new-privileges:true"]
        assert found["mem_limit"] and found["pids_limit"] and found["restart"]
        assert re.search(r":(\d|\$\{HIE_VERSION)", found["image"])

    @pytest.mark.parametrize("service", sorted(services()))
    def test_waits_for_what_is_there(self, service: str) -> None:
        """Services depend on services, when those are done or healthy."""
        conditions = services()[service].get("depends_on", {})

        assert set(conditions) <= set(services())
        assert {one["condition"] for one in conditions.values()} <= {
            "service_healthy",
            "service_completed_successfully",
        }


class TestDoors:
    def test_published(self) -> None:
        """Only the proxy and MLLP over TLS are reached from outside."""
        assert {name: one["ports"] for name, one in services().items() if "ports" in one} == {
            "proxy": ["443:8443", "80:8080"],
            "listener": ["${MLLP_PORT:-2575}:2575"],
        }

    def test_networks(self) -> None:
        """Databases are in networks without a way out, and the proxy in none of a database."""
        networks = compose()["networks"]

        for name in set(INSIDE) - {"mongo-init"}:
            assert all(networks[one].get("internal") for one in services()[name]["networks"])
        databases = {one for name in set(INSIDE) - {"mongo-init"} for one in services()[name]["networks"]}
        assert not databases & set(services()["proxy"]["networks"])

    def test_proxy(self) -> None:
        """It passes on to services and ports that there are, through a network that both are in."""
        text = (DOCKER / "proxy" / "Caddyfile").read_text("utf-8")
        targets = dict(re.findall(r"reverse_proxy ([\w-]+):(\d+)", text))

        assert targets == {
            "web": str(Settings().web_port), "portal": str(Settings().portal_port), "keycloak": "8080",
        }  # fmt: skip
        assert all("inside" in services()[one]["networks"] for one in (*targets, "proxy"))
        assert set(re.findall(r"\{\$(\w+)", text)) <= set(environment("proxy"))


class TestSecrets:
    def test_not_in_the_file(self) -> None:
        """No environment holds a password: those are files."""
        for service in services():
            secret = [name for name in environment(service) if re.search("PASSWORD|SECRET|MONGO_URI", name)]
            assert all(name.endswith("_FILE") for name in secret)

    def test_made(self, tmp_path: Path) -> None:
        """All are made, closed to others, kept by a second run; the certificates are asked for."""
        first = subprocess.run([DOCKER / "make-secrets", tmp_path / "s"], capture_output=True, text=True, check=True)
        made = {file.name: file.read_text() for file in (tmp_path / "s").iterdir()}
        subprocess.run([DOCKER / "make-secrets", tmp_path / "s"], capture_output=True, check=True)

        assert {file.name: file.read_text() for file in (tmp_path / "s").iterdir()} == made
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
        needed = {Path(one["file"]).name for one in compose()["secrets"].values()}
        asked = {Path(line).name for line in first.stderr.splitlines()}
        assert (set(made) | asked, set(made) & asked) == (needed, set())
        assert all(len(text) > 30 for text in made.values())
        assert len(set(made.values())) == len(made)

    def test_users_of_the_database(self, tmp_path: Path) -> None:
        """The connection strings name the members of the compose file, and two users with rights of their own."""
        subprocess.run([DOCKER / "make-secrets", tmp_path], capture_output=True, check=True)
        initiate = program("initiate-mongo")
        users = {}
        for name, parts in initiate.PARTS.items():
            file = environment("mongo-init")[f"{name}_FILE"].removeprefix("/run/secrets/")
            uri = (tmp_path / file).read_text().strip()
            assert urlsplit(uri).netloc.rpartition("@")[2] == environment("mongo-init")["MONGO_MEMBERS"]
            user = initiate.user_of(uri, "hie", parts)
            users[user.name] = user.databases

        assert users["portal"] == ["hie_portal"]
        assert set(users["exchange"]) > set(users["portal"])

    def test_only_what_is_given(self) -> None:
        """A service's secrets and volumes are declared, and what it mounts from the checkout is there."""
        for one in services().values():
            assert set(one.get("secrets", [])) <= set(compose()["secrets"])
            for source in (volume.split(":")[0] for volume in one.get("volumes", [])):
                assert source in compose()["volumes"] or (DOCKER / source).is_file()


def _asked(service: str) -> tuple[int | None, str]:
    address = urlsplit(services()[service]["healthcheck"]["test"][-1])
    return address.port, address.path
