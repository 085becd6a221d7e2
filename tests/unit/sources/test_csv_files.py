"""Delimited text into records, against the standard library's reader and a naive one that goes letter by letter."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats import blocks, csv_files, records
from inventra_pipelines.sources.formats.csv_files import read_delimited


@pytest.fixture
def read(tmp_path):
    """Read text or bytes; gives headers, frame and details."""

    def _read(content: str | bytes, needs: tuple[str, ...] = (), **mapping):
        path = tmp_path / "f.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_path(path, needs, **mapping)

    return _read


class Read:
    def __init__(self, opened):
        (table,) = opened.tables
        self.opened, self.headers, self.header_row = opened, table.headers, table.header_row
        empty = pl.DataFrame(schema=dict.fromkeys(map(str, range(len(table.headers))), pl.String))
        self.chunks = list(table.chunks)
        self.frame = pl.concat([chunk for chunk in self.chunks if chunk.height] or [*self.chunks[:1]] or [empty])

    @property
    def cells(self) -> list[tuple]:
        return self.frame.select(map(str, range(len(self.headers)))).rows()

    @property
    def numbers(self) -> list[int]:
        return self.frame["row_number"].to_list()


def read_path(path: Path, needs: tuple[str, ...] = (), **mapping) -> Read:
    def is_header(headers) -> bool:
        return bool(needs) and set(needs) <= set(headers)

    return Read(read_delimited(path, FileMapping(**mapping), "f.csv", is_header))


def refused(read, content: str | bytes, **mapping) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        read(content, **mapping)
    assert "f.csv" in caught.value.message or caught.value.reason_code == "unusable_mapping"
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
def test_row_numbers_are_a_spreadsheets_and_ragged_rows_are_marked_not_dropped(read, quote):
    table = read(f"a,b,{quote}c{quote}\n1,2,{quote}3{quote}\n\n4,5\n6,7,8,9\n1,2,3,\n ,,\n10,11,12")
    assert table.headers == ("a", "b", "c")
    assert table.numbers == [2, 4, 5, 6, 8]
    assert table.frame["problem"].to_list() == [
        None,
        "has 2 fields where the header has 3",
        "has 4 fields where the header has 3",
        None,
        None,
    ]
    assert table.frame["problem_text"].to_list() == [None, "4,5", "6,7,8,9", None, None]
    assert table.frame["0"].to_list() == ["1", None, None, "1", "10"]


def test_a_record_with_a_line_break_in_quotes_counts_once(read):
    table = read('a,b\n"x\ny",1\nz,2\n')
    assert table.frame.select("row_number", "0").rows() == [(2, "x\ny"), (3, "z")]


def test_a_quotation_mark_inside_a_field_is_text(read):
    assert read('a,b\n5" plate,1\n"say ""hi""",2\n').frame["0"].to_list() == ['5" plate', 'say "hi"']


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('"5" plate, blue",1', ('5" plate, blue', "1")),
        ('""Here, at last",1', ('"Here, at last', "1")),
        ('"a ""b"" 5" c",1', ('a "b" 5" c', "1")),
        ('"x"y,1', ('"x"y', "1")),
        ('1,"5" plate"', ("1", '5" plate')),
        ('""x,"y"', ('""x', "y")),
    ],
)
def test_a_stray_mark_that_closes_nothing_is_text(read, line, cells):
    assert read(f'a,b\n{line}\n"z",2\n').cells == [cells, ("z", "2")]


@pytest.mark.parametrize("line", ['"24"","An easy ride, for kids"', '"1,x,"y z",', '"x,"y",1'])
def test_a_stray_mark_never_makes_two_fields_one(read, line):
    table = read(f'a,b\n{line}\n"z",2\n', delimiter=",")
    assert table.frame.select("row_number", "problem_text").rows() == [(2, line), (3, None)]


def test_an_escape_character_before_a_letter_is_text(read):
    table = read('a,b\n"C:\\temp \\"x\\"",8\\\'9\n', escape_char="\\")
    assert table.cells == [('C:\\temp "x"', "8\\'9")]


