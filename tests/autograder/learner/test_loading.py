"""What a learner's module imports: helpers of any name beside it, and packages that are not installed here."""

import builtins
import itertools
import sys

import pytest
import torch

from autograder.learner import newer_python
from autograder.learner.loading import load


@pytest.fixture
def loaded(tmp_path):
    """The module of these files, net.py among them."""

    def run(net, **helpers):
        for name, text in {"net": net, **helpers}.items():
            (tmp_path / f"{name}.py").write_text(text)
        return load(tmp_path / "net.py")

    yield run
    for name, module in list(sys.modules.items()):  # stand-ins would meet the next test
        if type(module).__module__ == "autograder.learner.absent":
            del sys.modules[name]


@pytest.mark.parametrize("name", ["calendar", "statistics", "random", "types", "queue", "copy", "token"])
def test_a_helper_named_like_the_standard_library_is_the_learners_for_the_learner_alone(loaded, name):
    before = sys.modules.get(name)
    found = loaded(
        f"import {name}\ndef f():\n    from {name} import mine\n    return mine()\n", **{name: "def mine():\n    return 7\n"}
    )
    assert found.module.f() == found.module.__dict__[name].mine() == 7
    assert sys.modules.get(name) is before
    assert not hasattr(builtins.__import__(name), "mine")


def test_a_helper_is_read_again_with_the_module(loaded):
    assert loaded("from calendar import x", calendar="x = 1").module.x == 1
    assert loaded("from calendar import x", calendar="x = 22").module.x == 22


def test_a_helper_finds_its_own_helpers(loaded):
    assert loaded("from copy import x", copy="from queue import y\nx = y + 1", queue="y = 1").module.x == 2


@pytest.mark.parametrize(
    "source",
    [
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nline, = ax.plot([1])\nplt.rcParams['x'] = 1\nplt.show()",
        ("from matplotlib import pyplot as plt\nfig, axes = plt.subplots(2, 3)\naxes[1, 2].imshow(1)\n"
         "[a.set_title('') for a in axes.flat]"),
        "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pylab\nn, bins, patches = matplotlib.pyplot.hist([1])",
        "import seaborn as sns\nsns.set_theme()\nsns.heatmap([[1]], annot=True).get_figure().savefig('x')",
        ("from tqdm.auto import tqdm, trange\nassert sum(tqdm(range(4))) == sum(trange(4)) == 6\n"
         "with tqdm(total=3) as b:\n    b.update(2)\nassert b.n == 2"),
        ("import tqdm\nassert list(tqdm.tqdm([1, 2], desc='x')) == [1, 2]\n"
         "tqdm.tqdm.write('x')\nb = tqdm.tqdm()\nb.set_postfix(loss=1)\nb.close()"),
        "from torch.utils.tensorboard import SummaryWriter\nw = SummaryWriter('runs')\nw.add_scalar('x', 1, 2)\nw.close()",
        "from google.colab import drive, files\ndrive.mount('/content/drive')",
        ("from IPython import get_ipython\nfrom IPython.display import clear_output\nclear_output()\n"
         "get_ipython().run_line_magic('a', 'b')"),
        "from ipywidgets import interact\n@interact(x=3)\ndef show(x):\n    pass",
        "import wandb\nwandb.init(project='x')\nwith wandb.init() as run:\n    run.log({'loss': 1})",
        "from mpl_toolkits.mplot3d import Axes3D\nimport plotly.express as px\npx.line([1]).show()",
        "import torchsummary\ntorchsummary.summary(None, (1, 32, 32))",
    ],
)  # fmt: skip
def test_what_only_shows_something_shows_nothing(loaded, source):
    found = loaded(source)
    assert found.fault is None, found.fault


def test_who_puts_the_finders_of_before_back_takes_nothing_away(loaded, monkeypatch):
    assert loaded("import tqdm").fault is None
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if type(finder).__name__ != "_Finder"])
    assert loaded("import tqdm").fault is None


