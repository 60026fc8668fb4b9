"""Misconceptions about adapting a trained network: each a one-place edit of finetune.py."""

from autograder import Mutant

ALL_FROZEN = "freezes all parameters, those of the new head too"
LOOK = """        model.eval()
        with torch.no_grad():
            model(x)
"""
NEW_CONV = "new = nn.Conv2d(old.in_channels, classes, 1, **like)"
NEW_LINEAR = "new = nn.Linear(old.in_features, classes, **like)"
PLACE = "setattr(model.get_submodule(parent), last, new)"
MODES = """        for layer, mode in modes:
            layer.training = mode
"""
TRY = """    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        for layer, mode in modes:
            layer.training = mode
        hook.remove()
"""
NO_TRY = """    model.eval()
    with torch.no_grad():
        model(x)
    for layer, mode in modes:
        layer.training = mode
    hook.remove()
"""
TAKE = "model.get_submodule(name).register_forward_pre_hook(lambda _, inputs: came.append(inputs[0]))"
OWN_STEP = """for p in model.parameters():
            if p.requires_grad and p.grad is not None:
                p.data -= 1e-3 * p.grad"""
LOOP = """        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
"""
SIZES = "moved = (now[name].double() - old.double()).norm()\n            size = old.double().norm()"
CLEARED = """        loss = criterion(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
"""
BATCHNORM = "isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)"
COPY = "copy.deepcopy(model.state_dict())"

