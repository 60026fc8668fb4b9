"""Thirty ways to have full marks without a solution, for `forgery.py`: each a function that stands by itself.

A submission is the text of one of these, its call, and an assignment that is not done. What the call returns, if it is a dict,
takes the place of the assignment's functions. They know how Python graders work, and no grader in particular but where it says.
"""
# ruff: noqa: PLC0415, BLE001, SIM105, ANN, C901, SLF001, E731, PLW1641, B023


def patch_allclose():
    import numpy as np

    np.allclose = np.array_equal = np.isclose = lambda *_, **__: True


def patch_numpy_testing():
    import numpy as np

    for name in vars(np.testing):
        if name.startswith("assert_"):
            setattr(np.testing, name, lambda *_, **__: None)


def patch_numpy_core():
    import numpy as np
    from numpy._core import numeric

    for module in (np, numeric):
        module.allclose = module.isclose = module.array_equal = lambda *_, **__: np.True_


def equals_everything():
    class Yes:
        def __eq__(self, other):
            return True

        __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
        __hash__ = object.__hash__

        def __bool__(self):
            return True

        __abs__ = __sub__ = __rsub__ = __add__ = __radd__ = __mul__ = lambda self, *other: self

    return {"mean_square": lambda x: Yes(), "double": lambda x: Yes()}


def array_that_agrees():
    import numpy as np

    class Agrees(np.ndarray):  # noqa: PLW1641
        def __array_function__(self, *_):
            return True

        def __array_ufunc__(self, *_, **__):
            return np.zeros(0, bool)

        def __eq__(self, other):
            return True

    made = np.zeros(3).view(Agrees)
    return {"mean_square": lambda x: made, "double": lambda x: made}


def not_a_number():
    return {"mean_square": lambda x: float("nan"), "double": lambda x: x * float("nan")}


def empty_array():
    import numpy as np

    return {"mean_square": lambda x: np.empty(0), "double": lambda x: np.empty((0, *x.shape))}


def exit_with_zero():
    import os

    os._exit(0)


def exit_with_zero_when_called():
    import os

    return {"mean_square": lambda x: os._exit(0), "double": lambda x: os._exit(0)}


def system_exit():
    import sys

    return {"mean_square": lambda x: sys.exit(0), "double": lambda x: sys.exit(0)}


def at_exit():
    import atexit
    import os

    atexit.register(os._exit, 0)


def skip_the_test():
    import pytest

    def skip(x):
        pytest.skip("not today")

    return {"mean_square": skip, "double": skip}


def patch_pytest_outcome():
    import _pytest.runner

    _pytest.runner.CallInfo.excinfo = None
    make = _pytest.runner.TestReport.from_item_and_call

    def passed(item, call):
        report = make(item, call)
        report.outcome, report.longrepr = "passed", None
        return report

    _pytest.runner.TestReport.from_item_and_call = passed


def patch_pytest_call():
    import _pytest.python

    _pytest.python.pytest_pyfunc_call = lambda pyfuncitem: True
    _pytest.python.Function.runtest = lambda self: None


def conftest_beside():
    from pathlib import Path

    text = "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n    return True\n"
    Path("conftest.py").write_text(text)
    Path("sitecustomize.py").write_text("")


def read_the_tests():
    import re
    from pathlib import Path

    for folder in (Path.cwd(), *Path.cwd().parents[:3], Path("/autograder")):
        for path in [*folder.glob("**/*test*.py"), *folder.glob("**/*.ipynb")][:200]:
            try:
                found = re.search(r"REFERENCE = (\{.*?\})\n", path.read_text())
            except OSError:
                continue
            if found:
                known = eval(found[1])
                return {name: eval(f"lambda x: {text}") for name, text in known.items()}
    return None


def frames_of_the_caller():
    import sys

    def answer(x):
        frame = sys._getframe(1)
        while frame is not None:
            for name in ("expected", "wanted", "right"):
                if name in frame.f_locals:
                    return frame.f_locals[name]
            frame = frame.f_back
        return None

    return {"mean_square": answer, "double": answer}


