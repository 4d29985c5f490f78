"""Every setting, once: an environment variable ``CROSSLIFT_<NAME>``, its default and what it is for.

``crosslift doctor`` lists them with value and origin. Nothing else reads the environment, but for what the catalogues of tasks
and models are built from at import (``backend/domain/tasks``, ``backend/domain/model``) and the dashboard's address of its API.

Secrets may come from files, as containers hand them over: ``CROSSLIFT_DATABASE_URL_FILE`` and the like name a file with the
value. The variable itself wins where both are set.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from backend.errors import Conflict

SECRETS = ("database_url", "redis_url", "session_key", "token", "metrics_token", "oidc_client_secret")


def secret_files() -> dict[str, str]:
    """Values of the secrets that ``CROSSLIFT_<NAME>_FILE`` names a file for.

    Raises:
        ValueError: such a file cannot be read.
    """
    found = {}
    for name in SECRETS:
        variable = f"CROSSLIFT_{name.upper()}_FILE"
        if path := os.environ.get(variable):
            try:
                found[name] = Path(path).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"{variable}={path} cannot be read: {error}") from error
    return found


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CROSSLIFT_", extra="ignore", env_ignore_empty=True)

    home: Path = Field(
        Path(".crosslift"), description="folder of all state: database, artifacts, sockets, logs, caches"
    )
    host: str = Field("127.0.0.1", description="address the web process listens on")
    port: int = Field(8321, ge=0, le=65535, description="port of the web process")
    accounts: bool = Field(False, description="people sign in; needed to listen on anything but loopback")
    session_hours: float = Field(24, gt=0, le=24 * 90, description="how long one stays signed in")
    session_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="signs session cookies, the same for every web process; default: one made up and kept in HOME",
    )
    oidc_issuer: str | None = Field(
        None, description="address of an OpenID Connect provider that people may sign in by, as in its tokens"
    )
    oidc_client_id: str | None = Field(None, description="what this installation is called there")
    oidc_client_secret: SecretStr | None = Field(None, description="and what it proves that with")
    oidc_name: str = Field("OpenID Connect", min_length=1, max_length=40, description="what its button says")
    oidc_accounts: str | None = Field(
        None,
        description="what names the account: a domain of verified e-mail addresses (`@lab.example`), or a claim that people "
        "there cannot choose themselves",
    )
    oidc_roles: str | None = Field(
        None,
        description="roles by claim, as `groups:lab-admins=admin,groups:lab=submitter`; accounts are then made at the first "
        "sign-in, and nobody else enters. Default: only accounts that exist enter, in their roles",
    )
    quota_experiments: int = Field(
        20, ge=0, description="experiments that an account may have that are not over, admins apart; 0: any number"
    )
    quota_runs: int = Field(5000, ge=0, description="the same of runs")
    token: SecretStr | None = Field(None, description="API token of the command line, where people sign in")
    public_url: str | None = Field(
        None, description="address that others reach this installation under; makes links that travel"
    )
    embed_origins: str | None = Field(
        None,
        description="origins of pages that may show shared figures in a frame, separated by commas, as "
        "`https://lab.example`; default: none may",
    )
    database_url: SecretStr | None = Field(None, description="SQLAlchemy address; default: SQLite in HOME")
    redis_url: SecretStr | None = Field(
        None, description="broker; default: an embedded Redis on a socket in a private folder"
    )
    artifacts: str | None = Field(
        None, description="where checkpoints and predictions live, any fsspec address; default: HOME/artifacts"
    )
    data_root: Path | None = Field(
        None, description="folder with benchmark files in their original formats, for source `files`"
    )
    tasks: str | None = Field(None, description="more folders with task files, separated like PATH")
    model_root: Path | None = Field(
        None,
        description="folder whose folders are models of this installation's own: safetensors, configuration, tokenizer",
    )
    models_allowed: str | None = Field(
        None, description="more models of the hub that may be used, as organisation/model, separated by commas"
    )
    workers: int = Field(0, ge=0, le=256, description="runs at a time on this machine; 0: one per CPU core, at most 4")
    threads: int = Field(
        0, ge=0, le=256, description="torch threads a run may use; 0: the cores shared out over the workers"
    )
    device: str = Field("auto", pattern="^(auto|cpu|cuda)$", description="device class this machine's worker serves")
    lease_seconds: float = Field(30, gt=1, le=600, description="a run without a heartbeat for this long is taken back")
    heartbeat_seconds: float = Field(5, gt=0.05, le=60, description="between two heartbeats of a running run")
    sweep_seconds: float = Field(
        5, gt=0.1, le=60, description="between two sweeps that ring again and take back expired leases"
    )
    checkpoint_seconds: float = Field(60, gt=0.1, le=86400, description="between two checkpoints of a training run")
    grace_seconds: float = Field(
        30, gt=0.1, le=3600, description="what a run gets to save and stop before its process is killed"
    )
    max_attempts: int = Field(3, ge=1, le=100, description="tries before a run whose process keeps dying is failed")
    trusted_hosts: str = Field(
        "127.0.0.1,localhost,[::1],testserver", description="host names the web process answers to, separated by commas"
    )
    metrics_token: SecretStr | None = Field(
        None, description="token that shows `/metrics` to other machines; default: to this machine only"
    )
    api_url: str | None = Field(None, description="address of the API when the dashboard runs apart from it")
    offline: bool = Field(False, description="never ask the hub: only what is on this machine")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=dict(secret_files()))

    @property
    def database(self) -> str:
        """The address with its password; never logged."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.root / 'crosslift.db'}"

    @property
    def broker(self) -> str:
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return f"redis+socket://{self.redis_socket}"

    @property
    def token_of_metrics(self) -> str | None:
        return None if self.metrics_token is None else self.metrics_token.get_secret_value()

    @property
    def passwords(self) -> list[str]:
        """What no log line may hold: tokens, keys, and the passwords of the addresses, each as it is used."""
        kept = (self.metrics_token, self.session_key, self.token, self.oidc_client_secret)
        found = [secret.get_secret_value() for secret in kept if secret is not None]
        for address in (self.database, self.broker, self.artifacts or ""):
            with suppress(ValueError):
                parts = urlsplit(address)
                found += [unquote(parts.password or ""), *(v for k, v in parse_qsl(parts.query) if "password" in k)]
        return [password for password in found if password]

    @property
    def signing_key(self) -> bytes:
        """What session cookies are signed with; made at first use where none is set.

        Raises:
            Conflict: HOME cannot be written to.
        """
        if self.session_key is not None:
            return self.session_key.get_secret_value().encode()
        path = self.root / "session.key"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):  # whoever comes first makes it, whole
                fresh = path.with_name(f".session.key.{os.getpid()}")
                fresh.touch(mode=0o600)
                fresh.write_text(secrets.token_urlsafe(32))
                os.link(fresh, path)
            fresh.unlink(missing_ok=True)
            return path.read_bytes()
        except OSError as error:
            raise Conflict(
                f"The key that signs session cookies cannot be kept in {path}: {error.strerror or error}. Name one in "
                "CROSSLIFT_SESSION_KEY."
            ) from error

    @property
    def root(self) -> Path:
        return self.home.expanduser().resolve()

    @property
    def redis_socket(self) -> Path:
        """In HOME, unless that is too long for a socket address (100 bytes): then in a private temporary folder."""
        path = self.root / "run" / "redis.sock"
        if len(os.fsencode(path)) <= 100:
            return path
        import hashlib
        import tempfile

        short = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"crosslift-{os.getuid()}-{short}" / "redis.sock"

    @property
    def artifact_root(self) -> str:
        return self.artifacts or f"file://{self.root / 'artifacts'}"

    @property
    def slots(self) -> int:
        return self.workers or min(4, os.cpu_count() or 1)

    @property
    def threads_per_run(self) -> int:
        return self.threads or max(1, (os.cpu_count() or 1) // self.slots)

    @property
    def token_shown(self) -> str | None:
        """The API token itself; never logged."""
        return self.token.get_secret_value() if self.token else None

    @property
    def exposed(self) -> bool:
        """Whether the web process listens where other machines may reach it."""
        return not is_loopback(self.host)

    def check_exposure(self) -> None:
        """Refuse to let other machines in where nobody has to say who they are.

        Raises:
            Conflict: says how accounts are set up.
        """
        if self.exposed and not self.accounts:
            raise Conflict(
                f"CROSSLIFT_HOST={self.host} can be reached by other machines, and nobody would have to sign in. Either keep to "
                "this machine (CROSSLIFT_HOST=127.0.0.1), or use accounts: make the first one with `crosslift user add NAME "
                "--role admin`, then start again with CROSSLIFT_ACCOUNTS=true."
            )
        self.check_provider()

    def check_provider(self) -> None:
        """Refuse half a provider of sign-ins, and one that could be listened to.

        Raises:
            Conflict: says what is missing.
        """
        if self.oidc_issuer is None:
            return
        from backend.domain.entry import Entry

        parts = urlsplit(self.oidc_issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise Conflict(f"CROSSLIFT_OIDC_ISSUER={self.oidc_issuer} must be an https address.")
        if not self.accounts:
            raise Conflict("CROSSLIFT_OIDC_ISSUER is set and nobody signs in: set CROSSLIFT_ACCOUNTS=true too.")
        for name in ("oidc_client_id", "oidc_client_secret", "oidc_accounts"):
            if not getattr(self, name):
                raise Conflict(f"CROSSLIFT_OIDC_ISSUER is set without CROSSLIFT_{name.upper()}.")
        try:
            Entry.read(self.oidc_accounts or "", self.oidc_roles or "")
        except ValueError as error:
            raise Conflict(f"CROSSLIFT_OIDC_ACCOUNTS or CROSSLIFT_OIDC_ROLES: {error}.") from None
        for library in ("authlib", "joserfc"):
            if find_spec(library) is None:
                raise Conflict("Signing in by OpenID Connect needs Authlib: pip install 'crosslift[oidc]'.")

    @property
    def url(self) -> str:
        """The address to show; a link made on it reaches nobody else unless PUBLIC_URL is set."""
        return (self.public_url or self.local_url).rstrip("/")

    @property
    def local_url(self) -> str:
        """The address on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on ``host``. A name counts as its own machine's only where
    that is certain: what it means is up to a resolver."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@cache
def settings() -> Settings:
    """This process's settings, read once."""
    return Settings()
