"""What a tenant decides for itself, as strict models: an unknown key or a wrong value is an error.

Belongs here: the shape and defaults of a tenant's configuration and the hash that names a version of it. Reading the
YAML files is `tenants.py`.
"""

import hashlib
import json
import math
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from inventra_pipelines.domain.forecast.methods.method_names import METHOD_NAMES, what_is_wrong_with
from inventra_pipelines.domain.patterns import pattern_fault
from inventra_pipelines.domain.setting_errors import WrongValueError

Dataset = Literal[
    "sales",
    "stock",
    "items",
    "suppliers",
    "purchase_orders",
    "item_aliases",
    "boms",
    "work_orders",
    "supply_plans",
    "demand_adjustments",
    "promotions",
]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


# Units in one unit of measure or alias: a tonne in grams. What is more is no factor, and no sum would hold it.
MOST_UNITS = 1_000_000
# Of the tenant's currency for one unit of another, or the other way round: the smallest unit there is for the largest.
_MOST_MONEY = 100_000_000

_CURRENCY = r"^[A-Z]{3}$"
_CURRENCY_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CNY": "¥", "INR": "₹", "PLN": "zł", "SEK": "kr"}


def currency_signs(currency: str) -> tuple[str, ...]:
    """How an amount of a currency may be marked: by its ISO code, and by its sign where that is no other's."""
    sign = _CURRENCY_SIGNS.get(currency)
    return (currency, sign) if sign else (currency,)


def unknown_rate(currency: str, file: str) -> str:
    """What to do about prices in a currency that a tenant, whose settings stand in a file, has no exchange rate of."""
    if re.fullmatch(_CURRENCY, currency):
        return f"declare exchange_rates: {currency} in {file}"
    return "that is no ISO code; correct it in the source, or map no currency where it has none"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/London") from None
    return name


def _as_postgres_reads_it(pattern: str) -> str:
    fault = pattern_fault(pattern)
    if fault:
        problem, remedy = fault
        raise WrongValueError(f"the regular expression {pattern!r} cannot be used: {problem}", remedy)
    return pattern


Pattern = Annotated[str, AfterValidator(_as_postgres_reads_it)]


class _Strict(BaseModel):
    # Whoever reads a file needs one of the models only.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class FileMapping(_Strict):
    """How the files of one dataset are to be read.

    Attributes:
        columns: Contract column -> header in the file, or several headers whose texts are joined by a space (a date and
            a time). A contract column that is not named here maps by its own name and the contract's aliases.
        constants: Contract column -> text, for columns that the file does not have.
        sheets: Names or patterns (`2024-*`) of the sheets to read, or all visible ones.
        header_row: The row of the headers, from 1; found where it is not set.
        header_rows: Rows that the headers span; found where it is not set.
        footer_rows: Rows at the bottom that are no data.
        delimiter: What parts the fields of a text file; found where it is not set. May end in a space.
        quote_char: What encloses a field of a text file.
        escape_char: What stands before a quotation mark inside a field, where it is not written twice.
        encoding: Of text files that are not UTF-8.
        date_formats: Tried in their order; `excel` and `excel-1904` are serial numbers of days.
        time_zone: Of the file's clock times, where it is not the tenant's.
        decimal_mark: Point or comma.
        thousands_mark: What parts groups of three digits; without it only unambiguous groups are read.
        currency_signs: Signs that may stand beside an amount of money; the tenant's currency's where it is not set.
        null_values: Texts that mean nothing.
        integer_codes: Code columns that a tool wrote as floats: `17850.0` becomes `17850`.
        pad_codes: Code column -> length that a spreadsheet's lost leading zeros are restored to.
    """

    columns: dict[str, str | list[str]] = {}
    constants: dict[str, str] = {}
    sheets: Annotated[list[str], Field(min_length=1)] | Literal["all"] = "all"
    header_row: int | None = Field(default=None, ge=1)
    header_rows: int | None = Field(default=None, ge=1, le=5)
    footer_rows: int = Field(default=0, ge=0, le=1000)
    delimiter: Annotated[str, Field(pattern=r"(?s)^. ?$")] | None = None
    quote_char: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    escape_char: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None
    date_formats: Annotated[list[str], Field(min_length=1)] = [
        "%Y-%m-%d",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
    ]
    time_zone: Annotated[str, AfterValidator(_known_zone)] | None = None
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal[",", ".", " ", "'"] | None = None
    currency_signs: list[str] | None = None
    null_values: list[str] = []
    integer_codes: list[str] = []
    pad_codes: dict[str, Annotated[int, Field(ge=1, le=40)]] = {}

    @model_validator(mode="after")
    def _marks_differ(self) -> "FileMapping":
        if self.thousands_mark == self.decimal_mark:
            raise ValueError(f"thousands_mark and decimal_mark are both {self.decimal_mark!r}")
        both = sorted(self.columns.keys() & self.constants.keys())
        if both:
            raise ValueError(f"{', '.join(both)}: a column of the file and a constant; keep one of the two")
        return self


