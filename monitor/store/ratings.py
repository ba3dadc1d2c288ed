"""Conversations as looked at, ratings as known, and what happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.conversation import App, Vote
from monitor.model.rating import Rater, Rating, RatingChange
from monitor.store import schema

__all__ = ["Look", "Ratings"]

_conversations = schema.conversations
_ratings = schema.ratings
_changes = schema.rating_changes

_STATES_KEPT = 365 * 86400.0  # seconds beyond the retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The newest look at one conversation: `digest` stands for all that ratings depend on."""

    id: str
    chat_count: int
    last_chat_at: float | None
    looked_at: float
    paged_at: float | None
    digest: str


class Ratings:
    """Reads and writes ratings."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def looks(self, project: str, ids: Sequence[str]) -> dict[str, Look]:
        """Return the newest looks at some conversations, by id."""
        columns = [_conversations.c[name] for name in Look.__dataclass_fields__]
        query = select(*columns).where(_conversations.c.project == project, _conversations.c.id.in_(ids))
        rows = await self._connection.execute(query)
        return {row.id: Look(**row._mapping) for row in rows}  # noqa: SLF001 - public in spite of its name

    async def record_looks(self, project: str, looks: Iterable[Look]) -> None:
        """Note that conversations were looked at."""
        rows = [{"project": project, **asdict(look)} for look in looks]
        if rows:
            statement = insert(_conversations)
            names = [name for name in Look.__dataclass_fields__ if name != "id"]
            updated = {name: statement.excluded[name] for name in names}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["project", "id"], set_=updated), rows
            )

    async def touch(self, project: str, ids: Sequence[str], *, at: float) -> None:
        """Note that unchanged conversations were looked at again."""
        await self._connection.execute(
            update(_conversations)
            .where(_conversations.c.project == project, _conversations.c.id.in_(ids))
            .values(looked_at=at)
        )

    async def known(self, project: str, conversation_ids: Sequence[str]) -> dict[str, dict[tuple[str, Rater], Rating]]:
        """Return the known ratings of some conversations, by conversation, then by chat and rater."""
        query = select(_ratings).where(_ratings.c.project == project, _ratings.c.conversation_id.in_(conversation_ids))
        found: dict[str, dict[tuple[str, Rater], Rating]] = {}
        for row in await self._connection.execute(query):
            by = Rater(row.rater)
            found.setdefault(row.conversation_id, {})[row.chat_id, by] = Rating(
                project=project,
                conversation_id=row.conversation_id,
                chat_id=row.chat_id,
                by=by,
                vote=Vote(row.vote),
                not_before=row.not_before,
                seen_at=row.seen_at,
            )
        return found

    async def put(self, ratings: Iterable[Rating]) -> None:
        """Write the newest known state of ratings."""
        rows = [
            {
                "project": rating.project,
                "chat_id": rating.chat_id,
                "rater": rating.by.value,
                "conversation_id": rating.conversation_id,
                "vote": rating.vote.value,
                "not_before": rating.not_before,
                "seen_at": rating.seen_at,
            }
            for rating in ratings
        ]
        if rows:
            statement = insert(_ratings)
            updated = {name: statement.excluded[name] for name in ("vote", "not_before", "seen_at")}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["project", "chat_id", "rater"], set_=updated), rows
            )

    async def record_changes(self, changes: Iterable[RatingChange]) -> None:
        """Append what happened to ratings."""
        rows = [
            {
                "project": change.rating.project,
                "conversation_id": change.rating.conversation_id,
                "chat_id": change.rating.chat_id,
                "rater": change.rating.by.value,
                "vote": change.rating.vote.value,
                "previous": change.previous.value,
                "app_id": change.app.id if change.app else None,
                "app_name": change.app.name if change.app else None,
                "user_id": change.user_id,
                "chat_at": change.chat_at,
                "not_before": change.rating.not_before,
                "seen_at": change.rating.seen_at,
            }
            for change in changes
        ]
        if rows:
            await self._connection.execute(insert(_changes), rows)

    async def changes(
        self, project: str, *, since: float = 0.0, conversation_id: str | None = None, limit: int | None = None
    ) -> list[RatingChange]:
        """Return what was seen to happen to ratings from `since` on; with a `limit`, the newest, newest first."""
        query = select(_changes).where(_changes.c.project == project, _changes.c.seen_at >= since)
        if conversation_id is not None:
            query = query.where(_changes.c.conversation_id == conversation_id)
        query = query.order_by(_changes.c.id.desc() if limit else _changes.c.id).limit(limit)
        return [_change(row) for row in await self._connection.execute(query)]

    async def prune(self, project: str, *, before: float) -> None:
        """
        Forget changes, and conversations not looked at, since then.

        States of ratings are kept a year longer: a conversation that wakes up after months shows its old ratings
        again, and they must not be taken for news.
        """
        await self.forget_changes(project, before=before)
        await self._connection.execute(
            delete(_conversations).where(_conversations.c.project == project, _conversations.c.looked_at < before)
        )
        await self._connection.execute(
            delete(_ratings).where(_ratings.c.project == project, _ratings.c.seen_at < before - _STATES_KEPT)
        )

    async def forget_changes(self, project: str | None = None, *, before: float) -> None:
        """Forget changes seen before then, of one project or of all; the states that they led to stay."""
        old = delete(_changes).where(_changes.c.seen_at < before)
        await self._connection.execute(old if project is None else old.where(_changes.c.project == project))


def _change(row: Row[tuple[object, ...]]) -> RatingChange:
    return RatingChange(
        rating=Rating(
            project=row.project,
            conversation_id=row.conversation_id,
            chat_id=row.chat_id,
            by=Rater(row.rater),
            vote=Vote(row.vote),
            not_before=row.not_before,
            seen_at=row.seen_at,
        ),
        previous=Vote(row.previous),
        app=App(id=row.app_id, name=row.app_name) if row.app_id is not None else None,
        user_id=row.user_id,
        chat_at=row.chat_at,
    )
