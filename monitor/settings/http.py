"""How a project's server is reached: the words are those of Prometheus's `http_config`."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from monitor.settings.fields import Section, UrlSecret, UrlSecretFile, config_directory, problem, read_file, refuse

__all__ = ["HttpConfig", "PemFile", "TlsConfig"]

_LARGEST_PEM = 2 * 1024 * 1024  # bytes; the authorities of a whole system are a quarter of that


@dataclass(frozen=True, slots=True, kw_only=True)
class PemFile:
    """A file with certificates or a key, and the digest of what it held: another certificate is another setting."""

    path: Path
    digest: str


def _pin(value: Any, info: ValidationInfo) -> PemFile:
    content = read_file(value, info, largest=_LARGEST_PEM)
    return PemFile(path=config_directory(info) / value, digest=hashlib.sha256(content).hexdigest())


def _check_authorities(file: PemFile) -> PemFile:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file.path)
    except OSError as error:  # what ssl raises is one
        raise ValueError("holds no certificates in PEM form") from error
    return file


_Pem = Annotated[
    PemFile,
    BeforeValidator(_pin),
    PlainSerializer(lambda file: str(file.path), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "path"}),
]


def _check_host_name(name: str) -> str:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except (ValueError, TypeError) as error:  # UnicodeError is the former, a NUL in it makes the latter
        raise ValueError("is not the name of a host") from error
    return name


class TlsConfig(Section):
    """
    Whom to trust and who to be; files are PEM, and a private key has no passphrase.

    Without `ca_file` the authorities are those of the HTTP library, or of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``.
    """

    ca_file: Annotated[_Pem, AfterValidator(_check_authorities)] | None = None
    cert_file: _Pem | None = None
    key_file: _Pem | None = None
    server_name: Annotated[str, AfterValidator(_check_host_name)] | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _check_certificate(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("give both of cert_file and key_file, or neither")
        try:
            self.load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        except OSError as error:  # what ssl raises is one
            refuse(problem(_why_not(error), "key_file"))
        return self

    def load_certificate(self, context: ssl.SSLContext) -> None:
        """Let `context` present the client certificate, if there is one; raise OSError, of which ssl's are a kind."""
        if self.cert_file is not None and self.key_file is not None:
            # an empty passphrase, because without any OpenSSL would ask on the terminal for that of a key that has one
            context.load_cert_chain(self.cert_file.path, self.key_file.path, password="")


def _why_not(error: OSError) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "is not the key of the certificate in cert_file"
    return "cannot be used with cert_file: both should be PEM, and the key without a passphrase"


class HttpConfig(Section):
    """By which proxy and with which TLS a server is reached. Redirects are never followed."""

    proxy_url_text: UrlSecret | None = Field(default=None, alias="proxy_url")
    proxy_url_file: UrlSecretFile | None = None
    proxy_from_environment: bool = True
    tls_config: TlsConfig = TlsConfig()

    @property
    def proxy_url(self) -> SecretStr | None:
        """The proxy, which may have a user and a password; None where the environment, or nobody, names one."""
        return self.proxy_url_text or self.proxy_url_file

    @model_validator(mode="after")
    def _check_proxy(self) -> Self:
        if self.proxy_url_text is not None and self.proxy_url_file is not None:
            raise ValueError("give at most one of proxy_url and proxy_url_file")
        return self
