"""Checks of topic 08 that you can follow on paper: `pytest exercises/08_dqn`, or one task: add `-k collate`.

`student.call` calls one of your functions; `student.run` runs a small function next to your module, which builds a net, calls
your functions and tells what it saw.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from autograder import Student, expect, expect_close, expect_equal, expect_unchanged


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


class Table(nn.Module):
    """Gives for each state its first two numbers, times a weight that can learn."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x[:, :2]


# cartpole_step -------------------------------------------------------------------------------------------------------


def expect_step(found: Any, state: Tensor, ended: bool, name: str, slips: dict[str, Tensor] | None = None) -> None:
    expect(isinstance(found, tuple | list) and len(found) == 3, "cartpole_step should return (state, reward, ended).")
    expect_close(found[0], state, name, rtol=1e-9, atol=1e-9, dtype=torch.float64, slips=slips)
    expect_equal(float(found[1]), 1.0, "the reward of a step, the last one included")
    expect(bool(found[2]) is ended, "After a push from rest the episode goes on: look at the *new* x and angle.")


def test_cartpole_step__from_rest(student: Student) -> None:
    """pushes a cart at rest to the right for action 1, and to the left for action 0"""
    speed, spin = (
        0.02 * 9.75609756097561,
        0.02 * -14.634146341463415,
    )  # 10/1.1 - 0.05·θ̈/1.1, and -(10/1.1) / (0.5·(4/3 - 0.1/1.1))
    right, left = numbers(0, speed, 0, spin), numbers(0, -speed, 0, -spin)
    turned = {"The cart moves the wrong way: action 1 pushes to the right, action 0 to the left.": left}
    early = {"The places have moved already: they grow with the velocities from *before* the step, and these are 0.":
             numbers(0.02 * speed, speed, 0.02 * spin, spin)}  # fmt: skip
    expect_step(
        student.call("cartpole_step", torch.zeros(4, dtype=torch.float64), 1), right, False, "the new state", {**turned, **early}
    )
    expect_step(student.call("cartpole_step", torch.zeros(4, dtype=torch.float64), 0), left, False, "the new state for action 0")


def test_cartpole_step__velocities(student: Student) -> None:
    """moves the places by 0.02 times the velocities from before the step"""
    found = student.call("cartpole_step", numbers(0.1, 1.0, 0.0, -0.5), 1)
    expect(isinstance(found, tuple | list) and len(found) == 3, "cartpole_step should return (state, reward, ended).")
    expect_close(found[0][[0, 2]], numbers(0.12, -0.01), "the new x and the new angle", rtol=1e-9, atol=1e-9)


def test_cartpole_step__the_end(student: Student) -> None:
    """ends the episode where the new x is beyond 2.4, or the new angle beyond 12 degrees, on either side"""
    angle = math.radians(11.9)
    for state, ended in (
        (numbers(2.39, 1.0, 0, 0), True),
        (numbers(-2.39, -1.0, 0, 0), True),
        (numbers(2.39, 0.1, 0, 0), False),
        (numbers(0, 0, angle, 1.0), True),
        (numbers(0, 0, -angle, -1.0), True),
        (numbers(0, 0, angle, -1.0), False),
    ):
        found = student.call("cartpole_step", state, 1)
        expect(isinstance(found, tuple | list) and len(found) == 3, "cartpole_step should return (state, reward, ended).")
        start = [round(v, 3) for v in state.tolist()]
        expect(bool(found[2]) or not ended, f"From {start} the episode has ended after a step: look at the *new* x and angle.")
        expect(ended or not found[2], f"From {start} the episode goes on after a step: look at the *new* x and angle.")
        expect_equal(float(found[1]), 1.0, "the reward of a step, the last one included")


# ReplayMemory --------------------------------------------------------------------------------------------------------


def remember(module: Any, capacity: int, pushes: int, n: int) -> dict[str, Any]:
    """What is in a memory after the transitions 0, 1, 2, …, each with its number everywhere; and what two samples hold."""
    memory, generator = module.ReplayMemory(capacity), torch.Generator().manual_seed(3)
    for i in range(pushes):
        state = torch.full((4,), float(i))
        memory.push(state, i % 2, state + 0.5 if i % 3 else None, float(i))
        state.fill_(-1.0)  # which must not reach the memory
    whole = memory.sample(len(memory), generator)
    several = [memory.sample(n, generator) for _ in range(50)]
    try:
        memory.sample(len(memory) + 1, generator)
        refused = ""
    except Exception as error:  # noqa: BLE001  which one it is, is the question
        refused = type(error).__name__
    return {
        "size": len(memory),
        "all": sorted(([*each] for each in whole), key=lambda each: each[3]),
        "several": [[each[3] for each in sample] for sample in several],
        "refused": refused,
    }


