"""`inventra mapping suggest`: what a tenant's file would have to say so that a file can be read.

Belongs here: the command, and a suggestion as YAML with its reasons as comments. How it is found is
`sources/reader/suggest.py`; it is pasted by a person and loads nothing by itself.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from inventra_pipelines.cli.console import out
from inventra_pipelines.cli.tables import print_table, say
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.tenant import Dataset, FileMapping, TenantConfig
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import get_settings
from inventra_pipelines.sources.reader.process import Question, Reader
from inventra_pipelines.sources.reader.suggest import DatasetFit, SettingGuess, Suggestion
from inventra_pipelines.tenants import get_tenant

app = typer.Typer(no_args_is_help=True)

# The order in which a person reads a mapping.
_ORDER = list(FileMapping.model_fields)
_PLAIN = re.compile(r"[^\W\d_][\w /.()%€$£+-]*")
_FITS_SHOWN = 4
_NOW = "as it is now"


@app.callback()
def _group() -> None:
    # A group of one command would lose its name without a callback.
    pass


@app.command("suggest")
def suggest(
    file: Annotated[Path, typer.Argument(help="A file as it will land: CSV, workbook or parquet, also packed.")],
    dataset: Annotated[Dataset | None, typer.Option("--dataset", help="What the file holds.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Start from this tenant's settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Write the settings that a file needs, as YAML for the tenant's file; without --dataset, which datasets fit."""
    check_file(file)
    config = get_tenant(get_settings().tenants_folder, tenant) if tenant else None
    with Reader() as reader:
        if dataset is None:
            answers = reader.ask(Question("suggest", file, file.name, FileMapping()))
            fits = [DatasetFit.model_validate(told["fit"]) for told, _ in answers]
            _print_fits(file, fits, as_json=as_json)
            return
        suggestion = _suggestion(reader, file, dataset, config)
    text = mapping_yaml(suggestion)
    if as_json:
        typer.echo(json.dumps({"suggestion": suggestion.model_dump(mode="json"), "yaml": text}))
        return
    for line in (*_introduction(file, suggestion, config), text, *_outcome(suggestion)):
        typer.echo(line)


def check_file(file: Path) -> None:
    """Refuse what is no file that may be read.

    Raises:
        PermanentError: It is not there, a folder, or may not be read.
    """
    if not file.is_file():
        raise PermanentError(f"there is no file {file}", "name one that is there")
    try:
        file.open("rb").close()
    except OSError as error:
        raise PermanentError(f"{file} cannot be read: {error.strerror}", "ask for permission to it") from None


def stated_settings(config: TenantConfig | None, dataset: Dataset) -> list[str]:
    """Names of the settings that a tenant's file states for a dataset."""
    mapping = config.datasets.get(dataset) if config else None
    return sorted(mapping.model_fields_set) if mapping else []


def _suggestion(reader: Reader, file: Path, dataset: Dataset, config: TenantConfig | None) -> Suggestion:
    mapping = config.mapping(dataset) if config else FileMapping()
    details = {"stated": stated_settings(config, dataset)}
    question = Question("suggest", file, file.name, mapping, dataset, details)
    (answer,) = (Suggestion.model_validate(told["suggestion"]) for told, _ in reader.ask(question))
    return answer


def _print_fits(file: Path, fits: list[DatasetFit], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([fit.model_dump() for fit in fits]))
        return
    best = [fit for fit in fits if fit.found][:_FITS_SHOWN]
    if not best:
        raise PermanentError(
            f"{file.name}: its headers fit no dataset", "name the dataset: add --dataset and the mapping by hand"
        )
    say(f"{file.name} may hold:")
    print_table(
        ("dataset", "required columns", "other columns", "missing", "a row is"),
        (
            (
                fit.dataset,
                f"{fit.found} of {fit.required}",
                fit.others,
                ", ".join(fit.missing) or "none",
                CONTRACTS[fit.dataset].description.split(";")[0].removeprefix("One row per ").rstrip("."),
            )
            for fit in best
        ),
    )
    out.print()
    say(f"Say which: inventra mapping suggest {file} --dataset {best[0].dataset}")


def _introduction(file: Path, suggestion: Suggestion, config: TenantConfig | None) -> list[str]:
    where = f"tenants/{config.tenant_id}.yaml" if config else "the tenant's YAML file"
    return [
        f"# Suggested for {suggestion.dataset} by {file.name}. Look it over, then put it into {where};",
        "# where that has a line `datasets:` already, put the rest below it, in place of what it says of "
        f"{suggestion.dataset}.",
    ]


