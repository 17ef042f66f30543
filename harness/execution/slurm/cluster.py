"""Cluster files: which resources a job asks Slurm for, in submitit's names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from harness import registry, resources
from harness.errors import UserError, unknown_name
from harness.execution.context import Context
from harness.execution.slurm.gpus import asked
from harness.sweep.reading import parse_yaml, read_yaml
from harness.validation import Written, validated

_GUIDE = resources.guide("slurm")
_RESERVED = {"array", "output", "error", "job-name", "comment", "dependency", "signal", "time",
             "requeue", "no-requeue"}  # fmt: skip
SHARE_OF_LIMIT = 0.8
"""Of a job's time limit, at most this is planned for."""


def one_line(text: str) -> str:
    """Return `text`, which stands in a line of a job's script.

    Raises:
        ValueError: If it holds a line break or another control character.
    """
    if not text.isprintable():
        raise ValueError("has a line break or control character; write one line")
    return text


OneLine = Annotated[str, AfterValidator(one_line)]


_LIMITS = Context.model_fields


class Resources(Written):
    """What one job asks for. Names starting with ``slurm_`` are submitit's for sbatch options."""

    timeout_min: int = Field(120, ge=1)
    """Time limit of a job. A job that reaches it saves a checkpoint, is requeued and goes on."""
    mem_gb: float | None = Field(None, gt=0)
    """Memory of a job in GiB; the partition's default if not given."""
    gpus_per_node: int | str | None = None
    """A number, or with the type ``a100:1``; 0 for CPU jobs. A job does as many runs at a time as
    it has GPUs, times `runs_per_gpu`. 1 if not given, unless `slurm_additional_parameters` asks for
    GPUs (``gres``, ``gpus``, ``gpus_per_task``)."""
    cpus_per_task: int = Field(4, ge=1)
    """Cores of a job, shared by its runs; all but torch's threads decode images."""
    slurm_partition: OneLine | None = None
    slurm_account: OneLine | None = None
    slurm_qos: OneLine | None = None
    slurm_constraint: OneLine | None = None
    """Node features, e.g. ``a100|h100``."""
    slurm_array_parallelism: int = Field(64, ge=1)
    """Jobs of one array at a time."""
    slurm_setup: tuple[str, ...] = ()
    """Shell lines before the job, e.g. ``module load cuda``."""
    slurm_additional_parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Any other option of sbatch by its long name, e.g. ``{nice: 100, exclude: node7}``."""
    runs_per_gpu: int = Field(1, ge=1)
    """Runs at a time on each GPU, which share its memory."""
    slurm_signal_delay_s: int = Field(90, ge=10, validate_default=True)
    """Seconds before the time limit at which Slurm signals, to leave time for the checkpoint: less
    than 80 % of the limit."""
    slurm_max_num_timeout: int = Field(50, ge=0)
    """How often a job may run into its time limit and be requeued."""
    slurm_requeue: bool = True
    """Requeue a job whose node dies or that is preempted."""
    job_minutes: float = Field(60.0, gt=0)
    """Time budget of a job: runs that share backbone and data are packed up to this length, by the
    durations of earlier records. Never more than 80 % of the time limit."""
    runs_per_job: int | None = Field(None, ge=1)
    """Runs in a job, whatever they take; overrides `job_minutes`."""
    cache_gb: float = Field(default=_LIMITS["cache_gb"].default, ge=0)
    """GiB of prepared test images in the cache folder, which all jobs share."""
    memory_gb: float = Field(default=_LIMITS["memory_gb"].default, ge=0)
    """GiB of decoded training images in the memory of each worker."""
    checkpoint_seconds: float = Field(default=_LIMITS["checkpoint_seconds"].default, ge=0)
    """Least time between two checkpoints. They are further apart where writing one takes longer
    than 2 % of that."""
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass: less memory, more time, the same numbers."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto``: CUDA if a GPU is asked for, otherwise the CPU."""
    threads: int = Field(1, ge=1)
    """Threads of torch. Sums depend on it in the last digits: keep it equal for runs to compare."""

    @field_validator("gpus_per_node")
    @classmethod
    def _a_count(cls, value: int | str | None) -> int | str | None:
        if value is not None and not re.fullmatch(r"([\w.-]+:)?\d{1,2}", str(value)):
            raise ValueError("give a number, or a type with one, a100:1")
        return value

    @field_validator("mem_gb")
    @classmethod
    def _a_megabyte(cls, value: float | None) -> float | None:
        if value is not None and value * 1024 < 1:  # Slurm takes --mem=0 for all there is
            raise ValueError("is less than 1 MB")
        return value

    @field_validator("slurm_signal_delay_s")
    @classmethod
    def _within_the_limit(cls, value: int, info: ValidationInfo) -> int:
        minutes = info.data.get("timeout_min")
        if minutes is not None and value >= SHARE_OF_LIMIT * 60 * minutes:
            most = SHARE_OF_LIMIT * 60 * minutes
            raise ValueError(f"must be below {most:g}, 80 % of timeout_min: {minutes}")
        return value

    @field_validator("slurm_additional_parameters")
    @classmethod
    def _not_ours(cls, values: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        own = {k.removeprefix("slurm_") for k in Resources.model_fields}
        for key, value in values.items():
            name = key.replace("_", "-")
            if name in _RESERVED or name.replace("-", "_") in own:
                raise ValueError(f"'{key}' is set by the harness or has a field of its own")
            if not re.fullmatch("[a-z][a-z0-9-]*", name):
                raise ValueError(f"{key!r} is no option of sbatch; give its long name")
            one_line(str(value))
            if info.data.get("gpus_per_node") is not None and asked(key, value):
                raise ValueError(f"'{key}' asks for GPUs, and so does gpus_per_node; keep one")
        return values

    @field_validator("runs_per_gpu")
    @classmethod
    def _on_a_gpu(cls, value: int, info: ValidationInfo) -> int:
        given = cls.model_construct(**info.data)
        if value > 1 and not given.gpus:
            raise ValueError("a job has no GPU (gpus_per_node); write 1")
        return value

    @property
    def gpus(self) -> int:
        """How many GPUs a job asks for, in whatever style."""
        if self.gpus_per_node is None:
            return self._gpus_by_option() or 1
        return asked("gpus", self.gpus_per_node)

    @property
    def seats(self) -> int:
        """How many runs a job does at a time."""
        return max(1, self.gpus * self.runs_per_gpu)

    def _gpus_by_option(self) -> int:
        return max((asked(*item) for item in self.slurm_additional_parameters.items()), default=0)

    def resolved_device(self) -> str:
        """Return ``cpu`` or ``cuda``."""
        if self.device == "auto":
            return "cuda" if self.gpus else "cpu"
        return self.device

    def submitit(self) -> dict[str, Any]:
        """Return the arguments of submitit's ``AutoExecutor.update_parameters``."""
        plain = ("timeout_min", "mem_gb", "cpus_per_task")
        slurm = ("partition", "account", "qos", "constraint", "array_parallelism", "signal_delay_s")
        found: dict[str, Any] = {name: getattr(self, name) for name in plain}
        found |= {f"slurm_{name}": getattr(self, f"slurm_{name}") for name in slurm}
        # `--gpus-per-node=0` is refused where no GPU is configured.
        if self.gpus and not self._gpus_by_option():
            found["slurm_gpus_per_node"] = 1 if self.gpus_per_node is None else self.gpus_per_node
        extra: dict[str, Any] = {"requeue" if self.slurm_requeue else "no-requeue": True}
        given = self.slurm_additional_parameters.items()
        extra |= {k.replace("_", "-"): v for k, v in given if v is not False}
        if "gpus-per-task" in extra:  # refused without the number of tasks
            extra.setdefault("ntasks", 1)
        # Since 22.05 srun no longer takes this over from sbatch by itself.
        found["slurm_srun_args"] = [f"--cpus-per-task={self.cpus_per_task}"]
        found["slurm_additional_parameters"] = extra
        return {name: value for name, value in found.items() if value is not None}


class ClusterSpec(Resources):
    """A cluster file: resources for all methods, and what differs for some."""

    description: str = ""
    max_jobs: int = Field(1000, ge=1)
    """Jobs of one submission: where there would be more, a job takes more runs than `job_minutes`
    says. Not if `runs_per_job` is given."""
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Per method, fields that differ: ``{alignclip: {mem_gb: 48, timeout_min: 240}}``."""

    def resources(self, method: str, where: str = "cluster") -> Resources:
        """Return what a job of `method` asks for.

        Raises:
            UserError: If what differs for it is wrong.
        """
        own = set(Resources.model_fields)
        base = {key: value for key, value in self.model_dump().items() if key in own}
        changes = self.methods.get(method, {})
        found: Resources = validated(Resources, base | changes, f"{where}: methods.{method}")
        return found


def named() -> dict[str, list[Path]]:
    """Return what bare names stand for: in our clusters/, in ./clusters, in the user's settings."""
    return resources.named("clusters", [_settings()])


def _settings() -> Path:
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "clip-benchmark-harness" / "clusters"


def read_cluster(name: str | Path, changes: Sequence[str] = ()) -> ClusterSpec:
    """Read a cluster file and apply ``KEY=VALUE`` or ``METHOD.KEY=VALUE`` changes.

    Args:
        name: A YAML file, or the name of one in ``named()``.
        changes: As on the command line; values are YAML.

    Raises:
        UserError: Naming the file and field, or the change.
    """
    file = find(str(name))
    spec: ClusterSpec = validated(ClusterSpec, read_yaml(file), str(file))
    return change(spec, changes, str(file)) if changes else _checked(spec, str(file))


def change(spec: ClusterSpec, changes: Sequence[str], where: str) -> ClusterSpec:
    """Return `spec` with ``KEY=VALUE`` or ``METHOD.KEY=VALUE`` applied.

    Raises:
        UserError: For an unknown key or a value out of range.
    """
    values = spec.model_dump(mode="json")
    for text in changes:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set {text}: write KEY=VALUE or METHOD.KEY=VALUE")
        method, dot, field = key.strip().rpartition(".")
        known = Resources.model_fields if dot else ClusterSpec.model_fields
        if field not in known:
            raise unknown_name("cluster option", field, known)
        target = values["methods"].setdefault(method, {}) if dot else values
        target[field] = parse_yaml(value, f"--set {key.strip()}")
    shown = " ".join(text if text.isprintable() else repr(text) for text in changes)
    return _checked(validated(ClusterSpec, values, f"{where} with --set {shown}"), where)


def _checked(spec: ClusterSpec, where: str) -> ClusterSpec:
    known = registry.discover("methods").plugins
    for method, changes in spec.methods.items():
        if method not in known:
            raise unknown_name(f"method in {where}", method, known)
        for field in changes:
            if field not in Resources.model_fields:
                raise unknown_name(
                    f"field of methods.{method} in {where}", field, Resources.model_fields
                )
        spec.resources(method, where)
    return spec


def find(name: str) -> Path:
    """Return the file that `name` is, or stands for.

    Raises:
        UserError: If there is none, or two of this name.
    """
    if Path(name).is_file():
        return Path(name)
    if Path(name).suffix in (".yaml", ".yml") or os.sep in name:
        raise UserError(f"--cluster {name}: no such file; {_GUIDE} has an example")
    file = resources.find("clusters", name, [_settings()])
    if file is None:
        raise unknown_name("cluster", name, named(), f"or give a YAML file, see {_GUIDE}")
    return file
