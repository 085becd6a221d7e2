with

compared as (

    select
        tenant_id,
        item_id,
        as_of_on,
        abc_class,
        abc_margin_class,
        xyz_class,
        demand_class,
        life_cycle,
        lag(abc_class) over history as previous_abc_class,
        lag(abc_margin_class) over history as previous_abc_margin_class,
        lag(xyz_class) over history as previous_xyz_class,
        lag(demand_class) over history as previous_demand_class,
        lag(life_cycle) over history as previous_life_cycle

    from {{ ref('fct_item_classes') }}
    window history as (partition by tenant_id, item_id order by as_of_on)

)

select
    compared.tenant_id,
    compared.item_id,
    changes.kind,
    compared.as_of_on as changed_on,
    changes.from_class,
    changes.to_class

from compared
inner join lateral (
    values
    ('abc', compared.previous_abc_class, compared.abc_class),
    ('abc_margin', compared.previous_abc_margin_class, compared.abc_margin_class),
    ('xyz', compared.previous_xyz_class, compared.xyz_class),
    ('demand', compared.previous_demand_class, compared.demand_class),
    ('life_cycle', compared.previous_life_cycle, compared.life_cycle)
) as changes (kind, from_class, to_class) on changes.from_class is distinct from changes.to_class
