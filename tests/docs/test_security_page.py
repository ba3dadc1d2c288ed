"""The figures of the page about security are those of the code."""

from __future__ import annotations

import re

import pytest

from monitor import metrics
from monitor.alerting import guard
from monitor.alli import answers, client, exchange, listing, wire
from monitor.model.conversation import LONGEST_TEXT
from monitor.notify import http
from monitor.rules import cel, document, files, template
from monitor.settings import Settings, fields
from monitor.settings import document as settings_document
from monitor.settings import http as settings_http
from monitor.watch import conversations
from monitor.web import api, bodies, drills, on_call, orders
from tests.docs.pages import ROOT

PAGE = " ".join((ROOT / "docs/security.md").read_text(encoding="utf-8").split())
MIB = 1024 * 1024
KIB = 1024


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        ("an answer | {} MiB, unpacked", exchange._LARGEST_BODY / MIB),
        ("a list | {} pages", listing._MOST_PAGES),
        ("of one conversation {} chats", conversations._MOST_CHATS),
        ("an id | {} characters", wire._LONGEST_ID),
        ("a name | {} characters are kept", wire._LONGEST_TEXT),
        ("where excerpts are on: {} characters", LONGEST_TEXT),
        ("an hour; {} s within one call", client._LONGEST_WAIT),
        ("metrics | {} for each project", metrics._MOST_APPS),
        ("rule file | {} MiB", files.MAX_FILE_BYTES / MIB),
        ("rule file | {} MiB", settings_document._LARGEST_FILE / MIB),
        ("{} levels and 100,000 values", settings_document._DEEPEST),
        ("levels and {} values, in rule files", settings_document._MOST_NODES),
        ("in rule files {} levels", document.MAX_DEPTH),
        ("in rule files 20 levels and {}", document.MAX_VALUES),
        ("an expression | {} bytes", cel.MAX_SOURCE_BYTES),
        ("a text of a rule | {} characters", template.MAX_TEMPLATE),
        ("characters, {} once rendered", template.MAX_RENDERED),
        ("a secret file | {} KiB", fields._LARGEST_SECRET / KIB),
        ("certificates {} MiB", settings_http._LARGEST_PEM / MIB),
        ("a body | {} bytes for a stop", orders._MOST_BYTES),
        ("{} for silences, acknowledgements", on_call._MOST_BYTES),
        ("{} for silences, acknowledgements and drills", drills._MOST_BYTES),
        ("asked for | {} items", api._MOST),
        ("people | {} characters", bodies.LONGEST_NAME),
        ("read up to {} KiB", http._BODY_CAP / KIB),
        ("for {} s, and only", http._BODY_TIME),
    ],
)
def test_figures_are_those_of_the_code(words: str, figure: float) -> None:
    """What bounds an input is stated as it is."""
    assert words.format(f"{figure:,.0f}") in PAGE or words.format(f"{figure:.0f}") in PAGE


def test_what_is_stated_in_words() -> None:
    """An hour, a year, three requests and eight at a time are what the code has."""
    assert http.LONGEST_RETRY_AFTER == answers._LONGEST_WAIT == 3600
    assert on_call._LONGEST == 366 * 86400
    assert guard.MOST_REQUESTS == 3
    schema = Settings.model_json_schema()["$defs"]["Project"]["properties"]
    assert schema["max_in_flight"]["maximum"] == 8
    assert re.search("10,000 iterations", PAGE)
    assert "10,000" in cel._PERMANENT["Iteration budget exceeded"]
