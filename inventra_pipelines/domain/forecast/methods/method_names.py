"""Names of the forecasting methods, for who has to know them without loading the libraries behind them.

Belongs here: names alone; `registry.py` has what they mean, and a test holds that it has the same.
"""

METHOD_NAMES = frozenset(
    {
        "ADIDA",
        "AutoARIMA",
        "AutoETS",
        "AutoTheta",
        "CES",
        "CategoryProfile",
        "CrostonSBA",
        "DOT",
        "HistoricAverage",
        "IMAPA",
        "LightGBM",
        "MFLES",
        "Naive",
        "Prophet",
        "SES",
        "SeasonalNaive",
        "TSB",
        "WindowAverage4",
        "WindowAverage8",
        "Zero",
    }
)


def unknown_members(method: str) -> list[str]:
    """What of a method's name, one or several joined by `+`, is no method."""
    return [name for name in method.split("+") if name not in METHOD_NAMES]
