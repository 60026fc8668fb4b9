"""Hidden checks of topic 08: the physics, the memory, and each part of the update by itself.

Networks are the suite's own, built beside the learner's module from weights that are drawn here; expected values come from the
same networks in float64. Random results are judged by how often what comes, within five standard errors, and by whether one
generator gives the same again. What `train_dqn` has learned is measured here, in a world that the submission never had.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder import (
    Student,
    Training,
    conduct,
    expect,
    expect_close,
    expect_digits,
    expect_equal,
    expect_shape,
    expect_unchanged,
)

Told = dict[str, Any]  # what a probe brings back
Row = tuple[Tensor, int, Tensor | None, float]


def randn(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def whole(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def number(rng: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng, dtype=torch.float64))


def within(count: int, of: int, share: float) -> bool:
    """Whether a frequency is what it should be, within five standard errors."""
    return abs(count - of * share) <= 5 * math.sqrt(of * share * (1 - share))


# What the probes share -----------------------------------------------------------------------------------------------


def build(weights: dict[str, Tensor]) -> nn.Module:
    """A network (N, 4) → (N, 2) of two layers with these weights, in their dtype."""
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    net.to(next(iter(weights.values())).dtype).load_state_dict(weights)
    return net


def draw_weights(rng: torch.Generator, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    shapes = {"0.weight": (5, 4), "0.bias": (5,), "2.weight": (2, 5), "2.bias": (2,)}
    return {name: randn(rng, *shape, dtype=dtype) for name, shape in shapes.items()}


def wide(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.double() for name, t in weights.items()}


def values(net: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers by name."""
    return {name: t.detach().clone() for name, t in net.state_dict().items()}


def scattered(seed: int) -> list[Any]:
    """Seed every global generator, and tell their states."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return global_states()


def global_states() -> list[Any]:
    return [str(hash(random.getstate())), str(hash(np.random.get_state()[1].tobytes())), torch.get_rng_state()]


GLOBAL = ("torch's global generator, or Python's or NumPy's, is used: draw from the generator that is given, "
          "so that one seed gives the same again.")  # fmt: skip


# cartpole_step -------------------------------------------------------------------------------------------------------

PLACES = 2.4, math.radians(12)
SEMI = ("The places have moved with the new velocities. Compute all four new numbers from the old ones: "
        "explicit Euler.")  # fmt: skip
WRONG_WAY = "The cart is pushed the wrong way: action 1 pushes to the right (+10 N), action 0 to the left."


def stepped(state: Tensor, action: int, form: str = "") -> Tensor:
    """The new state in float64; `form` names a slip."""
    x, speed, angle, spin = state.double().tolist()
    force = 10.0 if (action == 1) != (form == "turned") else -10.0
    sin, cos = math.sin(angle), math.cos(angle)
    temp = (force + 0.05 * spin * spin * sin) / 1.1
    turning = (9.8 * sin - cos * temp) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1))
    pushing = temp - 0.05 * turning * cos / 1.1
    new_speed, new_spin = speed + 0.02 * pushing, spin + 0.02 * turning
    if form == "semi":
        speed, spin = new_speed, new_spin
    return torch.tensor([x + 0.02 * speed, new_speed, angle + 0.02 * spin, new_spin], dtype=torch.float64)


def beyond(state: Tensor) -> bool:
    return abs(state[0].item()) > PLACES[0] or abs(state[2].item()) > PLACES[1]


def draw_state(rng: torch.Generator, *, ends: bool | None = False, fast: float = 2.0) -> Tensor:
    """A state within the limits; after a step, by either action, it is beyond them or not, as `ends` says."""
    while True:
        unit = 2 * torch.rand(4, generator=rng, dtype=torch.float64) - 1
        state = unit * torch.tensor([2.39, fast, 0.2, fast], dtype=torch.float64)
        new = [stepped(state, action) for action in (0, 1)]
        clear = all(abs(abs(each[i].item()) - limit) > 1e-5 for each in new for i, limit in ((0, PLACES[0]), (2, PLACES[1])))
        if clear and all(ends is None or beyond(each) is ends for each in new):
            return state


def step(student: Student, state: Tensor, action: int) -> Any:
    """What a step gives: state, reward, ended."""
    found = student.call("cartpole_step", state, action)
    expect(isinstance(found, tuple | list) and len(found) == 3, "cartpole_step should return three things: state, reward, ended.")
    return found


def stepped_from(module: Any, states: Any, actions: list[int]) -> list[Any]:
    """What a step gives from each of the states: all of it is told, so that one answer says more than its first fault."""
    return [module.cartpole_step(state, action) for state, action in zip(states, actions)]  # noqa: B905  as many


def steps(student: Student, states: list[Tensor], actions: list[int]) -> Any:
    found = student.run(stepped_from, states, actions)
    text = "cartpole_step should return three things: state, reward, ended."
    expect(all(isinstance(each, tuple | list) and len(each) == 3 for each in found), text)
    return found


def expect_ended(found: Any, right: bool) -> None:
    ended = found.item() if isinstance(found, Tensor) and found.dim() == 0 and found.dtype == torch.bool else found
    expect(isinstance(ended, bool), "The third result, whether the episode has ended, should be a bool.")
    expect(ended or not right, "The episode has ended here: the new x is beyond ±2.4, or the new angle beyond ±12°.")
    expect(right or not ended, "The episode goes on here: the new x is within ±2.4 and the new angle within ±12° (0.2094 rad).")


def expect_steps(student: Student, states: list[Tensor], actions: list[int]) -> None:
    for state, action, found in zip(states, actions, steps(student, states, actions), strict=True):
        new = stepped(state, action)
        slips = {SEMI: stepped(state, action, "semi"), WRONG_WAY: stepped(state, action, "turned")}
        expect_close(found[0], new, "the new state", rtol=1e-9, atol=1e-9, dtype=torch.float64, slips=slips)
        expect_ended(found[2], beyond(new))
        expect_close(found[1], 1.0, "the reward, which is 1 in every step, the last one included,")


def test_cartpole_step__values(student: Student, rng: torch.Generator) -> None:
    """computes the new state, gives the reward 1 and says that the episode goes on"""
    near, far = (draw_state(rng) for _ in range(2))
    near[0], far[0] = number(rng, -1.0, 1.0), number(rng, 1.5, 2.2)
    expect_steps(student, [near, far, near, far], [1, 1, 0, 0])


def test_cartpole_step__at_rest(student: Student) -> None:
    """pushes a cart at rest, whose pole stands upright, to either side"""
    expect_steps(student, [torch.zeros(4, dtype=torch.float64)] * 2, [0, 1])


def test_cartpole_step__fast(student: Student, rng: torch.Generator) -> None:
    """is right where the pole turns fast, so that θ̇² counts"""
    expect_steps(student, [draw_state(rng, ends=None, fast=9.0) for _ in range(2)], [0, 1])


def test_cartpole_step__float64(student: Student, rng: torch.Generator) -> None:
    """gives float64 with all its digits, in a new tensor without a graph"""
    for action in (0, 1):
        state = draw_state(rng)
        found = step(student, state, action)
        expect_digits(found[0], stepped(state, action), "the new state")
        expect(not found[0].requires_grad, "The new state has a graph.")


def test_cartpole_step__ends(student: Student, rng: torch.Generator) -> None:
    """ends the episode where the new x or the new angle is beyond its limit, on either side, and goes on just within"""
    states = end_cases(rng, out=True) + end_cases(rng, out=False)
    found = steps(student, states, [1] * len(states))
    for state, (_, _, ended) in zip(states, found, strict=True):
        expect_ended(ended, right=beyond(stepped(state, 1)))


def test_cartpole_step__goes_on(student: Student, rng: torch.Generator) -> None:
    """goes on however fast cart and pole move, if the new places are within their limits"""
    states = [torch.tensor([number(rng, -1, 1), sign * 30.0, number(rng, -0.01, 0.01), -sign * 8.0], dtype=torch.float64)
              for sign in (1.0, -1.0)]  # fmt: skip
    for _, _, ended in steps(student, states, [0, 1]):
        expect_ended(ended, right=False)


def end_cases(rng: torch.Generator, *, out: bool) -> list[Tensor]:
    """States from which one step leads just beyond a limit, or just up to it; places move with the velocities from before."""
    found = []
    for sign in (1.0, -1.0):
        for place, limit in ((0, PLACES[0]), (2, PLACES[1])):
            state, speed = torch.zeros(4, dtype=torch.float64), number(rng, 1.0, 3.0)
            reached = limit + (1e-4 if out else -1e-4) * number(rng, 1, 3)
            state[place], state[place + 1] = sign * (reached - 0.02 * speed), sign * speed
            found.append(state)
    if out:  # far beyond the angle's limit, and beyond both
        found.append(torch.tensor([0.0, 0.0, 0.2, number(rng, 13, 15)], dtype=torch.float64))
        found.append(torch.tensor([-2.39, -2.0, 0.2, 2.0], dtype=torch.float64))
    return found


def test_cartpole_step__rewards_the_last_step(student: Student, rng: torch.Generator) -> None:
    """gives the reward 1 in the step that ends the episode as well"""
    for action in (0, 1):
        found = step(student, draw_state(rng, ends=True), action)
        expect_close(found[1], 1.0, "the reward of the step that ends the episode")


def played(module: Any, state: Tensor, actions: list[int]) -> list[Any]:
    """The states of an episode, step by step."""
    found = []
    for action in actions:
        state = module.cartpole_step(state, action)[0]
        found.append(state)
    return found


def test_cartpole_step__step_after_step(student: Student, rng: torch.Generator) -> None:
    """plays an episode: each step begins where the last one ended"""
    state = 0.02 * randn(rng, 4, dtype=torch.float64)
    actions, right = [int(i) for i in torch.randint(0, 2, (12,), generator=rng)], []
    found = student.run(played, state, actions)
    for action in actions:
        state = stepped(state, action)
        right.append(state)
    for i, (came, expected) in enumerate(zip(found, right, strict=True), start=1):
        expect_close(came, expected, f"the state after {i} steps", rtol=1e-8, atol=1e-9)


def stepped_twice(module: Any, state: Tensor, action: int) -> list[Any]:
    """Whether the new state lies in the given one's memory, what both calls give, and the given state."""
    first = module.cartpole_step(state, action)[0]
    kept = first.clone()
    second = module.cartpole_step(state, action)[0]
    apart = first is not second and not torch.equal(first.add_(1), second)
    return [kept, second, apart, state]


