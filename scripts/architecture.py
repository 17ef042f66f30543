"""Draw the house from its imports: ``python scripts/architecture.py``.

Writes docs/img/architecture.png. A room is a folder of harness/ (of harness/report/, too), a single
file at its top, or the plugins. An arrow goes from a room to one that it imports when it is loaded
or when a function is called; imports for type checkers alone are no arrows, and arrows that follow
from others are left out. The graph is kept in the picture, so that a test can tell whether it is
still true.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "img" / "architecture.png"
KEY = "rooms"
"""Of the picture's metadata."""
ENGINE = ("sweep", "tune", "protocols", "data", "clip", "training", "execution", "store")
Graph = dict[str, list[str]]


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the project's modules by dotted name; plugins are files of methods and datasets."""
    names = {}
    for top in ("harness", "methods", "datasets"):
        for path in sorted((root / top).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield the project's modules that a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unread = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                name = inner if inner in known else node.module
                if name in known:
                    yield name
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def file_graph(root: Path = ROOT) -> Graph:
    """Return for every module the modules that it imports."""
    known = modules(root)
    return {name: sorted(set(imports(path, known)) - {name}) for name, path in known.items()}


def room(module: str, root: Path = ROOT) -> str:
    """Return the room of a module: ``training``, ``report/tables``, ``specs.py``, ``methods``."""
    top, *rest = module.split(".")
    if top != "harness":
        return top
    if not rest:
        return "harness"
    depth = 2 if rest[0] == "report" and len(rest) > 1 else 1
    name = "/".join(rest[:depth])
    return name if (root / "harness" / name).is_dir() else f"{name}.py"


def room_graph(files: Graph, root: Path = ROOT) -> Graph:
    """Return for every room the rooms that it imports."""
    arrows: dict[str, set[str]] = {}
    for module, targets in files.items():
        own = room(module, root)
        arrows.setdefault(own, set()).update(room(t, root) for t in targets)
    # the package itself is nothing but its lazily loaded names
    return {
        name: sorted(targets - {name, "harness", "report"})
        for name, targets in sorted(arrows.items())
        if name not in ("harness", "report")
    }


def circles(graph: Graph) -> list[list[str]]:
    """Return groups of nodes that reach each other (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in graph.get(node, []):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            at = stack.index(node)
            members = stack[at:]
            del stack[at:]
            if len(members) > 1:
                groups.append(sorted(members))

    for node in graph:
        if node not in order:
            visit(node)
    return groups


def uphill(files: Graph, root: Path = ROOT) -> list[tuple[str, str]]:
    """Return imports by which the engine would depend on the report, the verbs or a plugin."""
    above = ("report", "cli", "check", "cost", "maps", "methods", "datasets", "api.py")
    return [
        (module, target)
        for module, targets in files.items()
        for target in targets
        if room(module, root).split("/")[0] in ENGINE and room(target, root).split("/")[0] in above
    ]


def reduced(graph: Graph) -> Graph:
    """Return the graph without arrows that a longer way makes superfluous; it has no circle."""

    def reach(node: str) -> set[str]:
        if node not in known:
            known[node] = set(graph.get(node, []))
            for target in graph.get(node, []):
                known[node] |= reach(target)
        return known[node]

    known: dict[str, set[str]] = {}
    return {
        node: [t for t in targets if not any(t in reach(o) for o in targets if o != t)]
        for node, targets in graph.items()
    }


def floors(graph: Graph) -> dict[str, int]:
    """Return each room's floor: one above the highest that it imports."""
    known: dict[str, int] = {}

    def floor(node: str) -> int:
        if node not in known:
            known[node] = 1 + max((floor(t) for t in graph.get(node, [])), default=-1)
        return known[node]

    return {node: floor(node) for node in graph}


def lines_of(root: Path = ROOT) -> dict[str, int]:
    """Return the lines of code of every room."""
    counts: dict[str, int] = {}
    for module, path in modules(root).items():
        own = room(module, root)
        counts[own] = counts.get(own, 0) + len(path.read_text(encoding="utf-8").splitlines())
    return counts


_COLOURS = {
    "contracts": "#fdf3d0", "engine": "#d6e6f4", "report": "#dcefdc", "tools": "#eadff0",
    "doors": "#e6e6e6", "plugins": "#fbe0cc",
}  # fmt: skip


def _kind(name: str) -> str:
    top = name.split("/")[0]
    if name in ("methods", "datasets"):
        return "plugins"
    if top in ENGINE:
        return "engine"
    if top == "report":
        return "report"
    if top in ("check", "cost", "maps", "console"):
        return "tools"
    return "doors" if top in ("cli", "api.py") else "contracts"


def draw(graph: Graph, counts: Mapping[str, int]) -> Figure:
    """Return the picture: rooms on floors, arrows downwards."""
    level = floors(graph)
    by_floor: dict[int, list[str]] = {}
    for name in graph:
        by_floor.setdefault(level[name], []).append(name)
    arrows = reduced(graph)
    x: dict[str, float] = {}
    widest = max(len(names) for names in by_floor.values())
    for number in sorted(by_floor):
        names = by_floor[number]
        if number:  # above what it stands on, so that arrows are short
            names.sort(key=lambda n: sum(x[t] for t in graph[n]) / max(1, len(graph[n])))
        for place, name in enumerate(names):
            x[name] = (place + 0.5) * widest / len(names)
    figure = Figure(figsize=(1.45 * widest + 0.4, 0.86 * len(by_floor) + 0.7))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-0.1, widest + 0.1)
    axes.set_ylim(-0.9, len(by_floor) - 0.3)
    axes.axis("off")
    for name, targets in arrows.items():
        for target in targets:
            axes.annotate(
                "",
                zorder=1,
                xy=(x[target], level[target] + 0.26),
                xytext=(x[name], level[name] - 0.26),
                arrowprops={"arrowstyle": "-|>", "color": "#888888", "lw": 0.7,
                            "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7},
            )  # fmt: skip
    for name in graph:
        _box(axes, x[name], level[name], name, counts.get(name, 0))
    step = widest / len(_COLOURS)
    for place, (kind, colour) in enumerate(_COLOURS.items()):
        axes.text(
            (place + 0.5) * step, -0.74, kind, fontsize=6, va="center", ha="center",
            bbox={"boxstyle": "round,pad=0.3", "fc": colour, "ec": "#555555", "lw": 0.6},
        )  # fmt: skip
    return figure


def _box(axes: Axes, x: float, y: float, name: str, lines: int) -> None:
    width, height = 0.92, 0.52
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height,
            boxstyle="round,pad=0,rounding_size=0.06",
            fc=_COLOURS[_kind(name)], ec="#555555", lw=0.8, zorder=2,
        )
    )  # fmt: skip
    axes.text(x, y + 0.08, name, ha="center", va="center", fontsize=8, zorder=3)
    axes.text(x, y - 0.13, f"{lines:,} lines", ha="center", va="center", fontsize=6, zorder=3,
              color="#555555")  # fmt: skip


def main() -> int:
    """Write the picture; 1 if there is a circle or an arrow from the engine upwards."""
    files = file_graph()
    graph = room_graph(files)
    wrong = [f"circle: {' - '.join(group)}" for group in (*circles(files), *circles(graph))]
    wrong += [f"the engine looks up: {a} imports {b}" for a, b in uphill(files)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    figure = draw(graph, lines_of())
    text = json.dumps(graph, sort_keys=True)
    figure.savefig(PICTURE, dpi=110, metadata={KEY: text, "Software": None})
    print(f"{PICTURE.relative_to(ROOT)}: {len(graph)} rooms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
