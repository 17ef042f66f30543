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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timeout_mn: 3", "unknown field 'timeout_mn'; did you mean timeout_min"),
        ("timeout_min: 0", "field 'timeout_min' is 0"),
        ("gpus_per_node: 4", "field 'gpus_per_node' is 4"),
        ("methods: {clipod: {mem_gb: 1}}", "unknown method"),
        ("methods: {clipood: {mem: 1}}", "'mem': did you mean mem_gb"),
        ("slurm_additional_parameters: {array: 3}", "'array' is set by the harness"),
        ("slurm_additional_parameters: {partition: x}", "'partition' is set by the harness or has"),
        ("a: [", "not valid YAML"),
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
