"""`inventra ui`: Dagster's web page and daemon, and the download site, until Ctrl-C.

Belongs here: which programs are started, and what is printed about them. Starting, watching and stopping them is
`resources/processes.py`.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from inventra_pipelines.automation.instance import prepare_instance, workspace_file
from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.portal.tokens import TokenBook
from inventra_pipelines.resources.processes import ProcessGroup, answers_http, require_free_port
from inventra_pipelines.settings import PROJECT_FOLDER


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def ui(
    port: Annotated[int, typer.Option("--port", help="Port of Dagster's page, on this machine only.")] = 3000,
) -> None:
    """Open Dagster's page and the download site on this machine; everything stops on Ctrl-C."""
    with installation() as (settings, url):
        # Imported here, after the settings: without any tenant it is one line, not a wall of text in Dagster's log.
        from inventra_pipelines.automation.partitions import TENANTS

        require_free_port(port, purpose="Dagster's page", setting="--port")
        require_free_port(settings.portal_port, purpose="the download site", setting="INVENTRA_PORTAL_PORT")
        secret = settings.portal_secret.get_secret_value() if settings.portal_secret else secrets.token_urlsafe(32)
        environment = {**os.environ, **prepare_instance(settings, url), "INVENTRA_PORTAL_SECRET": secret}
        logs = settings.home / "logs"
        workspace = ["-w", str(workspace_file())]
        with ProcessGroup(say=lambda line: out.print(line, markup=False)) as group:
            group.start(
                "dagster",
                [_program("dagster-webserver"), "-h", "127.0.0.1", "-p", str(port), *workspace],
                log_file=logs / "dagster-webserver.log",
                env=environment,
                cwd=PROJECT_FOLDER,
                ready=lambda: answers_http(port, "/server_info"),
                ready_within_seconds=120,
            )
            group.start(
                "daemon",
                [_program("dagster-daemon"), "run", *workspace],
                log_file=logs / "dagster-daemon.log",
                env=environment,
                cwd=PROJECT_FOLDER,
            )
            group.start(
                "download site",
                [sys.executable, "-m", "inventra_pipelines.portal.serve"],
                log_file=logs / "portal.log",
                env=environment,
                cwd=PROJECT_FOLDER,
                ready=lambda: answers_http(settings.portal_port, "/healthz"),
            )
            out.print(f"Dagster        http://localhost:{port}", markup=False)
            out.print(f"Download site  {settings.portal_address}", markup=False)
            tokens = TokenBook(secret)
            for tenant_id in TENANTS:
                out.print(f"  {tenant_id:<16} token {tokens.token_of(tenant_id)}", markup=False)
            out.print(f"Logs           {logs}", markup=False)
            out.print("Ctrl-C stops everything", markup=False)
            group.wait()
