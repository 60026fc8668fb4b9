"""Misconceptions about what stands around the training loop: each a one-place edit of imagenet.py."""

from autograder import Mutant

TORCH_SAVE = "    torch.save(state, partial)\n    partial.replace(path)\n"
STEP_LINES = """        (loss * len(y)).backward()
        waiting += len(y)
        if number % accumulate == 0 or number == len(loader):
            for p in model.parameters():
                if p.grad is not None:
                    p.grad /= waiting
"""
ONE_BY_ONE = """    for number, (images, labels) in enumerate(loader, start=1):
        x, y = images.to(device), labels.to(device)
"""
TOGETHER = """    batches = list(loader)
    loader = [
        (torch.cat([x for x, _ in batches[i : i + accumulate]]), torch.cat([y for _, y in batches[i : i + accumulate]]))
        for i in range(0, len(batches), accumulate)
    ]
    accumulate = 1
    for number, (images, labels) in enumerate(loader, start=1):
        x, y = images.to(device), labels.to(device)
"""
SUMS = """        loss_sum += loss.item() * len(y)
        hits += (scores.argmax(1) == y).sum().item()
        count += len(y)
"""
RATE_SUMS = """        loss_sum += loss.item() * len(y)
        hits += (scores.argmax(1) == y).double().mean().item()
        count += len(y)
    count, loss_sum = len(loader), loss_sum / count * len(loader)
"""
UNSCALED = """    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), clip)
"""
UNDER_AUTOCAST = """        loss = criterion(model(x), y)
    scaler.scale(loss).backward()
"""
AXES = """    decayed = [p for p in trained if p.ndim >= 2]
    others = [p for p in trained if p.ndim < 2]
"""
BY_NAME = """    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    decayed = [p for name, p in trained if not name.endswith("bias")]
    others = [p for name, p in trained if name.endswith("bias")]
"""
BY_KIND = """    norms = {id(p) for m in model.modules() if "Norm" in type(m).__name__ for p in m.parameters()}
    biases = {id(p) for name, p in model.named_parameters() if name.endswith("bias")}
    decayed = [p for p in trained if id(p) not in norms | biases]
    others = [p for p in trained if id(p) in norms | biases]
"""
GROUPS = '[{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]'
CLEARS = "optimizer.zero_grad()\n            waiting = 0"
BARE = "model.module if isinstance(model, nn.DataParallel) else model"
HAS_MODULE = 'model.module if hasattr(model, "module") else model'
WRAPPED_NAMES = "keeps the names of nn.DataParallel, which begin with module., so that only a wrapped model can load the file"
BARE_NAMES = "cannot load into a model that is in nn.DataParallel, whose names begin with module."
UNDER = "takes the loss out of the autocast block"

