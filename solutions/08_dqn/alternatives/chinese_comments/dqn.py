# 深度 Q 学习：小车倒立摆
import math

import torch
import torch.nn as nn

最大步数 = 500
重力, 车质量, 杆质量, 半杆长, 推力, 时间步 = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02


def start_state(generator):
    """每一局的初始状态"""
    return torch.rand(4, generator=generator, dtype=torch.float64) * 0.1 - 0.05


def cartpole_step(state, action):
    """走一步：显式欧拉法，位置用旧速度"""
    位置, 速度, 角度, 角速度 = state[0].item(), state[1].item(), state[2].item(), state[3].item()
    力 = 推力 if int(action) == 1 else -推力
    总质量 = 车质量 + 杆质量
    临时 = (力 + 杆质量 * 半杆长 * 角速度 ** 2 * math.sin(角度)) / 总质量
    角加速度 = (重力 * math.sin(角度) - math.cos(角度) * 临时) / (半杆长 * (4.0 / 3.0 - 杆质量 * math.cos(角度) ** 2 / 总质量))
    加速度 = 临时 - 杆质量 * 半杆长 * 角加速度 * math.cos(角度) / 总质量
    新状态 = torch.zeros(4, dtype=torch.float64)
    新状态[0] = 位置 + 时间步 * 速度
    新状态[1] = 速度 + 时间步 * 加速度
    新状态[2] = 角度 + 时间步 * 角速度
    新状态[3] = 角速度 + 时间步 * 角加速度
    结束 = not (-2.4 <= 新状态[0].item() <= 2.4 and abs(新状态[2].item()) <= 12 * math.pi / 180)
    return 新状态, 1.0, 结束


class ReplayMemory:
    """经验回放：只保留最近的若干条"""

    def __init__(self, capacity):
        self.容量 = capacity
        self.记忆 = []

    def push(self, state, action, next_state, reward):
        if next_state is not None:
            next_state = next_state.clone()
        self.记忆.append((state.clone(), action, next_state, reward))  # 存副本
        if len(self.记忆) > self.容量:
            self.记忆.pop(0)  # 丢掉最旧的

    def sample(self, n, generator):
        if n > len(self.记忆):
            raise ValueError("样本不够")
        结果, 剩下 = [], list(range(len(self.记忆)))
        for _ in range(n):  # 不放回地抽
            位置 = int(torch.randint(len(剩下), (1,), generator=generator))
            结果.append(self.记忆[剩下.pop(位置)])
        return 结果

    def __len__(self):
        return len(self.记忆)


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(4, 128)
        self.layer2 = nn.Linear(128, 128)
        self.layer3 = nn.Linear(128, 2)

    def forward(self, x):
        x = torch.relu(self.layer1(x))
        x = torch.relu(self.layer2(x))
        return self.layer3(x)  # 最后一层没有激活函数


def epsilon(step, start, end, decay):
    return end + (start - end) * math.exp(-step / decay)


def select_action(net, state, eps, generator):
    if torch.rand(1, generator=generator).item() < eps:  # 探索
        return int(torch.rand(1, generator=generator).item() < 0.5)
    参数 = list(net.parameters())[0]
    with torch.no_grad():  # 利用
        值 = net(state.unsqueeze(0).to(参数.dtype))
    return 值.argmax(dim=1).item()


def collate(transitions):
    状态 = torch.zeros(len(transitions), 4)
    动作, 奖励, 存活, 下一个 = [], [], [], []
    for i, (s, a, s2, r) in enumerate(transitions):
        状态[i] = s
        动作.append(a)
        奖励.append(r)
        存活.append(s2 is not None)
        if s2 is not None:
            下一个.append(s2)
    return {
        "state": 状态,
        "action": torch.LongTensor(动作),
        "reward": torch.FloatTensor(奖励),
        "alive": torch.BoolTensor(存活),
        "next_state": torch.stack(下一个) if len(下一个) > 0 else torch.zeros(0, 4),
    }


def q_taken(net, state, action):
    值 = net(state)
    return torch.stack([值[i, action[i]] for i in range(len(action))])


def bellman_target(target_net, batch, gamma):
    目标 = batch["reward"].clone()
    if batch["next_state"].shape[0] > 0:
        with torch.no_grad():
            最好 = target_net(batch["next_state"]).max(1)[0]
        目标[batch["alive"]] = 目标[batch["alive"]] + gamma * 最好  # 结束的那些只有奖励
    return 目标


def td_loss(q, target):
    差 = q - target.detach()
    小 = 差.abs() <= 1
    return torch.where(小, 0.5 * 差 * 差, 差.abs() - 0.5).mean()


def soft_update(target, policy, tau):
    for 目标, 策略 in zip(target.parameters(), policy.parameters()):
        目标.data.copy_((1 - tau) * 目标.data + tau * 策略.data)
    for 目标, 策略 in zip(target.buffers(), policy.buffers()):
        if 目标.is_floating_point():
            目标.data.copy_((1 - tau) * 目标.data + tau * 策略.data)
        else:
            目标.data.copy_(策略.data)


def reinforce_loss(log_probs, rewards, gamma):
    回报, 后面 = [], 0.0
    for r in reversed(rewards):
        后面 = r + gamma * 后面
        回报.insert(0, 后面)
    回报 = torch.tensor(回报, dtype=log_probs.dtype)
    if len(rewards) > 1:
        回报 = (回报 - 回报.mean()) / (回报.std() + 1.1920929e-07)
    损失 = 0
    for t in range(len(rewards)):
        损失 = 损失 - log_probs[t] * 回报[t]
    return 损失


def train_dqn(episodes, seed):
    torch.manual_seed(seed)
    发生器 = torch.Generator().manual_seed(seed)
    策略网, 目标网 = QNet(), QNet()
    soft_update(目标网, 策略网, 1.0)
    优化器 = torch.optim.AdamW(策略网.parameters(), lr=1e-3, amsgrad=True)
    记忆 = ReplayMemory(10000)
    总步数 = 0
    最近 = []
    for 局 in range(episodes):
        状态 = start_state(发生器)
        步 = 0
        结束 = False
        while not 结束 and 步 < 最大步数:
            动作 = select_action(策略网, 状态, epsilon(总步数, 0.9, 0.02, 500), 发生器)
            下一个, 奖励, 结束 = cartpole_step(状态, 动作)
            记忆.push(状态.float(), 动作, None if 结束 else 下一个.float(), 奖励)
            状态 = 下一个
            步 += 1
            总步数 += 1
            if len(记忆) < 64:
                continue
            批次 = collate(记忆.sample(64, 发生器))
            损失 = td_loss(q_taken(策略网, 批次["state"], 批次["action"]), bellman_target(目标网, 批次, 0.99))
            优化器.zero_grad()
            损失.backward()
            优化器.step()
            soft_update(目标网, 策略网, 0.005)
        最近.append(步)
        if len(最近) >= 5 and sum(最近[-5:]) / 5 > 400:
            break  # 已经学会了
    return 策略网.state_dict()
