"""What honest submissions do with torch besides torch.nn: each public function is one workload."""

import copy
import importlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential
from torch.utils.data import DataLoader, Subset, TensorDataset, WeightedRandomSampler, random_split


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = F.relu(self.fc1(x.view(-1, 16 * 5 * 5)))
        return self.fc3(F.relu(self.fc2(x)))


def train_the_tutorial_network():
    network, images, labels = Network(), torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(network(images), labels)
        loss.backward()
        optimizer.step()
    return loss.item()


def optimizers():
    special = {"Optimizer", "SparseAdam", "LBFGS", "Muon"}
    names = [n for n in dir(torch.optim) if isinstance(getattr(torch.optim, n), type) and n not in special]
    total = 0.0
    for name in (*names, "LBFGS"):
        model = nn.Linear(4, 2)
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)

        def closure(model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = model(torch.ones(3, 4)).square().mean()
            loss.backward()
            return loss

        for _ in range(2):
            total += float(optimizer.step(closure))
            schedule.step()
    assert len(names) >= 10
    return total


def automatic_differentiation():
    x = torch.randn(3, requires_grad=True)
    x.register_hook(lambda g: g * 2)
    (second,) = torch.autograd.grad(torch.autograd.grad(x.pow(3).sum(), x, create_graph=True)[0].sum(), x)

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):
            ctx.save_for_backward(value)
            return value**3

        @staticmethod
        def backward(ctx, upstream):
            return upstream * 3 * ctx.saved_tensors[0] ** 2

    assert torch.autograd.gradcheck(Cube.apply, torch.randn(3, dtype=torch.float64, requires_grad=True))
    with torch.autograd.set_detect_anomaly(True):
        Cube.apply(x).sum().backward()
    jacobian = torch.autograd.functional.jacobian(lambda v: v**2, x.detach())
    per_sample = torch.func.vmap(torch.func.grad(lambda v: v.sin().sum()))(torch.randn(4, 3))
    _, tangent = torch.func.jvp(torch.sin, (x.detach(),), (torch.ones(3),))
    return float(second.sum() + jacobian.sum() + per_sample.sum() + tangent.sum())


def checkpointing():
    x = torch.randn(2, 8, requires_grad=True)
    layers = nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(4)))
    y = checkpoint_sequential(layers, 2, checkpoint(layers, x, use_reentrant=False), use_reentrant=False)
    y.sum().backward()
    return float(x.grad.sum())


def autocast_and_dtypes():
    total = 0.0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = nn.Conv2d(3, 4, 3)(torch.randn(1, 3, 8, 8))
        assert y.dtype == torch.bfloat16
        y.float().sum().backward()
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.int8, torch.int64, torch.bool):
        total += float(torch.ones(8, 8).to(dtype).sum().abs())
    torch.set_float32_matmul_precision("medium")
    return total + float((torch.randn(70, 70) @ torch.randn(70, 70)).sum())


def linear_algebra():
    a = torch.randn(6, 6, dtype=torch.float64)
    spd = a @ a.T + torch.eye(6)
    u, s, v = torch.linalg.svd(a)
    q, r = torch.linalg.qr(a)
    values, _ = torch.linalg.eigh(spd)
    parts = (
        u @ s.diag() @ v,
        q @ r,
        values,
        torch.linalg.cholesky(spd),
        torch.linalg.solve(spd, a),
        torch.linalg.pinv(a),
        torch.linalg.lstsq(a, spd).solution,
        torch.linalg.matrix_exp(a),
        torch.linalg.eigvals(a).real,
        torch.linalg.det(a),
    )
    return float(sum(p.sum() for p in parts) + torch.einsum("ij,jk->", a, spd) + torch.cdist(a, a).sum())


def fourier_transforms():
    x = torch.randn(3, 64, requires_grad=True)
    spectrum = torch.fft.rfft(x)
    y = torch.fft.irfft(spectrum) + torch.fft.fft2(x).real + torch.fft.fftn(x).imag
    window = torch.hann_window(16)
    z = torch.stft(x, 16, window=window, return_complex=True)
    (y.sum() + torch.istft(z, 16, window=window).sum()).backward()
    return float(x.grad.sum())


def sorting_indexing_random():
    torch.manual_seed(0)
    x = torch.randn(200, 50)
    parts = (
        x.sort(1).values,
        x.topk(3).values,
        x.median(0).values,
        x.cumsum(0),
        x.histc(10),
        x.unique(),
        x.sigmoid().bernoulli(),
        x.scatter_add(1, torch.zeros(200, 50, dtype=torch.int64), x),
        x[x > 0],
        x.roll(1),
        x.gather(1, x.argsort(1)),
        x.quantile(0.5, 0),
        torch.randperm(100).float(),
        torch.multinomial(x.softmax(1), 5, replacement=True).float(),
    )
    drawn = torch.distributions.Normal(0.0, 1.0).rsample((5,)) + torch.distributions.Gamma(1.0, 1.0).sample((5,))
    return float(sum(p.sum() for p in parts) + drawn.sum())


