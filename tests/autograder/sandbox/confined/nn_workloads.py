"""Every kind of torch.nn module, forward and backward: each public function is one workload that returns a number."""

import importlib

import torch
import torch.nn.functional as F
from torch import nn

CHANNELS = 4
SHAPES = {1: (2, CHANNELS, 12), 2: (2, CHANNELS, 12, 12), 3: (2, CHANNELS, 6, 6, 6)}


def _modules(*names, arguments=(), shape=(2, CHANNELS)):
    """Forward and backward through each named module of torch.nn."""
    total = 0.0
    for name in names:
        module = getattr(nn, name)(*arguments)
        x = torch.randn(shape, requires_grad=True)
        result = module(x)
        result.sum().backward()
        assert x.grad.isfinite().all(), name
        total += result.sum().item()
    return total


def nn_convolutions():
    total = 0.0
    for n, shape in SHAPES.items():
        names = (f"Conv{n}d", f"ConvTranspose{n}d")
        total += _modules(*names, arguments=(CHANNELS, 8, 3), shape=shape)
        total += _modules(*(f"Lazy{name}" for name in names), arguments=(8, 3), shape=shape)
    total += _modules("Unfold", arguments=(3,), shape=SHAPES[2])
    total += float(nn.Fold(4, 3)(torch.randn(2, 18, 4)).sum())
    grouped = nn.Conv2d(CHANNELS, 8, 3, stride=2, padding=1, dilation=2, groups=2, bias=False, padding_mode="reflect")
    return total + float(grouped(torch.randn(SHAPES[2]).to(memory_format=torch.channels_last)).sum())


def nn_pooling():
    total = 0.0
    for n, shape in SHAPES.items():
        total += _modules(f"MaxPool{n}d", f"AvgPool{n}d", arguments=(2,), shape=shape)
        total += _modules(f"LPPool{n}d", arguments=(2, 2), shape=tuple(shape))
        total += _modules(f"AdaptiveAvgPool{n}d", f"AdaptiveMaxPool{n}d", arguments=(3,), shape=shape)
        values, where = getattr(nn, f"MaxPool{n}d")(2, return_indices=True)(torch.randn(shape))
        total += float(getattr(nn, f"MaxUnpool{n}d")(2)(values, where).sum())
    for n in (2, 3):
        total += float(getattr(nn, f"FractionalMaxPool{n}d")(2, output_size=3)(torch.randn(SHAPES[n])).sum())
    return total


_OTHER_ACTIVATIONS = ("Threshold", "MultiheadAttention", "GLU", "Softmin", "Softmax", "LogSoftmax")


def nn_activations():
    names = [n for n in torch.nn.modules.activation.__all__ if n not in _OTHER_ACTIVATIONS]
    total = _modules(*names, shape=(2, 3, 4, 4))
    total += _modules("Softmin", "Softmax", "LogSoftmax", arguments=(1,))
    return total + _modules("GLU") + _modules("Threshold", arguments=(0.1, 2.0))


def nn_normalization_and_dropout():
    total = 0.0
    for n, shape in SHAPES.items():
        total += _modules(f"BatchNorm{n}d", f"InstanceNorm{n}d", arguments=(CHANNELS,), shape=shape)
        total += _modules(f"LazyBatchNorm{n}d", f"LazyInstanceNorm{n}d", shape=shape)
        total += _modules(f"Dropout{n}d", shape=shape)
    total += _modules("Dropout", "AlphaDropout", "FeatureAlphaDropout", shape=SHAPES[2])
    total += _modules("GroupNorm", arguments=(2, CHANNELS), shape=SHAPES[2])
    total += _modules("LayerNorm", "RMSNorm", arguments=(CHANNELS,))
    return total + _modules("LocalResponseNorm", "CrossMapLRN2d", arguments=(2,), shape=SHAPES[2])


def nn_padding_and_resizing():
    total = 0.0
    for n, shape in SHAPES.items():
        total += _modules(
            *(f"{k}Pad{n}d" for k in ("Reflection", "Replication", "Zero", "Circular")), arguments=(1,), shape=shape
        )
        total += _modules(f"ConstantPad{n}d", arguments=(1, 0.5), shape=shape)
    total += _modules("PixelShuffle", "PixelUnshuffle", "ChannelShuffle", arguments=(2,), shape=SHAPES[2])
    total += _modules("UpsamplingNearest2d", "UpsamplingBilinear2d", arguments=(20,), shape=SHAPES[2])
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        total += float(F.interpolate(torch.randn(SHAPES[2]), 17, mode=mode).sum())
    total += _modules("Upsample", arguments=(20,), shape=SHAPES[2])
    grid = F.affine_grid(torch.eye(2, 3).expand(2, 2, 3), SHAPES[2], align_corners=False)
    return total + float(F.grid_sample(torch.randn(SHAPES[2]), grid, align_corners=False).sum())


