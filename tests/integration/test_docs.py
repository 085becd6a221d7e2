"""`inventra docs` writes one page that holds every model with its columns, and nothing of the connection.

What the page says of them is there to say: every column of every mart is described.
"""

import re
from collections import defaultdict
from collections.abc import Callable

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import parse_url
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.resources.dbt_descriptions import model_descriptions
from inventra_pipelines.settings import PROJECT_FOLDER
from tests.installation import Installation
from tests.integration.warehouse import Warehouse


def test_the_page_holds_every_model(install: Callable[[str], Installation]):
    installation = install("docs")
    done = installation.inventra("docs", "--no-open")
    assert done.returncode == 0, done.stdout + done.stderr
    page = installation.home / "docs" / "index.html"
    assert done.stdout.strip() == str(page)
    text = page.read_text(encoding="utf-8")
    assert [name for name in model_descriptions() if f"model.inventra.{name}" not in text] == []
    assert "Rejected row that this one takes the place of" in text
    assert "Begin with the key figures" in text
    # It is read where there is no network.
    assert re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']?(?:https?:)?//""", text) == []


def test_the_page_has_no_password(install: Callable[[str], Installation]):
    settings = install("docs-secret").settings
    with database(settings) as url:
        secret = parse_url(url).set(password="hidden-4711").render_as_string(hide_password=False)
        page = Dbt(settings).docs(secret)
    assert "hidden-4711" not in page.read_text(encoding="utf-8")


def test_the_first_page_leads_to_models_that_are_there():
    text = (PROJECT_FOLDER / "dbt_project" / "models" / "overview.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"model\.inventra\.(\w+)", text))
    assert {name for name in model_descriptions() if name.startswith("rpt_")} == linked


def test_every_column_of_every_mart_is_described(warehouse: Warehouse):
    columns = warehouse.rows(
        "select table_name, column_name from information_schema.columns where table_schema = 'marts' order by 1, 2"
    )
    built: dict[str, set[str]] = defaultdict(set)
    for table, column in columns.iter_rows():
        built[table].add(column)
    marts = {name: model for name, model in model_descriptions().items() if model.folder.startswith("marts")}
    assert built == {name: {column.name for column in model.columns} for name, model in marts.items()}
    assert [(name, column.name) for name, model in marts.items() for column in model.columns if not column.text] == []
    assert [name for name, model in marts.items() if not model.text.startswith("One row per")] == []
