"""Techniques that a task rules out, found in the source: what `forbidden_trap.trap` cannot see, or code that undoes it.

A use is found by following names through imports and aliases, in a task's function and in every function, class or
value of the submission that it reaches. Where it is unclear what a name means, it is no use: to call right code
forbidden would be worse than to leave a use to the trap.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.learner.forbidden_trap import COMPLEX
from autograder.learner.parsing import Parser
from autograder.text import clean

_FUNCTION = re.compile(r"torch\.autograd\.(Function|function\.(Function|InplaceFunction|NestedIOFunction))")
_RULES = frozenset({"apply", "forward", "backward", "vjp", "jvp", "setup_context", "vmap"})  # what a Function is made of
_DIFFERENTIATES = re.compile(
    r"torch\.autograd\.(grad|backward|(functional|forward_ad|gradcheck)\.\w+|graph\.get_gradient_edge)"
    r"|torch\.Tensor\.backward|torch\.nn\.grad\.\w+"
    r"|(torch\.func|functorch|torch\._functorch\.\w+)"
    r"\.(grad|grad_and_value|vjp|jvp|jacrev|jacfwd|hessian|linearize)"
    r"|torch\.(\w+\.)*\w*_backward"
)
_INTERNALS = frozenset({  # nobody who works by hand needs these: they call the engine, or switch the trap off
    "_execution_engine", "_ImperativeEngine", "_EngineBase", "_engine_run_backward", "BackwardCFunction",
    "_FunctionBase", "_enter_dual_level", "_make_dual", "_grad_increment_nesting", "_jvp_increment_nesting",
    "_disable_current_modes", "_pop_torch_dispatch_stack", "_DisableTorchDispatch", "_ExcludeDispatchKeyGuard",
    "_bootstrap_inner", "autograder.learner.forbidden_trap",
})  # fmt: skip
_FOREIGN = frozenset({"ctypes", "_ctypes", "cffi", "sympy", "mpmath"})  # machine code, and algebra that differentiates
_HIDES = frozenset({"exec", "eval", "compile"})
_COMPILED = (".pyc", ".pyo", ".so", ".pyd")
_MAX_ALIASES = 8

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr
Bound = str | Definition | None  # an imported path, what the name stands for, or something unclear
Scope = dict[str, Bound]

_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Found:
    """A use of what a task rules out: `technique` completes "your code uses …", `text` is the source line."""

    file: str
    line: int
    text: str
    technique: str


@dataclass(frozen=True)
class _Module:
    file: str
    lines: list[str]
    nodes: Sequence[ast.AST]
    names: Scope


@dataclass(frozen=True)
class _Own:
    """Something that the submission defines."""

    module: _Module
    node: Definition


@dataclass(frozen=True)
class _Search:
    """What one task reaches; methods of its classes wait until something calls an attribute of their name."""

    modules: dict[str, _Module]
    has_backward: bool
    pending: deque[_Own] = field(default_factory=deque)
    seen: set[ast.AST] = field(default_factory=set)
    methods: dict[str, list[_Own]] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)


def look(sources: Mapping[str, str], module: str, tasks: Sequence[str], parser: Parser | None = None) -> dict[str, Found]:
    """The first use found for each of `tasks`; a task without one is left out.

    `sources` are the texts of the Python files of a submission by their relative paths; the tasks are defined in
    `module`. A file that does not parse has no uses. Very deep nesting raises RecursionError or MemoryError.
    """
    parser, modules = parser or Parser(), dict[str, _Module]()
    for file, text in sources.items():
        parsed = parser.of(text)
        if isinstance(parsed.fault, RecursionError | MemoryError):
            raise parsed.fault
        modules[_dotted(file)] = _Module(file, re.split(r"\r\n|\r|\n", text), parsed.nodes, _scope(parsed.tree))
    undone = next((found for each in modules.values() for found in _undoing(each)), None)
    has_backward = any(_names_backward(node) for each in modules.values() for node in each.nodes)
    found = {task: undone or _first_use(_Search(modules, has_backward), _dotted(module), task) for task in tasks}
    return {task: use for task, use in found.items() if use}


def compiled(files: Iterable[str]) -> Found | None:
    """The first of a submission's files that Python could run and nobody can read."""
    found = next((file for file in sorted(files) if file.endswith(_COMPILED)), None)
    return Found(found, 1, found, "a compiled file, which cannot be read") if found else None


