import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


def start_state(g):
    return torch.rand(4, generator=g, dtype=torch.double) / 10 - 0.05


def cartpole_step(state, action):
    s, (_, v, a, w) = state, state.tolist()
    t = (20 * action - 10 + 0.05 * w * w * math.sin(a)) / 1.1
    aa = (9.8 * math.sin(a) - math.cos(a) * t) / (2 / 3 - 0.05 * math.cos(a) ** 2 / 1.1)
    n = s + 0.02 * s.new_tensor([v, t - 0.05 * aa * math.cos(a) / 1.1, w, aa])
    return n, 1.0, bool((n[[0, 2]].abs() > n.new_tensor([2.4, math.pi / 15])).any())


class ReplayMemory:
    def __init__(self, capacity):
        self.c, self.t = capacity, []

    def push(self, state, action, next_state, reward):
        self.t = [*self.t, copy.deepcopy((state, action, next_state, reward))][-self.c :]

    def sample(self, n, generator):
        if n > len(self.t):
            raise ValueError
        return [self.t[i] for i in torch.ones(len(self.t)).multinomial(n, generator=generator)]

    def __len__(self):
        return len(self.t)


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1, self.layer2, self.layer3 = nn.Linear(4, 128), nn.Linear(128, 128), nn.Linear(128, 2)

    def forward(self, x):
        return self.layer3(self.layer2(self.layer1(x).relu()).relu())


def epsilon(step, start, end, decay):
    return torch.lerp(torch.tensor(end).double(), torch.tensor(start).double(), math.exp(-step / decay)).item()


@torch.no_grad()
def select_action(net, state, eps, generator):
    u = torch.rand(2, generator=generator).tolist()
    return int(2 * u[1]) if u[0] < eps else net(state[None].to(next(net.parameters()))).argmax().item()


def collate(transitions):
    s, a, n, r = zip(*transitions)
    return dict(
        state=torch.stack(s), action=torch.tensor(a), reward=torch.tensor(r).float(), alive=torch.tensor([x is not None for x in n]),
        next_state=torch.cat([torch.empty(0, 4), *(x[None] for x in n if x is not None)]),
    )  # fmt: skip


def q_taken(net, state, action):
    return net(state)[range(len(action)), action]


@torch.no_grad()
def bellman_target(target_net, batch, gamma):
    return batch["reward"].masked_scatter(batch["alive"], batch["reward"][batch["alive"]] + gamma * target_net(batch["next_state"]).amax(1))


def td_loss(q, target):
    return F.smooth_l1_loss(q, target.detach())


def soft_update(target, policy, tau):
    for (_, t), (_, p) in zip(target.state_dict().items(), policy.state_dict().items()):
        t.copy_(t * (1 - tau) + p * tau if t.is_floating_point() else p)


def reinforce_loss(log_probs, rewards, gamma):
    n = len(rewards)
    g = torch.tensor([sum(gamma ** (k - t) * rewards[k] for k in range(t, n)) for t in range(n)]).to(log_probs)
    return -log_probs @ (g if n < 2 else (g - g.mean()) / (g.std() + 1.1920929e-07))


def train_dqn(episodes, seed):
    g, net, k = torch.Generator().manual_seed(seed), QNet(), 0
    goal, mem, opt = copy.deepcopy(net), ReplayMemory(5000), torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(episodes):
        s = start_state(g)
        for _ in range(500):
            a, k = select_action(net, s, epsilon(k, 0.9, 0.02, 500), g), k + 1
            n, r, done = cartpole_step(s, a)
            mem.push(s.float(), a, None if done else n.float(), r)
            s = n
            if len(mem) > 63:
                b = collate(mem.sample(64, g))
                opt.zero_grad()
                td_loss(q_taken(net, b["state"], b["action"]), bellman_target(goal, b, 0.99)).backward()
                opt.step()
                soft_update(goal, net, 0.005)
            if done:
                break
    return net.state_dict()
