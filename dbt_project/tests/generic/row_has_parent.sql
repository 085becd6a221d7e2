{#- A relationship of several columns: fails with each combination that the other table lacks. -#}
{% test row_has_parent(model, to, columns) %}

with

children as (

    select distinct {{ columns | join(', ') }}
    from {{ model }}

)

select * from children
where
    not exists (
        select 1 from {{ to }} as parents
        where
            {% for column in columns -%}
            {{ 'and ' if not loop.first }}parents.{{ column }} = children.{{ column }}
            {% endfor %}
    )

{% endtest %}