def _dotted(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def _at(module: _Module, node: ast.AST, technique: str) -> Found:
    line = getattr(node, "lineno", 1)
    return Found(module.file, line, clean("".join(module.lines[line - 1 : line]).strip(), 120), technique)


def _undoing(module: _Module) -> Iterator[Found]:
    for node in module.nodes:
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) | ast.Constant(value=str(name)):
                used = {name, name.rpartition(".")[2]} & _INTERNALS
            case ast.ImportFrom(module=str(path)):
                used = {path, *(f"{path}.{alias.name}" for alias in node.names)} & _INTERNALS
            case _:
                continue
        yield from (_at(module, node, f"{name}, which is internal to PyTorch or to the grader") for name in used)


def _names_backward(node: ast.AST) -> bool:
    """Whether the submission itself calls something `backward`: then a method of that name may be its own."""
    match node:
        case ast.FunctionDef(name="backward") | ast.ClassDef(name="backward") | ast.keyword(arg="backward"):
            return True
        case ast.Attribute(attr="backward", ctx=ast.Store()) | ast.Name(id="backward", ctx=ast.Store()):
            return True
        case ast.alias(name="backward") | ast.alias(asname="backward") | ast.Constant(value="backward"):
            return True
        case ast.Call(args=[_, ast.Constant(value=str(fields))]):  # namedtuple("Layer", "forward backward")
            return "backward" in fields
    return False


def _scope(root: ast.AST) -> Scope:
    """What each name that `root` binds stands for; names of inner functions count as the outer function's."""
    whole = isinstance(root, ast.Module)
    times: Counter[str] = Counter()
    values: Scope = {}
    for node in sorted(_inside(root, into=not whole), key=lambda node: getattr(node, "lineno", 0)):
        found: list[tuple[str, Bound]] = []
        match node:
            case ast.Import():
                found = [(a.asname, a.name) if a.asname else (a.name.split(".")[0],) * 2 for a in node.names]
            case ast.ImportFrom():
                found = [(a.asname or a.name, f"{node.module or ''}.{a.name}".lstrip(".")) for a in node.names]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found = [(node.name, node)]
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                values[name] = node.value
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                times[name] += 1
        values.update(found)
        times.update(name for name, _ in found)
    # In a module the last definition counts; in a function, which of several is meant is unclear.
    return {name: values.get(name) if whole or count == 1 else None for name, count in times.items()}


def _inside(root: ast.AST, *, into: bool) -> Iterator[ast.AST]:
    """The nodes below `root`; those inside functions and classes only if `into`."""
    pending = deque(ast.iter_child_nodes(root))
    while pending:
        node = pending.popleft()
        yield node
        if into or not isinstance(node, _DEFINES):
            pending.extend(ast.iter_child_nodes(node))


def _first_use(search: _Search, module: str, task: str) -> Found | None:
    _reach(search, _meaning(search, search.modules[module], {}, ast.Name(id=task, ctx=ast.Load())))
    while search.pending:
        if found := _scan(search, search.pending.popleft()):
            return found
        for name in [n for n in search.methods if n in search.attributes or n.startswith("__")]:
            for method in search.methods.pop(name):
                _reach(search, method)
    return None


def _reach(search: _Search, target: str | _Own | None) -> None:
    if isinstance(target, _Own) and target.node not in search.seen:
        search.seen.add(target.node)
        search.pending.append(target)


