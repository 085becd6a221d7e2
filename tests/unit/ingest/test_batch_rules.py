"""Which batch is in force: a scenario per rule."""

from dataclasses import replace
from datetime import date

from inventra_pipelines.domain.ingest.batches import Batch, BatchIds, Content, Settlement, batch_id_of, settle
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected

MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)
REFUSED = Content(failure=FileRejected(FileReason.WRONG_COLUMNS, "no column"))


def batch(name: str, content: str, day: date = MONDAY, state: str = "received", dataset: str = "sales") -> Batch:
    rows = 5 if state in ("loaded", "partially_loaded") else 0
    key = batch_id_of(1, "shop", dataset, day, name, content)
    return Batch(key, "shop", dataset, day, name, content, state, rows, rows, 0, 0, 9, "v1", "r1")  # type: ignore[arg-type]


def run(standing, recorded=(), vanished=(), contents=None, first=MONDAY, last=MONDAY, foreign=()) -> Settlement:
    contents = contents or {}
    return settle(
        standing,
        vanished,
        recorded,
        first,
        last,
        lambda batch: contents.get(batch.sha256, Content(5)),
        lambda batch: batch.sha256 in foreign,
    )


def states(settlement: Settlement) -> dict[tuple[str, str], str]:
    found = {(b.file_name, b.sha256): "load" for b in settlement.load}
    found |= {(b.file_name, b.sha256): f"kept {b.state}" for b in settlement.carry}
    return found | {(b.file_name, b.sha256): b.state for b in settlement.out}


def test_a_replay_of_the_same_file_is_the_same_batch():
    settled = run([batch("a.csv", "x")], [batch("a.csv", "x", state="loaded")])
    assert [b.batch_id for b in settled.load] == [batch("a.csv", "x").batch_id]
    assert states(settled) == {("a.csv", "x"): "load"}


def test_new_content_under_the_same_name_supersedes():
    settled = run([batch("a.csv", "y")], [batch("a.csv", "x", state="loaded")])
    assert states(settled) == {("a.csv", "x"): "superseded", ("a.csv", "y"): "load"}


def test_going_back_to_the_first_content_loads_it_again():
    recorded = [batch("a.csv", "x", state="superseded"), batch("a.csv", "y", state="loaded")]
    assert states(run([batch("a.csv", "x")], recorded)) == {("a.csv", "x"): "load", ("a.csv", "y"): "superseded"}


def test_a_rejected_file_leaves_what_was_loaded_under_its_name_in_force():
    settled = run([batch("a.csv", "y")], [batch("a.csv", "x", state="loaded")], contents={"y": REFUSED})
    assert states(settled) == {("a.csv", "x"): "kept loaded", ("a.csv", "y"): "rejected"}
    assert [(b.file_name, str(failure)) for b, failure in settled.refused] == [("a.csv", "no column.")]


def test_a_file_that_a_new_configuration_cannot_read_keeps_its_rows_and_says_so():
    settled = run([batch("a.csv", "x")], [batch("a.csv", "x", state="loaded")], contents={"x": REFUSED})
    assert states(settled) == {("a.csv", "x"): "kept loaded"}
    assert "no column" in (settled.carry[0].message or "")
    assert len(settled.refused) == 1


def test_a_rejection_goes_with_its_file():
    recorded = [batch("a.csv", "y", state="rejected"), batch("b.csv", "x", state="loaded")]
    settled = run([batch("b.csv", "x")], recorded)
    assert states(settled) == {("a.csv", "y"): "superseded", ("b.csv", "x"): "load"}


def test_a_withdrawn_batch_stays_out_while_its_file_stands():
    settled = run([batch("a.csv", "x")], [batch("a.csv", "x", state="withdrawn")])
    assert states(settled) == {("a.csv", "x"): "kept withdrawn"}


def test_the_same_sales_twice_count_once_and_the_first_in_force_stays_it():
    both = [batch("a.csv", "x"), batch("b.csv", "x", TUESDAY)]
    assert states(run(both, last=TUESDAY)) == {("a.csv", "x"): "load", ("b.csv", "x"): "duplicate"}
    recorded = [batch("b.csv", "x", TUESDAY, "loaded")]
    assert states(run(both, recorded, last=TUESDAY)) == {("a.csv", "x"): "duplicate", ("b.csv", "x"): "load"}
    assert states(run(both[:1], recorded)) == {("a.csv", "x"): "duplicate"}


