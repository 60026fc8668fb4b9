"""Misconceptions about devices and data parallelism, each as one edit of the reference solution."""

from autograder import Mutant

MUTANTS = (
    Mutant(
        "pick_device",
        "hard-codes cuda, whether there is a GPU or not",
        '"cuda:0" if torch.cuda.is_available() else "cpu"',
        '"cuda"',
    ),
    Mutant(
        "pick_device", "uses a GPU only where there are several", "torch.cuda.is_available()", "torch.cuda.device_count() > 1"
    ),
    Mutant(
        "pick_device", "stays on the CPU although there is a GPU", '"cuda:0" if torch.cuda.is_available() else "cpu"', '"cpu"'
    ),
    Mutant(
        "pick_device",
        "returns a string instead of a torch.device",
        'torch.device("cuda:0" if torch.cuda.is_available() else "cpu")',
        '"cuda:0" if torch.cuda.is_available() else "cpu"',
    ),
    Mutant(
        "pick_device",
        "takes the last GPU instead of the first",
        '"cuda:0" if torch.cuda.is_available()',
        'f"cuda:{torch.cuda.device_count() - 1}" if torch.cuda.is_available()',
    ),
    Mutant(
        "pick_device", "uses a GPU only where there is exactly one", "torch.cuda.is_available()", "torch.cuda.device_count() == 1"
    ),
    Mutant("pick_device", "asks is_available without calling it, which is always true", "is_available()", "is_available"),
    Mutant(
        "move_batch",
        "calls to(device) without assigning its result, which changes nothing",
        "return inputs.to(device), labels.to(device)",
        "inputs.to(device)\n    labels.to(device)\n    return inputs, labels",
    ),
    Mutant("move_batch", "leaves the labels on the host", "labels.to(device)", "labels"),
    Mutant("move_batch", "leaves the inputs on the host", "return inputs.to(device)", "return inputs"),
    Mutant(
        "move_batch",
        "hard-codes cuda instead of the device it is given",
        "inputs.to(device), labels.to(device)",
        "inputs.cuda(), labels.cuda()",
    ),
    Mutant(
        "move_batch",
        "gives the labels before the inputs",
        "inputs.to(device), labels.to(device)",
        "labels.to(device), inputs.to(device)",
    ),
    Mutant("move_batch", "changes the dtype of the inputs", "inputs.to(device)", "inputs.to(device, torch.float32)"),
    Mutant("move_batch", "changes the dtype of the labels", "labels.to(device)", "labels.to(device, torch.int32)"),
    Mutant(
        "move_batch",
        "moves the tensors of the batch itself",
        "inputs, labels = batch",
        "for tensor in batch:\n        tensor.data = tensor.data.to(device)\n    inputs, labels = batch",
    ),
    Mutant("train_on", "never moves the network", "net.to(device)\n    ", ""),
    Mutant(
        "train_on",
        "leaves the inputs on the host: x.to(device) alone moves nothing, its result has to be assigned",
        "x, y = inputs.to(device), labels.to(device)",
        "x, y = inputs, labels.to(device)\n            x.to(device)",
    ),
    Mutant("train_on", "leaves the labels on the host", "labels.to(device)", "labels"),
    Mutant("train_on", "trains on the host, whatever device it is given", "net.to(device)", 'device = "cpu"'),
    Mutant(
        "train_on", "hard-codes cuda instead of the device it is given", "net.to(device)", 'device = "cuda"\n    net.to(device)'
    ),
    Mutant(
        "train_on",
        "moves the parameters alone and leaves the buffers on the host",
        "net.to(device)",
        "for p in net.parameters():\n        p.data = p.data.to(device)",
    ),
    Mutant(
        "train_on",
        "keeps a tensor as a plain attribute of a module: only parameters and buffers move with it",
        "net.to(device)",
        "class Shifted(nn.Module):\n"
        "        def __init__(self):\n"
        "            super().__init__()\n"
        "            self.net, self.shift = inner, torch.zeros(1)\n"
        "        def forward(self, x):\n"
        "            return self.net(x) + self.shift\n"
        "    inner = net\n"
        "    net = Shifted().to(device)",
    ),
    Mutant(
        "train_on",
        "makes the optimizer before it moves the network",
        "net.to(device)\n    optimizer = make_optimizer(net.parameters())",
        "optimizer = make_optimizer(net.parameters())\n    net.to(device)",
    ),
    Mutant("train_on", "brings the network back to the host at the end", "    return means", "    net.cpu()\n    return means"),
    Mutant("train_on", "never clears the gradients", "optimizer.zero_grad()\n            ", ""),
    Mutant(
        "train_on",
        "makes a new optimizer in each epoch",
        "losses = []",
        "losses = []\n        optimizer = make_optimizer(net.parameters())",
    ),
    Mutant("train_on", "trains for a single epoch", "range(epochs)", "range(1)"),
    Mutant("train_on", "adds up the losses of an epoch", "sum(losses) / len(losses)", "sum(losses)"),
    Mutant("train_on", "divides by the number of epochs", "sum(losses) / len(losses)", "sum(losses) / epochs"),
    Mutant("train_on", "gives the last loss of an epoch", "sum(losses) / len(losses)", "losses[-1]"),
    Mutant(
        "train_on",
        "goes on averaging over all epochs so far",
        "for _ in range(epochs):\n        losses = []",
        "losses = []\n    for _ in range(epochs):",
    ),
    Mutant("train_on", "gives tensors instead of Python floats", "loss.item()", "loss.detach()"),
    Mutant("train_on", "trains in eval mode", "net.to(device)", "net.to(device).eval()"),
    Mutant(
        "train_on",
        "trains with the first batch of each epoch alone",
        "losses.append(loss.item())",
        "losses.append(loss.item())\n            break",
    ),
    Mutant(
        "train_on",
        "keeps the loss tensors, and with them the graph of every batch",
        "losses.append(loss.item())",
        "losses.append(loss)",
    ),
    Mutant(
        "train_on",
        "computes in bfloat16 under autocast",
        "loss = criterion(net(x), y)",
        "with torch.autocast(torch.device(device).type, torch.bfloat16):\n                loss = criterion(net(x), y)",
    ),
    Mutant(
        "train_on",
        "clips the gradients before the step",
        "optimizer.step()",
        "nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n            optimizer.step()",
    ),
    Mutant(
        "train_on",
        "lets no gradient reach the step: it clears them between backward and the step, or steps with other tensors",
        "loss.backward()",
        "loss.backward()\n            optimizer.zero_grad()",
    ),
    Mutant(
        "train_on",
        "takes a step only after every second batch",
        "optimizer.step()",
        "if len(losses) % 2:\n                optimizer.step()",
    ),
    Mutant(
        "train_on",
        "stays in eval mode from the second epoch on, as after an evaluation that no train() follows",
        "means.append(sum(losses) / len(losses))",
        "means.append(sum(losses) / len(losses))\n        net.eval()",
    ),
    Mutant(
        "train_on",
        "goes on adding up the losses of earlier epochs",
        "means.append(sum(losses) / len(losses))",
        "means.append(sum(means[-1:]) + sum(losses) / len(losses))",
    ),
    Mutant(
        "train_on",
        "divides the sum of the batches' mean losses by the number of samples",
        "sum(losses) / len(losses)",
        "sum(losses) / len(loader.dataset)",
    ),
    Mutant(
        "train_on",
        "weights the losses with the batch sizes, but divides by the number of batches",
        "loss.item()",
        "loss.item() * len(y)",
    ),
    Mutant("evaluate_on", "compares predictions on the GPU with labels on the host", "labels.to(device)", "labels"),
    Mutant(
        "evaluate_on",
        "calls numpy() on a tensor on the GPU without cpu()",
        "(predicted == y).sum().item()",
        "int((predicted.numpy() == y.numpy()).sum())",
    ),
    Mutant(
        "evaluate_on",
        "leaves the inputs on the host: x.to(device) alone moves nothing, its result has to be assigned",
        "x, y = inputs.to(device), labels.to(device)",
        "x, y = inputs, labels.to(device)\n            x.to(device)",
    ),
    Mutant(
        "evaluate_on",
        "hard-codes cuda instead of the device it is given",
        "inputs.to(device), labels.to(device)",
        "inputs.cuda(), labels.cuda()",
    ),
    Mutant("evaluate_on", "evaluates on the host", "net.eval()", 'device = "cpu"\n    net.to(device).eval()'),
    Mutant(
        "evaluate_on",
        "averages the accuracies of the batches",
        "correct += (predicted == y).sum().item()\n            total += len(y)",
        "correct += (predicted == y).double().mean().item()\n            total += 1",
    ),
    Mutant("evaluate_on", "gives a percentage", "correct / total", "100 * correct / total"),
    Mutant("evaluate_on", "gives the number of correct samples", "correct / total", "correct"),
    Mutant("evaluate_on", "gives the error rate", "correct / total", "1 - correct / total"),
    Mutant("evaluate_on", "divides by the number of batches", "correct / total", "correct / len(loader)"),
    Mutant(
        "evaluate_on",
        "divides by the number of batches times the batch size",
        "correct / total",
        "correct / (len(loader) * loader.batch_size)",
    ),
    Mutant("evaluate_on", "looks at the first batch alone", "total += len(y)", "total += len(y)\n            break"),
    Mutant(
        "evaluate_on",
        "looks at the last batch alone",
        "for inputs, labels in loader:",
        "for inputs, labels in loader:\n            correct = total = 0",
    ),
    Mutant("evaluate_on", "takes the smallest score for the class", "argmax(1)", "argmin(1)"),
    Mutant(
        "evaluate_on",
        "leaves out the smaller last batch",
        "for inputs, labels in loader:",
        "for inputs, labels in loader:\n            if len(labels) < loader.batch_size and total:\n                break",
    ),
    Mutant(
        "evaluate_on",
        "runs backward on the way",
        "with torch.no_grad():\n        for inputs, labels in loader:\n            x, y = inputs.to(device), labels.to(device)",
        "with torch.enable_grad():\n        for inputs, labels in loader:\n"
        "            x, y = inputs.to(device), labels.to(device)\n"
        "            F.cross_entropy(net(x), y).backward()",
    ),
    Mutant("parallelize", "wraps the network only for more than two GPUs", "device_count() > 1", "device_count() > 2"),
    Mutant(
        "parallelize", "does not wrap the network although there are several GPUs", "return nn.DataParallel(net)", "return net"
    ),
    Mutant("parallelize", "wraps the network for one GPU too", "torch.cuda.device_count() > 1", "torch.cuda.is_available()"),
    Mutant("parallelize", "wraps the network always, with one GPU or none too", "torch.cuda.device_count() > 1", "True"),
    Mutant(
        "parallelize", "wraps a copy of the network", "nn.DataParallel(net)", 'nn.DataParallel(__import__("copy").deepcopy(net))'
    ),
    Mutant(
        "parallelize", "gives the wrapper the first GPU alone", "nn.DataParallel(net)", "nn.DataParallel(net, device_ids=[0])"
    ),
    Mutant("split_sizes", "rounds the parts down", "(batch + gpus - 1) // gpus", "max(batch // gpus, 1)"),
    Mutant(
        "split_sizes",
        "spreads what is left over evenly, as tensor_split does",
        "[min(part, batch - start) for start in range(0, batch, part)]",
        "[n for n in (batch // gpus + (i < batch % gpus) for i in range(gpus)) if n]",
    ),
    Mutant(
        "split_sizes",
        "spreads what is left over evenly, and lists idle GPUs with 0",
        "[min(part, batch - start) for start in range(0, batch, part)]",
        "[batch // gpus + (i < batch % gpus) for i in range(gpus)]",
    ),
    Mutant(
        "split_sizes",
        "rounds the parts down and gives the rest to the last GPU",
        "[min(part, batch - start) for start in range(0, batch, part)]",
        "[batch // gpus] * (gpus - 1) + [batch - batch // gpus * (gpus - 1)]",
    ),
    Mutant("split_sizes", "leaves out the smaller last part", "range(0, batch, part)", "range(0, batch - batch % part, part)"),
    Mutant("split_sizes", "does not shorten the last part", "min(part, batch - start)", "part"),
    Mutant(
        "split_sizes",
        "lists idle GPUs with 0",
        "range(0, batch, part)]",
        "range(0, batch, part)] + [0] * (gpus - -(-batch // part))",
    ),
    Mutant("split_sizes", "puts the smaller part first", "range(0, batch, part)]", "range(0, batch, part)][::-1]"),
    Mutant("split_sizes", "gives floats", "min(part, batch - start)", "min(part, batch - start) / 1"),
    Mutant("split_sizes", "makes every part one larger", "(batch + gpus - 1) // gpus", "batch // gpus + 1"),
    Mutant(
        "data_parallel",
        "concatenates the outputs of several devices where they are",
        "nn.parallel.gather(outputs, devices[0])",
        "torch.cat(outputs)",
    ),
    Mutant("data_parallel", "gathers on the last of the devices", "gather(outputs, devices[0])", "gather(outputs, devices[-1])"),
    Mutant(
        "data_parallel",
        "gathers on the host",
        "nn.parallel.gather(outputs, devices[0])",
        "torch.cat([output.cpu() for output in outputs])",
    ),
    Mutant(
        "data_parallel", "gathers on cuda:0, whatever the devices are", "gather(outputs, devices[0])", 'gather(outputs, "cuda:0")'
    ),
    Mutant("data_parallel", "applies all replicas, also where there is no input for them", "replicas[: len(inputs)]", "replicas"),
    Mutant("data_parallel", "computes everything on one device", "inputs = nn.parallel.scatter(x, devices)", "inputs = (x,)"),
    Mutant(
        "data_parallel",
        "uses the network itself in place of its replicas",
        "nn.parallel.replicate(net.to(devices[0]), devices)",
        "[net] * len(devices)",
    ),
    Mutant("data_parallel", "gives the output of the first part alone", "gather(outputs,", "gather(outputs[:1],"),
    Mutant("data_parallel", "gathers the parts in the wrong order", "gather(outputs,", "gather(outputs[::-1],"),
    Mutant(
        "data_parallel",
        "stacks the parts on a new axis",
        "nn.parallel.gather(outputs, devices[0])",
        "torch.stack([F.pad(o, (0, 0, 0, len(inputs[0]) - len(o))).to(devices[0]) for o in outputs])",
    ),
    Mutant(
        "data_parallel",
        "adds the parts up",
        "return nn.parallel.gather(outputs, devices[0])",
        "parts = [output.sum(0, keepdim=True).to(devices[0]) for output in outputs]\n    return sum(parts)",
    ),
    Mutant(
        "data_parallel",
        "sends the whole batch to every device",
        "inputs = nn.parallel.scatter(x, devices)",
        "inputs = tuple(x.to(device) for device in devices)",
    ),
    Mutant(
        "data_parallel",
        "moves the network itself from device to device",
        "inputs = nn.parallel.scatter(x, devices)\n"
        "    replicas = nn.parallel.replicate(net.to(devices[0]), devices)\n"
        "    outputs = nn.parallel.parallel_apply(replicas[: len(inputs)], inputs)",
        "inputs = nn.parallel.scatter(x, devices)\n    outputs = [net.to(part.device)(part) for part in inputs]",
    ),
    Mutant("save_portable", "saves the tensors where they are, on the GPU", "tensor.cpu()", "tensor"),
    Mutant(
        "save_portable",
        "leaves the prefix module. of the wrapper in the names",
        "net.module if isinstance(net, nn.DataParallel) else net",
        "net",
    ),
    Mutant("save_portable", "leaves out the buffers", "bare.state_dict().items()", "bare.named_parameters()"),
    Mutant(
        "save_portable",
        "moves the network itself to the host",
        "state = {name: tensor.cpu() for name, tensor in bare.state_dict().items()}",
        "state = bare.cpu().state_dict()",
    ),
    Mutant(
        "save_portable",
        "saves the whole network instead of its state_dict",
        "torch.save(state, path)",
        "torch.save(bare.cpu(), path)",
    ),
    Mutant(
        "save_portable",
        "cuts module. out of every name, wherever it stands",
        "{name: tensor.cpu()",
        '{name.replace("module.", ""): tensor.cpu()',
    ),
    Mutant(
        "save_portable",
        "cuts the first seven letters of every name, wrapped or not",
        "{name: tensor.cpu()",
        "{name[7:] if bare is net else name: tensor.cpu()",
    ),
    Mutant(
        "save_portable",
        "takes any network that has a child called module for a wrapper",
        "isinstance(net, nn.DataParallel)",
        'hasattr(net, "module")',
    ),
    Mutant(
        "save_portable",
        "cuts module. off every name that begins with it, wrapped or not",
        "{name: tensor.cpu()",
        '{name.removeprefix("module."): tensor.cpu()',
    ),
    Mutant(
        "save_portable",
        "cuts module. off where every name begins with it, wrapped or not",
        "bare.state_dict().items()}",
        'bare.state_dict().items()}\n    if all(name.startswith("module.") for name in state):\n'
        "        state = {name[7:]: tensor for name, tensor in state.items()}",
    ),
    Mutant(
        "save_portable",
        "uses lstrip, which cuts off any of the letters of module, not the word",
        "{name: tensor.cpu()",
        '{name.lstrip("module."): tensor.cpu()',
    ),
    Mutant("save_portable", "saves the state_dict inside another dict", "save(state,", 'save({"state_dict": state},'),
    Mutant(
        "save_portable",
        "rounds the weights to half precision",
        "tensor.cpu()",
        "(tensor.cpu().half() if tensor.is_floating_point() else tensor.cpu())",
    ),
    Mutant("load_on", "lets torch.load put a tensor back on the GPU that it was saved on", 'map_location="cpu", ', ""),
    Mutant("load_on", "hard-codes cuda as the place to load to", 'map_location="cpu"', 'map_location="cuda"'),
    Mutant("load_on", "never moves the network to the device", "return net.to(device)", "return net"),
    Mutant("load_on", "moves the network to cuda instead of the device it is given", "net.to(device)", "net.cuda()"),
    Mutant("load_on", "loads the file but not into the network", "net.load_state_dict(state)\n    ", ""),
    Mutant("load_on", "returns nothing", "return net.to(device)", "net.to(device)"),
    Mutant(
        "load_on", "returns the state_dict instead of the network", "return net.to(device)", "net.to(device)\n    return state"
    ),
    Mutant(
        "load_on",
        "takes over the parameters alone and leaves the buffers",
        "net.load_state_dict(state)",
        "net.load_state_dict({name: state[name] for name, _ in net.named_parameters()}, strict=False)",
    ),
    Mutant("ddp_train", "has no DistributedSampler, so that every process trains with all samples", ", sampler=sampler", ""),
    Mutant(
        "ddp_train",
        "computes without the wrapper, so that each process keeps its own gradients and the ranks diverge",
        "parallel(inputs.to(device))",
        "net(inputs.to(device))",
    ),
    Mutant(
        "ddp_train",
        "turns the averaging off, as no_sync does",
        "sampler.set_epoch(epoch)",
        "sampler.set_epoch(epoch)\n            parallel.require_backward_grad_sync = False",
    ),
    Mutant(
        "ddp_train", "gives the sampler of every process the same rank", "rank=rank)\n        loader", "rank=0)\n        loader"
    ),
    Mutant(
        "ddp_train",
        "shuffles with another seed in every process",
        "rank=rank)\n        loader",
        "rank=rank, seed=rank)\n        loader",
    ),
    Mutant(
        "ddp_train",
        "divides the batch size by the number of processes",
        "batch_size=batch_size",
        "batch_size=max(batch_size // world_size, 1)",
    ),
    Mutant(
        "ddp_train",
        "multiplies the batch size by the number of processes",
        "batch_size=batch_size",
        "batch_size=batch_size * world_size",
    ),
    Mutant(
        "ddp_train",
        "takes too large steps, as if gradients were summed over the processes and not averaged",
        "loss.backward()",
        "(loss * world_size).backward()",
    ),
    Mutant("ddp_train", "averages the gradients twice", "loss.backward()", "(loss / world_size).backward()"),
    Mutant("ddp_train", "sums the loss over a batch", "labels.to(device))", 'labels.to(device), reduction="sum")'),
    Mutant("ddp_train", "never clears the gradients", "optimizer.zero_grad()\n                ", ""),
    Mutant("ddp_train", "adds momentum", "lr=lr)", "lr=lr, momentum=0.9)"),
    Mutant("ddp_train", "uses Adam instead of plain SGD", "optim.SGD", "optim.Adam"),
    Mutant(
        "ddp_train",
        "asks the loader to shuffle although it has a sampler",
        "sampler=sampler)",
        "sampler=sampler, shuffle=True)",
    ),
    Mutant(
        "ddp_train",
        "gives the weights in process 0 alone",
        "return {name: tensor",
        "return None if rank else {name: tensor",
    ),
    Mutant(
        "ddp_train",
        "applies a softmax before the cross entropy",
        "parallel(inputs.to(device))",
        "parallel(inputs.to(device)).softmax(1)",
    ),
    Mutant("ddp_train", "drops the smaller last batch", "sampler=sampler)", "sampler=sampler, drop_last=True)"),
    Mutant("ddp_train", "trains for a single epoch", "range(epochs)", "range(1)"),
    Mutant(
        "ddp_train", "starts each process from its own weights", "if on_gpu else None)", "if on_gpu else None, init_sync=False)"
    ),
    Mutant(
        "ddp_train",
        "leaves the prefix module. of the wrapper in the names",
        "return {name: tensor",
        'return {f"module.{name}": tensor',
    ),
    Mutant("ddp_train", "leaves the process group behind", "dist.destroy_process_group()", "pass"),
)
