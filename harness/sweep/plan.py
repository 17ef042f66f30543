"""From names as a user types them to RunSpecs."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness import registry, resources
from harness.data.chosen import chosen, split_digest
from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError, unknown_name
from harness.protocols import Protocol
from harness.specs import DatasetSpec, ModelSpec, RunSpec, Selection
from harness.sweep.calls import print_call
from harness.validation import validated

_MODEL_FILES = {".json", ".txt", ".safetensors", ".bin", ".pth"}


@dataclass(frozen=True)
class MethodChoice:
    """A method with its complete configuration."""

    name: str
    config: dict[str, Any]
    given: dict[str, Any]
    label: str


def resolve_method(
    name: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    label: str = "",
    where: str = "",
) -> MethodChoice:
    """Fill in a method's configuration: its defaults, then a preset, `defaults`, then `given`.

    Args:
        name: The plugin.
        given: What the user set; ``preset`` picks one of the method's named sets.
        defaults: Of a sweep, for all methods; keys that this method does not have are left out.
        label: What tables call it; by default ``name[param=value, ...]``.
        where: For messages.

    Raises:
        UserError: For an unknown method, preset or parameter, or a value out of range.
    """
    cls = registry.method_class(name)
    fields = cls.Config.model_fields
    values: dict[str, Any] = {}
    explicit = dict(given)
    preset = explicit.pop("preset", None)
    if preset is not None:
        if preset not in cls.presets:
            raise unknown_name(f"preset of '{name}'", str(preset), cls.presets)
        values.update(cls.presets[preset])
    values.update({key: value for key, value in (defaults or {}).items() if key in fields})
    for key in explicit:
        if key not in fields:
            raise unknown_name(f"parameter of method '{name}'", key, fields)
    values.update(explicit)
    place = f"{where}: method '{name}'" if where else f"method '{name}'"
    config = validated(cls.Config, values, place).model_dump(mode="json")
    if config.get("micro_batch") and not cls.loss_is_mean:
        raise UserError(
            f"{place}: micro_batch={config['micro_batch']}: its losses are not means over the "
            "images of a batch, so that parts give other gradients; leave it 0"
        )
    return MethodChoice(name, config, dict(given), label or print_call(name, given))


def open_dataset(spec: DatasetSpec, root: Path | None) -> Dataset:
    """Return the data set plugin, opened.

    Raises:
        UserError: For an unknown name or option, a missing root, or bad data.
    """
    cls = registry.dataset_class(spec.name)
    options = validated(cls.Options, spec.options, f"data set '{spec.name}'")
    if cls.needs_root and root is None:
        raise UserError(f"data set '{spec.name}' needs --data-root DIR: {cls.layout or cls.source}")
    return chosen(cls(options, root))


class Outline(Dataset):
    """A public data set as its plugin describes it, to plan runs where its files are not.

    The identity of such runs does not depend on the files: the plan is that of the machine that
    has them.
    """

    def __init__(self, cls: type[Dataset], options: DatasetOptions) -> None:
        super().__init__(options, None)
        self.name = cls.name  # type: ignore[misc]
        self.source_domain = cls.source_domain  # type: ignore[misc]
        self.trained_within = cls.trained_within  # type: ignore[misc]
        self.domains = tuple(sorted(cls.expected))
        self.class_names = tuple(f"class {i}" for i in range(cls.expected_classes))

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Refuse: there are none.

        Raises:
            UserError: Always; a plan asks for them only to count an epoch's images.
        """
        raise UserError(
            f"epochs over all images of '{self.name}' need its files, to be counted: give "
            "--data-root, or steps instead of epochs"
        )


def outline(spec: DatasetSpec, root: Path | None) -> Dataset:
    """Return the data set opened, or without a root its outline where the plugin has one.

    Raises:
        UserError: As `open_dataset`.
    """
    cls = registry.dataset_class(spec.name)
    if root is None and cls.needs_root and cls.expected and not cls.small:
        options = validated(cls.Options, spec.options, f"data set '{spec.name}'")
        if not options.classes and not isinstance(options.class_names, dict):
            return chosen(Outline(cls, options))
    return open_dataset(spec, root)


def identify(
    model: ModelSpec, dataset: DatasetSpec, opened: Dataset
) -> tuple[ModelSpec, DatasetSpec]:
    """Fill in the fingerprints that make the identity of local files one of content, not path."""
    files = local_files(model)
    if files and not model.fingerprint:
        model = model.model_copy(update={"fingerprint": files_hash(files)})
    return model, identify_data(dataset, opened)


def identify_data(dataset: DatasetSpec, opened: Dataset) -> DatasetSpec:
    """Return a data set known by content: what its files of names hold, a fingerprint if small."""
    options: dict[str, Any] = {}
    if opened.options.class_names:  # what is in a file, not where it is
        options = opened.options.model_dump(mode="json", include={"class_names"})
    if opened.options.splits:
        file = Path(opened.options.splits).resolve()
        options |= {"splits": str(file), "splits_sha256": split_digest(file)}
    if options:
        dataset = dataset.model_copy(update={"options": dataset.options | options})
    if opened.small and not dataset.fingerprint:
        dataset = dataset.model_copy(update={"fingerprint": opened.fingerprint()})
    return dataset


