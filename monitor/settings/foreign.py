"""
Keys of an alertmanager.yml that mean nothing here, and what to use in their place.

Whoever brings such a file is told of each of them by its name; `route`, `inhibit_rules`, `time_intervals` and
`mute_time_intervals` are taken as they are.
"""

from __future__ import annotations

from monitor.settings.document import KeyPath

__all__ = ["GLOBAL", "not_supported"]

GLOBAL: KeyPath = ("alerting", "global")
"""Where Alertmanager's section `global` stands when it is brought along."""

_NO_TEMPLATES = "messages are not made by templates here: the annotations of a rule say what is told"
_LOOK = "how a message looks is settled here"
_OF_WEBHOOK = "an incoming webhook of Slack's has its own"
_APPRISE = "use apprise_configs"
_IN_EMAIL = "say it in each of email_configs"


def _each(names: str, instead: str = "") -> dict[str, str]:
    return dict.fromkeys(names.split(), instead)


_SECTIONS: dict[KeyPath, dict[str, str]] = {
    ("alerting",): _each("templates", _NO_TEMPLATES),
    GLOBAL: {
        **_each("smtp_from", "say from in each of email_configs"),
        **_each("smtp_smarthost smtp_hello smtp_require_tls smtp_tls_config", _IN_EMAIL),
        **_each("smtp_auth_username smtp_auth_password smtp_auth_password_file", _IN_EMAIL),
        **_each("smtp_auth_secret smtp_auth_secret_file smtp_auth_identity smtp_force_implicit_tls"),
        **_each("slack_api_url", "say api_url in each of slack_configs"),
        **_each("slack_api_url_file", "say api_url_file in each of slack_configs"),
        **_each("slack_app_token slack_app_token_file slack_app_url", "say api_url in each of slack_configs"),
        **_each("pagerduty_url", "say url in each of pagerduty_configs"),
        **_each("resolve_timeout", "an alert ends when its rule says so"),
        **_each("http_config", "HTTP_PROXY and NO_PROXY of the environment count"),
        **_each("opsgenie_api_url opsgenie_api_key opsgenie_api_key_file", _APPRISE),
        **_each("victorops_api_url victorops_api_key victorops_api_key_file", _APPRISE),
        **_each("wechat_api_url wechat_api_secret wechat_api_secret_file wechat_api_corp_id", _APPRISE),
        **_each("telegram_api_url telegram_bot_token telegram_bot_token_file webex_api_url jira_api_url", _APPRISE),
        **_each("rocketchat_api_url rocketchat_token rocketchat_token_file", _APPRISE),
        **_each("rocketchat_token_id rocketchat_token_id_file", _APPRISE),
    },
    ("alerting", "receivers"): {
        **_each("discord_configs mattermost_configs msteams_configs msteamsv2_configs opsgenie_configs", _APPRISE),
        **_each("pushover_configs rocketchat_configs sns_configs telegram_configs victorops_configs", _APPRISE),
        **_each("webex_configs wechat_configs", _APPRISE),
        **_each("incidentio_configs jira_configs", "use webhook_configs or apprise_configs"),
    },
    ("alerting", "receivers", "webhook_configs"): _each("payload", _NO_TEMPLATES),
    ("alerting", "receivers", "slack_configs"): {
        **_each("title title_link pretext text message_text fallback fields footer callback_id", _NO_TEMPLATES),
        **_each("color short_fields image_url thumb_url link_names mrkdwn_in actions", _LOOK),
        **_each("channel username icon_emoji icon_url", _OF_WEBHOOK),
        **_each("app_token app_token_file app_url update_message", "give the api_url of an incoming webhook"),
    },
    ("alerting", "receivers", "pagerduty_configs"): {
        **_each("service_key service_key_file", "give the routing_key of an integration of the Events API v2"),
        **_each("description details images links source client_url", _NO_TEMPLATES),
        **_each("class component group", _NO_TEMPLATES),
    },
    ("alerting", "receivers", "email_configs"): {
        **_each("html text headers", _NO_TEMPLATES),
        **_each("auth_secret auth_secret_file auth_identity", "use auth_username and auth_password"),
        **_each("force_implicit_tls", "port 465 means just that"),
        **_each("threading", "mails about one alert are one thread"),
    },
}


def not_supported(path: KeyPath) -> str | None:
    """Return what to say about an unknown key that Alertmanager has at `path`; None when it has none there."""
    *section, key = [part for part in path if isinstance(part, str)]
    known = _SECTIONS.get(tuple(section), {})
    if key not in known:
        return None
    return f"Alertmanager's {key} is not supported here{f'; {known[key]}' if known[key] else ''}"