def test_ReplayMemory__keeps_the_last(student: Student) -> None:
    """keeps the last three of five transitions as they were when they were pushed, and None where an episode ended"""
    told = student.run(remember, 3, 5, 2)
    expect_equal(told["size"], 3, "len(memory) after five pushes into ReplayMemory(3)")
    rewards = [each[3] for each in told["all"]]
    expect_equal(rewards, [2.0, 3.0, 4.0], "the list of rewards that are kept of 0, 1, 2, 3, 4")
    for i, (state, action, following, _) in zip((2, 3, 4), told["all"], strict=True):
        expect_close(state, torch.full((4,), float(i)), "a state, which the caller has overwritten since it was pushed,")
        expect_equal(action, i % 2, "the action of a transition")
        if i % 3:
            expect_close(following, torch.full((4,), i + 0.5), "the next_state of a transition")
        else:
            expect(following is None, "next_state should be None where it was None when it was pushed.")


def test_ReplayMemory__samples(student: Student) -> None:
    """draws different transitions, not always the same, and raises a ValueError where there are too few"""
    told = student.run(remember, 8, 6, 3)
    expect(all(len(each) == 3 for each in told["several"]), "sample(3, generator) should give a list of three transitions.")
    expect(all(len(set(each)) == 3 for each in told["several"]), "One sample holds a transition twice: draw without replacement.")
    expect(len({tuple(sorted(each)) for each in told["several"]}) > 5, "sample gives the same transitions again and again.")
    expect_equal(told["refused"], "ValueError", "what is raised by sample for more transitions than there are")


# QNet ----------------------------------------------------------------------------------------------------------------


def look_at_net(module: Any) -> list[Any]:
    """The shapes of a new QNet, and its output where all weights are 0.01 and all biases -0.02."""
    net = module.QNet()
    for name, t in net.state_dict().items():
        t.fill_(0.01 if name.endswith("weight") else -0.02)
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0], [-1.0, -1.0, -1.0, -1.0]])
    return [{name: list(t.shape) for name, t in net.state_dict().items()}, net(x)]


def test_QNet__layers(student: Student) -> None:
    """has layer1, layer2 and layer3, with a ReLU after the first two and none after the last"""
    shapes, output = student.run(look_at_net)
    expected = {"layer1.weight": [128, 4], "layer1.bias": [128], "layer2.weight": [128, 128], "layer2.bias": [128],
                "layer3.weight": [2, 128], "layer3.bias": [2]}  # fmt: skip
    expect(shapes.keys() == expected.keys(), f"The state_dict should have {', '.join(expected)}; it has {', '.join(shapes)}.")
    expect_equal(shapes, expected, "the dict of shapes")
    # Row 0: 0.1 - 0.02 = 0.08 everywhere; then 128·0.0008 - 0.02 = 0.0824; then 128·0.000824 - 0.02. Row 1: all ReLUs are 0.
    expect_close(output, torch.tensor([[0.085472, 0.085472], [-0.02, -0.02]]), "the values of both actions")


# epsilon -------------------------------------------------------------------------------------------------------------


def test_epsilon__falls(student: Student) -> None:
    """begins with start, falls, and comes to end"""
    expect_close(student.call("epsilon", 0, 0.9, 0.1, 100), 0.9, "epsilon at step 0")
    expect_close(student.call("epsilon", 100, 0.9, 0.1, 100), 0.1 + 0.8 * 0.36787944, "epsilon at step 100 of a decay of 100")
    expect_close(student.call("epsilon", 100_000, 0.9, 0.1, 100), 0.1, "epsilon after very many steps")


# select_action -------------------------------------------------------------------------------------------------------


def select(module: Any, state: Tensor, eps: float, times: int) -> list[Any]:
    """The actions chosen, one after the other, by a net that gives the state's first two numbers."""
    net, generator = Table(), torch.Generator().manual_seed(5)
    found = [module.select_action(net, state, eps, generator) for _ in range(times)]
    return [[int(each) for each in found], type(found[0]).__name__]


def test_select_action__greedy(student: Student) -> None:
    """takes the action with the larger value for eps = 0"""
    for values, best in (([1.0, 5.0, 0.0, 0.0], 1), ([2.0, -3.0, 9.0, 9.0], 0)):
        actions, kind = student.run(select, torch.tensor(values), 0.0, 10)
        expect(kind != "Tensor", "The action should be an int, and it is a tensor: take it out with .item() or int().")
        expect_equal(set(actions) == {best}, True, f"whether all actions are {best} for values {values[:2]} and eps = 0")


