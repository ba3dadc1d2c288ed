"""HTTP clients, made as the settings say: proxies, authorities, client certificates."""

from __future__ import annotations

import ssl
from http.cookiejar import DefaultCookiePolicy

import httpx

from monitor.errors import ConfigError
from monitor.settings import HttpConfig, TlsConfig

__all__ = ["Connections", "http_client"]

_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=16)
_THIS_MACHINE = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class _NamedContext(ssl.SSLContext):
    """
    Connects as `context` does, but asks for `server_name`, by whatever name the server is reached.

    httpx has a word for that (the extension ``sni_hostname``), which it forgets in the tunnel of a proxy.
    """

    context: ssl.SSLContext
    server_name: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the signature of the base class
        server_hostname: str | bytes | None = None,  # noqa: ARG002 - what is replaced
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return self.context.wrap_bio(incoming, outgoing, server_side, self.server_name, session)


def http_client(config: HttpConfig) -> httpx.AsyncClient:
    """
    Return a client, for the caller to close, that keeps no cookies and follows no redirects.

    The proxies of the environment are never asked for this machine's own addresses, as those of Prometheus are not.
    Raise ConfigError for a proxy of the environment that cannot be used, and when a file that `config` names was
    changed after it was checked.
    """
    try:
        proxy = _proxy(config)
        client = httpx.AsyncClient(
            verify=_context(config.tls_config),
            proxy=proxy,
            trust_env=config.proxy_from_environment,
            mounts={} if proxy else dict.fromkeys(_THIS_MACHINE),
            limits=_LIMITS,
        )
    except OSError as error:  # what ssl raises is one
        raise ConfigError("http_config.tls_config: a file was changed just now, and cannot be used any more") from error
    except (ImportError, ValueError, httpx.InvalidURL):  # their texts may quote a password
        message = (
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY in the environment cannot be used: proxies are http:// "
        )
        raise ConfigError(f"{message}or https://; or set http_config.proxy_from_environment to false") from None
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


class Connections:
    """HTTP clients by their settings: who has the same settings shares one."""

    def __init__(self) -> None:
        self._clients: dict[HttpConfig, httpx.AsyncClient] = {}

    def by(self, config: HttpConfig) -> httpx.AsyncClient:
        """Return the client with these settings. Raises ConfigError, as `http_client` does."""
        if config not in self._clients:
            self._clients[config] = http_client(config)
        return self._clients[config]

    async def aclose(self) -> None:
        """Close every client; those that a reload made superfluous stay until then."""
        for client in self._clients.values():
            await client.aclose()


def _proxy(config: HttpConfig) -> httpx.Proxy | None:
    if config.proxy_url is None:
        return None
    url = config.proxy_url.get_secret_value()
    return httpx.Proxy(url, ssl_context=_authorities(config.tls_config) if url.startswith("https:") else None)


def _context(tls: TlsConfig) -> ssl.SSLContext:
    context = _authorities(tls)
    tls.load_certificate(context)
    if tls.server_name is None:
        return context
    named = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    named.context, named.server_name = context, tls.server_name
    return named


def _authorities(tls: TlsConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file.path) if tls.ca_file else httpx.create_ssl_context()
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