def test_cartpole_step__leaves_the_state(student: Student, rng: torch.Generator) -> None:
    """leaves the given state as it was, and gives a new tensor each time"""
    state = draw_state(rng)
    kept, second, apart, after = student.run(stepped_twice, state, 1)
    expect_unchanged(after, state, "the state that was given")
    expect_close(kept, stepped(state, 1), "the new state", rtol=1e-9, atol=1e-9)
    expect_close(second, stepped(state, 1), "the new state of the second call", rtol=1e-9, atol=1e-9)
    expect(apart, "Two calls give one tensor: make a new one each time.")


# ReplayMemory --------------------------------------------------------------------------------------------------------


def draw_rows(rng: torch.Generator, count: int) -> list[Row]:
    """Transitions of different rewards; about every third ended its episode."""
    ended = torch.randperm(count, generator=rng) % 3 == 0
    order = torch.randperm(4 * count, generator=rng)[:count]
    return [(randn(rng, 4), whole(rng, 0, 1), None if ended[i] else randn(rng, 4), float(order[i]) - count) for i in range(count)]


def pushed(memory: Any, rows: Any, *, spoiling: bool = False) -> list[int]:
    """The length after each push; `spoiling` overwrites what was pushed afterwards."""
    sizes = []
    for state, action, following, reward in rows:
        mine, after = state.clone(), None if following is None else following.clone()
        memory.push(mine, action, after, reward)
        sizes.append(len(memory))
        if spoiling:
            mine.fill_(-77.0)
            if after is not None:
                after.mul_(0.0)
    return sizes


def plain(sample: Any) -> Any:
    """A sample's transitions as lists, or the name of what came in its place."""
    if not isinstance(sample, list | tuple):
        return type(sample).__name__
    return [[*each] if isinstance(each, list | tuple) else type(each).__name__ for each in sample]


def recalled(module: Any, capacity: int, rows: Any, seed: int, spoiling: bool) -> Told:
    """All that is in a memory after these pushes."""
    memory = module.ReplayMemory(capacity)
    sizes = pushed(memory, rows, spoiling=spoiling)
    return {"sizes": sizes, "all": plain(memory.sample(len(memory), torch.Generator().manual_seed(seed)))}


def after_each(module: Any, capacity: int, rows: Any) -> list[Any]:
    """The rewards that are in a memory after each push."""
    memory, generator, found = module.ReplayMemory(capacity), torch.Generator().manual_seed(0), []
    for row in rows:
        pushed(memory, [row])
        sample = plain(memory.sample(len(memory), generator))
        found.append(sorted(float(each[3]) for each in sample))
    return found


def expect_rows(found: Any, rows: Sequence[Row]) -> None:
    """Fail unless a sample holds these transitions, in any order."""
    expect(isinstance(found, list), f"sample should return a list of transitions, but it returned a {found}.")
    text = "A transition should be a tuple (state, action, next_state, reward)."
    expect(all(isinstance(each, list) and len(each) == 4 for each in found), text)
    expect_equal(len(found), len(rows), "the number of transitions in the sample")
    rewards = [float(each[3]) if isinstance(each[3], int | float) else math.nan for each in found]
    expect_close(sorted(rewards), sorted(row[3] for row in rows), "the list of rewards in the memory", rtol=0, atol=0)
    for state, action, following, reward in found:
        right = next(row for row in rows if row[3] == reward)
        expect_close(state, right[0], "the state of a transition", rtol=0, atol=0)
        expect_equal(action, right[1], "the action of a transition")
        if right[2] is None:
            expect(following is None, "next_state should be None where it was None when it was pushed.")
        else:
            expect(following is not None, "next_state is None where a state was pushed.")
            expect_close(following, right[2], "the next_state of a transition", rtol=0, atol=0)


def test_ReplayMemory__keeps_the_last(student: Student, rng: torch.Generator) -> None:
    """keeps the last transitions, as many as it has room for, with all that belongs to them"""
    rows = draw_rows(rng, 9)
    told = student.run(recalled, 4, rows, 3, False)
    expect_rows(told["all"], rows[-4:])
    rows = draw_rows(rng, 3)
    told = student.run(recalled, 7, rows, 4, False)
    expect_rows(told["all"], rows)


def test_ReplayMemory__drops_the_oldest(student: Student, rng: torch.Generator) -> None:
    """drops the oldest transition, and only that, at each push into a full memory"""
    rows = draw_rows(rng, 11)
    for capacity in (3, 4):
        found = student.run(after_each, capacity, rows)
        for i, came in enumerate(found, start=1):
            right = sorted(row[3] for row in rows[max(i - capacity, 0) : i])
            expect_equal(came, right, f"the list of rewards in a ReplayMemory({capacity}) after {i} pushes")


def test_ReplayMemory__length(student: Student, rng: torch.Generator) -> None:
    """has as its length the number of transitions in it"""
    sizes = student.run(recalled, 5, draw_rows(rng, 8), 1, False)["sizes"]
    expect_equal(sizes, [1, 2, 3, 4, 5, 5, 5, 5], "the list of lengths after each push into a ReplayMemory(5)")


def test_ReplayMemory__one_place(student: Student, rng: torch.Generator) -> None:
    """works with room for one transition"""
    rows = draw_rows(rng, 3)
    told = student.run(recalled, 1, rows, 1, False)
    expect_rows(told["all"], rows[-1:])


def test_ReplayMemory__keeps_copies(student: Student, rng: torch.Generator) -> None:
    """is not changed by what the caller does to its tensors after a push"""
    rows = draw_rows(rng, 5)
    told = student.run(recalled, 5, rows, 2, True)
    text = "What was pushed has changed with the caller's tensor: keep a copy (clone)."
    expect(not any(isinstance(each, list) and float(each[0][0]) == -77.0 for each in told["all"]), text)
    expect_rows(told["all"], rows)


def drawn(module: Any, capacity: int, rows: Any, n: int, draws: int, seed: int) -> Told:
    """How often each set of transitions came, by their places among the last ones; and samples with one twice."""
    memory, generator = module.ReplayMemory(capacity), torch.Generator().manual_seed(seed)
    pushed(memory, rows)
    place = {row[3]: i for i, row in enumerate(rows)}
    counts: dict[str, int] = {}
    twice = sizes = 0
    for _ in range(draws):
        sample = [place[float(each[3])] for each in plain(memory.sample(n, generator))]
        sizes += len(sample) == n
        twice += len(set(sample)) < len(sample)
        key = ",".join(map(str, sorted(sample)))
        counts[key] = counts.get(key, 0) + 1
    return {"counts": counts, "twice": twice, "sizes": sizes, "left": len(memory)}


def expect_drawn(told: Told, sets: list[str], draws: int) -> None:
    expect_equal(told["sizes"], draws, "the number of samples with as many transitions as were wanted")
    expect_equal(told["twice"], 0, "the number of samples that hold a transition twice, which should be different ones,")
    for each in sets:
        count = told["counts"].get(each, 0)
        text = (f"Each set should come in about {100 / len(sets):.0f} % of the samples, but one came in "
                f"{100 * count / draws:.0f} %: all are equally likely, the newest and the oldest.")  # fmt: skip
        expect(within(count, draws, 1 / len(sets)), text)


def test_ReplayMemory__different_ones(student: Student, rng: torch.Generator) -> None:
    """draws different transitions, every set of them as likely as any other"""
    told = student.run(drawn, 9, draw_rows(rng, 5), 2, 1500, whole(rng, 1, 999))
    expect_drawn(told, [f"{i},{j}" for i in range(5) for j in range(i + 1, 5)], 1500)


