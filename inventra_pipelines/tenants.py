"""Reads the tenants' YAML files into strict models.

Belongs here: finding and loading the files, with errors that name file and key. The models are `domain/tenant.py`.
"""

import difflib
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError

from inventra_pipelines.domain.setting_errors import in_words
from inventra_pipelines.domain.tenant import (
    AlertConfig,
    AnalyticsConfig,
    Feed,
    FileMapping,
    ForecastConfig,
    ItemCodes,
    LifeCycle,
    Notifications,
    PlanningConfig,
    TenantConfig,
)
from inventra_pipelines.errors import PermanentError

# The parts of a tenant's file, by where each stands.
_PARTS: dict[str, type[BaseModel]] = {
    "": TenantConfig,
    "datasets.<dataset>": FileMapping,
    "feeds.<dataset>": Feed,
    "item_codes": ItemCodes,
    "analytics": AnalyticsConfig,
    "analytics.life_cycle": LifeCycle,
    "forecast": ForecastConfig,
    "planning": PlanningConfig,
    "alerts": AlertConfig,
    "notifications": Notifications,
}


def load_tenant(path: Path) -> TenantConfig:
    """Load one tenant's file.

    Raises:
        PermanentError: Not YAML, not a mapping, an unknown key, a wrong value, or a name that is not the tenant's.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_KeysOnce)
    except (yaml.YAMLError, ValueError) as error:  # Of a date or a number that is none, and of wrong bytes.
        problem = " ".join(str(error).replace('"<unicode string>", ', "").split())
        raise PermanentError(f"tenant file {path} is not valid YAML: {problem}", "correct the file") from None
    if not isinstance(content, dict):
        raise PermanentError(f"tenant file {path} holds no settings", "start it with `tenant_id: ...` and `name: ...`")
    try:
        tenant = TenantConfig.model_validate(content)
    except ValidationError as error:
        place, problem, remedy = in_words(error, content, _remedy_for)
        raise PermanentError(f"tenant file {path}, {place}: {problem}", remedy) from None
    if tenant.tenant_id != path.stem:
        raise PermanentError(
            f"tenant file {path} declares tenant_id {tenant.tenant_id!r}", f"name the file {tenant.tenant_id}.yaml"
        )
    return tenant


class _KeysOnce(yaml.SafeLoader):
    """YAML in which a key stands once: of two, the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping.

        Raises:
            ConstructorError: A key stands twice.
        """
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise ConstructorError(None, None, f"{key!r} stands twice", key_node.start_mark)
            seen |= {key} if isinstance(key, Hashable) else set()
        return super().construct_mapping(node, deep=deep)


def _remedy_for(path: Sequence[int | str]) -> str:
    """What to do about a setting that there is not where it stands: where it belongs, or which one may be meant."""
    name, above = str(path[-1]), [str(part) for part in path[:-1]]
    here = ".".join([*above[:1], "<dataset>", *above[2:]] if above[:1] in (["datasets"], ["feeds"]) else above)
    belongs = [part for part, model in _PARTS.items() if name in model.model_fields]
    if belongs:
        return f"it belongs {_under(belongs)}"
    known = [setting for model in _PARTS.values() for setting in model.model_fields]
    for close in difflib.get_close_matches(name, known, n=1):
        parts = [part for part, model in _PARTS.items() if close in model.model_fields]
        return f"did you mean {close}?" if here in parts else f"did you mean {close}? It belongs {_under(parts)}"
    return "remove it"


def _under(parts: Sequence[str]) -> str:
    return " or ".join(f"under {part}" if part else "at the top level" for part in parts)


def load_tenants(folder: Path, on_error: Callable[[PermanentError], None] | None = None) -> dict[str, TenantConfig]:
    """Load every `*.yaml` of a folder, by tenant id in alphabetical order; an absent folder holds no tenants.

    Args:
        folder: The tenants' files.
        on_error: Told of a file that is wrong, whose tenant is then left out: one tenant's mistake stops no other.
            Without it the error is raised.
    """
    files = folder.glob("*.yaml") if folder.is_dir() else ()
    loaded: dict[str, TenantConfig] = {}
    for file in sorted(files, key=lambda file: file.stem):
        try:
            loaded[file.stem] = load_tenant(file)
        except PermanentError as error:
            if on_error is None:
                raise
            on_error(error)
    return loaded


def get_tenant(folder: Path, tenant_id: str) -> TenantConfig:
    """Load the tenant named, whatever stands in the others' files.

    Raises:
        PermanentError: There is no such tenant; the message lists those there are. Or its file is wrong.
    """
    path = folder / f"{tenant_id}.yaml"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if tenant_id not in known:
        raise PermanentError(
            f"unknown tenant {tenant_id!r} (known: {', '.join(known) or 'none'})",
            f"add {path} or name a known tenant",
        )
    return load_tenant(path)
