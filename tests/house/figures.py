"""Figures of the house: ``python tests/house/figures.py [PACKAGE ...]`` prints one column per
package folder.

They say how a stranger will find the code, not whether it is right: how packed its lines are, how
its functions are named, how its calls are written, how its rooms depend on each other. Any
package's folder can be given, so that two versions, or another project, stand side by side.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
MANY_POSITIONAL = 7
"""Positional arguments from which a call counts as one that nobody can read."""
UNIT = re.compile(
    r"\[[^\]]*\]|\bunit|dimensionless|\bppm\b|\bdegree|\bangstrom|\beV\b|\bHz\b|\bdegC\b"
)
SHAPE = re.compile(r"shape|\bscalar\b|\bdims?\b|\bfloat\b|\bint\b|\bdimension")
NUMBERS = re.compile(r"Array|Complex|Index|Bool|float|int\b|Dataset|DataArray")
"""Annotations of arguments that have a unit and a shape."""
VERBS = frozenset(
    """
    add align append apply apodise assemble assert assign assume average bin bracket build
    calculate calibrate call carry centre check choose chunk classify clean clear clip close
    collect combine compare compile complete compute conclude condition convert convolve copy
    correct count cut decide decode define delete derive describe detect determine differentiate
    digest discard display divide draw drop dump embed empty enclose encode ensure enter estimate
    evaluate examine exclude expand explain export express extract extend factor fail fetch fill
    filter find finish fit fix flag flatten fold follow forget fork format freeze gather generate
    get give group grow guess handle has hash hold identify import index infer inform inspect
    install insert integrate interpolate invert is iterate join judge keep kill label lay lift
    limit link list load locate log look make mark mask match measure merge minimise model move
    multiply name normalise note open order orient pad parse part pass pick place plot predict
    prepare print project propagate propose prove prune pull put quantify quote raise rank read
    rebin reconstruct record recover redraw reduce refine refuse register regrid regularise reject
    remove rename render reorder repeat replace report request require rescale reset resolve
    restore restrict resume return reweight rotate round run sample save say scale scan scatter
    search see select send separate serve set shift show sign simulate skip smooth solve sort split
    stack stamp start state step stop store strip subtract suggest sum summarise swap switch
    symmetrise tabulate take tell test tie time track transform translate trim try turn undo unfold
    unpack unwrap update use validate verify visit wait walk warn weigh weight widen wrap write
    yield
    """.split()
)
"""What a function does; ``x_from_y`` names a formula and counts as well."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """One source file."""

    path: Path
    text: str
    name: str
    """Dotted, from the package on."""

    @cached_property
    def tree(self) -> ast.Module:
        """Syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods but the special ones."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, Function)]
        return [f for f in found if not f.name.startswith("__")]


def read_modules(package: Path) -> list[Module]:
    """Return the modules of a package's folder."""
    modules = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        modules.append(Module(path=path, text=path.read_text(encoding="utf-8"), name=name))
    return modules


