"""Landed files into real Postgres: replays, superseding, duplicates, withdrawal, vanished files, other tenants."""

import csv
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from openpyxl import Workbook

from inventra_pipelines.db.batches import (
    analyze_changed,
    index_new_blocks,
    release_batch,
    touched_windows,
    withdraw_batch,
)
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reopened import reopen
from inventra_pipelines.db.tenants import record_tenants
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.tenant import Feed, FileMapping, TenantConfig
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.ingest import ingest_windows
from inventra_pipelines.sources.landing import Landing
from inventra_pipelines.sources.outcome import IngestOutcome
from inventra_pipelines.sources.reader.process import Reader

MONDAY = date(2024, 1, 1)
TUESDAY = MONDAY + timedelta(1)
HEADER = "sold_at,item_code,quantity,unit_price\n"
_TABLES = (*CONTRACTS, "rejects", "batches", "batch_days", "batch_releases")


def sale(day: date, item: str, quantity: object = 1) -> str:
    return f"{day} 10:00:00,{item},{quantity},2.50\n"


@dataclass
class Shop:
    url: str
    landing: Landing
    tenants: dict[str, TenantConfig]

    def land(self, content: str | bytes, day: date = MONDAY, name: str = "sales.csv", tenant: str = "shop") -> Path:
        path = Path(self.landing.root.path) / tenant / f"{day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def ingest(self, first: date = MONDAY, last: date | None = None, tenant: str = "shop") -> IngestOutcome:
        window = Window(tenant, first, last or first)
        return ingest_windows(self.url, self.landing, self.tenants, [window], run_id="test")

    def rows(self, query: str) -> list[tuple]:
        with connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def items(self, tenant: str = "shop") -> list[str]:
        found = self.rows(
            f"select item_code from raw.sales where tenant_id = '{tenant}' order by landed_on, row_number"
        )
        return [item for (item,) in found]

    def states(self) -> list[tuple[str, str]]:
        return self.rows("select file_name, state from raw.batches order by landed_on, file_name, state")

    def everything(self) -> dict[str, list[tuple]]:
        return {table: self.rows(f"select t::text from raw.{table} as t order by 1") for table in _TABLES}


@pytest.fixture
def shop(migrated_url: str, tmp_path: Path) -> Iterator[Shop]:
    with psycopg.connect(migrated_url) as connection:
        connection.execute(
            "truncate " + ", ".join(f"raw.{table}" for table in _TABLES) + ", ops.load_manifest, ops.batch_log"
        )
    tenants = {name: TenantConfig(tenant_id=name, name=name, time_zone="Europe/Berlin") for name in ("shop", "rival")}
    (tmp_path / "landing").mkdir()
    yield Shop(migrated_url, Landing(str(tmp_path / "landing"), tmp_path / "kept"), tenants)


def test_rows_read_are_accepted_or_rejected_and_a_replay_changes_nothing(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "B", "x") + "1,2\n" + sale(MONDAY - timedelta(9), "C", -2))
    outcome = shop.ingest()
    (feed,) = outcome.feeds
    assert (feed.files, feed.rows_read, feed.rows_accepted, feed.rows_rejected) == (1, 4, 2, 2)
    assert shop.items() == ["A", "C"]
    assert shop.rows("select row_number, column_name, reason_code from raw.rejects order by 1") == [
        (3, "quantity", "not_a_number"),
        (4, "", "malformed_row"),
    ]
    assert shop.rows("select state, rows_read, rows_accepted, rows_rejected from raw.batches") == [
        ("partially_loaded", 4, 2, 2)
    ]
    before = shop.everything()
    assert shop.ingest().metadata() == outcome.metadata()
    assert shop.everything() == before
    with connect(shop.url) as connection:
        assert touched_windows(connection, [Window("shop", MONDAY, MONDAY)])["sold_on"] == [
            Window("shop", MONDAY - timedelta(9), MONDAY - timedelta(9)),
            Window("shop", MONDAY, MONDAY),
        ]


def test_a_row_removed_from_the_file_leaves_no_trace_but_its_day_is_touched(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY - timedelta(30), "B"))
    shop.ingest()
    shop.land(HEADER + sale(MONDAY, "A"))
    shop.ingest()
    assert shop.items() == ["A"]
    assert shop.states() == [("sales.csv", "loaded"), ("sales.csv", "superseded")]
    assert shop.rows("select sum(rows_read), sum(rows_accepted) from raw.batches") == [(1, 1)]
    with connect(shop.url) as connection:
        touched = touched_windows(connection, [Window("shop", MONDAY, MONDAY)])["sold_on"]
    assert [window.first for window in touched] == [MONDAY - timedelta(30), MONDAY]


