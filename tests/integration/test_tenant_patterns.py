"""A tenant's patterns are what Postgres reads: they are checked with its file, and tried where they are recorded."""

import random

import psycopg
import pytest

from inventra_pipelines.db.tenants import record_tenants
from inventra_pipelines.domain.patterns import pattern_fault
from inventra_pipelines.domain.tenant import CodePattern, ItemCodes, TenantConfig
from inventra_pipelines.errors import PermanentError

READ_BY_BOTH = [
    *("", "^FEE", "a|b", "(|a)", "a||b", "()*", "(^)*", "(?:^|x)y", "$^", "a??", "a{2,3}?", "a{5,}", "a{0,255}"),
    *("(?i)post", "(?m)^a", "(?s).", "(?x) a # b", "(?ims)a", "(?#note)a", "a(?#x)*", "(a{100}){100}"),
    *("(?=a)b", "(?!a)b", "(?<=a)b", "(?<!ab)b", "(?=a(?!b))c", "(?=x(?:a))b", "(?=)a"),
    *(r"(a)\1", r"(a)|\1", r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10", r"^(?:AB|CD)-?\d{3,5}$"),
    *(r"\yA", r"A\Y", r"\mA", r"A\M", r"\\yA", r"\AA", r"A\Z", r"\d\.\d", r"\_\-\/", "\\é", r"\a\f\v"),
    *(r"\x41", r"\u0041", r"\U0001F600", r"\0", r"\012", r"\101", "a{", "a{x}", "{", "x{}", "}", "]"),
    *("[[:alpha:]]+", "[^[:digit:][:space:]]", "[:alpha:]", "[a-]", "[-a]", "[]a]", "[^]a]", "[]-a]", "[--/]", "[+--]"),
    *("[---]", "[a-z-]", r"[\w-]", r"[\w.-]", r"[^\W\d]"),
    *(r"[\0]", r"[\b]", r"[\x41-\x43]", r"[\u4e00-\u9fff]", r"[\]]"),
    *(r"[a\-z]", r"[\\]", "[$^]", "[a&&b]", "[a||b]", "[]]", "[[]", "[a[]", "[[a]]", "[é-ü]", "[%--]", r"[a\[:]"),
]
READ_BY_NEITHER = [
    *("(", ")", "[a", "\\", "*a", "a**", "a{1}{2}", "a{2,1}", "[z-a]", r"[a-\d]", r"[\d-z]", "[a--]", r"\8"),
    *("(?P<x>a)", "(?P<x>a)(?P=x)", "(?<x>a)", "(?>a)b", "(a)?(?(1)b|c)"),
    *("(?i:post)", "(?-i:a)", "(?i-s:a)", r"(?a)\w", r"(?u)\w", r"(?L)\w", "(?i)(?m)a", "(?#note)(?i)a", "x(?i)"),
    *("a++", "a*+", "a?+", "a{1,2}+", "(?=a)*b", "(?!a)?b", "(?<=a)+b", "(?=a)??b", r"(?=(a))(b)\2", r"(a)(?=\1)"),
    *("a{256}", "a{1,300}", "a{00256}", "a{1", "a{1,2", "a{1x}", "a{1,2,3}", "(a{255}){255}", "((a{100}){100}){10}"),
    *("[[:foo:]]", "[a[:]", "[[.]", "[a-z-9]", "[a-c-e]"),
    *("[a-z--/]", "[[:alpha:]-z]", r"[\1]", r"[\y]", r"\N{DIGIT ONE}"),
    "a\x00b",
]
# Postgres takes them, and means something else than whoever wrote them.
READ_OTHERWISE = [r"\bA", r"A\B", r"\x41B", r"[\x41B]", "a{,5}", "[[.a.]]", "[[=a=]]", "(?=(a))b", r"[\12]"]
_SIGNS = [
    *("a", "b", "0", "9", " ", "#", ".", "^", "$", "|", "*", "+", "?", "-", "--", ":", "=", "{2}", "{1,3}", "{,2}"),
    *("{2,", "{", "}", "(", ")", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?i)", "(?x)", "(?i:", "(?P<x>", "(?>", "(?#c)"),
    *("[", "]", "[^", "]-", "[:", "[a-z]", "[[:alpha:]]", "\\", r"\d", r"\w", r"\D", r"\b", r"\y", r"\m", r"\Z", r"\A"),
    *(r"\1", r"\x41", r"\x", r"\u0041", r"\.", r"\n"),
]


def _is_read(connection: psycopg.Connection, pattern: str) -> bool:
    try:
        with connection.transaction():
            connection.execute("select 'abcAB12' ~ %s", (pattern,))
    except psycopg.DataError:
        return False
    return True


def test_patterns_that_are_taken_are_read_by_postgres(connection: psycopg.Connection):
    assert [pattern for pattern in READ_BY_BOTH if pattern_fault(pattern)] == []
    assert [pattern for pattern in READ_BY_BOTH if not _is_read(connection, pattern)] == []


def test_patterns_that_postgres_refuses_are_refused_without_it(connection: psycopg.Connection):
    assert [pattern for pattern in READ_BY_NEITHER if not pattern_fault(pattern)] == []
    assert [pattern for pattern in READ_BY_NEITHER if _is_read(connection, pattern)] == []


def test_patterns_that_postgres_reads_otherwise_are_refused(connection: psycopg.Connection):
    assert [pattern for pattern in READ_OTHERWISE if not pattern_fault(pattern)] == []
    assert [pattern for pattern in READ_OTHERWISE if not _is_read(connection, pattern)] == []


def test_whatever_is_taken_is_read_by_postgres(connection: psycopg.Connection):
    chosen = random.Random(2024)
    patterns = ["".join(chosen.choices(_SIGNS, k=chosen.randint(1, 9))) for _ in range(10_000)]
    taken = [pattern for pattern in patterns if pattern_fault(pattern) is None]
    assert len(taken) > 1_000
    assert [pattern for pattern in taken if not _is_read(connection, pattern)] == []


def test_a_pattern_that_only_postgres_knows_to_be_too_complex_is_refused_with_its_setting(
    connection: psycopg.Connection,
):
    long = "(?:" + "AB(?:C|D){9}" * 60 + "){99}"
    tenant = TenantConfig(tenant_id="shop", name="Shop", service_item_patterns=["^FEE", long])
    with pytest.raises(PermanentError, match=r"tenant shop, service_item_patterns: .* is no pattern") as caught:
        record_tenants(connection, [tenant])
    assert "\n" not in str(caught.value)
    assert connection.execute("select count(*) from ops.tenants where tenant_id = 'shop'").fetchone() == (0,)


def test_patterns_of_both_are_recorded(connection: psycopg.Connection):
    codes = ItemCodes(patterns=[CodePattern(match=r"^shop-(\w+)$", replace=r"\1")])
    tenant = TenantConfig(tenant_id="shop", name="Shop", service_item_patterns=["^FEE"], item_codes=codes)
    record_tenants(connection, [tenant])
    row = connection.execute("select item_code_matches, service_item_patterns from ops.tenants").fetchone()
    assert row == ([r"^shop-(\w+)$"], ["^FEE"])
