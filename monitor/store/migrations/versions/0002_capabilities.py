"""What probes found, when nothing was observed, and what is known of the database itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
        comment="What is known of the database itself. It keeps this form for ever: older versions read it.",
    )
    op.create_table(
        "capabilities",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("probed_at", sa.Double(), nullable=False),
        sa.Column("own_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_capabilities")),
        comment="What the newest probe of each project's server found; server time.",
    )
    op.create_table(
        "blind_times",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("project", "began_at", name=op.f("pk_blind_times")),
        comment="When the runs of a project were not observed; server time.",
    )
