"""Training on a simulated device gives the host's numbers, whatever the optimizer, precision, loader or file."""

import copy
import io
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn, optim

from autograder.simulated_gpus import simulated

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


@pytest.fixture(autouse=True)
def two_devices() -> Iterator[None]:
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the nets are small: more threads would wait for each other
    with simulated(2):
        yield
    torch.set_num_threads(threads)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.pool = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv2(self.pool(F.relu(self.conv1(x))))))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


def batch(size=4):
    return torch.randn(size, 3, 32, 32), torch.randint(0, 10, (size,))


def train(device, make_optimizer, steps=5):
    torch.manual_seed(0)
    net, (images, labels), losses = LeNet().to(device), batch(), []
    optimizer = make_optimizer(net.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert {loss.device, *(p.device for p in net.parameters()), *(p.grad.device for p in net.parameters())} == {device}
    return torch.tensor(losses)


class TestOptimizers:
    @pytest.mark.parametrize(
        "make_optimizer",
        [
            lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
            lambda p: optim.SGD(p, lr=0.01, momentum=0.9, foreach=False),
            lambda p: optim.Adam(p, lr=1e-3),
            lambda p: optim.AdamW(p, lr=1e-3, fused=True),
        ],
        ids=["sgd", "sgd one by one", "adam", "adamw fused"],
    )
    def test_losses_are_the_hosts(self, make_optimizer):
        expected = train(torch.device("cpu"), make_optimizer)
        assert expected[-1] < expected[0]
        assert torch.allclose(train(SECOND, make_optimizer), expected, rtol=1e-4)

    def test_an_optimizer_made_before_the_net_moved(self):
        net = LeNet()
        optimizer, before = optim.SGD(net.parameters(), lr=0.1, momentum=0.9), net.fc3.weight.detach().clone()
        net.to(FIRST)
        images, labels = batch()
        F.cross_entropy(net(images.to(FIRST)), labels.to(FIRST)).backward()
        optimizer.step()
        assert not torch.equal(before, net.fc3.weight.cpu())

    def test_zero_grad_gradient_clipping_and_a_schedule(self):
        net, (images, labels) = LeNet().to(FIRST), batch()
        optimizer = optim.SGD(net.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.StepLR(optimizer, 1)
        F.cross_entropy(net(images.to(FIRST)), labels.to(FIRST)).backward()
        assert nn.utils.clip_grad_norm_(net.parameters(), 1.0).device == FIRST
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        assert all(p.grad is None for p in net.parameters())

    def test_an_update_by_hand(self):
        net = nn.Linear(2, 2).to(FIRST)
        net(torch.ones(1, 2, device=FIRST)).sum().backward()
        with torch.no_grad():
            for p in net.parameters():
                p.sub_(0.1 * p.grad)
                p.data.sub_(p.grad.data * 0.1)
        assert net.weight.device == FIRST

    def test_one_optimizer_for_two_devices(self):
        torch.manual_seed(0)
        front, back = nn.Linear(4, 4).to(FIRST), nn.Linear(4, 2).to(SECOND)
        optimizer = optim.Adam([*front.parameters(), *back.parameters()], lr=0.1)
        x = torch.randn(3, 4)
        with pytest.raises(RuntimeError, match="same device"):
            back(front(x.to(FIRST)))
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = back(front(x.to(FIRST)).to(SECOND)).pow(2).sum()
            loss.backward()
            nn.utils.clip_grad_norm_([*front.parameters(), *back.parameters()], 10.0)
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]
        assert (front.weight.grad.device, back.weight.grad.device) == (FIRST, SECOND)


class TestPrecision:
    def test_autocast_to_bfloat16(self):
        net, (images, labels) = LeNet().to(FIRST), batch()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            logits = net(images.to(FIRST))
        assert (logits.dtype, logits.device) == (torch.bfloat16, FIRST)
        assert net(images.to(FIRST)).dtype == torch.float32
        F.cross_entropy(logits.float(), labels.to(FIRST)).backward()
        assert (net.fc1.weight.grad.dtype, net.fc1.weight.grad.device) == (torch.float32, FIRST)

    def test_autocast_to_float16_with_a_scaler(self):
        net = nn.Linear(4, 2).to(FIRST)
        optimizer, scaler = optim.SGD(net.parameters(), 0.1), torch.amp.GradScaler("cuda", init_scale=128)
        before = net.weight.tolist()
        with torch.autocast("cuda"):
            out = net(torch.randn(3, 4).to(FIRST))
        assert out.dtype == torch.float16
        scaler.scale(out.float().pow(2).mean()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert net.weight.tolist() != before

    def test_inference(self):
        net, (images, _) = LeNet().to(FIRST), batch()
        with torch.no_grad():
            assert net(images.to(FIRST)).device == FIRST
        with torch.inference_mode():
            assert net(images.to(FIRST)).device == FIRST


class TestLayers:
    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            (nn.BatchNorm2d(3), (2, 3, 4, 4)),
            (nn.Dropout(0.5), (4, 4)),
            (nn.LSTM(4, 5, batch_first=True), (2, 3, 4)),
            (nn.GRU(4, 5), (2, 3, 4)),
            (nn.LayerNorm(4), (2, 4)),
            (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (3, 2, 4)),
            (nn.ConvTranspose2d(3, 2, 2), (1, 3, 4, 4)),
            (nn.AdaptiveAvgPool2d(1), (1, 3, 4, 4)),
            (nn.Upsample(scale_factor=2), (1, 3, 4, 4)),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
    )
    def test_values_are_the_hosts(self, layer, shape):
        x = torch.randn(shape)
        torch.manual_seed(1)
        expected = copy.deepcopy(layer)(x)
        torch.manual_seed(1)
        layer = copy.deepcopy(layer).to(SECOND)
        out = layer(x.to(SECOND).requires_grad_())
        out, expected = (out[0], expected[0]) if isinstance(out, tuple) else (out, expected)
        out.sum().backward()
        assert out.device == SECOND
        assert torch.allclose(out.cpu(), expected, atol=1e-5)
        assert all(p.grad.device == SECOND for p in layer.parameters())

    def test_embedding_and_attention(self):
        words = nn.Embedding(5, 4).to(FIRST)(torch.tensor([[1, 2, 0]], device=FIRST))
        out, weights = nn.MultiheadAttention(4, 2, batch_first=True).to(FIRST)(words, words, words)
        assert (words.device, out.device, weights.device) == (FIRST, FIRST, FIRST)

    def test_batch_norm_keeps_its_statistics_on_the_device(self):
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).to(FIRST)
        net(batch(2)[0].to(FIRST)).sum().backward()
        assert net[1].running_mean.device == FIRST
        assert net[1].num_batches_tracked.item() == 1
        assert net.eval()(batch(2)[0].to(FIRST)).device == FIRST

    def test_sequences_packed_by_lengths_on_the_host(self):
        net, lengths = nn.LSTM(4, 5, batch_first=True).to(FIRST), torch.tensor([3, 2])
        packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 3, 4, device=FIRST), lengths, batch_first=True)
        padded, lengths_again = nn.utils.rnn.pad_packed_sequence(net(packed)[0], batch_first=True)
        assert (packed.data.device, packed.batch_sizes.device.type, padded.device) == (FIRST, "cpu", FIRST)
        assert lengths_again.tolist() == [3, 2]

    def test_checkpointing(self):
        net, x = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).to(SECOND), torch.randn(2, 4, device=SECOND)
        torch.utils.checkpoint.checkpoint(net, x, use_reentrant=False).sum().backward()
        assert net[0].weight.grad.device == SECOND

    def test_a_copy_of_a_net(self):
        net = LeNet().to(SECOND)
        twin = copy.deepcopy(net)
        assert all(p.device == SECOND for p in twin.parameters())
        assert twin.fc1.weight.data_ptr() != net.fc1.weight.data_ptr()