MUTANTS = (
    Mutant(
        "topk_accuracy",
        "takes the lowest scores, as after an ascending sort",
        "output.topk(most, dim=1)",
        "output.topk(most, dim=1, largest=False)",
    ),
    Mutant(
        "topk_accuracy",
        "compares (N, k) with (1, N): the target needs its axis at the end, or pred has to be transposed",
        "target[:, None]",
        "target[None]",
    ),
    Mutant("topk_accuracy", "divides by k as well", "/ len(target)", "/ (len(target) * k)"),
    Mutant("topk_accuracy", "gives fractions from 0 to 1, not per cent", "100 * hits", "hits"),
    Mutant("topk_accuracy", "asks whether the target stands exactly at place k", "hits[:, :k]", "hits[:, k - 1 : k]"),
    Mutant("topk_accuracy", "counts the highest score alone, whatever k is", "hits[:, :k]", "hits[:, :1]"),
    Mutant("topk_accuracy", "counts the hits of the largest k for every k", "hits[:, :k]", "hits"),
    Mutant("topk_accuracy", "gives the percentages in rising order of k", "for k in topk]", "for k in sorted(topk)]"),
    Mutant(
        "topk_accuracy",
        "asks for more classes than there are where k exceeds them",
        "min(max(topk), output.shape[1])",
        "max(topk)",
    ),
    Mutant("topk_accuracy", "takes the last k for the largest", "max(topk)", "topk[-1]"),
    Mutant(
        "topk_accuracy",
        "gives the percentage of errors",
        "100 * hits[:, :k].sum().item() / len(target)",
        "100 - 100 * hits[:, :k].sum().item() / len(target)",
    ),
    Mutant(
        "topk_accuracy",
        "gives a number, not a list, for a single k",
        "return [100 * hits[:, :k].sum().item() / len(target) for k in topk]",
        "found = [100 * hits[:, :k].sum().item() / len(target) for k in topk]\n    return found if len(found) > 1 else found[0]",
    ),
    Mutant("topk_accuracy", "has top-1 and top-5 by default", "= (1,)", "= (1, 5)"),
    #
    Mutant("AverageMeter", "keeps tensors, and with them the graph of every batch", "float(val)", "val"),
    Mutant(
        "AverageMeter",
        "counts each value once, whatever n is",
        "self.sum += self.val * n\n        self.count += n",
        "self.sum += self.val\n        self.count += 1",
    ),
    Mutant("AverageMeter", "adds the value without its weight n", "self.val * n", "self.val"),
    Mutant("AverageMeter", "counts the updates, not the samples", "self.count += n", "self.count += 1"),
    Mutant("AverageMeter", "divides by the n of the last update", "self.sum / self.count", "self.sum / n"),
    Mutant(
        "AverageMeter",
        "averages the old mean and the new value",
        "self.avg = self.sum / self.count",
        "self.avg = (self.avg + self.val) / 2",
    ),
    Mutant("AverageMeter", "keeps the count in reset()", "self.count = 0", 'self.count = getattr(self, "count", 0)'),
    Mutant(
        "AverageMeter",
        "keeps the sum in reset()",
        "self.val = self.sum = self.avg = 0.0",
        'self.val = self.avg = 0.0\n        self.sum = getattr(self, "sum", 0.0)',
    ),
    Mutant(
        "AverageMeter",
        "begins with None",
        "self.val = self.sum = self.avg = 0.0",
        "self.sum = 0.0\n        self.val = self.avg = None",
    ),
    #
    Mutant(
        "eval_transform",
        "resizes to a square, so that the aspect is lost",
        "transforms.Resize(resize)",
        "transforms.Resize((resize, resize))",
    ),
    Mutant(
        "eval_transform",
        "crops before it resizes",
        "transforms.Resize(resize),\n            transforms.CenterCrop(crop)",
        "transforms.CenterCrop(crop),\n            transforms.Resize(resize)",
    ),
    Mutant("eval_transform", "does not normalise", "            transforms.Normalize(MEAN, STD),\n", ""),
    Mutant(
        "eval_transform",
        "normalises with 0.5 in the place of ImageNet's numbers",
        "transforms.Normalize(MEAN, STD)",
        "transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))",
    ),
    Mutant("eval_transform", "does not crop", "            transforms.CenterCrop(crop),\n", ""),
    Mutant(
        "eval_transform",
        "resizes to the size of the crop, so that nothing is left to cut off",
        "transforms.Resize(resize)",
        "transforms.Resize(crop)",
    ),
    Mutant(
        "eval_transform", "cuts out a random part, as in training", "transforms.CenterCrop(crop)", "transforms.RandomCrop(crop)"
    ),
    Mutant(
        "eval_transform",
        "cuts out the corner at the top left",
        "transforms.CenterCrop(crop)",
        "transforms.Lambda(lambda image: image.crop((0, 0, crop, crop)))",
    ),
    Mutant(
        "eval_transform",
        "resizes without averaging, by the nearest pixel",
        "transforms.Resize(resize)",
        "transforms.Resize(resize, transforms.InterpolationMode.NEAREST)",
    ),
    Mutant(
        "eval_transform",
        "makes the longer side `resize`",
        "transforms.Resize(resize)",
        "transforms.Resize(resize - 1, max_size=resize)",
    ),
    Mutant("eval_transform", "takes PIL images alone", "return transform", "return steps"),
    Mutant(
        "eval_transform",
        "normalises values from 0 to 255",
        "transforms.ToTensor(),",
        "transforms.ToTensor(),\n            transforms.Lambda(lambda t: 255 * t),",
    ),
    Mutant(
        "eval_transform",
        "divides by 255 twice: ToTensor does it already",
        "transforms.ToTensor(),",
        "transforms.ToTensor(),\n            transforms.Lambda(lambda t: t / 255),",
    ),
    Mutant(
        "eval_transform",
        "takes blue for red and red for blue",
        "transforms.ToTensor(),",
        "transforms.ToTensor(),\n            transforms.Lambda(lambda t: t.flip(0)),",
    ),
    #
    Mutant("decay_groups", "lets everything decay, biases and norms too", AXES, "    decayed, others = trained, []\n"),
    Mutant(
        "decay_groups",
        "goes by the names: whatever is no bias decays, norms too",
        "    trained = [p for p in model.parameters() if p.requires_grad]\n" + AXES,
        BY_NAME,
    ),
    Mutant("decay_groups", "goes by kinds of layers and by names, not by the number of axes", AXES, BY_KIND),
    Mutant("decay_groups", "takes in what is frozen", " if p.requires_grad]", "]"),
    Mutant(
        "decay_groups",
        "has the group that does not decay first",
        GROUPS,
        '[{"params": others, "weight_decay": 0.0}, {"params": decayed, "weight_decay": weight_decay}]',
    ),
    Mutant("decay_groups", "gives both groups the weight decay", '"weight_decay": 0.0', '"weight_decay": weight_decay'),
    Mutant("decay_groups", "leaves the weight decay of the second group to the optimizer", ', "weight_decay": 0.0', ""),
    Mutant("decay_groups", "leaves out a group that is empty", GROUPS, "[group for group in " + GROUPS + ' if group["params"]]'),
    Mutant(
        "decay_groups", "lets only what has three axes or more decay", AXES, AXES.replace(">= 2", ">= 3").replace("< 2", "< 3")
    ),
    Mutant(
        "decay_groups",
        "has a parameter twice that two layers share",
        "in model.parameters()",
        "in (p for m in model.modules() for p in m.parameters(recurse=False))",
    ),
    Mutant(
        "decay_groups",
        "looks at the model's direct children only",
        "in model.parameters()",
        "in (p for m in model.children() for p in m.parameters(recurse=False))",
    ),
    Mutant(
        "decay_groups",
        "gives generators, which are empty after the first use",
        '{"params": decayed,',
        '{"params": (p for p in decayed),',
    ),
    #
    Mutant("decayed_lr", "divides with a fraction, so that the rate falls in every epoch", "epoch // step", "epoch / step"),
    Mutant("decayed_lr", "multiplies by gamma in every epoch", "(epoch // step)", "epoch"),
    Mutant(
        "decayed_lr",
        "multiplies by the number of falls where it should take a power",
        "gamma ** (epoch // step)",
        "(gamma * (epoch // step) if epoch >= step else 1)",
    ),
    Mutant("decayed_lr", "falls an epoch too early", "(epoch // step)", "((epoch + 1) // step)"),
    Mutant("decayed_lr", "falls an epoch too late", "(epoch // step)", "(max(epoch - 1, 0) // step)"),
    Mutant("decayed_lr", "falls every 30 epochs, whatever step is", "epoch // step", "epoch // 30"),
    Mutant("decayed_lr", "falls to a tenth, whatever gamma is", "gamma **", "0.1 **"),
    Mutant("decayed_lr", "divides by gamma, so that the rate grows", "base * gamma", "base / gamma"),
    #
    Mutant("warmup_cosine", "has a rate of 0 at step 0, so that the first step is lost", "(step + 1) / warmup", "step / warmup"),
    Mutant(
        "warmup_cosine",
        "stretches the cosine over all of `total`, so that there is a jump after the warmup",
        "(step - warmup) / (total - warmup)",
        "step / total",
    ),
    Mutant(
        "warmup_cosine",
        "divides by `total` where `total - warmup` steps are left, so that it does not reach the floor",
        "/ (total - warmup)",
        "/ total",
    ),
    Mutant("warmup_cosine", "runs through a whole cosine and comes back up", "math.pi *", "2 * math.pi *"),
    Mutant("warmup_cosine", "forgets π", "math.pi * part", "part"),
    Mutant("warmup_cosine", "falls to 0 and not to floor", "floor + (base - floor) *", "base *"),
    Mutant("warmup_cosine", "adds floor to a cosine that begins with base", "(base - floor)", "base"),
    Mutant(
        "warmup_cosine",
        "goes on with the cosine after `total`, so that the rate rises again",
        "    if step >= total:\n        return floor\n",
        "",
    ),
    Mutant("warmup_cosine", "is 0 from `total` on", "return floor\n", "return 0.0\n"),
    Mutant(
        "warmup_cosine",
        "begins the warmup at floor",
        "return base * (step + 1) / warmup",
        "return floor + (base - floor) * (step + 1) / warmup",
    ),
    Mutant("warmup_cosine", "warms up one step too long, beyond base", "step < warmup", "step <= warmup"),
    Mutant("warmup_cosine", "falls along a line", "(1 + math.cos(math.pi * part)) / 2", "(1 - part)"),
    #
    Mutant(
        "train_epoch",
        "adds up the batches' mean gradients without dividing",
        STEP_LINES,
        "        loss.backward()\n        if number % accumulate == 0 or number == len(loader):\n",
    ),
    Mutant(
        "train_epoch",
        "divides by `accumulate` also where fewer or uneven batches make a step",
        STEP_LINES,
        "        (loss / accumulate).backward()\n        if number % accumulate == 0 or number == len(loader):\n",
    ),
    Mutant(
        "train_epoch",
        "takes the mean of the batches' means, so that a sample of a small batch counts more",
        STEP_LINES,
        STEP_LINES.replace("(loss * len(y))", "loss").replace("+= len(y)", "+= 1"),
    ),
    Mutant("train_epoch", "divides by the number of samples twice", "(loss * len(y)).backward()", "loss.backward()"),
    Mutant("train_epoch", "forgets the last group, which has fewer batches", " or number == len(loader)", ""),
    Mutant(
        "train_epoch",
        "takes a step after each batch, whatever `accumulate` is",
        "number % accumulate == 0 or number == len(loader)",
        "True",
    ),
    Mutant("train_epoch", "takes a step after the first batch, for it counts from 0", "start=1", "start=0"),
    Mutant("train_epoch", "never clears the gradients after a step", CLEARS, "waiting = 0"),
    Mutant(
        "train_epoch",
        "takes the gradients from before the call into its first step",
        "model.train()\n    optimizer.zero_grad()",
        "model.train()",
    ),
    Mutant(
        "train_epoch",
        "clears the gradients before each batch, so that only the last one of a group counts",
        "(loss * len(y)).backward()\n        waiting += len(y)",
        "optimizer.zero_grad()\n        (loss * len(y)).backward()\n        waiting = len(y)",
    ),
    Mutant("train_epoch", "sends the batches of a step through the model together", ONE_BY_ONE, TOGETHER),
    Mutant("train_epoch", "leaves the model in eval mode", "    model.train()\n", ""),
    Mutant("train_epoch", "leaves the images on the host", "images.to(device)", "images"),
    Mutant("train_epoch", "leaves the labels on the host", "labels.to(device)", "labels"),
    Mutant(
        "train_epoch",
        "averages the batches' mean losses, whatever their sizes",
        SUMS + '    return {"loss": loss_sum / count',
        SUMS.replace("loss.item() * len(y)", "loss.item()") + '    return {"loss": loss_sum / len(loader)',
    ),
    Mutant("train_epoch", "averages the batches' accuracies, whatever their sizes", SUMS, RATE_SUMS),
    Mutant(
        "train_epoch", "adds the batches' mean losses and divides by the number of samples", "loss.item() * len(y)", "loss.item()"
    ),
    Mutant("train_epoch", "gives a fraction from 0 to 1 for the accuracy", "100 * hits", "hits"),
    Mutant(
        "train_epoch",
        "uses cross entropy in the place of the criterion that it is given",
        "criterion(scores, y)",
        "nn.functional.cross_entropy(scores, y)",
    ),
    Mutant("train_epoch", "measures the accuracy after the step", "(scores.argmax(1) == y)", "(model(x).argmax(1) == y)"),
    Mutant("train_epoch", "keeps the loss with its graph", "loss.item()", "loss"),
    #
    Mutant(
        "amp_step",
        "clips the scaled gradients: unscale_ has to come first",
        UNSCALED,
        "    nn.utils.clip_grad_norm_(model.parameters(), clip)\n    scaler.unscale_(optimizer)\n",
    ),
    Mutant("amp_step", "does not clip", "    nn.utils.clip_grad_norm_(model.parameters(), clip)\n", ""),
    Mutant(
        "amp_step",
        "clips each parameter by itself",
        "nn.utils.clip_grad_norm_(model.parameters(), clip)",
        "[nn.utils.clip_grad_norm_(p, clip) for p in model.parameters()]",
    ),
    Mutant(
        "amp_step",
        "multiplies by clip / norm also where the norm is smaller, so that small gradients grow",
        "nn.utils.clip_grad_norm_(model.parameters(), clip)",
        "norm = nn.utils.get_total_norm([p.grad for p in model.parameters()])\n"
        "    for p in model.parameters():\n        p.grad *= clip / norm",
    ),
    Mutant(
        "amp_step", "calls optimizer.step() in the place of scaler.step(optimizer)", "scaler.step(optimizer)", "optimizer.step()"
    ),
    Mutant("amp_step", "never updates the scaler", "    scaler.update()\n", ""),
    Mutant(
        "amp_step",
        "runs backward under autocast",
        UNDER_AUTOCAST,
        "        loss = criterion(model(x), y)\n        scaler.scale(loss).backward()\n",
    ),
    Mutant(
        "amp_step",
        "differentiates the loss itself, whose gradients are then divided by the scale",
        "scaler.scale(loss).backward()",
        "scaler.scale(loss)\n    loss.backward()",
    ),
    Mutant(
        "amp_step",
        "turns autocast off where the scaler is disabled",
        "device_type, dtype)",
        "device_type, dtype, enabled=scaler.is_enabled())",
    ),
    Mutant(
        "amp_step",
        UNDER,
        "        loss = criterion(model(x), y)\n",
        "        scores = model(x)\n    loss = criterion(scores, y)\n",
    ),
    Mutant("amp_step", "runs without autocast for the device that the model is on", "autocast(device_type,", 'autocast("cuda",'),
    Mutant("amp_step", "uses autocast for the CPU, whatever the device type is", "autocast(device_type,", 'autocast("cpu",'),
    Mutant("amp_step", "computes in float16, whatever the dtype is", "device_type, dtype)", "device_type, torch.float16)"),
    Mutant(
        "amp_step",
        "turns the model itself into half precision",
        "optimizer.zero_grad()",
        "model.to(dtype)\n    optimizer.zero_grad()",
    ),
    Mutant("amp_step", "returns the scaled loss", "return loss.item()", "return scaler.scale(loss).item()"),
    Mutant("amp_step", "returns the loss with its graph", "loss.item()", "loss"),
    Mutant("amp_step", "never clears the gradients", "    optimizer.zero_grad()\n", ""),
    Mutant(
        "amp_step",
        "clears the gradients between backward and the step",
        "scaler.scale(loss).backward()",
        "scaler.scale(loss).backward()\n    for p in model.parameters():\n        p.grad.zero_()",
    ),
    #
    Mutant("validate", "stays in train mode", "    model.eval()\n", ""),
    Mutant("validate", "leaves the model in eval mode", "    model.train(was_training)\n", ""),
    Mutant(
        "validate",
        "puts the model into train mode at the end, in whatever mode it was",
        "model.train(was_training)",
        "model.train()",
    ),
    Mutant("validate", "computes with a graph: no_grad is missing", "torch.no_grad()", "torch.enable_grad()"),
    Mutant(
        "validate",
        "averages the batches' mean losses, whatever their sizes",
        "criterion(scores, y).item() * len(y)",
        "criterion(scores, y).item() / len(loader) * sum(len(each) for _, each in loader)",
    ),
    Mutant("validate", "adds the batches' mean losses and divides by the number of samples", ".item() * len(y)", ".item()"),
    Mutant(
        "validate",
        "averages the batches' accuracies, whatever their sizes",
        "top1 += right[:, :1].sum().item()\n            top5 += right.sum().item()",
        "part = sum(len(each) for _, each in loader) / len(loader) / len(y)\n"
        "            top1 += right[:, :1].sum().item() * part\n            top5 += right.sum().item() * part",
    ),
    Mutant("validate", "asks for five classes where there are fewer", "min(5, scores.shape[1])", "5"),
    Mutant(
        "validate",
        "gives fractions from 0 to 1 for the accuracies",
        '"acc1": 100 * top1 / count, "acc5": 100 * top5 / count',
        '"acc1": top1 / count, "acc5": top5 / count',
    ),
    Mutant("validate", "gives the top-1 accuracy for both", "right.sum()", "right[:, :1].sum()"),
    Mutant("validate", "leaves the images on the host", "images.to(device)", "images"),
    Mutant("validate", "leaves the labels on the host", "labels.to(device)", "labels"),
    Mutant(
        "validate",
        "uses cross entropy in the place of the criterion that it is given",
        "criterion(scores, y)",
        "nn.functional.cross_entropy(scores, y)",
    ),
    Mutant("validate", "clears the gradients", "    model.eval()\n", "    model.eval()\n    model.zero_grad()\n"),
    #
    Mutant(
        "save_checkpoint",
        "leaves out the optimizer, and with it the momentum",
        '        "optimizer": optimizer.state_dict(),\n',
        "",
    ),
    Mutant(
        "save_checkpoint",
        "keeps the optimizer's settings and not its momentum",
        "optimizer.state_dict()",
        'optimizer.state_dict()["param_groups"]',
    ),
    Mutant("save_checkpoint", "leaves out the scheduler", '        "scheduler": scheduler.state_dict(),\n', ""),
    Mutant("save_checkpoint", "leaves out the number of the epoch", '        "epoch": epoch,\n', ""),
    Mutant("save_checkpoint", "leaves out the best accuracy", '        "best": best,\n', ""),
    Mutant("save_checkpoint", "saves the whole model, which weights_only refuses", "bare.state_dict()", "bare"),
    Mutant(
        "save_checkpoint", "saves the scheduler as an object, which weights_only refuses", "scheduler.state_dict()", "scheduler"
    ),
    Mutant(
        "save_checkpoint",
        "leaves out the buffers, such as batch norm's statistics",
        "bare.state_dict()",
        "{name: p.detach() for name, p in bare.named_parameters()}",
    ),
    Mutant(
        "save_checkpoint",
        "writes into the old file itself, which a crash would leave half-written",
        TORCH_SAVE,
        "    torch.save(state, path)\n",
    ),
    Mutant(
        "save_checkpoint",
        "removes the old file before the new one has its name",
        "    partial.replace(path)\n",
        "    Path(path).unlink(missing_ok=True)\n    partial.rename(path)\n",
    ),
    Mutant(
        "save_checkpoint",
        "keeps the old file under another name",
        "    partial.replace(path)\n",
        '    if Path(path).exists():\n        Path(path).rename(f"{path}.old")\n    partial.replace(path)\n',
    ),
    Mutant(
        "save_checkpoint",
        "writes into another folder first",
        'Path(f"{path}.part")',
        'Path("checkpoint.part")',
    ),
    Mutant("save_checkpoint", "leaves the model in eval mode", "    state = {", "    bare.eval()\n    state = {"),
    #
    Mutant("load_checkpoint", "lets torch.load put tensors back on the GPU that they were saved on", "map_location=device, ", ""),
    Mutant("load_checkpoint", "hard-codes cuda as the place to load to", "map_location=device", 'map_location="cuda"'),
    Mutant("load_checkpoint", "does not restore the model", '    bare.load_state_dict(state["model"])\n', ""),
    Mutant(
        "load_checkpoint",
        "does not restore the optimizer, so that momentum begins at 0",
        '    optimizer.load_state_dict(state["optimizer"])\n',
        "",
    ),
    Mutant(
        "load_checkpoint",
        "restores the optimizer's learning rate and not its momentum",
        'optimizer.load_state_dict(state["optimizer"])',
        'optimizer.param_groups[0]["lr"] = state["optimizer"]["param_groups"][0]["lr"]',
    ),
    Mutant(
        "load_checkpoint",
        "does not restore the scheduler, which begins at 0",
        '    scheduler.load_state_dict(state["scheduler"])\n',
        "",
    ),
    Mutant(
        "load_checkpoint",
        "returns the best accuracy before the epoch",
        'state["epoch"], state["best"]',
        'state["best"], state["epoch"]',
    ),
    Mutant("load_checkpoint", "returns the number of the next epoch", 'return state["epoch"],', 'return state["epoch"] + 1,'),
    Mutant("load_checkpoint", "returns the epoch as a float", 'return state["epoch"],', 'return float(state["epoch"]),'),
    Mutant("load_checkpoint", BARE_NAMES, BARE, "model"),
    Mutant("load_checkpoint", WRAPPED_NAMES, BARE, "model", "save_checkpoint"),
    Mutant(
        "load_checkpoint",
        "loads with strict=False, which leaves out all names that begin with module.",
        f'bare = {BARE}\n    bare.load_state_dict(state["model"])',
        'model.load_state_dict(state["model"], strict=False)',
    ),
    Mutant("load_checkpoint", "takes any model that has a child called module for a wrapper", BARE, HAS_MODULE),
    Mutant(
        "load_checkpoint",
        "takes any model that has a child called module for a wrapper when it saves",
        BARE,
        HAS_MODULE,
        "save_checkpoint",
    ),
    Mutant(
        "load_checkpoint",
        "cuts module. out of every name, wherever it stands",
        "bare.state_dict()",
        '{name.replace("module.", ""): t for name, t in bare.state_dict().items()}',
        "save_checkpoint",
    ),
    #
    Mutant(
        "all_reduce_mean",
        "averages the means of the ranks, whatever they have counted",
        "torch.tensor([total, count], dtype=torch.float64, device=device)",
        "torch.tensor([total / count if count else 0.0, 1], dtype=torch.float64, device=device)",
    ),
    Mutant(
        "all_reduce_mean",
        "has rank 0 alone call all_reduce, which waits for the others",
        "if dist.is_initialized():",
        "if dist.is_initialized() and dist.get_rank() == 0:",
    ),
    Mutant(
        "all_reduce_mean",
        "leaves out a rank that has counted nothing, for which the others wait",
        "if dist.is_initialized():",
        "if dist.is_initialized() and count:",
    ),
    Mutant(
        "all_reduce_mean",
        "sums the totals over the ranks and divides by its own count",
        "total, count = sums.tolist()",
        "total = sums[0].item()",
    ),
    Mutant(
        "all_reduce_mean",
        "divides its own total by the sum of all counts",
        "total, count = sums.tolist()",
        "count = sums[1].item()",
    ),
    Mutant("all_reduce_mean", "gives each rank its own mean", "dist.all_reduce(sums)", "dist.all_reduce(sums.clone())"),
    Mutant("all_reduce_mean", "asks for a process group where there is none", "if dist.is_initialized():", "if True:"),
    Mutant("all_reduce_mean", "divides by 0 where nothing was counted", " if count else math.nan", ""),
    Mutant("all_reduce_mean", "gives 0 where nothing was counted", "math.nan", "0.0"),
    Mutant(
        "all_reduce_mean", "gives the mean to rank 0 alone, as dist.reduce does", "dist.all_reduce(sums)", "dist.reduce(sums, 0)"
    ),
    Mutant("all_reduce_mean", "gives every rank the mean of rank 0", "dist.all_reduce(sums)", "dist.broadcast(sums, 0)"),
    Mutant("all_reduce_mean", "sums in bfloat16, which has three digits", "dtype=torch.float64", "dtype=torch.bfloat16"),
)