def test_ReplayMemory__even_after_it_was_full(student: Student, rng: torch.Generator) -> None:
    """draws each of the last transitions as often, also after it was full"""
    told = student.run(drawn, 4, draw_rows(rng, 6), 1, 800, whole(rng, 1, 999))
    expect_drawn(told, ["2", "3", "4", "5"], 800)
    expect_equal(told["left"], 4, "the length after many samples, which take nothing out,")


def reproduced(module: Any, rows: Any, n: int, seed: int) -> Told:
    """Samples of two memories of one content by generators of one seed, with other global states; and what became of these."""
    found, touched = [], []
    for other in (1, 2):
        memory, generator = module.ReplayMemory(len(rows)), torch.Generator().manual_seed(seed)
        pushed(memory, rows)
        before = scattered(other)
        found.append([[float(each[3]) for each in plain(memory.sample(n, generator))] for _ in range(4)])
        touched.append(before[:2] != global_states()[:2] or not torch.equal(before[2], global_states()[2]))
        moved = not torch.equal(generator.get_state(), torch.Generator().manual_seed(seed).get_state())
    return {"samples": found, "touched": any(touched), "moved": moved}


@conduct
def test_ReplayMemory__uses_the_generator(student: Student, rng: torch.Generator) -> None:
    """draws from the given generator alone: the same again with the same seed, and others the next time"""
    told = student.run(reproduced, draw_rows(rng, 12), 6, whole(rng, 1, 999))
    first, second = told["samples"]
    expect(
        first == second and not told["touched"],
        f"Two samples with generators of one seed differ, or a global one moves. {GLOBAL}",
    )
    expect(told["moved"], "The generator has not moved: it gives the same sample for ever. Hand it on as generator=.")
    expect(any(sorted(each) != sorted(first[0]) for each in first), "Four samples in a row are the same: draw anew each time.")


def refused(module: Any, rows: Any, n: int) -> Told:
    """What is raised where more is wanted than there is; and what a sample of all gives afterwards."""
    memory, generator, raised = module.ReplayMemory(6), torch.Generator().manual_seed(1), []
    for wanted, new in ((1, rows), (n, [])):
        try:
            memory.sample(wanted, generator)
            raised.append("nothing")
        except ValueError:
            raised.append("ValueError")
        except Exception as error:  # noqa: BLE001  which one it is, is the question
            raised.append(type(error).__name__)
        pushed(memory, new)
    return {"raised": raised, "all": plain(memory.sample(len(rows), generator))}


def test_ReplayMemory__refuses(student: Student, rng: torch.Generator) -> None:
    """raises a ValueError where there are fewer transitions than wanted, and goes on as before"""
    rows = draw_rows(rng, 4)
    told = student.run(refused, rows, 5)
    expect_equal(told["raised"], ["ValueError", "ValueError"], "the list of what is raised: by an empty memory, and for 5 of 4")
    expect_rows(told["all"], rows)


def two_memories(module: Any, one: Any, other: Any) -> list[Any]:
    """What is in two memories that are filled in turn."""
    memories, generator = [module.ReplayMemory(3), module.ReplayMemory(5)], torch.Generator().manual_seed(1)
    for a, b in zip(one, other):  # noqa: B905  as long as each other
        pushed(memories[0], [a])
        pushed(memories[1], [b])
    return [plain(each.sample(len(each), generator)) for each in memories]


def test_ReplayMemory__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """gives each memory its own transitions"""
    rows = draw_rows(rng, 8)
    one, other = student.run(two_memories, rows[:4], rows[4:])
    expect_rows(one, rows[1:4])
    expect_rows(other, rows[4:])


# QNet ----------------------------------------------------------------------------------------------------------------

SHAPES = {"layer1.weight": (128, 4), "layer1.bias": (128,), "layer2.weight": (128, 128), "layer2.bias": (128,),
          "layer3.weight": (2, 128), "layer3.bias": (2,)}  # fmt: skip


class Values(nn.Module):
    """The suite's own network of these shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1, self.layer2, self.layer3 = nn.Linear(4, 128), nn.Linear(128, 128), nn.Linear(128, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer3(F.relu(self.layer2(F.relu(self.layer1(x)))))


def net_weights(rng: torch.Generator) -> dict[str, Tensor]:
    return {name: randn(rng, *shape) * (math.sqrt(2 / shape[1]) if len(shape) > 1 else 0.5) for name, shape in SHAPES.items()}


def net_values(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    net = Values().double()
    net.load_state_dict(wide(weights))
    with torch.no_grad():
        return net(x.double())


def net_shapes(module: Any) -> Any:
    """The shapes and dtypes of what a new QNet holds by name, or what QNet() is if it is no network."""
    net = module.QNet()
    if not isinstance(net, nn.Module):
        return type(net).__name__
    return {
        "shapes": {name: tuple(t.shape) for name, t in net.state_dict().items()},
        "dtypes": [str(t.dtype) for t in net.state_dict().values()],
        "parameters": sum(p.numel() for p in net.parameters() if p.requires_grad),
        "all": sum(p.numel() for p in net.parameters()),
    }


def run_net(module: Any, weights: Any, batches: Any) -> list[Any]:
    """The outputs of a QNet with these weights for batch after batch, each in train mode or not."""
    net = module.QNet()
    net.load_state_dict(weights, strict=False)
    return [net.train(training)(x) for x, training in batches]


def expect_layers(found: Any) -> None:
    expect(not isinstance(found, str), f"QNet() gives something of type {found}, which is no network: derive it from nn.Module.")
    shapes = {str(name): tuple(shape) for name, shape in found["shapes"].items()}
    for name, shape in SHAPES.items():
        has = shapes.get(name)
        expect(has is not None, f"The network has no {name}. Its state_dict has {', '.join(shapes) or 'nothing'}.")
        expect(has == shape, f"{name} has shape {has}: look at the sizes that {name.partition('.')[0]} is made with.")


def expect_net(student: Student, weights: dict[str, Tensor], batches: list[tuple[Tensor, bool]], names: list[str]) -> None:
    right = [net_values(weights, x) for x, _ in batches]
    expect_close(student.run(run_net, weights, batches), right, names, rtol=1e-3, atol=1e-4, dtype=torch.float32)


def test_QNet__computes_the_values(student: Student, rng: torch.Generator) -> None:
    """has the three layers by name, and computes from their parameters the values of both actions"""
    expect_layers(student.run(net_shapes))
    expect_net(student, net_weights(rng), [(randn(rng, 6, 4), True)], ["the values"])


def test_QNet__batch_after_batch(student: Student, rng: torch.Generator) -> None:
    """takes batches of any size, a batch of one among them, and does the same in both modes"""
    a, b, c = randn(rng, 1, 4), 3 * randn(rng, 7, 4), randn(rng, 2, 4)
    names = [
        "the values of one state",
        "the values of seven states",
        "the values in eval mode",
        "the values of the first state again",
    ]
    expect_net(student, net_weights(rng), [(a, True), (b, True), (c, False), (a, True)], names)


def test_QNet__holds_nothing_else(student: Student) -> None:
    """has 17,410 parameters in six float32 tensors, all of which can learn, and nothing else in its state_dict"""
    found = student.run(net_shapes)
    expect_layers(found)
    extra = [str(name) for name in found["shapes"] if name not in SHAPES]
    expect(not extra, f"The state_dict has more than the three layers: {', '.join(extra[:5])}.")
    expect_equal(found["all"], 17410, "the number of parameters")
    expect_equal(found["parameters"], 17410, "the number of parameters that require grad")
    expect(all(dtype == "torch.float32" for dtype in found["dtypes"]), "The parameters should be float32.")


def test_QNet__on_the_edges(student: Student, rng: torch.Generator) -> None:
    """is right where what goes into a ReLU is exactly 0, and where all values are negative"""
    weights = {name: torch.randint(-1, 2, shape, generator=rng).float() for name, shape in SHAPES.items()}
    low = {**net_weights(rng), "layer3.bias": torch.tensor([-60.0, -70.0])}
    states = torch.randint(-1, 2, (5, 4), generator=rng).float()
    expect_net(student, weights, [(states, True), (torch.zeros(2, 4), True)], ["the values for states of -1, 0, 1", "for zeros"])
    expect_net(student, low, [(randn(rng, 3, 4), True)], ["the values where both are negative"])


def reached(module: Any, weights: Any, x: Tensor, grad: Tensor) -> Any:
    """The sum of the sizes of each parameter's gradient; {} where the values have no graph. And x as it is then."""
    net = module.QNet()
    net.load_state_dict(weights, strict=False)
    found = net(x)
    if not found.requires_grad:
        return [{}, x]
    found.backward(grad)
    return [{name: 0.0 if p.grad is None else float(p.grad.abs().sum()) for name, p in net.named_parameters()}, x]


def test_QNet__can_learn(student: Student, rng: torch.Generator) -> None:
    """gives values from which backward reaches every parameter, and leaves the states as they are"""
    states = randn(rng, 6, 4)
    found, after = student.run(reached, net_weights(rng), states, randn(rng, 6, 2))
    expect(found, "The values hold no graph, so that the network cannot learn.")
    for name in SHAPES:
        expect(found.get(name, 0.0) > 0, f"Backward from the values does not reach {name}.")
    expect_unchanged(after, states, "the batch of states")


