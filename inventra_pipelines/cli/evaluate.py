"""`inventra evaluate`: how good forecasts of a file's demand would have been.

Belongs here: the command, from a file to a page. It needs no tenant and no database; the file is read as ingest reads
sales, by `sources/reader/demand.py`, and what is printed is `evaluate_words.py`.
"""

import datetime
import json
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from inventra_pipelines.cli.console import err, out
from inventra_pipelines.cli.mapping import check_file
from inventra_pipelines.cli.steps import Steps, steps
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.reader.process import Question, Reader

if TYPE_CHECKING:
    from inventra_pipelines.domain.forecast.demand.periods import Frequency
    from inventra_pipelines.domain.reports.evaluation_model import Evaluation

# More of them hardly shorten what takes a minute.
_MOST_WORKERS = 8
_LONGEST_HORIZON = 400


def evaluate(
    file: Annotated[Path, typer.Argument(help="A long table of item, date and quantity: CSV, workbook or parquet.")],
    freq: Annotated[str, typer.Option("--freq", help="D, W, W-SUN, M, Q or Y: what demand is summed by.")] = "W",
    horizon: Annotated[
        int | None, typer.Option("--horizon", help="Periods ahead; by default 28 D, 8 W, 12 M, 4 Q, 4 Y.")
    ] = None,
    season: Annotated[
        int | None, typer.Option("--season", help="Periods of a season, 1 for none; by default 7 D, 52 W, 12 M, 4 Q.")
    ] = None,
    origins: Annotated[int, typer.Option("--origins", min=1, max=12, help="Most past days to forecast from.")] = 4,
    id_header: Annotated[
        list[str] | None, typer.Option("--id", help="Header of the item; several times for item and shop.")
    ] = None,
    date_header: Annotated[str | None, typer.Option("--date", help="Header of the date.")] = None,
    quantity_header: Annotated[str | None, typer.Option("--quantity", help="Header of the units sold.")] = None,
    date_format: Annotated[
        list[str] | None, typer.Option("--date-format", help="How dates are written, such as %d/%m/%Y.")
    ] = None,
    decimal_mark: Annotated[str | None, typer.Option("--decimal-mark", help="What parts decimals: . or ,")] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave rows out that hold no demand, and say how many.")
    ] = False,
    most_series: Annotated[
        int | None, typer.Option("--most-series", min=1, help="Series to evaluate; as many as take a few minutes.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--out", help="The page; by default <file>_evaluation.pdf in this folder.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Processes; by default one per core, at most 8.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON, for programs.")] = False,
) -> None:
    """Say how good forecasts of a file's demand would be; needs no tenant and no database.

    Forecasts are made at past origins as every night makes them, with what was known there, and held against what came.
    """
    check_file(file)
    target = _target(pdf, file)
    mapping = _mapping(id_header, date_header, quantity_header, date_format, decimal_mark)
    # What forecasting needs takes a second to import, and a wrong option is told before.
    from inventra_pipelines.domain.forecast.demand.periods import frequency_of

    frequency = frequency_of(freq)
    horizon = frequency.horizon if horizon is None else horizon
    season = frequency.season if season is None else season
    _check_periods(horizon, season, frequency)
    with steps(err if as_json else out) as shown:
        shown.begin("reading")
        demand, told = _read_demand(file, mapping, skip_bad_rows)
        shown.end(f"{counted(demand.height, 'row')}, {told['series']:,} series")
        count = workers or min(len(os.sched_getaffinity(0)), _MOST_WORKERS)
        evaluation, page = _evaluate(
            file.name,
            demand,
            _notes(told, demand),
            frequency,
            horizon=horizon,
            season=season,
            origins=origins,
            most_series=most_series,
            workers=count,
            shown=shown,
        )
    from inventra_pipelines.cli.evaluate_words import print_evaluation

    # The figures took minutes, and are there where the page cannot be written.
    if as_json:
        typer.echo(json.dumps(evaluation.as_dict() | {"pdf": str(target)}))
    else:
        print_evaluation(evaluation)
    _write(target, page)
    if not as_json:
        out.print()
        out.print(str(target), markup=False)


def _target(pdf: Path | None, file: Path) -> Path:
    """Where the page goes, found out before anything is computed."""
    name = file.name
    while Path(name).suffix.lower() in (".gz", ".zip", ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".parquet"):
        name = Path(name).stem
    target = (pdf or Path(f"{name or file.name}_evaluation.pdf")).absolute()
    if target.is_dir() or not target.parent.is_dir():
        what = "is a folder" if target.is_dir() else "lies in a folder that is not there"
        raise PermanentError(f"--out {target} {what}", "name a file in a folder that is there")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise PermanentError(f"{target} may not be written", "name another place with --out")
    return target


