"""
Text of others made safe to show: nothing invisible in it, and nothing in it that a channel takes for its own.

The text of a `monitor.messages.message.Message` went through `one_line` or `many_lines`; a channel that has a markup
escapes it besides.
"""

from __future__ import annotations

import html

import regex

__all__ = ["escape_html", "escape_slack", "many_lines", "one_line"]

_LINE_ENDS = regex.compile(r"\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_BLANK = regex.compile(r"[^\S\n]+|\u2800")
_BLANK_LINES = regex.compile(r" ?\n[ \n]*")
_UNREADABLE = regex.compile(r"[\p{Cs}\p{Co}\p{Noncharacter_Code_Point}]")
_STACKED_MARKS = regex.compile(r"(\p{M}{8})\p{M}++")

_INVISIBLE = regex.compile(
    r"""
    (?!
        (?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?) \u200d (?=\p{Extended_Pictographic})  # one emoji
      | (?<=\p{Canonical_Combining_Class=9}) [\u200c\u200d]          # Indic scripts choose a form of a letter so
      | (?<=\p{Arabic}) \u200c (?=\p{Arabic})                        # and so do Persian and others a break
      | (?<=\p{Emoji}) [\ufe0e\ufe0f]                                # emoji or text
      | (?<=\p{Han}) [\ufe00-\ufe02\U000e0100-\U000e01ef]            # forms of ideographs, as names have them
    )
    [\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}--[\n]]
    """,
    regex.VERBOSE | regex.VERSION1,
)
"""What does not show: controls, directions, joiners and selectors out of place, fillers, tags."""


def many_lines(text: str) -> str:
    """
    Return `text` with only what shows in it: no controls, no change of direction, nothing of no width.

    Joiners and selectors stay where emoji and scripts need them. What cannot be read is U+FFFD. Lines stay, without
    empty ones; marks are stacked at most eight high.
    """
    text = _UNREADABLE.sub("\ufffd", _LINE_ENDS.sub("\n", text))
    text = _INVISIBLE.sub("", _BLANK.sub(" ", text))
    text = _STACKED_MARKS.sub(r"\1", text)
    return _BLANK_LINES.sub("\n", _BLANK.sub(" ", text)).strip()


def one_line(text: str) -> str:
    """Return `text` as `many_lines` does, on one line."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())  # most text by far, and much faster
    return many_lines(text).replace("\n", " ")


def escape_html(text: str) -> str:
    """Return `text` for HTML, in an element or in a quoted attribute."""
    return html.escape(text, quote=True)


_SLACK = (
    (regex.compile(r"&"), "&amp;"),
    (regex.compile(r"<"), "&lt;"),
    # Escaped or not, at the beginning of a line it begins a quotation.
    (regex.compile(r"(?m)^([^\S\n]*)>"), "\\1\N{FULLWIDTH GREATER-THAN SIGN}"),
    (regex.compile(r">"), "&gt;"),
    (regex.compile(r"`"), "\N{MODIFIER LETTER GRAVE ACCENT}"),
    (regex.compile(r"(?<![A-Za-z0-9])\*|\*(?![A-Za-z0-9])"), "\N{ASTERISK OPERATOR}"),
    (regex.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"), "\N{MODIFIER LETTER LOW MACRON}"),
    (regex.compile(r"(?<![A-Za-z0-9])~|~(?![A-Za-z0-9])"), "\N{TILDE OPERATOR}"),
    (regex.compile(r"(?<![A-Za-z0-9])@(?=\S)"), "\N{FULLWIDTH COMMERCIAL AT}"),
    (regex.compile(r"(?<![A-Za-z0-9])#(?=\S)"), "\N{FULLWIDTH NUMBER SIGN}"),
    # Addresses and names of emoji; 14:03:22 is neither.
    (regex.compile(r":(?=//)|:(?!\d\d?:)(?=[^\s:]++:)"), "\N{RATIO}"),
    # The name of a host becomes a link even without a scheme.
    (regex.compile(r"(?<!_[\p{L}\p{N}-]{0,63})(?<=[\p{L}\p{N}-])\.(?=\p{L})"), "\N{ONE DOT LEADER}"),
)
"""
What Slack's mrkdwn takes for its own, and what looks the same and is nothing to it. An underscore within a word stays,
and so does a dot behind one, which no host has, so that ids and keys of settings can be copied.
"""


def escape_slack(text: str) -> str:
    """
    Return `text` for Slack's mrkdwn, so that no mention, link, emoji or formatting comes from it.

    Source: Slack's page on formatting text: three characters have escapes, for the others it has none.
    """
    for pattern, replacement in _SLACK:
        text = pattern.sub(replacement, text)
    return text
