from __future__ import annotations

from monitor.model.conversation import Chat, Sender
from tests.support.build import START, bot, conversation, user


def test_incomplete_chat_is_the_newest_that_the_app_writes() -> None:
    """Of several chats that never completed, the newest is the one being written."""
    shown = conversation(bot("b1", START), bot("b2", START + 1), bot("b3", START + 2, completed=True))
    assert shown.incomplete_chat == bot("b2", START + 1)


def test_only_the_app_writes_incomplete_chats() -> None:
    """An incomplete message of somebody else is not work of the app."""
    by_agent = Chat(id="a1", sender=Sender.AGENT, at=START, completed=False)
    assert conversation(by_agent).incomplete_chat is None


def test_newest_user_chat() -> None:
    """The newest message of the user counts, whatever came after it."""
    assert conversation(user("u1", START), user("u2", START + 1), bot("b1", START + 2)).newest_user_chat == user(
        "u2", START + 1
    )


def test_an_unknown_sender_may_be_a_user() -> None:
    """A chat of a sender that nobody knows counts as a user's, so that no run is stopped in which one wrote."""
    unknown = Chat(id="x1", sender=Sender.OTHER, at=START + 1, completed=True)
    assert conversation(user("u1", START), unknown).newest_user_chat == unknown


def test_what_an_unknown_sender_goes_on_writing_is_work_of_the_app() -> None:
    """People send a chat when they are done with it, whatever they are called."""
    unknown = Chat(id="x1", sender=Sender.OTHER, at=START + 1, completed=False)
    shown = conversation(user("u1", START), unknown)
    assert (shown.incomplete_chat, shown.newest_user_chat) == (unknown, user("u1", START))