def test_a_rejected_file_keeps_what_was_loaded_and_the_other_files_go_on(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "Z", "many"))
    shop.ingest()
    before = shop.rows("select t::text from raw.sales t order by 1")
    rejects = shop.rows("select t::text from raw.rejects t order by 1")
    shop.land("when,item_code\n1,2\n")
    shop.land("item_code,name\nA,Anchor\n", name="items.csv")
    shop.land("x", name="readme.txt")
    outcome = shop.ingest()
    assert shop.rows("select t::text from raw.sales t order by 1") == before
    assert shop.rows("select t::text from raw.rejects t order by 1") == rejects
    assert shop.rows("select item_code from raw.items") == [("A",)]
    assert {(file.file_name, file.reason_code) for file in outcome.refused} == {
        ("sales.csv", "wrong_columns"),
        ("readme.txt", "unknown_dataset"),
    }
    assert all("\n" not in file.message and file.file_name in file.message for file in outcome.refused)
    assert shop.states() == [
        ("items.csv", "loaded"),
        ("readme.txt", "rejected"),
        ("sales.csv", "partially_loaded"),
        ("sales.csv", "rejected"),
    ]
    after = shop.everything()
    shop.ingest()
    assert shop.everything() == after


def test_the_same_content_counts_once_and_loads_once_its_original_is_withdrawn(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A"))
    shop.land(HEADER + sale(MONDAY, "A"), TUESDAY, "sales_again.csv")
    shop.ingest(MONDAY, TUESDAY)
    assert shop.states() == [("sales.csv", "loaded"), ("sales_again.csv", "duplicate")]
    assert shop.items() == ["A"]
    (original,) = [row[0] for row in shop.rows("select batch_id from raw.batches where state = 'loaded'")]
    with connect(shop.url) as connection:
        withdrawal = withdraw_batch(connection, original)
    assert withdrawal.batch.rows_accepted == 1
    assert withdrawal.replay == [Window("shop", MONDAY, MONDAY), Window("shop", TUESDAY, TUESDAY)]
    assert withdrawal.touched == [Window("shop", MONDAY, MONDAY)]
    assert shop.items() == []
    shop.ingest(MONDAY, TUESDAY)
    assert shop.states() == [("sales.csv", "withdrawn"), ("sales_again.csv", "loaded")]
    assert shop.items() == ["A"]


def test_a_duplicate_on_another_day_is_named_when_its_original_is_superseded(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A"))
    shop.land(HEADER + sale(MONDAY, "A"), TUESDAY)
    shop.ingest(MONDAY, TUESDAY)
    shop.land(HEADER + sale(MONDAY, "B"))
    assert shop.ingest().replay == [Window("shop", TUESDAY, TUESDAY)]
    shop.ingest(TUESDAY)
    assert shop.items() == ["B", "A"]


def test_a_replay_does_not_read_what_stands_in_the_tables(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "B", "x"))
    outcome = shop.ingest().metadata()
    before = shop.everything()

    def read(*_: object) -> Iterator[object]:
        raise AssertionError("nothing is to be read")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(Reader, "_read", read)
        assert shop.ingest().metadata() == outcome
        assert shop.everything() == before
        # The same content under another name and day is known as well.
        shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "B", "x"), TUESDAY)
        shop.ingest(TUESDAY)
    assert shop.states() == [("sales.csv", "partially_loaded"), ("sales.csv", "duplicate")]


def test_rows_that_were_lost_are_read_again(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "B"))
    shop.ingest()
    before = shop.everything()
    with connect(shop.url) as connection:
        connection.execute("delete from raw.sales where item_code = 'A'")
    shop.ingest()
    assert shop.everything() == before


def test_going_back_to_an_older_list_copies_its_rows(shop: Shop):
    shop.land("item_code,name,category\nA,Anchor,\n,Nothing,Lost\n", name="items.csv")
    shop.land("item_code,name\nA,Ankle\n", TUESDAY, name="items.csv")
    shop.land("item_code,name,category\nA,Anchor,\n,Nothing,Lost\n", TUESDAY + timedelta(1), name="items_new.csv")
    shop.ingest(MONDAY, TUESDAY + timedelta(1))
    assert shop.rows("select landed_on, name from raw.items order by 1") == [
        (MONDAY, "Anchor"),
        (TUESDAY, "Ankle"),
        (TUESDAY + timedelta(1), "Anchor"),
    ]
    assert shop.rows("select landed_on, file_name, row_number, reason_code from raw.rejects order by 1") == [
        (MONDAY, "items.csv", 3, "missing_value"),
        (TUESDAY + timedelta(1), "items_new.csv", 3, "missing_value"),
    ]


