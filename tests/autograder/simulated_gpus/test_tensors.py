"""Simulated devices: where tensors live, how they move, and which operands CUDA refuses.

The docstring of tests/benchmarks/accelerator.py tells how to run these tests with another version of torch.
"""

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn, randn, zeros  # names bound before a simulation begins

from autograder.simulated_gpus import simulated

HOST, FIRST, SECOND = torch.device("cpu"), torch.device("cuda:0"), torch.device("cuda:1")
TWO_DEVICES = "Expected all tensors to be on the same device, but found at least two devices, {} and {}!"

pytestmark = [
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor"),
    pytest.mark.filterwarnings("ignore:Sparse"),
]


@pytest.fixture(autouse=True)
def four_devices() -> Iterator[None]:
    torch.manual_seed(0)
    with simulated(4):
        yield


class TestLooksLikeCuda:
    def test_a_tensor_says_where_it_lives(self):
        x = torch.ones(2).to("cuda:1")
        assert x.device == SECOND
        assert type(x.device) is torch.device
        assert str(x.device) == "cuda:1"
        assert x.is_cuda
        assert not x.is_cpu
        assert x.get_device() == 1
        assert x.type() == "torch.cuda.FloatTensor"
        assert "device='cuda:1'" in repr(x)
        assert type(x) is torch.Tensor

    def test_a_host_tensor_is_as_always(self):
        x = torch.ones(2)
        assert (x.device, x.is_cuda, x.is_cpu, x.get_device()) == (HOST, False, True, -1)
        assert x.type() == "torch.FloatTensor"
        assert "device" not in repr(x)

    def test_a_meta_tensor_is_as_always(self):
        x = torch.ones(2, device="meta")
        assert x.device.type == "meta"
        assert (torch.zeros_like(x).device.type, (x + 1).device.type) == ("meta", "meta")
        assert torch.ones(2, device="cuda").to("meta").device.type == "meta"

    def test_plain_cuda_is_the_current_device(self):
        with torch.cuda.device(2):
            assert torch.ones(1).cuda().get_device() == 2
            assert torch.zeros(1, device="cuda").get_device() == 2
            assert torch.cuda.current_device() == 2
        assert torch.ones(1).cuda().get_device() == 0

    def test_an_integer_is_a_device(self):
        assert torch.device(1) == SECOND
        assert torch.ones(1).to(1).device == SECOND
        assert torch.ones(1).cuda(1).device == SECOND
        assert torch.zeros(1, device=1).device == SECOND
        assert nn.Linear(1, 1).to(1).weight.device == SECOND
        assert nn.Linear(1, 1).cuda(1).weight.device == SECOND

    @pytest.mark.parametrize("device", ["cuda:4", 7, torch.device("cuda:63")])
    def test_a_device_that_is_not_there(self, device):
        with pytest.raises(torch.AcceleratorError, match="invalid device ordinal"):
            torch.ones(1).to(device)
        with pytest.raises(torch.AcceleratorError, match="invalid device ordinal"):
            torch.zeros(1, device=device)


