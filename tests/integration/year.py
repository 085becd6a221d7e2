"""A year of real sales that several modules look at: loaded, built and worked out by loops once, for all of them.

Belongs here: what is in that year, and the folder that keeps it. Its database is copied in `conftest.py`; what a module
adds to its own copy, such as items and their costs, stands there.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.resources.dbt_descriptions import model_descriptions
from tests.integration.dbt_data import (
    FIRST_DAY,
    LAST_DAY,
    add_tenant,
    batches_of,
    copy_into,
    raw_sales,
    raw_stock,
    sales_files,
)
from tests.integration.dbt_reference import line_kinds
from tests.integration.warehouse import STAGES, Warehouse

YEAR = [Window("gifts", FIRST_DAY, LAST_DAY)]
PROMOTED_FROM = date(2011, 3, 7)
REJECTED = 2


@dataclass(frozen=True)
class Year:
    """The folder that has it: raw rows as parquet, and `home`, an installation whose server is stopped.

    Its tenant `gifts` has the sales, some of them under a promotion, made-up stock counts of the items that sold, and a
    batch for each sales file, with two rows rejected; all models are built.
    """

    folder: Path

    @property
    def home(self) -> Path:
        """The home folder of the database."""
        return self.folder / "home"

    @cached_property
    def sales(self) -> pl.DataFrame:
        """Rows of `raw.sales`."""
        return pl.read_parquet(self.folder / "sales.parquet")

    @cached_property
    def stock(self) -> pl.DataFrame:
        """Rows of `raw.stock`."""
        return pl.read_parquet(self.folder / "stock.parquet")

    @cached_property
    def lines(self) -> pl.DataFrame:
        """The sales with what `line_kinds` says of them."""
        return pl.read_parquet(self.folder / "lines.parquet")

    def make(self, url: str, dbt: Dbt) -> None:
        """Make the frames, and the year in a database whose models are built and empty."""
        # By item, so that lines that stand twice stay equal.
        is_promoted = (pl.col("sold_on") >= PROMOTED_FROM) & pl.col("item_code").str.contains(r"^\d{4}3")
        sales = raw_sales(sales_files(), "gifts").with_columns(
            pl.when(is_promoted).then(pl.lit("spring")).alias("promotion")
        )
        sales.write_parquet(self.folder / "sales.parquet")
        raw_stock(sales).write_parquet(self.folder / "stock.parquet")
        # Loops in Python, while the build waits for the database.
        with ThreadPoolExecutor(max_workers=1) as pool:
            lines = pool.submit(line_kinds, sales)
            self._build(url, dbt)
            lines.result().write_parquet(self.folder / "lines.parquet")

    def _build(self, url: str, dbt: Dbt) -> None:
        with connect(url) as connection:
            connection.autocommit = True
            # The log is copied with the database: a gigabyte otherwise.
            connection.execute("alter system set max_wal_size = '128MB'")
            connection.execute("select pg_reload_conf()")
        with connect(url) as connection:
            add_tenant(connection, "gifts", repeated_lines="duplicate")
            copy_into(connection, "raw.sales", self.sales)
            copy_into(connection, "raw.stock", self.stock)
            copy_into(connection, "raw.batches", batches_of(self.sales, "sales", REJECTED))
        Warehouse(url, dbt).build(YEAR, STAGES)


def intermediate_without(*built: str) -> list[str]:
    """The intermediate models but those, which hold the same rows whatever a module adds to the year."""
    names = {name for name, model in model_descriptions().items() if model.folder == "intermediate"}
    assert names > set(built)
    return sorted(names - set(built))
