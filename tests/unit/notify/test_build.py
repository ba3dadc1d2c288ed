from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from pydantic import SecretStr

from monitor.errors import ConfigError
from monitor.notify.alertmanager import Alertmanager
from monitor.notify.apprise import Apprise
from monitor.notify.build import build
from monitor.notify.email import Email
from monitor.notify.pagerduty import PagerDuty
from monitor.notify.receiver import Receiver
from monitor.notify.slack import Slack
from monitor.notify.smtp import Login
from monitor.notify.webhook import Webhook
from monitor.settings import Receiver as Config
from tests.support.receivers import FixedClock, composer


async def built(*configs: dict[str, Any]) -> dict[str, list[Receiver]]:
    """Return what is built from this configuration."""
    async with httpx.AsyncClient(trust_env=False) as http:
        sections = [Config.model_validate(config) for config in configs]
        return build(
            sections,
            http=http,
            clock=FixedClock(),
            external_url="https://monitor.example",
            language="ko",
            excerpt_chars=80,
        )


async def test_builds_every_integration_under_its_name() -> None:
    """Each item of the configuration becomes an integration, named by receiver, kind and place."""
    hook, am = {"url": "http://127.0.0.1:9099/hook"}, {"url": "http://127.0.0.1:9093"}
    slack, pagerduty = {"api_url": "http://127.0.0.1:9099/slack"}, {"routing_key": "0" * 32}
    receivers = await built(
        {"name": "oncall", "webhook_configs": [hook, hook], "alertmanager_configs": [am]},
        {"name": "pager", "slack_configs": [slack], "pagerduty_configs": [pagerduty]},
        {"name": "feedback"},
    )
    names = {name: [integration.name for integration in found] for name, found in receivers.items()}
    assert names == {
        "oncall": ["oncall/webhook[0]", "oncall/webhook[1]", "oncall/alertmanager[0]"],
        "pager": ["pager/slack[0]", "pager/pagerduty[0]"],
        "feedback": [],
    }


async def test_webhooks_have_their_options() -> None:
    """Every option of a webhook reaches it."""
    item = {"url": "http://127.0.0.1:9099/hook", "send_resolved": "false", "max_alerts": "7", "timeout": "3s"}
    [webhook] = (await built({"name": "oncall", "webhook_configs": [item]}))["oncall"]
    assert isinstance(webhook, Webhook)
    assert webhook.endpoint.url.get_secret_value() == "http://127.0.0.1:9099/hook"
    assert (webhook.send_resolved, webhook.max_alerts, webhook.endpoint.timeout) == (False, 7, 3.0)
    assert (webhook.external_url, webhook.receiver, webhook.groups) == ("https://monitor.example", "oncall", True)


async def test_alertmanagers_have_their_options() -> None:
    """Every option of an Alertmanager reaches it, and alerts go to its API."""
    item = {"url": "http://127.0.0.1:9093/am/", "send_resolved": "false", "hold": "5m", "timeout": "3s"}
    [found] = (await built({"name": "oncall", "alertmanager_configs": [item]}))["oncall"]
    assert isinstance(found, Alertmanager)
    assert found.endpoint.url.get_secret_value() == "http://127.0.0.1:9093/am/api/v2/alerts"
    assert (found.send_resolved, found.hold, found.endpoint.timeout) == (False, 300.0, 3.0)
    assert (found.receiver, found.groups) == ("oncall", False)


async def test_slack_has_its_options() -> None:
    """Every option of a Slack webhook reaches it, and what all messages share."""
    item = {"api_url": "http://127.0.0.1:9099/slack", "send_resolved": "false", "max_alerts": "7", "timeout": "3s"}
    [slack] = (await built({"name": "chat", "slack_configs": [item], "excerpt_chars": 40}))["chat"]
    assert isinstance(slack, Slack)
    assert slack.endpoint.url.get_secret_value() == "http://127.0.0.1:9099/slack"
    assert (slack.send_resolved, slack.max_alerts, slack.endpoint.timeout) == (False, 7, 3.0)
    assert slack.composer == composer("ko", excerpt_chars=40, console_url="https://monitor.example")


