"""Functions of functions; a network's weights are a dict, and torch.func calls it."""

from functools import partial, reduce
from itertools import accumulate, islice
from math import cos, exp, pi, sin

import torch
from torch import nn
from torch.func import functional_call, grad_and_value

euler = partial(map, lambda pair: pair[0] + 0.02 * pair[1])


def cartpole_step(state, action):
    x, dx, a, da = state.tolist()
    temp = ({0: -10.0, 1: 10.0}[action] + 0.05 * da**2 * sin(a)) / 1.1
    dda = (9.8 * sin(a) - cos(a) * temp) / (0.5 * (4 / 3 - 0.1 * cos(a) ** 2 / 1.1))
    ddx = temp - 0.05 * dda * cos(a) / 1.1
    new = torch.tensor(list(euler(zip((x, dx, a, da), (dx, ddx, da, dda)))), dtype=torch.float64)
    within = torch.tensor([2.4, pi / 15], dtype=torch.float64) >= new[::2].abs()
    return new, 1.0, ~within.all()


class ReplayMemory:
    def __init__(self, capacity):
        self.capacity, self.items, self.count = capacity, {}, 0

    def push(self, state, action, next_state, reward):
        self.items[self.count % self.capacity] = (state + 0, action, next_state if next_state is None else next_state + 0, reward)
        self.count += 1

    def sample(self, n, generator):
        if n > len(self):
            raise ValueError(n)
        return list(map(self.items.get, islice(iter(torch.randperm(len(self), generator=generator).tolist()), n)))

    def __len__(self):
        return len(self.items)


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        for i, (a, b) in enumerate(((4, 128), (128, 128), (128, 2)), start=1):
            setattr(self, f"layer{i}", nn.Linear(a, b))

    def forward(self, x):
        return self.layer3(reduce(lambda y, layer: torch.relu(layer(y)), (self.layer1, self.layer2), x))


def epsilon(step, start, end, decay):
    return end - (end - start) * exp(-step / decay)


def select_action(net, state, eps, generator):
    u, v = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    if u < eps:
        return 0 if v < 0.5 else 1
    weights = {name: t.detach() for name, t in net.state_dict().items()}
    dtype = next(iter(weights.values())).dtype
    return functional_call(net, weights, (state.to(dtype)[None, :],)).argmax(dim=1).item()


def collate(transitions):
    column = lambda i: [each[i] for each in transitions]
    following = list(filter(lambda s: s is not None, column(2)))
    return {
        "state": torch.stack(column(0)),
        "action": torch.tensor(column(1), dtype=torch.int64),
        "reward": torch.tensor(column(3), dtype=torch.float32),
        "alive": torch.tensor([s is not None for s in column(2)]),
        "next_state": torch.vstack(following) if following else torch.zeros((0, 4)),
    }


def q_taken(net, state, action):
    return torch.take_along_dim(net(state), action.unsqueeze(-1), dim=-1).flatten()


def bellman_target(target_net, batch, gamma):
    following = iter(target_net(batch["next_state"]).detach().max(1).values.tolist())
    target = [r + gamma * next(following) if alive else r for r, alive in zip(batch["reward"].tolist(), batch["alive"].tolist())]
    return torch.tensor(target)


def td_loss(q, target):
    d = (q - target.detach()).abs()
    return (0.5 * d.clamp(max=1) ** 2 + (d - 1).clamp(min=0)).mean()


def soft_update(target, policy, tau):
    mix = lambda a, b: torch.lerp(a, b, tau) if a.is_floating_point() else b
    theirs = policy.state_dict()
    target.load_state_dict({name: mix(t, theirs[name]) for name, t in target.state_dict().items()})


def reinforce_loss(log_probs, rewards, gamma):
    returns = torch.tensor(list(accumulate(reversed(rewards), lambda g, r: r + gamma * g)), dtype=log_probs.dtype).flip(0)
    if returns.numel() > 1:
        std, mean = torch.std_mean(returns)
        returns = (returns - mean) / (std + 1.1920929e-07)
    return torch.neg(torch.inner(log_probs, returns))


def episode(policy, exploring, generator):
    """The transitions of an episode, one after the other."""
    state = torch.empty(4, dtype=torch.float64).uniform_(-0.05, 0.05, generator=generator)
    for _ in range(500):
        action = select_action(policy, state, next(exploring), generator)
        new, reward, ended = cartpole_step(state, action)
        yield state.float(), action, None if ended else new.float(), reward
        if ended:
            return
        state = new


def train_dqn(episodes, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    policy, target, memory = QNet(), QNet(), ReplayMemory(20_000)
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)
    exploring = map(partial(epsilon, start=0.9, end=0.02, decay=500), range(episodes * 500 + 1))

    def loss_of(weights, batch, aim):
        call = lambda x: functional_call(policy, weights, (x,))
        return td_loss(q_taken(call, batch["state"], batch["action"]), aim)

    slopes = grad_and_value(loss_of)
    for _ in range(episodes):
        for transition in episode(policy, exploring, generator):
            memory.push(*transition)
            if len(memory) < 64:
                continue
            batch = collate(memory.sample(64, generator))
            weights = {name: p.detach() for name, p in policy.named_parameters()}
            found, _ = slopes(weights, batch, bellman_target(target, batch, 0.99))
            for name, p in policy.named_parameters():
                p.grad = found[name]
            optimizer.step()
            soft_update(target, policy, 0.005)
    return {name: t.detach().clone() for name, t in policy.state_dict().items()}
