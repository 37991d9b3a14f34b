"""Every setting of the exchange, described; read from HIE_* environment variables once, at start."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Frozen; the environment variable of each field is HIE_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HIE_", frozen=True, extra="ignore")

    mode: Literal["demo", "production"] = Field("demo", description="Production refuses the demo sign-in")
    data_dir: Path = Field(Path("var"), description="Data, logs and keys of this machine")
    mongo_uri: str | None = Field(None, description="MongoDB replica set; without it an embedded mongod is started")
    mongo_port: int = Field(27117, description="Port of the embedded mongod")
    database_prefix: str = Field("hie", description="The databases are PREFIX_exchange, _health_records, _emr, ...")

    host: str = Field("127.0.0.1", description="Address that every listener binds")
    web_port: int = Field(8080, description="FHIR, workbench, metrics, health")
    portal_port: int = Field(8081, description="Resident portal")
    sign_in_port: int = Field(8082, description="Demo sign-in")
    mllp_port: int = Field(2575, description="HL7 v2 over MLLP")
    public_url: str | None = Field(None, description="Base of FHIR and workbench as the outside sees it")
    portal_url: str | None = Field(None, description="Base of the portal as the outside sees it")

    issuer: str | None = Field(None, description="OpenID issuer, e.g. https://sso.example/realms/zibo")
    issuer_internal_url: str | None = Field(
        None, description="Where this machine reaches the issuer, if not at its public address"
    )
    audience: str = Field("hie", description="Audience that access tokens must name")
    workbench_client: str = Field("workbench", description="OpenID client of the staff workbench")
    portal_client: str = Field("portal", description="OpenID client of the portal")

    unknown_sender: Literal["accept", "quarantine"] = Field(
        "accept", description="What happens to messages of a sender nobody registered; production: quarantine"
    )
    default_charset: str = Field("UTF-8", description="Character set where MSH-18 names none")
    default_zone: str = Field("Asia/Shanghai", description="Time zone of provisional sites")

    mllp_max_bytes: int = Field(16_000_000, description="A larger frame is answered AR and kept")
    mllp_idle_seconds: float = Field(300.0, description="A silent connection is closed after this")
    mllp_max_connections: int = Field(256, description="Connections at once; further ones are refused")
    mllp_release: int = Field(1, ge=1, le=2, description="MLLP release: 2 commits each message with ACK or NAK first")
    mllp_listeners: Path | None = Field(
        None, description="YAML of several listeners; without it listeners.yaml of the data directory, if any"
    )
    site_messages_per_second: float = Field(
        0.0, ge=0, description="Messages a second of a site whose profile says nothing; 0: without a limit"
    )
    site_connections: int = Field(0, ge=0, description="MLLP connections of such a site; 0: without a limit")
    most_pending: int = Field(
        1_000_000, ge=0, description="From half of so many waiting messages on senders are slowed down, at it AR; 0: no"
    )
    mllp_tls_certificate: Path | None = Field(None, description="PEM chain; with the key it switches TLS on")
    mllp_tls_key: Path | None = Field(None, description="PEM key")
    mllp_tls_client_ca: Path | None = Field(None, description="PEM bundle; with it a client certificate is required")

    fhir_max_bytes: int = Field(32_000_000, description="Largest FHIR request body")
    fhir_max_entries: int = Field(5_000, description="Largest batch or transaction")
    fhir_default_count: int = Field(20, description="Page size where _count is absent")
    fhir_max_count: int = Field(500, description="Largest page")
    fhir_max_conditional_deletes: int = Field(
        100, ge=1, le=400, description="Most resources that one conditional delete takes away; 1: several are refused"
    )
    fhir_gzip_bytes: int = Field(4_000, description="Smallest FHIR answer that is compressed for who asks; 0: none is")
    fhir_profiles: Literal["ignore", "enforce"] = Field(
        "ignore", description="enforce: nothing is stored that does not keep the profiles in its meta.profile"
    )
    fhir_cors_origins: str = Field(
        "", description="Origins of SMART apps in a browser, blanks between them, or *; none: no other origin is let in"
    )

    subscription_hosts: str = Field(
        "", description="Where notifications may go: hosts, *.domains, addresses, networks; separated by commas"
    )
    message_response_hosts: str = Field(
        "", description="Where responses to asynchronous FHIR messages may go: hosts, *.domains, addresses, networks"
    )
    subscription_retention_days: float = Field(7.0, description="Told events are kept so long for $events and $resend")

    bulk_jobs: int = Field(5, ge=1, description="Bulk jobs that one client may have under way; further ones get 429")
    bulk_keep_hours: float = Field(24.0, gt=0, description="Files and manifest of a finished bulk job are kept so long")
    bulk_file_rows: int = Field(20_000, ge=1, description="Resources in one file of an export")
    bulk_settle_seconds: float = Field(2.0, ge=0, description="An export waits so long for writes under way")
    bulk_import_from: str = Field(
        "", description="Origins that $import fetches from, blanks between them; in a demonstration also this machine"
    )
    bulk_import_bytes: int = Field(20_000_000_000, ge=1, description="Most bytes of one file of an import")

    reindex_rate: int = Field(1_000, ge=0, description="Resources a second that reindexing visits; 0: without a limit")

    lanes: int = Field(64, description="Ordered lanes; one patient of one source is always in the same lane")
    workers: int = Field(1, description="Worker processes under `hie up`")
    web_workers: int = Field(1, description="Web processes under `hie up`")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @property
    def database_uri(self) -> str:
        """MongoDB to use: the given one, else the embedded one of this machine."""
        return self.mongo_uri or f"mongodb://127.0.0.1:{self.mongo_port}/?replicaSet=rs0"

    @property
    def web_url(self) -> str:
        """Base address of FHIR and workbench."""
        return self.public_url or f"http://{self.host}:{self.web_port}"

    @property
    def own_url(self) -> str:
        """Where this machine reaches its own web service, whatever the outside calls it."""
        return f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.web_port}"  # noqa: S104

    @property
    def fhir_url(self) -> str:
        """Base address of the FHIR API."""
        return f"{self.web_url}/fhir"

    @property
    def issuer_url(self) -> str:
        """The OpenID issuer whose tokens are taken."""
        return self.issuer or f"http://{self.host}:{self.sign_in_port}/realms/zibo"
