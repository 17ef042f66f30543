"""Who made an archive: a detached signature by OpenSSH, ``FILE.sig``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from harness.errors import UserError

NAMESPACE = "clip-bench"
"""What the signature is for: one made for another purpose is none."""


def check_key(key: Path) -> None:
    """Raise UserError if there is no ssh-keygen, or the key cannot sign."""
    _sign(key, content=b"")


def sign(file: Path, key: Path) -> Path:
    """Sign a file with a private key (or a public one whose private half an agent has).

    Raises:
        UserError: If there is no ssh-keygen, or the key cannot sign.
    """
    signature = file.with_name(file.name + ".sig")
    signature.unlink(missing_ok=True)
    _sign(key, str(file))
    return signature


def _sign(key: Path, *files: str, content: bytes = b"") -> None:
    done = _keygen("sign", "-f", str(key), "-n", NAMESPACE, *files, content=content)
    if done.returncode:
        raise UserError(f"--sign {key}: {_last(done)}; give a key of `ssh-keygen -t ed25519`")


def check_signers(signers: Path) -> None:
    """Raise UserError unless the list is there."""
    if not signers.is_file():
        raise UserError(f"{signers}: no such list of signers; give its file")


def signer_of(file: Path, signers: Path) -> str:
    """Return who of the allowed signers signed a file.

    Args:
        file: With its ``.sig`` beside it.
        signers: OpenSSH's list: a name and a public key on each line.

    Raises:
        UserError: If there is no signature, it is of another file, or of nobody in the list.
    """
    signature = file.with_name(file.name + ".sig")
    check_signers(signers)
    if not signature.is_file():
        raise UserError(f"{signature}: no such signature; give its file")
    found = _keygen("find-principals", "-s", str(signature), "-f", str(signers))
    names = found.stdout.decode(errors="replace").split()
    if found.returncode or not names:
        raise UserError(f"{signature}: by nobody in {signers}")
    words = ("-f", str(signers), "-I", names[0], "-n", NAMESPACE, "-s", str(signature))
    done = _keygen("verify", *words, content=file.read_bytes())
    if done.returncode:
        raise UserError(f"{signature}: is no signature of {file.name} by {names[0]}")
    return names[0]


def _keygen(
    what: str, *words: str, content: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise UserError("signatures need ssh-keygen (Debian: openssh-client); install it")
    return subprocess.run(
        [program, "-Y", what, *words],
        input=content,
        stdin=subprocess.DEVNULL if content is None else None,
        capture_output=True,
        check=False,
    )


def _last(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"
