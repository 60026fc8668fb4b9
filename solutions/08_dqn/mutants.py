"""Misconceptions about deep Q-learning and the policy gradient: each a one-place edit of dqn.py."""

from autograder import Mutant

GRAPH = "computes the target with a graph, so that both sides learn"
RECORDED = "records the forward pass"
FREEZES = "switches requires_grad off and leaves it so"
GLOBAL = "draws from torch's global generator in place of the one that is given"
COPIES = "state.clone(), action, None if next_state is None else next_state.clone(), reward"
PUSH = """        if len(self.kept) < self.capacity:
            self.kept.append(transition)
        else:
            self.kept[self.oldest] = transition
            self.oldest = (self.oldest + 1) % self.capacity
"""
SAMPLE = """order = torch.randperm(len(self.kept), generator=generator)
        return [self.kept[i] for i in order[:n].tolist()]"""
REFUSE = """        if n > len(self.kept):
            raise ValueError(f"{n} transitions are wanted, and there are {len(self.kept)}")
"""
NETS = """    with torch.no_grad():
        target[batch["alive"]] += gamma * target_net(batch["next_state"]).amax(1)
"""
BACKWARDS = """    for reward in reversed(rewards):
        following = reward + gamma * following
        returns.append(following)
"""
NORMAL = """    if len(rewards) > 1:
        weights = (weights - weights.mean()) / (weights.std() + 1.1920929e-07)
"""

