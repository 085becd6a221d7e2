"""The artifact store over Postgres: what `reports.artifacts` says.

Belongs here: the site's only SQL, read-only and one short connection per call. Rows get there from the reports stage.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from inventra_pipelines.db.engine import connect
from inventra_pipelines.errors import PermanentError, TransientError
from inventra_pipelines.portal.artifacts import Artifact

_COLUMNS = "report, day, file_name, path, sha256, bytes"
_DAYS = "select distinct day from reports.artifacts where tenant_id = %(tenant_id)s order by day desc"
_OF_TENANT = f"select {_COLUMNS} from reports.artifacts where tenant_id = %(tenant_id)s"
_OF_DAY = f"{_OF_TENANT} and day = %(day)s order by report"
_ONE = f"{_OF_TENANT} and day = %(day)s and report = %(report)s"


class PostgresArtifactStore:
    """Reads `reports.artifacts`; satisfies `ArtifactStore`.

    Args:
        url: The database.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def list_days(self, tenant_id: str) -> Sequence[date]:
        """Days with reports, newest first."""
        return [day for (day,) in self._rows(_DAYS, tenant_id=tenant_id)]

    def list_artifacts(self, tenant_id: str, day: date) -> Sequence[Artifact]:
        """The reports of a day, by kind."""
        return [Artifact(*row) for row in self._rows(_OF_DAY, tenant_id=tenant_id, day=day)]

    def find(self, tenant_id: str, day: date, report: str) -> Artifact | None:
        """One report, or None."""
        rows = self._rows(_ONE, tenant_id=tenant_id, day=day, report=report)
        return Artifact(*rows[0]) if rows else None

    def _rows(self, query: str, **values: Any) -> list[TupleRow]:
        try:
            with connect(self._url, read_only=True) as connection:
                return connection.execute(query, values).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
            raise PermanentError("table reports.artifacts is not as expected", "run `inventra db migrate`") from None
        except psycopg.OperationalError:
            raise TransientError("Postgres broke off while reports were looked up", "try again") from None