def test_a_short_file_is_held_until_it_is_released(shop: Shop):
    whole = HEADER + "".join(sale(MONDAY, f"I{number}") for number in range(40))
    shop.land(whole)
    shop.ingest()
    shop.land(HEADER + sale(MONDAY, "I0") + sale(MONDAY, "I1"))
    outcome = shop.ingest()
    assert [file.reason_code for file in outcome.refused] == ["incomplete_feed"]
    assert len(shop.items()) == 40
    (held,) = [row[0] for row in shop.rows("select batch_id from raw.batches where state = 'rejected'")]
    assert f"release {held}" in outcome.refused[0].message
    with connect(shop.url) as connection:
        release_batch(connection, held)
    shop.ingest()
    assert shop.items() == ["I0", "I1"]
    assert shop.ingest().refused == []


def test_a_feed_that_is_far_too_small_for_its_weekday_is_held(shop: Shop):
    shop.tenants["shop"] = TenantConfig(tenant_id="shop", name="shop", feeds={"sales": Feed()})
    for week in range(4):
        day = MONDAY + timedelta(weeks=week)
        shop.land(HEADER + "".join(sale(day, f"I{number}") for number in range(30)), day)
    last = MONDAY + timedelta(weeks=4)
    shop.land(HEADER + sale(last, "I1"), last)
    outcome = shop.ingest(MONDAY, last)
    (refused,) = outcome.refused
    assert (refused.landed_on, refused.reason_code) == (last, "incomplete_feed")
    assert "a Monday usually has 30" in refused.message
    assert shop.rows("select count(*) from raw.sales where sold_on = '2024-01-29'") == [(0,)]


def test_the_log_tells_who_changed_what_became_of_a_file(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "B", "x"))
    ingest_windows(shop.url, shop.landing, shop.tenants, [Window("shop", MONDAY, MONDAY)], run_id="night", actor="ada")
    shop.ingest()
    (batch_id,) = shop.rows("select batch_id from raw.batches")[0]
    with connect(shop.url) as connection:
        withdraw_batch(connection, batch_id, actor="bob")
    entries = shop.rows(
        "select actor, run_id, state, rows_accepted, rows_rejected from ops.batch_log order by entry_id"
    )
    assert entries == [
        ("ada", "night", "received", 0, 0),
        ("ada", "night", "partially_loaded", 1, 1),
        ("bob", "", "withdrawn", 0, 0),
    ]


def test_a_key_that_stands_twice_in_a_long_file_holds_once_and_the_last_time(shop: Shop):
    counts = [f"{MONDAY},I{number},{number},{place}\n" for place in "NS" for number in range(160_000)]
    header = "counted_on,item_code,quantity_on_hand,location_code\n"
    shop.land(header + "".join(counts) + f"{MONDAY},I7,99,N\n", name="stock.csv")
    (feed,) = shop.ingest().feeds
    assert (feed.rows_read, feed.rows_accepted, feed.rows_rejected) == (320_001, 320_000, 1)
    assert shop.rows("select quantity_on_hand::int from raw.stock where item_code = 'I7' order by location_code") == [
        (99,),
        (7,),
    ]
    ((row, reason, message),) = shop.rows("select row_number, reason_code, message from raw.rejects")
    assert (row, reason) == (9, "duplicate_key")
    assert message.startswith("counted_on '2024-01-01', item_code 'I7', location_code 'N'")
    assert message.endswith("stands again in row 320002, which holds.")


def test_rows_passed_over_are_counted_and_named(shop: Shop):
    shop.land("Sales of Monday\n\n" + HEADER + sale(MONDAY, "A") + sale(MONDAY, "B") + "Total,,2,5.00\n")
    shop.ingest()
    ((state, read, passed_over, message),) = shop.rows(
        "select state, rows_read, rows_passed_over, message from raw.batches"
    )
    assert (state, read, passed_over) == ("loaded", 2, 1)
    assert message.startswith("1 row passed over: totals in row 6: Total")


