"""The import graph: cli → models → library, without cycles, rooms from the top down; and the size of the rooms."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Sequence
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from bayes_csc.panel.families import FAMILIES

LAYERS = {"bayes_csc": "bayes_csc", "bayes_csc_models": "models/bayes_csc_models", "bayes_csc_cli": "cli/bayes_csc_cli"}
IMPORTED_AS = {"scikit-learn": "sklearn"}
ROOMS = (
    "files", "panel", "sources", "measurement", "likelihood", "inference", "estimates", "simulation", "evaluation",
    "report",
)  # fmt: skip
"""Rooms of the library in the order in which data flow; each imports from those before it only."""
MOST_MODULES, MOST_LINES = 14, 400
ASKING = ("eq", "ne", "isin", "get", "startswith")
"""Methods that compare with what they are given."""
FORBIDDEN = {"bayes_csc": {"bayes_csc_models", "bayes_csc_cli"}, "bayes_csc_models": {"bayes_csc_cli"}}


def modules(root: Path, package: str) -> dict[str, Path]:
    """Module name of every file of a package."""
    folder = root / LAYERS[package]
    names = {path: [package, *path.relative_to(folder).with_suffix("").parts] for path in folder.rglob("*.py")}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in names.items()}


def imports(name: str, path: Path, *, at_import_time: bool = False) -> set[str]:
    """Absolute names that a module imports, anywhere or only where importing it runs them; `from a import b` is a.b."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if at_import_time and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or typing_only):
            continue
        pending.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*start, *filter(None, [node.module])])
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_from_the_command_line_to_the_models_to_the_library(root: Path, package: str) -> None:
    against = {
        f"{name} imports {target}"
        for name, path in modules(root, package).items()
        for target in imports(name, path)
        if target.split(".")[0] in FORBIDDEN[package]
    }
    assert against == set()


def test_no_module_imports_itself_by_way_of_others(root: Path) -> None:
    known = {name: path for package in LAYERS for name, path in modules(root, package).items()}
    initial = {name for name, path in known.items() if path.name == "__init__.py"}
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        # `from .a import b` means module a.b where there is one, else the name b of module a.
        targets = {t if t in known else t.rpartition(".")[0] for t in imports(name, path, at_import_time=True)}
        graph[name] = (targets & known.keys()) - ({name} if name in initial else set())
    assert list(TopologicalSorter(graph).static_order())


def test_every_imported_package_is_a_declared_dependency(root: Path) -> None:
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    names = [re.split("[<>=]", name)[0] for name in declared]
    packages = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
    allowed = packages | sys.stdlib_module_names | set(LAYERS)
    files = {name: path for package in LAYERS for name, path in modules(root, package).items()}
    undeclared = {
        f"{name} imports {target}"
        for name, path in files.items()
        for target in imports(name, path)
        if target.split(".")[0] not in allowed
    }
    assert undeclared == set()


def test_the_library_neither_prints_nor_reads_the_command_line(root: Path) -> None:
    for name, path in modules(root, "bayes_csc").items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert called.isdisjoint({"print", "sys.exit", "exit", "input"}), name
        assert "sys.argv" not in {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}, name


def test_every_package_is_typed(root: Path) -> None:
    assert [name for name, folder in LAYERS.items() if not (root / folder / "py.typed").is_file()] == []


def test_rooms_import_only_from_rooms_before_them(root: Path) -> None:
    against = set()
    for name, path in modules(root, "bayes_csc").items():
        room = name.split(".")[1:2]
        for target in imports(name, path):
            other = target.split(".")[1:2] if target.startswith("bayes_csc.") else []
            if (
                room
                and other
                and room[0] in ROOMS
                and other[0] in ROOMS
                and ROOMS.index(other[0]) > ROOMS.index(room[0])
            ):
                against.add(f"{name} imports {target}")
    assert against == set()


def test_every_folder_of_the_library_is_a_room_or_within_one(root: Path) -> None:
    folders = {path.name for path in (root / "bayes_csc").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == set(ROOMS)


def test_nothing_outside_the_families_asks_for_the_name_of_one(root: Path) -> None:
    against = set()
    for package in LAYERS:
        for name, path in modules(root, package).items():
            if name.startswith("bayes_csc.panel.families"):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                asked: list[ast.expr | None] = []
                if isinstance(node, ast.Compare):
                    asked = [node.left, *node.comparators]
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
                    asked = list(node.args)
                elif isinstance(node, ast.Subscript):
                    asked = [node.slice]
                elif isinstance(node, ast.MatchValue):
                    asked = [node.value]
                elif isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Set):
                    parts = list(node.keys if isinstance(node, ast.Dict) else node.elts)
                    asked = parts if len(set(FAMILIES) & constants(parts)) > 1 else []  # a table or list of families
                if named := set(FAMILIES) & constants(asked):
                    against.add(f"{name}:{getattr(node, 'lineno', 0)} asks for {', '.join(sorted(named))}")
    assert against == set()


def constants(nodes: Sequence[ast.expr | None]) -> set[object]:
    """The constants among expressions and the members of their tuples, lists and sets."""
    found: set[object] = set()
    for node in nodes:
        if isinstance(node, ast.Constant):
            found.add(node.value)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            found |= constants(node.elts)
    return found


def test_no_room_has_more_modules_than_one_overlooks_and_no_module_is_too_long(root: Path) -> None:
    crowded, long = {}, {}
    for top in (*LAYERS.values(), "tests"):
        for folder in [root / top, *(p for p in (root / top).rglob("*") if p.is_dir())]:
            files = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
            if len(files) > MOST_MODULES:
                crowded[folder.relative_to(root).as_posix()] = len(files)
            if top != "tests":
                long |= {p.name: n for p in files if (n := len(p.read_text("utf-8").splitlines())) > MOST_LINES}
    assert (crowded, long) == ({}, {})


def test_the_architecture_names_every_room(root: Path) -> None:
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `bayes_csc/(\w+)/` \|", text, flags=re.MULTILINE)
    assert named == list(ROOMS)