# fmt: off
MUTANTS = (
    Mutant("cartpole_step", "moves the places with the new velocities",
           "x + 0.02 * speed, speed + 0.02 * pushing\n    new_angle, new_spin = angle + 0.02 * spin, spin + 0.02 * turning",
           "x + 0.02 * (speed + 0.02 * pushing), speed + 0.02 * pushing\n"
           "    new_angle, new_spin = angle + 0.02 * (spin + 0.02 * turning), spin + 0.02 * turning"),
    Mutant("cartpole_step", "pushes to the right for action 0", "10.0 if action == 1 else -10.0",
           "-10.0 if action == 1 else 10.0"),
    Mutant("cartpole_step", "pushes for action 1 only", "else -10.0", "else 0.0"),
    Mutant("cartpole_step", "takes the angle for degrees", "math.sin(angle), math.cos(angle)",
           "math.sin(math.radians(angle)), math.cos(math.radians(angle))"),
    Mutant("cartpole_step", "never ends the episode by the angle of the pole, as one does that compares it, in rad, with 12",
           "math.radians(12)", "12"),
    Mutant("cartpole_step", "ends the episode at 24 degrees", "math.radians(12)", "math.radians(24)"),
    Mutant("cartpole_step", "looks at the old state to see whether the episode has ended", "abs(new_x) > 2.4 or abs(new_angle)",
           "abs(x) > 2.4 or abs(angle)"),
    Mutant("cartpole_step", "ends the episode on the right-hand side alone", "abs(new_x) > 2.4 or abs(new_angle) >",
           "new_x > 2.4 or new_angle >"),
    Mutant("cartpole_step", "ends the episode only where both limits are passed", "2.4 or abs", "2.4 and abs"),
    Mutant("cartpole_step", "ends the episode by the angle of the pole alone", "abs(new_x) > 2.4 or ", ""),
    Mutant("cartpole_step", "ends the episode at half the length of the rail", "abs(new_x) > 2.4", "abs(new_x) > 1.2"),
    Mutant("cartpole_step", "gives no reward for the last step", "1.0, ended", "0.0 if ended else 1.0, ended"),
    Mutant("cartpole_step", "gives the reward -1 for the last step", "1.0, ended", "-1.0 if ended else 1.0, ended"),
    Mutant("cartpole_step", "gives the reward 0 for each step", "1.0, ended", "0.0, ended"),
    Mutant("cartpole_step", "says that the episode goes on where it has ended, and the other way round", "1.0, ended",
           "1.0, not ended"),
    Mutant("cartpole_step", "gives float32", "dtype=torch.float64", "dtype=torch.float32"),
    Mutant("cartpole_step", "computes in float32", "state.tolist()", "state.float().tolist()"),
    Mutant("cartpole_step", "forgets the square of the angle's velocity", "spin**2", "spin"),
    Mutant("cartpole_step", "forgets the square of the cosine", "cos**2", "cos"),
    Mutant("cartpole_step", "divides by the mass of the cart, without the pole's", "sin) / 1.1", "sin) / 1.0"),
    Mutant("cartpole_step", "writes the integer quotient 4 // 3 for 4/3", "4 / 3", "4 // 3"),
    Mutant("cartpole_step", "takes 1 for the pole's length, which is 0.5 to its middle", "(0.5 * (4 / 3", "(1.0 * (4 / 3"),
    Mutant("cartpole_step", "lets gravity raise the pole", "9.8 * sin - cos", "-9.8 * sin - cos"),
    Mutant("cartpole_step", "takes a step of 0.01 s for the places",
           "x + 0.02 * speed, speed + 0.02 * pushing\n    new_angle, new_spin = angle + 0.02 * spin",
           "x + 0.01 * speed, speed + 0.02 * pushing\n    new_angle, new_spin = angle + 0.01 * spin"),
    Mutant("cartpole_step", "leaves out what the pole does to the cart", "temp - 0.05 * turning * cos / 1.1", "temp"),
    Mutant("cartpole_step", "exchanges the accelerations of cart and pole",
           "speed + 0.02 * pushing\n    new_angle, new_spin = angle + 0.02 * spin, spin + 0.02 * turning",
           "speed + 0.02 * turning\n    new_angle, new_spin = angle + 0.02 * spin, spin + 0.02 * pushing"),
    Mutant("cartpole_step", "writes the new state into the given one",
           "return torch.tensor([new_x, new_speed, new_angle, new_spin], dtype=torch.float64), 1.0, ended",
           "return state.copy_(torch.tensor([new_x, new_speed, new_angle, new_spin], dtype=torch.float64)), 1.0, ended"),
    #
    Mutant("ReplayMemory", "keeps the caller's tensors, which the caller may change", COPIES,
           "state, action, next_state, reward", within="push"),
    Mutant("ReplayMemory", "keeps a copy of the state, but not of the next state", COPIES,
           "state.clone(), action, next_state, reward", within="push"),
    Mutant("ReplayMemory", "never drops a transition", PUSH, "        self.kept.append(transition)\n", within="push"),
    Mutant("ReplayMemory", "drops a transition only after it has one too many", "len(self.kept) < self.capacity",
           "len(self.kept) <= self.capacity", within="push"),
    Mutant("ReplayMemory", "drops the new transition when the memory is full", PUSH,
           "        if len(self.kept) < self.capacity:\n            self.kept.append(transition)\n", within="push"),
    Mutant("ReplayMemory", "drops the newest of the old transitions in place of the oldest", PUSH,
           "        if len(self.kept) == self.capacity:\n"
           "            self.kept.pop()\n"
           "        self.kept.append(transition)\n", within="push"),
    Mutant("ReplayMemory", "overwrites the same place each time", "self.oldest = (self.oldest + 1) % self.capacity",
           "self.oldest = 0", within="push"),
    Mutant("ReplayMemory", "empties the memory when it is full", PUSH,
           "        if len(self.kept) == self.capacity:\n"
           "            self.kept.clear()\n"
           "        self.kept.append(transition)\n", within="push"),
    Mutant("ReplayMemory", "keeps zeros in place of None", "None if next_state is None else next_state.clone()",
           "torch.zeros(4) if next_state is None else next_state.clone()", within="push"),
    Mutant("ReplayMemory", "exchanges action and reward", COPIES,
           "state.clone(), reward, None if next_state is None else next_state.clone(), action", within="push"),
    Mutant("ReplayMemory", "keeps the transitions of all memories in one list", "self.kept: list[Transition] = []\n",
           "self.kept = ReplayMemory.__dict__.get('all') or []\n        ReplayMemory.all = self.kept\n", within="ReplayMemory"),
    Mutant("ReplayMemory", "draws the same transition twice in one sample", SAMPLE,
           "return [self.kept[i] for i in torch.randint(len(self.kept), (n,), generator=generator).tolist()]", within="sample"),
    Mutant("ReplayMemory", "always gives the newest transitions", SAMPLE,
           "torch.rand((), generator=generator)\n"
           "        return [self.kept[(self.oldest - 1 - i) % len(self.kept)] for i in range(n)]", within="sample"),
    Mutant("ReplayMemory", "draws neighbours, from a random place on", SAMPLE,
           "at = int(torch.randint(len(self.kept), (), generator=generator))\n"
           "        return [self.kept[(at + i) % len(self.kept)] for i in range(n)]", within="sample"),
    Mutant("ReplayMemory", "never draws the transition in the last place", SAMPLE,
           "order = torch.randperm(len(self.kept) - (n < len(self.kept)), generator=generator)\n"
           "        return [self.kept[i] for i in order[:n].tolist()]", within="sample"),
    Mutant("ReplayMemory", GLOBAL, ", generator=generator)", ")", within="sample"),
    Mutant("ReplayMemory", "draws by a new generator with a fixed seed", "generator=generator)",
           "generator=torch.Generator().manual_seed(0))", within="sample"),
    Mutant("ReplayMemory", "draws by Python's own generator", SAMPLE,
           "import random\n        return random.sample(self.kept, n)", within="sample"),
    Mutant("ReplayMemory", "gives as many as there are where more are wanted", REFUSE, "", within="sample"),
    Mutant("ReplayMemory", "raises an IndexError in place of a ValueError", "raise ValueError(", "raise IndexError(",
           within="sample"),
    Mutant("ReplayMemory", "refuses to give all that it has", "n > len(self.kept)", "n >= len(self.kept)", within="sample"),
    Mutant("ReplayMemory", "gives four columns in place of a list of transitions",
           "return [self.kept[i] for i in order[:n].tolist()]",
           "return tuple(zip(*[self.kept[i] for i in order[:n].tolist()]))", within="sample"),
    Mutant("ReplayMemory", "gives its capacity as its length", "len(self.kept)", "self.capacity", within="__len__"),
    #
    Mutant("QNet", "puts a ReLU after the last layer as well", "return self.layer3(x)", "return torch.relu(self.layer3(x))"),
    Mutant("QNet", "turns the values into probabilities with a softmax", "return self.layer3(x)",
           "return self.layer3(x).softmax(1)"),
    Mutant("QNet", "has no ReLU after the first layer", "torch.relu(self.layer1(x))", "self.layer1(x)"),
    Mutant("QNet", "has no ReLU after the second layer", "torch.relu(self.layer2(x))", "self.layer2(x)"),
    Mutant("QNet", "takes tanh for the ReLU", "torch.relu(self.layer1(x))", "torch.tanh(self.layer1(x))"),
    Mutant("QNet", "has 64 numbers in the middle",
           "nn.Linear(4, 128)\n        self.layer2 = nn.Linear(128, 128)\n        self.layer3 = nn.Linear(128, 2)",
           "nn.Linear(4, 64)\n        self.layer2 = nn.Linear(64, 64)\n        self.layer3 = nn.Linear(64, 2)"),
    Mutant("QNet", "has one value for a state in place of one for each action", "nn.Linear(128, 2)", "nn.Linear(128, 1)"),
    Mutant("QNet", "gives the larger of both values in place of both", "return self.layer3(x)",
           "return self.layer3(x).amax(1)"),
    Mutant("QNet", "has layers without bias", "nn.Linear(128, 128)", "nn.Linear(128, 128, bias=False)"),
    Mutant("QNet", "has a BatchNorm that the task does not ask for", "self.layer3 = nn.Linear(128, 2)",
           "self.layer3 = nn.Linear(128, 2)\n        self.norm = nn.BatchNorm1d(128)"),
    #
    Mutant("epsilon", "lets epsilon grow from end to start", "end + (start - end) *", "start + (end - start) *"),
    Mutant("epsilon", "forgets the minus in the exponent", "math.exp(-step / decay)", "math.exp(min(step / decay, 50.0))"),
    Mutant("epsilon", "falls to 0 and not to end", "end + (start - end) * math.exp(-step / decay)",
           "start * math.exp(-step / decay)"),
    Mutant("epsilon", "begins at start + end", "(start - end)", "start"),
    Mutant("epsilon", "falls on a straight line", "math.exp(-step / decay)", "max(0.0, 1 - step / decay)"),
    Mutant("epsilon", "multiplies the step by decay", "-step / decay", "-step * decay"),
    Mutant("epsilon", "divides in whole numbers", "-step / decay", "-(step // decay)"),
    #
    Mutant("select_action", "acts at random with probability 1 - eps", "< eps", ">= eps"),
    Mutant("select_action", "always takes the best action", "return int(torch.randint(2, (), generator=generator))",
           "torch.randint(2, (), generator=generator)"),
    Mutant("select_action", "takes the action with the smaller value", ".argmax(1)", ".argmin(1)"),
    Mutant("select_action", "tries only the other action when it acts at random",
           "return int(torch.randint(2, (), generator=generator))",
           "with torch.no_grad():\n            return 1 - int(net(state[None].to(next(net.parameters()).dtype)).argmax(1))"),
    Mutant("select_action", "takes action 0 whenever it acts at random", "torch.randint(2, (", "torch.randint(1, ("),
    Mutant("select_action", GLOBAL, "torch.rand((), generator=generator)", "torch.rand(())"),
    Mutant("select_action", "draws by a new generator with a fixed seed", "if torch.rand(",
           "generator = torch.Generator().manual_seed(0)\n    if torch.rand("),
    Mutant("select_action", "gives a tensor", "return int(net(state[None].to(dtype)).argmax(1))",
           "return net(state[None].to(dtype)).argmax(1)"),
    Mutant("select_action", "hands the net a single state, without the axis of the batch",
           "net(state[None].to(dtype)).argmax(1)", "net(state.to(dtype)).argmax()"),
    Mutant("select_action", RECORDED, "with torch.no_grad():", "if True:"),
    Mutant("select_action", "leaves the net in eval mode", "    with torch.no_grad():",
           "    net.eval()\n    with torch.no_grad():"),
    Mutant("select_action", "leaves the net in train mode", "    with torch.no_grad():",
           "    net.train()\n    with torch.no_grad():"),
    Mutant("select_action", "hands the state to the net in the state's own dtype", "state[None].to(dtype)", "state[None]"),
    Mutant("select_action", "turns the net into float32", "dtype = next(net.parameters()).dtype",
           "dtype = torch.float32\n    net.float()"),
    #
    Mutant("collate", "takes zeros for the end of an episode", "torch.tensor([each is not None for each in next_states])",
           "torch.tensor([each is not None and bool(each.any()) for each in next_states])"),
    Mutant("collate", "puts zeros in the place of next states that are missing",
           "torch.stack(following) if following else torch.zeros(0, 4)",
           "torch.stack([torch.zeros(4) if each is None else each for each in next_states])"),
    Mutant("collate", "stacks the next states without thinking of a batch in which all episodes ended",
           "torch.stack(following) if following else torch.zeros(0, 4)", "torch.stack(following)"),
    Mutant("collate", "gives an empty next_state the shape (0,)", "torch.zeros(0, 4)", "torch.zeros(0)"),
    Mutant("collate", "keeps actions in float32", "torch.tensor(actions, dtype=torch.int64)",
           "torch.tensor(actions, dtype=torch.float32)"),
    Mutant("collate", "gives actions an axis more, (N, 1)", "torch.tensor(actions, dtype=torch.int64)",
           "torch.tensor(actions, dtype=torch.int64)[:, None]"),
    Mutant("collate", "keeps rewards as whole numbers", "torch.tensor(rewards, dtype=torch.float32)",
           "torch.tensor([int(each) for each in rewards], dtype=torch.float32)"),
    Mutant("collate", "keeps rewards in float64", "torch.tensor(rewards, dtype=torch.float32)",
           "torch.tensor(rewards, dtype=torch.float64)"),
    Mutant("collate", "says alive where the episode ended, and the other way round",
           "each is not None for each in next_states]),", "each is None for each in next_states]),"),
    Mutant("collate", "gives numbers in place of bools for alive", "torch.tensor([each is not None for each in next_states])",
           "torch.tensor([float(each is not None) for each in next_states])"),
    Mutant("collate", "concatenates the states into one row", "torch.stack(states)", "torch.cat(states)"),
    Mutant("collate", "leaves out the transitions that ended an episode",
           "states, actions, next_states, rewards = zip(*transitions, strict=True)",
           "states, actions, next_states, rewards = zip(*[t for t in transitions if t[2] is not None] or "
           "transitions, strict=True)"),
    Mutant("collate", "gives the next states in the opposite order", "torch.stack(following)", "torch.stack(following[::-1])"),
    Mutant("collate", "goes by the reward to see whether an episode ended",
           "torch.tensor([each is not None for each in next_states])", "torch.tensor([each > 0 for each in rewards])"),
    #
    Mutant("q_taken", "gives the larger of both values in place of that of the action taken",
           "gather(1, action[:, None]).squeeze(1)", "amax(1)"),
    Mutant("q_taken", "picks along the batch in place of the actions", "gather(1, action[:, None]).squeeze(1)",
           "gather(0, action[None]).squeeze(0)"),
    Mutant("q_taken", "gives the index (N,) to gather as it is, along axis 0", "gather(1, action[:, None]).squeeze(1)",
           "gather(0, action)"),
    Mutant("q_taken", "picks columns of the whole table, so that (N, N) values come", "gather(1, action[:, None]).squeeze(1)",
           "index_select(1, action)"),
    Mutant("q_taken", "leaves the axis that gather needs, (N, 1)", ".squeeze(1)", ""),
    Mutant("q_taken", "drops all axes of size 1, so that one state gives the shape ()", ".squeeze(1)", ".squeeze()"),
    Mutant("q_taken", "detaches the values from the net", "squeeze(1)", "squeeze(1).detach()"),
    Mutant("q_taken", "takes the value of the other action", "action[:, None]", "1 - action[:, None]"),
    #
    Mutant("bellman_target", "bootstraps through the end of an episode", NETS,
           "    following = torch.zeros(len(target), 4)\n"
           "    following[batch['alive']] = batch['next_state']\n"
           "    with torch.no_grad():\n"
           "        target += gamma * target_net(following).amax(1)\n"),
    Mutant("bellman_target", "takes the maximum over the rows in place of the actions", NETS,
           "    with torch.no_grad():\n"
           "        if batch['alive'].any():\n"
           "            target[batch['alive']] += gamma * target_net(batch['next_state']).max()\n"),
    Mutant("bellman_target", "takes the mean of both values", "amax(1)", "mean(1)"),
    Mutant("bellman_target", "takes the smaller of both values", "amax(1)", "amin(1)"),
    Mutant("bellman_target", "takes the value of the action that was taken before", ".amax(1)",
           ".gather(1, batch['action'][batch['alive']][:, None]).squeeze(1)"),
    Mutant("bellman_target", GRAPH, "with torch.no_grad():", "if True:"),
    Mutant("bellman_target", "forgets gamma", "gamma * ", ""),
    Mutant("bellman_target", "discounts the reward too", "    return target",
           "    return target + (gamma - 1) * batch['reward']"),
    Mutant("bellman_target", "forgets the reward", 'batch["reward"].clone()', 'torch.zeros_like(batch["reward"])'),
    Mutant("bellman_target", "forgets what follows", "+= gamma * target_net", "+= 0 * target_net"),
    Mutant("bellman_target", "adds to the batch's own rewards", 'batch["reward"].clone()', 'batch["reward"]'),
    Mutant("bellman_target", "takes next states of zeros for the end of an episode",
           'target[batch["alive"]] += gamma * target_net(batch["next_state"]).amax(1)',
           'target[batch["alive"]] += gamma * target_net(batch["next_state"]).amax(1) * batch["next_state"].any(1)'),
    Mutant("bellman_target", "takes 0 for values below 0", ".amax(1)", ".amax(1).relu()"),
    Mutant("bellman_target", "puts the values of the next states in the first rows, whichever is alive",
           'target[batch["alive"]] +=', 'target[: len(batch["next_state"])] +='),
    Mutant("bellman_target", "looks at state in place of next_state", 'target_net(batch["next_state"])',
           'target_net(batch["state"][batch["alive"]])'),
    Mutant("bellman_target", "leaves the net in eval mode", "    with torch.no_grad():",
           "    target_net.eval()\n    with torch.no_grad():"),
    Mutant("bellman_target", FREEZES, "    with torch.no_grad():",
           "    target_net.requires_grad_(False)\n    with torch.no_grad():"),
    Mutant("bellman_target", "clears the net's gradients", "    with torch.no_grad():",
           "    target_net.zero_grad()\n    with torch.no_grad():"),
    #
    Mutant("td_loss", "forgets the 1/2 beyond the bend", "size - 0.5", "size"),
    Mutant("td_loss", "forgets the 1/2 of the parabola", "delta**2 / 2", "delta**2"),
    Mutant("td_loss", "takes the sum in place of the mean", ".mean()", ".sum()"),
    Mutant("td_loss", "takes the square everywhere", "torch.where(size <= 1, delta**2 / 2, size - 0.5)", "(delta**2)"),
    Mutant("td_loss", "takes half of the square everywhere", "torch.where(size <= 1, delta**2 / 2, size - 0.5)",
           "(delta**2 / 2)"),
    Mutant("td_loss", "takes |δ| everywhere", "torch.where(size <= 1, delta**2 / 2, size - 0.5)", "size"),
    Mutant("td_loss", "exchanges the two parts", "size <= 1", "size > 1"),
    Mutant("td_loss", "cuts δ off at 1, so that the loss is flat beyond", "torch.where(size <= 1, delta**2 / 2, size - 0.5)",
           "(delta.clamp(-1, 1)**2 / 2)"),
    Mutant("td_loss", "lets gradients flow into the target", "target.detach()", "target"),
    Mutant("td_loss", "detaches q", "q - target.detach()", "q.detach() - target"),
    Mutant("td_loss", "gives one loss for each row", ".mean()", ""),
    Mutant("td_loss", "looks at the sign of δ, so that the straight part begins at 1 and never at -1", "size <= 1",
           "delta <= 1"),
    #
    Mutant("soft_update", "exchanges tau and 1 - tau", "theirs[name], tau", "theirs[name], 1 - tau"),
    Mutant("soft_update", "copies policy whatever tau is", "mine.lerp_(theirs[name], tau)", "mine.copy_(theirs[name])"),
    Mutant("soft_update", "makes new tensors and throws them away", "mine.lerp_(theirs[name], tau)",
           "mine = (1 - tau) * mine + tau * theirs[name]"),
    Mutant("soft_update", "gives the target new parameters in place of changing those that it has",
           "    theirs = policy.state_dict()",
           "    for module in target.modules():\n"
           "        for name, p in list(module._parameters.items()):\n"
           "            if p is not None:\n"
           "                module._parameters[name] = nn.Parameter(p.clone())\n"
           "    theirs = policy.state_dict()"),
    Mutant("soft_update", "moves parameters only, and no buffers", "for name, mine in target.state_dict().items():",
           "for name, mine in [(n, p.data) for n, p in target.named_parameters()]:"),
    Mutant("soft_update", "leaves buffers alone that are no floating point", "            mine.copy_(theirs[name])",
           "            pass"),
    Mutant("soft_update", "moves counts by tau as well, and rounds them", "mine.copy_(theirs[name])",
           "mine.copy_(((1 - tau) * mine + tau * theirs[name]))"),
    Mutant("soft_update", "adds tau times policy without taking tau of the target off", "mine.lerp_(theirs[name], tau)",
           "mine.add_(theirs[name], alpha=tau)"),
    Mutant("soft_update", "changes policy as well", "mine.lerp_(theirs[name], tau)",
           "mine.lerp_(theirs[name], tau)\n            theirs[name].copy_(mine)"),
    Mutant("soft_update", "moves policy towards target", "theirs = policy.state_dict()",
           "target, policy = policy, target\n    theirs = policy.state_dict()"),
    Mutant("soft_update", "makes both nets share their tensors for tau = 1", "    theirs = policy.state_dict()",
           "    if tau == 1:\n"
           "        for mine, other in zip(target.parameters(), policy.parameters()):\n"
           "            mine.data = other.data\n"
           "    theirs = policy.state_dict()"),
    Mutant("soft_update", "freezes the target's parameters", "    theirs = policy.state_dict()",
           "    target.requires_grad_(False)\n    theirs = policy.state_dict()"),
    Mutant("soft_update", "clears the target's gradients", "    theirs = policy.state_dict()",
           "    target.zero_grad()\n    theirs = policy.state_dict()"),
    Mutant("soft_update", "moves the layers at the top only", "for name, mine in target.state_dict().items():",
           "for name, mine in [(n, t) for n, t in target.state_dict().items() if n.count('.') < 2]:"),
    #
    Mutant("reinforce_loss", "forgets the minus", "return -(", "return ("),
    Mutant("reinforce_loss", "takes the mean over the steps in place of the sum", ").sum()", ").mean()"),
    Mutant("reinforce_loss", "normalises with the deviation that has T, not T - 1", "weights.std()",
           "weights.std(correction=0)"),
    Mutant("reinforce_loss", "does not normalise the returns", NORMAL, ""),
    Mutant("reinforce_loss", "takes the mean off and does not divide by the deviation", " / (weights.std() + 1.1920929e-07)",
           ""),
    Mutant("reinforce_loss", "divides by the deviation and does not take the mean off", "(weights - weights.mean()) /",
           "weights /"),
    Mutant("reinforce_loss", "divides by the variance", "weights.std()", "weights.var()"),
    Mutant("reinforce_loss", "normalises a single step too, whose deviation is nan", "    if len(rewards) > 1:\n",
           "    if True:\n"),
    Mutant("reinforce_loss", "sums the discounted rewards from the first step on", BACKWARDS,
           "    for t, reward in enumerate(rewards):\n"
           "        following += gamma**t * reward\n"
           "        returns.append(following)\n"
           "    returns.reverse()\n"),
    Mutant("reinforce_loss", "accumulates the returns forwards", "reversed(rewards)", "rewards"),
    Mutant("reinforce_loss", "forgets to turn the returns round again", "returns[::-1]", "returns"),
    Mutant("reinforce_loss", "gives every step the return of the whole episode", "    if len(rewards) > 1:",
           "    weights = weights[:1].expand(len(rewards))\n    if len(rewards) > 1:"),
    Mutant("reinforce_loss", "discounts each reward alone and adds up nothing", BACKWARDS,
           "    returns = [gamma**t * reward for t, reward in enumerate(rewards)][::-1]\n"),
    Mutant("reinforce_loss", "forgets gamma", "gamma * following", "following"),
    Mutant("reinforce_loss", "discounts the reward of each step itself", "reward + gamma * following",
           "gamma * (reward + following)"),
    Mutant("reinforce_loss", "takes the exponential of the log-probabilities", "(log_probs * weights)",
           "(log_probs.exp() * weights)"),
    Mutant("reinforce_loss", "detaches the log-probabilities", "(log_probs * weights)", "(log_probs.detach() * weights)"),
    Mutant("reinforce_loss", "takes rewards from the list until it is empty",
           "    for reward in reversed(rewards):\n        following",
           "    count = len(rewards)\n    while rewards:\n        reward = rewards.pop()\n        following"),
    #
    Mutant("trained_return", "bootstraps through the end of an episode", "0.99 * rows[:, 9] * best", "0.99 * best",
           within="train_dqn"),
    Mutant("trained_return", "never takes a step of the optimizer", "                optimizer.step()\n", "",
           within="train_dqn"),
    # What is returned in the wrong form is so before any training, too.
    Mutant("trained_return", "returns the weights of a new network", "    torch.manual_seed(seed)\n",
           "    return QNet().state_dict()\n", within="train_dqn"),
    Mutant("trained_return", "returns the network in place of its state_dict", "    torch.manual_seed(seed)\n",
           "    return QNet()\n", within="train_dqn"),
    Mutant("trained_return", "returns parameters that still require grad", "    torch.manual_seed(seed)\n",
           "    return dict(QNet().named_parameters())\n", within="train_dqn"),
    Mutant("trained_return", "wraps the network, so that the names have a prefix", "    torch.manual_seed(seed)\n",
           "    return nn.ModuleDict({'policy': QNet()}).state_dict()\n", within="train_dqn"),
    Mutant("trained_return", "leaves the network in float64", "    torch.manual_seed(seed)\n",
           "    return QNet().double().state_dict()\n", within="train_dqn"),
)
