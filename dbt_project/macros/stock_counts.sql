{#-
  The body of a CTE: the rows of `stg_stock` that hold, in units of the item. Of a count (item, location and day) those of
  the batch that landed latest hold, and in it of each code and day of expiry the highest row. `counts` is a CTE of
  `stg_stock` with all rows of its days, `item_codes` one of `item_codes('counts')`.

  Quantities are null where the unit is not defined: such a row is a count of an unknown quantity.
-#}
{% macro counts_that_hold() -%}
    with

    identified as (

        select
            counts.tenant_id,
            counts.landed_on,
            counts.batch_id,
            counts.sheet,
            counts.row_number,
            counts.counted_on,
            counts.expires_on,
            item_codes.item_id,
            item_codes.code_id,
            {{ normalized_location_id('counts.location_code') }} as location_id,
            counts.quantity_on_hand * item_codes.units_per_unit as quantity_on_hand,
            counts.quantity_reserved * item_codes.units_per_unit as quantity_reserved,
            counts.quantity_on_order * item_codes.units_per_unit as quantity_on_order,
            counts.unit_cost / item_codes.units_per_unit as unit_cost

        from counts
        inner join item_codes
            on
                counts.tenant_id = item_codes.tenant_id
                and counts.item_code = item_codes.item_code
                and coalesce(counts.unit_of_measure, '') = item_codes.stated_unit

    ),

    ranked as (

        select
            *,
            dense_rank() over (
                partition by tenant_id, counted_on, item_id, location_id
                order by landed_on desc, batch_id desc
            ) as batch_rank,
            row_number() over (
                partition by
                    tenant_id,
                    counted_on,
                    item_id,
                    location_id,
                    landed_on,
                    batch_id,
                    code_id,
                    expires_on
                order by sheet desc, row_number desc
            ) as lot_rank

        from identified

    )

    select *
    from ranked
    where
        batch_rank = 1
        and lot_rank = 1
{%- endmacro %}