class TestMoving:
    def test_to_copies_a_tensor(self):
        x = torch.zeros(3)
        y = x.to(FIRST)
        y += 1
        assert (x.tolist(), y.tolist()) == ([0, 0, 0], [1, 1, 1])
        z = y.cpu()
        z += 1
        assert y.tolist() == [1, 1, 1]

    def test_to_the_same_device_is_the_tensor_itself(self):
        x = torch.zeros(3, device=FIRST)
        assert x.to(FIRST) is x
        assert x.to("cuda") is x
        assert x.cuda() is x
        assert x.to(FIRST, copy=True) is not x

    def test_the_forms_of_to(self):
        x, other = torch.zeros(3), torch.zeros(1, dtype=torch.float64, device=SECOND)
        assert x.to(SECOND, torch.float16).dtype == torch.float16
        assert x.to(device="cuda:1", dtype=torch.float16).device == SECOND
        assert x.to(other).device == SECOND
        assert x.to(other).dtype == torch.float64
        assert other.to(torch.float32).device == SECOND
        assert other.to(x).device == HOST
        assert x.to(SECOND, torch.float32, False, True).device == SECOND

    def test_a_module_moves_in_place(self):
        net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        before = [*net.parameters(), *net.buffers()]
        assert net.to(FIRST) is net
        assert all(a is b for a, b in zip(net.parameters(), before, strict=False))
        assert all(p.is_cuda and p.is_leaf and type(p) is nn.Parameter for p in net.parameters())
        assert all(b.is_cuda for b in net.buffers())

    def test_gradients_flow_back_to_where_the_tensor_lives(self):
        x = torch.ones(3, requires_grad=True)
        (x.to(FIRST) * 2).to(SECOND).cpu().sum().backward()
        assert x.grad.device == HOST
        assert x.grad.tolist() == [2, 2, 2]

    def test_values_leave_the_device(self):
        x = torch.tensor([1.0, 2.0]).to(FIRST)
        assert x.tolist() == [1, 2]
        assert x.sum().item() == 3
        assert float(x[0]) == 1
        assert bool((x > 0).all())
        assert x.cpu().numpy().sum() == 3
        assert x.numpy(force=True).sum() == 3

    def test_copying_between_devices_in_place(self):
        x = torch.zeros(3, device=FIRST)
        x.copy_(torch.ones(3))
        x[0] = torch.tensor(5.0)
        back = torch.zeros(3).copy_(x)
        assert back.tolist() == [5, 1, 1]
        assert (back.device, x.device) == (HOST, FIRST)

    def test_pinned_memory(self):
        pinned = torch.ones(2).pin_memory()
        assert pinned.is_pinned()
        assert not torch.ones(2).is_pinned()
        assert pinned.to(FIRST, non_blocking=True).device == FIRST
        with pytest.raises(RuntimeError, match="only dense CPU tensors can be pinned"):
            torch.ones(2, device=FIRST).pin_memory()


class TestFactories:
    def test_a_factory_puts_its_result_where_it_is_told(self):
        for made in (
            torch.zeros(2, device=SECOND), torch.empty(2, device=SECOND), torch.full((2,), 1.0, device="cuda:1"),
            torch.tensor([1, 2], device=SECOND), torch.as_tensor([1, 2], device=SECOND), torch.eye(2, device=SECOND),
            torch.as_tensor(np.ones(2), device=SECOND), torch.asarray(torch.ones(2), device=SECOND),
            torch.arange(3, device=SECOND), torch.linspace(0, 1, 3, device=SECOND), torch.randn(2, device=SECOND),
            torch.randperm(4, device=SECOND), torch.randint(0, 3, (2,), device=SECOND), torch.hann_window(4, device=1),
            torch.normal(0.0, 1.0, (2,), device=SECOND), torch.tril_indices(2, 2, device=SECOND),
        ):  # fmt: skip
            assert made.device == SECOND

    def test_a_result_lives_where_its_operand_lives(self):
        x = torch.ones(2, device=SECOND)
        for made in (
            torch.zeros_like(x), torch.empty_like(x), torch.randn_like(x), x.new_zeros(3), x.new_tensor([1.0]),
            x.new(3), torch.tensor(x.detach()), torch.as_tensor(x), x[0], x.view(2, 1), x.detach(), x.clone(),
            x.double(), x.to(torch.int64), x > 0, x.nonzero(), x.expand(3, 2), copy.deepcopy(x),
        ):  # fmt: skip
            assert made.device == SECOND

    def test_the_host_is_the_default(self):
        x = torch.ones(2, device=FIRST)
        for made in (
            torch.zeros_like(x, device="cpu"), x.new_zeros(2, device="cpu"), torch.zeros(2), torch.tensor([1.0, 1.0]),
            torch.zeros(2, device="cpu"), torch.tensor(x.detach(), device="cpu"), torch.from_numpy(np.ones(2)),
        ):  # fmt: skip
            assert made.device == HOST
            with pytest.raises(RuntimeError, match="at least two devices"):
                x + made

    def test_functions_imported_before_the_simulation_began(self):
        assert zeros(2, device="cuda").device == FIRST
        assert randn(2, device=1).device == SECOND
        assert zeros(2).device == HOST
        with pytest.raises(RuntimeError, match="at least two devices"):
            zeros(2) + torch.ones(2, device=FIRST)

    def test_a_default_device(self):
        with torch.device("cuda"):
            assert torch.ones(2).device == FIRST
            assert torch.tensor([1]).device == FIRST
            assert nn.Linear(2, 2).weight.device == FIRST
            assert torch.ones(2, device="cpu").device == HOST
        assert torch.ones(2).device == HOST
        torch.set_default_device("cuda:1")
        assert torch.ones(2).device == SECOND
        torch.set_default_device(None)
        assert torch.ones(2).device == HOST

    def test_a_leaf_made_on_a_device(self):
        w = torch.tensor([1.0, 2.0], device=FIRST, requires_grad=True)
        (w * w).sum().backward()
        assert w.is_leaf
        assert w.grad.device == FIRST
        assert w.grad.tolist() == [2, 4]

    def test_a_generator_belongs_to_a_device(self):
        on_device, on_host = torch.Generator("cuda:1").manual_seed(3), torch.Generator().manual_seed(3)
        assert on_device.device == SECOND
        assert isinstance(on_device, torch.Generator)
        assert isinstance(torch.default_generator, torch.Generator)
        drawn = torch.randn(3, generator=on_device, device=SECOND)
        assert torch.equal(drawn.cpu(), torch.randn(3, generator=on_host))
        with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
            torch.randn(3, generator=on_device)
        with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found 'cpu'"):
            torch.randn(3, generator=on_host, device=FIRST)

    def test_seeding_a_device(self):
        torch.cuda.manual_seed(5)
        first = torch.randn(3, device=FIRST)
        torch.cuda.manual_seed_all(5)
        assert torch.equal(first, torch.randn(3, device=FIRST))
        state = torch.cuda.get_rng_state()
        second = torch.randn(3, device=FIRST)
        torch.cuda.set_rng_state(state)
        assert torch.equal(second, torch.randn(3, device=FIRST))


