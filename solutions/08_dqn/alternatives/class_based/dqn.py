"""Deep Q-learning, with a class for everything that has a state."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class CartPole:
    gravity: float = 9.8
    cart: float = 1.0
    pole: float = 0.1
    half: float = 0.5
    force: float = 10.0
    dt: float = 0.02

    def rates(self, state: Tensor, action: int) -> Tensor:
        _, speed, angle, spin = state
        whole, lever = self.cart + self.pole, self.pole * self.half
        push = self.force * (1 if action else -1)
        temp = (push + lever * spin**2 * angle.sin()) / whole
        turn = (self.gravity * angle.sin() - angle.cos() * temp) / (self.half * (4 / 3 - self.pole * angle.cos() ** 2 / whole))
        return torch.stack([speed, temp - lever * turn * angle.cos() / whole, spin, turn])

    def step(self, state: Tensor, action: int) -> Tensor:
        return state + self.dt * self.rates(state, action)

    @staticmethod
    def fallen(state: Tensor) -> bool:
        return bool(state[0].abs() > 2.4) or bool(state[2].abs() > math.radians(12))


WORLD = CartPole()


def cartpole_step(state: Tensor, action: int) -> tuple[Tensor, float, bool]:
    new = WORLD.step(state, action)
    return new, 1.0, WORLD.fallen(new)


@dataclass(frozen=True)
class Transition:
    state: Tensor
    action: int
    next_state: Tensor | None
    reward: float

    def as_tuple(self) -> tuple[Tensor, int, Tensor | None, float]:
        return self.state, self.action, self.next_state, self.reward


class ReplayMemory:
    def __init__(self, capacity: int) -> None:
        self._slots: list[Transition | None] = [None] * capacity
        self._pushes = 0

    def push(self, state: Tensor, action: int, next_state: Tensor | None, reward: float) -> None:
        kept = None if next_state is None else next_state.detach().clone()
        self._slots[self._pushes % len(self._slots)] = Transition(state.detach().clone(), action, kept, reward)
        self._pushes += 1

    def sample(self, n: int, generator: torch.Generator) -> list[tuple]:
        filled = [slot for slot in self._slots if slot is not None]
        if len(filled) < n:
            raise ValueError(f"only {len(filled)} of {n}")
        keys = torch.rand(len(filled), generator=generator, dtype=torch.float64)
        return [filled[i].as_tuple() for i in keys.topk(n).indices.tolist()]

    def __len__(self) -> int:
        return min(self._pushes, len(self._slots))


class QNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Linear(4, 128)
        self.layer2 = nn.Linear(128, 128)
        self.layer3 = nn.Linear(128, 2)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.layer1, self.layer2):
            x = layer(x).clamp(min=0)
        return self.layer3(x)


@dataclass(frozen=True)
class Schedule:
    start: float
    end: float
    decay: float

    def at(self, step: int) -> float:
        share = math.exp(-step / self.decay)
        return share * self.start + (1 - share) * self.end


def epsilon(step: int, start: float, end: float, decay: float) -> float:
    return Schedule(start, end, decay).at(step)


def select_action(net: nn.Module, state: Tensor, eps: float, generator: torch.Generator) -> int:
    explores = bool(torch.bernoulli(torch.tensor(eps, dtype=torch.float64), generator=generator))
    if explores:
        return int(torch.randint(0, 2, (1,), generator=generator)[0])
    with torch.inference_mode():
        left, right = net(state.reshape(1, 4).to(next(net.parameters()).dtype))[0].tolist()
    return int(right > left)


class Batch(dict):
    @classmethod
    def of(cls, transitions: list[tuple]) -> Batch:
        rows = [Transition(*each) for each in transitions]
        alive = [row for row in rows if row.next_state is not None]
        following = torch.empty(len(alive), 4)
        for i, row in enumerate(alive):
            following[i] = row.next_state
        return cls(
            state=torch.stack([row.state for row in rows]),
            action=torch.tensor([row.action for row in rows], dtype=torch.long),
            reward=torch.tensor([row.reward for row in rows], dtype=torch.float32),
            alive=torch.tensor([row.next_state is not None for row in rows]),
            next_state=following,
            size=torch.tensor(len(rows)),
        )


def collate(transitions: list[tuple]) -> dict[str, Tensor]:
    return Batch.of(transitions)


def q_taken(net: nn.Module, state: Tensor, action: Tensor) -> Tensor:
    mask = nn.functional.one_hot(action, 2)
    return (net(state) * mask).sum(1)


def bellman_target(target_net: nn.Module, batch: dict[str, Tensor], gamma: float) -> Tensor:
    alive = batch["alive"]
    with torch.no_grad():
        best = target_net(batch["next_state"]).max(dim=1)[0] if alive.any() else torch.zeros(0)
        following = torch.zeros_like(batch["reward"]).masked_scatter(alive, best)
        return batch["reward"] + gamma * following


def td_loss(q: Tensor, target: Tensor) -> Tensor:
    return nn.HuberLoss(delta=1.0)(q, target.detach())


def soft_update(target: nn.Module, policy: nn.Module, tau: float) -> None:
    with torch.no_grad():
        for mine, theirs in zip(target.parameters(), policy.parameters(), strict=True):
            mine.mul_(1 - tau).add_(theirs, alpha=tau)
        for mine, theirs in zip(target.buffers(), policy.buffers(), strict=True):
            if mine.is_floating_point():
                mine.mul_(1 - tau).add_(theirs, alpha=tau)
            else:
                mine.copy_(theirs)


class Returns:
    def __init__(self, rewards: list[float], gamma: float, dtype: torch.dtype) -> None:
        values = [0.0] * (len(rewards) + 1)
        for t in range(len(rewards) - 1, -1, -1):
            values[t] = rewards[t] + gamma * values[t + 1]
        self.values = torch.tensor(values[:-1], dtype=dtype)

    def normalised(self) -> Tensor:
        if len(self.values) == 1:
            return self.values
        centred = self.values - self.values.mean()
        return centred / (self.values.std(unbiased=True) + torch.finfo(torch.float32).eps)


def reinforce_loss(log_probs: Tensor, rewards: list[float], gamma: float) -> Tensor:
    return -torch.dot(log_probs, Returns(rewards, gamma, log_probs.dtype).normalised())


@dataclass
class Agent:
    seed: int
    steps: int = 0
    exploring: Schedule = Schedule(0.9, 0.02, 500)
    memory: ReplayMemory = field(default_factory=lambda: ReplayMemory(10_000))

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        self.generator = torch.Generator().manual_seed(self.seed)
        self.policy, self.target = QNet(), QNet()
        soft_update(self.target, self.policy, 1.0)
        self.optimizer = torch.optim.AdamW(self.policy.parameters(), lr=1e-3, amsgrad=True)

    def learn(self) -> None:
        batch = collate(self.memory.sample(64, self.generator))
        q = q_taken(self.policy, batch["state"], batch["action"])
        self.optimizer.zero_grad()
        td_loss(q, bellman_target(self.target, batch, 0.99)).backward()
        self.optimizer.step()
        soft_update(self.target, self.policy, 0.005)

    def play(self) -> int:
        state = 0.1 * torch.rand(4, generator=self.generator, dtype=torch.float64) - 0.05
        for length in range(500):
            action = select_action(self.policy, state, self.exploring.at(self.steps), self.generator)
            new, reward, ended = cartpole_step(state, action)
            self.memory.push(state.float(), action, None if ended else new.float(), reward)
            state, self.steps = new, self.steps + 1
            if len(self.memory) >= 64:
                self.learn()
            if ended:
                return length + 1
        return 500


def train_dqn(episodes: int, seed: int) -> dict[str, Tensor]:
    agent = Agent(seed)
    best, kept = 0, agent.policy.state_dict()
    for _ in range(episodes):
        length = agent.play()
        if length >= best:
            best, kept = length, {name: t.clone() for name, t in agent.policy.state_dict().items()}
    return kept if best < 500 else {name: t.clone() for name, t in agent.target.state_dict().items()}
