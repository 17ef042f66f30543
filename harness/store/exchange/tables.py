"""Records and predictions as Parquet, for whoever analyses elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.store.integrity import BEST, DTYPES, LATER
from harness.store.store import Store


def arrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet part.

    Raises:
        UserError: If the package is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UserError("Parquet needs the package pyarrow; pip install pyarrow") from None
    return pyarrow, parquet


def write_predictions(store: Store, runs: list[str], path: Path) -> int:
    """Write a line for each tested image of each run; return how many there are.

    Columns: ``run``, ``test_set`` (its name), ``image`` (its place in the test set), then the
    arrays of `harness.store.records.Predictions` by their names. A group of rows is a run, so that
    memory does not grow with the store. The file appears when it is whole.

    Args:
        store: Of the runs.
        runs: Ids of finished runs.
        path: Where to.
    """
    pyarrow, parquet = arrow()
    aside = path.with_name(f".{path.name}.part")
    writer, lines = None, 0
    try:
        for run in runs:
            table = pyarrow.table(_columns(store, run, pyarrow))
            writer = writer or parquet.ParquetWriter(aside, table.schema, compression="zstd")
            writer.write_table(table)
            lines += table.num_rows
        if writer is not None:
            writer.close()
            aside.replace(path)
        else:
            path.unlink(missing_ok=True)  # of another store
    finally:
        aside.unlink(missing_ok=True)
    return lines


def _columns(store: Store, run: str, pyarrow: Any) -> dict[str, Any]:
    found = store.predictions(run)
    names = np.array(list(store.read(run).metrics.tests))
    places = np.empty(len(found.test), np.int32)
    for number in range(len(names)):
        own = found.test == number
        places[own] = np.arange(own.sum())
    columns: dict[str, Any] = {
        "run": pyarrow.array([run] * len(found.test)).dictionary_encode(),
        "test_set": pyarrow.array(names[found.test]).dictionary_encode(),
        "image": places,
    }
    for name, kind in (DTYPES | LATER).items():
        values = getattr(found, name)
        one = pyarrow.from_numpy_dtype(kind)
        if name == "test":
            continue
        if values is None:  # of a run of before it was kept: the columns of all runs are the same
            empty = pyarrow.list_(one) if name in BEST else one
            columns[name] = pyarrow.nulls(len(found.test), empty)
        elif name in BEST:  # as many as there are classes, up to five
            ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
            flat = pyarrow.array(values.reshape(-1))
            columns[name] = pyarrow.ListArray.from_arrays(ends, flat)
        else:
            columns[name] = pyarrow.array(values)
    return columns
