"""Days that no file touched and that must be rebuilt all the same, because a touched day speaks of lines on them.

Belongs here: the SQL that finds them. What kind of line each row is decides `int_sales_lines` of the dbt project.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import psycopg
from psycopg import sql

from inventra_pipelines.db.batches import record_reopened, touched_windows
from inventra_pipelines.db.writes import Window, days_of
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.tenant import Dataset

_IS_BUILT = """
    select count(*) = 2
    from unnest(array['intermediate.int_sales_identified', 'intermediate.int_sales_lines']) as relation
    where to_regclass(relation) is not null
"""

# A line of a document holds in the version that landed last: the others have any day. Only lines that are new, or that
# the model's table still has and the files no longer, change which one that is.
_OTHER_VERSIONS = """
    with

    present as (
        select batch_id, sheet, row_number, document_id, line_number, sold_on
        from raw.sales
        where
            tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s
            and document_id is not null and line_number is not null
    ),

    stored as (
        select batch_id, sheet, row_number, document_id, line_number, sold_on
        from intermediate.int_sales_lines
        where
            tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s
            and document_id is not null and line_number is not null
    ),

    changed as materialized (
        select document_id, line_number from (table present except table stored) as landed
        union
        select document_id, line_number from (table stored except table present) as gone
    )

    select distinct versions.sold_on
    from changed
    inner join raw.sales as versions
        on versions.document_id = changed.document_id and versions.line_number = changed.line_number
    where versions.tenant_id = %(tenant_id)s
"""

# A corrected row stands for the rejected one, should that load by now, and for what corrected it before: these take no
# line's place any more, whatever its day.
_CORRECTED = """
    with

    present as (
        select batch_id, sheet, row_number, corrects_row
        from raw.sales
        where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and corrects_row is not null
    ),

    stored as (
        select batch_id, sheet, row_number, corrects_row
        from intermediate.int_sales_lines
        where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and corrects_row is not null
    ),

    changed as materialized (
        select corrects_row from (table present except table stored) as landed
        union
        select corrects_row from (table stored except table present) as gone
    ),

    affected as materialized (
        select sales.sold_on, sales.document_id, sales.line_number
        from changed
        inner join raw.sales as sales on sales.corrects_row = changed.corrects_row
        where sales.tenant_id = %(tenant_id)s
        union
        select sales.sold_on, sales.document_id, sales.line_number
        from changed
        inner join raw.batches as batches on batches.batch_id = split_part(changed.corrects_row, ':', 1)
        inner join raw.sales as sales
            on
                sales.landed_on = batches.landed_on
                and sales.batch_id = batches.batch_id
                and concat_ws(':', sales.batch_id, sales.row_number, sales.sheet) = changed.corrects_row
        where batches.tenant_id = %(tenant_id)s and sales.tenant_id = %(tenant_id)s
    )

    select sold_on
    from affected
    union
    select versions.sold_on
    from affected
    inner join raw.sales as versions
        on versions.document_id = affected.document_id and versions.line_number = affected.line_number
    where versions.tenant_id = %(tenant_id)s
