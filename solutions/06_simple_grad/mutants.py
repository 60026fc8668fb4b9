"""Misconceptions about differentiating on a tape: each a one-place edit of simple_grad.py."""

from autograder import Mutant

NEXT = 'next(free for number in Variable.numbers if (free := f"v{number}") not in taken)'
FLOAT32 = "turns its result into float32"
PLAIN = "computes its gradients with plain tensors, so that they cannot be differentiated again"
FRESH = "wraps the value of the other factor in a fresh Variable, so that nothing leads back from a gradient to that factor"
UNRECORDED = "computes the value and records nothing"
LOOP = "    for _ in range(steps):\n"
LEAVES = "a, b = Variable(slope), Variable(offset)\n"
BY_TAPE = """        error = spread(a, tuple(x.shape)) * Variable(x) + spread(b, tuple(x.shape)) - Variable(y)
        loss = total(error * error) * Variable(x.new_tensor(1 / len(x)))
        grad_a, grad_b = grad(loss, [a, b])
"""
BY_HAND = """        error = slope * x + offset - y
        grad_a, grad_b = Variable(2 * (error * x).mean()), Variable(2 * error.mean())
"""
UP_AND_DOWN = """point.view(-1)[i] = middle + eps
        above = float(f(point))
        point.view(-1)[i] = middle - eps
        below = float(f(point))
"""
DOWN = """point.view(-1)[i] = middle - eps
        below = float(f(point))
        point.view(-1)[i] = middle
        slopes.view(-1)[i] = (above - below) / (2 * eps)"""
WALK = """found = {loss.name: Variable(torch.ones_like(loss.value))}
    for entry in reversed(tape.copy()):  # what propagate records comes on top, and is not walked
        if entry.output in found:
            for name, part in zip(entry.inputs, entry.propagate(found[entry.output]), strict=True):
                found[name] = add(found[name], part) if name in found else part
"""
EACH_WAY = """found, before = {}, tape.copy()

    def push(name, g):
        found[name] = add(found[name], g) if name in found else g
        for entry in before:
            if entry.output == name:
                for below, part in zip(entry.inputs, entry.propagate(g), strict=True):
                    push(below, part)

    push(loss.name, Variable(torch.ones_like(loss.value)))
"""