def test_as_many_rows_passed_over_are_named_as_the_reader_tells_of(shop: Shop):
    shop.land(HEADER + "".join(sale(MONDAY, f"I{number}") + HEADER for number in range(23)))
    shop.ingest()
    ((message,),) = shop.rows("select message from raw.batches")
    assert message.startswith("23 rows passed over: repeated header in row 3: sold_at")
    assert message.count("repeated header in row") == 20
    assert message.endswith("; and 3 more")


def test_a_message_counts_rows_by_column_and_reason(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "", "x") + sale(MONDAY, "", "") + "1,2\n")
    outcome = shop.ingest()
    assert shop.rows("select message from raw.batches") == [
        (
            "3 of 4 rows rejected: item_code missing_value in 2 rows, the whole row malformed_row in 1 row, "
            "quantity missing_value in 1 row, quantity not_a_number in 1 row",
        )
    ]
    assert str(outcome.metadata()["reject_reasons"]).splitlines() == [
        "shop sales (row) malformed_row: 1 row",
        "shop sales item_code missing_value: 2 rows",
        "shop sales quantity missing_value: 1 row",
        "shop sales quantity not_a_number: 1 row",
    ]


def test_a_file_without_rows_and_what_is_read_oddly_are_told(shop: Shop):
    mapping = FileMapping(sheets=["Sales"], constants={"unit_price": "9.99"})
    shop.tenants["shop"] = shop.tenants["shop"].model_copy(update={"datasets": {"sales": mapping}})
    shop.land(HEADER, name="sales_a.csv")
    shop.land(HEADER + sale(MONDAY, "A"), name="sales_b.csv")
    book = Workbook()
    book.active.title = "Sales"
    for row in ("sold_at item_code quantity", "2024-01-01 B 2", "2024-01-01 C 3"):
        book.active.append(row.split())
    book.active.row_dimensions[3].hidden = True
    book.save(shop.land(b"", name="sales_c.xlsx"))
    shop.ingest()
    text = "sheets of the tenant's file is not used: the file has none"
    constant = "the constant '9.99' for unit_price is not used: the column 'unit_price' of the file holds"
    assert shop.rows("select file_name, state, message from raw.batches order by 1") == [
        ("sales_a.csv", "loaded", f"no rows below the header. remarks: {constant}; {text}"),
        ("sales_b.csv", "loaded", f"remarks: {constant}; {text}"),
        ("sales_c.xlsx", "loaded", "remarks: sheet 'Sales': hidden row 3 is read as the others"),
    ]
    prices = shop.rows("select item_code, unit_price::text from raw.sales order by 1")
    assert prices == [("A", "2.5000"), ("B", "9.9900"), ("C", "9.9900")]


def test_the_file_that_came_last_has_the_last_id_of_its_day(shop: Shop):
    # Names sort the other way round, and several contents: a hash alone would be right half of the time.
    for number in range(9, 3, -1):
        shop.land(HEADER + sale(MONDAY, f"I{number}"), name=f"sales_{number}.csv")
        shop.ingest()
    shop.ingest()
    names = [name for (name,) in shop.rows("select file_name from raw.batches order by batch_id")]
    assert names == [f"sales_{number}.csv" for number in range(9, 3, -1)]


def test_the_planner_learns_of_a_table_of_which_much_is_new(shop: Shop):
    def statistics() -> float:
        return shop.rows("select reltuples from pg_class where oid = 'raw.sales'::regclass")[0][0]

    shop.land(HEADER + "".join(sale(MONDAY, f"I{number}") for number in range(20_000)))
    shop.ingest()
    deadline = time.monotonic() + 10
    # The server counts changes a moment after the connection that made them is closed.
    while statistics() != 20_000 and time.monotonic() < deadline:
        with connect(shop.url) as connection:
            analyze_changed(connection)
    assert statistics() == 20_000


def test_the_days_of_new_blocks_are_indexed_at_once(shop: Shop):
    shop.land(HEADER + "".join(sale(MONDAY, f"I{number}") for number in range(20_000)))
    shop.ingest()
    with connect(shop.url) as connection:
        index_new_blocks(connection)
        connection.commit()
        (left,) = connection.execute("select brin_summarize_new_values('raw.sales_days')").fetchone() or ()
    assert left == 0