def test_a_stray_quotation_mark_costs_its_own_row_and_nothing_else(read):
    table = read('a,b,c\n1,"x,3\n4,"y",6\n7,8,9\n"w\nw",1,2\n')
    assert table.numbers == [2, 3, 4, 5]
    assert table.frame["problem"].to_list() == ["has a quotation mark that is never closed", None, None, None]
    assert table.frame["problem_text"][0] == '1,"x,3'
    assert table.cells[1:] == [("4", "y", "6"), ("7", "8", "9"), ("w\nw", "1", "2")]


def test_lines_that_a_stray_quotation_mark_swallowed_are_rows_with_numbers_of_their_own(read):
    table = read('a,b\n1,"x\n2,y\n3,z"\n4,w\n5,v,"u\nt"\n6,s\n')
    # Closed by the rules and of the right width: nothing tells that it was not meant.
    assert table.frame.select("row_number", "1").rows()[0] == (2, "x\n2,y\n3,z")
    assert table.frame.select("row_number", "problem").rows()[1:] == [
        (3, None),
        (4, "has 3 fields where the header has 2"),
        (5, None),
    ]
    table = read('a,b\n1,"x,9\n2,y\n3,z",8\n4,w\n')
    assert table.numbers == [2, 3, 4, 5]
    assert table.frame["problem"].is_not_null().to_list() == [True, False, True, False]


def test_a_record_over_lines_that_are_no_rows_is_malformed_as_a_whole(read):
    table = read('a,b,c\n1,"x\n\ny"\n4,5,6\n')
    assert table.numbers == [2, 3]
    assert table.frame["problem"].to_list() == ["has 2 fields where the header has 3", None]
    assert table.frame["problem_text"][0] == '1,"x\n\ny"'


def test_a_mark_never_closed_is_its_rows_fault_where_rows_follow_and_the_files_where_it_is_cut_short(read):
    table = read('a,b\n"never closed,1\n2,3\n4,5\n')
    assert table.frame["problem"].is_not_null().to_list() == [True, False, False]
    assert table.numbers == [2, 3, 4]
    assert refused(read, 'a,b\n1,2\n3,"cut sh').reason_code == "unreadable"
    assert refused(read, 'a,b\n1,"a text\nof three\nlines\n').reason_code == "unreadable"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_line_ends_and_delimiters_are_found(read, end, delimiter):
    text = end.join([f"a{delimiter}b", f"1{delimiter}2", f"3{delimiter}4", ""])
    assert read(text).cells == [("1", "2"), ("3", "4")]


def test_a_decimal_comma_does_not_hide_a_semicolon(read):
    assert read("a;b\n1,5;2,5\n").frame["0"].to_list() == ["1,5"]


def test_a_header_that_two_delimiters_split_is_refused_or_told_by_the_rows(read):
    assert read("a, x;b\n1;2\n3;4\n", delimiter=";").headers == ("a, x", "b")
    assert refused(read, "a,b;c\n1,2;3\n").reason_code == "ambiguous_delimiter"


def test_the_delimiter_under_which_the_dataset_is_found_wins(read):
    table = read("a,b;c\n1,2;3\n", needs=("c",))
    assert table.headers == ("a,b", "c")
    assert table.opened.details["delimiter"] == "semicolon"


def test_a_single_column_may_hold_delimiters_of_other_files(read):
    assert read("a\n1,5\n2,5\n", needs=("a",)).cells == [("1,5",), ("2,5",)]


def test_a_delimiter_may_be_any_character_and_end_in_a_space(read):
    table = read('"a", "b"\n"1, 5", "x"\n2,5, y\n', delimiter=", ")
    assert table.headers == ("a", "b")
    assert table.cells == [("1, 5", "x"), ("2,5", "y")]
    assert read("a¦b\n1¦2\nx\n", delimiter="¦").frame["problem_text"].to_list() == [None, "x"]
    assert read("a¦b\n1¦2¦3\n", delimiter="¦").frame["problem_text"].to_list() == ["1¦2¦3"]


