"""The services that Apprise can notify, by their addresses, without those that would not do here."""

from __future__ import annotations

import logging

from apprise import LOGGER_NAME, Apprise, AppriseAsset, NotifyBase, PersistentStoreMode
from pydantic import SecretStr

from monitor import __version__

__all__ = ["service"]

_LOCAL = frozenset({"blink1", "syslog"})
"""Schemas of what only this machine would see; others of that kind show few lines, by which they are known."""

for _name in (LOGGER_NAME, "urllib3"):
    # Both write whole addresses, which are secrets here, the first also in what it warns of: `monitor.notify.apprise`
    # reads that, and nobody else.
    logging.getLogger(_name).setLevel(logging.WARNING)
    logging.getLogger(_name).propagate = False


def service(url: SecretStr) -> NotifyBase:
    """
    Return the service at an address of Apprise's, such as ``tgram://TOKEN/CHAT``.

    Nothing is kept on disk for it, no key is made and no redirect followed. Raises ValueError that does not show the
    address: for what Apprise does not know, what needs a library that is not there, several targets at once (a retry
    for one would repeat it to the others), and what this machine itself would show.
    """
    try:
        found = Apprise.instantiate(url.get_secret_value(), asset=_asset(), suppress_exceptions=False)
    except Exception:  # noqa: BLE001 - what a plugin raises is its own, and may quote the address
        found = None
    if not isinstance(found, NotifyBase):
        raise ValueError("is not an address that Apprise can notify")  # noqa: TRY004 - the value is wrong, not its type
    if not found.enabled:
        raise ValueError(f"needs a library of Apprise's for {found.service_name} that is not installed")
    if found.schema in _LOCAL or found.body_max_line_count:
        raise ValueError("should be a service in the network that shows whole messages")
    if len(found) > found.retry + 1:
        raise ValueError("names several targets: give each an item of apprise_configs of its own")
    return found


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="alli-monitor",
        app_desc=f"alli-monitor/{__version__}",
        async_mode=False,
        storage_mode=PersistentStoreMode.MEMORY,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
        interpret_emojis=False,
        interpret_escapes=False,
    )
