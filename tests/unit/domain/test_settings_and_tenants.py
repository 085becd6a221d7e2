"""Settings and tenant files: what is wrong is named, with the remedy, and no secret is repeated."""

from pathlib import Path

import pytest

from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import InventraError, PermanentError
from inventra_pipelines.settings import Settings, get_settings
from inventra_pipelines.tenants import get_tenant, load_tenant, load_tenants

MINIMAL = "tenant_id: shop\nname: A shop\n"


def _file(folder: Path, text: str, name: str = "shop.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + "curency: EUR\n", ("curency", "did you mean currency?")),
        (
            MINIMAL + "datasets: {sales: {date_format: ['%d.%m.%Y']}}\n",
            ("sales.date_format", "did you mean date_formats?"),
        ),
        (MINIMAL + "currency: EUR\ncurrency: GBP\n", ("'currency' stands twice", "line 4")),
        (MINIMAL + "service_item_patterns: ['\\bPOST']\n", ("service_item_patterns", "Postgres")),
        (MINIMAL + "unit_factors: {box: 1e12}\n", ("unit_factors.box",)),
        (MINIMAL + "unit_factors: {box: 1e-12}\n", ("unit_factors.box",)),
        (MINIMAL + "unit_factors: {box: 3, BOX: 4}\n", ("unit_factors", "box stands more than once")),
        (MINIMAL + "planning: {service_levels: {A: 98}}\n", ("planning.service_levels.A",)),
        (MINIMAL + "abc_thresholds: [80, 95]\n", ("abc_thresholds", "more than all")),
        (MINIMAL + "xyz_thresholds: [0.5, .inf]\n", ("xyz_thresholds",)),
        (MINIMAL + "time_zone: Europe/Lodnon\n", ("time_zone", "Europe/Lodnon")),
        (MINIMAL + "currency: euro\n", ("currency",)),
        (MINIMAL + "service_item_patterns: ['(']\n", ("service_item_patterns", "regular expression")),
        (MINIMAL + "abc_thresholds: [0.9, 0.8]\n", ("abc_thresholds",)),
        (MINIMAL + "nightly_at: '25:00'\n", ("nightly_at",)),
        (MINIMAL + "datasets: {sale: {}}\n", ("datasets",)),
        (MINIMAL + "datasets: {sales: {sheets: []}}\n", ("sales", "sheets")),
        (MINIMAL + "datasets: {sales: {columns: {quantity: Menge}, constants: {quantity: '1'}}}\n", ("quantity",)),
        ("tenant_id: other\nname: x\n", ("other", "other.yaml")),
        ("- a\n- b\n", ("no settings",)),
        ("a: [1\n", ("not valid YAML",)),
        (MINIMAL + "currency: 2024-13-01\n", ("not valid YAML", "month")),
        (MINIMAL + "currency: {2024-01-01: x}\n", ("currency: has to be three capital letters", "2024")),
        ("", ("no settings",)),
    ],
    ids=[
        "unknown-key",
        "unknown-key-of-a-dataset",
        "key-twice",
        "pattern-of-another-kind",
        "huge-factor",
        "tiny-factor",
        "unit-twice",
        "service-level",
        "share-in-percent",
        "endless-threshold",
        "zone",
        "currency",
        "pattern",
        "thresholds",
        "time",
        "dataset",
        "no-sheets",
        "column-and-constant",
        "name",
        "list",
        "yaml",
        "no-date",
        "date-as-key",
        "empty",
    ],
)
def test_a_wrong_tenant_file_is_one_line_that_names_file_and_key(tmp_path: Path, text: str, words: tuple[str, ...]):
    with pytest.raises(PermanentError) as caught:
        load_tenant(_file(tmp_path, text))
    message = str(caught.value)
    assert "shop.yaml" in message and "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("datasets:", "datasets: is empty, and has to be a group of settings."),
        ("datasets: {sale: {}}", "datasets.sale: 'sale' is none of sales, stock, items, suppliers, purchase_orders,"),
        (
            "datasets: {sales: {header_row: first}}",
            "datasets.sales.header_row: has to be a whole number, not 'first'. correct it",
        ),
        ("datasets: {sales: {header_row: 0}}", "datasets.sales.header_row: has to be 1 or more, not 0."),
        (
            "datasets: {sales: {columns: {quantity: 5}}}",
            "datasets.sales.columns.quantity: has to be a text or a list, not 5. put quotation marks around it.",
        ),
        (
            "datasets: {sales: {columns: {quantity: [1]}}}",
            "datasets.sales.columns.quantity.0: has to be a text, not 1. put quotation marks around it.",
        ),
        (
            "datasets: {sales: {sheets: Sheet1}}",
            """sheets: has to be a list of names or the word all, not 'Sheet1'. write it as ["Sheet1"].""",
        ),
        (
            "datasets: {sales: {date_formats: []}}",
            "datasets.sales.date_formats: has to be a list that is not empty, not []. name one, or leave the line out",
        ),
        ("datasets: {sales: {decimal_mark: ;}}", "datasets.sales.decimal_mark: has to be one of '.', ',', not ';'."),
        ("datasets: {sales: {constants: {currency: NO}}}", "currency: has to be a text, not false. put quotation"),
        ("repeated_lines: sales", "repeated_lines: has to be one of sale, duplicate, not 'sales'. did you mean sale?"),
        ("currency: euro", "currency: has to be three capital letters such as EUR, not 'euro'."),
        (
            "nightly_at: 22:00",
            "nightly_at: has to be a time of four digits from 00:00 to 23:59, such as 02:00, not 1320. "
            'write "22:00" with its quotation marks: without them YAML reads a number of minutes.',
        ),
        ("nightly_at: 1:30", 'write "01:30" with its quotation marks'),
        (
            "datasets: {sales: {delimiter: tab}}",
            "datasets.sales.delimiter: has to be one character, and at most a space after it, not 'tab'. "
            'write a tab as "\\t", in double quotation marks.',
        ),
        (r"datasets: {sales: {delimiter: '\t'}}", r"""not '\t'. write a tab as "\t", in double quotation marks."""),
        (
            "datasets: {sales: {delimiter: '||'}}",
            """not '||'. write one, such as "|", or "\\t" for a tab; without the line it is found.""",
        ),
        (
            "feeds: {sales: {weekdays: 'monday, friday'}}",
            """weekdays: has to be a list of days, not 'monday, friday'. write it as ["monday", "friday"].""",
        ),
        (
            "abc_thresholds: [0.8]",
            "abc_thresholds: has to be two numbers that rise, such as [0.8, 0.95], not [0.8]. correct it",
        ),
        ("xyz_thresholds: [0.1, 0.2, 0.3]", "xyz_thresholds: has to be two numbers that rise, such as [0.5, 1.0], not"),
        ("pad_codes: {a: 1}", "pad_codes: there is no such setting. it belongs under datasets.<dataset>."),
        ("forecast: {time_zone: UTC}", "it belongs at the top level or under datasets.<dataset>."),
        (
            "integer_code: [a]",
            "there is no such setting. did you mean integer_codes? It belongs under datasets.<dataset>.",
        ),
        ("unit_factors: {box: 0}", "unit_factors.box: has to be 0.00000001 or more, not 0."),
        ("is_stock_simulated: maybe", "is_stock_simulated: has to be true or false, not 'maybe'."),
        ("planning: {service_levels: {A: 98}}", "planning.service_levels.A: has to be less than 1.0, not 98."),
        ("unit_factors: {box: many}", "unit_factors.box: has to be a number, not 'many'."),
        ("exchange_rates: {USD: 0}", "exchange_rates.USD: has to be 0.00000001 or more, not 0."),
        ("exchange_rates: {USD: .inf}", "exchange_rates.USD: has to be a number, not inf."),
        ("exchange_rates: {USD: 1e12}", "exchange_rates.USD: has to be 100000000 or less, not '1e12'."),
        ("exchange_rates: {USD: much}", "exchange_rates.USD: has to be a number, not 'much'."),
        (
            "exchange_rates: {usd: 0.8}",
            "exchange_rates: 'usd' is no code of a currency. write three capital letters such",
        ),
        (
            "exchange_rates: {EUR: 1.1}",
            "exchange_rates.EUR: the tenant's own currency has the rate 1, not 1.1. remove it; a rate is what one unit"
            " of the other currency is worth in EUR.",
        ),
        ("unit_factors: {1: 5}", "unit_factors.1: has to be a text, not 1. put quotation marks around it."),
        ("item_codes: {patterns: [{match: a}]}", "item_codes.patterns.0.replace: is required and missing. add it."),
        ("curency: EUR", "curency: there is no such setting. did you mean currency?"),
        ("xyzzy: 1", "xyzzy: there is no such setting. remove it."),
        (
            "item_codes: {patterns: [{match: '(?P<code>A)', replace: ''}]}",
            "item_codes.patterns.0.match: the regular expression '(?P<code>A)' cannot be used: Postgres has no named"
            " groups, (?P. write (...), and \\1 for what the first one found.",
        ),
        (
            "cancellation_document_patterns: ['^C', 'C++']",
            "cancellation_document_patterns.1: the regular expression 'C++' cannot be used: Postgres has no"
            " possessive counts, + after another one. leave it out, or write \\+ for the sign.",
        ),
    ],
)
def test_a_wrong_value_is_said_in_our_own_words(tmp_path: Path, text: str, sentence: str):
    file = _file(tmp_path, f"{MINIMAL}{text}\n")
    with pytest.raises(PermanentError) as caught:
        load_tenant(file)
    assert str(caught.value).startswith(f"tenant file {file}, ") and sentence in str(caught.value)
    assert not str(caught.value).endswith("?.")