def local_files(model: ModelSpec) -> tuple[Path, ...]:
    """Return the files on this machine that `model` names, if it names any.

    Of a folder all that open_clip may read: configuration, weights and tokenizer.
    """
    embedded = resources.shipped("models") / model.name
    files = tuple(Path(p) for p in (model.pretrained, model.base) if p and Path(p).is_file())
    if embedded.is_dir() or model.name.startswith("local-dir:"):
        folder = embedded if embedded.is_dir() else Path(model.name.removeprefix("local-dir:"))
        files += tuple(p for p in sorted(folder.glob("*")) if p.suffix in _MODEL_FILES)
    return files


@cache
def files_hash(paths: tuple[Path, ...]) -> str:
    """SHA-256 over the names and contents of files, 16 hex digits; a lone file's name is left out.

    Raises:
        UserError: If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():  # a pipe would be waited for
            raise UserError(f"{path}: no file; restore it")
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); restore it") from None
        digest.update(f"{path.name if len(paths) > 1 else ''}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def expand(
    methods: Sequence[MethodChoice],
    model: ModelSpec,
    dataset: DatasetSpec,
    protocol: Protocol,
    targets: Sequence[str],
    seeds: Sequence[int],
    opened: Dataset,
    selection: Selection = "own",
    data_seed: int | None = None,
    root: Path | None = None,
) -> list[RunSpec]:
    """Return methods x targets x seeds as specs, in the order that fills a table evenly.

    Seeds are outermost: after a third of the time a three-seed table is complete for one seed.

    Args:
        methods: With their configurations.
        model: The backbone.
        dataset: The data set.
        protocol: The protocol.
        targets: Held-out (or trained and tested, or tested) domains; ``["all"]`` for every one.
        seeds: Of the runs.
        opened: The data set, to check targets against and take the fingerprint of.
        selection: Which weights are tested.
        data_seed: Of the splits; by default the run's seed, so that splits vary with it, or 0 if
            the protocol fixes them.
        root: Where the data are, of a protocol that tests other data sets.

    Raises:
        UserError: If the data set, the protocol, a target or the selection does not fit.
    """
    for seed in (*seeds, *(() if data_seed is None else (data_seed,))):
        if seed < 0:
            raise UserError(f"seed {seed}: seeds are whole numbers from 0")
        if list(seeds).count(seed) > 1:
            raise UserError(f"seed {seed} is given twice; a seed's runs are the same: give it once")
    if opened.trained_within:
        raise UserError(
            f"data set '{opened.name}' has test images alone, and a protocol has something to "
            f"train and validate on: use --dataset {opened.trained_within} --protocol "
            f"distribution_shift --target {opened.name}"
        )
    model, dataset = identify(model, dataset, opened)
    protocol = protocol.completed(opened)
    if protocol.fixed_splits and data_seed is None:
        data_seed = 0
    chosen = list(dict.fromkeys(protocol.targets_of(opened, targets)))
    others = {s.name: s for target in chosen for s in protocol.other_data(target)}
    protocol = protocol.with_other_data(
        {name: identify_data(other, outline(other, root)) for name, other in others.items()}
    )
    for method in methods:
        _check_selection(method, selection)
        for target in chosen:
            _check_classes(method, protocol, target)
    return [
        RunSpec(
            method=method.name,
            config=_in_steps(method.config, protocol, opened, target),
            model=model,
            dataset=dataset,
            protocol=protocol,
            target=target,
            selection=selection,
            seed=seed,
            data_seed=seed if data_seed is None else data_seed,
            given=method.given,
            label=method.label,
        )
        for seed, target, method in itertools.product(seeds, chosen, methods)
    ]


def _check_selection(method: MethodChoice, selection: Selection) -> None:
    cls = registry.method_class(method.name)
    config = validated(cls.Config, method.config, f"method '{method.name}'")
    if selection == "averaged" and cls.trains and cls.selection_of(config) != "averaged":
        raise UserError(
            f"selection 'averaged': {method.label} keeps no averaged weights; "
            "use --selection own, last or best"
        )


def _check_classes(method: MethodChoice, protocol: Protocol, target: str) -> None:
    cls = registry.method_class(method.name)
    config = validated(cls.Config, method.config, f"method '{method.name}'")
    if (protocol.unknown_set() or protocol.other_data(target)) and cls.closed_set(config):
        raise UserError(
            f"protocol {protocol.name} tests classes that were not trained, and {method.label} "
            "classifies only those that were; leave it out, or its linear head or own contexts"
        )


def _in_steps(
    config: dict[str, Any], protocol: Protocol, opened: Dataset, target: str
) -> dict[str, Any]:
    """Return a recipe that counts in epochs with the steps that they are here.

    An epoch has whole batches only, and its first is warm-up (Dassl).
    """
    epochs = config.get("epochs")
    if not epochs:
        return config
    images = protocol.training_images(opened, target)
    sources = len(protocol.source_domains(opened, target))
    batch = config.get("batch_size") or config["batch_per_domain"] * sources
    epoch = max(1, images // batch)
    warmup = epoch if config["warmup_steps"] else 0
    return config | {"steps": epochs * epoch, "warmup_steps": warmup}
