"""Cluster files, and changes to them on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import resources
from harness.errors import UserError
from harness.execution.slurm.cluster import read_cluster


def test_files_of_the_repository_are_valid() -> None:
    files = sorted((resources.ROOT / "clusters").glob("*.yaml"))
    assert files
    for file in files:
        assert read_cluster(file.stem) == read_cluster(file)


def test_changes_on_the_command_line_and_per_method() -> None:
    cluster = read_cluster("academic", ["timeout_min=30", "coop.mem_gb=5", "slurm_partition=a,b"])
    assert cluster.resources("coop").mem_gb == 5
    assert cluster.resources("finetune").mem_gb == 32
    assert cluster.resources("finetune").timeout_min == 30
    assert cluster.resources("zero_shot").timeout_min == 30  # a method's own wins, and is 30
    assert cluster.resources("finetune").submitit()["slurm_partition"] == "a,b"
    assert read_cluster("cpu", ["max_jobs=7"]).max_jobs == 7
    with pytest.raises(UserError, match=r"^--set timeout_min: nested too deeply"):
        read_cluster("cpu", ["timeout_min=" + "[" * 10_000])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timeout_mn: 3", "unknown field 'timeout_mn': did you mean timeout_min"),
        ("timeout_min: 0", "field 'timeout_min' is 0"),
        ("# nothing", "is empty; write fields with their values: timeout_min"),
        ("[]", "holds []; write fields with their values: timeout_min"),
        ("gpus_per_node: -1", "field 'gpus_per_node' is -1"),
        ("methods: {clipod: {mem_gb: 1}}", "unknown method"),
        ("methods: {clipood: {mem: 1}}", "'mem': did you mean mem_gb"),
        ("slurm_additional_parameters: {array: 3}", "'array' is set by the harness"),
        ("slurm_additional_parameters: {partition: x}", "'partition' is set by the harness or has"),
        ("a: [", "not valid YAML"),
        ("timeout_min: .inf", "field 'timeout_min' is inf"),
        ("mem_gb: .nan", "field 'mem_gb' is nan"),
        ("mem_gb: 0.0001", "is less than 1 MB"),
        ("timeout_min: 1", "field 'slurm_signal_delay_s' is 90: must be below 48"),
        ("timeout_min: 10\nslurm_signal_delay_s: 480", "must be below 480"),
        ("methods: {clipood: {timeout_min: 1}}", "methods.clipood: field 'slurm_signal_delay_s'"),
        (
            'slurm_account: "a\\n#SBATCH --x"',
            "field 'slurm_account' is 'a\\n#SBATCH --x': has a line break",
        ),
        ('slurm_additional_parameters: {exclude: "a\\0"}', "has a line break or control character"),
        ('slurm_additional_parameters: {"a\\nb": 1}', "'a\\nb' is no option of sbatch"),
        (
            "gpus_per_node: 0\nruns_per_gpu: 2",
            "field 'runs_per_gpu' is 2: a job has no GPU",
        ),
        ("gpus_per_node: a100", "field 'gpus_per_node' is 'a100'"),
        (
            "gpus_per_node: 1\nslurm_additional_parameters: {gres: 'gpu:a100:1'}",
            "'gres' asks for GPUs, and so does gpus_per_node; keep one",
        ),
    ],
)
def test_a_mistake_in_a_cluster_file(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_cluster(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "device", "options"),
    [
        ("gpus_per_node=null", "cuda", {"gpus_per_node": 1}),
        ("gpus_per_node=a100:1", "cuda", {"gpus_per_node": "a100:1"}),
        ("gpus_per_node=0", "cpu", {}),
        ("gpus_per_node='a100:0'", "cpu", {}),
        ("slurm_additional_parameters={gres: gpu:1}", "cuda", {"gres": "gpu:1"}),
        ("slurm_additional_parameters={gres: nvme:1}", "cuda",
         {"gres": "nvme:1", "gpus_per_node": 1}),
        ("slurm_additional_parameters={gpus: 1}", "cuda", {"gpus": 1}),
        ("slurm_additional_parameters={gpus-per-task: a100:1}", "cuda",
         {"gpus-per-task": "a100:1", "ntasks": 1}),
        ("slurm_additional_parameters={exclusive: false}", "cuda", {"gpus_per_node": 1}),
    ],
)  # fmt: skip
def test_a_gpu_in_any_style_is_asked_for_once_and_used(
    change: str, device: str, options: dict[str, object], tmp_path: Path
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("{}")
    resources = read_cluster(file, [change]).resources("finetune")
    assert resources.resolved_device() == device
    given = resources.submitit()
    extra = given["slurm_additional_parameters"]
    assert extra.pop("requeue") is True
    own = given.get("slurm_gpus_per_node")
    assert extra | ({"gpus_per_node": own} if own else {}) == options
