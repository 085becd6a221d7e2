"""Runs the migrations over the connection that `db/migrate.py` hands in."""

from alembic import context

from inventra_pipelines.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, include_schemas=True)
with context.begin_transaction():
    context.run_migrations()
