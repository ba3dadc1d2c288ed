from __future__ import annotations

from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.settings import Settings
from monitor.settings.mail import mailboxes, split_smarthost
from monitor.settings.receivers import EmailConfig

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]

ITEM = "to: a@example.com, from: m@example.com, smarthost: 'mail.example.com:587'"
SECRET = "s3cr3t"  # noqa: S105 - made up


def text_with(item: str) -> str:
    """Return a configuration with one item of `email_configs`."""
    return f"projects: {{p: {{api_key: k}}}}\nalerting: {{receivers: [{{name: default, email_configs: [{{{item}}}]}}]}}"


def email(load_text: Load, item: str) -> EmailConfig:
    """Return the settings of one item."""
    [found] = load_text(text_with(item)).alerting.receivers[0].email_configs
    return found


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a@b.c", ["a@b.c"]),
        ("당번 <a@b.c>, x@y.z", ["a@b.c", "x@y.z"]),
        ('"Call, on" <a@b.c>', ["a@b.c"]),
    ],
)
def test_reads_addresses(text: str, addresses: list[str]) -> None:
    """Addresses are separated by commas, with names before them or without."""
    assert [address.addr_spec for address in mailboxes(text)] == addresses


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b", "<>", "a@[", '"', ",a@b.c", "a b@c", "a@b c@d", "a@b; c@d", "X <a@b", "당@b.c", "a@한.c"],
)
def test_refuses_what_is_no_address(text: str) -> None:
    """What is not a list of addresses that every server takes is refused, without showing it."""
    with pytest.raises(ValueError, match="separated by commas"):
        mailboxes(text)


@given(st.text('<>@.,;:"()[]\\\\ab한=?\n\x00', max_size=12))
def test_any_text_is_addresses_or_refused(text: str) -> None:
    """Whatever stands there is read or refused, and what is read can stand in a header and an envelope."""
    try:
        found = mailboxes(text)
    except ValueError:
        return
    assert all(address.addr_spec.isascii() and "@" in address.addr_spec for address in found)
    mail = EmailMessage(policy.SMTP)
    mail["To"] = found
    assert mail.as_bytes().count(b"\r\n") >= 1


@pytest.mark.parametrize("text", ["a@b.c\nBcc: x@y.z", "a@b.c\r\n", "a\x00@b.c"])
def test_refuses_controls(text: str) -> None:
    """An address can begin no header of its own."""
    with pytest.raises(ValueError, match="controls"):
        mailboxes(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("mail.example.com:587", ("mail.example.com", 587)),
        ("[::1]:25", ("::1", 25)),
        ("10.0.0.1:465", ("10.0.0.1", 465)),
    ],
)
def test_reads_servers(text: str, server: tuple[str, int]) -> None:
    """A server is a host and a port."""
    assert split_smarthost(text) == server


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":25", "::1:25", "a:0", "a:65536", "a:²", "a b:25", "smtp://a:25", "[a:25"]
)
def test_refuses_what_is_no_server(text: str) -> None:
    """A server without one of both, or with more, is refused."""
    with pytest.raises(ValueError, match="host and the port"):
        split_smarthost(text)


def test_each_recipient_counts_once(load_text: Load) -> None:
    """An address that is named twice gets one mail."""
    item = ITEM.replace("to: a@example.com", "to: 'A <a@example.com>, b@example.com, a@example.com'")
    assert email(load_text, item).recipients == ("a@example.com", "b@example.com")


@pytest.mark.parametrize(
    ("item", "tls"),
    [
        (ITEM, "upgrade"),
        (f"{ITEM}, require_tls: false", "never"),
        (ITEM.replace("587", "465"), "start"),
        (f"{ITEM.replace('587', '465')}, require_tls: false", "start"),
    ],
)
def test_knows_when_to_begin_with_tls(load_text: Load, item: str, tls: str) -> None:
    """TLS begins with the connection on port 465, else by STARTTLS, unless the configuration does without."""
    assert email(load_text, item).tls == tls


def test_the_password_may_stand_in_a_file(load_text: Load, tmp_path: Path) -> None:
    """Whether in the configuration or in a file, the password is found, and not shown."""
    (tmp_path / "password").write_text(f"{SECRET}\n")
    for key in (f"auth_password: {SECRET}", "auth_password_file: password"):
        found = email(load_text, f"{ITEM}, auth_username: m, {key}")
        assert found.auth_password is not None
        assert found.auth_password.get_secret_value() == SECRET
        assert SECRET not in repr(found)


PATH = "alerting.receivers[0].email_configs[0]"


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (f"{ITEM}, auth_username: m", "auth_username and one of auth_password and auth_password_file"),
        (f"{ITEM}, auth_password: x", "auth_username and one of auth_password and auth_password_file"),
        (f"{ITEM}, auth_username: m, auth_password: x, auth_password_file: f", "auth_password_file"),
        (f"{ITEM}, auth_username: m, auth_password: x, require_tls: false", ".require_tls: should be true"),
        (f"{ITEM}, hello: 'a b'", ".hello: should be the name of a host"),
        (f"{ITEM}, tls_config: {{cert_file: x}}", ".tls_config"),
        (ITEM.replace("to: a@example.com", "to: a"), ".to: should be addresses"),
        (ITEM.replace("from: m@example.com", "from: 'a@b.c, d@e.f'"), ".from: should be one address"),
        (ITEM.replace(":587", ""), ".smarthost: should be the host and the port"),
        ("to: a@example.com", ".from: "),
    ],
)
def test_says_what_is_wrong(errors_of: Errors, item: str, error: str) -> None:
    """What cannot be is told with the path of its key."""
    told = " ".join(errors_of(text_with(item)))
    assert PATH in told
    assert error in told


def test_a_password_may_cross_this_machine_in_clear(load_text: Load) -> None:
    """A relay on the same machine needs no TLS."""
    item = f"{ITEM.replace('mail.example.com:587', '127.0.0.1:25')}, auth_username: m, auth_password: x"
    assert email(load_text, f"{item}, require_tls: false").tls == "never"
