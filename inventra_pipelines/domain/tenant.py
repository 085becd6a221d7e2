"""What a tenant decides for itself, as strict models: an unknown key or a wrong value is an error.

Belongs here: the shape and defaults of a tenant's configuration and the hash that names a version of it. Reading the
YAML files is `tenants.py`.
"""

import hashlib
import json
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Dataset = Literal["sales", "stock", "items", "suppliers", "purchase_orders"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/London") from None
    return name


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileMapping(_Strict):
    """How the files of one dataset are to be read.

    `columns` maps contract column -> header in the file; a contract column that is not named here maps by its own name
    and the contract's aliases. `constants` fills contract columns that the file does not have. `integer_codes` names
    code columns that a tool wrote as floats: `17850.0` becomes `17850`.
    """

    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    sheets: list[str] | Literal["all"] = "all"
    header_row: int = Field(default=1, ge=1)
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None
    date_formats: list[str] = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
    decimal_mark: Literal[".", ","] = "."
    null_values: list[str] = []
    integer_codes: list[str] = []


class ItemCodes(_Strict):
    """How item codes are made one: case, and zero-padding where a spreadsheet ate leading zeros."""

    case: Literal["upper", "keep"] = "upper"
    pad_to: int | None = Field(default=None, ge=1, le=40)


class ForecastConfig(_Strict):
    """Weekly forecasting: horizon and season in weeks, backtest windows, and when an item counts as active."""

    horizon_weeks: int = Field(default=8, ge=1, le=52)
    season_weeks: int = Field(default=52, ge=1, le=104)
    backtest_windows: int = Field(default=3, ge=1, le=12)
    history_weeks: int = Field(default=156, ge=8, le=520)
    active_weeks: int = Field(default=26, ge=1, le=104)


class PlanningConfig(_Strict):
    """Service level by ABC class (cycle service level), review period and defaults where an item has no own figures."""

    service_levels: dict[Literal["A", "B", "C"], float] = {"A": 0.98, "B": 0.95, "C": 0.90}
    review_days: int = Field(default=7, ge=1, le=90)
    default_lead_time_days: int = Field(default=14, ge=0, le=365)
    excess_cover_days: int = Field(default=180, ge=7, le=3650)


class AlertConfig(_Strict):
    """Thresholds of the alert rules; z is in robust standard deviations."""

    anomaly_z: float = Field(default=3.0, gt=0)
    thin_feed_share: float = Field(default=0.3, ge=0, le=1)
    rejected_share: float = Field(default=0.02, ge=0, le=1)
    stale_after_days: int = Field(default=3, ge=1, le=90)


class Feed(_Strict):
    """When a dataset's files are expected to land; no weekdays means on demand, and its absence is no alert."""

    weekdays: list[Weekday] = list(WEEKDAYS)


class Notifications(_Strict):
    """Who is told: e-mail addresses, used only where SMTP is configured; otherwise messages go to the outbox folder."""

    emails: list[str] = []


class TenantConfig(_Strict):
    """One tenant, as its YAML file says."""

    tenant_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,38}$")]
    name: str
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    nightly_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "02:00"
    datasets: dict[Dataset, FileMapping] = {}
    feeds: dict[Dataset, Feed] = {}
    item_codes: ItemCodes = ItemCodes()
    service_item_patterns: list[Pattern] = []
    cancellation_document_patterns: list[Pattern] = []
    is_stock_simulated: bool = False
    abc_thresholds: tuple[float, float] = (0.80, 0.95)
    xyz_thresholds: tuple[float, float] = (0.5, 1.0)
    forecast: ForecastConfig = ForecastConfig()
    planning: PlanningConfig = PlanningConfig()
    alerts: AlertConfig = AlertConfig()
    notifications: Notifications = Notifications()

    @model_validator(mode="after")
    def _thresholds_rise(self) -> "TenantConfig":
        for name in ("abc_thresholds", "xyz_thresholds"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"{name}: {low} and {high} must be positive and rise")
        return self

    def mapping(self, dataset: Dataset) -> FileMapping:
        """The dataset's mapping, or the default one, by contract names and aliases."""
        return self.datasets.get(dataset, FileMapping())

    @property
    def config_version(self) -> str:
        """First 12 hex digits of the SHA-256 of the configuration in canonical JSON."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]
