"""Deep Q-learning on CartPole, and the policy gradient's loss."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

Transition = tuple[Tensor, int, Tensor | None, float]

MAX_STEPS = 500


def start_state(generator: torch.Generator) -> Tensor:
    """The first state of an episode."""
    return torch.rand(4, generator=generator, dtype=torch.float64) * 0.1 - 0.05


def cartpole_step(state: Tensor, action: int) -> tuple[Tensor, float, bool]:
    """One step of 0.02 s, by the equations of Florian (2007) without friction, as Gymnasium has them."""
    x, speed, angle, spin = state.tolist()
    force = 10.0 if action == 1 else -10.0
    sin, cos = math.sin(angle), math.cos(angle)
    temp = (force + 0.05 * spin**2 * sin) / 1.1
    turning = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    pushing = temp - 0.05 * turning * cos / 1.1
    new_x, new_speed = x + 0.02 * speed, speed + 0.02 * pushing
    new_angle, new_spin = angle + 0.02 * spin, spin + 0.02 * turning
    ended = abs(new_x) > 2.4 or abs(new_angle) > math.radians(12)
    return torch.tensor([new_x, new_speed, new_angle, new_spin], dtype=torch.float64), 1.0, ended


class ReplayMemory:
    """The last `capacity` transitions, to draw from."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.kept: list[Transition] = []
        self.oldest = 0  # the place that is written to next, once there is no room

    def push(self, state: Tensor, action: int, next_state: Tensor | None, reward: float) -> None:
        """Keep copies."""
        transition = (state.clone(), action, None if next_state is None else next_state.clone(), reward)
        if len(self.kept) < self.capacity:
            self.kept.append(transition)
        else:
            self.kept[self.oldest] = transition
            self.oldest = (self.oldest + 1) % self.capacity

    def sample(self, n: int, generator: torch.Generator) -> list[Transition]:
        """n different transitions."""
        if n > len(self.kept):
            raise ValueError(f"{n} transitions are wanted, and there are {len(self.kept)}")
        order = torch.randperm(len(self.kept), generator=generator)
        return [self.kept[i] for i in order[:n].tolist()]

    def __len__(self) -> int:
        return len(self.kept)


class QNet(nn.Module):
    """The values of both actions: (N, 4) → (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Linear(4, 128)
        self.layer2 = nn.Linear(128, 128)
        self.layer3 = nn.Linear(128, 2)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 4) → (N, 2)."""
        x = torch.relu(self.layer1(x))
        x = torch.relu(self.layer2(x))
        return self.layer3(x)


def epsilon(step: int, start: float, end: float, decay: float) -> float:
    """How often to act at random at this step."""
    return end + (start - end) * math.exp(-step / decay)


def select_action(net: nn.Module, state: Tensor, eps: float, generator: torch.Generator) -> int:
    """At random with probability eps, else the action with the larger value."""
    if torch.rand((), generator=generator).item() < eps:
        return int(torch.randint(2, (), generator=generator))
    dtype = next(net.parameters()).dtype
    with torch.no_grad():
        return int(net(state[None].to(dtype)).argmax(1))


def collate(transitions: list[Transition]) -> dict[str, Tensor]:
    """One batch."""
    states, actions, next_states, rewards = zip(*transitions, strict=True)
    following = [each for each in next_states if each is not None]
    return {
        "state": torch.stack(states),
        "action": torch.tensor(actions, dtype=torch.int64),
        "reward": torch.tensor(rewards, dtype=torch.float32),
        "alive": torch.tensor([each is not None for each in next_states]),
        "next_state": torch.stack(following) if following else torch.zeros(0, 4),
    }


def q_taken(net: nn.Module, state: Tensor, action: Tensor) -> Tensor:
    """Of each row, the value of the action that was taken."""
    return net(state).gather(1, action[:, None]).squeeze(1)


def bellman_target(target_net: nn.Module, batch: dict[str, Tensor], gamma: float) -> Tensor:
    """The reward, and where the episode goes on, gamma times the best value that follows."""
    target = batch["reward"].clone()
    with torch.no_grad():
        target[batch["alive"]] += gamma * target_net(batch["next_state"]).amax(1)
    return target


def td_loss(q: Tensor, target: Tensor) -> Tensor:
    """The mean Huber loss."""
    delta = q - target.detach()
    size = delta.abs()
    return torch.where(size <= 1, delta**2 / 2, size - 0.5).mean()


@torch.no_grad()
def soft_update(target: nn.Module, policy: nn.Module, tau: float) -> None:
    """(1 - tau)·target + tau·policy, in place; what is no floating point is copied."""
    theirs = policy.state_dict()
    for name, mine in target.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name], tau)
        else:
            mine.copy_(theirs[name])


def reinforce_loss(log_probs: Tensor, rewards: list[float], gamma: float) -> Tensor:
    """-Σ log_probs[t]·G[t] with normalised returns."""
    returns, following = [], 0.0
    for reward in reversed(rewards):
        following = reward + gamma * following
        returns.append(following)
    weights = torch.tensor(returns[::-1], dtype=log_probs.dtype)
    if len(rewards) > 1:
        weights = (weights - weights.mean()) / (weights.std() + 1.1920929e-07)
    return -(log_probs * weights).sum()


def train_dqn(episodes: int, seed: int) -> dict[str, Tensor]:
    """Double DQN. Its memory is one tensor with a row for each transition: a batch is then a single index."""
    torch.manual_seed(seed)
    policy, target = QNet(), QNet()
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True, fused=True)
    memory = torch.zeros(episodes * MAX_STEPS, 10)  # state, next state, action, alive
    steps = 0
    for _ in range(episodes):
        state = torch.rand(4, dtype=torch.float64) * 0.1 - 0.05
        for _ in range(MAX_STEPS):
            with torch.no_grad():
                action = int(policy(state[None].float()).argmax(1))
            if torch.rand(()) < 0.05 + 0.85 * math.exp(-steps / 1000):
                action = int(torch.randint(2, ()))
            new, _, ended = cartpole_step(state, action)
            memory[steps] = torch.cat([state, new, torch.tensor([action, not ended])])
            state, steps = new, steps + 1
            if steps >= 64:
                rows = memory[torch.randint(steps, (64,))]
                then = rows[:, 4:8]
                with torch.no_grad():
                    best = target(then).gather(1, policy(then).argmax(1, keepdim=True)).squeeze(1)
                q = policy(rows[:, :4]).gather(1, rows[:, 8:9].long()).squeeze(1)
                loss = nn.functional.smooth_l1_loss(q, 1 + 0.99 * rows[:, 9] * best)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    for mine, theirs in zip(target.parameters(), policy.parameters(), strict=True):
                        mine.lerp_(theirs, 0.005)
            if ended:
                break
    return policy.state_dict()
