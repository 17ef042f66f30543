"""A plain image folder of the user's own: ``root/domain/class/*.jpg``."""

from __future__ import annotations

from pathlib import Path

from harness.data.listing import SUFFIXES, domain_samples, folders
from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError

ENDINGS = (*SUFFIXES, ".gif")


class FolderOptions(DatasetOptions):
    """Options of `folder`."""

    template: str = "a photo of a {}."
    """Prompt with one ``{}`` for the class name."""


class Folder(Dataset):
    """Domains are the folders in the root, classes those within; hidden ones are left out."""

    name = "folder"
    summary = "your own images, root/domain/class/*.jpg|png|webp (--data-root DIR)"
    licence = "your own"
    source = "--data-root DIR"
    layout = "DIR/<domain>/<class>/*.jpg|png|webp, two domains or more, the same classes in each"
    Options = FolderOptions
    small = True

    def __init__(self, options: FolderOptions, root: Path | None) -> None:
        super().__init__(options, root)
        if root is None:
            raise UserError(
                "data set 'folder' needs --data-root DIR with DIR/<domain>/<class>/*.jpg"
            )
        if not root.is_dir():
            raise UserError(f"--data-root {root}: no such folder")
        if options.template.count("{}") != 1:
            raise UserError(
                f"data set 'folder': template {options.template!r} must hold one {{}} for the class"
            )
        self.template = options.template  # type: ignore[misc]
        self.root: Path = root
        self.domains = tuple(folders(root))
        if not self.domains:
            raise UserError(f"--data-root {root}: no domains; expected DIR/<domain>/<class>/*.jpg")
        classes = sorted({name for domain in self.domains for name in folders(root / domain)})
        if len(classes) < 2:
            raise UserError(
                f"--data-root {root}: {len(classes)} class folder(s) below its domains "
                f"({', '.join(self.domains)}); expected DIR/<domain>/<class>/*.jpg with two or more"
            )
        self.class_names = tuple(name.replace("_", " ") for name in classes)
        self._samples = {domain: self._list(domain, classes) for domain in self.domains}

    def _list(self, domain: str, classes: list[str]) -> tuple[Sample, ...]:
        found = domain_samples(self.root, domain, classes, ENDINGS)
        if len(found) < 5:  # 80/20 must leave both parts something
            raise UserError(
                f"--data-root {self.root}: domain '{domain}' has {len(found)} image(s), needs 5 "
                f"or more ({', '.join(sorted(ENDINGS))}); add images or remove the folder"
            )
        return found

    @classmethod
    def import_folder(cls, root: Path) -> Path | None:
        """Return the root itself."""
        return root

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images by class, then by file name."""
        return self._samples[domain]

    def read(self, sample: Sample) -> bytes:
        """Return the file's bytes."""
        return (self.root / sample.key).read_bytes()

    def size(self, sample: Sample) -> int:
        """Return the file's size in bytes."""
        return (self.root / sample.key).stat().st_size