def test_quotation_and_escape_marks_are_the_mappings(read):
    assert read("a,b\n'1,5',5\" x\n", quote_char="'").cells == [("1,5", '5" x')]
    assert read("a,b\n«1,5»,2\n«3«,4\n", quote_char="«").cells[-1] == ("3", "4")
    table = read('a,b\n"say \\"hi\\", twice",1\n2\\,5,"a\\\\"\n3,4\n', escape_char="\\")
    assert table.cells == [('say "hi", twice', "1"), ("2,5", "a\\"), ("3", "4")]
    assert refused(read, "a,b\n", delimiter='"').reason_code == "unusable_mapping"


def test_a_spreadsheets_own_word_for_its_delimiter_is_taken(read):
    table = read("sep=;\na;b,c\n1;2,3\n", needs=("a",))
    assert table.headers == ("a", "b,c")
    assert table.numbers == [3]


def test_a_header_further_down_is_found_and_numbers_stay_the_files(read):
    content = "Report of Monday,\n,\na,b\n1,2\n"
    for table in (read(content, header_row=3, delimiter=","), read(content, needs=("a", "b"))):
        assert table.headers == ("a", "b")
        assert table.numbers == [4]
        assert table.opened.details["header row"] == "3"


def test_headers_over_two_rows_are_joined(read):
    table = read(";Sales;;Stock\nitem;pieces;value;pieces\nA;1;2;3\n", needs=("Sales value", "Stock pieces"))
    assert table.headers == ("item", "Sales pieces", "Sales value", "Stock pieces")
    assert (table.header_row, table.numbers) == (2, [3])
    assert table.opened.details["header row"] == "1 to 2"


def test_a_header_alone_is_a_file_of_no_rows(read):
    assert read("a,b\n").frame.height == 0
    assert read('"a","b"').frame.height == 0


def test_rows_that_all_end_in_empty_fields_are_fine_and_content_there_is_not(read):
    table = read("a,b\n1,2,,\n3,4,,\n5,6,,x\n7,8\n")
    assert table.cells == [("1", "2"), ("3", "4"), (None, None), ("7", "8")]
    assert table.frame["problem"].to_list()[2] == "has 4 fields where the header has 2"
    assert table.frame["problem_text"].to_list()[2] == "5,6,,x"


def test_a_delimiter_too_many_does_not_pass_for_an_empty_field_at_the_end(read):
    lines = "1,x,\n2,y,\n3,,z,\n4,a,b,\n5,w,v\n"
    table = read(f"a,b,c\n{lines}")
    problem = "has 4 fields where the header has 3"
    assert table.frame["problem"].to_list() == [None, None, problem, problem, None]
    # As wide as the header's own line, or as most rows, it is what the program does at every line's end.
    assert read(f"a,b,c,\n{lines}").frame["problem"].null_count() == 5
    assert read("a,b,c\n" + "1,x,,\n" * 3 + "2,y,\n").frame["problem"].null_count() == 4


def test_blank_leading_columns_and_empty_headers_keep_their_place(read):
    table = read(",a,,b,\n,1,,2,\n,,,,\n,3,x,4\n", needs=("a", "b"))
    assert table.headers == ("", "a", "", "b")
    assert table.cells == [("", "1", "", "2"), ("", "3", "x", "4")]
    assert table.numbers == [2, 4]


@pytest.mark.parametrize("most_rows", [1, 2, 100])
def test_rows_at_the_bottom_that_are_no_data_are_left_out(read, monkeypatch, most_rows):
    monkeypatch.setattr(blocks, "MOST_ROWS", most_rows)
    monkeypatch.setattr(blocks, "FIRST_ROWS", most_rows)
    assert read("a,b\n1,2\n3,4\n\n5,6\nTotal,15\n,,printed\n\n", footer_rows=2).numbers == [2, 3, 5]
    assert read("a,b\n1,2\n", footer_rows=2).frame.height == 0


