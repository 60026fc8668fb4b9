# %% imports
from __future__ import annotations
import math
import torch
from torch import nn
from torch.nn import functional as F

# %% the world
g, M, m, l, dt = 9.8, 1.0, 0.1, 0.5, 0.02
x_max, a_max = 2.4, 12 * math.pi / 180


def derivatives(state, force):
    x, v, a, w = state.unbind()
    temp = (force + m * l * w.square() * a.sin()) / (M + m)
    aa = (g * a.sin() - a.cos() * temp) / (l * (4 / 3 - m * a.cos().square() / (M + m)))
    return torch.stack((v, temp - m * l * aa * a.cos() / (M + m), w, aa))


def cartpole_step(state, action):
    with torch.no_grad():
        new = torch.add(state, derivatives(state, 10.0 if action else -10.0), alpha=dt)
        return new, 1.0, torch.logical_or(new[0].abs() > x_max, new[2].abs() > a_max)


# %% a first look
state = torch.zeros(4, dtype=torch.float64)
for _ in range(3):
    state, _, _ = cartpole_step(state, 1)
state

# %% memory
class ReplayMemory:
    def __init__(self, capacity):
        self.capacity = capacity
        self.states = torch.zeros(capacity, 4)
        self.actions = [0] * capacity
        self.next_states = [None] * capacity
        self.rewards = [0.0] * capacity
        self.n = 0

    def push(self, state, action, next_state, reward):
        i = self.n % self.capacity
        self.states[i] = state
        self.actions[i] = action
        self.next_states[i] = None if next_state is None else torch.tensor(next_state.tolist())
        self.rewards[i] = reward
        self.n += 1

    def sample(self, n, generator):
        if n > len(self):
            raise ValueError("sample larger than memory")
        idx = torch.multinomial(torch.ones(len(self)), n, replacement=False, generator=generator)
        return [(self.states[i], self.actions[i], self.next_states[i], self.rewards[i]) for i in idx.tolist()]

    def __len__(self):
        return min(self.n, self.capacity)


# %% network
class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1, self.layer2, self.layer3 = (nn.Linear(a, b) for a, b in [(4, 128), (128, 128), (128, 2)])

    def forward(self, x):
        return self.layer3(F.relu(self.layer2(F.relu(self.layer1(x)))))


sum(p.numel() for p in QNet().parameters())

# %% acting
def epsilon(step, start, end, decay):
    return float(end + (start - end) * torch.exp(torch.tensor(-step / decay, dtype=torch.float64)))


def select_action(net, state, eps, generator):
    explore = torch.rand(1, generator=generator).item() < eps
    random_action = torch.randint(2, (1,), generator=generator).item()
    if explore:
        return random_action
    with torch.no_grad():
        return net(state.type(next(net.parameters()).dtype).unsqueeze(0)).argmax(-1).item()


# %% batches
def collate(transitions):
    S, A, N, R = map(list, zip(*transitions))
    alive = [n is not None for n in N]
    rest = torch.stack([n for n in N if n is not None]) if any(alive) else torch.zeros(0, 4)
    return dict(state=torch.stack(S), action=torch.as_tensor(A), reward=torch.as_tensor(R, dtype=torch.float32),
                alive=torch.as_tensor(alive), next_state=rest)


def q_taken(net, state, action):
    q = net(state)
    return torch.where(action == 1, q[:, 1], q[:, 0])


def bellman_target(target_net, batch, gamma):
    with torch.no_grad():
        full = torch.zeros(len(batch["alive"]), 4)
        full[batch["alive"]] = batch["next_state"]
        q = target_net(full).max(1).values
        return torch.where(batch["alive"], batch["reward"] + gamma * q, batch["reward"])


def td_loss(q, target):
    return F.smooth_l1_loss(q, target.detach(), beta=1.0)


def soft_update(target, policy, tau):
    for t, p in zip([*target.parameters(), *target.buffers()], [*policy.parameters(), *policy.buffers()]):
        t.data = (1 - tau) * t.data + tau * p.data if t.is_floating_point() else p.data.clone()


# %% policy gradient
def reinforce_loss(log_probs, rewards, gamma):
    T = len(rewards)
    powers = torch.tensor([[gamma ** (k - t) if k >= t else 0.0 for k in range(T)] for t in range(T)], dtype=log_probs.dtype)
    G = powers @ torch.tensor(rewards, dtype=log_probs.dtype)
    if T > 1:
        G = (G - G.mean()) / (G.std() + 1.1920929e-07)
    return -(log_probs * G).sum()


# %% training
def train_dqn(episodes, seed):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    policy, target, memory = QNet(), QNet(), ReplayMemory(10_000)
    target.load_state_dict(policy.state_dict())
    opt = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)
    k, history = 0, []
    for episode in range(episodes):
        s = torch.rand(4, generator=gen, dtype=torch.float64) * 0.1 - 0.05
        for t in range(1, 501):
            a = select_action(policy, s, epsilon(k, 0.9, 0.02, 600), gen)
            n, r, done = cartpole_step(s, a)
            memory.push(s.float(), a, None if done else n.float(), r)
            s, k = n, k + 1
            if len(memory) >= 64:
                b = collate(memory.sample(64, gen))
                loss = td_loss(q_taken(policy, b["state"], b["action"]), bellman_target(target, b, 0.99))
                opt.zero_grad(); loss.backward(); opt.step()
                soft_update(target, policy, 0.005)
            if done:
                break
        history.append(t)
    return policy.state_dict()
