"""Reads the tenants' YAML files into strict models.

Belongs here: finding and loading the files, with errors that name file and key. The models are `domain/tenant.py`.
"""

from collections.abc import Callable
from pathlib import Path

import yaml
from pydantic import ValidationError

from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import PermanentError


def load_tenant(path: Path) -> TenantConfig:
    """Load one tenant's file.

    Raises:
        PermanentError: Not YAML, not a mapping, an unknown key, a wrong value, or a name that is not the tenant's.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise PermanentError(f"tenant file {path} is not valid YAML: {problem}", "correct the file") from None
    if not isinstance(content, dict):
        raise PermanentError(f"tenant file {path} holds no settings", "start it with `tenant_id: ...` and `name: ...`")
    try:
        tenant = TenantConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(top level)"
        raise PermanentError(f"tenant file {path}, {key}: {first['msg']}", "correct or remove that key") from None
    if tenant.tenant_id != path.stem:
        raise PermanentError(
            f"tenant file {path} declares tenant_id {tenant.tenant_id!r}", f"name the file {tenant.tenant_id}.yaml"
        )
    return tenant


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
