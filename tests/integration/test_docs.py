"""`inventra docs` writes one page that holds every model with its columns, and nothing of the connection."""

from collections.abc import Callable

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import parse_url
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.resources.dbt_descriptions import model_descriptions
from tests.installation import Installation


def test_the_page_holds_every_model(install: Callable[[str], Installation]):
    installation = install("docs")
    done = installation.inventra("docs", "--no-open")
    assert done.returncode == 0, done.stdout + done.stderr
    page = installation.home / "docs" / "index.html"
    assert done.stdout.strip() == str(page)
    text = page.read_text(encoding="utf-8")
    assert [name for name in model_descriptions() if f"model.inventra.{name}" not in text] == []
    assert "Rejected row that this one takes the place of" in text


def test_the_page_has_no_password(install: Callable[[str], Installation]):
    settings = install("docs-secret").settings
    with database(settings) as url:
        secret = parse_url(url).set(password="hidden-4711").render_as_string(hide_password=False)
        page = Dbt(settings).docs(secret)
    assert "hidden-4711" not in page.read_text(encoding="utf-8")
