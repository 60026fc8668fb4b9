"""Deep Q-learning on CartPole, and the policy gradient's loss. Read README.md first.

A cart on a rail carries a pole, and is pushed to the left (action 0) or to the right (action 1) 50 times a second. A state is
four numbers: the place x of the cart in m, its velocity, the angle of the pole in rad, and the angle's velocity. A transition
is a tuple (state, action, next_state, reward): two Tensors (4,) in float32, but next_state is None where the episode ended;
an int; a float. Inputs stay as they are. What draws random numbers draws them from the generator that it is given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

Transition = tuple[Tensor, int, Tensor | None, float]

# Given: how an episode begins, and how long it may last ---------------------------------------------------------------

MAX_STEPS = 500


def start_state(generator: torch.Generator) -> Tensor:
    """The first state of an episode: four numbers between -0.05 and 0.05, in float64."""
    return torch.rand(4, generator=generator, dtype=torch.float64) * 0.1 - 0.05


# Yours ----------------------------------------------------------------------------------------------------------------


def cartpole_step(state: Tensor, action: int) -> tuple[Tensor, float, bool]:
    """One step of 0.02 s: the next state, the reward, and whether the episode has ended. (4,) float64 → (4,) float64.

    The force F is 10 N to the right for action 1, to the left for action 0. With the angle θ and its velocity θ̇,

        temp = (F + 0.05·θ̇²·sin θ) / 1.1
        θ̈    = (9.8·sin θ - cos θ·temp) / (0.5·(4/3 - 0.1·cos²θ / 1.1))
        ẍ    = temp - 0.05·θ̈·cos θ / 1.1

    and each of the four numbers grows by 0.02 times its rate of change; the places grow with the velocities from before the
    step. The reward is 1.0 in every step, the last one included. The episode has ended if the new x is beyond ±2.4 or the new
    angle beyond ±12 degrees.
    Example: [0., 0., 0., 0.] and action 1 give [0., 0.1951, 0., -0.2927] (rounded), 1.0 and False.
    """
    # TODO: angles are in rad, and so is what sin and cos take. Make a new tensor, in float64.
    raise NotImplementedError


class ReplayMemory:
    """The last `capacity` transitions, to draw from.

    Example: of five pushes into ReplayMemory(3), the last three are there, and len(memory) is 3.
    """

    def __init__(self, capacity: int) -> None:
        # TODO
        raise NotImplementedError

    def push(self, state: Tensor, action: int, next_state: Tensor | None, reward: float) -> None:
        """Keep a transition. The oldest goes when there is no room. Later changes of the caller's tensors change nothing."""
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator) -> list[Transition]:
        """n different transitions, every set of n equally likely, drawn from `generator`.

        Raises:
            ValueError: if there are fewer than n.
        """
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


