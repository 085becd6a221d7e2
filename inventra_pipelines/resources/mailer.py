"""Notifications as a Dagster resource: by e-mail where SMTP is configured, to a folder of files elsewhere.

Belongs here: choosing the channel and working off the outbox. The channels are `delivery/`, the outbox is
`db/outbox.py`.
"""

from dagster import ConfigurableResource

from inventra_pipelines.db import outbox
from inventra_pipelines.delivery.email import SmtpEmail
from inventra_pipelines.delivery.messages import Channel
from inventra_pipelines.delivery.outbox_file import OutboxFile
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import InventraError
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.settings import get_settings


class Mailer(ConfigurableResource):
    """The channel that the settings name; it has no configuration of its own."""

    @staticmethod
    def recipients(tenant: TenantConfig) -> list[tuple[str, str]]:
        """Channel and address for each person to be told; a file where there is no mail server or nobody is named."""
        if get_settings().smtp_host and tenant.notifications.emails:
            return [("email", address) for address in tenant.notifications.emails]
        # The domain is reserved: it can be nobody's.
        return [("file", f"planner@{tenant.tenant_id}.invalid")]

    @staticmethod
    def _channel(message: outbox.Message) -> Channel:
        settings = get_settings()
        if message.channel == "email" and settings.smtp_host:
            return SmtpEmail(
                settings.smtp_host,
                settings.smtp_port,
                settings.smtp_sender,
                settings.smtp_user,
                settings.smtp_password.get_secret_value() if settings.smtp_password else None,
                settings.smtp_starttls,
            )
        return OutboxFile(settings.outbox_folder / message.tenant_id, settings.smtp_sender)

    def send_waiting(self, postgres: Postgres, tenant_id: str) -> int:
        """Deliver what waits in the tenant's outbox, earlier failures included.

        Returns:
            How many attempts failed; each failure is kept with its message, and tried again by the next run.
        """
        failed = 0
        with postgres.connect() as connection:
            for message in outbox.waiting(connection, tenant_id):
                error = None
                try:
                    self._channel(message).deliver(message.recipient, message.subject, message.body)
                except InventraError as caught:
                    error, failed = str(caught), failed + 1
                outbox.record_attempt(connection, message, error)
        return failed
