"""Run the download site: `python -m inventra_pipelines.portal.serve`.

Belongs here: putting the site together from the settings and serving it on the loopback interface. In production a web
server with TLS stands before it; `INVENTRA_PORTAL_URL` then names the address that people use.
"""

import logging
import sys

import uvicorn

from inventra_pipelines.db.embedded import database
from inventra_pipelines.errors import InventraError, PermanentError
from inventra_pipelines.portal.app import create_app
from inventra_pipelines.portal.store import PostgresArtifactStore
from inventra_pipelines.portal.tokens import TokenBook
from inventra_pipelines.resources.processes import require_free_port
from inventra_pipelines.settings import Settings, get_settings

HOST = "127.0.0.1"

logger = logging.getLogger("inventra.portal")


def token_book(settings: Settings) -> TokenBook:
    """The tokens of this installation, from `INVENTRA_PORTAL_SECRET`.

    Raises:
        PermanentError: It is not set, or too short.
    """
    if settings.portal_secret is None:
        raise PermanentError(
            "setting INVENTRA_PORTAL_SECRET is not set",
            "set it to a long random text; `inventra ui` makes one for its session",
        )
    return TokenBook(settings.portal_secret.get_secret_value())


def serve(settings: Settings) -> None:
    """Serve the site until the process is told to stop.

    Raises:
        PermanentError: The port is taken, or a setting of the site is wrong.
        TransientError: The database does not start.
    """
    require_free_port(settings.portal_port, purpose="the download site", setting="INVENTRA_PORTAL_PORT")
    with database(settings) as url:
        app = create_app(
            PostgresArtifactStore(url),
            settings.artifacts_folder,
            token_book(settings),
            public_address=settings.portal_address,
        )
        logger.info("reports at %s", settings.portal_address)
        # No access log: addresses of report pages name tenants, and nobody needs a second copy of who read what.
        uvicorn.run(
            app,
            host=HOST,
            port=settings.portal_port,
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=5,
        )


def main() -> int:
    """Serve with the settings of the environment; 0 when told to stop, 1 with one clear line otherwise."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        serve(get_settings())
    except InventraError as error:
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:
        # uvicorn has shut down in order by now and passes the signal on.
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
