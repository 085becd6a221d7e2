"""What `inventra evaluate` prints: the answer, the methods, the demand classes, and what to know when reading them.

Belongs here: words and columns. The figures are `domain/forecast/evaluation/scores.py`.
"""

from inventra_pipelines.cli.console import out
from inventra_pipelines.cli.tables import print_table, say, title
from inventra_pipelines.domain.reports.evaluation_model import METHOD_WORDS, Evaluation
from inventra_pipelines.domain.words import counted

_METHOD_COLUMNS = ("method", "series", "RMSSE", "MASE", "MASE one-step", "WAPE", "bias")
_CLASS_COLUMNS = ("class", "forecast by", "series", "RMSSE", "WAPE", "naive WAPE", "in 80 % range", "up to q95", "CRPS")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print an evaluation."""
    noun, scores = evaluation.period, evaluation.scores
    origins = ", ".join(day.isoformat() for day in evaluation.origins)
    title(evaluation.headline)
    say(
        f"{evaluation.series_evaluated:,} of {evaluation.series:,} series, {counted(evaluation.periods, noun)} to "
        f"{evaluation.last_on}, forecast {counted(evaluation.horizon, noun)} ahead as of {origins}."
    )
    out.print()
    print_table(
        _METHOD_COLUMNS,
        (
            (
                METHOD_WORDS.get(of.method, of.method),
                f"{of.series:,}",
                _ratio(of.rmsse),
                _ratio(of.mase),
                _ratio(of.mase_one_step),
                _percent(of.wape),
                _percent(of.bias, is_signed=True),
            )
            for of in scores.methods
        ),
        right=_METHOD_COLUMNS[1:],
    )
    out.print()
    print_table(
        _CLASS_COLUMNS,
        (
            (
                of.demand_class,
                of.method,
                f"{of.series:,}",
                _ratio(of.rmsse),
                _percent(of.wape),
                _percent(of.naive_wape),
                _percent(of.coverage_80),
                _percent(of.coverage_95),
                _ratio(of.scaled_crps),
            )
            for of in scores.classes
        ),
        right=_CLASS_COLUMNS[2:],
    )
    out.print()
    say(
        f"Its 80 % ranges cover {_percent(scores.coverage_80)} of what came, {_percent(scores.coverage_95)} lies below "
        f"the 95 % quantile; scaled CRPS {_ratio(scores.scaled_crps)}. Its squared error is smaller than the seasonal "
        f"naive one on {_percent(scores.better_share)} of {scores.active_series:,} active series, the same on "
        f"{_percent(scores.equal_share)}. Forecast value added (WAPE): "
        f"{_percent(scores.forecast_value_added, is_signed=True)} points."
    )
    for of in scores.methods:
        if of.series < scores.engine.series:
            name = METHOD_WORDS.get(of.method, of.method)
            say(
                f"{name} was tried on {of.series:,} series; there Inventra's RMSSE is {_ratio(of.engine_rmsse)} and "
                f"its WAPE {_percent(of.engine_wape)}."
            )
    for note in evaluation.notes:
        say(f"- {note}", hanging=2)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None, *, is_signed: bool = False) -> str:
    if value is None:
        return "-"
    return f"{value:+.1%}" if is_signed else f"{value:.1%}"
