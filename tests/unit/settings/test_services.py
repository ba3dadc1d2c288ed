from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apprise import NotificationManager
from pydantic import SecretStr

from monitor.settings import Settings
from monitor.settings import services as module
from monitor.settings.services import service

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]

SECRET = "JHMHI8qBe7bk2ZwO5U711o3dV_js"  # noqa: S105 - made up
DISCORD = f"discord://4174216298/{SECRET}"


def text_with(item: str) -> str:
    """Return a configuration with one item of `apprise_configs`."""
    return (
        f"projects: {{p: {{api_key: k}}}}\nalerting: {{receivers: [{{name: default, apprise_configs: [{{{item}}}]}}]}}"
    )


@pytest.mark.parametrize(
    "url",
    [
        DISCORD,
        "tgram://123456789:ABCdefghijklmnopqrstuvwxyz123456789/123",
        "line://token/user",
        "workflows://example.com/workflow/signature",
        "opsgenie://12345678-1234-1234-1234-123456789012",
        "json://127.0.0.1:1/?retry=3",
        f"https://discord.com/api/webhooks/4174216298/{SECRET}",
    ],
)
def test_takes_services_in_the_network(url: str) -> None:
    """Addresses of Apprise's, and those that a service itself gives out, are taken."""
    assert service(SecretStr(url)).service_name


@pytest.mark.parametrize(
    "url",
    [
        "",
        "discord://",
        f"{SECRET}://x",
        f"https://example.com/{SECRET}",
        f"file:///etc/{SECRET}",
        "config.yml",
        f"discord://4174216298/{SECRET}?tz=no/{SECRET}",
        "dbus://",
        "windows://",
        "gnome://",
        "macosx://",
        "syslog://",
        "blink1://",
        "kodi://127.0.0.1",
        "tgram://123456789:ABCdefghijklmnopqrstuvwxyz123456789/123/456",
        "mailto://user:pass@gmail.com?to=a@example.com,b@example.com",
    ],
)
def test_refuses_what_would_not_do(url: str) -> None:
    """What is unknown, local, shows a few lines only or has several targets is refused, without showing it."""
    with pytest.raises(ValueError, match=r"address|network|targets|library") as caught:
        service(SecretStr(url))
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!s} {error!r}"
        error = error.__cause__ or error.__context__


def test_no_service_is_of_this_machine_only() -> None:
    """Every plugin that speaks to no network is one of those that are refused: a new one of Apprise's is noticed."""
    manager: Any = NotificationManager  # it says nothing of its types
    for_networks = ("requests", "socket", "smtplib", "paho", "slixmpp", "smpplib", "Telnet", "asyncio.open_connection")
    local = {
        schema
        for plugin in manager().plugins()
        if not any(word in source(plugin) for word in for_networks) and not plugin.body_max_line_count
        for schema in schemas(plugin)
    }
    assert local <= module._LOCAL


def source(plugin: Any) -> str:
    """Return the code of a plugin, and of those it derives from."""
    modules = {each.__module__ for each in plugin.__mro__} - {"apprise.plugins.base", "apprise.url", "builtins"}
    return "".join(inspect.getsource(sys.modules[each]) for each in modules)


def schemas(plugin: Any) -> set[str]:
    """Return what addresses of a plugin begin with."""
    found = [plugin.protocol, plugin.secure_protocol]
    return {schema for each in found if each for schema in ([each] if isinstance(each, str) else each)}


def test_keeps_nothing_on_disk() -> None:
    """No service keeps a store or makes keys, and none follows a redirect unless its address says so."""
    asset = service(SecretStr(DISCORD)).asset
    assert (asset.storage_mode.value, asset.pgp_autogen, asset.pem_autogen) == ("memory", False, False)
    assert asset.http_redirects is False


def test_the_address_may_stand_in_a_file(load_text: Load, tmp_path: Path) -> None:
    """Whether in the configuration or in a file, the address is found, and not shown."""
    (tmp_path / "url").write_text(f"{DISCORD}\n")
    for key in (f"url: '{DISCORD}'", "url_file: url"):
        [found] = load_text(text_with(key)).alerting.receivers[0].apprise_configs
        assert found.url.get_secret_value() == DISCORD
        assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ("", "give exactly one of url and url_file"),
        (f"url: '{DISCORD}', url_file: url", "give exactly one of url and url_file"),
        (f"url: 'discord:/{SECRET}'", "url: is not an address that Apprise can notify"),
        ("url_file: bad", "url_file: is not an address that Apprise can notify"),
    ],
)
def test_says_what_is_wrong(errors_of: Errors, tmp_path: Path, item: str, error: str) -> None:
    """What cannot be is told with the path of its key, and without the address."""
    (tmp_path / "url").write_text(DISCORD)
    (tmp_path / "bad").write_text(f"nothing://{SECRET}")
    told = " ".join(errors_of(text_with(item)))
    assert error in told
    assert SECRET not in told