class CodePattern(_Strict):
    """A rule for codes: what matches the regular expression is replaced (`\\1` is its first group)."""

    match: Pattern
    replace: str


class ItemCodes(_Strict):
    """How item codes are made one, in this order: patterns, case, zero-padding where leading zeros were lost."""

    patterns: list[CodePattern] = []
    case: Literal["upper", "keep"] = "upper"
    pad_to: int | None = Field(default=None, ge=1, le=40)


DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy", "new", "dormant"]


class ForecastConfig(_Strict):
    """Weekly forecasting.

    Attributes:
        horizon_weeks: Weeks ahead.
        season_weeks: Season in weeks.
        backtest_windows: Origins of the trial that methods are chosen by.
        history_weeks: Most weeks that are looked at.
        active_weeks: An item without a sale in as many weeks is dormant, and expected to stay so.
        period: What series are modelled by: day, week, month (four weeks), or each by how often it sells. Forecasts are
            by week whatever it is.
        methods: Method by demand class, for who wants no trial: a name or several joined by `+`.
        fill_stock_outs: Whether weeks without stock are filled with usual demand.
        damp_one_offs: Whether orders out of all proportion are cut.
    """

    horizon_weeks: int = Field(default=8, ge=1, le=52)
    season_weeks: int = Field(default=52, ge=1, le=104)
    backtest_windows: int = Field(default=3, ge=1, le=12)
    history_weeks: int = Field(default=156, ge=8, le=520)
    active_weeks: int = Field(default=26, ge=1, le=104)
    period: Literal["day", "week", "month", "automatic"] = "week"
    methods: dict[DemandClass, str] = {}
    fill_stock_outs: bool = True
    damp_one_offs: bool = True

    @field_validator("methods")
    @classmethod
    def _are_known(cls, methods: dict[DemandClass, str]) -> dict[DemandClass, str]:
        for demand_class, method in methods.items():
            wrong = what_is_wrong_with(method)
            if wrong:
                raise WrongValueError(
                    f"methods.{demand_class}: {wrong}",
                    f"one of {', '.join(sorted(METHOD_NAMES))}, or several joined by +",
                )
        return methods

    @model_validator(mode="after")
    def _active_items_are_looked_at(self) -> "ForecastConfig":
        if self.active_weeks > self.history_weeks:
            raise ValueError(
                f"active_weeks {self.active_weeks} is more than history_weeks {self.history_weeks}: an item that sold"
                " before all that is looked at would be active"
            )
        return self


class PlanningConfig(_Strict):
    """Service level by ABC class (cycle service level), review period and defaults where an item has no own figures."""

    service_levels: dict[Literal["A", "B", "C"], Annotated[float, Field(gt=0, lt=1)]] = {
        "A": 0.98,
        "B": 0.95,
        "C": 0.90,
    }
    review_days: int = Field(default=7, ge=1, le=90)
    default_lead_time_days: int = Field(default=14, ge=0, le=365)
    excess_cover_days: int = Field(default=180, ge=7, le=3650)


