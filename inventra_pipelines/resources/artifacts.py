"""Report files on disk, below `<home>/artifacts/<tenant>/<day>/`.

Belongs here: writing them whole or not at all, and the address a person downloads them from. Which there are stands in
`reports.artifacts`; serving them is `portal/`.
"""

import hashlib
import os
from datetime import date
from pathlib import Path

from dagster import ConfigurableResource

from inventra_pipelines.settings import get_settings

# The kinds of report, and how their files end.
FILE_ENDINGS = {"daily_pdf": "pdf", "daily_workbook": "xlsx"}


def _file_name(tenant_id: str, day: date, report: str) -> str:
    return f"inventra-{tenant_id}-{day}.{FILE_ENDINGS[report]}"


class Artifacts(ConfigurableResource):
    """The folder of the settings; it has no configuration of its own."""

    def write(self, tenant_id: str, day: date, report: str, content: bytes) -> dict[str, object]:
        """Put a report in its place in one step, and give its row of `reports.artifacts`."""
        file_name = _file_name(tenant_id, day, report)
        path = Path(tenant_id) / day.isoformat() / file_name
        target = get_settings().artifacts_folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{file_name}.{os.getpid()}")
        draft.write_bytes(content)
        draft.replace(target)
        return {
            "tenant_id": tenant_id,
            "day": day,
            "report": report,
            "file_name": file_name,
            "path": path.as_posix(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }

    @staticmethod
    def address(tenant_id: str, day: date, report: str) -> str:
        """Where a person downloads it, after signing in."""
        return f"{get_settings().portal_address}/{tenant_id}/{day}/{report}/{_file_name(tenant_id, day, report)}"
