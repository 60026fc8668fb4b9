"""What would it cost if the devices of topic 05 lived in a process of their own? A sketch, measured beside what there is.

    python tests/benchmarks/device_process.py [--steps 20] [--rounds 5]

Today a simulated device lives in the submission's process, so that where a tensor lay is that process's own word (see
docs/threat_model.md, conduct). In the sketch another process alone holds device memory and the log of what ran where: each
operator is one message there and one back. Steps of SGD with a LeNet on 4 images, in turns: without devices, with simulated
devices, with the sketch.
"""

import argparse
import itertools
import os
import pickle
import socket
import statistics
import struct
import time

import torch
from torch import nn
from torch.utils._pytree import tree_map

from autograder import simulated_gpus

RAW = struct.Struct("<I")


def send(channel, value):
    body = pickle.dumps(value, protocol=5)
    channel.sendall(RAW.pack(len(body)) + body)


def receive(channel):
    (size,) = RAW.unpack(channel.recv(RAW.size, socket.MSG_WAITALL))
    return pickle.loads(channel.recv(size, socket.MSG_WAITALL))


class Handle(int):
    """The number of a tensor in the device process."""


def serve(channel):
    """The device process: runs operators on the tensors that it holds, and keeps a log of them."""
    torch.set_num_threads(1)
    held, numbers, log = {}, itertools.count(), []
    while True:
        name, overload, args, kwargs, dropped = receive(channel)
        for number in dropped:
            held.pop(number, None)
        if name == "end":
            os._exit(0)
        args, kwargs = tree_map(lambda value: held[value] if type(value) is Handle else value, (args, kwargs))
        log.append((name, overload))
        result = args[0] if name == "put" else getattr(getattr(torch.ops.aten, name), overload)(*args, **kwargs)

        def keep(value):
            if not isinstance(value, torch.Tensor):
                return value
            number = Handle(next(numbers))
            held[number] = value
            return number, value.shape, value.stride(), value.dtype

        send(channel, [keep(value) for value in (result if isinstance(result, tuple | list) else [result])])


class Remote(torch.Tensor):
    """A tensor of the device process."""

    channel, dropped = None, []

    @staticmethod
    def of(found):
        number, shape, strides, dtype = found
        tensor = torch.Tensor._make_wrapper_subclass(Remote, shape, strides=strides, dtype=dtype)
        tensor.number = number
        return tensor

    def __del__(self):
        Remote.dropped.append(self.number)

    @staticmethod
    def ask(name, overload, args, kwargs):
        dropped, Remote.dropped = Remote.dropped, []
        send(Remote.channel, (name, overload, args, kwargs, dropped))
        return receive(Remote.channel)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        plain = tree_map(lambda value: value.number if isinstance(value, Remote) else value, (args, kwargs or {}))
        name = func._schema.name.partition("::")[2]
        found = cls.ask(name, func._overloadname, *plain)
        if name.endswith("_") and not name.startswith("_"):
            return args[0]
        made = [cls.of(value) if isinstance(value, tuple) else value for value in found]
        return made[0] if len(made) == 1 else tuple(made)


def remote(tensor):
    """A host tensor, copied to the device process."""
    return Remote.of(Remote.ask("put", "", (tensor.detach(),), {})[0])


def lenet():
    layers = nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def seconds(net, x, y, steps):
    """Of one step, the mean of some."""
    started = time.perf_counter()
    for _ in range(steps):
        net.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        with torch.no_grad():
            for p in net.parameters():
                p.sub_(0.01 * p.grad)
    return (time.perf_counter() - started) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    mine, theirs = socket.socketpair()
    if os.fork() == 0:
        serve(theirs)
    Remote.channel = mine
    x, y = torch.randn(4, 1, 32, 32), torch.tensor([0, 3, 5, 9])
    nets = {"host": lenet(), "simulated": lenet(), "process": lenet()}
    for p_name, p in list(nets["process"].named_parameters()):
        owner, _, name = p_name.rpartition(".")
        setattr(nets["process"].get_submodule(owner), name, nn.Parameter(remote(p)))
    batches = {"host": (x, y), "process": (remote(x), remote(y))}
    with simulated_gpus.simulated(1):
        nets["simulated"].to("cuda:0")
        batches["simulated"] = x.to("cuda:0"), y.to("cuda:0")
        taken = {kind: [] for kind in nets}
        for _ in range(options.rounds + 1):
            for kind, net in nets.items():
                taken[kind].append(seconds(net, *batches[kind], options.steps))
    send(mine, ("end", "", (), {}, []))
    median = {kind: statistics.median(each[1:]) for kind, each in taken.items()}
    for kind, value in median.items():
        print(f"{kind:10} {1000 * value:7.2f} ms a step, {value / median['host']:5.2f} times the host")
    print(f"a process of its own: {median['process'] / median['simulated']:.2f} times simulated devices")


if __name__ == "__main__":
    main()