def test_a_wrong_tenant_id_is_told_its_form_and_that_the_file_has_its_name(tmp_path: Path):
    file = _file(tmp_path, "tenant_id: a\nname: A\n", "a.yaml")
    with pytest.raises(PermanentError) as caught:
        load_tenant(file)
    assert str(caught.value).endswith(
        "tenant_id: has to be 2 to 39 lower-case letters, digits and hyphens, the first a letter, not 'a'. "
        "correct it, and name the file like it."
    )


def test_a_dataset_or_feed_of_which_nothing_is_said_has_its_defaults(tmp_path: Path):
    bare = load_tenant(_file(tmp_path, MINIMAL + "datasets:\n  sales:\n    # sheets: all\nfeeds: {stock: }\n"))
    assert bare == load_tenant(_file(tmp_path, MINIMAL + "datasets: {sales: {}}\nfeeds: {stock: {}}\n"))


def test_a_whole_number_in_quotation_marks_is_that_number(tmp_path: Path):
    assert load_tenant(_file(tmp_path, MINIMAL + "item_codes: {pad_to: '6'}\n")).item_codes.pad_to == 6


def test_exchange_rates_are_exact_and_the_own_currency_may_stand_among_them_as_one(tmp_path: Path):
    tenant = load_tenant(_file(tmp_path, MINIMAL + "exchange_rates: {USD: 0.7851, JPY: '0.00505', EUR: 1}\n"))
    assert {code: str(rate) for code, rate in tenant.exchange_rates.items()} == {
        "USD": "0.7851",
        "JPY": "0.00505",
        "EUR": "1",
    }