def test_select_action__random(student: Student) -> None:
    """takes both actions, about as often, for eps = 1"""
    actions, _ = student.run(select, torch.tensor([1.0, 5.0, 0.0, 0.0]), 1.0, 200)
    expect(set(actions) == {0, 1}, f"With eps = 1 only {set(actions)} came in 200 steps: each action is as likely as the other.")
    expect(60 <= sum(actions) <= 140, f"With eps = 1, action 1 came {sum(actions)} times of 200; about 100 are expected.")


# collate -------------------------------------------------------------------------------------------------------------

THREE = [
    (torch.tensor([1.0, 2.0, 3.0, 4.0]), 1, torch.zeros(4), 0.5),
    (torch.tensor([5.0, 6.0, 7.0, 8.0]), 0, None, -1.0),
    (torch.tensor([9.0, 9.0, 9.0, 9.0]), 1, torch.tensor([1.0, 1.0, 2.0, 2.0]), 2.0),
]


def test_collate__three(student: Student) -> None:
    """makes a batch of three transitions, of which the second ended its episode"""
    found = student.call("collate", THREE)
    expected = {
        "state": torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 9.0, 9.0, 9.0]]),
        "action": torch.tensor([1, 0, 1]),
        "reward": torch.tensor([0.5, -1.0, 2.0]),
        "alive": torch.tensor([True, False, True]),
        "next_state": torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 2.0, 2.0]]),
    }
    expect(isinstance(found, dict), "collate should return a dict.")
    for key, value in expected.items():
        expect(key in found, f"The dict has no key {key!r}.")
        expect_close(found[key], value, f"batch[{key!r}]", dtype=value.dtype)


def test_collate__all_ended(student: Student) -> None:
    """gives a next_state of shape (0, 4) where no transition goes on"""
    found = student.call("collate", [THREE[1]])
    expect(isinstance(found, dict) and "next_state" in found, "collate should return a dict with a key 'next_state'.")
    expect_close(found["next_state"], torch.zeros(0, 4), "batch['next_state'] of a transition that ended its episode")


# q_taken -------------------------------------------------------------------------------------------------------------


def taken(module: Any, state: Tensor, action: Tensor) -> list[Any]:
    found = module.q_taken(Table(), state, action)
    return [found, getattr(found, "requires_grad", False)]


def test_q_taken__picks(student: Student) -> None:
    """picks of each row the value of the action taken, and stays attached to the net"""
    state = torch.tensor([[1.0, 5.0, 0.0, 0.0], [7.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0]])
    found, attached = student.run(taken, state, torch.tensor([1, 0, 0]))
    expect_close(found, torch.tensor([5.0, 7.0, 3.0]), "the values of the actions 1, 0, 0")
    expect(attached, "The values have no graph, so the net cannot learn from them.")


# bellman_target ------------------------------------------------------------------------------------------------------


def aim(module: Any, batch: dict[str, Tensor], gamma: float) -> list[Any]:
    found = module.bellman_target(Table(), batch, gamma)
    return [found, getattr(found, "requires_grad", False), batch["reward"]]


def test_bellman_target__three(student: Student) -> None:
    """adds gamma times the best value that follows, but only where the episode goes on"""
    batch = {
        "state": torch.ones(3, 4),
        "action": torch.tensor([0, 1, 1]),
        "reward": torch.tensor([1.0, 1.0, -2.0]),
        "alive": torch.tensor([True, False, True]),
        "next_state": torch.tensor([[3.0, 5.0, 0.0, 0.0], [-4.0, -6.0, 0.0, 0.0]]),
    }
    found, attached, reward = student.run(aim, batch, 0.5)
    slips = {"Where the episode ended there is nothing more to come: there the target is the reward alone.":
             torch.tensor([3.5, 3.5, -4.0])}  # fmt: skip
    expect_close(found, torch.tensor([3.5, 1.0, -4.0]), "the target", slips=slips)
    expect(not attached, "The target has a graph: it is a number to aim at, and nothing of it is to be learned.")
    expect_unchanged(reward, batch["reward"], "batch['reward']")


# td_loss -------------------------------------------------------------------------------------------------------------