def two_nets(module: Any, one: Any, other: Any, x: Tensor) -> list[Any]:
    nets = [module.QNet(), module.QNet()]
    for net, weights in zip(nets, (one, other)):  # noqa: B905  two and two
        net.load_state_dict(weights, strict=False)
    return [net(x) for net in nets]


def test_QNet__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """gives each network its own layers"""
    one, other, x = net_weights(rng), net_weights(rng), randn(rng, 3, 4)
    found = student.run(two_nets, one, other, x)
    names = ["the first network's values", "the second network's values"]
    expect_close(found, [net_values(one, x), net_values(other, x)], names, rtol=1e-3, atol=1e-4)


# epsilon -------------------------------------------------------------------------------------------------------------


def expect_epsilon(student: Student, at: int, start: float, end: float, decay: float) -> None:
    right = end + (start - end) * math.exp(-at / decay)
    slips = {"That grows from end to start: at step 0 it should be start.": start + (end - start) * math.exp(-at / decay),
             "That falls to 0 and not to end.": start * math.exp(-at / decay),
             "That grows with the step: the exponent is negative.":
                 end + (start - end) * math.exp(min(at / decay, 50.0))}  # fmt: skip
    slips = {text: wrong for text, wrong in slips.items() if abs(wrong - right) > 1e-3}
    found = student.call("epsilon", at, start, end, decay)
    expect_close(found, right, f"epsilon at step {at} of a decay of {decay:g}", rtol=1e-5, atol=1e-6, slips=slips)


def test_epsilon__values(student: Student, rng: torch.Generator) -> None:
    """gives end + (start - end)·e^(-step/decay)"""
    for _ in range(3):
        decay = float(whole(rng, 50, 400))
        expect_epsilon(student, int(decay * number(rng, 0.3, 0.9)), number(rng, 0.7, 1.0), number(rng, 0.02, 0.2), decay)


def test_epsilon__begins_with_start(student: Student, rng: torch.Generator) -> None:
    """is start at step 0"""
    for start in (1.0, number(rng, 0.4, 0.9)):
        expect_epsilon(student, 0, start, number(rng, 0.01, 0.3), number(rng, 2, 900))


def test_epsilon__comes_to_end(student: Student, rng: torch.Generator) -> None:
    """comes to end after very many steps"""
    expect_epsilon(student, 1_000_000, 0.9, number(rng, 0.01, 0.3), number(rng, 10, 900))
    expect_epsilon(student, 200, 0.9, 0.0, 3.0)


def test_epsilon__any_numbers(student: Student, rng: torch.Generator) -> None:
    """takes a decay below 1, a start below end, and equal ones"""
    expect_epsilon(student, 1, 0.8, 0.1, number(rng, 0.3, 0.9))
    expect_epsilon(student, whole(rng, 5, 9), 0.1, 0.7, 8.5)
    expect_epsilon(student, 3, 0.25, 0.25, 6.0)


# select_action -------------------------------------------------------------------------------------------------------


class Watched(nn.Module):
    """A linear network that notes what it is given, and whether anything is recorded."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.shapes: list[list[int]] = []
        self.dtypes: list[str] = []
        self.recorded = 0

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(list(x.shape))
        self.dtypes.append(str(x.dtype))
        found = x @ self.weight.t()
        self.recorded += found.requires_grad
        return found


def chosen(module: Any, weight: Tensor, states: Any, eps: float, times: int, seed: int, mode: bool) -> Told:
    """For each state, how often each action was chosen; and what the network saw, and how it is afterwards."""
    net, generator = Watched(weight).train(mode), torch.Generator().manual_seed(seed)
    counts, kinds = [], set()
    for state in states:
        found = [module.select_action(net, state, eps, generator) for _ in range(times)]
        kinds |= {"int" if isinstance(each, int | np.integer) else type(each).__name__ for each in found}
        counts.append([sum(int(each) == action for each in found) for action in (0, 1)])
    return {
        "counts": counts,
        "kinds": sorted(kinds),
        "shapes": sorted(set(map(tuple, net.shapes))),
        "dtypes": sorted(set(net.dtypes)),
        "recorded": net.recorded > 0,
        "mode": net.training,
        "weight": net.weight.detach().clone(),
        "grad": net.weight.grad is None and net.weight.requires_grad,
        "states": list(states),
    }


def preferring(rng: torch.Generator, count: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, list[Tensor], list[int]]:
    """A weight, states, and the action that is clearly better in each: both of them are there."""
    weight = randn(rng, 2, 4, dtype=dtype)
    states: list[Tensor] = []
    while len(states) < count:
        state = randn(rng, 4, dtype=dtype)
        low, high = sorted((weight @ state).tolist())
        if high - low > 0.3 and int((weight @ state).argmax()) == len(states) % 2:
            states.append(state)
    return weight, states, [i % 2 for i in range(count)]


def expect_actions(told: Told) -> None:
    expect(
        told["kinds"] == ["int"], f"The action should be an int, but it is a {', '.join(told['kinds'])}: use .item() or int()."
    )
    expect(all(sum(each) > 0 for each in told["counts"]), "The action should be 0 or 1.")


def test_select_action__greedy_and_random(student: Student, rng: torch.Generator) -> None:
    """takes the action with the larger value for eps = 0, and each action as often for eps = 1"""
    weight, states, best = preferring(rng, 6)
    told = student.run(chosen, weight, states, 0.0, 4, whole(rng, 1, 999), True)
    expect_actions(told)
    wrong = sum(each[action] != 4 for each, action in zip(told["counts"], best, strict=True))
    if wrong:
        opposite = all(each[1 - action] == 4 for each, action in zip(told["counts"], best, strict=True))
        text = (f"With eps = 0 the action with the larger value should come every time; in {wrong} of 6 states it did not. "
                "Is eps the probability of acting at random?")  # fmt: skip
        expect(not opposite, "With eps = 0 it is always the action with the *smaller* value.")
        expect(False, text)
    expect_random(student, rng, 300)


def expect_random(student: Student, rng: torch.Generator, times: int) -> None:
    weight, states, best = preferring(rng, 2)
    told = student.run(chosen, weight, states, 1.0, times, whole(rng, 1, 999), True)
    expect_actions(told)
    for each, action in zip(told["counts"], best, strict=True):
        text = (f"With eps = 1 the action with the larger value came {each[action]} times of {times}; it should be about half: "
                "at random means 0 or 1, each as likely, whatever the net thinks.")  # fmt: skip
        expect(within(each[action], times, 0.5), text)


def test_select_action__always_random(student: Student, rng: torch.Generator) -> None:
    """takes each action in half of the steps for eps = 1, whatever the net prefers"""
    expect_random(student, rng, 900)


def test_select_action__in_between(student: Student, rng: torch.Generator) -> None:
    """acts at random with probability eps, which may take the better action too"""
    for eps in (0.3, 0.8):
        weight, states, best = preferring(rng, 2)
        told = student.run(chosen, weight, states, eps, 700, whole(rng, 1, 999), True)
        expect_actions(told)
        count = sum(each[action] for each, action in zip(told["counts"], best, strict=True))
        text = (f"With eps = {eps} the better action came in {100 * count / 1400:.0f} % of the steps; it should be about "
                f"{100 * (1 - eps / 2):.0f} %: the greedy ones, and half of those at random.")  # fmt: skip
        expect(within(count, 1400, 1 - eps / 2), text)


@conduct
def test_select_action__asks_for_one_state(student: Student, rng: torch.Generator) -> None:
    """gives the net a batch of one, (1, 4), and records nothing"""
    weight, states, _ = preferring(rng, 2)
    told = student.run(chosen, weight, states, 0.0, 2, 1, True)
    expect(told["shapes"] == [(1, 4)], "The net takes batches: give it one of shape (1, 4).")
    expect(not told["recorded"], "The forward pass is recorded: nobody calls backward here, so use torch.no_grad().")


@conduct
def test_select_action__keeps_the_mode(student: Student, rng: torch.Generator) -> None:
    """leaves the net's mode, weights and gradients as they were, and the state"""
    weight, states, _ = preferring(rng, 2)
    for mode in (True, False):
        for eps in (0.0, 0.5, 1.0):
            told = student.run(chosen, weight, states, eps, 4, 1, mode)
            before, after = ("train" if each else "eval" for each in (mode, told["mode"]))
            expect(before == after, f"The net was in {before} mode, and it is in {after} mode now.")
            expect_unchanged(told["weight"], weight, "the net's weight")
            expect(told["grad"], "The net's weight has a gradient now, or does not require one any more.")
            for state, was in zip(told["states"], states, strict=True):
                expect_unchanged(state, was, "the state")


