# In[1]:
import copy
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

device = "cuda" if torch.cuda.is_available() else "cpu"

# In[2]: a toy model to play with
class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).amax((2, 3)))

toy = Toy()

# In[3]:
def freeze(module):
    for p in module.parameters():
        p.requires_grad_(False).grad = None

def head_name(model, x):
    names, ran, handles = {m: n for n, m in model.named_modules()}, [], []
    for m in names:
        if isinstance(m, (nn.Linear, nn.Conv2d)):
            handles += [m.register_forward_pre_hook(lambda m, args: ran.append(m))]
    before = [(m, m.training) for m in names]
    model.eval()
    with torch.no_grad():
        model(x)
    for m, mode in before:
        m.training = mode
    for h in handles:
        h.remove()
    return names[ran[-1]]

head_name(toy, torch.randn(2, 3, 8, 8))

# In[4]:
def replace_head(model, name, classes):
    old = model.get_submodule(name)
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, classes, 1, bias=old.bias is not None)
    else:
        new = nn.Linear(old.in_features, classes, bias=old.bias is not None)
    nn.init.zeros_(new.weight)
    new.to(old.weight)
    parent, last = model, name
    if "." in name:
        prefix, last = name.rsplit(".", 1)
        parent = model.get_submodule(prefix)
    parent.__setattr__(last, new)
    return model

def feature_extractor(model, name, classes):
    freeze(model)
    return replace_head(model, name, classes)

feature_extractor(toy, "fc", 2)
[n for n, p in toy.named_parameters() if p.requires_grad]

# In[5]:
def param_groups(model, name, lr, head_lr):
    head = {id(p): p for p in model.get_submodule(name).parameters() if p.requires_grad}
    rest = {id(p): p for p in model.parameters() if p.requires_grad and id(p) not in head}
    return ([{"params": list(rest.values()), "lr": lr}] if rest else []) + ([{"params": list(head.values()), "lr": head_lr}] if head else [])

torch.optim.SGD(param_groups(toy, "fc", 1e-3, 1e-2), momentum=0.9)

# In[6]:
def features(model, name, x):
    found = []
    head = model.get_submodule(name)
    original = head.forward
    modes = {m: m.training for m in model.modules()}
    def spy(z):
        found.append(z.detach())
        return original(z)
    head.forward = spy
    model.eval()
    try:
        with torch.no_grad():
            model(x)
    finally:
        del head.forward
        for m, mode in modes.items():
            m.training = mode
    return found[0].flatten(1)

def cache_features(model, name, loader):
    xs, ys = [], []
    for x, y in loader:
        xs.append(features(model, name, x).cpu()); ys += y.tolist()
    return torch.cat(xs), torch.tensor(ys, dtype=torch.int64)

loader = DataLoader(TensorDataset(torch.randn(10, 3, 8, 8), torch.arange(10) % 2), batch_size=4)
[t.shape for t in cache_features(toy, "fc", loader)]

# In[7]:
def still_batchnorm(model):
    model.train()
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)) and not [p for p in m.parameters() if p.requires_grad]:
            m.eval()

def finetune_epoch(model, loader, criterion, optimizer):
    optimizer.zero_grad()
    total, seen = 0.0, 0
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += len(y) * float(loss)
        seen += len(y)
    return total / seen

opt = torch.optim.SGD(toy.fc.parameters(), lr=0.1)
for epoch in range(2):
    still_batchnorm(toy)
    print(epoch, finetune_epoch(toy, loader, nn.CrossEntropyLoss(), opt))

# In[8]:
def keep_best(model, run_epoch, evaluate, epochs):
    all_scores = []
    for epoch in range(epochs):
        run_epoch(epoch)
        all_scores.append(evaluate())
        if all_scores.index(max(all_scores)) == epoch:
            saved = copy.deepcopy(model.state_dict())
    model.load_state_dict(saved)
    return max(all_scores), all_scores

def weight_drift(model, before):
    now = model.state_dict()
    return {k: drift(now[k].double(), v.double()) for k, v in before.items() if v.is_floating_point()}

def drift(now, old):
    return float((now - old).norm() / old.norm()) if old.count_nonzero() else float(now.norm())

weight_drift(toy, {k: v.clone() for k, v in toy.state_dict().items()})
