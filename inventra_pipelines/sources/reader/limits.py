"""What reading a file may cost: memory, computing time, and waiting. Both ends of the reader know it.

Belongs here: the figures, and how a process says that it ended at one of them.
"""

import signal

# Of the process; a file of ten million rows takes a fifth of it.
ADDRESS_SPACE = 4 * 2**30
# Of each file's computing time.
CPU_SECONDS = 25
CPU_SECONDS_PER_MB = 2
# Of waiting for the process; a little more than it may compute, which says more of what went wrong.
WAIT_SECONDS = 28.0
WAIT_SECONDS_PER_MB = 3.0
# To answer a question a file is read up to three times: as it is, for what it says, and as it would be.
QUESTION_PASSES = 3

# Exit status of a process that a file left no memory: what it filled does not all come back, and others need a new one.
OUT_OF_MEMORY = 12

_ENDS = {
    OUT_OF_MEMORY: "reading it takes more memory than is allowed",
    -signal.SIGXCPU: "it took too much computing time",
}


def how_it_ended(status: int) -> str:
    """What a process's exit status says of the file that it was reading."""
    return _ENDS.get(status, "it ended the process that read it")
