"""When groups are to be looked at, which of their alerts came when, silences and acknowledgements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("transitions", sa.Column("rank", sa.Integer(), nullable=True))
    op.add_column("groups", sa.Column("flush_at", sa.Double(), nullable=True))
    op.add_column("groups", sa.Column("ticked_at", sa.Double(), nullable=True))
    op.add_column("groups", sa.Column("repeats", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("groups", sa.Column("muted", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("deliveries", sa.Column("set_aside_at", sa.Double(), nullable=True))
    op.drop_index(op.f("ix_intents_state_due_at"), table_name="intents")
    op.create_index(op.f("ix_intents_state_kind_destination_id"), "intents", ["state", "kind", "destination", "id"])
    op.create_index(op.f("ix_groups_flush_at"), "groups", ["flush_at"])
    op.execute("UPDATE groups SET flush_at = 0, ticked_at = last_sent_at")  # all of them are looked at once
    op.create_table(
        "silences",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("starts_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
        comment="What is not to be told for a while; own time.",
    )
    op.create_index(op.f("ix_silences_ends_at"), "silences", ["ends_at"])
    op.create_table(
        "acks",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_acks")),
        comment="The newest acknowledgement of each alert; own time.",
    )
    op.create_index(op.f("ix_acks_ended_at"), "acks", ["ended_at"])