async def test_pagerduty_has_its_options() -> None:
    """Every option of PagerDuty reaches it, and what all messages share."""
    item = {
        "routing_key": "0" * 32,
        "url": "https://events.eu.pagerduty.com/v2/enqueue",
        "send_resolved": "false",
        "incident": "group",
        "client": "night watch",
        "severity": {"page": "critical"},
        "timeout": "3s",
    }
    [pager] = (await built({"name": "pager", "pagerduty_configs": [item]}))["pager"]
    assert isinstance(pager, PagerDuty)
    assert pager.endpoint.url.get_secret_value() == "https://events.eu.pagerduty.com/v2/enqueue"
    assert (pager.routing_key.get_secret_value(), pager.send_resolved, pager.endpoint.timeout) == ("0" * 32, False, 3.0)
    assert (pager.incident, pager.client, dict(pager.severities)) == ("group", "night watch", {"page": "critical"})
    assert pager.composer == composer("ko", excerpt_chars=80, console_url="https://monitor.example")


EMAIL = {
    "to": "당번 <oncall@example.com>, cto@example.com",
    "from": "Monitor <monitor@example.com>",
    "smarthost": "mail.example.com:587",
    "hello": "monitor.example.com",
    "auth_username": "monitor",
    "auth_password": "T0PS3CR3T",
    "send_resolved": "false",
    "timeout": "3s",
}


async def test_each_recipient_of_mail_is_an_integration() -> None:
    """Recipients are numbered over all items; every option reaches each of them, and what all messages share."""
    second = {**EMAIL, "to": "night@example.com", "smarthost": "127.0.0.1:465"}
    found = (await built({"name": "mail", "email_configs": [EMAIL, second]}))["mail"]
    mails = [each for each in found if isinstance(each, Email)]
    assert [(mail.name, mail.recipient, len(mail.to)) for mail in mails] == [
        ("mail/email[0]", "oncall@example.com", 2),
        ("mail/email[1]", "cto@example.com", 2),
        ("mail/email[2]", "night@example.com", 1),
    ]
    assert [(mail.server.host, mail.server.port, mail.server.tls) for mail in mails[1:]] == [
        ("mail.example.com", 587, "upgrade"),
        ("127.0.0.1", 465, "start"),
    ]
    mail = mails[0]
    assert mail.server.login == Login(username="monitor", password=SecretStr("T0PS3CR3T"))
    assert (mail.server.hello, mail.server.timeout, mail.send_resolved) == ("monitor.example.com", 3.0, False)
    assert str(mail.sender) == "Monitor <monitor@example.com>"
    assert mail.composer == composer("ko", excerpt_chars=80, console_url="https://monitor.example")
    assert "T0PS3CR3T" not in repr(mails)


@pytest.mark.parametrize("is_checked", [True, False])
async def test_mail_may_go_without_login_and_certificate_checks(*, is_checked: bool) -> None:
    """Without a user there is no login, and only on demand any certificate will do."""
    item: dict[str, Any] = {name: value for name, value in EMAIL.items() if not name.startswith("auth")}
    item |= {"to": "oncall@example.com", "tls_config": {"insecure_skip_verify": not is_checked}}
    [mail] = (await built({"name": "mail", "email_configs": [item]}))["mail"]
    assert isinstance(mail, Email)
    assert mail.server.login is None
    assert mail.server.context.check_hostname == is_checked


async def test_a_certificate_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """A file that vanished after the configuration was checked is told as that."""
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    config = Config.model_validate({"name": "mail", "email_configs": [{**EMAIL, "tls_config": {"ca_file": str(file)}}]})
    file.unlink()
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(ConfigError, match="changed just now"):
            build([config], http=http, clock=FixedClock(), external_url="", language="en", excerpt_chars=0)


async def test_apprise_has_its_options() -> None:
    """Every option of an Apprise target reaches it, and what all messages share."""
    item = {"url": "json://127.0.0.1/T0PS3CR3T", "send_resolved": "false", "timeout": "3s"}
    [found] = (await built({"name": "chat", "apprise_configs": [item]}))["chat"]
    assert isinstance(found, Apprise)
    assert (found.name, str(found.service.service_name)) == ("chat/apprise[0]", "JSON")
    assert (found.send_resolved, found.timeout) == (False, 3.0)
    assert found.composer == composer("ko", excerpt_chars=80, console_url="https://monitor.example")
    assert "T0PS3CR3T" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("webhook_configs", "url"),
        ("alertmanager_configs", "url"),
        ("slack_configs", "api_url"),
        ("pagerduty_configs", "routing_key"),
    ],
)
async def test_nothing_shows_the_secret(kind: str, key: str) -> None:
    """What is built does not show its address or key."""
    secret = "T0PS3CR3T" + "0" * 23
    value = secret if key == "routing_key" else f"https://hooks.example/{secret}"
    assert "T0PS3CR3T" not in repr(await built({"name": "oncall", kind: [{key: value}]}))