@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.parametrize("options", [{}, {"pin_memory": True}, {"num_workers": 1, "pin_memory": True}], ids=str)
def test_loaders_give_host_batches(options):
    torch.ones(1, device=FIRST)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*batch(8)), batch_size=4, **options)
    for images, labels in loader:
        assert (images.device.type, images.is_pinned()) == ("cpu", "pin_memory" in options)
        assert images.to(FIRST, non_blocking=True).device == FIRST
        assert labels.to(FIRST).device == FIRST


class TestFiles:
    def saved(self, value):
        file = io.BytesIO()
        torch.save(value, file)
        file.seek(0)
        return file

    @pytest.mark.parametrize(
        ("map_location", "device"),
        [
            (None, "cuda:1"), ("cpu", "cpu"), ("cuda:0", "cuda:0"), (torch.device("cuda"), "cuda:0"),
            ({"cuda:1": "cuda:0"}, "cuda:0"), (lambda storage, location: storage.cuda(0), "cuda:0"),
        ],
        ids=["nothing", "cpu", "cuda:0", "cuda", "dict", "function"],
    )  # fmt: skip
    def test_map_location(self, map_location, device):
        net = LeNet().to(SECOND)
        state = torch.load(self.saved(net.state_dict()), map_location=map_location)
        assert {str(value.device) for value in state.values()} == {device}
        again = LeNet()
        again.load_state_dict(state)
        assert torch.equal(again.fc1.weight, net.fc1.weight.cpu())

    def test_map_location_to_a_device_that_is_not_there(self):
        with pytest.raises(RuntimeError, match=r"device_count.. is 2"):
            torch.load(self.saved(torch.ones(2)), map_location="cuda:7")

    def test_optimizer_state(self):
        net, (images, labels) = LeNet().to(FIRST), batch()
        optimizer = optim.Adam(net.parameters())
        F.cross_entropy(net(images.to(FIRST)), labels.to(FIRST)).backward()
        optimizer.step()
        again = optim.Adam(net.parameters())
        again.load_state_dict(torch.load(self.saved(optimizer.state_dict()), map_location="cpu"))
        assert all(state["exp_avg"].device == FIRST for state in again.state.values())
        again.step()