def test_a_package_that_is_not_there_fails_where_it_is_used(loaded):
    source = "import pandas as pd\nfrom sklearn.metrics import accuracy_score as score\n"
    source += "def f(x: pd.DataFrame | None = None):\n    return pd.x\n"
    found = loaded(source + "def g():\n    return score(1, 2)\n")
    assert found.fault is None
    for name, package in (("f", "pandas"), ("g", "sklearn")):
        with pytest.raises(ModuleNotFoundError) as caught:
            repr(getattr(found.module, name)()) if name == "g" else found.module.f()()
        assert caught.value.name == package


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import pandas as pd\nx = pd.DataFrame()", "imports 'pandas', which is not installed here (line 2 of net.py"),
        (
            "import lightning as L\nclass M(L.LightningModule):\n    pass",
            "imports 'lightning', which is not installed here (line 2",
        ),
        ("import torch.no_such_part", "imports 'torch.no_such_part', which is not installed here (line 1"),
    ],
)
def test_a_package_that_the_import_needs_is_named(loaded, source, words):
    assert words in loaded(source).fault.message


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import matplotlib.pyplot as plt\nexcept ImportError:\n    plt = None",
        "import contextlib\nplt = None\nwith contextlib.suppress(ImportError):\n    import matplotlib.pyplot as plt",
        "try:\n    import plots\n    plt = 1\nexcept ImportError:\n    plt = None",
        "import importlib.util\nplt = importlib.util.find_spec('pandas')",
    ],
)
def test_code_that_is_ready_for_the_absence_sees_it(loaded, source):
    assert loaded(source, plots="import matplotlib.pyplot").module.plt is None


@pytest.mark.parametrize(
    "source",
    [
        "import torch\n@torch.compile\ndef f(x):\n    return x + 1",
        "from torch import compile\nf = compile(lambda x: x + 1, mode='max-autotune')",
        "import torch\n@torch.compile(fullgraph=True, dynamic=True)\ndef f(x):\n    return x + 1",
        "from torch import nn\nf = nn.ReLU()\nf.compile()\nf = (lambda net: lambda x: net(x) + 1)(f)",
    ],
)
def test_compiled_code_runs_uncompiled(loaded, source):
    assert torch.equal(loaded(source).module.f(torch.ones(2)), torch.full((2,), 2.0))


def test_a_program_that_reads_its_command_line_finds_no_other_programs(loaded, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "-q"])
    source = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', default=0.1)\nlr = p.parse_args().lr"
    assert loaded(source).module.lr == 0.1
    assert sys.argv == ["pytest", "-q"]


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("type Pair = tuple[int, int]", "3.12"),
        ("def first[T](x: T) -> T:\n    return x", "3.12"),
        ("class Box[T]:\n    pass", "3.12"),
        ("def first[T = int](x: T) -> T:\n    return x", "3.13"),
        ("d = {'a': 1}\nprint(f'{d['a']}')", "3.12"),
        ("print(f'{chr(10).join([\"\\n\"])}')", "3.12"),
        ("try:\n    pass\nexcept ValueError, TypeError:\n    pass", "3.14"),
        ("x = t'hello {1}'", "3.14"),
        ("from itertools import batched", "3.12"),
        ("import itertools\nitertools.batched([], 2)", "3.12"),
        ("from typing import override", "3.12"),
        ("def first[\n    T,\n](x: T) -> T:\n    return x", "3.12"),
        ("from collections.abc import Buffer", "3.12"),
        ("import pathlib\npathlib.Path().walk()", "3.12"),
        ("from pathlib import UnsupportedOperation", "3.13"),
        ("import warnings\n@warnings.deprecated('x')\ndef f():\n    pass", "3.13"),
        ("def f(:\n    pass", ""),
        ("d = [1\nprint(f'{d')", ""),
        ("print(f'{a b}')", ""),
        ("try:\n    pass\nexcept ValueError, e:\n    pass", ""),
        ("x = [1, 2\ntype = 3", ""),
        ("from itertools import batcht", ""),
    ],
)
def test_code_for_a_newer_python_is_told_apart_from_wrong_code(loaded, source, version, monkeypatch):
    monkeypatch.setattr(newer_python.sys, "version_info", (3, 11))
    fault = loaded(source).fault
    if version and fault is None:
        assert version[2:] in ("12", "13", "14")
        assert hasattr(itertools, "batched")  # this Python has it
        return
    assert (f"net.py needs Python {version}" in fault.message) == bool(version), fault.message
