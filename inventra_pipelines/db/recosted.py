"""Days whose facts were made with another cost than the one that holds now.

Belongs here: the SQL that finds them once the costs are normalized. Days whose lines change are `reopened.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import psycopg

from inventra_pipelines.db.batches import merge_days
from inventra_pipelines.db.reopened import find_days, joined
from inventra_pipelines.db.writes import Window, days_of
from inventra_pipelines.domain.ingest.batches import LIVE_STATES

# The first cost that is known of an item holds for all days before it, which facts were made without. Items are those
# with a cost that landed in the window; all of them, where a file of it is not in force any more.
_RECOSTED = """
    with

    changed as materialized (
        select distinct item_id
        from intermediate.int_item_costs
        where tenant_id = %(tenant_id)s and landed_on between %(first)s and %(last)s
    ),

    withdrawn as materialized (
        select 1
        from raw.batches
        where
            tenant_id = %(tenant_id)s and landed_on between %(first)s and %(last)s
            and dataset = 'items' and state <> all(%(live_states)s)
        limit 1
    )

    select distinct facts.{column}
    from {facts} as facts
    left join intermediate.int_item_costs as costs
        on
            costs.tenant_id = facts.tenant_id and costs.item_id = facts.item_id
            and (costs.valid_from_on is null or facts.{column} >= costs.valid_from_on)
            and (costs.valid_to_on is null or facts.{column} <= costs.valid_to_on)
    where
        facts.tenant_id = %(tenant_id)s
        and (exists (select from changed) or exists (select from withdrawn))
        and (facts.item_id in (select item_id from changed) or exists (select from withdrawn))
        and facts.unit_cost is distinct from costs.unit_cost
"""
# A count that states its cost keeps it.
_WITHOUT_OWN_COST = """
        and not exists (
            select from intermediate.int_stock_daily as counts
            where
                counts.tenant_id = facts.tenant_id and counts.item_id = facts.item_id
                and counts.location_id = facts.location_id and counts.counted_on = facts.counted_on
                and counts.unit_cost is not null
        )
"""
_COSTED_FACTS = {
    "sold_on": _RECOSTED.format(column="sold_on", facts="marts.fct_sales_daily"),
    "counted_on": _RECOSTED.format(column="counted_on", facts="marts.fct_stock_daily") + _WITHOUT_OWN_COST,
}
_IS_COSTED = """
    select count(*) = 4
    from unnest(array[
        'intermediate.int_item_costs', 'intermediate.int_stock_daily', 'marts.fct_sales_daily', 'marts.fct_stock_daily'
    ]) as relation
    where to_regclass(relation) is not null
"""


def with_recosted(
    connection: psycopg.Connection, windows: Sequence[Window], touched: Mapping[str, list[Window]]
) -> dict[str, list[Window]]:
    """The touched days, and those whose facts have another cost than the one that holds now.

    Args:
        connection: To the installation's database; the costs of the landing days are normalized.
        windows: Landing days.
        touched: As `touched_windows`.

    Returns:
        As `touched_windows`.
    """
    found = dict(touched)
    built = connection.execute(_IS_COSTED).fetchone()
    if built is None or not built[0]:
        return found
    for column, query in _COSTED_FACTS.items():
        days: dict[str, set[date]] = {}
        for window in windows:
            for _, day in days_of(find_days(connection, query, window, live_states=list(LIVE_STATES))):
                days.setdefault(window.tenant_id, set()).add(day)
        recosted = [merged for tenant_id in days for merged in merge_days(tenant_id, days[tenant_id])]
        found[column] = joined([*touched.get(column, []), *recosted])
    return found
