"""Keys and passwords that libraries put into their messages: none reaches a file or the screen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import IO

REDACTED = "[redacted]"
_NAMED = re.compile(r"token|secret|passw|passphrase|credential|api_?key|access_?key", re.I)
_LEAST = 8
"""Characters of a value of the environment that is looked for: a shorter one is in every text."""
_SHAPES = (
    r"hf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"gh[oprsu]_[A-Za-z0-9]{20,}", r"github_pat_\w{20,}", r"glpat-[\w-]{20,}",
    r"sk-[\w-]{20,}",  # OpenAI and others
    r"(?:AKIA|ASIA)[A-Z0-9]{16}", r"AIza[\w-]{35}", r"ya29\.[\w-]{20,}",  # Amazon, Google
    r"xox[abeoprs]-[\w-]{10,}",  # Slack
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # a JSON web token
    r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)",  # user:password@host
    r"(?i:(?<=bearer )|(?<=basic ))[\w+/.=~-]{8,}",
    # in an address; `class_token=end` is a method's parameter
    *(rf"(?i:(?<=[?&]{name}=))[^\s&'\",;)\]]+" for name in ("token", "key", "sig", "signature")),
    r"(?i:(?<=api_key=)|(?<=api-key=)|(?<=password=)|(?<=access_token=))[^\s&'\",;)\]]+",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
)  # fmt: skip
_SHAPE = re.compile("|".join(_SHAPES))


def redacted(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return `text` with `REDACTED` for every secret in it.

    Args:
        text: A message, a traceback, a word of a command.
        environment: The values of its variables that are named like secrets are some.
    """
    values = {v for name, v in environment.items() if _NAMED.search(name) and len(v) >= _LEAST}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, REDACTED)
    return _SHAPE.sub(REDACTED, text)


class Discreet:
    """A text file that is written to without secrets: for `contextlib.redirect_stdout`."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write the text without its secrets; return how many characters were given."""
        self._file.write(redacted(text))
        return len(text)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def fileno(self) -> int:
        """Return the file's descriptor, for those who ask whether it is a terminal."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return False: a log is none."""
        return False