def _mapping(
    ids: list[str] | None,
    day: str | None,
    quantity: str | None,
    date_formats: list[str] | None,
    decimal_mark: str | None,
) -> FileMapping:
    columns: dict[str, str | list[str]] = {}
    if ids:
        columns["item_code"] = ids[0] if len(ids) == 1 else ids
    columns |= {name: header for name, header in (("sold_at", day), ("quantity", quantity)) if header}
    settings: dict[str, Any] = {"columns": columns} if columns else {}
    if date_formats:
        settings["date_formats"] = date_formats
    if decimal_mark is not None:
        if decimal_mark not in (".", ","):
            raise PermanentError(f"--decimal-mark {decimal_mark} is no mark of decimals", "say . or ,")
        settings["decimal_mark"] = decimal_mark
    return FileMapping.model_validate(settings)


def _check_periods(horizon: int, season: int, frequency: "Frequency") -> None:
    if not 1 <= horizon <= _LONGEST_HORIZON:
        raise PermanentError(
            f"--horizon {horizon} is no number of {frequency.noun}s to forecast", f"say 1 to {_LONGEST_HORIZON}"
        )
    if not 1 <= season <= frequency.history:
        raise PermanentError(
            f"--season {season} is no season of {frequency.noun}s",
            f"say 1 to {frequency.history}, 1 for none, {frequency.season} by default",
        )


def _read_demand(file: Path, mapping: FileMapping, skips_bad_rows: bool) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The file's rows as series_id, day and quantity, and what was found out about it."""
    pieces: list[pl.DataFrame] = []
    told: dict[str, Any] = {}
    names = pl.Series(dtype=pl.String)
    question = Question("demand", file, file.name, mapping, details={"skips_bad_rows": skips_bad_rows})
    with Reader() as reader:
        for piece, block in reader.ask(question):
            frame = pl.read_ipc(BytesIO(block))
            if piece["kind_of_piece"] == "rows":
                pieces.append(frame)
            else:
                told, names = piece, frame["series_id"]
    if not any(piece.height for piece in pieces):
        raise PermanentError(f"{file.name} has no rows of demand below its headers", "take a file that has some")
    ordered = names.sort()
    listed = names.cast(pl.Enum(ordered))
    rows = pl.concat(pieces).select(pl.lit(listed).gather(pl.col("place")).alias("series_id"), "day", "quantity")
    return rows, told | {"series": len(names)}


def _notes(told: dict[str, Any], demand: pl.DataFrame) -> list[str]:
    headers = told["columns"]
    notes = [f"item is {headers['item_code']!r}, date {headers['sold_at']!r}, quantity {headers['quantity']!r}"]
    notes += told["remarks"]
    if told["skipped"]:
        notes.append(f"{counted(told['skipped'], 'row')} left out: they hold no demand")
    ahead = demand.filter(pl.col("day") > datetime.date.today()).height
    if ahead:
        notes.append(f"{counted(ahead, 'row')} of days that have not come; leave them out if they are no sales")
    return notes


def _evaluate(
    file_name: str,
    demand: pl.DataFrame,
    notes: list[str],
    frequency: "Frequency",
    *,
    horizon: int,
    season: int,
    origins: int,
    most_series: int | None,
    workers: int,
    shown: Steps,
) -> tuple["Evaluation", bytes]:
    from inventra_pipelines.domain.forecast.demand.periods import demand_by_period
    from inventra_pipelines.domain.forecast.evaluation.plan import plan_evaluation
    from inventra_pipelines.domain.forecast.evaluation.rolling_origin import CountedWork, evaluate_panel
    from inventra_pipelines.domain.forecast.evaluation.scores import score
    from inventra_pipelines.domain.forecast.selection.trial import Shape
    from inventra_pipelines.domain.reports.evaluation_model import evaluation_of
    from inventra_pipelines.domain.reports.evaluation_page import render_evaluation
    from inventra_pipelines.resources.spawned import Workers

    shown.begin("summing")
    most_periods = frequency.history + origins * horizon
    by_period = demand_by_period(demand, frequency, season=season, horizon=horizon, most_periods=most_periods)
    shape = Shape(horizon, season, 3, frequency.active_periods, {})
    plan = plan_evaluation(by_period.panel, shape, origins=origins, history=frequency.history, most_series=most_series)
    shown.end(f"{counted(by_period.panel.periods, frequency.noun)}, {counted(len(plan.offsets), 'origin')}")
    forecasts = evaluate_panel(
        by_period.panel,
        plan,
        shape,
        CountedWork(Workers(workers).map, shown.tell),
        history=frequency.history,
        report=shown.begin,
    )
    shown.begin("drawing")
    evaluation = evaluation_of(
        file_name, by_period, plan, forecasts, score(forecasts), horizon=horizon, season=season, notes=notes
    )
    return evaluation, render_evaluation(evaluation)


def _write(target: Path, page: bytes) -> None:
    try:
        target.write_bytes(page)
    except OSError as error:
        raise PermanentError(f"{target} cannot be written: {error.strerror}", "name another place with --out") from None