def tokens_per_code_line(modules: Iterable[Module]) -> str:
    """Return tokens by lines that hold any, docstrings and comments apart."""
    tokens, lines = 0, 0
    layout = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    for module in modules:
        held: set[int] = set()
        documented = {
            line
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
            if token.type not in layout and token.start[0] not in documented:
                tokens += 1
                held.add(token.start[0])
        lines += len(held)
    return f"{tokens / max(lines, 1):.1f}"


def formatter_switched_off(modules: Iterable[Module]) -> str:
    """Return the places that switch the formatter off."""
    return str(sum(len(re.findall(r"# fmt: (?:skip|off)", m.text)) for m in modules))


def calls_with_many_positional(modules: Iterable[Module]) -> str:
    """Return calls with `MANY_POSITIONAL` and more positional arguments, and the most."""
    counts = [
        len(n.args)
        for m in modules
        for n in ast.walk(m.tree)
        if isinstance(n, ast.Call) and not _splat(n.args)
    ]
    many = [c for c in counts if c >= MANY_POSITIONAL]
    return f"{len(many)} (most {max(counts, default=0)})"


def _splat(arguments: Iterable[ast.expr]) -> bool:
    return any(isinstance(a, ast.Starred) for a in arguments)


def largest_folder(modules: Iterable[Module]) -> str:
    """Return the most modules in one folder, and which."""
    folder, count = Counter(m.path.parent for m in modules).most_common(1)[0]
    return f"{count} ({folder.name})"


def named_by_a_verb(modules: Iterable[Module]) -> str:
    """Return the share of functions whose name begins with a verb or is a formula ``x_from_y``."""
    names = [f.name.strip("_") for m in modules for f in m.functions if not _is_property(f)]
    good = [
        n for n in names if n.split("_")[0] in VERBS or "_from_" in n or n in ("main", "to", "of")
    ]
    return f"{100 * len(good) / max(len(names), 1):.0f} %"


def _is_property(function: Function) -> bool:
    return any("property" in ast.unparse(d) for d in function.decorator_list)


def comment_lines(modules: Iterable[Module]) -> str:
    """Return the share of lines that are comments of their own."""
    lines = [line.strip() for m in modules for line in m.text.splitlines() if line.strip()]
    return f"{100 * sum(line.startswith('#') for line in lines) / max(len(lines), 1):.1f} %"


def typed_arguments(modules: Iterable[Module]) -> str:
    """Return the share of arguments with a type."""
    arguments = [
        a
        for m in modules
        for f in m.functions
        for a in [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        if a.arg not in ("self", "cls")
    ]
    return (
        f"{100 * sum(a.annotation is not None for a in arguments) / max(len(arguments), 1):.0f} %"
    )


def docstrings_with_unit_and_shape(modules: Iterable[Module]) -> str:
    """Return the shares of public functions that take numbers whose docstring names a unit, and a
    shape."""
    public = [
        f for m in modules for f in m.functions if not f.name.startswith("_") and _takes_numbers(f)
    ]
    docs = [ast.get_docstring(f) or "" for f in public]
    total = max(len(docs), 1)
    units, shapes = (100 * sum(bool(p.search(d)) for d in docs) / total for p in (UNIT, SHAPE))
    return f"{units:.0f} % / {shapes:.0f} %"


def _takes_numbers(function: Function) -> bool:
    arguments = [*function.args.args, *function.args.kwonlyargs]
    return any(a.annotation and NUMBERS.search(ast.unparse(a.annotation)) for a in arguments)


def keyword_only_dataclasses(modules: Iterable[Module]) -> str:
    """Return keyword-only dataclasses by all."""
    found = [
        ast.unparse(d)
        for m in modules
        for n in ast.walk(m.tree)
        if isinstance(n, ast.ClassDef)
        for d in n.decorator_list
        if "dataclass" in ast.unparse(d)
    ]
    return f"{sum('kw_only=True' in d for d in found)} of {len(found)}"


def enums(modules: Iterable[Module]) -> str:
    """Return how many enumerations there are."""
    return str(
        sum(
            "Enum" in ast.unparse(b)
            for m in modules
            for n in ast.walk(m.tree)
            if isinstance(n, ast.ClassDef)
            for b in n.bases
        )
    )


def compared_with_bare_words(modules: Iterable[Module]) -> str:
    """Return comparisons of a value with a literal word, ``x == "ok"``."""
    return str(
        sum(
            any(
                isinstance(s, ast.Constant) and isinstance(s.value, str) and s.value
                for s in [n.left, *n.comparators]
            )
            for m in modules
            for n in ast.walk(m.tree)
            if isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Eq | ast.NotEq)
        )
    )


def import_graph(modules: Iterable[Module]) -> dict[str, set[str]]:
    """Return module to the modules of the same package that it imports, those for the type checker
    alone left out."""
    known = {m.name: m for m in modules}
    graph: dict[str, set[str]] = {}
    for name, module in known.items():
        typing_only = {
            id(inner)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for part in node.body
            for inner in ast.walk(part)
        }
        used: set[str] = set()
        for node in ast.walk(module.tree):
            if id(node) in typing_only:
                continue
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    used.add(full if full in known else node.module)
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
        graph[name] = {u for u in used if u in known and u != name}
    return graph


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one module (R. Tarjan, SIAM J. Comput.
    1 (1972) 146)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def connect(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in order:
                connect(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in order:
            connect(node)
    return found


def import_cycles(modules: Iterable[Module]) -> str:
    """Return how many cycles of imports there are."""
    return str(len(cycles(import_graph(modules))))


def used_by_one(modules: Iterable[Module]) -> str:
    """Return modules that one other module alone imports, by all."""
    graph = import_graph(modules)
    importers = Counter(used for name in graph for used in graph[name])
    return f"{sum(importers[name] == 1 for name in graph)} of {len(graph)}"


FIGURES: Mapping[str, Callable[[list[Module]], str]] = {
    "modules": lambda modules: str(len(modules)),
    "tokens per code line": tokens_per_code_line,
    "formatter switched off, places": formatter_switched_off,
    f"calls with {MANY_POSITIONAL} and more positional arguments": calls_with_many_positional,
    "largest folder, modules": largest_folder,
    "functions named by a verb or a formula": named_by_a_verb,
    "comment lines": comment_lines,
    "typed arguments": typed_arguments,
    "public docstrings with unit / shape": docstrings_with_unit_and_shape,
    "keyword-only dataclasses": keyword_only_dataclasses,
    "enumerations": enums,
    "comparisons with a bare word": compared_with_bare_words,
    "modules with one importer": used_by_one,
    "import cycles": import_cycles,
}


def rooms(modules: Iterable[Module]) -> dict[str, set[str]]:
    """Return each room and the rooms it imports.

    A room is a folder without further ones but formats and the like; a module beside rooms, shared
    by them or gathering from them, stands for itself.
    """
    graph: dict[str, set[str]] = {}
    packages = {m.name for m in modules if m.path.name == "__init__.py"}
    for name, used in import_graph(modules).items():
        home = _room(name, packages)
        graph.setdefault(home, set()).update(_room(other, packages) for other in used)
    return {home: used - {home} for home, used in sorted(graph.items())}


def _room(name: str, packages: set[str]) -> str:
    """Return a module's room: its folder at depth two, in a technique or in results at three."""
    parts = name.split(".")
    holders = {"hexrd", "xas", "nmr", "results", "simulate"}
    depth = 3 if len(parts) > 1 and parts[1] in holders else 2
    place = ".".join(parts[:depth])
    return place if place in packages else name


def main() -> None:
    """Print the table, then the rooms and what each imports."""
    given = [Path(word) for word in sys.argv[1:] if word != "--rooms"] or [Path("ssbchar")]
    columns = [read_modules(package) for package in given]
    print("| | " + " | ".join(package.as_posix() for package in given) + " |")
    print("|---" * (len(given) + 1) + "|")
    for name, figure in FIGURES.items():
        print(f"| {name} | " + " | ".join(figure(modules) for modules in columns) + " |")
    if "--rooms" in sys.argv:
        for home, used in rooms(columns[-1]).items():
            print(f"{home} <- {', '.join(sorted(u.split('.', 1)[-1] for u in used)) or '-'}")


if __name__ == "__main__":
    main()
