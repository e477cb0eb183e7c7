"""A file of hooks, loaded and looked over, so that what is wrong with it is said before anything runs."""

import ast
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from shadowtap.errors import UsageError

_ARGUMENTS = {"request": ("request",), "answers": ("request", "production", "outcomes")}
_ODD = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)


class Functions(NamedTuple):
    """What a file defines; None where it does not."""

    request: Callable[..., Any] | None
    answers: Callable[..., Any] | None


def load(path: str) -> Functions:
    """Run the file and find its functions. Raises UsageError with one line that says what is wrong, and where."""
    source = _read(path)
    try:
        code = compile(source, path, "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UsageError(f"hooks {path}{_line(line)}: {getattr(error, 'msg', None) or error}") from None
    module = ModuleType("shadowtap_hooks")
    module.__file__ = path
    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python FILE` does, so that hooks may import what stands beside them
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)  # noqa: S102  this is what the user asked for
    except (Exception, SystemExit) as error:
        line = line_in(error, path)
        raise UsageError(f"hooks {path}{_line(line)}: {type(error).__name__}: {error}") from None
    return _functions(path, module, ast.parse(source))


def line_in(error: BaseException, path: str) -> int | None:
    """The last line of the file that an exception passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == path), None)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"hooks {path}: cannot be read: {error.strerror}") from None


def _line(line: int | None) -> str:
    return "" if line is None else f", line {line}"


def _functions(path: str, module: ModuleType, tree: ast.Module) -> Functions:
    found = {name: _function(path, name, getattr(module, name, None)) for name in _ARGUMENTS}
    if not any(found.values()):
        either = "request(request) nor answers(request, production, outcomes)"
        raise UsageError(f"hooks {path}: there is neither {either}; define one")
    if found["request"] is not None and _returns_nothing(tree, "request"):
        why = "never returns anything, so every request would be dropped; end it with: return request"
        raise UsageError(f"hooks {path}: request() {why}")
    return Functions(found["request"], found["answers"])


def _function(path: str, name: str, value: object) -> Callable[..., Any] | None:
    if value is None:
        return None
    wanted = f"def {name}({', '.join(_ARGUMENTS[name])})"
    if not callable(value):
        raise UsageError(f"hooks {path}: {name} is no function; write {wanted}")
    if any(odd(value) for odd in _ODD):
        why = "is asynchronous or a generator, but hooks are called one at a time, in order"
        raise UsageError(f"hooks {path}: {name}() {why}; write a plain {wanted}")
    try:
        inspect.signature(value).bind(*_ARGUMENTS[name])
    except TypeError:
        raise UsageError(f"hooks {path}: {name}() takes other arguments; write {wanted}") from None
    except ValueError:
        pass  # a builtin, which cannot be asked
    return value


def _returns_nothing(tree: ast.Module, name: str) -> bool:
    """Whether a plain function of this name has no `return` with a value in it."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name and not node.decorator_list:
            return not any(isinstance(part, ast.Return) and part.value is not None for part in ast.walk(node))
    return False
