"""Each mistake of the move to GPUs, as a learner makes it: CUDA's own words, or a difference that can be seen."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.simulated_gpus import simulated


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4 * 6 * 6, 10)

    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).flatten(1))


def batch(size=4):
    return torch.randn(size, 3, 8, 8), torch.randint(0, 10, (size,))


class TestForgettingToMove:
    def test_the_net(self):
        with simulated(1):
            images, _ = batch()
            with pytest.raises(
                RuntimeError,
                match=r"Input type \(torch.cuda.FloatTensor\) and weight type \(torch.FloatTensor\) should be the same",
            ):
                Net()(images.to("cuda"))

    def test_the_inputs(self):
        with simulated(1):
            images, _ = batch()
            with pytest.raises(
                RuntimeError,
                match=r"Input type \(torch.FloatTensor\) and weight type \(torch.cuda.FloatTensor\) should be the same",
            ):
                Net().cuda()(images)

    def test_the_inputs_of_a_linear_layer(self):
        with simulated(1), pytest.raises(RuntimeError, match=r"same device, but got .* wrapper_CUDA_addmm"):
            nn.Linear(2, 2).cuda()(torch.ones(1, 2))

    def test_the_labels(self):
        with simulated(1):
            images, labels = batch()
            with pytest.raises(
                RuntimeError,
                match=r"got target is on cpu, different from other tensors on cuda:0 .* wrapper_CUDA_nll_loss_forward",
            ):
                F.cross_entropy(Net().cuda()(images.cuda()), labels)

    def test_assigning_what_to_returns(self):
        with simulated(1):
            net, (images, _) = Net().cuda(), batch()
            images.to("cuda")
            with pytest.raises(RuntimeError, match="should be the same"):
                net(images)

    def test_the_labels_of_the_accuracy(self):
        with simulated(1):
            images, labels = batch()
            predicted = Net().cuda()(images.cuda()).argmax(1)
            with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu"):
                (predicted == labels).sum()
            assert isinstance((predicted == labels.cuda()).sum().item(), int)

    def test_a_tensor_that_is_not_a_buffer(self):
        class Shifted(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("buffer", torch.ones(2))
                self.attribute = torch.ones(2)

        with simulated(1):
            net, x = Shifted().cuda(), torch.ones(2, device="cuda")
            assert (x + net.buffer).is_cuda
            assert str(net.attribute.device) == "cpu"
            with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu"):
                x + net.attribute

    def test_the_optimizer_state(self):
        with simulated(1):
            net, (images, labels) = Net(), batch()
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
            F.cross_entropy(net(images), labels).backward()
            optimizer.step()
            net.cuda()
            optimizer.zero_grad()
            F.cross_entropy(net(images.cuda()), labels.cuda()).backward()
            with pytest.raises(RuntimeError, match="same device"):
                optimizer.step()


class TestComingBack:
    @pytest.mark.parametrize("convert", [torch.Tensor.numpy, np.asarray])
    def test_numpy_without_cpu(self, convert):
        with simulated(2):
            x = torch.ones(2, device="cuda:1")
            with pytest.raises(TypeError, match=r"can't convert cuda:1 device type tensor to numpy\. Use Tensor\.cpu"):
                convert(x)
            assert convert(x.cpu()).sum() == 2

    def test_joining_the_outputs_of_two_devices(self):
        with simulated(2):
            outputs = [torch.ones(2, 3, device=f"cuda:{k}") for k in range(2)]
            with pytest.raises(RuntimeError, match="got tensors is on cuda:1, different from other tensors on cuda:0"):
                torch.cat(outputs)
            assert torch.cat([output.to("cuda:0") for output in outputs]).shape == (4, 3)


class TestNoSuchDevice:
    def test_hard_coded_cuda_without_a_gpu(self):
        with simulated(0):
            assert not torch.cuda.is_available()
            assert torch.cuda.device_count() == 0
            for use in (
                lambda: torch.ones(1).to("cuda"), lambda: torch.ones(1).cuda(), lambda: Net().cuda(),
                lambda: torch.zeros(1, device="cuda"), lambda: torch.tensor([1], device="cuda:0"),
                lambda: torch.cuda.current_device(), lambda: torch.cuda.synchronize(),
            ):  # fmt: skip
                with pytest.raises(RuntimeError, match="No CUDA GPUs are available"):
                    use()

    def test_hard_coded_second_gpu_with_one(self):
        with simulated(1), pytest.raises(torch.AcceleratorError, match="invalid device ordinal"):
            Net().to("cuda:1")

    def test_a_file_saved_on_a_gpu_that_this_machine_lacks(self):
        with simulated(2):
            file = io.BytesIO()
            torch.save(Net().to("cuda:1").state_dict(), file)
        for devices, message in (
            (0, "Attempting to deserialize object on a CUDA device but torch.cuda.is_available.. is False"),
            (1, "Attempting to deserialize object on CUDA device 1 but torch.cuda.device_count.. is 1"),
        ):
            with simulated(devices):
                file.seek(0)
                with pytest.raises(RuntimeError, match=message):
                    torch.load(file)
                file.seek(0)
                assert {str(v.device) for v in torch.load(file, map_location="cpu").values()} == {"cpu"}

    def test_a_data_parallel_net_left_on_the_host(self):
        with simulated(2), pytest.raises(RuntimeError, match="have its parameters and buffers on device cuda:0"):
            nn.DataParallel(Net())(batch()[0])


def test_the_prefix_of_a_data_parallel_net():
    with simulated(2):
        file = io.BytesIO()
        torch.save(nn.DataParallel(Net().cuda()).state_dict(), file)
        file.seek(0)
        state = torch.load(file, map_location="cpu")
        assert all(name.startswith("module.") for name in state)
        with pytest.raises(RuntimeError, match=r'Unexpected key.*"module.conv.weight"'):
            Net().load_state_dict(state)
