from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.messages.catalogue import CATALOGUE
from monitor.messages.compose import more
from monitor.messages.message import AlertText, Message
from monitor.model.alert import Resolution, Transition
from monitor.model.facts import Facts
from monitor.model.notification import Entry
from tests.support.messages import CONSOLE, NOW, RATING, RUN, SITUATIONS, notification
from tests.support.receivers import composer


def message(*entries: Entry, language: str = "en", excerpt_chars: int = 0, console_url: str = CONSOLE) -> Message:
    """Return a message of these entries."""
    return composer(language, excerpt_chars=excerpt_chars, console_url=console_url).compose(
        notification(*entries), now=NOW
    )


def alert(entry: Entry, **options: object) -> AlertText:
    """Return the one alert of a message."""
    [only] = message(entry, **options).alerts  # type: ignore[arg-type] # passed on as they are
    return only


def line(label: str, entry: Entry) -> str | None:
    """Return what stands on a line of the message of an alert, None where it has no such line."""
    return {line.label: line.text for line in alert(entry).lines}.get(label)


def resolved(entry: Entry, *, after: float = 60.0) -> Entry:
    """Return an alert when it is over."""
    return replace(entry, status=Transition.RESOLVED, ends_at=entry.starts_at + after, resolution=Resolution.RECOVERED)


def with_facts(**facts: object) -> Entry:
    """Return an alert about a run of which only this is known."""
    return replace(RUN, facts=replace(Facts(timezone="UTC"), **facts))  # type: ignore[arg-type] # names of fields


def test_worst_first() -> None:
    """What fires comes first, the worst of it before the rest, the oldest of those before newer ones."""

    def entry(name: str, severity: str, starts_at: float, status: Transition = Transition.FIRING) -> Entry:
        labels = {"alertname": name, "severity": severity}
        return replace(RUN, fingerprint=name, labels=labels, starts_at=starts_at, status=status)

    entries = [
        entry("over", "critical", 1, Transition.RESOLVED),
        entry("taken", "critical", 1, Transition.ACKNOWLEDGED),
        entry("info", "info", 1),
        entry("unknown", "p2", 1),
        entry("warning", "warning", 1),
        entry("critical", "critical", 2),
        entry("old", "critical", 1),
        entry("none", "none", 1),
    ]
    titles = [alert.title for alert in message(*entries).alerts]
    assert titles == ["old", "critical", "warning", "unknown", "info", "none", "taken", "over"]


def test_newest_state_once() -> None:
    """An alert that fired and resolved in one notification stands there once, resolved."""
    told = message(RUN, resolved(RUN))
    assert [alert.status for alert in told.alerts] == [Transition.RESOLVED]
    assert told.status is Transition.RESOLVED
    assert told.title.startswith("RESOLVED · ")


def test_one_that_fires_makes_the_message_fire() -> None:
    """A message is resolved only when nothing in it fires, and says how many are what."""
    told = message(resolved(RUN), RATING)
    assert told.status is Transition.FIRING
    assert told.title.startswith("1 FIRING (info), 1 RESOLVED · ")
    assert message(replace(RUN, status=Transition.ACKNOWLEDGED)).status is Transition.FIRING


def test_names_in_a_title_are_few() -> None:
    """A title names two of what there are many of, and says how many more there are."""
    entries = [replace(RUN, fingerprint=app, labels={**RUN.labels, "app": app}) for app in "abcd"]
    assert message(*entries).title == "4 FIRING (critical) · RunOverLimit · a, b, +2 more · support"
    assert message(*entries, language="ja").title == "発生 4件 (critical) · RunOverLimit · a, b, ほか2件 · support"


@pytest.mark.parametrize(("language", "text"), [("en", "+3 more"), ("ko", "외 3건"), ("ja", "ほか3件")])
def test_more(language: str, text: str) -> None:
    """What is left out is counted in every language."""
    assert more(3, language) == text


def test_an_absent_fact_makes_no_line() -> None:
    """Of an alert of which nothing is known but that it fires, nothing else is said."""
    bare = replace(RUN, labels={"alertname": "Some"}, annotations={}, facts=Facts(), url="")
    told = alert(bare, console_url="")
    assert [line.label for line in told.lines] == ["Since"]
    assert (told.title, told.summary, told.severity, told.links, told.excerpt) == ("Some", "", "", (), "")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"age": 1862.0}, "at least 31 min"),
        ({"age": 1862.0, "age_at_most": 1950.0}, "31-33 min"),
        ({"age": 1862.0, "age_at_most": 1862.0, "limit": 1800.0}, "31 min, limit 30 min"),
    ],
)
def test_an_age_is_as_exact_as_it_is_known(facts: dict[str, float], text: str) -> None:
    """An age is told with its bounds, and with the limit it is held against."""
    assert line("Running for", with_facts(**facts)) == text.replace("-", "\N{EN DASH}")


@pytest.mark.parametrize(
    ("stop", "reason", "text"),
    [
        ("stopped", "it does not run any more", "the monitor stopped the run and saw that it ended"),
        ("refused", "paused", "not stopped: automatic stops are paused"),
        ("refused", "something new", "not stopped: something new"),
        ("error", "409 conflict", "A person must act: 409 conflict"),
        ("ineffective", "still running after 2m", "A person must act"),
        ("shadow", "", "set auto_stop.mode to enforce"),
    ],
)
def test_what_the_monitor_did(stop: str, reason: str, text: str) -> None:
    """The result of a stop is told with what explains it, even where no words are known for that."""
    told = line("Stop", with_facts(stop=stop, stop_reason=reason))
    assert told is not None
    assert text in told


