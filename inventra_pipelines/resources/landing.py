"""The landing zone as a Dagster resource.

Belongs here: opening it where the settings say, and an ingest's outcome as metadata. Reading files is `sources/`.
"""

import getpass
import os
from collections.abc import Mapping, Sequence

from dagster import ConfigurableResource

from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.settings import get_settings
from inventra_pipelines.sources.ingest import IngestOutcome, ingest_windows
from inventra_pipelines.sources.landing import Landing


def user_name() -> str:
    """The operating system's name of who runs this process; its number where it has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


class LandingZone(ConfigurableResource):
    """The landing zone and the kept copies of the settings; it has no configuration of its own."""

    @staticmethod
    def open() -> Landing:
        """The landing zone that the settings name."""
        settings = get_settings()
        return Landing(settings.landing_root, settings.kept_folder)

    def ingest(
        self, url: str, tenants: Mapping[str, TenantConfig], windows: Sequence[Window], *, run_id: str
    ) -> IngestOutcome:
        """Load what stands in the windows' folders; the batch log names the operating system's user."""
        return ingest_windows(url, self.open(), dict(tenants), list(windows), run_id=run_id, actor=user_name())