def test_td_loss__both_parts(student: Student) -> None:
    """is δ²/2 near 0 and |δ| - 1/2 further away, in the mean"""
    loss = student.call("td_loss", torch.tensor([0.0, 0.0]), torch.tensor([0.5, -3.0]))
    slips = {"That is the sum over the batch; take the mean.": torch.tensor(2.625),
             "That is the mean of |δ|²/2 and |δ|: take 1/2 off the straight part.": torch.tensor((0.125 + 3.0) / 2),
             "That is the mean of the squares; where |δ| > 1, the loss is a straight line.": torch.tensor(4.625)}  # fmt: skip
    expect_close(loss, torch.tensor(1.3125), "the loss", slips=slips)


# soft_update ---------------------------------------------------------------------------------------------------------


def follow(module: Any, tau: float) -> dict[str, Any]:
    """A target of zeros and a policy of tens, with a count of 7; and whether the target's weight is the same object."""
    nets = []
    for value, count in ((0.0, 0), (10.0, 7)):
        net = nn.Linear(2, 1)
        net.register_buffer("count", torch.tensor(count))
        nn.init.constant_(net.weight, value)
        nn.init.constant_(net.bias, 2 * value)
        nets.append(net)
    target, policy = nets
    before = target.weight
    module.soft_update(target, policy, tau)
    told = {"weight": target.weight.detach().clone(), "bias": target.bias.detach().clone(), "count": target.count.item()}
    with torch.no_grad():
        policy.weight.fill_(99.0)
    return {**told, "same": target.weight is before, "later": target.weight.detach().clone()}


def test_soft_update__a_tenth(student: Student) -> None:
    """moves the target by tau of the way, in place, and copies a count"""
    told = student.run(follow, 0.1)
    slips = {"tau and 1 - tau are exchanged.": torch.full((1, 2), 9.0)}
    expect_close(told["weight"], torch.full((1, 2), 1.0), "the target's weight", slips=slips)
    expect_close(told["bias"], torch.full((1,), 2.0), "the target's bias")
    expect_equal(told["count"], 7, "the target's count, a buffer of integers, which is copied")
    expect(told["same"], "The target's weight is another object now: change the values of the one that is there.")


def test_soft_update__whole_way(student: Student) -> None:
    """copies for tau = 1, and shares nothing"""
    told = student.run(follow, 1.0)
    expect_close(told["weight"], torch.full((1, 2), 10.0), "the target's weight")
    expect_close(told["later"], torch.full((1, 2), 10.0), "the target's weight after a later change of policy")


# reinforce_loss ------------------------------------------------------------------------------------------------------


def test_reinforce_loss__three(student: Student) -> None:
    """weighs the log-probabilities with what followed them: G = [1.75, 1.5, 1.] less its mean, over its deviation"""
    loss = student.call("reinforce_loss", torch.tensor([-1.0, -2.0, -3.0]), [1.0, 1.0, 1.0], 0.5)
    deviation = math.sqrt((1.75**2 + 1.5**2 + 1 - 4.25**2 / 3) / 2)
    right = ((1.75 + 2 * 1.5 + 3 * 1) - 4.25 / 3 * 6) / deviation
    slips = {"The minus is missing: a step that was followed by more than usual is to become likelier.": torch.tensor(-right)}
    expect_close(loss, torch.tensor(right), "the loss", slips=slips)


def test_reinforce_loss__one(student: Student) -> None:
    """leaves the return of a single step as it is"""
    loss = student.call("reinforce_loss", torch.tensor([-0.5]), [4.0], 0.9)
    expect_close(loss, torch.tensor(2.0), "the loss of an episode of one step with the reward 4")


# trained_return ------------------------------------------------------------------------------------------------------

SHAPES = {"layer1.weight": (128, 4), "layer1.bias": (128,), "layer2.weight": (128, 128), "layer2.bias": (128,),
          "layer3.weight": (2, 128), "layer3.bias": (2,)}  # fmt: skip


def learn(module: Any, episodes: int) -> Any:
    """The shapes of what train_dqn returns, or its type where that is no dict."""
    state = module.train_dqn(episodes, 1)
    return {name: tuple(t.shape) for name, t in state.items()} if isinstance(state, dict) else type(state).__name__


def test_trained_return__form(student: Student) -> None:
    """gives the weights of a QNet, after three episodes too; the minimum of steps is asked when you hand in"""
    shapes = student.run(learn, 3)
    expect(isinstance(shapes, dict), f"train_dqn should return the state_dict of a QNet, and it returned a {shapes}.")
    expect_equal({name: tuple(shape) for name, shape in shapes.items()}, SHAPES, "the dict of shapes")