class TestMixedDevices:
    def test_elementwise(self):
        a, b = torch.ones(2), torch.ones(2, device=FIRST)
        for mix in (lambda: a + b, lambda: b * a, lambda: b.add_(a), lambda: torch.where(b > 0, b, a), lambda: a == b):
            with pytest.raises(RuntimeError, match=TWO_DEVICES.format("cuda:0", "cpu")):
                mix()
        with pytest.raises(RuntimeError, match=TWO_DEVICES.format("cuda:1", "cuda:0")):
            b.to(SECOND) + b

    def test_a_number_on_the_host_is_welcome(self):
        x = torch.ones(2, device=FIRST)
        assert (x * torch.tensor(2.0)).tolist() == [2, 2]
        assert torch.where(x > 0, x, torch.tensor(0.0)).device == FIRST
        assert (torch.tensor(2.0) - x).device == FIRST
        with pytest.raises(RuntimeError, match=TWO_DEVICES.format("cuda:0", "cpu")):
            torch.tensor(0.0).add_(x.sum())

    def test_other_operators_name_the_argument(self):
        a, b = torch.ones(2, 2), torch.ones(2, 2, device=FIRST)
        for mix in (lambda: a @ b, lambda: F.linear(a, b), lambda: torch.cat([a, b])):
            with pytest.raises(RuntimeError, match=r"same device, but got \w+ is on cuda:0, different .* on cpu .when"):
                mix()

    def test_indexing(self):
        x, rows = torch.ones(3, 2, device=FIRST), torch.tensor([0, 2])
        assert x[rows].device == FIRST
        assert x[rows.cuda()].device == FIRST
        with pytest.raises(RuntimeError, match=r"indices should be either on cpu or on the same device .*cpu"):
            torch.ones(3, 2)[rows.cuda()]
        with pytest.raises(RuntimeError, match="got values is on cpu, different from other tensors on cuda:0"):
            x[rows] = torch.ones(2, 2)

    def test_assert_close_checks_the_device(self):
        with pytest.raises(AssertionError, match="device"):
            torch.testing.assert_close(torch.ones(2), torch.ones(2, device=FIRST))

    def test_assigning_a_gradient(self):
        x = torch.ones(2, device=FIRST, requires_grad=True)
        with pytest.raises(RuntimeError, match="assigned grad has data located on a different device"):
            x.grad = torch.ones(2)
        x.grad = torch.ones(2, device=FIRST)
        assert x.grad.device == FIRST


