"""A real Keycloak with the realm of the repository, for tests: fetched by Maven, started on a free port."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from keycloak import KeycloakOpenID

VERSION = "26.5.6"
DOCKER = Path(__file__).resolve().parents[2] / "docker"
REALM = DOCKER / "keycloak" / "zibo-realm.json"
THEMES = DOCKER / "keycloak" / "themes"
CALLBACK = {"workbench": "http://127.0.0.1:8080/workbench/callback", "portal": "http://127.0.0.1:8081/callback"}
START_SECONDS = 180


def home(work: Path) -> Path:
    """The unpacked distribution; fetched where it is not there yet."""
    found = work / f"keycloak-{VERSION}"
    if not (found / "bin" / "kc.sh").exists():
        artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        command = ["mvn", "-q", "-B", "dependency:unpack", f"-Dartifact={artifact}", f"-DoutputDirectory={work}"]
        subprocess.run(command, cwd=work, check=True, capture_output=True, timeout=600)
    return found


@contextmanager
def keycloak(work: Path, port: int, management_port: int) -> Iterator[str]:
    """Its base address, once it answers for the realm. A copy runs, so that nothing of an earlier run is seen."""
    running = work / f"run-{port}"
    shutil.copytree(home(work), running, ignore=shutil.ignore_patterns("data"))
    (running / "data" / "import").mkdir(parents=True)
    shutil.copy(REALM, running / "data" / "import")
    shutil.copytree(THEMES, running / "themes", dirs_exist_ok=True)
    process = subprocess.Popen(
        [
            str(running / "bin" / "kc.sh"), "start-dev", "--import-realm", "--http-host=127.0.0.1",
            f"--http-port={port}", f"--http-management-port={management_port}",
        ],
        env={**os.environ, "HIE_DEMO_ACCOUNTS": "true", "HIE_SYSTEM_SECRET": "s3cret"},
        stdout=(running / "log").open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/realms/zibo", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(running, ignore_errors=True)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise TimeoutError("Keycloak did not start")


class SignIn:
    """What a browser does between a client and Keycloak's own page."""

    def __init__(self, base: str, client: str) -> None:
        self.base, self.client = base, client
        self.verifier = secrets.token_urlsafe(48)
        self.openid = KeycloakOpenID(server_url=base, realm_name="zibo", client_id=client)

    def request(self, scope: str, **changes: str) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code", "client_id": self.client, "redirect_uri": CALLBACK[self.client], "state": "s",
            "scope": scope, "nonce": "n-1", "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), **changes,
        }  # fmt: skip
        return f"{self.base}/realms/zibo/protocol/openid-connect/auth?{urlencode(asked)}"

    def back(self, account: str, scope: str) -> dict[str, list[str]]:
        """Sign in at the page; the fields that come back to the client."""
        with httpx.Client(trust_env=False, timeout=30) as browser:
            page = browser.get(self.request(scope))
            action = re.search(r'action="([^"]+)"', page.text)
            assert action is not None, page.text[:500]
            form = {"username": account, "password": account, "credentialId": ""}
            # The cookies are marked Secure; a browser sends them to loopback all the same, httpx does not.
            cookies = "; ".join(f"{one.name}={one.value}" for one in page.cookies.jar)
            answer = browser.post(html.unescape(action[1]), data=form, headers={"Cookie": cookies})
        assert answer.status_code == 302, answer.text[:500]
        assert answer.headers["location"].startswith(CALLBACK[self.client])
        return parse_qs(urlsplit(answer.headers["location"]).query)

    def token(self, account: str, scope: str) -> dict[str, str]:
        """The token response, by python-keycloak."""
        code = self.back(account, scope)["code"][0]
        found: dict[str, str] = self.openid.token(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK[self.client], code_verifier=self.verifier
        )
        return found
