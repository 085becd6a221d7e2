import pytest
from report_samples import empty_report, full_report

from inventra_pipelines.domain.reports.model import DailyReport


@pytest.fixture(scope="session")
def full() -> DailyReport:
    return full_report()


@pytest.fixture(scope="session")
def small() -> DailyReport:
    return full_report(items=60, rejected=12)


@pytest.fixture(scope="session")
def bare() -> DailyReport:
    return empty_report()
