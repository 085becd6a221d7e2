"""The installation's database as a Dagster resource.

Belongs here: opening connections for assets and sensors. It has no configuration of its own, so that no URL and no
password can end in a run's config: the address comes from the settings, which read the environment.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from dagster import ConfigurableResource

from inventra_pipelines.db.embedded import current_url
from inventra_pipelines.db.engine import connect
from inventra_pipelines.settings import get_settings


class Postgres(ConfigurableResource):
    """Connections to the database that the settings name."""

    @property
    def url(self) -> str:
        """Its address, password included: for drivers, never for a log."""
        return current_url(get_settings())

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[psycopg.Connection]:
        """A connection that commits at the end of the block and rolls back on an error."""
        with connect(self.url, read_only=read_only) as connection:
            yield connection
