"""Runs migrations on the connection that `jupyterhub_snapshots.store.database` hands over."""

from typing import Literal

from alembic import context

from jupyterhub_snapshots.store import assignment_tables  # noqa: F401  (they belong to Base)
from jupyterhub_snapshots.store.tables import Base, UtcDateTime


def render(kind: str, item: object, autogen_context: object) -> str | Literal[False]:
    """Keeps migrations free of the program's own types."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
