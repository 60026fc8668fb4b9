"""What stands in a new topic's files, and what a new task adds to them. `$` begins what is filled in (string.Template)."""

from __future__ import annotations

from string import Template

LESSON = {
    "README.md": Template("""\
# $number · $title

TODO: what this topic is about, with an example that runs. Complete `$module`.

## Run the checks

```sh
pytest exercises/$topic
```
"""),
    "README.zh.md": Template("""\
# $number · $title

TODO: 用一段话和一个可以运行的例子介绍本专题, 让学生完成 `$module`

## 运行检查

```sh
pytest exercises/$topic
```
"""),
}

STUB = Template("""\
\"\"\"TODO: what the module is about, in a sentence.

Complete every function: replace its `raise NotImplementedError`. Check your work with `pytest exercises/$topic`.
\"\"\"

import torch
from torch import Tensor
""")

STUB_TASK = Template('''

def $task(x: Tensor) -> Tensor:
    """TODO: what it gives, with shapes: (N, D) -> (N, D).

    Example: $task(torch.tensor([[1.0, 2.0]])) -> TODO
    """
    # TODO: say to the learner what to do
    raise NotImplementedError
''')

SOLUTION = "import torch\nfrom torch import Tensor\n"

SOLUTION_TASK = Template("""

def $task(x: Tensor) -> Tensor:
    raise NotImplementedError  # TODO: the reference solution
""")

PUBLIC = "import torch\n\nfrom autograder import expect_close\n"

PUBLIC_TASK = Template('''

def test_${task}__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("$task", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")
''')

HIDDEN = "import torch\n\nfrom autograder import Reference\n"

HIDDEN_TASK = Template("""

def ${task}_inputs(rng, *shape, dtype=torch.float32):
    return (torch.randn(shape, generator=rng, dtype=dtype),)  # TODO: the arguments of a call; others at each call


def ${task}_expected(x):
    raise NotImplementedError  # TODO: the right result, for inputs in float64; not by the solution's own code


$constant = Reference("$task", ${task}_expected, ${task}_inputs, "TODO: the result's name", ("x",))
test_${task}__values = $constant.values((4, 3), (2, 5), says="gives TODO: what it gives, as a clause")
test_${task}__sizes = $constant.sizes((1, 5), (6, 1), (1, 1))
test_${task}__dtypes = $constant.dtypes((4, 3))
test_${task}__layouts = $constant.layouts((4, 3))
test_${task}__unchanged = $constant.unchanged((4, 3))
test_${task}__twice = $constant.twice((4, 3))
""")

MUTANTS = '''"""Misconceptions that learners really have, each as an edit of the reference solution."""

from autograder import Mutant

MUTANTS = ()
'''

MUTANT_LINES = Template("""\
    # TODO: what such code does, to be read behind "the result of code that"; a text of the solution, and what stands there then.
    Mutant("$task", "TODO: a mistake that learners make", "TODO: 1 old", "TODO: 1 new"),
    Mutant("$task", "TODO: another one", "TODO: 2 old", "TODO: 2 new"),
    Mutant("$task", "TODO: a third one", "TODO: 3 old", "TODO: 3 new"),
""")

TOPIC_ENTRY = Template("""\
$topic:
  title: $title
  tasks:
""")

TASK_ENTRY = Template("""\
$task:
  points: 1
  hint:
    - "TODO: a question that leads to the idea"
    - "TODO: the idea"
    - "TODO: the function to use, with an example on other numbers"
""")
