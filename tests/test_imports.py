"""What importing costs, which way imports run, and how long files are."""

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx

import tensorrank

PACKAGE = Path(tensorrank.__file__).parent


def imports() -> nx.DiGraph:
    """An edge from each module of the package to each that it imports, for types only and inside functions too."""
    files = {}
    for path in PACKAGE.rglob("*.py"):
        *folders, name = path.relative_to(PACKAGE.parent).with_suffix("").parts
        files[".".join(folders if name == "__init__" else [*folders, name])] = path
    graph = nx.DiGraph()
    for module, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} imports relative to itself"
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                named = [name if name in files else node.module for name in inside]
            else:
                continue
            graph.add_edges_from((module, name) for name in named if name in files)
    return graph


def test_no_module_imports_itself_in_a_circle():
    graph = imports()
    assert graph.number_of_edges() > 500
    assert not list(nx.selfloop_edges(graph))
    circles = [found for found in nx.strongly_connected_components(graph) if len(found) > 1]
    assert not circles, "\n".join(", ".join(sorted(circle)) for circle in circles)


def test_no_file_has_more_than_400_lines():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after the code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(told.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    bare, loaded = loaded_after("pass"), loaded_after("import tensorrank")
    own = {module for module in loaded - bare if module.split(".")[0] == "tensorrank"}
    assert own == {"tensorrank", "tensorrank.version"}
    assert loaded.isdisjoint({"numpy", "numba", "scipy", "networkx", "opt_einsum", "matplotlib", "rich", "typer"})


def test_the_command_line_begins_without_anything_heavy():
    """So that help and completion answer at once."""
    loaded = loaded_after("import tensorrank.cli.main")
    assert "typer" in loaded
    assert loaded.isdisjoint({"numba", "scipy", "networkx", "opt_einsum", "matplotlib", "pandas", "torch"})


def test_using_the_public_names_compiles_no_kernel_and_loads_no_pictures():
    code = """
from numba import njit
from numba.core.event import install_recorder
import tensorrank

with install_recorder("numba:compile") as compiled:
    for name in set(tensorrank.__all__) - {"figures"}:
        getattr(tensorrank, name)
    assert not compiled.buffer
    njit(lambda x: -x)(1)
    assert compiled.buffer
"""
    loaded = loaded_after(f"exec({code!r})")
    assert "tensorrank.attention.evaluate" in loaded
    assert loaded.isdisjoint({"matplotlib", "rich", "typer", "torch", "pandas"})