class QNet(nn.Module):
    """The values of both actions: (N, 4) → (N, 2).

    Three linear layers called layer1, layer2, layer3, of 4, 128, 128 and 2 numbers; a ReLU after the first and the second.
    """

    def __init__(self) -> None:
        super().__init__()
        # TODO
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, 4) → (N, 2)."""
        raise NotImplementedError


def epsilon(step: int, start: float, end: float, decay: float) -> float:
    """How often to act at random at this step: end + (start - end)·e^(-step/decay).

    Example: epsilon(0, 0.9, 0.1, 100) is 0.9, and epsilon(100, 0.9, 0.1, 100) is 0.3943 (rounded).
    """
    # TODO
    raise NotImplementedError


def select_action(net: nn.Module, state: Tensor, eps: float, generator: torch.Generator) -> int:
    """With probability eps 0 or 1, each as likely, drawn from `generator`; else the action of which `net` thinks most.

    The net gets a batch of one, (1, 4), in the dtype of its parameters, and nothing is recorded. Its mode is as before.
    eps = 0 never acts at random, eps = 1 always. The result is an int, not a tensor.
    Example: where net gives [[1., 5.]], the result is 1 for eps = 0.
    """
    # TODO
    raise NotImplementedError


def collate(transitions: list[Transition]) -> dict[str, Tensor]:
    """One batch of N transitions, in their order.

    "state": (N, 4) float32; "action": (N,) int64; "reward": (N,) float32; "alive": (N,) bool, False where next_state is None;
    "next_state": (M, 4) float32, of those M that are alive. M may be 0: the shape is (0, 4) then.
    """
    # TODO: torch.stack does not take an empty list.
    raise NotImplementedError


def q_taken(net: nn.Module, state: Tensor, action: Tensor) -> Tensor:
    """Of each row, the value of the action that was taken: (N, 4) and (N,) int64 → (N,), attached to the net.

    Example: where net gives [[1., 5.], [7., 2.]], the actions [1, 0] have [5., 7.].
    """
    # TODO
    raise NotImplementedError


def bellman_target(target_net: nn.Module, batch: dict[str, Tensor], gamma: float) -> Tensor:
    """What Q(state, action) should be: (N,) float32, without a graph. `batch` is what collate gives.

    The reward, and where the episode goes on, gamma times the larger of target_net's two values of next_state.
    Example: rewards [1., 1.], alive [True, False], and a target_net that gives [[3., 5.]] for the one next_state: with
    gamma 0.5 the result is [3.5, 1.].
    """
    # TODO
    raise NotImplementedError


def td_loss(q: Tensor, target: Tensor) -> Tensor:
    """The mean over N of the Huber loss of δ = q - target: δ²/2 where |δ| ≤ 1, else |δ| - 1/2. (N,), (N,) → ().

    Gradients go to q, never to target.
    Example: q = [0., 0.] and target = [0.5, -3.] give (0.125 + 2.5) / 2 = 1.3125.
    """
    # TODO
    raise NotImplementedError


def soft_update(target: nn.Module, policy: nn.Module, tau: float) -> None:
    """Move `target` a little towards `policy`, in place: (1 - tau) times itself plus tau times policy's, and no graph.

    That is for parameters and for buffers of floating point; other buffers, such as a count, are copied. The parameters stay
    the same objects, with requires_grad and gradients as before. Later changes of one net do not reach the other.
    Example: 0. in target and 10. in policy give 1. for tau = 0.1.
    """
    # TODO
    raise NotImplementedError


def reinforce_loss(log_probs: Tensor, rewards: list[float], gamma: float) -> Tensor:
    """The loss of one episode for the policy gradient: -Σ log_probs[t]·G[t]; (T,) → (), attached to log_probs.

    G[t] = rewards[t] + gamma·rewards[t+1] + gamma²·rewards[t+2] + …, to the end of the episode; then less their mean, and
    divided by their standard deviation (the one with T - 1) plus 1.1920929e-07. For T = 1, G stays as it is.
    Example: rewards [1., 1., 1.] with gamma = 0.5 have G = [1.75, 1.5, 1.], normalised [0.8729, 0.2182, -1.0911] (rounded).
    """
    # TODO: from the last reward to the first, each G follows from the one behind it.
    raise NotImplementedError


def train_dqn(episodes: int, seed: int) -> dict[str, Tensor]:
    """Learn to balance the pole in at most `episodes` episodes of at most MAX_STEPS steps: the state_dict of a QNet.

    The task is called `trained_return`: a net with these weights, which always acts greedily, has to balance for the topic's
    minimum of steps, in the mean of 100 episodes. The state_dict has the six entries of QNet in float32, on the CPU, and
    without a graph. An episode that is cut off has not ended: the pole still stands. All else is yours to choose.
    """
    # TODO: in each step: act, push; if the memory holds a batch: sample, collate, td_loss, a step of AdamW; soft_update.
    # A gamma of 0.99, batches of 64, a learning rate of 1e-3, a tau of 0.005, and an epsilon that falls from 0.9 to 0.05 with
    # a decay of 1,000 steps will do.
    raise NotImplementedError
