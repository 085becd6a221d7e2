"""What tests of the dbt models share: a database with the models built, and small tenants put into its raw tables.

Belongs here: filling raw tables, rebuilding windows and reading what came of it. Real sales are `dbt_data.py`, plain
loops that say what is right `dbt_reference.py`, the database itself `conftest.py`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
from psycopg import sql

from inventra_pipelines.db.engine import connect, read_frame
from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import Dbt, ModelRun
from tests.integration.dbt_data import add_tenant

Row = dict[str, Any]

MONDAY = date(2024, 3, 4)
STAGES = ["intermediate", "marts"]


def day(number: int) -> date:
    """The day that many days after the Monday on which everything lands that does not say otherwise."""
    return MONDAY + timedelta(number)


@dataclass(frozen=True)
class Warehouse:
    """A database and the dbt project that builds its models."""

    url: str
    dbt: Dbt

    def build(self, windows: list[Window], select: list[str] = STAGES) -> list[ModelRun]:
        """Rebuild the business and landing days of the windows."""
        return self.dbt.run(self.url, select, windows, windows)

    def build_intermediate(self, tenant_id: str, first: int = 0, last: int = 60) -> None:
        """Rebuild a tenant's days, by number, up to the intermediate tables."""
        self.build([Window(tenant_id, day(first), day(last))], ["intermediate"])

    def rows(self, query: str) -> pl.DataFrame:
        """A query's rows."""
        with connect(self.url, read_only=True) as connection:
            return read_frame(connection, query)

    def execute(self, statement: str) -> None:
        """Run a statement and commit it."""
        with connect(self.url) as connection:
            connection.execute(statement)

    def table(self, name: str, tenant_id: str, columns: str = "*") -> list[Row]:
        """A tenant's rows of a relation."""
        frame = self.rows(f"select {columns} from {name} where tenant_id = '{tenant_id}'")
        return frame.drop("tenant_id", strict=False).to_dicts()

    def tenant(self, tenant_id: str, **rules: Any) -> str:
        """Add a tenant without service items, unless the rules name some; gives its id."""
        with connect(self.url) as connection:
            add_tenant(connection, tenant_id, **{"service": [], **rules})
        return tenant_id

    def add(self, tenant_id: str, dataset: str, *rows: Row) -> None:
        """Append rows to a raw table; batch, sheet, row number and day landed have defaults."""
        with connect(self.url) as connection:
            for number, row in enumerate(rows):
                full = {"tenant_id": tenant_id, "landed_on": MONDAY, "sheet": "", "row_number": number, **row}
                full["batch_id"] = f"{tenant_id}/{dataset}/{row.get('batch_id', 'b')}"
                if dataset == "sales":
                    full |= {"sold_at": f"{row['sold_on']} 10:00+00"}
                    full.setdefault("unit_price", 2)
                connection.execute(
                    sql.SQL("insert into raw.{} ({}) values ({})").format(
                        sql.Identifier(dataset),
                        sql.SQL(", ").join(map(sql.Identifier, full)),
                        sql.SQL(", ").join(map(sql.Placeholder, full)),
                    ),
                    full,
                )


def keyed(rows: list[Row], *key: str) -> dict[Any, Row]:
    """Rows by their key, which is taken out of them; insists that no two have the same."""
    found = {tuple(row.pop(name) for name in key): row for row in rows}
    assert len(found) == len(rows)
    return found
