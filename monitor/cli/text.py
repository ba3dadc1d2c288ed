"""Foreign text on a terminal: nothing of it may steer the terminal, be taken for markup, or break a line."""

from __future__ import annotations

import sys

__all__ = ["encodable", "plain"]

_UNPRINTABLE = "\ufffd"


def plain(text: str) -> str:
    """
    Return `text` on one line, without anything that does more than show.

    White space becomes single spaces; control characters, what changes the direction of writing, and halves of
    surrogate pairs become U+FFFD.
    """
    return "".join(char if char.isprintable() else _UNPRINTABLE for char in " ".join(text.split()))


def encodable() -> None:
    """Let standard output show as a question mark what its encoding does not have, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
