from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from monitor.notify.progress import Progress


class Post:
    """Takes parts; raises once instead of taking any of `fails`."""

    def __init__(self, *fails: str) -> None:
        self.taken: list[tuple[int, str]] = []
        self._fails = list(fails)

    async def __call__(self, number: int, part: str) -> None:
        """Take a part, or raise."""
        if part in self._fails:
            self._fails.remove(part)
            raise ConnectionError
        self.taken.append((number, part))


async def fail(progress: Progress, key: str, parts: str, post: Callable[[int, str], Awaitable[None]]) -> None:
    """Send what cannot be sent as a whole."""
    with pytest.raises(ConnectionError):
        await progress.send(key, parts, post)


async def test_goes_on_behind_what_was_taken() -> None:
    """A second attempt begins with the part that was not taken, and a third after success with the first."""
    progress, post = Progress(), Post("b")
    await fail(progress, "k", "abc", post)
    await progress.send("k", "abc", post)
    await progress.send("k", "abc", post)
    assert post.taken == [(0, "a"), (1, "b"), (2, "c"), (0, "a"), (1, "b"), (2, "c")]


async def test_notifications_do_not_disturb_each_other() -> None:
    """What was taken of one notification is known even if others were sent in between."""
    progress, post = Progress(), Post("b", "y")
    await fail(progress, "k1", "ab", post)
    await fail(progress, "k2", "xy", post)
    await progress.send("k1", "ab", post)
    assert post.taken[2:] == [(1, "b")]


async def test_what_gets_on_is_not_forgotten() -> None:
    """A notification that got on after many others is the last to be forgotten, not the first."""
    progress, post = Progress(), Post("b", "c")
    await fail(progress, "k", "abc", post)
    for number in range(999):
        await fail(progress, f"k{number}", "ab", Post("b"))
    await fail(progress, "k", "abc", post)
    await fail(progress, "k999", "ab", Post("b"))
    await progress.send("k", "abc", post)
    assert post.taken == [(0, "a"), (1, "b"), (2, "c")]


async def test_forgets_what_nobody_comes_back_to() -> None:
    """Notifications that are given up do not gather: what got on last is known, the rest is forgotten."""
    progress = Progress()
    for number in range(3000):
        await fail(progress, f"k{number}", "ab", Post("b"))
    assert len(progress._accepted) == 1000
    newest, oldest = Post(), Post()
    await progress.send("k2999", "ab", newest)
    await progress.send("k0", "ab", oldest)
    assert (newest.taken, oldest.taken) == ([(1, "b")], [(0, "a"), (1, "b")])