"""

# A pair of a sale and its cancellation depends on the lines between them alone. So a line outside of the window changes
# only where its pair, as it was or as it becomes, spans a line inside that changed: a sale before the window with a
# cancellation in or after it, or a cancellation after it. Of a long window, only lines near its ends can be spanned.
_SPANNING_PAIRS = """
    with

    reach as (
        select cancellation_window_days as days, %(first)s - cancellation_window_days as earliest,
            %(last)s + cancellation_window_days as latest
        from ops.tenants
        where tenant_id = %(tenant_id)s
    ),

    cancellations as materialized (
        select sold_on, item_id, coalesce(customer_code, '') as customer_code, -units as units
        from intermediate.int_sales_identified
        where
            tenant_id = %(tenant_id)s and is_cancellation
            and sold_on between %(first)s and (select latest from reach)
        union
        select sold_on, item_id, coalesce(customer_code, ''), -quantity
        from intermediate.int_sales_lines
        where
            tenant_id = %(tenant_id)s and quantity < 0 and quantity_factor is not null
            and sold_on between %(first)s and %(last)s
    ),

    -- By what takes no rule first: few lines remain whose item is to be found out.
    present as materialized (
        select batch_id, sheet, row_number, sold_on, sold_at, document_id, item_id,
            coalesce(customer_code, '') as customer_code, units
        from intermediate.int_sales_identified
        where
            tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s
            and (coalesce(customer_code, ''), abs(units)) in (select customer_code, units from cancellations)
            and (
                sold_on <= %(first)s + (select days from reach)
                or sold_on >= %(last)s - (select days from reach)
            )
    ),

    stored as materialized (
        select batch_id, sheet, row_number, sold_on, sold_at, document_id, item_id,
            coalesce(customer_code, '') as customer_code, quantity as units
        from intermediate.int_sales_lines
        where
            tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s
            and (coalesce(customer_code, ''), abs(quantity)) in (select customer_code, units from cancellations)
            and quantity_factor is not null
            and (
                sold_on <= %(first)s + (select days from reach)
                or sold_on >= %(last)s - (select days from reach)
            )
    ),

    changed as materialized (
        select sold_on, item_id, customer_code, abs(units) as units
        from (table present except select * from stored where not %(is_whole)s) as landed
        union
        select sold_on, item_id, customer_code, abs(units)
        from (table stored except table present) as gone
    ),

    spanning as materialized (
        select distinct cancellations.*
        from cancellations
        inner join changed using (item_id, customer_code, units)
        where changed.sold_on between cancellations.sold_on - (select days from reach) and cancellations.sold_on
    ),

    sales as materialized (
        select sold_on, item_id, coalesce(customer_code, '') as customer_code, units
        from intermediate.int_sales_identified
        where
            tenant_id = %(tenant_id)s and units > 0
            and sold_on between (select earliest from reach) and %(first)s - 1
            and (coalesce(customer_code, ''), units) in (select customer_code, units from spanning)
    )

    select sold_on
    from spanning
    where sold_on > %(last)s
    union
    select sales.sold_on
    from sales
    inner join spanning using (item_id, customer_code, units)
    where spanning.sold_on <= sales.sold_on + (select days from reach)
"""


def reopened_days(connection: psycopg.Connection, windows: Sequence[Window]) -> list[Window]:
    """The days of sale that files touched, and the others on which lines may change because of them.

    Other days are those of older and newer versions of the same lines of documents, those of rows that a correction
    stands for, and those of sales and cancellations whose pair may span a line that changed. The last are found within
    the tenant's `cancellation_window_days`, however long its history is. Where the model's table holds what the files
    do, no other day is reopened.

    Args:
        connection: To the installation's database; its rows of `raw` are those to normalize.
        windows: Days of `sold_on` that files touched.

    Returns:
        Windows that hold all of these days, by tenant and day; none of them meet. The windows as they are, where
        nothing has been normalized yet.
    """
    built = connection.execute(_IS_BUILT).fetchone()
    if built is None or not built[0]:
        return list(windows)
    touched = joined(windows)
    versioned = joined(
        day
        for query in (_OTHER_VERSIONS, _CORRECTED)
        for window in touched
        for day in find_days(connection, query, window)
    )
    paired = [
        *(day for window in touched for day in find_days(connection, _SPANNING_PAIRS, window, is_whole=False)),
        # Here rows are as they were, and what they are is not.
        *(day for window in versioned for day in find_days(connection, _SPANNING_PAIRS, window, is_whole=True)),
    ]
    return joined([*touched, *versioned, *paired])


def find_days(connection: psycopg.Connection, query: str, window: Window, **more: bool | list[str]) -> list[Window]:
    """The days that a query of a tenant's window finds, each as a window."""
    parameters = {"tenant_id": window.tenant_id, "first": window.first, "last": window.last, **more}
    days: list[tuple[date]] = connection.execute(query.encode(), parameters).fetchall()
    return [Window(window.tenant_id, day, day) for (day,) in days]


