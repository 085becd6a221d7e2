"""`inventra ingest`: one file into a tenant's landing zone and through to analytics, or only a look at it.

Belongs here: the command. Reading is `sources/`, the batch semantics are those of any landed file, the words of a dry
run are `look_words.py`.
"""

import datetime
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from inventra_pipelines.cli.batch_words import is_held, print_outcome
from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.look_words import print_look, print_suggestion
from inventra_pipelines.cli.mapping import check_file, mapping_yaml, stated_settings
from inventra_pipelines.cli.runs import TenantOption, execute, parse_day, whole_day
from inventra_pipelines.cli.standing import Landing, landed_name, standing_of
from inventra_pipelines.cli.tables import say, title
from inventra_pipelines.db.batches import read_batches
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.normalized import not_counted
from inventra_pipelines.domain.ingest.batches import Batch
from inventra_pipelines.domain.tenant import Dataset, TenantConfig
from inventra_pipelines.errors import InventraError, PermanentError
from inventra_pipelines.settings import Settings, get_settings
from inventra_pipelines.sources.reader.look import FileLook
from inventra_pipelines.sources.reader.process import Question, Reader
from inventra_pipelines.sources.reader.suggest import Suggestion
from inventra_pipelines.tenants import get_tenant


def ingest(
    file: Annotated[Path, typer.Argument(help="CSV, workbook or parquet, also gzipped or in a zip.")],
    tenant: TenantOption,
    dataset: Annotated[Dataset, typer.Option("--dataset", help="What the file holds.")],
    date: Annotated[str | None, typer.Option("--date", help="Landing day; the calendar's last, or today.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read it and say what would happen; load nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: what was found as JSON.")] = False,
) -> None:
    """Land one file and load it, up to analytics."""
    check_file(file)
    settings = get_settings()
    config = get_tenant(settings.tenants_folder, tenant)
    day = parse_day(date, "--date") if date else settings.last_day or datetime.date.today()
    if dry_run:
        describe(file, settings, config, dataset, day, as_json=as_json)
        return
    if as_json:
        raise PermanentError("--json goes with --dry-run", "see `inventra batches list --json` for what was loaded")
    landed = _land(file, settings, config, dataset, day)
    with installation() as (opened, url):
        failure: InventraError | None = None
        try:
            execute(opened, "history", [tenant], day, day, whole_day(tenant, day))
        except InventraError as error:
            failure = error
        with connect(url, read_only=True) as connection:
            batch = _batch_of(connection, landed, config, dataset, day)
            is_normalized = batch is not None and dataset == "sales" and failure is None
            kinds = not_counted(connection, tenant, batch.batch_id) if batch and is_normalized else {}
        if batch is not None:
            print_outcome(batch, kinds)
    if failure is not None:
        raise failure
    if batch is not None and batch.state == "rejected":
        what = "held" if is_held(batch) else "refused"
        raise PermanentError(f"{batch.file_name} was {what}", "the line above says why and what to do")


def describe(
    file: Path, settings: Settings, config: TenantConfig, dataset: Dataset, day: datetime.date, *, as_json: bool = False
) -> None:
    """Read and check a file as ingest would, and print what would happen on a landing day.

    The database is asked where it is up.

    Raises:
        PermanentError: The file would be refused; all else has been printed.
    """
    details = {
        "stated": stated_settings(config, dataset),
        "day_zone": config.time_zone,
        "landed_on": day.isoformat(),
        "is_numbered_daily": config.document_numbers == "daily",
        "known_currencies": [config.currency, *config.exchange_rates],
    }
    look: FileLook | None = None
    suggestion: Suggestion | None = None
    with Reader() as reader:
        for told, _ in reader.ask(Question("look", file, file.name, config.mapping(dataset), dataset, details)):
            if "look" in told:
                look = FileLook.model_validate(told["look"])
            else:
                suggestion = Suggestion.model_validate(told["suggestion"])
    assert look is not None
    landing = Landing(file, landed_name(file, dataset), day, look.rows_read, look.rows_accepted)
    standing = None if look.refusal else standing_of(landing, settings, config, dataset)
    if as_json:
        text = mapping_yaml(suggestion) if suggestion else None
        found: dict[str, Any] = {
            "look": look.model_dump(mode="json"),
            "suggestion": None,
            "suggested_yaml": text,
            "standing": None,
        }
        if suggestion:
            found["suggestion"] = suggestion.model_dump(mode="json")
        if standing:
            found["standing"] = asdict(standing)
        typer.echo(json.dumps(found))
    else:
        print_look(look, config.tenant_id)
        if suggestion:
            print_suggestion(suggestion, look)
        if standing:
            title(f"As {landing.name} of {day}")
            say(standing.message, 2, 2)
        out.print()
        out.print("nothing was loaded", markup=False)
    if look.refusal:
        raise PermanentError(f"it would be refused: {look.refusal.message}", look.refusal.remedy)


def _land(file: Path, settings: Settings, config: TenantConfig, dataset: Dataset, day: datetime.date) -> Path:
    if "://" in settings.landing_root:
        raise PermanentError(
            f"the landing zone {settings.landing_root} is not a local folder", "upload the file to it and run the day"
        )
    name = landed_name(file, dataset)
    target = Path(settings.landing_root) / config.tenant_id / day.isoformat() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not (target.exists() and target.samefile(file)):
        # The reader passes over names that end in .part: it never sees half a file.
        draft = target.with_name(f".{name}.part")
        shutil.copyfile(file, draft)
        draft.replace(target)
    out.print(f"landed {target}", markup=False)
    return target


def _batch_of(
    connection: psycopg.Connection, landed: Path, config: TenantConfig, dataset: Dataset, day: datetime.date
) -> Batch | None:
    """The batch of a landed file's content, if one was recorded."""
    with landed.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    wanted = (dataset, day, landed.name, sha256)
    recorded = read_batches(connection, config.tenant_id)
    return next((batch for batch in recorded if (*batch.place, batch.sha256) == wanted), None)