def _scan(search: _Search, own: _Own) -> Found | None:
    module, root = own.module, own.node
    is_class = isinstance(root, ast.ClassDef)
    local = {} if is_class else _scope(root)
    for node in (root, *_inside(root, into=not is_class)):
        if is_class and node is not root and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            search.methods.setdefault(node.name, []).append(_Own(module, node))
            continue
        if technique := _technique(search, module, local, node):
            return _at(module, node, technique)
        if isinstance(node, ast.Attribute):
            search.attributes.add(node.attr)
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id not in local):
            _reach(search, _meaning(search, module, local, node))
    return None


def _technique(search: _Search, module: _Module, local: Scope, node: ast.AST) -> str:
    """What `node` differentiates with, or ""."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Call):
        path = _meaning(search, module, local, node)
        if isinstance(path, str) and (_DIFFERENTIATES.fullmatch(path) or path.partition(".")[0] in _FOREIGN):
            return path
    match node:
        case ast.Constant(value=complex()) | ast.Attribute(attr="imag" | "view_as_real" | "view_as_complex"):
            return COMPLEX
        case ast.Attribute(attr="complex32" | "complex64" | "complex128" | "cfloat" | "cdouble" | "chalf"):
            return COMPLEX
        case ast.Call(func=ast.Name(id=name)) if name in _HIDES and name not in {**module.names, **local}:
            return f"{name}(), which hides what it runs"
        case ast.Call(func=ast.Attribute(attr="grad_fn")):
            return "the derivative behind a tensor's grad_fn"
        case ast.Call(func=ast.Attribute(attr="backward") as method) if not search.has_backward:
            return ".backward()" if _meaning(search, module, local, method) is None else ""
        case (
            ast.Attribute(value=owner, attr=name)
            | ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_])
        ) if name in _RULES and _is_function(search, _meaning(search, module, local, owner)):
            return "a custom autograd Function"
        case ast.Call(func=made) if _is_function(search, _meaning(search, module, local, made)):
            return "a custom autograd Function"
    return ""


def _is_function(search: _Search, target: str | _Own | None, depth: int = 0) -> bool:
    """Whether it is a class of the submission's that comes of PyTorch's own Function."""
    if not isinstance(target, _Own) or not isinstance(target.node, ast.ClassDef) or depth > _MAX_ALIASES:
        return False
    for base in (_meaning(search, target.module, {}, base) for base in target.node.bases):
        if _FUNCTION.fullmatch(base) if isinstance(base, str) else _is_function(search, base, depth + 1):
            return True
    return False


def _meaning(search: _Search, module: _Module, local: Scope, node: ast.expr, depth: int = 0) -> str | _Own | None:
    """The import path that an expression stands for, or what of the submission's own; None if that is unclear."""
    if depth > _MAX_ALIASES:
        return None
    match node:
        case ast.Name(id=name) if name in local:
            return _bound(search, module, local, local[name], depth)
        case ast.Name(id=name):
            return _bound(search, module, {}, module.names.get(name), depth)
        case (
            ast.Attribute(value=value, attr=name)
            | ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name)), *_])
        ):
            base = _meaning(search, module, local, value, depth + 1)
            return _bound(search, module, {}, f"{base}.{name}", depth) if isinstance(base, str) else None
        case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str(path)), *_]):
            return path.split(".")[0]
        case ast.Call(func=function, args=[ast.Constant(value=str(path)), *_]):
            called = _meaning(search, module, local, function, depth + 1)
            return path if called == "importlib.import_module" else None
    return None


def _bound(search: _Search, module: _Module, local: Scope, value: Bound, depth: int) -> str | _Own | None:
    if isinstance(value, str):
        helper, _, name = value.rpartition(".")
        if helper not in search.modules or name not in search.modules[helper].names or depth > _MAX_ALIASES:
            return value
        return _bound(search, search.modules[helper], {}, search.modules[helper].names[name], depth + 1)
    if isinstance(value, ast.Name | ast.Attribute | ast.Call):
        meaning = _meaning(search, module, local, value, depth + 1)
        return meaning if meaning is not None or local else _Own(module, value)
    return _Own(module, value) if isinstance(value, _DEFINES) else None
