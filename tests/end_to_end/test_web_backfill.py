"""The real webserver and daemon: a backfill launched from the page, watched to its end, and replayed."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psutil
import pytest

from inventra_pipelines.db.embedded import database
from tests.installation import FIRST_DAY, Installation, land_days

DAYS = 10
LAST = FIRST_DAY + timedelta(DAYS - 1)
BACKFILL_SECONDS = 300

LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
WATCH = """
query Watch($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status runs: runs(limit: 50) { id status } error { message } }
  }
}
"""
ASSETS = """
query {
  assetNodes { assetKey { path } groupName partitionStats { numMaterialized numPartitions numFailed } }
}
"""
MODEL = """
query Model($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetMaterializations(limit: 1) { metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } }
      definition {
        metadataEntries {
          label
          ... on TableSchemaMetadataEntry { schema { columns { name description } } }
        }
      }
    }
  }
}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Page:
    """Dagster's page over GraphQL, as the browser talks to it."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: object) -> dict:
        answer = httpx.post(self._url, json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def backfill(self, assets: list[list[str]], partitions: list[str]) -> None:
        params = {
            "assetSelection": [{"path": path} for path in assets],
            "partitionNames": partitions,
            "title": "a test",
        }
        launched = self.ask(LAUNCH, params=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        deadline = time.monotonic() + BACKFILL_SECONDS
        while time.monotonic() < deadline:
            backfill = self.ask(WATCH, id=launched["backfillId"])["partitionBackfillOrError"]
            if backfill["status"] not in ("REQUESTED", "CANCELING"):
                break
            time.sleep(1)
        assert backfill["status"] == "COMPLETED_SUCCESS", backfill
        # A year of a tenant is one run: so is this range.
        assert [run["status"] for run in backfill["runs"]] == ["SUCCESS"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("web") / "home")
    installation.add_tenant("north")
    installation.add_tenant("south")
    land_days(installation, "north", DAYS)
    land_days(installation, "south", DAYS, prefix="S")
    with database(installation.settings):
        yield installation


@pytest.fixture(scope="module")
def ui(shop: Installation) -> Iterator[tuple[Page, int, str]]:
    """`inventra ui` as a person starts it; gives the page, the download site's port and what was printed."""
    port, portal_port = _free_port(), _free_port()
    process = shop.start("ui", "--port", str(port), INVENTRA_PORTAL_PORT=str(portal_port))
    printed: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line)
            if "Ctrl-C" in line:
                break
        assert "Ctrl-C" in "".join(printed), "".join(printed) + (process.stderr.read() if process.stderr else "")
        children = psutil.Process(process.pid).children(recursive=True)
        yield Page(port), portal_port, "".join(printed)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    _, alive = psutil.wait_procs(children, timeout=20)
    alive = [child for child in alive if child.status() != psutil.STATUS_ZOMBIE and "postgres" not in child.name()]
    assert alive == [], "Ctrl-C left processes behind"


def test_a_backfill_from_the_page_finishes_and_a_replay_changes_nothing(ui: tuple[Page, int, str], shop: Installation):
    page, _, _ = ui
    nodes = page.ask(ASSETS)["assetNodes"]
    assert len(nodes) == 12
    assets = [node["assetKey"]["path"] for node in nodes]
    days = [FIRST_DAY + timedelta(offset) for offset in range(DAYS)]
    page.backfill(assets, [f"{day}|north" for day in days])
    first = shop.checksums()
    assert len([name for name in first if name.endswith((".pdf", ".xlsx"))]) == 2 * DAYS
    page.backfill(assets, [f"{day}|north" for day in days])
    assert shop.checksums() == first

    stats = {tuple(node["assetKey"]["path"]): node["partitionStats"] for node in page.ask(ASSETS)["assetNodes"]}
    assert {(entry["numMaterialized"], entry["numFailed"]) for entry in stats.values()} == {(DAYS, 0)}


def test_the_page_shows_what_a_table_holds_and_how_its_figures_went(ui: tuple[Page, int, str]):
    page, _, _ = ui
    asset = page.ask(MODEL, key={"path": ["analytics", "rpt_daily_kpis"]})["assetOrError"]
    entries = {entry["label"]: entry for entry in asset["definition"]["metadataEntries"]}
    columns = {each["name"]: each["description"] for each in entries["dagster/column_schema"]["schema"]["columns"]}
    assert columns["revenue_28d"] == "Revenue of the 28 days to the day."
    (event,) = asset["assetMaterializations"]
    shown = {entry["label"]: entry.get("mdStr") for entry in event["metadataEntries"]}
    assert {"dagster/row_count", "windows", "latest", "trends"} <= shown.keys()
    revenue = next(line for line in shown["trends"].splitlines() if line.startswith("| north | revenue |"))
    # Eighteen days before the first one.
    assert re.search(rf" ·{{18}}[▁-█]{{{DAYS}}} \| [\d.]+ \| 28 days to {LAST} \|$", revenue)


def test_the_download_site_gives_the_report_to_its_tenant_alone(ui: tuple[Page, int, str], shop: Installation):
    _, port, printed = ui
    token = re.search(r"north\s+token (\S+)", printed)
    assert token is not None
    row = shop.rows(f"select * from reports.artifacts where day = '{LAST}' and report = 'daily_pdf'")[0]
    address = f"/north/{LAST}/daily_pdf/{row['file_name']}"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as stranger:
        assert not stranger.get(address).content.startswith(b"%PDF")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as planner:
        planner.post("/login", data={"tenant": "north", "token": token.group(1)})
        report = planner.get(address)
        assert report.content == (shop.home / "artifacts" / str(row["path"])).read_bytes()
        assert not planner.get(address.replace("north", "south")).content.startswith(b"%PDF")