def test_an_unknown_tenant_is_told_those_there_are(tmp_path: Path):
    _file(tmp_path, MINIMAL)
    with pytest.raises(PermanentError, match=r"known: shop"):
        get_tenant(tmp_path, "shpo")


def test_tenants_come_in_the_order_of_their_ids(tmp_path: Path):
    _file(tmp_path, "tenant_id: shop-b\nname: B\n", "shop-b.yaml")
    _file(tmp_path, MINIMAL)
    assert list(load_tenants(tmp_path)) == ["shop", "shop-b"]
    assert load_tenants(tmp_path / "absent") == {}


def test_the_version_of_a_configuration_follows_its_content_and_not_its_spelling():
    one = TenantConfig(tenant_id="shop", name="A shop")
    same = TenantConfig.model_validate({"name": "A shop", "tenant_id": "shop", "currency": "EUR"})
    other = TenantConfig(tenant_id="shop", name="A shop", currency="GBP")
    assert one.config_version == same.config_version != other.config_version
    assert len(one.config_version) == 12


def test_a_setting_close_to_a_known_one_is_suggested(fresh_settings: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INVENTRA_PORTAL_PROT", "3001")
    with pytest.raises(PermanentError, match="did you mean INVENTRA_PORTAL_PORT"):
        get_settings()


def test_a_settings_file_gives_defaults_that_the_environment_overrides(
    fresh_settings: Path, monkeypatch: pytest.MonkeyPatch
):
    fresh_settings.mkdir(parents=True)
    (fresh_settings / "settings.env").write_text("INVENTRA_FIRST_DAY=2020-01-01\nINVENTRA_WORKERS=3\n")
    monkeypatch.setenv("INVENTRA_WORKERS", "5")
    settings = get_settings()
    assert str(settings.first_day) == "2020-01-01" and settings.workers == 5


@pytest.mark.parametrize("line", ["INVENTRA_PORTAL_SECRET=abc", "DATABASE_URL=postgresql://x", "INVENTRA_X=1"])
def test_a_secret_or_an_unknown_name_in_the_settings_file_is_refused(fresh_settings: Path, line: str):
    fresh_settings.mkdir(parents=True)
    (fresh_settings / "settings.env").write_text(line + "\n")
    with pytest.raises(PermanentError, match=r"settings\.env"):
        get_settings()


def test_a_printed_settings_object_shows_no_secret():
    settings = Settings(portal_secret="hidden", DATABASE_URL="postgresql://u:hidden@h/d")  # type: ignore[arg-type]
    assert "hidden" not in repr(settings)


def test_an_error_is_its_message_and_its_remedy():
    assert str(InventraError("x is wrong.", "do y")) == "x is wrong. do y."
    assert str(InventraError("x is wrong")) == "x is wrong."


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{urgent_cover_days: 200}", "urgent_cover_days 200 has to be less than overstocked_cover_days 180"),
        ("{life_cycle: {dormant_weeks: 60}}", "dormant_weeks 60 is more than obsolete_weeks 52"),
        ("{fiscal_year_begins_in: 13}", "fiscal_year_begins_in"),
        ("{holidays: {2024-12-25: 25}}", "holidays"),
        ("{dead_days: 30}", "did you mean dead_after_days?"),
    ],
)
def test_thresholds_of_key_figures_have_an_order_and_a_range(tmp_path: Path, settings: str, words: str):
    path = tmp_path / "shop.yaml"
    path.write_text(f"tenant_id: shop\nname: Shop\nanalytics: {settings}\n")
    with pytest.raises(PermanentError) as failure:
        load_tenant(path)
    assert words in str(failure.value)
