"""What stands in a new topic's files, and what a new task adds to them. `$` begins what is filled in (string.Template).

What the author has to decide is marked TODO(author), which `verify` looks for: a plain TODO in a stub is the learner's.
"""

from __future__ import annotations

from string import Template

LESSON = {
    "README.md": Template("""\
# $number · $title

TODO(author): what this topic is about, with an example that runs. Complete `$module`.

## Run the checks

```sh
pytest exercises/$topic
```
"""),
    "README.zh.md": Template("""\
# $number · $title

TODO(author): 用一段话和一个可以运行的例子介绍本专题, 让学生完成 `$module`

## 运行检查

```sh
pytest exercises/$topic
```
"""),
}

STUB = Template("""\
\"\"\"TODO(author): what the module is about, in a sentence.

Complete every function: replace its `raise NotImplementedError`. Check your work with `pytest exercises/$topic`.
\"\"\"

import torch  # noqa: F401  you will need it
from torch import Tensor
""")

STUB_TASK = Template('''

def $task(x: Tensor) -> Tensor:
    """TODO(author): what it gives, with shapes: (N, D) -> (N, D).

    Example: $task(torch.tensor([[1.0, 2.0]])) -> TODO(author)
    """
    # TODO: what the learner has to do (TODO(author): say it)
    raise NotImplementedError
''')

SOLUTION = Template('"""Reference solution of $topic."""\n\nfrom torch import Tensor\n')

SOLUTION_TASK = Template('''

def $task(x: Tensor) -> Tensor:
    """TODO(author): what it gives, with shapes."""
    raise NotImplementedError  # TODO(author): the reference solution
''')

PUBLIC = "import torch\n\nfrom autograder import expect_close\n"

PUBLIC_TASK = Template('''

def test_${task}__example(student):
    """gives TODO(author): what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("$task", x), torch.tensor([["TODO(author): the numbers"]]), "TODO(author): the result's name")
''')

HIDDEN = "import torch\n\nfrom autograder import Reference\n"

HIDDEN_TASK = Template("""

def ${task}_inputs(rng, *shape, dtype=torch.float32):
    return (torch.randn(shape, generator=rng, dtype=dtype),)  # TODO(author): the arguments of a call; others at each call


def ${task}_expected(x):
    raise NotImplementedError  # TODO(author): the right result, in float64, found in another way


$constant = Reference("$task", ${task}_expected, ${task}_inputs, "TODO(author): the result's name", ("x",))
test_${task}__values = $constant.values((4, 3), (2, 5), says="gives TODO(author): what it gives, as a clause")
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
    # TODO(author): what such code does, to be read behind "what comes out of code that"; its text, and what it is then.
    Mutant("$task", "TODO(author): a mistake that learners make", "TODO(author): 1 old", "TODO(author): 1 new"),
    Mutant("$task", "TODO(author): another one", "TODO(author): 2 old", "TODO(author): 2 new"),
    Mutant("$task", "TODO(author): a third one", "TODO(author): 3 old", "TODO(author): 3 new"),
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
    - "TODO(author): a question that leads to the idea"
    - "TODO(author): the idea"
    - "TODO(author): the function to use, with an example on other numbers"
""")