def test_select_action__in_the_dtype_of_the_net(student: Student, rng: torch.Generator) -> None:
    """gives the net its own dtype: a state in float64 goes to a net in float32, and the other way round"""
    for dtype, other in ((torch.float32, torch.float64), (torch.float64, torch.float32), (torch.float64, torch.float64)):
        weight, states, best = preferring(rng, 4, dtype)
        told = student.run(chosen, weight, [each.to(other) for each in states], 0.0, 2, 1, True)
        expect_actions(told)
        expect_equal(told["counts"], [[2 - 2 * action, 2 * action] for action in best], "how often each action came for eps = 0")
        expect(told["dtypes"] == [str(dtype)], f"A net of {dtype} was given {' and '.join(told['dtypes'])}.")


def sequences(module: Any, weight: Tensor, state: Tensor, seed: int) -> Told:
    """Actions by generators of one seed, with other global states; and what became of these."""
    found, touched = [], []
    for other in (1, 2):
        generator, before = torch.Generator().manual_seed(seed), scattered(other)
        net = Watched(weight)
        found.append([int(module.select_action(net, state, 0.9, generator)) for _ in range(60)])
        touched.append(before[:2] != global_states()[:2] or not torch.equal(before[2], global_states()[2]))
    moved = not torch.equal(generator.get_state(), torch.Generator().manual_seed(seed).get_state())
    return {"actions": found, "touched": any(touched), "moved": moved}


@conduct
def test_select_action__uses_the_generator(student: Student, rng: torch.Generator) -> None:
    """draws from the given generator alone: the same actions again with the same seed"""
    weight, states, _ = preferring(rng, 1)
    told = student.run(sequences, weight, states[0], whole(rng, 1, 999))
    one, other = told["actions"]
    expect(one == other and not told["touched"], f"Actions by generators of one seed differ, or a global one moves. {GLOBAL}")
    expect(told["moved"] and len(set(one)) == 2, "The generator does not move, so that every step draws the same: hand it on.")


# collate -------------------------------------------------------------------------------------------------------------


def batch_of(rows: Sequence[Row]) -> dict[str, Tensor]:
    following = [row[2] for row in rows if row[2] is not None]
    return {
        "state": torch.stack([row[0] for row in rows]),
        "action": torch.tensor([row[1] for row in rows], dtype=torch.int64),
        "reward": torch.tensor([row[3] for row in rows], dtype=torch.float32),
        "alive": torch.tensor([row[2] is not None for row in rows]),
        "next_state": torch.stack(following) if following else torch.zeros(0, 4),
    }


def draw_transitions(rng: torch.Generator, alive: Sequence[bool]) -> list[Row]:
    return [(randn(rng, 4), whole(rng, 0, 1), randn(rng, 4) if each else None, number(rng, -3, 3)) for each in alive]


def expect_batch(student: Student, rows: list[Row]) -> None:
    found = student.call("collate", rows)
    expect(isinstance(found, dict), f"collate should return a dict, but it returned a {type(found).__name__}.")
    for key, right in batch_of(rows).items():
        expect(key in found, f"The dict has no key {key!r}; it has {', '.join(sorted(map(str, found)))}.")
        expect_close(found[key], right, f"batch[{key!r}]", dtype=right.dtype, rtol=1e-6, atol=1e-7)


def test_collate__values(student: Student, rng: torch.Generator) -> None:
    """makes one batch of several transitions, in their order, with the next states of those that are alive"""
    expect_batch(student, draw_transitions(rng, (True, False, True)))
    expect_batch(student, draw_transitions(rng, (False, True, True, False, True)))


def test_collate__all_ended(student: Student, rng: torch.Generator) -> None:
    """gives a next_state of shape (0, 4) where every episode ended"""
    expect_batch(student, draw_transitions(rng, (False, False, False)))


def test_collate__none_ended(student: Student, rng: torch.Generator) -> None:
    """works where no episode ended"""
    expect_batch(student, draw_transitions(rng, (True, True, True, True)))


def test_collate__one(student: Student, rng: torch.Generator) -> None:
    """works for one transition, alive or ended"""
    expect_batch(student, draw_transitions(rng, (True,)))
    expect_batch(student, draw_transitions(rng, (False,)))


def test_collate__zeros_are_alive(student: Student, rng: torch.Generator) -> None:
    """takes a next_state of zeros for a state like any other: only None says that an episode ended"""
    rows = draw_transitions(rng, (True, False, True))
    expect_batch(student, [(rows[0][0], rows[0][1], torch.zeros(4), rows[0][3]), *rows[1:]])


def test_collate__rewards(student: Student, rng: torch.Generator) -> None:
    """keeps rewards of any sign and size, with their fractions, and whatever came of the episode"""
    rows = draw_transitions(rng, (True, False, False, True))
    rewards = (0.0, -2.5, 0.125, 300.75)
    expect_batch(student, [(*row[:3], reward) for row, reward in zip(rows, rewards, strict=True)])


def test_collate__many(student: Student, rng: torch.Generator) -> None:
    """works for a batch of 128"""
    expect_batch(student, draw_transitions(rng, [bool(i) for i in torch.randint(0, 5, (128,), generator=rng)]))