def test_a_duplicate_loads_once_its_original_is_out():
    for state in ("superseded", "withdrawn", "rejected"):
        recorded = [batch("a.csv", "x", state=state), batch("b.csv", "x", TUESDAY, "duplicate")]
        settled = run([batch("b.csv", "x", TUESDAY)], recorded, first=TUESDAY, last=TUESDAY)
        assert states(settled) == {("b.csv", "x"): "load"}


def test_superseding_the_original_names_the_duplicates_that_a_replay_would_load():
    recorded = [batch("a.csv", "x", state="loaded"), batch("b.csv", "x", TUESDAY, "duplicate")]
    settled = run([batch("a.csv", "y")], recorded)
    assert [(b.file_name, b.landed_on) for b in settled.freed] == [("b.csv", TUESDAY)]


def test_a_file_kept_in_force_for_a_rejected_one_still_counts_once_under_its_new_name():
    recorded = [batch("a.csv", "x", state="loaded")]
    settled = run([batch("a.csv", "y"), batch("b.csv", "x")], recorded, contents={"y": REFUSED})
    assert states(settled) == {("a.csv", "x"): "kept loaded", ("a.csv", "y"): "rejected", ("b.csv", "x"): "duplicate"}


def test_going_back_to_an_older_item_list_loads_it_and_an_unchanged_one_does_not():
    days = [date(2024, 1, day) for day in range(1, 5)]
    standing = [batch("items.csv", content, day, dataset="items") for day, content in zip(days, "xxyx", strict=True)]
    settled = run(standing, last=days[-1])
    assert [b.landed_on.day for b in settled.load] == [1, 3, 4]
    assert [b.landed_on.day for b in settled.out] == [2]


def test_files_without_rows_are_never_duplicates():
    both = [batch("a.csv", "x"), batch("b.csv", "x")]
    assert len(run(both, contents={"x": Content(0)}).load) == 2


def test_a_file_of_another_tenant_is_refused_unless_it_is_in_force_here_already():
    settled = run([batch("a.csv", "x")], foreign=("x",))
    assert states(settled) == {("a.csv", "x"): "rejected"}
    assert settled.refused[0][1].reason_code == "file_of_another_tenant"
    assert states(run([batch("a.csv", "x")], [batch("a.csv", "x", state="loaded")], foreign=("x",))) == {
        ("a.csv", "x"): "load"
    }


def test_a_vanished_file_stays_and_is_superseded_by_nothing():
    kept = batch("a.csv", "x", state="loaded")
    settled = run([], [kept], vanished=[replace(kept, state="received")])
    assert states(settled) == {("a.csv", "x"): "load"}
    assert states(run([], [kept])) == {("a.csv", "x"): "kept loaded"}


def test_ids_of_a_day_sort_by_arrival_and_stay_as_they_are():
    ids = BatchIds("shop", [])
    morning = ids.of("sales", MONDAY, "b.csv", "1")
    assert ids.of("sales", TUESDAY, "b.csv", "1").startswith("0001-"), "each day has its own numbers"
    recorded = [replace(batch("b.csv", "1", state="superseded"), batch_id=morning)]
    again = BatchIds("shop", recorded)
    evening, stock = again.of("sales", MONDAY, "a.csv", "2"), again.of("stock", MONDAY, "stock.csv", "3")
    assert [again.of("sales", MONDAY, "b.csv", "1"), evening, stock] == sorted([stock, evening, morning])
    assert again.of("sales", MONDAY, "a.csv", "2") == evening
    assert len({morning, evening, stock}) == 3


def test_of_a_days_counts_the_last_to_come_holds_whatever_the_files_are_called():
    names = [("z.csv", "x"), ("a.csv", "y"), ("b.csv", "x"), ("zz.csv", "x")]
    arrived = [
        replace(batch(name, content, dataset="stock"), batch_id=f"{number:04}-{content}")
        for number, (name, content) in enumerate(names, 1)
    ]
    assert set(states(run(arrived[:2])).values()) == {"load"}
    recorded = [replace(each, state="loaded", rows_read=5) for each in arrived[:2]]
    again = states(run(arrived, recorded))
    assert again == {**dict.fromkeys(names[:3], "load"), ("zz.csv", "x"): "duplicate"}