def joined(windows: Iterable[Window]) -> list[Window]:
    """Windows that overlap or meet as one."""
    joined: list[Window] = []
    for window in sorted(windows, key=lambda each: (each.tenant_id, each.first, each.last)):
        last = joined[-1] if joined else None
        if last and last.tenant_id == window.tenant_id and window.first <= last.last + timedelta(days=1):
            joined[-1] = Window(last.tenant_id, last.first, max(last.last, window.last))
        else:
            joined.append(window)
    return joined


# What an alias means is decided when lines are normalized: those that are have to be once more. By the text of the code
# alone, which finds at least the codes that the tenant's rules make equal by case, space and padding.
_ALIASED = """
    with

    aliases as materialized (
        select distinct ltrim(upper(trim(alias_code)), '0') as code
        from raw.item_aliases
        where tenant_id = %(tenant_id)s and landed_on between %(first)s and %(last)s
    )

    select distinct {column}
    from {table}
    where
        tenant_id = %(tenant_id)s and exists (select from aliases)
        and ltrim(upper(trim(item_code)), '0') in (select code from aliases)
"""


def aliased_days(connection: psycopg.Connection, window: Window) -> dict[Dataset, set[date]]:
    """Business days by dataset with codes whose alias landed in the window."""
    days: dict[Dataset, set[date]] = {}
    parameters = {"tenant_id": window.tenant_id, "first": window.first, "last": window.last}
    for dataset, contract in CONTRACTS.items():
        if contract.business_day:
            query = sql.SQL(_ALIASED).format(
                column=sql.Identifier(contract.business_day), table=sql.Identifier("raw", dataset)
            )
            days[dataset] = {day for (day,) in connection.execute(query, parameters).fetchall()}
    return days


# Corrections count while the file is in force that they are about, and take a line's place only then.
_CORRECTING = """
    with

    corrections as materialized (
        select sales.sold_on, sales.document_id, sales.line_number
        from raw.batches as batches
        inner join raw.sales as sales on split_part(sales.corrects_row, ':', 1) = batches.batch_id
        where
            batches.tenant_id = %(tenant_id)s and batches.landed_on between %(first)s and %(last)s
            and sales.tenant_id = %(tenant_id)s and sales.corrects_row is not null
    )

    select sold_on
    from corrections
    union
    select versions.sold_on
    from corrections
    inner join raw.sales as versions
        on versions.document_id = corrections.document_id and versions.line_number = corrections.line_number
    where versions.tenant_id = %(tenant_id)s
"""


def corrected_days(connection: psycopg.Connection, window: Window) -> set[date]:
    """Days of sale of rows that correct one of a file that landed in the window, and of what they take the place of."""
    return {day for _, day in days_of(find_days(connection, _CORRECTING, window))}


def reopen(connection: psycopg.Connection, windows: Sequence[Window]) -> dict[str, list[Window]]:
    """The business days that landing days touch, with those that they reopen, noted for every later stage.

    Args:
        connection: To the installation's database; what is reopened is written in its transaction.
        windows: Landing days.

    Returns:
        As `touched_windows`.
    """
    for window in windows:
        for dataset, days in aliased_days(connection, window).items():
            record_reopened(connection, window, dataset, sorted(days))
        record_reopened(connection, window, "sales", sorted(corrected_days(connection, window)))
        touched = touched_windows(connection, [window])["sold_on"]
        own = {day for _, day in days_of(touched)}
        reopened = {day for _, day in days_of(reopened_days(connection, touched))} - own
        record_reopened(connection, window, "sales", sorted(reopened))
    return touched_windows(connection, windows)