class TestAutograd:
    def test_views_and_writes_in_place(self):
        w = torch.ones(3, 3, device=FIRST, requires_grad=True)
        y = w * 1
        y[:, 1] += 1
        y[0] = torch.zeros(3, device=FIRST)
        y.sum().backward()
        assert w.grad.device == FIRST
        assert w.grad.tolist() == [[0, 0, 0], [1, 1, 1], [1, 1, 1]]

    def test_a_function_of_the_callers_own(self):
        seen = []

        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, gradient):
                (x,) = ctx.saved_tensors
                seen.extend([gradient.device, x.device, torch.zeros(1).device])
                return 2 * x * gradient

        x = torch.ones(3, device=SECOND, requires_grad=True)
        Square.apply(x).sum().backward()
        assert seen == [SECOND, SECOND, HOST]
        assert (x.grad.device, x.grad.tolist()) == (SECOND, [2, 2, 2])

    def test_a_host_tensor_made_in_the_backward_pass_is_refused(self):
        class Careless(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, gradient):
                return gradient * torch.ones(3)

        x = torch.ones(3, device=FIRST, requires_grad=True)
        with pytest.raises(RuntimeError, match="at least two devices"):
            Careless.apply(x).sum().backward()

    def test_second_derivatives(self):
        x = torch.ones(3, device=FIRST, requires_grad=True)
        (first,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        first.sum().backward()
        assert (x.grad.device, x.grad.tolist()) == (FIRST, [6, 6, 6])

    def test_a_gradient_that_a_kernel_makes_of_nothing(self):
        x, sign = torch.ones(3, device=SECOND), torch.ones(3, device=SECOND, requires_grad=True)
        (gradient,) = torch.autograd.grad(torch.copysign(x, sign).sum(), sign)
        assert gradient.device == SECOND
        torch.sgn(sign).sum().backward()
        assert (sign.grad.device, (sign.grad + 1).tolist()) == (SECOND, [1, 1, 1])


class TestOperators:
    def test_results_and_gradients_stay_on_the_device(self):
        y = torch.tensor([1, 2], device=SECOND)
        x = torch.randn(4, 5, device=SECOND, requires_grad=True)
        zeros_long, rows = torch.zeros(4, dtype=torch.long, device=SECOND), y.view(2, 1)
        for operator in (
            lambda: x.max(1)[0], lambda: x.max(), lambda: x.sort(1)[0], lambda: x.topk(2)[0], lambda: x.median(1)[0],
            lambda: x.cumprod(1), lambda: x.prod(), lambda: x.gather(1, rows.repeat(2, 1)), lambda: x[y],
            lambda: x[:, 1], lambda: x.norm(), lambda: x.std(), lambda: F.cosine_similarity(x, x * 2),
            lambda: F.softmax(x, 1), lambda: F.cross_entropy(x, zeros_long, label_smoothing=0.1), lambda: x.tril(),
            lambda: F.scaled_dot_product_attention(x[None], x[None], x[None], is_causal=True),
            lambda: torch.cdist(x, x + 1), lambda: x.triu().diagonal(), lambda: torch.stack([x, x]),
            lambda: F.pad(x, (1, 1)), lambda: x.repeat_interleave(2, 0), lambda: torch.einsum("ij,kj->ik", x, x),
            lambda: F.mse_loss(x, torch.zeros_like(x)), lambda: F.embedding(y, x), lambda: x.kthvalue(2)[0],
            lambda: F.binary_cross_entropy_with_logits(x, torch.zeros_like(x)), lambda: x.unfold(1, 2, 1),
            lambda: F.interpolate(x[None, None], scale_factor=2), lambda: torch.where(x > 0, x, 0.0),
            lambda: F.grid_sample(x[None, None], torch.zeros(1, 2, 2, 2, device=SECOND), align_corners=False),
            lambda: x.clamp(0, 1), lambda: x.logsumexp(1), lambda: x.var(1), lambda: x.index_select(0, y),
            lambda: x.masked_select(x > 0), lambda: x.cummax(1)[0], lambda: x.pow(2).sum().sqrt(),
            lambda: F.kl_div(F.log_softmax(x, 1), F.softmax(x.detach(), 1), reduction="batchmean"),
            lambda: F.smooth_l1_loss(x, x.detach() + 1), lambda: torch.linalg.norm(x), lambda: x.roll(1, 0),
            lambda: torch.linalg.svdvals(x), lambda: x.flip(0), lambda: F.max_pool1d(x, 2), lambda: x.amax(1),
            lambda: F.nll_loss(F.log_softmax(x, 1), zeros_long, weight=torch.ones(5, device=SECOND)),
            lambda: F.dropout(x, 0.5), lambda: x.split(2)[0], lambda: x.chunk(2, 1)[1], lambda: F.gelu(x),
            lambda: x.scatter(1, rows, 0.0), lambda: F.layer_norm(x, (5,)),
        ):  # fmt: skip
            x.grad = None
            result = operator()
            result.sum().backward()
            assert result.device == SECOND
            assert x.grad.device == SECOND
            assert (x.grad + torch.ones(1, device=SECOND)).device == SECOND  # and is not refused anywhere later

    def test_a_tensor_that_a_kernel_makes_without_operands(self):
        encoded = F.one_hot(torch.tensor([1, 2], device=FIRST), 4)
        assert encoded.device == FIRST
        assert (encoded + torch.ones(1, device=FIRST)).device == FIRST
        assert torch.linalg.matrix_rank(torch.ones(2, 0, 0, device=FIRST)).device == FIRST

    def test_lists_of_tensors_on_several_devices(self):
        left = [torch.ones(2, device=FIRST), torch.ones(2, device=SECOND)]
        total = torch._foreach_add(left, left)
        assert [t.device for t in total] == [FIRST, SECOND]
        with pytest.raises(RuntimeError, match="at least two devices"):
            torch._foreach_add(left, left[::-1])


class TestSparse:
    def test_a_sparse_tensor_lives_where_it_is_made(self):
        indices, values = torch.tensor([[0, 1], [1, 0]]), torch.tensor([2.0, 3.0])
        host = torch.sparse_coo_tensor(indices, values, (2, 2))
        made = torch.sparse_coo_tensor(indices, values, (2, 2), device=FIRST)
        assert (host.device, made.device, indices.device, values.device) == (HOST, FIRST, HOST, HOST)
        assert made.to_dense().device == FIRST
        assert made.values().device == FIRST if made.is_coalesced() else made._values().device == FIRST
        assert torch.equal(made.cpu().to_dense(), host.to_dense())

    @pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
    def test_a_sparse_tensor_moves_and_multiplies(self, layout):
        dense = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
        there = dense.to_sparse(layout=layout).to(SECOND)
        assert there.device == SECOND
        product = there @ torch.eye(2, device=SECOND)
        assert product.device == SECOND
        assert torch.equal(product.cpu().to_dense() if product.is_sparse else product.cpu(), dense)
        with pytest.raises(RuntimeError, match="same device"):
            there @ torch.eye(2)


class TestMemory:
    def test_memory_is_counted_while_a_tensor_lives(self):
        assert torch.cuda.memory_allocated() == 0
        x = torch.ones(1024, device=FIRST)
        y = x.to(SECOND)
        assert (torch.cuda.memory_allocated(), torch.cuda.memory_allocated(1)) == (4096, 4096)
        view = x[:10]
        del x, y
        assert (torch.cuda.memory_allocated(0), torch.cuda.memory_allocated(1)) == (4096, 0)
        del view
        assert torch.cuda.memory_allocated() == 0
        assert torch.cuda.max_memory_allocated() == 4096
        torch.cuda.reset_peak_memory_stats()
        assert torch.cuda.max_memory_allocated() == 0

    def test_blocks_are_rounded_up_as_by_the_caching_allocator(self):
        x = torch.ones(1, device=FIRST)
        assert torch.cuda.memory_allocated() == 512
        free, total = torch.cuda.mem_get_info()
        assert total - free == x.untyped_storage().nbytes() + 508
        assert "Allocated memory" in torch.cuda.memory_summary()
        assert torch.accelerator.memory_allocated() == 512