def test_collate__unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves the transitions as they were"""
    rows = draw_transitions(rng, (True, False, True))
    _, (after,) = student.observe("collate", rows)
    expect_equal(len(after), 3, "the number of transitions in the list that was given")
    for mine, was in zip(after, rows, strict=True):
        expect_unchanged(mine[0], was[0], "a state")
        expect_equal([mine[1], mine[3]], [was[1], was[3]], "the action and the reward")
        if was[2] is not None:
            expect_unchanged(mine[2], was[2], "a next_state")


# q_taken -------------------------------------------------------------------------------------------------------------


def taken(module: Any, weights: Any, state: Tensor, action: Tensor, grad: Tensor) -> Told:
    """The values of the actions taken, and the gradients of their weighted sum."""
    net = build(weights)
    found = module.q_taken(net, state, action)
    attached = bool(getattr(found, "requires_grad", False))
    quiet = all(p.grad is None for p in net.parameters())
    told = {"values": found, "attached": attached, "quiet": quiet, "mode": net.training, "state": state, "action": action}
    if attached and found.shape == grad.shape:
        found.backward(grad)
        told["gradients"] = {name: p.grad for name, p in net.named_parameters()}
    return told


def expect_taken(student: Student, rng: torch.Generator, action: Tensor, dtype: torch.dtype = torch.float32) -> None:
    weights, n = draw_weights(rng, dtype), len(action)
    state, grad = randn(rng, n, 4, dtype=dtype), randn(rng, n, dtype=dtype)
    told = student.run(taken, weights, state, action, grad)
    net = build(wide(weights))
    both = net(state.double())
    right = both[torch.arange(n), action]
    slips = {"That is the larger of both values; asked for is the value of the action that was taken.": both.amax(1).detach(),
             "These are the values of the *other* action.": both[torch.arange(n), 1 - action].detach()}  # fmt: skip
    slips = {text: wrong for text, wrong in slips.items() if not torch.allclose(wrong, right, atol=1e-3)}
    expect_close(told["values"], right.detach(), "the values of the actions taken", dtype=dtype, slips=slips)
    expect(told["attached"], "The values have no graph, so that the net cannot learn from them: no no_grad, no detach, no item.")
    expect(told["quiet"], "q_taken has left gradients in the net: it only computes values.")
    right.backward(grad.double())
    gradients = {name: p.grad for name, p in net.named_parameters()}
    expect_close(told["gradients"], gradients, "the gradient that reaches the net, of", rtol=1e-3, atol=1e-4)
    expect_unchanged(told["state"], state, "the batch of states")
    expect_unchanged(told["action"], action, "the batch of actions")


def draw_actions(rng: torch.Generator, n: int) -> Tensor:
    """Both actions, in random order, about as often."""
    return (torch.arange(n) % 2)[torch.randperm(n, generator=rng)]


def test_q_taken__values(student: Student, rng: torch.Generator) -> None:
    """gives of each row the value of the action that was taken, attached to the net"""
    expect_taken(student, rng, draw_actions(rng, 3))
    expect_taken(student, rng, draw_actions(rng, 6))


def test_q_taken__one(student: Student, rng: torch.Generator) -> None:
    """gives shape (1,) for a single state"""
    for action in (0, 1):
        expect_taken(student, rng, torch.tensor([action]))


def test_q_taken__two(student: Student, rng: torch.Generator) -> None:
    """picks along the actions also where there are as many states as actions"""
    for actions in ([1, 0], [0, 1], [1, 1], [0, 0]):
        expect_taken(student, rng, torch.tensor(actions))


def test_q_taken__float64(student: Student, rng: torch.Generator) -> None:
    """works for a net in float64"""
    expect_taken(student, rng, draw_actions(rng, 5), torch.float64)


# bellman_target ------------------------------------------------------------------------------------------------------

THROUGH_THE_END = "Where the episode ended there is nothing more to come: there the target is the reward alone."
ROWS_OR_ACTIONS = "That is the maximum over the rows; it should be the larger of the two values of each row."


def aimed(module: Any, weights: Any, batch: Any, gamma: float, mode: bool, frozen: bool) -> Told:
    """The target, and what became of net and batch."""
    net = build(weights).train(mode)
    for p in net.parameters():
        p.grad = torch.ones_like(p)
        p.requires_grad_(not frozen)
    found = module.bellman_target(net, batch, gamma)
    return {
        "target": found,
        "attached": bool(getattr(found, "requires_grad", False)),
        "weights": values(net),
        "mode": net.training,
        "flags": all(p.requires_grad is not frozen for p in net.parameters()),
        "gradients": all(p.grad is not None and bool((p.grad == 1).all()) for p in net.parameters()),
        "batch": batch,
    }


def target_of(weights: dict[str, Tensor], batch: dict[str, Tensor], gamma: float, pick: Callable[[Tensor], Tensor]) -> Tensor:
    """The target in float64, with `pick` for the maximum over the actions."""
    following = torch.zeros(len(batch["reward"]), dtype=torch.float64)
    with torch.no_grad():
        following[batch["alive"]] = pick(build(wide(weights))(batch["next_state"].double()))
    return batch["reward"].double() + gamma * following


def expect_target(
    student: Student, rng: torch.Generator, rows: list[Row], gamma: float, *, mode: bool = True, frozen: bool = False
) -> Told:
    weights, batch = draw_weights(rng), batch_of(rows)
    told: Told = student.run(aimed, weights, batch, gamma, mode, frozen)
    right = target_of(weights, batch, gamma, lambda q: q.amax(1))
    slips = {
        "That takes the mean of both values; the best action counts.": target_of(weights, batch, gamma, lambda q: q.mean(1)),
        "That takes the smaller of both values; the best action counts.": target_of(weights, batch, gamma, lambda q: q.amin(1)),
        "That is the reward alone: what follows is missing.": batch["reward"].double(),
    }
    slips = {text: wrong for text, wrong in slips.items() if not torch.allclose(wrong, right, atol=1e-3)}
    expect_close(told["target"], right, "the target", dtype=torch.float32, slips=slips)
    expect(not told["attached"], "The target has a graph, so that both sides would learn: use no_grad, or detach it.")
    return told


def test_bellman_target__values(student: Student, rng: torch.Generator) -> None:
    """gives the reward, and where the episode goes on, gamma times the best value that follows; without a graph"""
    expect_target(student, rng, draw_transitions(rng, (True, False, True)), number(rng, 0.4, 0.95))
    expect_target(student, rng, draw_transitions(rng, (False, True, True, False, True, True)), number(rng, 0.4, 0.95))


def test_bellman_target__all_ended(student: Student, rng: torch.Generator) -> None:
    """gives just the rewards where every episode ended"""
    for count in (4, 1):
        expect_target(student, rng, draw_transitions(rng, (False,) * count), 0.9)


def test_bellman_target__none_ended(student: Student, rng: torch.Generator) -> None:
    """works where no episode ended, also with as many states as actions, and for one"""
    for count in (5, 2, 1):
        expect_target(student, rng, draw_transitions(rng, (True,) * count), 0.9)


def test_bellman_target__zeros_are_alive(student: Student, rng: torch.Generator) -> None:
    """goes by alive, not by zeros in next_state"""
    rows = draw_transitions(rng, (True, False, True))
    expect_target(student, rng, [(rows[0][0], rows[0][1], torch.zeros(4), rows[0][3]), *rows[1:]], 0.8)


def test_bellman_target__gammas(student: Student, rng: torch.Generator) -> None:
    """takes any gamma, 0 and 1 among them"""
    for gamma in (0.0, 1.0, number(rng, 0.1, 0.3)):
        expect_target(student, rng, draw_transitions(rng, (True, False, True, True)), gamma)


def test_bellman_target__negative_values(student: Student, rng: torch.Generator) -> None:
    """takes the larger value also where both are negative"""
    rows, weights = draw_transitions(rng, (True, True, False)), draw_weights(rng)
    weights["2.bias"] = torch.tensor([-20.0, -21.0])
    batch = batch_of(rows)
    told = student.run(aimed, weights, batch, 0.9, True, False)
    expect_close(told["target"], target_of(weights, batch, 0.9, lambda q: q.amax(1)), "the target where all values are negative")


@conduct
def test_bellman_target__net_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves target_net as it was: weights, gradients, requires_grad and mode"""
    for mode, frozen in ((True, False), (False, True)):
        weights, batch = draw_weights(rng), batch_of(draw_transitions(rng, (True, False, True)))
        told = student.run(aimed, weights, batch, 0.9, mode, frozen)
        expect_close(told["weights"], weights, "after bellman_target, the value of", rtol=0, atol=0)
        expect(told["mode"] is mode, "target_net is in another mode than before.")
        expect(told["flags"], "requires_grad of target_net's parameters has changed.")
        expect(told["gradients"], "The gradients of target_net's parameters have changed.")


def test_bellman_target__batch_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves the batch as it was"""
    for alive in ((True, False, True), (True, True)):
        weights, batch = draw_weights(rng), batch_of(draw_transitions(rng, alive))
        told = student.run(aimed, weights, batch, 0.9, True, False)
        for key, before in batch.items():
            expect_unchanged(told["batch"].get(key), before, f"batch[{key!r}]")


# td_loss -------------------------------------------------------------------------------------------------------------


def lost(module: Any, q: Tensor, target: Tensor, sided: bool) -> Told:
    """The loss and the gradients of q and, where it requires one, of target."""
    a, b = q.clone().requires_grad_(), target.clone().requires_grad_(sided)
    found = module.td_loss(a, b)
    told = {"loss": found, "attached": bool(getattr(found, "requires_grad", False)), "q": a.detach(), "target": b.detach()}
    if told["attached"] and found.dim() == 0:
        found.backward()
        told |= {"slope": a.grad, "other": None if b.grad is None else float(b.grad.abs().sum())}
    return told


def huber(q: Tensor, target: Tensor) -> Tensor:
    delta = (q - target).abs()
    return torch.where(delta <= 1, delta * delta / 2, delta - 0.5)


def expect_loss(student: Student, q: Tensor, target: Tensor, *, sided: bool = False, bent: bool = False) -> None:
    told = student.run(lost, q, target, sided)
    delta = q.double() - target.double()
    right = huber(q.double(), target.double()).mean()
    slips = {
        "That is the sum over the batch; take the mean.": right * len(q),
        "That is the mean of the squares; beyond |δ| = 1 the loss is a straight line.": (delta**2).mean(),
        "That is half of the mean of the squares; beyond |δ| = 1 the loss is a straight line.": (delta**2).mean() / 2,
        "That is the mean of |δ|; within |δ| = 1 the loss is a parabola.": delta.abs().mean(),
        "The straight part lacks its - 1/2, so that it does not meet the parabola.":
            torch.where(delta.abs() <= 1, delta**2 / 2, delta.abs()).mean(),
        "The parabola lacks its factor 1/2.": torch.where(delta.abs() <= 1, delta**2, delta.abs() - 0.5).mean(),
    }  # fmt: skip
    slips = {text: wrong for text, wrong in slips.items() if not torch.allclose(wrong, right, rtol=1e-3, atol=1e-4)}
    expect_close(told["loss"], right, "the loss", dtype=q.dtype, slips=slips)
    expect(told["attached"], "The loss has no graph, so that q cannot learn from it.")
    if not bent:  # at the bend itself, right forms of the loss differ in what autograd takes for its slope
        expect_close(told["slope"], delta.clamp(-1, 1) / len(q), "the gradient of q")
    expect(not told["other"], "A gradient flows into target: detach it, it is a number to aim at.")
    expect_unchanged(told["q"], q, "q")
    expect_unchanged(told["target"], target, "target")


def away(rng: torch.Generator, *sizes: float, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """q and a target that is that far away, on either side."""
    signs = 1 - 2 * (torch.randperm(len(sizes), generator=rng) % 2).to(dtype)
    target = randn(rng, len(sizes), dtype=dtype)
    return target + signs * torch.tensor(sizes, dtype=dtype), target


def test_td_loss__values(student: Student, rng: torch.Generator) -> None:
    """is the mean of δ²/2 where |δ| is at most 1, and of |δ| - 1/2 beyond"""
    expect_loss(student, *away(rng, 0.4, 2.5, 0.8, 4.0))
    expect_loss(student, *away(rng, 3.0, 0.6))


def test_td_loss__at_the_bend(student: Student, rng: torch.Generator) -> None:
    """is 1/2 at |δ| = 1, on either side, and 0 where both are equal"""
    target = torch.tensor([0.0, 2.0, -1.0, 4.0])
    expect_loss(student, target + torch.tensor([1.0, -1.0, 0.0, 1.0]), target, bent=True)


def test_td_loss__far_away(student: Student, rng: torch.Generator) -> None:
    """is a straight line far away, up to 10,000"""
    expect_loss(student, *away(rng, 1e4, 300.0, 0.5))


def test_td_loss__one(student: Student, rng: torch.Generator) -> None:
    """works for a batch of one"""
    expect_loss(student, *away(rng, 0.3))
    expect_loss(student, *away(rng, 1.7))


def test_td_loss__float64(student: Student, rng: torch.Generator) -> None:
    """works in float64"""
    expect_loss(student, *away(rng, 0.2, 1.5, 0.9, dtype=torch.float64))


def test_td_loss__target_learns_nothing(student: Student, rng: torch.Generator) -> None:
    """sends no gradient into a target that requires one"""
    expect_loss(student, *away(rng, 0.3, 2.0, 0.7), sided=True)


# soft_update ---------------------------------------------------------------------------------------------------------


def large(weights: dict[str, Tensor] | None = None, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A network with nested layers, BatchNorm's statistics, a parameter of its own, and buffers of several kinds."""
    net = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1, bias=False)))
    net.register_parameter("scale", nn.Parameter(torch.ones(())))
    net.register_buffer("mean", torch.zeros(2))
    net.register_buffer("count", torch.zeros(3, dtype=torch.int64))
    net.register_buffer("mask", torch.zeros(2, dtype=torch.bool))
    net.to(dtype)
    if weights:
        net.load_state_dict(weights)
    return net