# fmt: off
MUTANTS = (
    Mutant("freeze", "sets requires_grad on the module, where it is an attribute that nobody reads",
           "p.requires_grad = False", "module.requires_grad = False"),
    Mutant("freeze", "leaves old gradients in the parameters", "        p.grad = None\n", ""),
    Mutant("freeze", "fills the gradients with zeros in place of taking them away", "p.grad = None",
           "p.grad = torch.zeros_like(p)"),
    Mutant("freeze", "freezes the module's own parameters only, not those of the layers in it", "module.parameters()",
           "module.parameters(recurse=False)"),
    Mutant("freeze", "freezes weights and forgets everything else", "for p in module.parameters():",
           "for p in [p for name, p in module.named_parameters() if name.endswith('weight')]:"),
    Mutant("freeze", "puts the module into eval mode as well", "    for p in", "    module.eval()\n    for p in"),
    Mutant("freeze", "sets the parameters to zero", "p.grad = None", "p.grad = None\n        p.data.zero_()"),
    #
    Mutant("head_name", "takes the layer that was registered last", "return ran[-1]",
           "return [n for n, layer in model.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)][-1]"),
    Mutant("head_name", "takes the first layer that runs", "return ran[-1]", "return ran[0]"),
    Mutant("head_name", "takes the first layer that is as wide as the scores", "return ran[-1]",
           "width = len(model.get_submodule(ran[-1]).weight)\n"
           "    return [n for n in ran if model.get_submodule(n).weight.shape[0] == width][0]"),
    Mutant("head_name", "looks at Linear layers only", "nn.Linear | nn.Conv2d", "nn.Linear"),
    Mutant("head_name", "looks at convolutions only", "nn.Linear | nn.Conv2d", "nn.Conv2d"),
    Mutant("head_name", "takes the last layer of any kind that runs", "isinstance(layer, nn.Linear | nn.Conv2d)",
           "not list(layer.children())"),
    Mutant("head_name", "gives the last part of the name only", "return ran[-1]", "return ran[-1].rpartition('.')[2]"),
    Mutant("head_name", "gives the first part of the name only", "return ran[-1]", "return ran[-1].partition('.')[0]"),
    Mutant("head_name", "makes its hooks by lambdas in a loop, which all see the loop's last name", "lambda *_, name=name: ",
           "lambda *_: "),
    Mutant("head_name", "looks at the model's own layers only, not at those inside them", "model.named_modules()",
           "model.named_children()"),
    Mutant("head_name", "lets the model run in train mode, so that running statistics move", "        model.eval()\n", ""),
    Mutant("head_name", "leaves the model in eval mode", MODES, ""),
    Mutant("head_name", "puts the whole model into train mode at the end", MODES, "        model.train()\n"),
    Mutant("head_name", "puts the whole model into the mode of its outermost layer at the end", MODES,
           "        model.train(modes[0][1])\n"),
    Mutant("head_name", "leaves its hooks on the model", "            hook.remove()\n", "            pass\n"),
    Mutant("head_name", "removes hooks that are not its own", "            hook.remove()\n",
           "            hook.remove()\n        for layer in model.modules():\n            layer._forward_hooks.clear()\n"),
    Mutant("head_name", "runs backward to see who takes part", LOOK,
           "        model.eval()\n        model(x).sum().backward()\n"),
    #
    Mutant("replace_head", "sets an attribute with a dot in its name, which nothing runs", PLACE,
           "model.register_module(name, new) if not parent else model.__dict__.__setitem__(name, new)"),
    Mutant("replace_head", "always sets fc", PLACE, "model.fc = new"),
    Mutant("replace_head", "puts the new layer behind the old head", PLACE,
           "setattr(model.get_submodule(parent), last, nn.Sequential(old, new))"),
    Mutant("replace_head", "makes the new layer for as many inputs as the old one had outputs", NEW_LINEAR,
           "new = nn.Linear(old.out_features, classes, **like)"),
    Mutant("replace_head", "makes the new layer for 512 inputs", NEW_LINEAR, "new = nn.Linear(512, classes, **like)"),
    Mutant("replace_head", "puts a Linear in the place of a convolution", NEW_CONV,
           "new = nn.Linear(old.in_channels, classes, **like)"),
    Mutant("replace_head", "gives the new convolution a kernel of 3x3", NEW_CONV,
           "new = nn.Conv2d(old.in_channels, classes, 3, padding=1, **like)"),
    Mutant("replace_head", "gives the new head a bias in any case", '"bias": old.bias is not None, ', ""),
    Mutant("replace_head", "makes the new head in float32", '"dtype": old.weight.dtype, ', ""),
    Mutant("replace_head", "makes the new head on the CPU, wherever the old one was", ', "device": old.weight.device', ""),
    Mutant("replace_head", "returns the new head in place of the model", "return model", "return new"),
    Mutant("replace_head", "forgets to return the model", "    return model\n", ""),
    Mutant("replace_head", "works on a copy of the model", "    old = ", "    model = copy.deepcopy(model)\n    old = "),
    Mutant("replace_head", "fills the new head with rows of the old one", "    return model\n",
           "    rows = min(classes, len(old.weight))\n    with torch.no_grad():\n"
           "        new.weight[:rows] = old.weight[:rows]\n    return model\n"),
    Mutant("replace_head", "keeps the old head if it has as many outputs already", "    like = ",
           "    if len(old.weight) == classes:\n        return model\n    like = "),
    Mutant("replace_head", "takes over requires_grad of the old head", "    return model\n",
           "    new.requires_grad_(old.weight.requires_grad)\n    return model\n"),
    Mutant("replace_head", ALL_FROZEN, "    return model\n",
           "    model.requires_grad_(False)\n    return model\n"),
    Mutant("replace_head", "lets all parameters require grad", "    return model\n",
           "    model.requires_grad_(True)\n    return model\n"),
    Mutant("replace_head", "converts the whole model, which makes it train mode", "    return model\n",
           "    return model.train()\n"),
    #
    Mutant("feature_extractor", "replaces the head first and then freezes everything, the new head too",
           "    freeze(model)\n    return replace_head(model, name, classes)\n",
           "    replace_head(model, name, classes)\n    freeze(model)\n    return model\n"),
    Mutant("feature_extractor", "freezes nothing", "    freeze(model)\n", ""),
    Mutant("feature_extractor", "freezes only what is called features or body",
           "freeze(model)", "freeze(getattr(model, 'features', getattr(model, 'body', model)))"),
    Mutant("feature_extractor", "leaves alone what begins with the head's name", "freeze(model)",
           "[p.requires_grad_(False) for key, p in model.named_parameters() if not key.startswith(name)]"),
    Mutant("feature_extractor", "leaves aux to be trained, as if it were a head", "freeze(model)",
           "[p.requires_grad_(False) for key, p in model.named_parameters() if 'aux' not in key]"),
    Mutant("feature_extractor", "puts the model into eval mode", "return replace_head(model, name, classes)",
           "return replace_head(model, name, classes).eval()"),
    Mutant("feature_extractor", "unfreezes BatchNorm, which it believes to belong to the new data",
           "return replace_head(model, name, classes)",
           "[layer.requires_grad_(True) for layer in model.modules() if 'Norm' in type(layer).__name__]\n"
           "    return replace_head(model, name, classes)"),
    #
    Mutant("param_groups", "gives the whole model to the first group, and the head to the second once more",
           " if id(p) not in of_head]", "]"),
    Mutant("param_groups", "hands frozen parameters to the optimizer", " if p.requires_grad]", "]"),
    Mutant("param_groups", "swaps the two rates", '"lr": lr}, {"params": head, "lr": head_lr}',
           '"lr": head_lr}, {"params": head, "lr": lr}'),
    Mutant("param_groups", "puts the head first",
           '[{"params": backbone, "lr": lr}, {"params": head, "lr": head_lr}]',
           '[{"params": head, "lr": head_lr}, {"params": backbone, "lr": lr}]'),
    Mutant("param_groups", "keeps empty groups", "[group for group in groups if group[\"params\"]]", "groups"),
    Mutant("param_groups", "knows the head's parameters by the beginning of their names",
           "{id(p) for p in model.get_submodule(name).parameters()}",
           "{id(p) for key, p in model.named_parameters() if key.startswith(name)}"),
    Mutant("param_groups", "counts the whole of the layer around the head as the head",
           "model.get_submodule(name).parameters()",
           "model.get_submodule(name.rpartition('.')[0] or name).parameters()"),
    Mutant("param_groups", "counts a shared tensor as the backbone's",
           "{id(p) for p in model.get_submodule(name).parameters()}",
           "{id(p) for key, p in model.named_parameters() if key.startswith(name + '.')}"),
    Mutant("param_groups", "forgets parameters of the model itself, and lists those of the layers only",
           "in model.parameters() if",
           "in (q for layer in model.children() for q in layer.parameters()) if"),
    Mutant("param_groups", "compares parameters with ==, number by number", "if id(p) not in of_head]",
           "if not any(p.shape == q.shape and bool((p == q).all()) for q in model.get_submodule(name).parameters())]"),
    Mutant("param_groups", "keeps the parameters in sets", 'return [group for group in groups if group["params"]]',
           'return [{**group, "params": set(group["params"])} for group in groups if group["params"]]'),
    Mutant("param_groups", "gives both groups the same rate", '"lr": head_lr}', '"lr": lr}'),
    #
    Mutant("features", "takes what comes out of the head", TAKE,
           "model.get_submodule(name).register_forward_hook(lambda _, inputs, output: came.append(output))"),
    Mutant("features", "leaves the model in train mode while it runs", "        model.eval()\n", ""),
    Mutant("features", "leaves the model in eval mode", MODES, ""),
    Mutant("features", "puts the whole model into train mode at the end", MODES, "        model.train()\n"),
    Mutant("features", "puts the whole model into the mode of its outermost layer at the end", MODES,
           "        model.train(modes[0][1])\n"),
    Mutant("features", "leaves its hook on the model", "        hook.remove()\n", ""),
    Mutant("features", "removes all hooks of the head, those of others too", "        hook.remove()\n",
           "        hook.remove()\n        model.get_submodule(name)._forward_hooks.clear()\n"),
    Mutant("features", "restores nothing if forward raises", TRY, NO_TRY),
    Mutant("features", "swallows what forward raises", "    finally:\n",
           "    except RuntimeError:\n        came.append(x)\n    finally:\n"),
    Mutant("features", "keeps the graph", "with torch.no_grad():", "with torch.enable_grad():"),
    Mutant("features", "does not flatten", ".flatten(1)", ""),
    Mutant("features", "averages over the maps in place of flattening them", ".flatten(1)",
           ".flatten(2).mean(2) if came[-1].dim() > 2 else came[-1]"),
    Mutant("features", "chains all layers but the last, in the order in which they were registered", TRY,
           "    try:\n        model.eval()\n        with torch.no_grad():\n"
           "            came.append(nn.Sequential(*list(model.children())[:-1])(x))\n    finally:\n"
           "        for layer, mode in modes:\n            layer.training = mode\n        hook.remove()\n"),
    Mutant("features", "puts an Identity in the head's place, though other layers follow it", TRY,
           "    parent, _, last = name.rpartition('.')\n    old = model.get_submodule(name)\n"
           "    try:\n        model.eval()\n        setattr(model.get_submodule(parent), last, nn.Identity())\n"
           "        with torch.no_grad():\n            came.append(model(x))\n    finally:\n"
           "        setattr(model.get_submodule(parent), last, old)\n"
           "        for layer, mode in modes:\n            layer.training = mode\n        hook.remove()\n"),
    Mutant("features", "turns its result into float32", ".flatten(1)", ".flatten(1).float()"),
    #
    Mutant("cache_features", "goes through the loader twice, so that features and labels of a shuffled one do not match",
           "        labels.append(y.cpu())\n", "    for _, y in loader:\n        labels.append(y.cpu())\n"),
    Mutant("cache_features", "keeps the labels' dtype", ".to(torch.int64)", ""),
    Mutant("cache_features", "stacks the batches, which have to be of one size", "torch.cat(rows)",
           "torch.stack(rows).flatten(0, 1)"),
    Mutant("cache_features", "drops the last batch where it is smaller", "    return torch.cat(rows)",
           "    while len(rows) > 1 and len(rows[-1]) < len(rows[0]):\n        rows.pop(), labels.pop()\n"
           "    return torch.cat(rows)"),
    Mutant("cache_features", "keeps the first batch only", "        labels.append(y.cpu())\n",
           "        labels.append(y.cpu())\n        break\n"),
    Mutant("cache_features", "gives the labels first", "return torch.cat(rows), torch.cat(labels).to(torch.int64)",
           "return torch.cat(labels).to(torch.int64), torch.cat(rows)"),
    Mutant("cache_features", "leaves the features on the GPU", "features(model, name, x).cpu()", "features(model, name, x)"),
    Mutant("cache_features", "leaves the labels on the GPU", "y.cpu()", "y"),
    Mutant("cache_features", "keeps the scores in place of the features", "features(model, name, x).cpu()",
           "model.eval()(x).detach().cpu()"),
    #
    Mutant("still_batchnorm", "believes that a frozen BatchNorm does not move", "            layer.eval()\n",
           "            pass\n"),
    Mutant("still_batchnorm", "puts every BatchNorm into eval mode, trained ones too",
           " and not any(p.requires_grad for p in layer.parameters())", ""),
    Mutant("still_batchnorm", "puts a BatchNorm into eval mode if only its weight is frozen",
           "not any(p.requires_grad for p in layer.parameters())",
           "(layer.weight is None or not layer.weight.requires_grad)"),
    Mutant("still_batchnorm", "puts a BatchNorm into eval mode if any of its parameters is frozen",
           "not any(p.requires_grad for p in layer.parameters())",
           "not all([p.requires_grad for p in layer.parameters()] or [False])"),
    Mutant("still_batchnorm", "passes by a BatchNorm without parameters",
           "not any(p.requires_grad for p in layer.parameters())",
           "[p for p in layer.parameters()] and not any(p.requires_grad for p in layer.parameters())"),
    Mutant("still_batchnorm", "knows BatchNorm2d only", "nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d", "nn.BatchNorm2d"),
    Mutant("still_batchnorm", "counts every norm as a BatchNorm", BATCHNORM,
           "'Norm' in type(layer).__name__"),
    Mutant("still_batchnorm", "puts everything into eval mode", "model.train()", "model.eval()"),
    Mutant("still_batchnorm", "does not put the other layers into train mode", "    model.train()\n", ""),
    Mutant("still_batchnorm", "sets momentum to 0 in place of the mode", "layer.eval()", "layer.momentum = 0.0"),
    Mutant("still_batchnorm", "switches track_running_stats off", "layer.eval()",
           "layer.eval()\n            layer.track_running_stats = False"),
    Mutant("still_batchnorm", "looks at the model's own layers only, not at those inside them", "model.modules()",
           "model.children()"),
    #
    Mutant("finetune_epoch", "calls model.train(), which wakes a still BatchNorm", "    total, count = 0.0, 0\n",
           "    model.train()\n    total, count = 0.0, 0\n"),
    Mutant("finetune_epoch", "puts the model into eval mode", "    total, count = 0.0, 0\n",
           "    model.eval()\n    total, count = 0.0, 0\n"),
    Mutant("finetune_epoch", "puts each BatchNorm of frozen parameters into eval mode", "    total, count = 0.0, 0\n",
           "    still_batchnorm(model)\n    total, count = 0.0, 0\n"),
    Mutant("finetune_epoch", "takes the mean over batches in place of samples",
           "        total += loss.item() * len(y)\n        count += len(y)\n",
           "        total += loss.item()\n        count += 1\n"),
    Mutant("finetune_epoch", "never clears the gradients", "        optimizer.zero_grad()\n", ""),
    Mutant("finetune_epoch", "clears the gradients once, before the epoch",
           "    for x, y in loader:\n        optimizer.zero_grad()\n", "    optimizer.zero_grad()\n    for x, y in loader:\n"),
    Mutant("finetune_epoch", "clears gradients to zeros, by which momentum and weight decay move what is frozen",
           "zero_grad()", "zero_grad(set_to_none=False)"),
    Mutant("finetune_epoch", "clears the gradients of what is trained, and leaves old ones in what is frozen",
           "        optimizer.zero_grad()\n",
           "        for p in model.parameters():\n            p.grad = None if p.requires_grad else p.grad\n"),
    Mutant("finetune_epoch", "clears the gradients between backward and the step", LOOP, CLEARED),
    Mutant("finetune_epoch", "never takes a step", "        optimizer.step()\n", ""),
    Mutant("finetune_epoch",
           "takes one step an epoch, at its end, with the last batch's gradient",
           "        optimizer.step()\n        total += loss.item() * len(y)\n        count += len(y)\n",
           "        total += loss.item() * len(y)\n        count += len(y)\n    optimizer.step()\n"),
    Mutant("finetune_epoch", "takes small steps of its own in place of the optimizer's", "optimizer.step()", OWN_STEP),
    Mutant("finetune_epoch", "puts a softmax before the criterion", "criterion(model(x), y)",
           "criterion(model(x).softmax(1), y)"),
    Mutant("finetune_epoch", "returns the last batch's loss", "return total / count", "return loss.item()"),
    Mutant("finetune_epoch", "adds up losses with their graphs", "loss.item() * len(y)", "loss * len(y)"),
    Mutant("finetune_epoch", "measures the loss again after each step", "        total += loss.item() * len(y)\n",
           "        total += criterion(model(x), y).item() * len(y)\n"),
    Mutant("finetune_epoch", "leaves out the last batch where it is smaller", "        optimizer.zero_grad()\n",
           "        if count and len(y) < size:\n            continue\n        size = len(y)\n        optimizer.zero_grad()\n"),
    #
    Mutant("keep_best", "leaves the model as the last epoch left it: the best state was not copied, or never loaded",
           COPY, "model.state_dict()"),
    Mutant("keep_best", "copies the parameters and forgets the buffers", COPY,
           "{**model.state_dict(), **{name: p.detach().clone() for name, p in model.named_parameters()}}"),
    Mutant("keep_best", "begins with 0 for the best evaluation", "best, kept, scores = -math.inf, None, []",
           "best, kept, scores = 0.0, copy.deepcopy(model.state_dict()), []"),
    Mutant("keep_best", "takes the last of equal evaluations", "score > best", "score >= best"),
    Mutant("keep_best", "takes the lowest evaluation for the best", "score > best", "score < best"),
    Mutant("keep_best", "gives the model new parameter objects", "model.load_state_dict(kept)",
           "model.load_state_dict(kept)\n"
           "    for name, p in list(model.named_parameters()):\n"
           "        parent, _, last = name.rpartition('.')\n"
           "        setattr(model.get_submodule(parent), last, nn.Parameter(p.detach().clone()))"),
    Mutant("keep_best", "evaluates once before the first epoch", "    for epoch in range(epochs):\n        run_epoch(epoch)\n",
           "    evaluate()\n    for epoch in range(epochs):\n        run_epoch(epoch)\n"),
    Mutant("keep_best", "evaluates before the epoch in place of after it",
           "        run_epoch(epoch)\n        score = evaluate()\n", "        score = evaluate()\n        run_epoch(epoch)\n"),
    Mutant("keep_best", "evaluates twice an epoch", "        scores.append(score)\n", "        scores.append(evaluate())\n"),
    Mutant("keep_best", "counts the epochs from 1", "run_epoch(epoch)", "run_epoch(epoch + 1)"),
    Mutant("keep_best", "stops at the first epoch that is worse", "    model.load_state_dict(kept)\n",
           "        if score < best:\n            break\n    model.load_state_dict(kept)\n"),
    Mutant("keep_best", "returns a copy of the model in place of the evaluation", "return best, scores",
           "return copy.deepcopy(model), scores"),
    #
    Mutant("weight_drift", "gives the distance without dividing it", "moved / size if size > 0 else moved", "moved"),
    Mutant("weight_drift", "divides by the size of what is there now", "size = old.double().norm()",
           "size = now[name].double().norm() if old.any() else old.double().norm()"),
    Mutant("weight_drift", "divides by the size without looking for zeros", "moved / size if size > 0 else moved",
           "moved / size"),
    Mutant("weight_drift", "gives 0 for a tensor that was all zeros", "if size > 0 else moved", "if size > 0 else size"),
    Mutant("weight_drift", "adds a little to the size, so as not to divide by 0", "moved / size if size > 0 else moved",
           "moved / (size + 1e-8)"),
    Mutant("weight_drift", "computes in the tensors' own dtype",
           SIZES,
           "moved = (now[name] - old).norm()\n            size = old.norm()"),
    Mutant("weight_drift", "computes in float32",
           SIZES,
           "moved = (now[name].float() - old.float()).norm()\n            size = old.float().norm()"),
    Mutant("weight_drift", "takes whole numbers along", "if old.is_floating_point():", "if old.dtype != torch.bool:"),
    Mutant("weight_drift", "looks at parameters only", "model.state_dict(), {}",
           "dict(model.named_parameters()), {}\n    before = {name: t for name, t in before.items() if name in now}"),
    Mutant("weight_drift", "goes by the model's own order", "for name, old in before.items():",
           "for name, old in [(name, before[name]) for name in now if name in before]:"),
    Mutant("weight_drift", "goes through all tensors of the model, of which before may have a part only",
           "for name, old in before.items():", "for name, old in [(name, before[name]) for name in now]:"),
    Mutant("weight_drift", "compares the sizes of the two tensors, not the tensors",
           "(now[name].double() - old.double()).norm()", "(now[name].double().norm() - old.double().norm()).abs()"),
    Mutant("weight_drift", "forgets the root", "(moved / size if size > 0 else moved).item()",
           "(moved / size if size > 0 else moved).item() ** 2"),
    Mutant("weight_drift", "writes today's values into before",
           "            size = old.double().norm()\n",
           "            size = old.double().norm()\n            before[name].copy_(now[name])\n"),
    #
    # finetuned_accuracy: what short checks of finetune_epoch cannot see
    Mutant("finetuned_accuracy", "takes no step for a batch of more than 16 images", "        optimizer.step()\n",
           "        if len(y) <= 16:\n            optimizer.step()\n", within="finetune_epoch"),
    Mutant("finetuned_accuracy", "halves the learning rate after every batch of a long epoch", "        optimizer.step()\n",
           "        optimizer.step()\n        if count > 16:\n            optimizer.param_groups[0]['lr'] /= 2\n",
           within="finetune_epoch"),
    Mutant("finetuned_accuracy", "calls model.train() once more in a long epoch", "        optimizer.zero_grad()\n",
           "        if count > 16:\n            model.train()\n        optimizer.zero_grad()\n", within="finetune_epoch"),
)
