# In the manner of the Simple Grad notebook: names, a gradient tape, and gather_grad.
from typing import Callable, Dict, List, NamedTuple, Optional, Set

import torch

_name = 1


class TapeEntry(NamedTuple):
    inputs: List[str]
    output: str
    propagate: "Callable[[Variable], List[Variable]]"


tape: List[TapeEntry] = []
taken: Set[str] = set()


def reset_tape():
    tape.clear()
    taken.clear()
    global _name
    _name = 0


def fresh_name() -> str:
    global _name
    name = f"v{_name}"
    _name += 1
    return fresh_name() if name in taken else name


reset_tape()


class Variable:
    def __init__(self, value: torch.Tensor, name: Optional[str] = None):
        self.value = value
        self.name = name or fresh_name()
        taken.add(self.name)

    def __repr__(self):
        return repr(self.value)

    @staticmethod
    def constant(value, name=None):
        return Variable(value, name)

    def __add__(self, rhs): return operator_add(self, rhs)
    def __mul__(self, rhs): return operator_mul(self, rhs)
    def __sub__(self, rhs): return operator_sub(self, rhs)
    def __neg__(self): return operator_sub(Variable.constant(torch.zeros_like(self.value)), self)
    def __matmul__(self, rhs): return matmul(self, rhs)
    def sum(self): return operator_sum(self)
    def expand(self, sizes): return operator_expand(self, sizes)


def record(inputs, value, propagate):
    r = Variable(value)
    tape.append(TapeEntry(inputs=[i.name for i in inputs], output=r.name, propagate=propagate))
    return r


def operator_mul(self, rhs):
    def propagate(dL_dr):
        dr_dself = rhs
        dr_drhs = self
        dL_dself = dL_dr * dr_dself
        dL_drhs = dL_dr * dr_drhs
        return [dL_dself, dL_drhs]

    return record([self, rhs], self.value * rhs.value, propagate)


def operator_add(self, rhs):
    def propagate(dL_dr):
        return [dL_dr, dL_dr]

    return record([self, rhs], self.value + rhs.value, propagate)


def operator_sub(self, rhs):
    def propagate(dL_dr):
        minus_one = Variable.constant(torch.full_like(dL_dr.value, -1.0))
        return [dL_dr, dL_dr * minus_one]

    return record([self, rhs], self.value - rhs.value, propagate)


def operator_sum(self):
    def propagate(dL_dr):
        size = self.value.size()
        return [dL_dr.expand(size)]

    return record([self], torch.sum(self.value), propagate)


def operator_expand(self, sizes):
    def propagate(dL_dr):
        return [dL_dr.sum()]

    return record([self], self.value.expand(tuple(sizes)), propagate)


add, mul, total = operator_add, operator_mul, operator_sum


def spread(a, shape):
    return a.expand(shape)


def transpose(a):
    return record([a], a.value.t(), lambda g: [transpose(g)])


def matmul(a, b):
    def propagate(dL_dr):
        return [dL_dr @ transpose(b), transpose(a) @ dL_dr]

    return record([a, b], a.value @ b.value, propagate)


def relu(a):
    active = (a.value > 0).to(a.value.dtype)

    def propagate(dL_dr):
        return [dL_dr * Variable.constant(active)]

    return record([a], a.value * active, propagate)


def tanh(a):
    def propagate(dL_dr):
        one = Variable.constant(torch.ones_like(a.value))
        return [dL_dr * (one - r * r)]

    r = record([a], torch.tanh(a.value), propagate)
    return r


def unbroadcast(g, shape):
    dims_to_sum = list(range(len(g.shape) - len(shape)))
    lead = len(dims_to_sum)
    for i, s in enumerate(shape):
        if s == 1 and g.shape[i + lead] != 1:
            dims_to_sum.append(i + lead)
    if not dims_to_sum:
        return g.clone()
    return torch.sum(g, dim=dims_to_sum, keepdim=True).reshape(shape)


def grad(loss, wanted):
    dL_d: Dict[str, Variable] = {}
    dL_d[loss.name] = Variable(torch.ones_like(loss.value))

    def gather_grad(entries: List[str]):
        return dL_d[entries] if entries in dL_d else None

    for entry in reversed(list(tape)):
        dL_doutput = gather_grad(entry.output)
        if dL_doutput is None:
            continue
        dL_dinputs = entry.propagate(dL_doutput)
        for input, dL_dinput in zip(entry.inputs, dL_dinputs):
            if input not in dL_d:
                dL_d[input] = dL_dinput
            else:
                dL_d[input] += dL_dinput  # of Variables: a new one, recorded

    return [gather_grad(w.name) for w in wanted]


def hessian_vector(f, x, v):
    X = Variable(x)
    (dL_dX,) = grad(f(X), [X])
    if dL_dX is None:
        return torch.zeros_like(x)
    (H_v,) = grad((dL_dX * Variable.constant(v)).sum(), [X])
    if H_v is None:
        return torch.zeros_like(x)
    return H_v.value


def numeric_grad(f, x, eps=1e-4):
    x = x.to(torch.float64, copy=True).contiguous()
    flat = x.reshape(-1)
    g = torch.zeros_like(flat)
    for i in range(flat.shape[0]):
        up, down = flat.clone(), flat.clone()
        up[i] += eps
        down[i] -= eps
        g[i] = (f(up.view_as(x)) - f(down.view_as(x))) / (2 * eps)
    return g.view_as(x)


def fit_line(x, y, steps, lr):
    a_val, b_val = torch.zeros(1, dtype=x.dtype).sum(), torch.zeros(1, dtype=x.dtype).sum()
    reset_tape()
    for _ in range(steps):
        a, b = Variable(a_val, "a"), Variable(b_val, "b")
        diff = a.expand(x.shape) * Variable(x) + b.expand(x.shape) - Variable(y)
        L = (diff * diff).sum() * Variable.constant(1 / torch.tensor(len(x), dtype=x.dtype))
        dL_da, dL_db = grad(L, [a, b])
        a_val = a_val - lr * dL_da.value
        b_val = b_val - lr * dL_db.value
        reset_tape()
    return a_val, b_val
