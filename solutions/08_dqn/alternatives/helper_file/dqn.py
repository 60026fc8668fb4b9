"""Deep Q-learning; the world and the loop have files of their own."""

import math

import numpy as np
import torch
from learning import mixed, steps
from torch import nn
from world import advance, lost


def cartpole_step(state, action):
    new = advance(state.numpy(), 10.0 if action == 1 else -10.0)
    return torch.from_numpy(new), 1.0, lost(new)


class ReplayMemory:
    def __init__(self, capacity):
        self.rows = []
        self.capacity = capacity

    def push(self, state, action, next_state, reward):
        self.rows.append((state.numpy().copy(), action, None if next_state is None else next_state.numpy().copy(), reward))
        del self.rows[: -self.capacity]

    def sample(self, n, generator):
        if n > len(self.rows):
            raise ValueError(f"{n} > {len(self.rows)}")
        found = []
        for place in torch.randperm(len(self.rows), generator=generator)[:n].tolist():
            state, action, following, reward = self.rows[place]
            following = None if following is None else torch.from_numpy(following.copy())
            found.append((torch.from_numpy(state.copy()), action, following, reward))
        return found

    def __len__(self):
        return len(self.rows)


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(4, 128)
        self.layer2 = nn.Linear(128, 128)
        self.layer3 = nn.Linear(128, 2)

    def forward(self, x):
        hidden = torch.maximum(self.layer1(x), torch.zeros(()))
        hidden = torch.maximum(self.layer2(hidden), torch.zeros(()))
        return self.layer3(hidden)


def epsilon(step, start, end, decay):
    return mixed(end, start, math.exp(-step / decay))


def select_action(net, state, eps, generator):
    if torch.rand(1, generator=generator) < eps:
        return torch.randint(2, (1,), generator=generator).item()
    weight = next(net.parameters())
    values = net(state[None].to(weight.dtype).requires_grad_(False)) if not weight.requires_grad else _quiet(net, state, weight)
    return values.argmax().item()


@torch.no_grad()
def _quiet(net, state, weight):
    return net(state[None].to(weight.dtype))


def collate(transitions):
    following = [each[2].numpy() for each in transitions if each[2] is not None]
    return {
        "state": torch.from_numpy(np.stack([each[0].numpy() for each in transitions])),
        "action": torch.from_numpy(np.array([each[1] for each in transitions], dtype=np.int64)),
        "reward": torch.from_numpy(np.array([each[3] for each in transitions], dtype=np.float32)),
        "alive": torch.from_numpy(np.array([each[2] is not None for each in transitions])),
        "next_state": torch.from_numpy(np.array(following, dtype=np.float32).reshape(-1, 4)),
    }


def q_taken(net, state, action):
    return torch.einsum("na,na->n", net(state), nn.functional.one_hot(action, 2).to(state.dtype))


def bellman_target(target_net, batch, gamma):
    following = torch.zeros(len(batch["alive"]))
    following[batch["alive"].nonzero().squeeze(1)] = target_net(batch["next_state"]).detach().amax(-1)
    return torch.addcmul(batch["reward"], torch.tensor(gamma), following)


def td_loss(q, target):
    aim = target.detach()
    return nn.functional.smooth_l1_loss(q, aim, reduction="sum") / len(q)


def soft_update(target, policy, tau):
    theirs = {**dict(policy.named_parameters()), **dict(policy.named_buffers())}
    for name, mine in [*target.named_parameters(), *target.named_buffers()]:
        new = theirs[name].detach()
        mine.data.copy_(mixed(mine.data, new, tau) if mine.is_floating_point() else new)


def reinforce_loss(log_probs, rewards, gamma):
    returns = np.array(rewards, dtype=np.float64)
    for t in range(len(rewards) - 2, -1, -1):
        returns[t] += gamma * returns[t + 1]
    if len(rewards) > 1:
        returns = (returns - returns.mean()) / (returns.std(ddof=1) + 1.1920929e-07)
    return -(log_probs * torch.from_numpy(returns).to(log_probs.dtype)).sum()


def train_dqn(episodes, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    policy, target, memory, count = QNet(), QNet(), ReplayMemory(15_000), 0
    soft_update(target, policy, 1.0)
    optimizer = torch.optim.RMSprop(policy.parameters(), lr=5e-4)

    def play(episode):
        nonlocal count
        state = torch.rand(4, generator=generator, dtype=torch.float64) * 0.1 - 0.05
        for _ in range(500):
            action = select_action(policy, state, epsilon(count, 0.9, 0.02, 500), generator)
            new, reward, ended = cartpole_step(state, action)
            yield state.float(), action, None if ended else new.float(), reward
            count, state = count + 1, new
            if ended:
                break

    for transition in steps(play, episodes):
        memory.push(*transition)
        if len(memory) >= 64:
            batch = collate(memory.sample(64, generator))
            optimizer.zero_grad()
            td_loss(q_taken(policy, batch["state"], batch["action"]), bellman_target(target, batch, 0.99)).backward()
            optimizer.step()
            soft_update(target, policy, 0.01)
    return policy.state_dict()
