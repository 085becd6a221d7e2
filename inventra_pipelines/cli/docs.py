"""`inventra docs`: the models, their columns and where each comes from, as a page."""

import webbrowser
from typing import Annotated

import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.tables import say


def docs(
    is_opened: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Write the documentation of all models as one page, and open it."""
    # dbt takes seconds to import, which the other commands need not wait for.
    from inventra_pipelines.resources.dbt import Dbt

    with installation() as (settings, url):
        dbt = Dbt(settings)
        dbt.ensure_views(url)
        page = dbt.docs(url)
    out.print(str(page), markup=False)
    if is_opened and not webbrowser.open(page.as_uri()):
        say("There is no browser here: open that file in one.")