def test_rows_that_the_mapping_leaves_out_are_told(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("a,b\n1,2\n3,4\nTotal,15\n")
    opened = read_delimited(path, FileMapping(footer_rows=2), path.name, lambda _: True)
    (table,) = opened.tables
    assert sum(chunk.height for chunk in table.chunks) == 1
    assert opened.passed_over == ["rows 3 to 4, as footer_rows says: 3 4"]


@pytest.mark.parametrize(
    ("content", "label"),
    [
        ("a,b\nŁódź,1\n".encode("utf-8-sig"), "UTF-8 with byte-order mark"),
        ("a,b\nŁódź,1\n".encode("utf-16"), "UTF-16 with byte-order mark"),
        (b"\xfe\xff" + "a,b\nŁódź,1\n".encode("utf-16-be"), "UTF-16 with byte-order mark"),
        ("a,b\nŁódź,1\n".encode("utf-32"), "UTF-32 with byte-order mark"),
        ("a,b\nŁódź,1\n".encode(), "UTF-8"),
    ],
)
def test_a_byte_order_mark_decides_then_utf_8(read, content, label):
    table = read(content, encoding="cp1250")
    assert table.headers[0] == "a"
    assert table.frame["0"].to_list() == ["Łódź"]
    assert table.opened.details["encoding"] == label


def test_another_encoding_is_read_only_where_it_is_configured(read):
    content = "a,b\ncafé,1\n".encode("cp1252")
    assert read(content, encoding="cp1252").frame["0"].to_list() == ["café"]
    assert refused(read, content).reason_code == "bad_encoding"
    assert refused(read, content, encoding="no-such").reason_code == "unusable_mapping"
    assert refused(read, content, encoding="hex").reason_code == "unusable_mapping"
    assert refused(read, b"a,b\n\x81,1\n", encoding="cp1252").reason_code == "bad_encoding"


def test_utf_16_without_a_mark_is_read_where_it_is_configured(read):
    content = "a,b\n1,2\n".encode("utf-16-le")
    assert read(content, encoding="utf-16-le").cells == [("1", "2")]
    assert refused(read, content).reason_code == "bad_encoding"


@pytest.mark.parametrize("before", [2**20 - 1, 2**20 - 2, 2**20 + 5])
def test_the_whole_file_decides_whether_it_is_utf_8(read, before):
    head = b"a,b\n1,2\n"
    content = head + b"x" * (before - len(head))
    assert read(content + "é,2\n".encode()).cells[1] == (content[8:].decode() + "é", "2")
    error = refused(read, content + "é,2\n".encode("cp1252"))
    assert error.reason_code == "bad_encoding"
    assert f"byte {before + 1:,} is 0xe9" in error.message


def test_a_nul_far_down_is_its_rows_fault_and_reaches_the_checks_of_values(read):
    rows = "".join(f"{number},x\n" for number in range(500))
    assert read(f"a,b\n{rows}1,a\x00b\n").cells[-1] == ("1", "a\x00b")
    assert refused(read, "a,b\n1,a\x00b\n").reason_code == "bad_encoding"


def test_the_end_of_file_mark_of_old_systems_is_no_row(read):
    assert read("a,b\n1,2\n\x1a").cells == [("1", "2")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\n \n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        ("a,b\n1,2\n".encode("utf-16-le"), "bad_encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(read, content, reason):
    assert refused(read, content).reason_code == reason


def test_a_stated_header_row_without_content_is_refused(read):
    assert refused(read, b"\n1,2\n", header_row=1).reason_code == "wrong_columns"
    assert refused(read, b"a,b\n1,2\n", header_row=9).reason_code == "wrong_columns"


def test_lines_and_rows_beyond_any_table_are_refused(read, monkeypatch):
    for module in (blocks, csv_files, records):
        monkeypatch.setattr(module, "MOST_RECORD_BYTES", 5000)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    assert refused(read, "a" * 5001).reason_code == "line_too_long"
    assert refused(read, "a,b\n1,2\n" * 300 + "3" * 5001 + ",4\n").reason_code == "line_too_long"


def test_more_fields_than_any_table_has_are_refused_in_the_header_and_in_a_row(read):
    assert refused(read, "a," * 20_000 + "\n").reason_code == "line_too_long"
    assert refused(read, "a,b\n" + "1,2\n" * 300 + "x," * 20_000 + "\n").reason_code == "line_too_long"


# Whether a row of separator characters alone is blank is told differently by Python and by polars.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00\x1a\x1c\x1d\x1e\x1f"), max_size=6)
AWKWARD = st.text(st.sampled_from("a\",;\n\r\t|\\ '\ufeff"), max_size=5)


def normalized(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(TEXT | AWKWARD, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|", ", ", "¦"]),
    quote=st.sampled_from(['"', "'", "«"]),
    escape=st.sampled_from([None, None, "\\", "~"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    block_bytes=st.integers(1, 80),
    most_rows=st.integers(1, 5),
)
def test_what_a_writer_wrote_is_read_back_whatever_the_block_size(
    read, monkeypatch, rows, delimiter, quote, escape, quoting, block_bytes, most_rows
):
    stream = io.StringIO()
    headers = [f"h{place}" for place in range(len(rows[0]))]
    marks = {"delimiter": delimiter[0], "quotechar": quote, "doublequote": escape is None, "escapechar": escape}
    writer = csv.writer(stream, **marks, quoting=quoting, lineterminator="\r\n")
    writer.writerows([headers, *rows])
    content = stream.getvalue()
    if delimiter == ", ":
        quoted = io.StringIO()
        csv.writer(quoted, **marks, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([headers, *rows])
        assume(f"{quote},{quote}" not in "".join(map("".join, rows)))
        content = quoted.getvalue().replace(f"{quote},{quote}", f"{quote}, {quote}")
        assume(not any(cell in (",", ", ") or cell[:1] == "," or cell[-1:] == "," for row in rows for cell in row))
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(blocks, "MOST_ROWS", most_rows)
    monkeypatch.setattr(blocks, "FIRST_ROWS", most_rows)
    is_told = delimiter in (", ", "¦") or quote != '"' or escape
    mapping = {"delimiter": delimiter, "quote_char": quote, "escape_char": escape} if is_told else {}
    table = read(content, needs=tuple(headers), **mapping)
    wanted = {
        number: tuple(map(normalized, row))
        for number, row in enumerate(rows, start=2)
        if any(cell.strip() for cell in map(normalized, row))
    }
    assert table.headers == tuple(headers)
    assert dict(zip(table.numbers, table.cells, strict=True)) == wanted
    assert table.frame["problem"].null_count() == table.frame.height


def strictly(text: str) -> list[str] | str:
    """The fields of a record by the rules, letter by letter; or `open` or `wrong`."""
    fields, state, field = [], "start", ""
    for letter in text:
        if state == "quoted":
            if letter == '"':
                state = "closing"
            else:
                field += letter
        elif state == "closing" and letter == '"':
            field, state = field + '"', "quoted"
        elif letter == ",":
            fields, state, field = [*fields, field], "start", ""
        elif state == "closing" or letter == "\n":
            return "wrong"
        elif state == "start" and letter == '"':
            state = "quoted"
        else:
            field, state = field + letter, "plain"
    return "open" if state == "quoted" else [*fields, field]


def alone(line: str) -> list[str] | None:
    """The fields of a line in which marks may be stray, letter by letter; none where one is not closed in it."""
    fields, at = [], 0
    while at <= len(line):
        field, at = one_field(line, at)
        if field is None:
            return None
        fields.append(field)
        at += 1
    return fields


def one_field(line: str, at: int) -> tuple[str | None, int]:
    """The field that begins at a place, and where it ends."""
    plain = line[at:].split(",", maxsplit=1)[0]
    if not plain.startswith('"'):
        return plain, at + len(plain)
    text, place = "", at + 1
    while place < len(line):
        if line[place] != '"':
            text, place = text + line[place], place + 1
        elif line[place + 1 : place + 2] == '"':
            text, place = text + '"', place + 2
        elif line[place + 1 : place + 2] in ("", ","):
            return text, place + 1
        elif line[place - 1] == ",":
            break
        else:
            text, place = text + '"', place + 1
    return (plain, at + len(plain)) if plain.count('"') > 1 and not plain.endswith('"') else (None, at)


Fits = Callable[[list[str] | None], bool]


def fitting(lines: list[str], width: int) -> Fits:
    """Whether fields are those of a row; empty ones beyond the header's only where they cannot be a row moved."""
    found = [line.split(",") if fields is None else fields for line, fields in strictly_or_alone(lines)]
    data = [fields for fields in found if any(map(str.strip, fields))]
    whole = [fields for fields in data if len(fields) == width]
    ends_filled = bool(whole) and all(fields[-1].strip() for fields in whole)

    def fits(fields: list[str] | None) -> bool:
        if fields is None:
            return False
        if len(fields) == width or not any(map(str.strip, fields)):
            return True
        is_usual = sum(len(other) == len(fields) for other in data) * 2 > len(data)
        is_empty_beyond = len(fields) > width and not any(map(str.strip, fields[width:]))
        return is_empty_beyond and (is_usual or (ends_filled and bool(fields[width - 1].strip())))

    return fits


def naive_records(lines: list[str], fits: Fits) -> list[tuple[int, list[str] | None, bool]]:
    """Records, each with how many lines it takes and whether the file ends within it."""
    found = []
    at = 0
    while at < len(lines):
        taken, fields, is_open = 1, None, False
        for last in range(at, len(lines)):
            fields = strictly("\n".join(lines[at : last + 1]))
            if fields != "open":
                taken = last - at + 1
                break
        else:
            is_open = True
        if isinstance(fields, str):
            taken, fields = 1, alone(lines[at])
        elif taken > 1 and not fits(fields):
            each = [alone(line) for line in lines[at : at + taken]]
            if any(fits(line) and any(map(str.strip, line)) for line in each):
                taken, fields = 1, each[0]
        found.append((taken, fields, is_open))
        at += taken
    return found


def strictly_or_alone(lines: list[str]) -> list[tuple[str, list[str] | None]]:
    """The first line of each record and its fields, the first line's alone where they are not by the rules."""
    found, at = [], 0
    while at < len(lines):
        for last in range(at, len(lines)):
            fields = strictly("\n".join(lines[at : last + 1]))
            if fields != "open":
                break
        if isinstance(fields, str):
            last, fields = at, alone(lines[at])
        found.append((lines[at], fields))
        at = last + 1
    return found


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(
        st.sampled_from(["a", "b c", '"', '""', ",", ",", "\n", "\n", " ", "é", '"x"', "1,2\n"]), max_size=24
    ),
    block_bytes=st.integers(1, 40),
    most_rows=st.integers(1, 4),
)
def test_however_marks_stray_the_rows_are_those_of_a_naive_reader(read, monkeypatch, text, block_bytes, most_rows):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(blocks, "MOST_ROWS", most_rows)
    monkeypatch.setattr(blocks, "FIRST_ROWS", most_rows)
    body = "".join(text)
    lines = body.removesuffix("\n").split("\n") if body else []
    fits = fitting(lines, 2)
    found = naive_records(lines, fits)
    at = 0
    for taken, _, is_open in found:
        if is_open:
            after = [fields for _, fields in strictly_or_alone(lines[at + 1 :])]
            after = [fields for fields in after if fields is None or any(map(str.strip, fields))]
            if sum(map(fits, after)) * 2 <= len(after):
                assert refused(read, "h1,h2\n" + body, delimiter=",", header_row=1).reason_code == "unreadable"
                return
            break
        at += taken
    table = read("h1,h2\n" + body, delimiter=",", header_row=1)
    wanted = []
    for number, (_, fields, _) in enumerate(found, start=2):
        if fields is not None and not any(map(str.strip, fields)):
            continue
        wanted.append((number, *(fields[:2] if fields is not None and fits(fields) else (None, None))))
    assert table.frame.select("row_number", "0", "1").rows() == wanted
    assert [problem is None for problem in table.frame["problem"]] == [row[1] is not None for row in wanted]


def test_pieces_are_small_and_the_first_one_comes_early(read, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_ROWS", 40)
    monkeypatch.setattr(blocks, "FIRST_ROWS", 10)
    table = read("a,b\n" + "1,2\n" * 100)
    assert [chunk.height for chunk in table.chunks] == [10, 20, 40, 30]
    assert table.numbers == list(range(2, 102))


def test_the_real_days_have_the_rows_that_the_standard_library_counts(shared_data):
    for path in sorted((shared_data / "online_retail" / "by_day").glob("*.csv"))[::50]:
        with path.open(newline="", encoding="utf-8") as stream:
            expected = list(csv.reader(stream))[1:]
        table = read_path(path)
        assert table.cells == [tuple(record) for record in expected]
        assert table.frame["problem"].null_count() == table.frame.height
