"""Every setting of the portal, from HIE_* environment variables; the names mean the same as in the exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Frozen; the environment variable of each field is HIE_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HIE_", frozen=True, extra="ignore")

    mode: Literal["demo", "production"] = Field("demo", description="Production asks for https addresses")
    data_dir: Path = Field(Path("var"), description="Data, logs and keys of this machine")
    mongo_uri: str | None = Field(None, description="MongoDB for sessions; without it the embedded one is used")
    mongo_port: int = Field(27117, description="Port of the embedded mongod")
    database_prefix: str = Field("hie", description="Sessions are in the database PREFIX_portal")

    host: str = Field("127.0.0.1", description="Address that the portal binds")
    portal_port: int = Field(8081, description="Port that the portal binds")
    web_port: int = Field(8080, description="FHIR of the same machine")
    sign_in_port: int = Field(8082, description="Demo sign-in of the same machine")
    public_url: str | None = Field(None, description="Base of FHIR as the outside sees it")
    fhir_internal_url: str | None = Field(
        None, description="Where this machine reaches FHIR (.../fhir), if not at its public address"
    )
    portal_url: str | None = Field(None, description="Base of the portal as the outside sees it")
    issuer: str | None = Field(None, description="OpenID issuer, e.g. https://sso.example/realms/zibo")
    issuer_internal_url: str | None = Field(
        None, description="Where this machine reaches the issuer, if not at its public address"
    )
    portal_client: str = Field("portal", description="OpenID client of the portal")

    portal_name: str = Field("健康淄博", description="Name of the service, in Chinese")
    portal_phone: str = Field("12345", description="Telephone for help; 12345 is the city's service line")
    idle_seconds: int = Field(900, description="A visitor who does nothing is signed out after this")
    session_seconds: int = Field(8 * 3600, description="Nobody stays signed in longer than this")

    @model_validator(mode="after")
    def _production_is_private(self) -> Settings:
        if self.mode == "production" and not (self.issuer and self.is_https):
            raise ValueError("production needs HIE_ISSUER, and HIE_PORTAL_URL with https")
        return self

    @property
    def database_uri(self) -> str:
        """MongoDB to use: the given one, else the embedded one of this machine."""
        return self.mongo_uri or f"mongodb://127.0.0.1:{self.mongo_port}/?replicaSet=rs0"

    @property
    def fhir_url(self) -> str:
        """Base address at which FHIR is called."""
        public = f"{(self.public_url or f'http://{self.host}:{self.web_port}').rstrip('/')}/fhir"
        return (self.fhir_internal_url or public).rstrip("/")

    @property
    def own_url(self) -> str:
        """Base address of the portal, as browsers see it."""
        return (self.portal_url or f"http://{self.host}:{self.portal_port}").rstrip("/")

    @property
    def issuer_url(self) -> str:
        """The OpenID issuer whose tokens are taken."""
        return (self.issuer or f"http://{self.host}:{self.sign_in_port}/realms/zibo").rstrip("/")

    @property
    def issuer_origin(self) -> str:
        """Where a sign-out form is led to."""
        parts = urlsplit(self.issuer_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the portal by https."""
        return self.own_url.startswith("https:")
