"""Delimited text into records, against the standard library's reader."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.csv_files import read_delimited
from inventra_pipelines.sources.read import read_tables


def read(content: str | bytes, **mapping):
    data = content.encode() if isinstance(content, str) else content
    return read_delimited(data, FileMapping(**mapping), "f.csv")[0]


def refused(content: bytes, tmp_path: Path, name: str = "f.csv", **mapping) -> FileRejected:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileRejected) as caught:
        read_tables(path, FileMapping(**mapping))
    assert name in caught.value.message or caught.value.reason_code == "unusable_mapping"
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
def test_row_numbers_are_a_spreadsheets_and_ragged_rows_are_marked_not_dropped(quote):
    table = read(f"a,b,{quote}c{quote}\n1,2,3\n\n4,5\n6,7,8,9\n1,2,3,\n ,,\n10,11,12")
    assert table.headers == ("a", "b", "c")
    assert table.frame["row_number"].to_list() == [2, 4, 5, 6, 8]
    assert table.frame["problem"].to_list() == [
        None,
        "has 2 fields where the header has 3",
        "has 4 fields where the header has 3",
        None,
        None,
    ]
    assert table.frame["problem_text"].to_list() == [None, "4,5", "6,7,8,9", None, None]
    assert table.frame["0"].to_list() == ["1", None, None, "1", "10"]


def test_a_record_with_a_line_break_in_quotes_counts_once():
    table = read('a,b\n"x\ny",1\nz,2\n')
    assert table.frame.select("row_number", "0").rows() == [(2, "x\ny"), (3, "z")]


def test_a_quotation_mark_inside_a_field_is_text():
    assert read('a,b\n5" plate,1\n"say ""hi""",2\n').frame["0"].to_list() == ['5" plate', 'say "hi"']


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_line_ends_and_delimiters_are_found(end, delimiter):
    text = end.join([f"a{delimiter}b", f"1{delimiter}2", f"3{delimiter}4", ""])
    assert read(text).frame.select("0", "1").rows() == [("1", "2"), ("3", "4")]


def test_a_decimal_comma_does_not_hide_a_semicolon():
    assert read("a;b\n1,5;2,5\n").frame["0"].to_list() == ["1,5"]


def test_a_header_that_two_delimiters_split_is_refused_or_told_by_the_rows(tmp_path):
    assert read("a,x;b\n1;2\n3;4\n".replace("a,x", "a, x"), delimiter=";").headers == ("a, x", "b")
    assert refused(b"a,b;c\n1,2;3\n", tmp_path).reason_code == "ambiguous_delimiter"


def test_a_header_further_down_is_found_and_numbers_stay_the_files():
    table = read("Report of Monday,\n,\na,b\n1,2\n", header_row=3, delimiter=",")
    assert table.headers == ("a", "b")
    assert table.frame["row_number"].to_list() == [4]


def test_a_header_alone_is_a_file_of_no_rows():
    assert read("a,b\n").frame.height == 0
    assert read('"a","b"').frame.height == 0


@pytest.mark.parametrize(
    "content",
    [
        "a,b\nŁódź,1\n".encode("utf-8-sig"),
        "a,b\nŁódź,1\n".encode("utf-16"),
        "a,b\nŁódź,1\n".encode(),
    ],
    ids=["utf-8-mark", "utf-16-mark", "utf-8"],
)
def test_a_byte_order_mark_decides_then_utf_8(content):
    table = read(content, encoding="cp1250")
    assert table.headers[0] == "a"
    assert table.frame["0"].to_list() == ["Łódź"]


def test_another_encoding_is_read_only_where_it_is_configured(tmp_path):
    content = "a,b\ncafé,1\n".encode("cp1252")
    assert read(content, encoding="cp1252").frame["0"].to_list() == ["café"]
    assert refused(content, tmp_path).reason_code == "bad_encoding"
    assert refused(content, tmp_path, encoding="no-such").reason_code == "unusable_mapping"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"\n \n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (gzip.compress(b"a,b\n1,2\n" * 999)[:-9], "unreadable"),
        (b"\x1f\x8b nonsense", "unreadable"),
        (gzip.compress(b""), "empty_file"),
        ("a,b\n1,2\n".encode("utf-16-le"), "bad_encoding"),
        (b'a,b\n"never closed,1\n2,3\n', "unreadable"),
        (b"%PDF-1.7", "unknown_format"),
        (b"BZh91AY&SY", "unknown_format"),
        (b"\n1,2\n", "wrong_columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(content, reason, tmp_path):
    assert refused(content, tmp_path).reason_code == reason


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "sales.xlsx"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_tables(path, FileMapping())[0].frame.height == 1


fields = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(fields, min_size=2, max_size=4), min_size=1, max_size=8), st.sampled_from([0, 1]))
def test_records_are_the_standard_librarys(records, quoting):
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows([["h1", "h2", "h3"], *records])
    # Line ends inside fields are made one, as those between records are.
    content = text.getvalue().replace("\r\n", "\n").replace("\r", "\n")
    expected = list(csv.reader(io.StringIO(content, newline="\n")))
    table = read(content, delimiter=",")
    wanted = {
        number: record for number, record in enumerate(expected[1:], start=2) if any(field.strip() for field in record)
    }
    assert table.frame["row_number"].to_list() == list(wanted)
    for row in table.frame.iter_rows(named=True):
        record = wanted[row["row_number"]]
        while len(record) > 3 and not record[-1].strip():
            record.pop()
        if len(record) == 3:
            assert [row["0"], row["1"], row["2"]] == record
        else:
            assert row["problem"] == f"has {len(record)} fields where the header has 3"


def test_the_real_days_have_the_rows_that_the_standard_library_counts(shared_data):
    for path in sorted((shared_data / "online_retail" / "by_day").glob("*.csv"))[::50]:
        with path.open(newline="", encoding="utf-8") as stream:
            expected = list(csv.reader(stream))[1:]
        frame = read_tables(path, FileMapping())[0].frame
        assert frame.select(map(str, range(8))).rows() == [tuple(record) for record in expected]
        assert frame["problem"].null_count() == frame.height
