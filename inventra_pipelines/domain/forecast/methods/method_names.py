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


def what_is_wrong_with(method: str) -> str | None:
    """Why a text is not the name of a method, one or several joined by `+`; None where it is."""
    members = method.split("+")
    for name in members:
        if name not in METHOD_NAMES:
            meant = {known.lower(): known for known in METHOD_NAMES}.get(name.strip().lower())
            return f"{name!r} is no method" + (f", did you mean {meant!r}?" if meant else "")
    twice = next((name for name in members if members.count(name) > 1), None)
    return f"{twice!r} stands twice" if twice else None
