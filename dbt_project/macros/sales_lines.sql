{#- Sales lines: which rows of files are the same line, which two undo each other: `int_sales_lines`. -#}

{#- All that a file says of a line. Those come first that tell most lines apart. -#}
{% macro sales_file_columns() -%}
    sold_at,
    document_id,
    item_code,
    quantity,
    unit_price,
    line_number,
    location_code,
    customer_code,
    currency,
    channel,
    description,
    promotion,
    unit_of_measure
{%- endmacro %}


{#- What makes a line the same in another file, however that spells its code or describes it. -#}
{% macro sales_line_columns() -%}
    sold_at,
    document_id,
    item_id,
    quantity,
    stated_unit,
    unit_price,
    line_number,
    location_id,
    customer_code,
    currency,
    channel
{%- endmacro %}


{#- Parts of `corrects_row`, which a file for correction names a row by: null where it names none. -#}
{% macro corrected_batch_id(corrects_row) -%}
    split_part({{ corrects_row }}, ':', 1)
{%- endmacro %}


{% macro corrected_row_number(corrects_row) -%}
    substring({{ corrects_row }} from '^[^:]*:([0-9]{1,9}):')::integer
{%- endmacro %}


{% macro corrected_sheet(corrects_row) -%}
    substring({{ corrects_row }} from '^[^:]*:[^:]*:(.*)$')
{%- endmacro %}


{#-
  The body of a CTE: `batch_id`, `sheet`, `row_number` and `line_kind`, superseded or duplicate, of rows that another row
  stands for. `compared` is a CTE of sales rows with `sold_on`, `has_key`, `corrects_row`, and the columns of both lists
  above.
-#}
{% macro line_repeats(compared) -%}
    with

    rules as (

        select * from {{ ref('stg_tenants') }}

    ),

    -- Few, and found by an index of their own.
    corrections as materialized (

        select
            sales.tenant_id,
            sales.landed_on,
            sales.batch_id,
            sales.sheet,
            sales.row_number,
            sales.corrects_row,
            {{ corrected_batch_id('sales.corrects_row') }} as of_batch_id,
            {{ corrected_row_number('sales.corrects_row') }} as of_row_number,
            {{ corrected_sheet('sales.corrects_row') }} as of_sheet,
            coalesce(originals.state in ('superseded', 'withdrawn', 'rejected'), false) as is_out

        from {{ ref('stg_sales') }} as sales
        left join {{ ref('stg_batches') }} as originals
            on
                sales.tenant_id = originals.tenant_id
                and {{ corrected_batch_id('sales.corrects_row') }} = originals.batch_id
        where sales.corrects_row is not null

    ),

    -- A rejected row that loads after all, by other settings; a correction that was corrected once
    -- more, as one row or several; one of a file that a newer one took the place of.
    corrected as materialized (

        select
            tenant_id,
            of_batch_id as batch_id,
            of_sheet as sheet,
            of_row_number as row_number

        from corrections
        where
            of_row_number is not null
            and of_sheet is not null
            and not is_out

        union

        select
            corrections.tenant_id,
            corrections.batch_id,
            corrections.sheet,
            corrections.row_number

        from corrections
        left join corrections as later
            on
                corrections.tenant_id = later.tenant_id
                and corrections.corrects_row = later.corrects_row
                and (later.landed_on, later.batch_id)
                > (corrections.landed_on, corrections.batch_id)
        where
            later.batch_id is not null
            or corrections.is_out

    ),

    -- Looked up line by line: the other versions may have any day. Two shops may number alike.
    versions as (

        select
            compared.batch_id,
            compared.sheet,
            compared.row_number,
            exists(
                select 1 from {{ ref('stg_sales') }} as later
                where
                    later.tenant_id = compared.tenant_id
                    and later.document_id = compared.document_id
                    and later.line_number = compared.line_number
                    and {{ normalized_location_id('later.location_code') }} = compared.location_id
                    and (later.sold_on = compared.sold_on or rules.document_numbers != 'daily')
                    and (later.landed_on, later.batch_id, later.sheet, later.row_number)
                    > (compared.landed_on, compared.batch_id, compared.sheet, compared.row_number)
                    -- What a correction stands for takes no line's place.
                    and (later.tenant_id, later.batch_id, later.sheet, later.row_number)
                    not in (select tenant_id, batch_id, sheet, row_number from corrected)
            ) as is_superseded

        from {{ compared }} as compared
        inner join rules on compared.tenant_id = rules.tenant_id
        where compared.has_key

    ),

    hashed as not materialized (

        select
            compared.*,
            hash_record_extended(
                (
                    compared.tenant_id,
                    compared.sold_at,
                    compared.document_id,
                    compared.item_id,
                    compared.quantity,
                    compared.location_id
                ),
                0
            ) as row_hash

        from {{ compared }} as compared
        left join corrected
            on
                compared.tenant_id = corrected.tenant_id
                and compared.batch_id = corrected.batch_id
                and compared.sheet = corrected.sheet
                and compared.row_number = corrected.row_number
        where
            not compared.has_key
            and corrected.batch_id is null

    ),

    -- Few rows can have a copy: only these are compared column by column.
    repeated_hashes as (

        select row_hash
        from hashed
        group by row_hash
        having count(*) > 1

    ),

    -- A corrected row belongs to the file that it was rejected from.
    repeated as (

        select
            hashed.*,
            coalesce(rules.repeated_lines = 'duplicate', false) as counts_once,
            case
                when hashed.corrects_row is null then hashed.batch_id
                else {{ corrected_batch_id('hashed.corrects_row') }}
            end as from_batch_id,
            case
                when hashed.corrects_row is null then hashed.sheet
                else {{ corrected_sheet('hashed.corrects_row') }}
            end as from_sheet,
            case
                when hashed.corrects_row is null then hashed.landed_on
                else coalesce(originals.landed_on, hashed.landed_on)
            end as from_landed_on

        from hashed
        inner join repeated_hashes on hashed.row_hash = repeated_hashes.row_hash
        left join rules on hashed.tenant_id = rules.tenant_id
        left join {{ ref('stg_batches') }} as originals
            on
                hashed.tenant_id = originals.tenant_id
                and {{ corrected_batch_id('hashed.corrects_row') }} = originals.batch_id

    ),

    repeated_in_file as (

        select
            *,
            counts_once
            and row_number() over (
                partition by
                    tenant_id,
                    from_batch_id,
                    from_sheet,
                    {{ sales_file_columns() }}
                order by landed_on, batch_id, sheet, row_number
            ) > 1 as is_repeated_in_file

        from repeated

    ),

    -- Without a document, files of one day are two shops' and not two versions.
    numbered as (

        select
            *,
            row_number() over (
                partition by
                    tenant_id,
                    from_landed_on,
                    case when document_id is not null then from_batch_id end,
                    case when document_id is not null then from_sheet end,
                    is_repeated_in_file,
                    {{ sales_line_columns() }}
                order by landed_on, batch_id, sheet, row_number
            ) as copy_number

        from repeated_in_file

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by
                    tenant_id,
                    copy_number,
                    is_repeated_in_file,
                    {{ sales_line_columns() }}
                order by landed_on, batch_id, sheet, row_number
            ) as copy_rank

        from numbered

    )

    select
        batch_id,
        sheet,
        row_number,
        'superseded' as line_kind

    from versions
    where is_superseded

    union

    select
        compared.batch_id,
        compared.sheet,
        compared.row_number,
        'superseded' as line_kind

    from {{ compared }} as compared
    inner join corrected
        on
            compared.tenant_id = corrected.tenant_id
            and compared.batch_id = corrected.batch_id
            and compared.sheet = corrected.sheet
            and compared.row_number = corrected.row_number

    union all

    select
        batch_id,
        sheet,
        row_number,
        'duplicate' as line_kind

    from ranked
    where
        is_repeated_in_file
        or copy_rank > 1
{%- endmacro %}


{#-
  The body of a CTE: sales that a cancellation undoes, and these, with the day of the other one as `counterpart_on`.
  `contenders` is a CTE of lines that may be either, with `item_id`, `units` and `is_cancellation`; `repeats` are the rows
  of `line_repeats`, which take no part.
-#}
{% macro cancelled_pairs(contenders, repeats) -%}
    with

    -- A sale goes one deeper and a cancellation closes the one that was opened last, like parentheses.
    nested as (

        select
            contenders.*,
            sum(case when contenders.is_cancellation then -1 else 1 end) over (
                partition by
                    contenders.tenant_id,
                    contenders.item_id,
                    coalesce(contenders.customer_code, ''),
                    abs(contenders.units)
                order by
                    contenders.sold_on,
                    contenders.sold_at,
                    contenders.is_cancellation,
                    contenders.landed_on,
                    contenders.batch_id,
                    contenders.sheet,
                    contenders.row_number
                rows unbounded preceding
            ) + contenders.is_cancellation::integer as depth

        from {{ contenders }} as contenders
        left join {{ repeats }} as repeats
            on
                contenders.batch_id = repeats.batch_id
                and contenders.sheet = repeats.sheet
                and contenders.row_number = repeats.row_number
        where repeats.line_kind is null

    ),

    -- At one depth sales and cancellations take turns.
    paired as (

        select
            tenant_id,
            batch_id,
            sheet,
            row_number,
            sold_on,
            case
                when is_cancellation then lag(sold_on) over same_depth
                else lead(sold_on) over same_depth
            end as counterpart_on

        from nested
        window same_depth as (
            partition by tenant_id, item_id, coalesce(customer_code, ''), abs(units), depth
            order by
                sold_on, sold_at, is_cancellation, landed_on, batch_id, sheet, row_number
        )

    )

    select paired.*
    from paired
    inner join {{ ref('stg_tenants') }} as rules on paired.tenant_id = rules.tenant_id
    where abs(paired.sold_on - paired.counterpart_on) <= rules.cancellation_window_days
{%- endmacro %}