def test_a_new_alias_touches_the_days_on_which_its_code_was_sold(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "x-1 ") + sale(MONDAY - timedelta(20), "B"))
    shop.ingest()
    shop.land("alias_code,item_code\nX-1,A\n", TUESDAY, name="item_aliases.csv")
    shop.ingest(TUESDAY)
    tuesday = [Window("shop", TUESDAY, TUESDAY)]
    with connect(shop.url) as connection:
        assert touched_windows(connection, tuesday)["sold_on"] == []
        assert reopen(connection, tuesday)["sold_on"] == [Window("shop", MONDAY, MONDAY)]
    shop.ingest(TUESDAY)
    with connect(shop.url) as connection:
        assert touched_windows(connection, tuesday)["sold_on"] == [Window("shop", MONDAY, MONDAY)]


def test_an_unknown_batch_cannot_be_withdrawn(shop: Shop):
    with connect(shop.url) as connection, pytest.raises(PermanentError, match="no batch 'nope'"):
        withdraw_batch(connection, "nope")


def test_a_vanished_file_is_replayed_from_its_kept_copy_and_without_one_its_rows_stay(shop: Shop):
    path = shop.land(HEADER + sale(MONDAY, "A") + sale(MONDAY, "B", "x"))
    shop.ingest()
    before = shop.everything()
    path.unlink()
    shop.ingest()
    assert shop.everything() == before
    for kept in shop.landing.kept_folder.rglob("*.csv"):
        kept.unlink()
    shop.ingest()
    assert shop.everything() == before


