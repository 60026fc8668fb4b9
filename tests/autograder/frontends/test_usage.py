"""What the command line says of itself."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import course
from autograder.frontends import cli, usage

COMMANDS = {name: command for name, _, command in usage._commands(cli.parser())}


def test_every_command_is_in_one_group_of_the_help(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    said = cli.parser().format_help()
    assert said.index("for learners:") < said.index("for instructors:") < said.index("for authors:")
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name} +\w", said, re.MULTILINE)) == 1
    assert "others:" not in said, "put the new command and an example of it into usage.GROUPS"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_help_has_an_example_that_can_be_given(name, capsys):
    example = COMMANDS[name].format_help().partition("example:\n")[2].strip()
    program, *arguments = shlex.split(example)
    assert program == "autograder"
    assert arguments[0] == name
    options = cli.parser().parse_args(arguments)  # which exits if there is no such option
    known = {task.id: topic.name for topic in course.load(Path(__file__).parents[3]).topics for task in topic.tasks}
    named = vars(options).get("topic") or []
    topics = {named} if isinstance(named, str) else set(named)
    if name == "new":
        assert not topics & set(known.values()), "`new` refuses a topic that is there"
    else:
        assert topics <= set(known.values())
        assert vars(options).get("task") in {None, *known}


def test_the_version_is_said_without_torch():
    call = "try: cli.main(['--version'])\nfinally: assert 'torch' not in sys.modules"
    program = f"import sys; from autograder.frontends import cli\n{call}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"autograder \S+ \(torch \S+, torchvision \S+, Python \S+\)\n", done.stdout)


@pytest.mark.parametrize("shell", usage.SHELLS)
def test_the_completion_knows_commands_and_options(shell, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--print-completion", shell])
    script = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(name in script for name in (*COMMANDS, "--isolation", "exercises"))


def test_bash_completes_a_topic(tmp_path, capsys):
    (tmp_path / "exercises/01_mini").mkdir(parents=True)
    with pytest.raises(SystemExit):
        cli.main(["--print-completion", "bash"])
    asked = "COMP_WORDS=(autograder check 01); COMP_CWORD=2; _shtab_autograder; echo ${COMPREPLY[*]}"
    program = f"{capsys.readouterr().out}\n{asked}"
    done = subprocess.run(["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "01_mini", done.stderr