def test_what_the_monitor_did_without_a_fact() -> None:
    """Where no fact says what was done, the annotation does."""
    entry = replace(RUN, facts=Facts(), annotations={"action": "The monitor did something."})
    assert line("Stop", entry) == "The monitor did something."


def test_progress_is_told_once() -> None:
    """The last sign of progress has a line of its own only where the last step is older."""
    assert line("Last progress", with_facts(last_step="search", last_step_ago=40.0, idle=40.0)) is None
    assert line("Last progress", with_facts(last_step="search", last_step_ago=40.0, idle=5.0)) == "5 s ago"
    assert line("Last step", with_facts(last_step="search")) == "search"


def test_what_the_author_says() -> None:
    """Annotations of the author's own have lines, addresses among them links, and the monitor's own neither."""
    annotations = {
        "summary": "s",
        "description": "Look at the prompt.",
        "impact": "Users wait",
        "dashboard_url": "https://grafana.example/d/1?a=b&c=d",
        "runbook_url": "https://wiki.example/런북 (1)|x",
        "_url": "https://nameless.example/",
        "coverage": "not observed from 03:00",
        "excerpt": "text of a conversation",
    }
    told = alert(replace(RUN, annotations=annotations, facts=Facts()))
    lines = {line.label: line.text for line in told.lines}
    assert lines["impact"] == "Users wait"
    assert lines["Details"] == "Look at the prompt."
    assert not {"coverage", "excerpt", "dashboard_url"} & set(lines)
    assert [(link.text, link.url) for link in told.links] == [
        ("Conversation", RUN.url),
        ("Runbook", "https://wiki.example/%EB%9F%B0%EB%B6%81%20%281%29%7Cx"),
        ("dashboard", "https://grafana.example/d/1?a=b&c=d"),
        ("Console", CONSOLE),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "/relative",
        "http://",
        "https://user:secret@wiki.example/",
        "https://w\u0456ki.example/",
        "https://[::1",
        "https://a b/",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_what_is_no_address_is_no_link(url: str) -> None:
    """A link leads to a plain host over HTTP, or is left out."""
    assert [link.text for link in alert(replace(RUN, annotations={"runbook_url": url})).links] == [
        "Conversation",
        "Console",
    ]


def test_labels_of_the_user_stand_in_one_line() -> None:
    """Labels that stand nowhere else are told, short, in order."""
    entry = replace(RUN, labels={**RUN.labels, "tier": "2"})
    assert line("Labels", entry) == "team=bi, tier=2"
    assert line("Labels", RATING) is None


def test_an_excerpt_only_where_it_may_be() -> None:
    """Text of a conversation is told only to a receiver that may have it, and no more than that."""
    entry = replace(RATING, facts=replace(RATING.facts, excerpt="first line\n\n\u202esecond line"))
    assert alert(entry).excerpt == ""
    assert alert(entry, excerpt_chars=100).excerpt == "first line\nsecond line"
    assert alert(entry, excerpt_chars=12).excerpt == "first line…"
    shown = repr(message(entry).title) + repr(tuple(message(entry).alerts))
    assert "first line" not in shown


def test_how_it_ended() -> None:
    """A resolve says how long it lasted, why it is over, and what was measured at its end."""
    entry = replace(resolved(RUN, after=2830), resolution=Resolution.ENDED, facts=replace(RUN.facts, age=4000.0))
    told = {line.label: line.text for line in alert(entry).lines}
    assert told["Lasted"] == "47 min, 03:01:40 KST to 03:48:50 KST"
    assert told["Ended"] == "the run ended"
    assert told["Ran for"].startswith("1 h 6 min")
    assert not {"Since", "Last step", "Not observed", "Details"} & set(told)


@pytest.mark.parametrize("language", CATALOGUE)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_nothing_hidden_in_any_message(situation: str, language: str) -> None:
    """No message has a second line, a control or a change of direction anywhere, nor a template left unfilled."""
    told = composer(language, console_url=CONSOLE).compose(SITUATIONS[situation], now=NOW)
    for text in _texts(told):
        assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text)
        assert "{" not in text


@given(text=st.text(max_size=40), language=st.sampled_from(sorted(CATALOGUE)))
def test_any_text_yields_a_message(text: str, language: str) -> None:
    """Whatever labels, annotations and facts hold, all of the message is visible text on one line."""
    entry = replace(
        RUN,
        labels={"alertname": text, "app": text, "severity": text, text: text, "conversation_id": text},
        annotations={"summary": text, "runbook_url": f"https://a/{text}", text: text},
        facts=replace(RUN.facts, timezone=text, last_step=text, stop_reason=text, stop="changed", rating=text),
        acked_by=text,
        url=text,
    )
    for each in (entry, resolved(entry)):
        for shown in _texts(message(each, language=language)):
            assert len(shown.splitlines()) <= 1
            assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in shown)
            assert len(shown) <= 3000


def test_ten_thousand_alerts_cost_what_is_shown() -> None:
    """Of a storm only those alerts are put into words that a receiver looks at."""
    storm = [replace(RUN, fingerprint=str(number)) for number in range(10_000)]
    alerts = message(*storm).alerts
    assert len(alerts) == 10_000
    assert len(alerts[:3]) == 3
    assert [alert.title for alert in alerts[:3]] == [alerts[0].title] * 3
    assert alerts[0] is not alerts[0]  # made when it is asked for, kept by nobody


def _texts(told: Message) -> list[str]:
    texts = [told.title]
    for each in told.alerts:
        texts += [each.title, each.summary, each.severity]
        texts += [text for line in each.lines for text in (line.label, line.text)]
        texts += [text for link in each.links for text in (link.text, link.url)]
    return texts