def nn_losses():
    x, y = torch.randn(6, 5, requires_grad=True), torch.rand(6, 5)
    signs, label = torch.randn(6).sign(), torch.randint(0, 5, (6,))
    calls = {
        "L1Loss": (x, y),
        "MSELoss": (x, y),
        "SmoothL1Loss": (x, y),
        "HuberLoss": (x, y),
        "SoftMarginLoss": (x, y.sign()),
        "BCELoss": (x.sigmoid(), y),
        "BCEWithLogitsLoss": (x, y),
        "KLDivLoss": (x.log_softmax(1), y.softmax(1)),
        "PoissonNLLLoss": (x, y),
        "GaussianNLLLoss": (x, y, torch.ones(6, 5)),
        "CrossEntropyLoss": (x, label),
        "NLLLoss": (x.log_softmax(1), label),
        "MultiMarginLoss": (x, label),
        "MultiLabelMarginLoss": (x, torch.randint(0, 5, (6, 5))),
        "MultiLabelSoftMarginLoss": (x, y.round()),
        "HingeEmbeddingLoss": (x, y.sign()),
        "MarginRankingLoss": (x[:, 0], x[:, 1], signs),
        "CosineEmbeddingLoss": (x, y, signs),
        "TripletMarginLoss": (x, y, y.flip(0)),
        "TripletMarginWithDistanceLoss": (x, y, y.flip(0)),
        "CTCLoss": (torch.randn(9, 2, 5).log_softmax(2), torch.randint(1, 5, (2, 3)), (9, 9), (3, 3)),
    }
    losses = [getattr(nn, name)(reduction="sum")(*arguments) for name, arguments in calls.items()]
    sum(losses).backward()
    head = nn.AdaptiveLogSoftmaxWithLoss(5, 12, [4, 8])
    return float(sum(losses)) + float(head(x, torch.randint(0, 12, (6,))).loss)


def nn_recurrent():
    total = 0.0
    for name in ("RNN", "LSTM", "GRU"):
        network = getattr(nn, name)(4, 8, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)
        packed = nn.utils.rnn.pack_padded_sequence(torch.randn(3, 7, 4), [7, 5, 2], batch_first=True)
        output, _ = nn.utils.rnn.pad_packed_sequence(network(packed)[0], batch_first=True)
        output.sum().backward()
        cell = getattr(nn, f"{name}Cell")(4, 8)(torch.randn(3, 4))
        total += float(output.sum()) + float((cell[0] if name == "LSTM" else cell).sum())
    return total


def nn_attention():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    x = torch.randn(2, 5, 16, requires_grad=True)
    y = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)(x)
    y = nn.TransformerDecoder(nn.TransformerDecoderLayer(16, 2, 32, batch_first=True), 1)(x, y)
    y = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)(x, y)
    attended, weights = nn.MultiheadAttention(16, 4, batch_first=True)(y, y, y)
    attended = attended + F.scaled_dot_product_attention(y, y, y, is_causal=True)
    attended.sum().backward()
    with torch.inference_mode():
        fast = nn.TransformerEncoder(layer.eval(), 1, enable_nested_tensor=False)(x)
    return float(attended.sum() + weights.sum() + fast.sum() + x.grad.sum())


def nn_the_rest():
    total = _modules("Linear", arguments=(CHANNELS, 3)) + _modules("LazyLinear", arguments=(3,))
    total += _modules("Identity", "Flatten", shape=SHAPES[2])
    total += _modules("Unflatten", arguments=(1, (2, 2)))
    ids = torch.randint(0, 9, (2, 3))
    total += float(nn.Embedding(9, 4, padding_idx=0)(ids).sum() + nn.EmbeddingBag(9, 4, sparse=True)(ids).sum())
    x, y = torch.randn(2, 4), torch.randn(2, 4)
    total += float(nn.Bilinear(4, 4, 3)(x, y).sum())
    total += float(nn.CosineSimilarity()(x, y).sum() + nn.PairwiseDistance()(x, y).sum())
    holder = nn.ModuleDict({"a": nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.ReLU())])})
    holder.weights = nn.ParameterList([nn.Parameter(torch.ones(2))])
    holder.named = nn.ParameterDict({"w": nn.Parameter(torch.ones(2))})
    holder.apply(lambda m: nn.init.kaiming_uniform_(m.weight) if isinstance(m, nn.Linear) else None)
    parametrizations = nn.utils.parametrizations
    wrapped = nn.Sequential(*(getattr(parametrizations, f"{n}")(nn.Linear(4, 4)) for n in parametrizations.__all__))
    wrapped(holder["a"][0](x)).sum().backward()
    nn.utils.clip_grad_norm_(wrapped.parameters(), 1.0)
    pruned = importlib.import_module("torch.nn.utils.prune").l1_unstructured(nn.Linear(4, 4), "weight", amount=0.5)
    vector = nn.utils.parameters_to_vector(holder.parameters())
    return total + float(vector.sum() + pruned(x).sum() + nn.DataParallel(nn.Linear(4, 4))(x).sum())