def test_a_file_of_another_tenant_is_refused_without_a_word_about_whose_it_is(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A"), tenant="rival")
    shop.land("supplier_code\nS1\n", name="suppliers.csv", tenant="rival")
    shop.ingest(tenant="rival")
    shop.land(HEADER + sale(MONDAY, "A"))
    shop.land("supplier_code\nS1\n", name="suppliers.csv")
    shop.land(HEADER, name="sales_empty.csv")
    outcome = shop.ingest()
    (refused,) = outcome.refused
    assert refused.reason_code == "file_of_another_tenant"
    assert "rival" not in refused.message
    assert shop.items() == []
    assert shop.rows("select count(*) from raw.suppliers") == [(2,)]
    assert shop.ingest(tenant="rival").refused == []
    assert shop.items("rival") == ["A"]


def test_a_file_that_two_tenants_have_loads_for_both_once_it_is_released(shop: Shop):
    count = "counted_on,item_code,quantity_on_hand\n2024-01-01,A,1\n"
    for tenant in ("rival", "shop"):
        shop.land(count, name="stock.csv", tenant=tenant)
    shop.ingest(tenant="rival")
    loaded = "select tenant_id from raw.stock order by 1"
    for _ in range(2):
        (refused,) = shop.ingest().refused
        assert refused.reason_code == "file_of_another_tenant"
        assert shop.rows(loaded) == [("rival",)]
    ((batch_id,),) = shop.rows("select batch_id from raw.batches where tenant_id = 'shop'")
    assert f"inventra batches release {batch_id}" in refused.message
    with connect(shop.url) as connection:
        release_batch(connection, batch_id)
    for tenant in ("shop", "rival", "shop"):
        assert shop.ingest(tenant=tenant).refused == []
        assert shop.rows(loaded) == [("rival",), ("shop",)]


def test_a_new_mapping_replays_the_same_file_and_rebuilds_the_days_it_once_held(shop: Shop):
    shop.land(HEADER + "03/04/2024 10:00,A,1,2\n")
    shop.tenants["shop"] = TenantConfig(
        tenant_id="shop", name="shop", datasets={"sales": FileMapping(date_formats=["%m/%d/%Y %H:%M"])}
    )
    shop.ingest()
    shop.tenants["shop"] = TenantConfig(
        tenant_id="shop", name="shop", datasets={"sales": FileMapping(date_formats=["%d/%m/%Y %H:%M"])}
    )
    shop.ingest()
    assert shop.rows("select sold_on from raw.sales") == [(date(2024, 4, 3),)]
    assert shop.rows("select business_on, rows from raw.batch_days order by 1") == [
        (date(2024, 3, 4), 0),
        (date(2024, 4, 3), 1),
    ]
    shop.tenants["shop"] = TenantConfig(
        tenant_id="shop", name="shop", datasets={"sales": FileMapping(columns={"quantity": "Menge"})}
    )
    outcome = shop.ingest()
    assert outcome.refused[0].reason_code == "wrong_columns"
    assert shop.rows("select sold_on from raw.sales") == [(date(2024, 4, 3),)]
    assert shop.states() == [("sales.csv", "loaded")]


def test_a_day_without_files_is_an_empty_success(shop: Shop):
    assert shop.ingest().feeds == []
    assert shop.states() == []


def test_awkward_text_goes_in_and_comes_out_as_it_was(shop: Shop):
    texts = ['say "hi"', "a,b;c", "line\nbreak", "\\N", "\\.", "NULL", "tab\there", "żółć 🎁", "'quoted'", "=1+1"]
    shop.land(
        "sold_at,item_code,quantity,unit_price,description\n"
        + "".join(f'{MONDAY} 10:00:00,A,1,1,"{text.replace(chr(34), chr(34) * 2)}"\n' for text in texts)
    )
    shop.ingest()
    assert [text for (text,) in shop.rows("select description from raw.sales order by row_number")] == texts


def test_two_ingests_of_one_day_at_once_give_the_result_of_one(shop: Shop):
    shop.land(HEADER + "".join(sale(MONDAY, f"I{number}") for number in range(200)))
    shop.land("counted_on,item_code,quantity_on_hand\n" + f"{MONDAY},A,1\n", name="stock.csv")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            shop.ingest()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert shop.rows("select count(*) from raw.sales") == [(200,)]
    assert shop.rows("select count(*) from raw.batches") == [(2,)]


def test_an_interrupted_write_leaves_the_day_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.land(HEADER + sale(MONDAY, "A"))
    shop.ingest()
    before = shop.everything()
    shop.land(HEADER + sale(MONDAY, "B"))
    with connect(shop.url) as holder:
        # The last table of the transaction cannot be written: what was written before it goes back.
        holder.execute("alter table raw.batch_days add constraint refuses check (business_on is null) not valid")
        holder.commit()
        with pytest.raises(psycopg.errors.CheckViolation):
            shop.ingest()
        holder.execute("alter table raw.batch_days drop constraint refuses")
    assert shop.everything() == before
    shop.ingest()
    assert shop.items() == ["B"]


def test_a_dataset_with_several_files_and_formats_a_day_is_their_union(shop: Shop):
    shop.land(HEADER + sale(MONDAY, "A"), name="sales_north.csv")
    shop.land(HEADER.replace(",", ";") + sale(MONDAY, "B").replace(",", ";"), name="sales_south.csv")
    outcome = shop.ingest()
    assert [(feed.files, feed.rows_read) for feed in outcome.feeds] == [(2, 2)]
    assert sorted(shop.items()) == ["A", "B"]


def test_a_windows_tenant_without_configuration_is_an_error(shop: Shop):
    with pytest.raises(PermanentError, match="nobody"):
        shop.ingest(tenant="nobody")


def test_tenants_and_their_versions_are_recorded_once(shop: Shop):
    tenant = shop.tenants["shop"]
    with connect(shop.url) as connection:
        for _ in range(2):
            record_tenants(connection, [tenant])
        record_tenants(connection, [tenant.model_copy(update={"name": "renamed"})])
        found = connection.execute("select name from ops.tenants where tenant_id = 'shop'").fetchall()
        versions = connection.execute("select count(*) from ops.config_versions where tenant_id = 'shop'").fetchone()
        connection.rollback()
    assert found == [("renamed",)]
    assert versions == (2,)


def test_real_days_are_loaded_to_the_row(shop: Shop, shared_data: Path):
    paths = sorted((shared_data / "online_retail" / "by_day").glob("*.csv"))[:6]
    shop.tenants["shop"] = TenantConfig(
        tenant_id="shop",
        name="shop",
        time_zone="Europe/London",
        datasets={"sales": FileMapping(integer_codes=["customer_code"])},
    )
    expected = []
    for path in paths:
        shop.land(path.read_bytes(), date.fromisoformat(path.stem))
        with path.open(newline="", encoding="utf-8") as stream:
            expected += list(csv.DictReader(stream))
    outcome = shop.ingest(date.fromisoformat(paths[0].stem), date.fromisoformat(paths[-1].stem))
    (feed,) = outcome.feeds
    assert (feed.files, feed.rows_read, feed.rows_accepted) == (6, len(expected), len(expected))
    sums = shop.rows(
        "select sum(quantity)::int, count(*) filter (where quantity < 0), count(customer_code), "
        "count(*) filter (where customer_code like '%.0') from raw.sales"
    )
    quantities = [int(row["Quantity"]) for row in expected]
    customers = [row for row in expected if row["CustomerID"]]
    assert sums == [(sum(quantities), sum(quantity < 0 for quantity in quantities), len(customers), 0)]