def draw_state_dict(rng: torch.Generator, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    found = {}
    for name, t in large(dtype=dtype).state_dict().items():
        if t.is_floating_point():
            found[name] = randn(rng, *t.shape, dtype=dtype)
        elif t.dtype == torch.bool:
            found[name] = torch.randint(0, 2, t.shape, generator=rng).bool()
        else:
            found[name] = torch.randint(2, 99, t.shape, generator=rng)
    return found


def followed(module: Any, mine: Any, theirs: Any, tau: float, times: int) -> Told:
    """Two nets after the update, what became of the target's parameters, and both after the other has changed."""
    target, policy = large(mine, next(iter(mine.values())).dtype), large(theirs, next(iter(theirs.values())).dtype)
    before = dict(target.named_parameters())
    for i, (name, p) in enumerate(before.items()):
        p.requires_grad_(i % 2 == 0 or name == "scale")
        p.grad = torch.full_like(p, float(i)) if i % 3 else None
    modes = [target.training, policy.training]
    flags = [p.requires_grad for p in before.values()]
    for _ in range(times):
        module.soft_update(target, policy, tau)
    after = dict(target.named_parameters())
    told = {
        "target": values(target),
        "policy": values(policy),
        "same": [after.get(name) is p for name, p in before.items()],
        "leaves": [p.is_leaf and p.grad_fn is None for p in after.values()],
        "flags": [p.requires_grad for p in after.values()] == flags,
        "gradients": [p.grad is not None and bool((p.grad == i).all()) if i % 3 else p.grad is None
                      for i, p in enumerate(after.values())],
        "modes": [target.training, policy.training] == modes,
        "policy_learns": all(p.requires_grad and p.grad is None for p in policy.parameters()),
        "buffers_recorded": any(t.requires_grad for t in target.buffers()),
    }  # fmt: skip
    with torch.no_grad():
        for t in policy.state_dict().values():
            t.logical_not_() if t.dtype == torch.bool else t.add_(7)
    told["later"] = values(target)
    with torch.no_grad():
        for t in target.state_dict().values():
            t.logical_not_() if t.dtype == torch.bool else t.sub_(20)
    told["policy_later"] = values(policy)
    return told


def moved(mine: dict[str, Tensor], theirs: dict[str, Tensor], tau: float, times: int = 1) -> dict[str, Tensor]:
    found = dict(mine)
    for _ in range(times):
        found = {
            name: (1 - tau) * t.double() + tau * theirs[name].double() if t.is_floating_point() else theirs[name]
            for name, t in found.items()
        }
    return found


def expect_followed(student: Student, mine: Any, theirs: Any, tau: float, times: int = 1) -> Told:
    told: Told = student.run(followed, mine, theirs, tau, times)
    right = moved(mine, theirs, tau, times)
    other = {name: moved(mine, theirs, 1 - tau, times)[name] for name in right}
    name = "0.weight"
    slips = {"tau and 1 - tau are exchanged: with a small tau the target moves a little.": other[name]} if tau != 0.5 else {}
    if 0 < tau < 1:
        slips["The target has become a copy of policy: it should move only a part of the way."] = theirs[name].double()
    if tau:
        slips["The target has not moved: is a new tensor made, and thrown away?"] = mine[name].double()
    expect_close(
        told["target"].get(name), right[name], f"after soft_update, the target's {name}", dtype=mine[name].dtype, slips=slips
    )
    for key, value in right.items():
        kind = "parameter" if key in dict(large().named_parameters()) else "buffer"
        expect_close(told["target"].get(key), value, f"after soft_update, the target's {kind} {key}", dtype=mine[key].dtype)
    return told


def test_soft_update__values(student: Student, rng: torch.Generator) -> None:
    """moves parameters and buffers of floating point by tau of the way to policy, and copies the others"""
    expect_followed(student, draw_state_dict(rng), draw_state_dict(rng), number(rng, 0.1, 0.3))
    expect_followed(student, draw_state_dict(rng), draw_state_dict(rng), number(rng, 0.6, 0.8))


def test_soft_update__nothing_and_all(student: Student, rng: torch.Generator) -> None:
    """moves nothing for tau = 0, though it copies what is no floating point, and all the way for tau = 1"""
    for tau in (0.0, 1.0):
        expect_followed(student, draw_state_dict(rng), draw_state_dict(rng), tau)


def test_soft_update__again(student: Student, rng: torch.Generator) -> None:
    """moves on from where the target is at each call"""
    expect_followed(student, draw_state_dict(rng), draw_state_dict(rng), 0.25, 3)


def test_soft_update__float64(student: Student, rng: torch.Generator) -> None:
    """works for nets in float64"""
    expect_followed(student, draw_state_dict(rng, torch.float64), draw_state_dict(rng, torch.float64), 0.005)


@conduct
def test_soft_update__same_parameters(student: Student, rng: torch.Generator) -> None:
    """keeps the target's parameters the same objects, leaves without a graph"""
    told = student.run(followed, draw_state_dict(rng), draw_state_dict(rng), 0.3, 2)
    expect(all(told["same"]), "The target has other parameters than before: an optimizer or a caller that holds them loses them.")
    expect(all(told["leaves"]) and not told["buffers_recorded"], "The update is recorded: use torch.no_grad().")


@conduct
def test_soft_update__flags_and_gradients(student: Student, rng: torch.Generator) -> None:
    """leaves requires_grad, gradients and modes as they were"""
    told = student.run(followed, draw_state_dict(rng), draw_state_dict(rng), 0.3, 1)
    expect(told["flags"], "requires_grad of the target's parameters has changed.")
    expect(all(told["gradients"]), "The gradients of the target's parameters have changed.")
    expect(told["modes"], "The mode of a net has changed.")
    expect(told["policy_learns"], "requires_grad or the gradients of policy have changed.")


def test_soft_update__policy_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves policy as it was"""
    for tau in (0.3, 1.0):
        theirs = draw_state_dict(rng)
        told = student.run(followed, draw_state_dict(rng), theirs, tau, 1)
        expect_close(told["policy"], theirs, "after soft_update, policy's", rtol=0, atol=0)


def test_soft_update__shares_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves two nets of which neither is changed by later changes of the other, also for tau = 1"""
    for tau in (0.3, 1.0):
        mine, theirs = draw_state_dict(rng), draw_state_dict(rng)
        told = student.run(followed, mine, theirs, tau, 1)
        for name, t in told["target"].items():
            same = isinstance(t, Tensor) and torch.equal(told["later"][name], t)
            expect(same, f"A later change of policy has changed the target's {name}: both share memory. Copy values.")
        later = {name: ~t if t.dtype == torch.bool else t + 7 for name, t in theirs.items()}
        expect_close(told["policy_later"], later, "after a later change of the target, policy's", rtol=1e-6, atol=1e-6)


# reinforce_loss ------------------------------------------------------------------------------------------------------


def weighed(module: Any, log_probs: Tensor, rewards: list[float], gamma: float) -> Told:
    """The loss, and the gradient of log_probs; rewards as they are afterwards."""
    leaf = log_probs.clone().requires_grad_()
    found = module.reinforce_loss(leaf, rewards, gamma)
    told = {
        "loss": found,
        "attached": bool(getattr(found, "requires_grad", False)),
        "rewards": rewards,
        "log_probs": leaf.detach(),
    }
    if told["attached"] and found.dim() == 0:
        found.backward()
        told["slope"] = leaf.grad
    return told


def returns_of(rewards: Sequence[float], gamma: float) -> Tensor:
    found = [sum(gamma**k * r for k, r in enumerate(rewards[t:])) for t in range(len(rewards))]
    return torch.tensor(found, dtype=torch.float64)


def normal(returns: Tensor, correction: int = 1) -> Tensor:
    return (returns - returns.mean()) / (returns.std(correction=correction) + 1.1920929e-07) if len(returns) > 1 else returns


def expect_reinforce(student: Student, log_probs: Tensor, rewards: list[float], gamma: float) -> None:
    told = student.run(weighed, log_probs, rewards, gamma)
    returns, wide_probs = returns_of(rewards, gamma), log_probs.double()
    weights = normal(returns)
    right = -(wide_probs * weights).sum()
    discounted = torch.tensor([gamma**t * r for t, r in enumerate(rewards)], dtype=torch.float64)
    slips = {
        "The minus is missing: what was followed by more than usual is to become likelier.": -right,
        "That is the mean over the steps; asked for is the sum.": right / len(rewards),
        "The standard deviation is the one with T; asked for is the one with T - 1.": -(wide_probs * normal(returns, 0)).sum(),
        "The returns are not normalised.": -(wide_probs * returns).sum(),
        "The returns lack their mean only; divide by their deviation too.": -(wide_probs * (returns - returns.mean())).sum(),
        "These are discounted rewards, each alone: G[t] is the sum of all that follow.": -(wide_probs * normal(discounted)).sum(),
        "These sums run from the first step on; G[t] begins at step t.": -(wide_probs * normal(discounted.cumsum(0))).sum(),
        "The returns stand in the order from the last step to the first.": -(wide_probs * weights.flip(0)).sum(),
    }
    slips = {text: wrong for text, wrong in slips.items()
             if bool(wrong.isfinite()) and not torch.allclose(wrong, right, rtol=1e-3, atol=1e-3)}  # fmt: skip
    expect_shape(told["loss"], (), "the loss")
    expect_close(told["loss"], right, "the loss", rtol=1e-4, atol=1e-4, dtype=log_probs.dtype, slips=slips)
    expect(told["attached"], "The loss has no graph, so that the policy cannot learn from it.")
    expect_close(told["slope"], -weights, "the gradient of log_probs", rtol=1e-4, atol=1e-4)
    expect_equal(told["rewards"], rewards, "the list of rewards after the call")
    expect_unchanged(told["log_probs"], log_probs, "log_probs")


def draw_rewards(rng: torch.Generator, steps: int) -> list[float]:
    return [round(number(rng, -2, 3), 3) for _ in range(steps)]


def log_probabilities(rng: torch.Generator, steps: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.log(0.05 + 0.9 * torch.rand(steps, generator=rng, dtype=dtype))


def test_reinforce_loss__values(student: Student, rng: torch.Generator) -> None:
    """weighs each log-probability with the normalised sum of the rewards from its step on"""
    for steps in (3, 6):
        expect_reinforce(student, log_probabilities(rng, steps), draw_rewards(rng, steps), number(rng, 0.5, 0.9))


def test_reinforce_loss__rewards_of_one(student: Student, rng: torch.Generator) -> None:
    """works for the rewards of CartPole, which are all 1"""
    expect_reinforce(student, log_probabilities(rng, 14), [1.0] * 14, 0.99)


def test_reinforce_loss__one_step(student: Student, rng: torch.Generator) -> None:
    """leaves the return of a single step as it is"""
    for reward in (number(rng, 2, 5), -1.5):
        expect_reinforce(student, log_probabilities(rng, 1), [reward], 0.9)


def test_reinforce_loss__two_steps(student: Student, rng: torch.Generator) -> None:
    """works for two steps"""
    expect_reinforce(student, log_probabilities(rng, 2), draw_rewards(rng, 2), 0.7)


def test_reinforce_loss__gammas(student: Student, rng: torch.Generator) -> None:
    """takes any gamma, 0 and 1 among them"""
    for gamma in (0.0, 1.0):
        expect_reinforce(student, log_probabilities(rng, 5), draw_rewards(rng, 5), gamma)


def test_reinforce_loss__long(student: Student, rng: torch.Generator) -> None:
    """works for an episode of 200 steps"""
    expect_reinforce(student, log_probabilities(rng, 200), draw_rewards(rng, 200), 0.95)


def test_reinforce_loss__float64(student: Student, rng: torch.Generator) -> None:
    """gives a loss in the dtype of log_probs"""
    expect_reinforce(student, log_probabilities(rng, 7, torch.float64), draw_rewards(rng, 7), 0.8)


# trained_return ------------------------------------------------------------------------------------------------------

EPISODES, MOST_STEPS = 100, 500
SEEDS = 3  # one right run of twelve learns nothing
SHOWN = 40  # moments of the episode that the page shows


def learned(module: Any, episodes: int, seed: int) -> Told:
    """What train_dqn returns, and what it is."""
    found = module.train_dqn(episodes, seed)
    if not isinstance(found, dict):
        return {"instead": type(found).__name__}
    tensors = {str(name): t for name, t in found.items() if isinstance(t, torch.Tensor)}
    return {
        "instead": "",
        "names": list(map(str, found)),
        "graph": [name for name, t in tensors.items() if t.requires_grad],
        "elsewhere": [name for name, t in tensors.items() if t.device.type != "cpu"],
        "state": {name: t.detach().cpu() for name, t in tensors.items()},
    }


def expect_state(told: Told) -> None:
    """Fail unless it is the state_dict of a QNet."""
    text = f"train_dqn should return the state_dict of a QNet, but it returned a {told['instead']}: call .state_dict()."
    expect(not told["instead"], text)
    missing = [name for name in SHAPES if name not in told["names"]]
    extra = [name for name in told["names"] if name not in SHAPES]
    expect(not missing, f"The state_dict lacks {', '.join(missing)}. It has {', '.join(told['names'][:8]) or 'nothing'}.")
    expect(not extra, f"The state_dict has more than a QNet's six entries: {', '.join(extra[:5])}.")
    expect(not told["elsewhere"], f"{', '.join(told['elsewhere'])} should be on the CPU.")
    for name, shape in SHAPES.items():
        t = told["state"].get(name)
        expect_shape(t, shape, f"after training, {name}")
        text = f"After training, {name} has dtype {t.dtype}: leave the network in float32."
        expect(t.dtype == torch.float32, text)
        text = f"After training, {name} contains nan or inf: the values have grown without end. Does the target stop at the end?"
        expect(bool(torch.isfinite(t).all()), text)
    text = f"{', '.join(told['graph'])} require grad: a state_dict has tensors without a graph, named_parameters() has not."
    expect(not told["graph"], text)


@torch.no_grad()
def balanced(state: dict[str, Tensor], starts: Tensor) -> tuple[list[int], list[list[float]]]:
    """How many steps each episode lasts where the net always acts greedily; and x and angle of the first, step by step."""
    net = Values()
    net.load_state_dict(state)
    now, alive = starts.clone(), torch.ones(len(starts), dtype=torch.bool)
    lengths, trace = torch.zeros(len(starts), dtype=torch.int64), []
    for _ in range(MOST_STEPS):
        if alive[0]:
            trace.append([round(v, 4) for v in now[0, [0, 2]].tolist()])
        x, speed, angle, spin = now.unbind(1)
        force = 20.0 * net(now.float()).argmax(1) - 10.0
        sin, cos = angle.sin(), angle.cos()
        temp = (force + 0.05 * spin**2 * sin) / 1.1
        turning = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        pushing = temp - 0.05 * turning * cos / 1.1
        now = torch.stack([x + 0.02 * speed, speed + 0.02 * pushing, angle + 0.02 * spin, spin + 0.02 * turning], 1)
        lengths += alive
        alive &= (now[:, 0].abs() <= PLACES[0]) & (now[:, 2].abs() <= PLACES[1])
        if not alive.any():
            break
    return lengths.tolist(), trace


def advice(mean: float, lengths: list[int]) -> str:
    """What to look at where the pole falls too early."""
    if mean < 12:
        return ("That is as little as always pushing one way. Does the target stop where the episode ended, "
                "and does a step lower the loss?")  # fmt: skip
    if mean < 40:
        return "That is hardly more than chance (22). Does the optimizer step, are gradients cleared, does epsilon fall?"
    return "It has learned something: more updates, an epsilon that falls sooner, or the weights of the best episodes help."


def test_trained_return__reaches_the_minimum(
    student: Student, rng: torch.Generator, training: Training, attach: Callable[[str, Any], None]
) -> None:
    """learns to balance the pole, in the grader's own world, for the topic's minimum of steps; the best of three seeds counts"""
    budget = training.budget
    starts = 0.1 * torch.rand(EPISODES, 4, generator=rng, dtype=torch.float64) - 0.05
    best, kept = -1.0, []
    for _ in range(SEEDS):
        seed = whole(rng, 1, 1 << 30)
        told = student.run(learned, budget.episodes, seed)
        expect_state(told)
        lengths, trace = balanced(told["state"], starts)
        mean = sum(lengths) / EPISODES
        if mean > best:
            best, kept = mean, lengths
            every = max(1, math.ceil(len(trace) / SHOWN))
            attach("balance", {"lengths": sorted(lengths), "minimum": budget.minimum, "most": MOST_STEPS, "trace": trace[::every],
                               "every": every})  # fmt: skip
        if best >= budget.minimum:
            break
    text = (f"The pole stands for {best:.0f} steps in the mean of {EPISODES} greedy episodes, at the best of three seeds; "
            f"the minimum is {budget.minimum:.0f}. {advice(best, kept)}")  # fmt: skip
    expect(best >= budget.minimum, text)
