import pytest

from inventra_pipelines.domain.reports import figures, fonts
from inventra_pipelines.domain.reports.charts import ticks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.4, "1,234,567"),
        (-1234, "−1,234"),
        (-0.2, "0"),
        (0, "0"),
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_numbers_have_separators_and_a_mark_for_none(value: float | None, text: str) -> None:
    assert figures.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(999, "999"), (1200, "1.2k"), (45000, "45k"), (1.25e6, "1.2M"), (-2500, "−2.5k"), (0.5, "0.5")]
)
def test_axis_numbers_are_short(value: float, text: str) -> None:
    assert figures.short_number(value) == text


def test_money_puts_the_sign_before_the_symbol() -> None:
    assert figures.money("GBP", 2)(-1234.5) == "−£1,234.50"
    assert figures.money("PLN")(3) == "PLN 3"


@pytest.mark.parametrize(("value", "text"), [(0.154, "+15.4 %"), (-0.031, "−3.1 %"), (0.0, "0.0 %"), (None, "–")])
def test_changes_carry_their_sign(value: float | None, text: str) -> None:
    assert figures.signed_percent(value) == text


def test_a_text_is_cut_to_its_width_and_never_wider() -> None:
    fonts.register()
    name = "Wooden frame antique white finish"
    cut = figures.fit(name, fonts.REGULAR, 7, 60)
    assert cut.endswith("…")
    assert figures.stringWidth(cut, fonts.REGULAR, 7) <= 60
    assert figures.fit(name, fonts.REGULAR, 7, 500) == name


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 7), (0, 115_000), (-30, 20), (0, 1e-6), (0, 0)])
def test_ticks_span_the_values_in_a_few_round_steps(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= 8
    assert found == sorted(set(found))
