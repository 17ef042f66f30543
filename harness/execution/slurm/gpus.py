"""How many GPUs an option of sbatch asks for, in each of the styles that clusters want."""

from __future__ import annotations

import re

_GENERIC = ("gpu", "shard", "mps")
"""Generic resources that are a GPU or a part of one."""


def asked(option: str, value: object) -> int:
    """Return the GPUs that ``--option=value`` asks for; 0 if it asks for something else.

    Understood are ``gpus...=2``, ``gpus...=a100:2``, ``gres=gpu:a100:2`` and ``tres-per-...``.
    """
    option = option.replace("_", "-")
    if value is False or not re.match(r"gres$|gpus($|-per-)|tres-per-", option):
        return 0
    total = 0
    for part in re.sub(r"\([^)]*\)", "", str(value)).split(","):
        words = re.split("[:=]", re.sub("^gres[:/]", "", part.strip()))
        if not option.startswith("gpus") and words[0] not in _GENERIC:
            continue
        count = int(words[-1]) if words[-1].isdecimal() else 1
        total += count if option.startswith("gpus") or words[0] == "gpu" else min(count, 1)
    return total