def sparse_and_quantized():
    sparse = torch.randn(5, 5).relu().to_sparse()
    linear = importlib.import_module("torch.ao.nn.quantized.dynamic").Linear(4, 3)
    q = torch.quantize_per_tensor(torch.randn(3, 4), 0.1, 0, torch.qint8)
    product = torch.sparse.mm(sparse, torch.ones(5, 2))
    return float(product.sum() + linear(torch.randn(2, 4)).sum() + q.dequantize().sum())


def nested_and_higher_order():
    nested = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=torch.jagged)
    state = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    state = torch.func.functional_call(nn.Linear(3, 2), state, torch.ones(1, 3))
    return float(state.sum()) + float(nested.values().sum())


def data_loader():
    data = TensorDataset(torch.randn(20, 3), torch.arange(20))
    train, _ = random_split(data, [15, 5])
    seen = torch.cat([y for _, y in DataLoader(train, batch_size=4, shuffle=True, num_workers=0, drop_last=True)])
    weighted = DataLoader(Subset(data, range(10)), batch_size=5, sampler=WeightedRandomSampler(torch.ones(10), 10))
    assert len(seen) == 12
    return float(seen.sum()) + sum(float(x.sum()) for x, _ in weighted)


def save_and_load():
    network = Network()
    torch.save(network.state_dict(), "weights.pt")
    torch.save({"epoch": 3, "optimizer": torch.optim.Adam(network.parameters()).state_dict()}, Path.home() / "state.pt")
    copied = Network()
    copied.load_state_dict(torch.load("weights.pt", weights_only=True))
    mapped = torch.load("weights.pt", mmap=True)
    network.load_state_dict(torch.load("weights.pt", weights_only=False))
    torch.save(network, "network.pt")
    x = torch.randn(1, 3, 32, 32)
    assert torch.equal(network(x), copied(x))
    assert torch.equal(network(x), torch.load("network.pt", weights_only=False)(x))
    return float(sum(t.sum() for t in mapped.values())) + torch.load(Path.home() / "state.pt")["epoch"]


def script_and_trace():
    @torch.jit.script
    def scripted(x, n: int):
        for _ in range(n):
            x = x * 2 if bool(x.sum() < 100) else x
        return x

    network = Network().eval()
    traced = torch.jit.trace(network, torch.randn(1, 3, 32, 32))
    torch.jit.script(network).save("network.pt")
    x = torch.randn(2, 3, 32, 32)
    assert torch.allclose(torch.jit.load("network.pt")(x), traced(x), atol=1e-5)
    graph = torch.fx.symbolic_trace(network)
    return float(scripted(torch.ones(3), 4).sum() + graph(x).sum())


def dynamo():
    compiled = torch.compile(lambda x: (x * 2).relu().sum(), backend="eager")
    return float(compiled(torch.randn(4)))


def profiler():
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        y = torch.randn(20, 20) @ torch.randn(20, 20)
    profile.export_chrome_trace("trace.json")
    return float(y.sum()) + len(profile.key_averages())


def shared_memory_between_tensors_and_arrays():
    array = np.ones(4)
    tensor = torch.from_numpy(array)
    tensor.add_(1)
    view = copy.deepcopy(tensor).view(2, 2).t()
    storage = torch.frombuffer(bytearray(16), dtype=torch.float32)
    return float(array.sum() + view.sum() + storage.sum() + np.asarray(torch.utils.dlpack.from_dlpack(tensor)).sum())


def torchvision_models():
    models = importlib.import_module("torchvision.models")
    network = models.resnet18(weights=None)
    network.fc = nn.Linear(512, 2)
    y = network(torch.randn(2, 3, 64, 64))
    y.sum().backward()
    small = models.mobilenet_v3_small(weights=None).eval()(torch.randn(1, 3, 64, 64))
    return float(y.sum() + small.sum())


def torchvision_transforms_and_folders():
    image = importlib.import_module("PIL.Image")
    torchvision = importlib.import_module("torchvision")
    v2 = importlib.import_module("torchvision.transforms.v2")
    transforms = torchvision.transforms
    for label in ("ants", "bees"):
        Path("data", label).mkdir(parents=True)
        for i in range(2):
            picture = image.fromarray(np.random.default_rng(i).integers(0, 255, (40, 50, 3), dtype=np.uint8))
            picture.save(Path("data", label, f"{i}.jpg"))
            picture.save(Path("data", label, f"{i}.png"))
    steps = [
        transforms.RandomResizedCrop(24),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.2, 0.2),
        transforms.RandomRotation(10),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ]
    data = torchvision.datasets.ImageFolder("data", transforms.Compose(steps))
    batch, _ = next(iter(torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)))
    torchvision.utils.save_image(torchvision.utils.make_grid(batch), "grid.png")
    modern = v2.Compose([v2.ToImage(), v2.Resize(16, antialias=True), v2.ToDtype(torch.float32, scale=True)])
    return float(batch.sum() + modern(image.open("grid.png")).sum())
