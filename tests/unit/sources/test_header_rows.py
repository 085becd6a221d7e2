"""Where headers are found: below titles, over several rows, or where the mapping says."""

import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.header_rows import Header, find_header


def find(rows, *needs, **mapping) -> Header:
    return find_header(rows, FileMapping(**mapping), lambda headers: set(needs) <= set(headers), "f.xlsx")


def test_a_title_and_blank_rows_above_the_headers_are_passed_over():
    rows = [["Sales report"], [], ["printed", "2024-05-01"], ["item ", " qty", ""], ["A", "1", ""]]
    assert find(rows, "item", "qty") == Header(4, 4, ("item", "qty"))


def test_one_row_is_preferred_to_joined_ones():
    rows = [["item", ""], ["item", "qty"]]
    assert find(rows, "item", "qty") == Header(2, 2, ("item", "qty"))


def test_merged_cells_reach_to_the_right_and_no_further_than_the_cell_above():
    rows = [
        ["Item", "Ordered", "", "Received", ""],
        ["", "Pieces", "", "", "Value"],
        ["code", "net", "gross", "net", ""],
    ]
    wanted = ("Item code", "Ordered Pieces net", "Ordered Pieces gross", "Received net", "Received Value")
    assert find(rows, *wanted) == Header(1, 3, wanted)


def test_cells_that_are_not_merged_are_joined_as_they_stand():
    rows = [["Item", "", "Qty"], ["", "Date", ""]]
    assert find(rows, "Item", "Date", "Qty") == Header(1, 2, ("Item", "Date", "Qty"))


def test_a_stated_row_holds_whatever_stands_above():
    rows = [["item", "qty"], ["a", ""], ["b", "c"]]
    assert find(rows, "item", header_row=2) == Header(2, 2, ("a",))
    assert find(rows, "item", header_row=2, header_rows=2) == Header(2, 3, ("a b", "a c"))
    assert find(rows, "b", header_row=2, header_rows=2).headers == ("a b", "a c")


def test_a_stated_span_is_searched_at_any_row():
    rows = [["title"], ["item", "qty"], ["code", "sold"], ["A", "1"]]
    assert find(rows, "item code", header_rows=2) == Header(2, 3, ("item code", "qty sold"))


def test_where_nothing_fits_the_first_row_with_content_is_named():
    assert find([[], [" "], ["", "x", "", "y", " "], ["1"]], "item") == Header(3, 3, ("", "x", "", "y"))


def test_headers_below_the_searched_rows_are_not_found():
    rows = [["title"], *[[]] * 59, ["item"]]
    assert find(rows, "item").headers == ("title",)


@pytest.mark.parametrize(
    ("rows", "mapping", "reason"),
    [
        ([], {}, "empty_file"),
        ([["", " "], []], {}, "empty_file"),
        ([["a"], []], {"header_row": 2}, "wrong_columns"),
        ([["a"]], {"header_row": 5, "header_rows": 2}, "wrong_columns"),
    ],
)
def test_a_table_without_headers_is_refused(rows, mapping, reason):
    with pytest.raises(FileRejected) as caught:
        find(rows, "item", **mapping)
    assert caught.value.reason_code == reason
    assert "f.xlsx" in caught.value.message