class LifeCycle(_Strict):
    """When an item changes from one stage of its life to the next: weeks since its first or last sale, and growth.

    Growth compares the later half of the last 26 weeks with the earlier one, as a share of it.
    """

    new_weeks: int = Field(default=8, ge=1, le=104)
    dormant_weeks: int = Field(default=26, ge=1, le=260)
    obsolete_weeks: int = Field(default=52, ge=1, le=520)
    growth_share: float = Field(default=0.25, gt=0, le=10)


class AnalyticsConfig(_Strict):
    """Thresholds of the key figures, and the calendar of the business.

    Attributes:
        urgent_cover_days: Days of cover below which stock is urgent.
        overstocked_cover_days: Days of cover above which it is overstocked.
        dead_after_days: Days without a sale after which stock on hand is dead.
        carrying_cost_rate: Cost of holding stock for a year, as a share of its value.
        trend_share: Change of a period's later half against its earlier one that counts as a rise or a fall.
        on_time_days: Days after the expected one on which an order line still is on time.
        lead_time_days: Days of receipts that lead times are learned from.
        fiscal_year_begins_in: Month, 1 to 12; a fiscal year has the number of the calendar year in which it ends.
        holidays: Name by day.
        life_cycle: When an item is new, growing, declining, dormant and obsolete.
        least_quality_score: Score of a dataset as of a run's last day below which the run ends after the key figures,
            without forecasts, proposals, alerts and reports of its days; nothing waits for a score where it is not set.
    """

    urgent_cover_days: int = Field(default=7, ge=1, le=365)
    overstocked_cover_days: int = Field(default=180, ge=7, le=3650)
    dead_after_days: int = Field(default=90, ge=7, le=3650)
    carrying_cost_rate: float = Field(default=0.25, ge=0, le=5)
    trend_share: float = Field(default=0.10, gt=0, le=1)
    on_time_days: int = Field(default=0, ge=0, le=90)
    lead_time_days: int = Field(default=365, ge=30, le=3650)
    fiscal_year_begins_in: int = Field(default=1, ge=1, le=12)
    holidays: dict[date, str] = {}
    life_cycle: LifeCycle = Field(default_factory=LifeCycle)
    least_quality_score: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _days_rise(self) -> "AnalyticsConfig":
        if self.urgent_cover_days >= self.overstocked_cover_days:
            raise ValueError(
                f"urgent_cover_days {self.urgent_cover_days} has to be less than overstocked_cover_days"
                f" {self.overstocked_cover_days}"
            )
        if self.life_cycle.dormant_weeks > self.life_cycle.obsolete_weeks:
            raise ValueError(
                f"life_cycle.dormant_weeks {self.life_cycle.dormant_weeks} is more than obsolete_weeks"
                f" {self.life_cycle.obsolete_weeks}"
            )
        return self


class AlertConfig(_Strict):
    """Thresholds of the alert rules; z is in robust standard deviations."""

    anomaly_z: float = Field(default=3.0, gt=0)
    thin_feed_share: float = Field(default=0.3, ge=0, le=1)
    rejected_share: float = Field(default=0.02, ge=0, le=1)
    stale_after_days: int = Field(default=3, ge=1, le=90)


class Feed(_Strict):
    """When a dataset's files are expected to land, and how few rows are too few.

    No weekdays means on demand, and its absence is no alert. A day's files are held, and what was loaded before stays,
    where they have fewer rows than `least_rows`, than `least_share` of what the same weekday usually has, or than
    `least_share` of what they would replace; 0 turns either off.
    """

    weekdays: list[Weekday] = list(WEEKDAYS)
    least_share: float = Field(default=0.1, ge=0, le=1)
    least_rows: int = Field(default=0, ge=0)


class Notifications(_Strict):
    """Who is told: e-mail addresses, used only where SMTP is configured; otherwise messages go to the outbox folder."""

    emails: list[str] = []


