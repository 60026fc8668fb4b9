# In the manner of PyTorch's tutorial on DQN: a Transition, a deque, masks for final states, SmoothL1Loss, clipped gradients.
import math
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

MAX_STEPS = 500
BATCH_SIZE = 128
GAMMA = 0.99
EPS_START, EPS_END, EPS_DECAY = 0.9, 0.05, 1000
TAU = 0.005
LR = 1e-3

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


def start_state(generator):
    return torch.rand(4, generator=generator, dtype=torch.float64) * 0.1 - 0.05


def cartpole_step(state, action):
    gravity, masscart, masspole, length, force_mag, tau = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
    total_mass = masspole + masscart
    polemass_length = masspole * length
    x, x_dot, theta, theta_dot = (float(v) for v in state)
    force = force_mag if action == 1 else -force_mag
    costheta, sintheta = math.cos(theta), math.sin(theta)
    temp = (force + polemass_length * theta_dot**2 * sintheta) / total_mass
    thetaacc = (gravity * sintheta - costheta * temp) / (length * (4.0 / 3.0 - masspole * costheta**2 / total_mass))
    xacc = temp - polemass_length * thetaacc * costheta / total_mass
    x = x + tau * x_dot
    x_dot = x_dot + tau * xacc
    theta = theta + tau * theta_dot
    theta_dot = theta_dot + tau * thetaacc
    terminated = bool(x < -2.4 or x > 2.4 or theta < -12 * 2 * math.pi / 360 or theta > 12 * 2 * math.pi / 360)
    return torch.tensor([x, x_dot, theta, theta_dot], dtype=torch.float64), 1.0, terminated


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, state, action, next_state, reward):
        next_state = None if next_state is None else next_state.clone()
        self.memory.append(Transition(state.clone(), action, next_state, reward))

    def sample(self, n, generator):
        if n > len(self.memory):
            raise ValueError("not enough transitions")
        return [self.memory[i] for i in torch.randperm(len(self.memory), generator=generator)[:n]]

    def __len__(self):
        return len(self.memory)


class QNet(nn.Module):
    def __init__(self):
        super(QNet, self).__init__()
        self.layer1 = nn.Linear(4, 128)
        self.layer2 = nn.Linear(128, 128)
        self.layer3 = nn.Linear(128, 2)

    def forward(self, x):
        x = F.relu(self.layer1(x))
        x = F.relu(self.layer2(x))
        return self.layer3(x)


def epsilon(step, start, end, decay):
    return end + (start - end) * math.exp(-1.0 * step / decay)


def select_action(net, state, eps, generator):
    sample = torch.rand(1, generator=generator).item()
    if sample >= eps:
        with torch.no_grad():
            state = state.to(next(net.parameters()).dtype)
            return net(state.unsqueeze(0)).max(1).indices.view(1, 1).item()
    return torch.randint(0, 2, (1,), generator=generator).item()


def collate(transitions):
    batch = Transition(*zip(*transitions))
    non_final_mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), dtype=torch.bool)
    non_final = [s.unsqueeze(0) for s in batch.next_state if s is not None]
    return {
        "state": torch.cat([s.unsqueeze(0) for s in batch.state]),
        "action": torch.tensor(batch.action),
        "reward": torch.tensor(batch.reward, dtype=torch.float),
        "alive": non_final_mask,
        "next_state": torch.cat(non_final) if non_final else torch.empty(0, 4),
    }


def q_taken(net, state, action):
    return net(state).gather(1, action.unsqueeze(1)).squeeze(1)


def bellman_target(target_net, batch, gamma):
    next_state_values = torch.zeros(len(batch["reward"]))
    with torch.no_grad():
        next_state_values[batch["alive"]] = target_net(batch["next_state"]).max(1).values
    return (next_state_values * gamma) + batch["reward"]


def td_loss(q, target):
    return nn.SmoothL1Loss()(q, target.detach())


def soft_update(target, policy, tau):
    target_state, policy_state = target.state_dict(), policy.state_dict()
    for key in policy_state:
        if policy_state[key].is_floating_point():
            target_state[key] = policy_state[key] * tau + target_state[key] * (1 - tau)
        else:
            target_state[key] = policy_state[key]
    target.load_state_dict(target_state)


def reinforce_loss(log_probs, rewards, gamma):
    eps = 1.1920929e-07
    R, returns, policy_loss = 0, deque(), []
    for r in rewards[::-1]:
        R = r + gamma * R
        returns.appendleft(R)
    returns = torch.tensor(returns, dtype=log_probs.dtype)
    if len(returns) > 1:
        returns = (returns - returns.mean()) / (returns.std() + eps)
    for log_prob, R in zip(log_probs, returns):
        policy_loss.append(-log_prob * R)
    return torch.stack(policy_loss).sum()


def train_dqn(episodes, seed):
    random.seed(seed)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    policy_net, target_net = QNet(), QNet()
    target_net.load_state_dict(policy_net.state_dict())
    optimizer = optim.AdamW(policy_net.parameters(), lr=LR, amsgrad=True)
    memory = ReplayMemory(10000)
    steps_done = 0
    for i_episode in range(episodes):
        state = start_state(generator)
        for t in range(MAX_STEPS):
            action = select_action(policy_net, state, epsilon(steps_done, EPS_START, EPS_END, EPS_DECAY), generator)
            steps_done += 1
            observation, reward, terminated = cartpole_step(state, action)
            memory.push(state.float(), action, None if terminated else observation.float(), reward)
            state = observation
            if len(memory) >= BATCH_SIZE:
                batch = collate(memory.sample(BATCH_SIZE, generator))
                loss = td_loss(q_taken(policy_net, batch["state"], batch["action"]), bellman_target(target_net, batch, GAMMA))
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
                optimizer.step()
            soft_update(target_net, policy_net, TAU)
            if terminated:
                break
    return policy_net.state_dict()
