"""Text that breaks careless receivers, and notifications made of it."""

from __future__ import annotations

from hypothesis import strategies as st

from monitor.model.alert import Transition
from monitor.model.facts import Facts
from monitor.model.notification import Entry
from tests.support.receivers import NOW

__all__ = ["FAMILY", "nasty_entries", "nasty_text"]

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
"""One character to a reader, and eleven UTF-16 code units."""

_TOKENS = (
    *(
        "<!channel>",
        "<!here|x>",
        "<@U024BE7LH>",
        "<#C1|c>",
        "<https://evil.example|click>",
        "&amp;",
        "&",
        "<",
        ">",
        "|",
    ),
    *("*bold*", "_it_", "~no~", "`code`", "```", "@channel", "#general", ":bomb:", "https://evil.example/a?b=c"),
    *("\n", "\r\n", "\n> quoted", "\u202e", "\u2066", "\u200b", "\0", "\ud83d", "\x1b[31m", '"', "\\", "<script>"),
    *("보고서 작성이 제한 시간을 넘었습니다", "制限時間を超えました", "각", FAMILY, "🇰🇷", "e\u0301", " "),
)


def nasty_text() -> st.SearchStrategy[str]:
    """Return texts that mean something to some channel, up to some thousand code points long."""
    token = st.sampled_from(_TOKENS)
    return st.lists(token, max_size=5).map("".join) | st.tuples(token, st.integers(1, 100)).map(
        lambda pair: pair[0] * pair[1]
    )


@st.composite
def nasty_entries(draw: st.DrawFn) -> tuple[Entry, ...]:
    """Return the entries of a notification: some alerts in any order of states, with nasty text everywhere."""
    names = ("alertname", "project", "app", "severity", "team", "conversation_id")
    found = []
    for _ in range(draw(st.integers(1, 5))):
        labels = {name: draw(nasty_text()) for name in draw(st.sets(st.sampled_from(names)))}
        if draw(st.booleans()):
            labels |= {"severity": draw(st.sampled_from(["critical", "warning", "info", "none"])), "run_id": "run-1"}
        found.append(
            Entry(
                fingerprint=f"{draw(st.integers(0, 4)):016x}",
                status=draw(st.sampled_from(list(Transition))),
                labels=labels,
                annotations={"summary": draw(nasty_text()), "runbook_url": draw(nasty_text())},
                starts_at=NOW - 60,
                url=draw(st.sampled_from(["", "https://monitor.example/c/p/c1?a=1&b=<2>|3"]) | nasty_text()),
                facts=Facts(last_step=draw(nasty_text()), excerpt=draw(nasty_text())),
                rank=draw(st.none() | st.integers(0, 20)),
            )
        )
    return tuple(found)
