"""
Situations that messages are composed for, and how they are kept for readers: ``python -m tests.support.messages``.

That command writes ``tests/data/messages`` and the examples of ``docs/messages.md`` anew, after a change of wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from monitor.messages.catalogue import CATALOGUE
from monitor.messages.compose import Composer
from monitor.messages.message import AlertText, Message
from monitor.model.alert import Resolution, Transition
from monitor.model.builtin import SEVERITIES, Builtin
from monitor.model.facts import Facts
from monitor.model.notification import Entry, Notification

__all__ = ["CONSOLE", "DIRECTORY", "NOW", "PAGE", "SITUATIONS", "as_text", "kept", "notification", "page", "told"]

DIRECTORY = Path(__file__).parents[1] / "data" / "messages"
PAGE = Path(__file__).parents[2] / "docs" / "messages.md"
NOW = 1_795_370_590.0  # 2026-11-22 18:03:10 UTC: 3 a.m. of the next day in Seoul and Tokyo
CONSOLE = "https://monitor.example/"

_SEOUL, _TOKYO, _SAN_FRANCISCO = "Asia/Seoul", "Asia/Tokyo", "America/Los_Angeles"
_EXAMPLE = re.compile(r"(<!-- message: (?P<situation>[\w-]+) (?P<language>\w\w) -->\n```text\n).*?(```\n)", re.DOTALL)

RUN = Entry(
    fingerprint="01",
    status=Transition.FIRING,
    labels={
        "alertname": "RunOverLimit",
        "project": "support",
        "app": "Monthly report",
        "app_id": "app1",
        "severity": "critical",
        "conversation_id": "Q29udmVyc2F0aW9uOjE",
        "run_id": "run1",
        "action": "shadow",
        "team": "bi",
    },
    annotations={
        "summary": "Monthly report: a run is 31m 2s old, limit 30m",
        "runbook_url": "https://wiki.example/runbooks/long-runs",
    },
    starts_at=NOW - 90,
    url="https://monitor.example/c/support/Q29udmVyc2F0aW9uOjE",
    facts=Facts(
        timezone=_SEOUL,
        age=1862.0,
        age_at_most=1950.0,
        limit=1800.0,
        idle=40.0,
        last_step="web_search",
        last_step_ago=40.0,
        stop="shadow",
    ),
)

RATING = Entry(
    fingerprint="02",
    status=Transition.FIRING,
    labels={
        "alertname": "NegativeRating",
        "project": "support",
        "app": "Monthly report",
        "severity": "info",
        "conversation_id": "Q29udmVyc2F0aW9uOjI",
        "chat_id": "Q2hhdDoy",
        "by": "user",
    },
    annotations={"summary": "Monthly report: a user rated an answer negative"},
    starts_at=NOW - 4000,
    ends_at=NOW + 80_000,
    url="https://monitor.example/c/support/Q29udmVyc2F0aW9uOjI",
    facts=Facts(timezone=_TOKYO, rating="negative", rated_by="user"),
)

BURST = Entry(
    fingerprint="03",
    status=Transition.FIRING,
    labels={"alertname": "NegativeRatingBurst", "project": "support", "app": "Monthly report", "severity": "critical"},
    annotations={
        "summary": "Monthly report: 7 negative ratings within 30 minutes",
        "description": "Look at what changed last: prompt, model, knowledge base.",
        "dashboard_url": "https://grafana.example/d/ratings?app=Monthly%20report&from=now-6h",
    },
    starts_at=NOW - 65,
    url=CONSOLE,
    facts=Facts(timezone=_SEOUL, count=7, within=1800.0),
)


def notification(*entries: Entry, reason: str = "first_notification") -> Notification:
    """Return a notification of these entries."""
    return Notification(key="k", receiver="oncall", group_key="{}", group_labels={}, entries=entries, reason=reason)


def told(name: Builtin, summary: str, *, zone: str = "UTC", **labels: str) -> Entry:
    """Return a built-in alert that fires."""
    return Entry(
        fingerprint=name.value,
        status=Transition.FIRING,
        labels={"alertname": name.value, "severity": SEVERITIES[name], **labels},
        annotations={"summary": summary},
        starts_at=NOW - 33,
        url=CONSOLE,
        facts=Facts(timezone=zone),
    )


def _stop(entry: Entry, result: str, reason: str = "", *, label: str = "") -> Entry:
    facts = replace(entry.facts, stop=result, stop_reason=reason)
    return replace(entry, facts=facts, labels={**entry.labels, "action": label or result})


def _over(entry: Entry, resolution: Resolution, *, after: float, facts: Facts | None = None) -> Entry:
    return replace(
        entry,
        status=Transition.RESOLVED,
        ends_at=entry.starts_at + after,
        resolution=resolution,
        facts=facts or entry.facts,
    )


_STUCK = replace(
    RUN,
    fingerprint="04",
    labels={**RUN.labels, "alertname": "RunStuck", "app": "계약서 검토", "conversation_id": "Q29udmVyc2F0aW9uOjQ"},
    annotations={"summary": "계약서 검토: a run seems stuck, no progress for 12m 4s"},
    starts_at=NOW - 7500,
    facts=Facts(timezone=_SEOUL, age=9300.0, idle=724.0, blind_before=250.0),
)

SITUATIONS: dict[str, Notification] = {
    "run-would-be-stopped": notification(RUN),
    "run-stopped": notification(
        _over(_stop(RUN, "stopped"), Resolution.ENDED, after=47.0, facts=replace(RUN.facts, age=1909.0, stop="stopped"))
    ),
    "stop-refused": notification(_stop(RUN, "refused", "budget_spent")),
    "stop-not-the-same-run": notification(
        _stop(RUN, "changed", "the user wrote since its age began to count"),
    ),
    "stop-without-effect": notification(
        _stop(RUN, "ineffective", "still running after 2m"),
        replace(
            told(
                Builtin.STOP_INEFFECTIVE,
                "A stop had no effect: still running after 2m. The run still goes on; a person must act.",
                project="support",
                app="Monthly report",
                conversation_id="Q29udmVyc2F0aW9uOjE",
            ),
            url=RUN.url,
            facts=replace(RUN.facts, stop="ineffective", stop_reason="still running after 2m"),
        ),
    ),
    "run-stuck-acknowledged-repeat": notification(replace(_STUCK, acked_by="minji"), reason="repeat"),
    "rating-with-excerpt": notification(
        replace(
            RATING,
            facts=replace(
                RATING.facts, excerpt="Q: 請求書はどこで見られますか。連絡先は [email] です。\n\nA: わかりません。"
            ),
        )
    ),
    "rating-withdrawn": notification(_over(RATING, Resolution.WITHDRAWN, after=3900.0)),
    "ratings-burst": notification(BURST),
    "group-of-many": notification(
        replace(RATING, status=Transition.FIRING),
        _STUCK,
        BURST,
        _over(RUN, Resolution.GONE, after=80.0),
        replace(BURST, fingerprint="05", labels={**BURST.labels, "app": "Search", "severity": "warning", "tier": "2"}),
    ),
    "credential-refused": notification(
        told(
            Builtin.MONITOR_API_AUTH,
            "Alli refuses the credential of project support: nothing is observed until it is replaced. "
            "401 INVALID_TOKEN",
            zone=_SAN_FRANCISCO,
            project="support",
        )
    ),
    "blind-and-over": notification(
        told(
            Builtin.MONITOR_BLIND,
            "No complete look at the runs of project support for 34 s.",
            zone=_SAN_FRANCISCO,
            project="support",
        ),
        _over(
            told(
                Builtin.MONITOR_BLIND,
                "No complete look at the runs of project support for 34 s.",
                zone=_SAN_FRANCISCO,
                project="support",
            ),
            Resolution.RECOVERED,
            after=30.0,
        ),
    ),
    "receiver-failing": notification(
        told(
            Builtin.RECEIVER_FAILING,
            "Receiver slack/0 refuses notifications; those are set aside: 404 channel_not_found",
            integration="slack/0",
            receiver="slack",
        )
    ),
    "storage-failing": notification(
        told(Builtin.STORAGE_FAILING, "The monitor cannot keep its state: the disk is full", reason="write")
    ),
    "rule-removed": notification(_over(RUN, Resolution.RULE_REMOVED, after=86.0)),
    "baseline": notification(
        told(
            Builtin.BASELINE_RECORDED,
            "First look at project support: 812 conversations, 40 negative and 93 positive ratings recorded without "
            "alerts. From now on every change is told.",
            zone=_TOKYO,
            project="support",
        )
    ),
    "ratings-caught-up": notification(
        replace(
            told(
                Builtin.RATINGS_CAUGHT_UP,
                "Project support was not observed for 3d. 500 alerts of rule NegativeRating about what may have "
                "happened then are not told one by one: Monthly report 480, Search 20.",
                project="support",
                rule="NegativeRating",
            ),
            facts=Facts(timezone=_SEOUL, count=500, blind_before=259_200.0),
        )
    ),
    "hostile-names": notification(
        replace(
            RUN,
            labels={
                **RUN.labels,
                "app": "Report\u202etxt\u200b\r\nResolved: all is well <!channel> *ok* <b>&\ud800" + "\u0301" * 40,
                "severity": "critical\x1b[0m",
            },
            annotations={"summary": "a\u2028b\x00c", "runbook_url": "javascript:alert(1)", "wiki_url": "http://a b|c>"},
            facts=replace(
                RUN.facts,
                timezone="Nowhere/Else",
                last_step="read <file>\x07 & *more*",
                excerpt="not for this receiver",
            ),
        )
    ),
}
"""What happened, by a name that says it."""


def as_text(message: Message) -> str:
    """Return a message as a reader sees it, with a margin that says what each line is."""
    return "\n".join(["", f"== {message.title}", *(line for alert in message.alerts for line in _alert(alert))]) + "\n"


def page(text: str) -> str:
    """Return the text of the documentation's page with its examples made anew."""

    def example(found: re.Match[str]) -> str:
        message = _compose(found["situation"], found["language"])
        return found[1] + as_text(message).lstrip("\n") + found[4]

    return _EXAMPLE.sub(example, text)


def kept(situation: str) -> str:
    """Return what is kept of a situation: its message in every language."""
    return "\n".join(f"[{language}]{as_text(_compose(situation, language))}" for language in CATALOGUE)


def _compose(situation: str, language: str) -> Message:
    excerpt_chars = 200 if situation == "rating-with-excerpt" else 0
    composer = Composer(language=language, excerpt_chars=excerpt_chars, console_url=CONSOLE)
    return composer.compose(SITUATIONS[situation], now=NOW)


def _alert(alert: AlertText) -> Iterator[str]:
    yield f"-- {alert.title} [{alert.status} {alert.severity}]"
    yield f"   {alert.summary}"
    yield from (f"   {line.label}: {line.text}" for line in alert.lines)
    yield from (f" > {row}" for row in alert.excerpt.splitlines())
    yield from (f"   {link.text} -> {link.url}" for link in alert.links)


if __name__ == "__main__":
    for name in SITUATIONS:
        (DIRECTORY / f"{name}.txt").write_text(kept(name), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