def _outcome(suggestion: Suggestion) -> list[str]:
    look = suggestion.look
    lines = [f"# left out: {_on_one_line(fault)}" for fault in suggestion.left_out]
    lines += [f"# not used: {_on_one_line(', '.join(suggestion.unused))}"] if suggestion.unused else []
    if look.refusal:
        return [*lines, f"# Even so the file would be refused: {_on_one_line(look.refusal.message)}."]
    lines.append(
        f"# With it {look.rows_accepted:,} of {counted(look.rows_read, 'row')} of this file would load, "
        f"{look.rows_rejected:,} would be rejected."
    )
    return lines + [
        f"#   {kind.rows:,} {kind.column or 'whole row'}: {_on_one_line(kind.message)}" for kind in look.rejects[:5]
    ]


def mapping_yaml(suggestion: Suggestion) -> str:
    """A suggestion as YAML that the tenant's file takes, with why beside each line.

    What the file does not decide, and columns that only perhaps are what they seem, stand in comments. Each of them is
    YAML beside the rest once its # is taken away: no key would stand twice, and none beside an empty mapping.
    """
    settings = {name: (value, _NOW) for name, value in suggestion.stated.items()}
    settings |= {of.name: (of.value, of.why) for of in suggestion.settings if of.is_sure}
    asked = [of for of in suggestion.settings if not of.is_sure]
    lines = _column_lines(suggestion)
    for name in sorted(settings.keys() - {"columns", "constants"}, key=_ORDER.index):
        value, why = settings[name]
        further = [of for of in asked if of.name == name]
        lines += _list_lines(name, value, why, further) if further else [(f"    {name}: {_written(value)}", why)]
    alone = [of for of in asked if of.name not in settings]
    if alone:
        lines.append(("    # The file does not tell; take the # away from each line whose 'if' is right:", ""))
        lines += [(f"    # {of.name}: {_written(of.value)}", of.why) for of in alone]
    lines += _constant_lines(suggestion)
    head = [("datasets:", ""), (f"  {suggestion.dataset}:{'' if lines else ' {}'}", "")]
    width = max((len(text) for text, why in lines if why), default=0)
    return "\n".join(f"{text:<{width}}  # {_on_one_line(why)}" if why else text for text, why in [*head, *lines])


def _column_lines(suggestion: Suggestion) -> list[tuple[str, str]]:
    stated = suggestion.stated.get("columns", {})
    guesses = {of.column: of.headers[0] if len(of.headers) == 1 else of.headers for of in suggestion.columns}
    if not guesses and not stated:
        return []
    if not stated and not any(of.is_taken for of in suggestion.columns):
        why = "; ".join(f"{of.column} {of.how_sure}: {of.why}" for of in suggestion.columns)
        return [(f"    # columns: {_written(guesses)}", f"{why}; take the # away if so")]
    lines = [("    columns:", "")]
    lines += [(f"      {column}: {_written(headers)}", _NOW) for column, headers in stated.items()]
    for of in suggestion.columns:
        line = f"{of.column}: {_written(guesses[of.column])}"
        why = f"{of.how_sure}: {of.why}"
        lines.append((f"      {line}", why) if of.is_taken else (f"      # {line}", f"{why}; take the # away if so"))
    return lines


def _list_lines(name: str, value: list[str], why: str, further: list[SettingGuess]) -> list[tuple[str, str]]:
    """A setting with several values, and those that the file leaves open below them."""
    lines = [(f"    {name}:", why), *((f"      - {_quoted(each)}", "") for each in value)]
    for of in further:
        lines += [
            (f"      # - {_quoted(each)}", f"{of.why}; take the # away if so") for each in of.value if each not in value
        ]
    return lines


def _constant_lines(suggestion: Suggestion) -> list[tuple[str, str]]:
    stated = suggestion.stated.get("constants", {})
    why = "no header seems to give it; where one value holds for every row, write it here"
    if not stated:
        missing = ", ".join(f"{name}: ..." for name in suggestion.missing)
        return [(f"    # constants: {{{missing}}}", why)] if missing else []
    lines = [("    constants:", ""), *((f"      {name}: {_written(text)}", _NOW) for name, text in stated.items())]
    return [*lines, *((f"      # {name}: ...", why) for name in suggestion.missing)]


def _written(value: Any) -> str:
    """A value as YAML writes it on one line."""
    if isinstance(value, list):
        return f"[{', '.join(_quoted(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_written(each)}' for key, each in value.items())}}}"
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value == value.strip() and yaml.safe_load(value) == value
        return value if is_plain else _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A text in quotation marks; what a YAML file may not hold as it is, escaped."""
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=2**20).strip()


def _on_one_line(text: str) -> str:
    """A text of the file as a comment takes it: one with line ends or control characters would end it."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
