"""A coverage-guided fuzz run of the readers: `python -m tests.fuzz.readers --seconds 60`.

Inputs grow from the files of `corpus/` and the small valid ones of every format. It ends with code 0 where nothing was
found; else the input that broke a reader lies in the folder that the last lines name. Mend the reader, and put the
input into `corpus/`, which `tests/unit/sources/test_reader_properties.py` replays.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["inventra_pipelines.sources", "inventra_pipelines.domain.ingest"]):
    from tests.fuzz.whole_way import whole_way
from tests.small_files import small_files

CORPUS = Path(__file__).parent / "corpus"
_MOST_BYTES = 8192


def main() -> None:
    """Fuzz for so many seconds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--found", type=Path, help="where an input goes that breaks a reader; default: a new folder")
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-readers-"))
    found = given.found or folder
    found.mkdir(parents=True, exist_ok=True)
    seeds = folder / "seeds"
    seeds.mkdir()
    for ending, content in small_files().items():
        (seeds / ending).write_bytes(content)
    path = folder / "sales.csv"

    def one_input(content: bytes) -> None:
        path.write_bytes(content)
        whole_way(path)

    arguments = [f"-max_total_time={given.seconds}", f"-max_len={_MOST_BYTES}", "-timeout=25", "-rss_limit_mb=3000"]
    atheris.Setup([sys.argv[0], *arguments, f"-artifact_prefix={found}/", str(seeds), str(CORPUS)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
