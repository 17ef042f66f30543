"""An exported folder on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError, plain_line


def push(folder: Path, repo: str) -> str:
    """Create the repository if need be, upload the folder in one commit, and return its address.

    Address and token are huggingface_hub's own: ``HF_ENDPOINT``, ``HF_TOKEN``, ``hf auth login``.

    Raises:
        UserError: If the Hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api = HfApi()
    try:
        address = api.create_repo(repo, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message="A run of clip-bench")
    except HFValidationError as error:
        raise UserError(f"--push-to-hub {repo}: {plain_line(error)}; write OWNER/NAME") from None
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise UserError(
            f"--push-to-hub {repo}: {plain_line(error)}; the folder is in {folder}: log in with "
            "`hf auth login`, and try again"
        ) from None
    return str(address)
