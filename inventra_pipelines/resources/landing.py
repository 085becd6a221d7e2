"""The landing zone as a Dagster resource.

Belongs here: opening it where the settings say, and an ingest's outcome as metadata. Reading files is `sources/`.
"""

from collections.abc import Mapping, Sequence

from dagster import ConfigurableResource

from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.settings import get_settings, user_name
from inventra_pipelines.sources.ingest import IngestOutcome, ingest_windows
from inventra_pipelines.sources.landing import Landing


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
