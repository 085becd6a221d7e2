"""Commands of an installation that run one after another in one process, which has everything imported and parsed.

For what a command does, where that it is a process of its own makes no difference: a start and its imports cost more
than a day's run. Processes that are killed, run at once, or have settings of their own are `Installation.start`.
"""

import json
import subprocess
import sys
import threading
from datetime import date
from typing import Self

from tests.conftest import PROJECT
from tests.installation import Installation

_SECONDS = 120
_SERVER = """
import json, os, runpy, sys, tempfile, traceback

answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    module, *arguments = json.loads(line)
    sys.argv = [module, *arguments]
    code = 0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush(), sys.stderr.flush()
        texts = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode() for file in (out, err)]
    print(json.dumps([code, *texts]), file=answers, flush=True)
"""


class Commands:
    """A process that runs modules, such as `inventra_pipelines.cli`, as `python -m` would, one after another.

    Args:
        installation: Its tenants and settings must stay as they are while the process runs.
    """

    def __init__(self, installation: Installation) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            env=installation.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def module(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a module to its end."""
        assert self._process.stdin is not None and self._process.stdout is not None
        limit = threading.Timer(_SECONDS, self._process.kill)
        limit.start()
        print(json.dumps([name, *arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        limit.cancel()
        assert answer, f"the process that runs the commands ended during {arguments}, or took {_SECONDS} seconds"
        return subprocess.CompletedProcess(arguments, *json.loads(answer))

    def inventra(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `inventra` with these arguments."""
        return self.module("inventra_pipelines.cli", *arguments)

    def run(self, tenant_id: str, day: date) -> None:
        """Run a day and insist that it succeeds."""
        done = self.inventra("run", "--tenant", tenant_id, "--date", str(day))
        assert done.returncode == 0, done.stdout + done.stderr