# fmt: off
MUTANTS = (
    Mutant("Variable", "copies the value", "self.value = value", "self.value = value.clone()"),
    Mutant("Variable", "lets the value require grad", "self.value = value", "self.value = value.requires_grad_()"),
    Mutant("Variable", "makes the name that is used by default once for all, when the function is defined",
           "name: str | None = None", 'name: str | None = "v0"'),
    Mutant("Variable", "takes id() for the name", NEXT, 'f"v{id(self)}"'),
    Mutant("Variable", "numbers by the length of the tape, which making a Variable does not change",
           NEXT, 'f"v{len(tape)}"'),
    Mutant("Variable", "counts Variables that were given a name as well",
           NEXT, 'f"v{len(taken)}"'),
    Mutant("Variable", "goes on counting where reset_tape() should begin anew", "if not taken:",
           'if not hasattr(Variable, "numbers"):'),
    Mutant("Variable", "does not look whether a caller has given a name already", '(free := f"v{number}") not in taken',
           '(free := f"v{number}")'),
    Mutant("Variable", "ignores the name that it is given", "if name is None:", "if True:"),
    Mutant("Variable", "counts from 1", 'f"v{number}"', 'f"v{number + 1}"'),
    Mutant("Variable", "writes an entry onto the tape for each Variable", "self.name = name",
           "self.name = name\n        tape.append(TapeEntry([], name, lambda g: []))"),
    Mutant("Variable", "subtracts in the wrong order", "add(self, -other)", "add(other, -self)"),
    Mutant("Variable", "negates the value and records nothing", "mul(self, Variable(-torch.ones_like(self.value)))",
           "Variable(-self.value)"),
    Mutant("Variable", "sums the value and records nothing", "return total(self)", "return Variable(self.value.sum())"),
    #
    Mutant("record", "puts new entries at the beginning of the tape", "tape.append(", "tape.insert(0, "),
    Mutant("record", "makes a new list, while others hold the old one",
           "output = Variable(value)\n    tape.append(TapeEntry([each.name for each in inputs], output.name, propagate))",
           "global tape\n    output = Variable(value)\n"
           "    tape = [*tape, TapeEntry([each.name for each in inputs], output.name, propagate)]"),
    Mutant("record", "forgets to append the entry",
           "    tape.append(TapeEntry([each.name for each in inputs], output.name, propagate))\n", ""),
    Mutant("record", "names an input once only that is used twice", "[each.name for each in inputs]",
           "list(dict.fromkeys(each.name for each in inputs))"),
    Mutant("record", "sorts the names", "[each.name for each in inputs]", "sorted(each.name for each in inputs)"),
    Mutant("record", "keeps the Variables in place of their names", "[each.name for each in inputs]", "list(inputs)"),
    Mutant("record", "copies the value", "Variable(value)", "Variable(value.clone())"),
    Mutant("record", "calls propagate at once", "return output", "propagate(output)\n    return output"),
    Mutant("record", "wraps propagate in another function", "output.name, propagate", "output.name, lambda g: propagate(g)"),
    Mutant("record", "guesses the new name from the length of the tape", "output.name, propagate",
           'f"v{len(tape)}", propagate'),
    Mutant("record", "gives the entry in place of the Variable", "return output", "return tape[-1]"),
    Mutant("record", "forgets to return the Variable", "    return output\n", ""),
    #
    Mutant("add", "gives one gradient for two inputs", "[g, g]", "[g]"),
    Mutant("add", "hands on g·b and g·a, as for a product", "[g, g]", "[mul(g, b), mul(g, a)]"),
    Mutant("add", "ignores g and hands on ones", "[g, g]", "[Variable(torch.ones_like(g.value))] * 2"),
    Mutant("add", "splits g in halves", "[g, g]", "[mul(g, Variable(torch.full_like(g.value, 0.5)))] * 2"),
    Mutant("add", PLAIN, "[g, g]", "[Variable(g.value), Variable(g.value)]"),
    Mutant("add", "hands on tensors in place of Variables", "[g, g]", "[g.value, g.value]"),
    Mutant("add", "adds in place", "a.value + b.value", "a.value.add_(b.value)"),
    Mutant("add", "names its inputs in the wrong order", "[a, b]", "[b, a]"),
    Mutant("add", UNRECORDED, "record([a, b], a.value + b.value, lambda g: [g, g])", "Variable(a.value + b.value)"),
    Mutant("add", "gives a tensor in place of a Variable", "record([a, b], a.value + b.value, lambda g: [g, g])",
           "a.value + b.value"),
    Mutant("add", FLOAT32, "a.value + b.value", "(a.value + b.value).float()"),
    #
    Mutant("mul", "multiplies g by the factor itself in place of the other one", "[mul(g, b), mul(g, a)]",
           "[mul(g, a), mul(g, b)]"),
    Mutant("mul", "multiplies g by the result in place of the other factor",
           "return record([a, b], a.value * b.value, lambda g: [mul(g, b), mul(g, a)])",
           "result = record([a, b], a.value * b.value, lambda g: [mul(g, result), mul(g, result)])\n    return result"),
    Mutant("mul", "makes its gradients by lambdas in a loop, which all see the loop's last factor", "[mul(g, b), mul(g, a)]",
           "[part(g) for part in [lambda g: mul(g, factor) for factor in (b, a)]]"),
    Mutant("mul", PLAIN, "[mul(g, b), mul(g, a)]", "[Variable(g.value * b.value), Variable(g.value * a.value)]"),
    Mutant("mul", FRESH, "[mul(g, b), mul(g, a)]", "[mul(g, Variable(b.value)), mul(g, Variable(a.value))]"),
    Mutant("mul", "hands on tensors in place of Variables", "[mul(g, b), mul(g, a)]", "[g.value * b.value, g.value * a.value]"),
    Mutant("mul", "ignores g", "[mul(g, b), mul(g, a)]", "[b, a]"),
    Mutant("mul", "hands on g as it is, as for a sum", "[mul(g, b), mul(g, a)]", "[g, g]"),
    Mutant("mul", "records the first factor alone", "record([a, b], a.value * b.value, lambda g: [mul(g, b), mul(g, a)])",
           "record([a], a.value * b.value, lambda g: [mul(g, b)])"),
    Mutant("mul", "multiplies in place", "a.value * b.value", "a.value.mul_(b.value)"),
    Mutant("mul", FLOAT32, "a.value * b.value", "(a.value * b.value).float()"),
    #
    Mutant("total", "hands on g as it is, one number, where each element needs it", "[spread(g, tuple(a.value.shape))]", "[g]"),
    Mutant("total", "takes the mean in place of the sum", "a.value.sum()", "a.value.mean()"),
    Mutant("total", "sums over the last axis only", "a.value.sum()", "a.value.sum(-1)"),
    Mutant("total", "divides the gradient of a sum by the number of elements", "spread(g, tuple(a.value.shape))",
           "mul(spread(g, tuple(a.value.shape)), Variable(torch.ones_like(a.value) / a.value.numel()))"),
    Mutant("total", "ignores g and hands on ones", "spread(g, tuple(a.value.shape))", "Variable(torch.ones_like(a.value))"),
    Mutant("total", PLAIN, "spread(g, tuple(a.value.shape))", "Variable(g.value.expand(a.value.shape))"),
    Mutant("total", "keeps an axis of size 1 in the sum", "a.value.sum()", "a.value.sum().reshape(1)"),
    Mutant("total", "sums in float32", "a.value.sum()", "a.value.float().sum().to(a.value.dtype)"),
    Mutant("total", "lets spread hand on g with its shape, and not its sum", "[total(g)]", "[g]", within="spread"),
    Mutant("total", "computes the gradient of spread with plain tensors, so that it cannot be differentiated again", "total(g)",
           "Variable(g.value.sum())", within="spread"),
    #
    Mutant("matmul", "forgets to transpose b", "transpose(b)", "b"),
    Mutant("matmul", "forgets to transpose a", "transpose(a)", "a"),
    Mutant("matmul", "gives the gradient of b first", "[matmul(g, transpose(b)), matmul(transpose(a), g)]",
           "[matmul(transpose(a), g), matmul(g, transpose(b))]"),
    Mutant("matmul", "gives the gradient of b transposed", "matmul(transpose(a), g)", "matmul(transpose(g), a)"),
    Mutant("matmul", PLAIN, "[matmul(g, transpose(b)), matmul(transpose(a), g)]",
           "[Variable(g.value @ b.value.t()), Variable(a.value.t() @ g.value)]"),
    Mutant("matmul", "wraps the value of the other matrix in a fresh Variable, so that nothing leads back to that matrix",
           "[matmul(g, transpose(b)), matmul(transpose(a), g)]",
           "[matmul(g, transpose(Variable(b.value))), matmul(transpose(Variable(a.value)), g)]"),
    Mutant("matmul", "multiplies b by a", "a.value @ b.value", "b.value @ a.value"),
    Mutant("matmul", "drops axes of size 1 from its result", "a.value @ b.value", "(a.value @ b.value).squeeze()"),
    Mutant("matmul", "records nothing of a", "[a, b]", "[Variable(a.value), b]"),
    Mutant("matmul", FLOAT32, "a.value @ b.value", "(a.value @ b.value).float()"),
    #
    Mutant("nonlinear", "lets half of the gradient pass where a is exactly 0", "(a.value > 0).to(a.value.dtype)",
           "(a.value.sign() + 1) / 2", within="relu"),
    Mutant("nonlinear", "lets the gradient pass where a is exactly 0", "a.value > 0", "a.value >= 0", within="relu"),
    Mutant("nonlinear", "lets all of the gradient pass through relu", "[mul(g, mask)]", "[g]", within="relu"),
    Mutant("nonlinear", "multiplies by relu(a) in place of its slope", "(a.value > 0).to(a.value.dtype)",
           "a.value.relu()", within="relu"),
    Mutant("nonlinear", "multiplies by the sign of a in place of relu's slope", "(a.value > 0).to(a.value.dtype)",
           "a.value.sign()", within="relu"),
    Mutant("nonlinear", "looks at the sign of g in place of a's", "[mul(g, mask)]", "[relu(g)]", within="relu"),
    Mutant("nonlinear", "computes relu's gradient with plain tensors, so that it cannot be differentiated again",
           "mul(g, mask)", "Variable(g.value * mask.value)", within="relu"),
    Mutant("nonlinear", "clamps a in place", "a.value.clamp(", "a.value.clamp_(", within="relu"),
    Mutant("nonlinear", "forgets the square in the slope of tanh", "g - g * result * result", "g - g * result", within="tanh"),
    Mutant("nonlinear", "squares a in place of tanh(a)", "g - g * result * result", "g - g * a * a", within="tanh"),
    Mutant("nonlinear", "takes the slope of the sigmoid, t(1 - t), for that of tanh", "g - g * result * result",
           "g * result - g * result * result", within="tanh"),
    Mutant("nonlinear", "ignores g in the slope of tanh", "g - g * result * result",
           "Variable(torch.ones_like(a.value)) - result * result", within="tanh"),
    Mutant("nonlinear", "computes the gradient of tanh with plain tensors, so that it cannot be differentiated again",
           "g - g * result * result", "Variable(g.value * (1 - result.value**2))", within="tanh"),
    Mutant("nonlinear", "wraps the slope of tanh in a fresh Variable, so that it does not depend on a any more",
           "g - g * result * result", "g * Variable(1 - result.value**2)", within="tanh"),
    Mutant("nonlinear", "divides exponentials for tanh, which overflow", "a.value.tanh()",
           "(((2 * a.value).exp() - 1) / ((2 * a.value).exp() + 1))", within="tanh"),
    #
    Mutant("unbroadcast", "sums over an empty list of axes, which PyTorch takes for all axes", " if axes else g", ""),
    Mutant("unbroadcast", "drops axes of size 1 that shape has", ".reshape(shape)", ".squeeze()"),
    Mutant("unbroadcast", "forgets leading axes", "axes = [*range(missing), *grown]", "axes = grown"),
    Mutant("unbroadcast", "forgets axes of size 1 that have grown", "axes = [*range(missing), *grown]",
           "axes = [*range(missing)]"),
    Mutant("unbroadcast", "counts the axes that have grown in shape, not in g", "[missing + i for i", "[i for i"),
    Mutant("unbroadcast", "takes the mean over the copies in place of their sum", "g.sum(axes)", "g.mean(axes)"),
    Mutant("unbroadcast", "takes the last axes for the missing ones", "*range(missing)", "*range(len(shape), g.dim())"),
    Mutant("unbroadcast", "takes one of the copies in place of their sum", "g.sum(axes)", "g.amax(axes)"),
    Mutant("unbroadcast", "sums in float32", "g.sum(axes)", "g.float().sum(axes).to(g.dtype)"),
    #
    Mutant("grad", "keeps only the last part of a Variable that is used several times",
           "add(found[name], part) if name in found else part", "part"),
    Mutant("grad", "keeps only the first part of a Variable that is used several times",
           "add(found[name], part) if name in found else part", "found.get(name, part)"),
    Mutant("grad", "adds a part to a gradient in place, which another Variable may have as well",
           "add(found[name], part) if name in found else part",
           "found.get(name, part)\n                if found[name] is not part:\n"
           "                    found[name].value += part.value"),
    Mutant("grad", "adds up parts with plain tensors, so that the sum cannot be differentiated again", "add(found[name], part)",
           "Variable(found[name].value + part.value)"),
    Mutant("grad", "makes a dict of inputs and parts, in which an input has one part only",
           "for name, part in zip(entry.inputs, entry.propagate(found[entry.output]), strict=True):",
           "for name, part in dict(zip(entry.inputs, entry.propagate(found[entry.output]), strict=True)).items():"),
    Mutant("grad", "begins with the value of loss in place of ones", "torch.ones_like(loss.value)", "loss.value"),
    Mutant("grad", "begins with a single 1, whatever the shape of loss is", "torch.ones_like(loss.value)",
           "torch.ones((), dtype=loss.value.dtype)"),
    Mutant("grad", "begins with ones in float32", "torch.ones_like(loss.value)", "torch.ones(loss.value.shape)"),
    Mutant("grad", "walks the tape forwards", "reversed(tape.copy())", "tape.copy()"),
    Mutant("grad", "begins at the end of the tape and not at loss",
           "{loss.name: V", "{(tape[-1].output if tape else loss.name): V"),
    Mutant("grad", "gives zeros in place of None", "found.get(each.name)",
           "found.get(each.name, Variable(torch.zeros_like(each.value)))"),
    Mutant("grad", "takes the entries off the tape as it walks", "reversed(tape.copy())", "[tape.pop() for _ in tape.copy()]"),
    Mutant("grad", "sends zeros through what loss does not depend on", "if entry.output in found:",
           "if found.setdefault(entry.output, Variable(torch.zeros_like(loss.value))):"),
    Mutant("grad", "stops at the first entry that loss does not depend on", "if entry.output in found:",
           "if entry.output not in found:\n            break\n        else:"),
    Mutant("grad", "follows each way back by itself, so that an entry is propagated several times", WALK, EACH_WAY),
    Mutant("grad", "drops the gradient of what it has handed on", "found[entry.output]", "found.pop(entry.output)"),
    Mutant("grad", "gives the gradients in the order in which it comes upon them", "[found.get(each.name) for each in wanted]",
           "[g for name, g in found.items() if name in {each.name for each in wanted}]"),
    Mutant("grad", "gives tensors in place of Variables", "found.get(each.name)", "getattr(found.get(each.name), 'value', None)"),
    #
    Mutant("hessian_vector", "multiplies the gradient by v and differentiates no second time",
           "(product,) = grad(total(mul(slope, Variable(v))), [point])", "product = mul(slope, Variable(v))"),
    Mutant("hessian_vector", "ignores v, and adds up the rows of H", "Variable(v)", "Variable(torch.ones_like(v))"),
    Mutant("hessian_vector", "takes a difference of two gradients",
           "(product,) = grad(total(mul(slope, Variable(v))), [point])",
           "(product,) = grad(f(near := Variable(x + 1e-3 * v)), [near])\n"
           "    product = product and Variable((product.value - slope.value) / 1e-3)"),
    Mutant("hessian_vector", "wraps the gradient in a fresh Variable, from which nothing leads back to x",
           "mul(slope, ", "mul(Variable(slope.value), "),
    Mutant("hessian_vector", "empties the tape before it begins", "point = Variable(x)", "reset_tape()\n    point = Variable(x)"),
    Mutant("hessian_vector", "empties the tape between the two gradients", "    if slope is None:",
           "    tape.clear()\n    if slope is None:"),
    Mutant("hessian_vector", "calls f twice", "(slope,) = grad(f(point), [point])",
           "f(point)\n    (slope,) = grad(f(point), [point])"),
    Mutant("hessian_vector", "does not expect that f does not depend on x",
           "    if slope is None:\n        return torch.zeros_like(x)\n", ""),
    Mutant("hessian_vector", "does not expect that the gradient does not depend on x",
           "torch.zeros_like(x) if product is None else product.value", "product.value"),
    Mutant("hessian_vector", "gives a Variable in place of a tensor", "else product.value", "else product"),
    #
    Mutant("numeric_grad", "takes one-sided differences", DOWN,
           "point.view(-1)[i] = middle\n        slopes.view(-1)[i] = (above - float(f(point))) / eps"),
    Mutant("numeric_grad", "moves x in its own dtype, whose digits a difference loses", "x.detach().to(torch.float64)",
           "x.detach()"),
    Mutant("numeric_grad", "divides by eps, half of the distance", "(2 * eps)", "eps"),
    Mutant("numeric_grad", "forgets to divide by the distance", " / (2 * eps)", ""),
    Mutant("numeric_grad", "moves the elements of x itself", ".clone(memory_format=torch.contiguous_format)", ".contiguous()"),
    Mutant("numeric_grad", "does not move an element back before the next one", "        point.view(-1)[i] = middle\n", ""),
    Mutant("numeric_grad", "moves all elements at once", UP_AND_DOWN,
           "above = float(f(point + eps))\n        below = float(f(point - eps))\n"),
    Mutant("numeric_grad", "uses 1e-4, whatever eps is", "point = x.detach()", "eps = 1e-4\n    point = x.detach()"),
    Mutant("numeric_grad", "gives the result in x's dtype", "return slopes", "return slopes.to(x.dtype)"),
    Mutant("numeric_grad", "gives one long row in place of x's shape", "return slopes", "return slopes.flatten()"),
    #
    Mutant("fit_line", "empties the tape only after the last step",
           "        reset_tape()\n    return", "    reset_tape()\n    return"),
    Mutant("fit_line", "never empties the tape after a step", "        reset_tape()\n    return", "    return"),
    Mutant("fit_line", "leaves the entries of the last step on the tape", "        reset_tape()\n    return",
           "        if _ < steps - 1:\n            reset_tape()\n    return"),
    Mutant("fit_line", "does not empty the tape where there is no step", "    reset_tape()\n    for", "    for"),
    Mutant("fit_line", "takes Variables from before a reset, whose names new ones have got too", f"{LOOP}        {LEAVES}",
           f"    {LEAVES}{LOOP}        a.value, b.value = slope, offset\n"),
    Mutant("fit_line", "computes the gradients by hand, without the tape",
           f"        {LEAVES}{BY_TAPE}", BY_HAND),
    Mutant("fit_line", "takes the sum of the squared errors in place of their mean", " * Variable(x.new_tensor(1 / len(x)))", ""),
    Mutant("fit_line", "halves the mean of the squared errors", "1 / len(x)", "0.5 / len(x)"),
    Mutant("fit_line", "steps up the gradient", "slope - lr * grad_a.value, offset - lr *",
           "slope + lr * grad_a.value, offset + lr *"),
    Mutant("fit_line", "leaves the offset at 0", "offset - lr * grad_b.value", "offset"),
    Mutant("fit_line", "gives the offset first", "slope.item(), offset.item()", "offset.item(), slope.item()"),
    Mutant("fit_line", "takes one step too many", "range(steps)", "range(steps + 1)"),
)