class TenantConfig(_Strict):
    """One tenant, as its YAML file says."""

    tenant_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,38}$")]
    name: str
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    currency: Annotated[str, Field(pattern=_CURRENCY)] = "EUR"
    nightly_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "02:00"
    datasets: dict[Dataset, FileMapping] = {}
    feeds: dict[Dataset, Feed] = {}
    item_codes: ItemCodes = Field(default_factory=ItemCodes)
    service_item_patterns: list[Pattern] = []
    cancellation_document_patterns: list[Pattern] = []
    cancellation_window_days: int = Field(default=30, ge=0, le=90)
    repeated_lines: Literal["sale", "duplicate"] = "sale"
    document_numbers: Literal["lasting", "daily"] = "lasting"
    unit_factors: dict[str, Annotated[Decimal, Field(ge=Decimal("0.00000001"), le=MOST_UNITS)]] = {}
    exchange_rates: dict[str, Annotated[Decimal, Field(ge=Decimal("0.00000001"), le=_MOST_MONEY)]] = {}
    is_stock_simulated: bool = False
    abc_thresholds: tuple[float, float] = (0.80, 0.95)
    xyz_thresholds: tuple[float, float] = (0.5, 1.0)
    analytics: AnalyticsConfig = Field(default_factory=AnalyticsConfig)
    forecast: ForecastConfig = Field(default_factory=ForecastConfig)
    planning: PlanningConfig = Field(default_factory=PlanningConfig)
    alerts: AlertConfig = Field(default_factory=AlertConfig)
    notifications: Notifications = Field(default_factory=Notifications)

    @field_validator("datasets", "feeds", mode="before")
    @classmethod
    def _may_say_nothing(cls, parts: object) -> object:
        # A dataset of which all lines are comments, or none is written yet.
        return {name: {} if of is None else of for name, of in parts.items()} if isinstance(parts, dict) else parts

    @field_validator("unit_factors")
    @classmethod
    def _units_differ(cls, factors: dict[str, Decimal]) -> dict[str, Decimal]:
        names = [unit.strip().lower() for unit in factors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands more than once: units are read in either case")
        return factors

    @field_validator("exchange_rates")
    @classmethod
    def _are_currencies(cls, rates: dict[str, Decimal]) -> dict[str, Decimal]:
        for code in rates:
            if not re.fullmatch(_CURRENCY, code):
                raise WrongValueError(f"{code!r} is no code of a currency", "write three capital letters such as USD")
        return rates

    @model_validator(mode="after")
    def _own_currency_is_one(self) -> "TenantConfig":
        rate = self.exchange_rates.get(self.currency, Decimal(1))
        if rate != 1:
            raise WrongValueError(
                f"exchange_rates.{self.currency}: the tenant's own currency has the rate 1, not {rate}",
                f"remove it; a rate is what one unit of the other currency is worth in {self.currency}",
            )
        return self

    @model_validator(mode="after")
    def _thresholds_rise(self) -> "TenantConfig":
        for name in ("abc_thresholds", "xyz_thresholds"):
            low, high = getattr(self, name)
            if not 0 < low < high < math.inf:
                raise ValueError(f"{name}: {low} and {high} must be positive and rise")
        if self.abc_thresholds[1] > 1:
            raise ValueError(f"abc_thresholds: {self.abc_thresholds[1]} is more than all of the revenue, which is 1")
        return self

    def mapping(self, dataset: Dataset) -> FileMapping:
        """The dataset's mapping, or the default one, by contract names and aliases; zone and currency filled in."""
        mapping = self.datasets.get(dataset, FileMapping())
        signs = mapping.currency_signs
        return mapping.model_copy(
            update={
                "time_zone": mapping.time_zone or self.time_zone,
                "currency_signs": list(currency_signs(self.currency)) if signs is None else signs,
            }
        )

    @property
    def config_version(self) -> str:
        """First 12 hex digits of the SHA-256 of the configuration in canonical JSON."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]