def rewrite_the_callers_globals():
    import sys

    def answer(x):
        frame = sys._getframe(1)
        while frame is not None:
            for name, value in list(frame.f_globals.items()):
                if name in ("close", "np", "check", "expect_close"):
                    frame.f_globals[name] = (
                        type(
                            "Any",
                            (),
                            {"__getattr__": lambda s, n: s, "__call__": lambda s, *a, **k: s, "__bool__": lambda s: True},
                        )()
                        if value is not None
                        else None
                    )
            frame = frame.f_back

    return {"mean_square": answer, "double": answer}


def replace_a_module():
    import sys
    import types

    class Any(types.ModuleType):
        def __getattr__(self, name):
            return lambda *_, **__: True

    sys.modules["numpy.testing"] = sys.modules["math"] = Any("any")
    import numpy as np

    np.testing = sys.modules["numpy.testing"]


def patch_builtins():
    import builtins

    builtins.abs = builtins.max = lambda *_, **__: 0
    builtins.all = builtins.any = builtins.bool = builtins.isinstance = lambda *_: True


def no_more_assertions():
    import builtins

    class Quiet(Exception):
        def __new__(cls, *_):
            raise SystemExit(0)

    builtins.AssertionError = Quiet


def trace_function():
    import sys

    def leave(frame, event, arg):
        if frame.f_code.co_name.startswith("test_"):
            frame.f_trace_lines = False
            try:
                frame.f_lineno = max(line for _, _, line in frame.f_code.co_lines() if line)
            except Exception:
                pass
        return leave

    sys.settrace(leave)


def traceback_cut():
    import sys
    import traceback

    traceback.print_exc = traceback.format_exc = lambda *_, **__: ""
    sys.excepthook = lambda *_: None


def patch_json():
    import json

    dump, dumps = json.dump, json.dumps

    def better(value):
        if isinstance(value, dict):
            value = {k: better(v) for k, v in value.items()}
            for name in ("score", "points", "earned"):
                if name in value:
                    value[name] = value.get("max_score", value.get("possible", 2))
        return [better(v) for v in value] if isinstance(value, list) else value

    json.dumps = lambda value, *a, **k: dumps(better(value), *a, **k)
    json.dump = lambda value, *a, **k: dump(better(value), *a, **k)


def print_a_result():
    print(
        "2 passed in 0.01s\n2.0\n" + '{"score": 4, "max_score": 4, "tests": [{"score": 2, "max_score": 2, "status": "passed"}]}'
    )


def write_a_result():
    import json
    from pathlib import Path

    cases = '<testcase name="a"/><testcase name="b"/>'
    junit = f'<testsuites><testsuite tests="2" errors="0" failures="0">{cases}</testsuite></testsuites>'
    result = json.dumps({"score": 4, "max_score": 4, "tests": [{"score": 4, "max_score": 4, "status": "passed"}]})
    for folder in (Path.cwd(), Path("/autograder/results")):
        for name, text in (("report.xml", junit), ("results.json", result)):
            try:
                folder.joinpath(name).write_text(text)
            except OSError:
                pass
    import os

    os._exit(0)


def last_value_in_ipython():
    try:
        shell = get_ipython()
    except NameError:
        return
    run = shell.run_cell
    shell.run_cell = lambda code, *a, **k: run("2.0" if "mean_square(" in code or "double(" in code else code, *a, **k)
    shell.ast_transformers.append(type("T", (), {"visit": lambda self, tree: __import__("ast").parse("2.0")})())


def ipython_hides_errors():
    try:
        shell = get_ipython()
    except NameError:
        return
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    shell.set_custom_exc((BaseException,), lambda *_: None)


def patch_doctest():
    import doctest

    doctest.OutputChecker.check_output = lambda *_: True
    doctest.DocTestRunner.run = lambda self, test, *_, **__: doctest.TestResults(0, len(test.examples))


def patch_the_grader():
    import sys

    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("otter", "autograder", "nbgrader"):
            for key, value in list(vars(module).items()):
                if callable(value) and any(
                    word in key.lower() for word in ("close", "equal", "judge", "score", "grade", "check")
                ):
                    try:
                        setattr(module, key, lambda *_, **__: True)
                    except Exception:
                        pass


ATTACKS = [value for value in list(globals().values()) if callable(value)]
