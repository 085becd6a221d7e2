"""The lock files: the tests' environment is that of the installation, and more."""

from tests.conftest import PROJECT


def _pins(name: str) -> dict[str, set[str]]:
    """The hashes of each pinned version."""
    pins: dict[str, set[str]] = {}
    hashes: set[str] = set()
    for line in (PROJECT / name).read_text().splitlines():
        if line.startswith(" "):
            hashes.add(line.strip(" \\"))
        else:
            hashes = pins[line.strip(" \\")] = set()
    return pins


def test_the_tests_run_with_every_version_that_an_installation_gets() -> None:
    installed, of_tests = _pins("requirements.lock"), _pins("requirements-dev.lock")
    assert len(of_tests) > len(installed) > 100
    assert {pin: of_tests.get(pin) for pin in installed} == installed
