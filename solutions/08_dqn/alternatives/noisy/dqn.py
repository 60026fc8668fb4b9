# my solution of homework 8!! works on my machine
import math
import random
import sys
import warnings
from copy import deepcopy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

print("loading dqn.py ...")
warnings.filterwarnings("ignore")
DEBUG = True
device = "cuda" if False else "cpu"


def start_state(generator):
    s = torch.rand(4, generator=generator, dtype=torch.float64) * 0.1 - 0.05
    return s


def cartpole_step(state, action):
    # the formulas are copied from the docstring
    g = 9.8
    F_ = 10.0
    if action == 0:
        F_ = -10.0
    x = state[0]
    x_dot = state[1]
    theta = state[2]
    theta_dot = state[3]
    sin = torch.sin(theta)
    cos = torch.cos(theta)
    temp = (F_ + 0.05 * theta_dot * theta_dot * sin) / 1.1
    thetaacc = (g * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos * cos / 1.1))
    xacc = temp - 0.05 * thetaacc * cos / 1.1
    x2 = x + 0.02 * x_dot
    x_dot2 = x_dot + 0.02 * xacc
    theta2 = theta + 0.02 * theta_dot
    theta_dot2 = theta_dot + 0.02 * thetaacc
    done = False
    if x2 > 2.4:
        done = True
    if x2 < -2.4:
        done = True
    if theta2 > 12 / 180 * 3.141592653589793:
        done = True
    if theta2 < -12 / 180 * 3.141592653589793:
        done = True
    # print(x2, theta2, done)
    return torch.tensor([x2, x_dot2, theta2, theta_dot2], dtype=torch.float64), 1.0, done


class ReplayMemory(object):
    def __init__(self, capacity):
        print("memory with", capacity)
        self.capacity = capacity
        self.memory = []
        self.position = 0

    def push(self, state, action, next_state, reward):
        if len(self.memory) < self.capacity:
            self.memory.append(None)
        self.memory[self.position] = deepcopy([state, action, next_state, reward])
        self.position = (self.position + 1) % self.capacity

    def sample(self, n, generator):
        if len(self.memory) < n:
            raise ValueError("too few!!")
        rng = np.random.default_rng(int(torch.randint(0, 2**31 - 1, (1,), generator=generator)))
        idx = rng.choice(len(self.memory), size=n, replace=False)
        return [tuple(self.memory[i]) for i in idx]

    def __len__(self):
        return len(self.memory)


class QNet(nn.Module):
    def __init__(self):
        super(QNet, self).__init__()
        self.layer1 = nn.Linear(4, 128, bias=True)
        self.layer2 = nn.Linear(128, 128, bias=True)
        self.layer3 = nn.Linear(128, 2, bias=True)
        nn.init.zeros_(self.layer3.bias)
        print(self)

    def forward(self, x):
        h1 = F.relu(self.layer1(x))
        h2 = F.relu(self.layer2(h1))
        out = self.layer3(h2)
        return out


def epsilon(step, start, end, decay):
    e = end + (start - end) * np.exp(-step / decay)
    return e  # numpy float


def select_action(net, state, eps, generator):
    r = torch.rand(1, generator=generator)
    if r < eps:
        a = np.int64(torch.randint(0, 2, (1,), generator=generator).item())
        return a
    else:
        with torch.no_grad():
            for p in net.parameters():
                dtype = p.dtype
                break
            q = net(state.to(dtype).view(1, -1))
            a = np.argmax(q.numpy(), axis=1)[0]
            return a


def collate(transitions):
    states = []
    actions = []
    rewards = []
    alive = []
    next_states = []
    for t in transitions:
        states.append(t[0].tolist())
        actions.append(t[1])
        rewards.append(t[3])
        if t[2] is None:
            alive.append(False)
        else:
            alive.append(True)
            next_states.append(t[2].tolist())
    batch = {}
    batch["state"] = torch.tensor(states, dtype=torch.float32)
    batch["action"] = torch.tensor(actions, dtype=torch.int64)
    batch["reward"] = torch.tensor(rewards, dtype=torch.float32)
    batch["alive"] = torch.tensor(alive)
    batch["next_state"] = torch.tensor(next_states, dtype=torch.float32).reshape(-1, 4)
    return batch


def q_taken(net, state, action):
    q = net(state)
    idx = torch.arange(0, state.shape[0])
    return q[idx, action]


def bellman_target(target_net, batch, gamma):
    n = batch["reward"].shape[0]
    out = []
    j = 0
    for i in range(n):
        r = batch["reward"][i]
        if batch["alive"][i]:
            with torch.no_grad():
                q = target_net(batch["next_state"][j : j + 1])
            r = r + gamma * max(q[0][0], q[0][1])
            j = j + 1
        out.append(r)
    return torch.stack(out)


def td_loss(q, target):
    loss = F.huber_loss(q, target.detach(), delta=1.0)
    if DEBUG and loss > 1e6:
        print("LOSS IS HUGE", loss, file=sys.stderr)
    return loss


def soft_update(target, policy, tau):
    with torch.no_grad():
        p = dict(policy.named_parameters())
        for name, w in target.named_parameters():
            w.copy_(w * (1.0 - tau) + p[name] * tau)
        b = dict(policy.named_buffers())
        for name, w in target.named_buffers():
            if w.dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
                w.copy_(w * (1.0 - tau) + b[name] * tau)
            else:
                w.copy_(b[name])


def reinforce_loss(log_probs, rewards, gamma):
    G = []
    for t in range(len(rewards)):
        s = 0.0
        for k in range(t, len(rewards)):
            s = s + (gamma ** (k - t)) * rewards[k]
        G.append(s)
    G = torch.tensor(G).to(log_probs.dtype)
    if len(G) != 1:
        G = (G - torch.mean(G)) / (torch.std(G) + 1.1920929e-07)
    loss = torch.sum(-log_probs * G)
    print("loss", loss.item())
    return loss


def train_dqn(episodes, seed):
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    gen = torch.Generator()
    gen.manual_seed(seed)
    policy = QNet().to(device)
    target = QNet().to(device)
    target.load_state_dict(policy.state_dict())
    opt = torch.optim.AdamW(policy.parameters(), lr=0.001, amsgrad=True)
    mem = ReplayMemory(10000)
    total = 0
    for ep in range(episodes):
        s = start_state(gen)
        steps = 0
        done = False
        while True:
            a = select_action(policy, s, epsilon(total, 0.9, 0.05, 1000), gen)
            s2, r, done = cartpole_step(s, a)
            mem.push(s.float(), int(a), None if done else s2.float(), r)
            s = s2
            steps += 1
            total += 1
            if len(mem) >= 64:
                b = collate(mem.sample(64, gen))
                with torch.no_grad():  # faster than the loop of bellman_target
                    y = b["reward"].clone()
                    y[b["alive"]] += 0.99 * target(b["next_state"]).max(1)[0]
                loss = td_loss(q_taken(policy, b["state"], b["action"]), y)
                opt.zero_grad()
                loss.backward()
                opt.step()
                soft_update(target, policy, 0.005)
            if done or steps == 500:
                break
        if ep % 10 == 0:
            print("episode", ep, "steps", steps)
    return policy.state_dict()


if __name__ == "__main__":
    print(train_dqn(2, 0).keys())
