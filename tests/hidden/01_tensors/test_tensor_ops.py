"""Hidden checks of topic 01: values first, then sizes, dtypes, memory layouts, memory sharing and untouched inputs.

The oracle is NumPy. The first check of each task is the one that decides: it has an input of a public example's shape.
"""

from typing import Any

import numpy as np
import torch

from autograder import Student, devices, expect, expect_close, expect_dtype, expect_equal, expect_shape, expect_unchanged

DTYPES = (torch.float32, torch.float64, torch.int64, torch.uint8)


def draw(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Random values of any dtype: integers are small and not negative."""
    if dtype.is_floating_point:
        return torch.randn(shape, generator=rng, dtype=dtype)
    return torch.randint(0, 2 if dtype == torch.bool else 10, shape, generator=rng).to(dtype)


def scattered(t: torch.Tensor) -> torch.Tensor:
    """The same values, laid out in memory with the axes in reverse order and with gaps."""
    backwards = tuple(range(t.dim()))[::-1]
    return torch.stack([t.permute(backwards)] * 2, dim=-1)[..., 0].permute(backwards)


def views(module: Any, name: str, t: torch.Tensor, written: torch.Tensor, step: float) -> list[Any]:
    """The result, what it holds once `written` is in t, and what t holds once `step` is added to the result."""
    result = getattr(module, name)(t)
    if not isinstance(result, torch.Tensor):
        return [result, None, None]
    first = result.detach().clone()
    t.detach().copy_(written)
    second = result.detach().clone()
    result.detach().add_(step)
    return [first, second, t]


def expect_view(got: Any, before: torch.Tensor, written: torch.Tensor, after: torch.Tensor) -> None:
    """Judge what `views` brought back: the result as returned and after each of two writes."""
    expect_equal(got[0], before)
    expect_equal(got[1], written, "the result, read after a change of the input,")
    expect_close(got[2], after, "the input, read after a change of the result,", rtol=1e-6)


def expect_array(actual: Any, expected: np.ndarray, name: str = "the result") -> None:
    """Judge a NumPy array, exactly."""
    expect(isinstance(actual, np.ndarray), f"{name.capitalize()} should be a NumPy array; use a tensor's .numpy().")
    expect_equal(actual, expected, name)


# from_rows -----------------------------------------------------------------------------------------------------------


def as_float32(rows: list[list[float]]) -> torch.Tensor:
    return torch.from_numpy(np.array(rows, dtype=np.float64).astype(np.float32))


def test_from_rows__values(student: Student, rng: torch.Generator) -> None:
    """turns rows of floats into a float32 matrix"""
    for shape in ((3, 5), (2, 3), (2, 2)):
        rows = draw(rng, *shape, dtype=torch.float64).tolist()
        expect_equal(student.call("from_rows", rows), as_float32(rows))


def test_from_rows__ints(student: Student, rng: torch.Generator) -> None:
    """turns rows of ints, and of ints and floats mixed, into float32 as well"""
    ints = torch.randint(-50, 50, (4, 3), generator=rng).tolist()
    expect_equal(student.call("from_rows", ints), as_float32(ints), "the result for ints")
    mixed = [[ints[0][0], 0.5, 3], [1.25, ints[1][1], ints[2][2]]]
    expect_equal(student.call("from_rows", mixed), as_float32(mixed), "the result for ints and floats mixed")


def test_from_rows__single(student: Student, rng: torch.Generator) -> None:
    """keeps both axes of a single row, a single column and a single number"""
    for shape in ((1, 4), (6, 1), (1, 1)):
        rows = draw(rng, *shape, dtype=torch.float64).tolist()
        expect_equal(student.call("from_rows", rows), as_float32(rows), f"the result for shape {shape}")


def rows_twice(module: Any, rows: list[list[float]]) -> list[Any]:
    first = module.from_rows(rows)
    if isinstance(first, torch.Tensor):
        first.detach().zero_()
    return [module.from_rows(rows), rows]


def test_from_rows__copy(student: Student, rng: torch.Generator) -> None:
    """makes a new tensor at each call and leaves the rows as they were"""
    rows = draw(rng, 2, 3, dtype=torch.float64).tolist()
    again, after = student.run(rows_twice, rows)
    expect_equal(again, as_float32(rows), "the result of a second call")
    expect_equal(after, rows, "the list of rows after the call")


# from_numpy_shared ---------------------------------------------------------------------------------------------------


def memory_of(value: Any) -> Any:
    """A tensor or an array on the same memory, without the class that the submission may have given it."""
    if isinstance(value, np.ndarray):
        return np.ndarray.view(value, np.ndarray)
    with torch._C.DisableTorchFunctionSubclass():
        memory, first = torch.Tensor.untyped_storage(value), torch.Tensor.storage_offset(value)
        shape, strides, dtype = torch.Tensor.size(value), torch.Tensor.stride(value), value.dtype
    return torch.empty(0, dtype=dtype).set_(memory, first, shape, strides)


def numpy_sharing(module: Any, values: torch.Tensor, layout: str, written: torch.Tensor, other: torch.Tensor) -> list[Any]:
    """The result, what it holds once `written` is in the array, and the array once `other` is in the result."""
    array = values.numpy().copy()
    if layout == "transposed":
        array = np.asfortranarray(array)
    elif layout == "every second element":
        array = np.repeat(array, 2, axis=1)[:, ::2]
    result = module.from_numpy_shared(array)
    if not isinstance(result, torch.Tensor) or result.shape != other.shape:
        return [result, None, None]
    result = memory_of(result)
    first = result.clone()
    array[...] = written.numpy()
    second = result.clone()
    result.copy_(other)
    return [first, second, array]


def check_numpy_sharing(
    student: Student, rng: torch.Generator, layout: str, dtype: torch.dtype, shape: tuple[int, ...] = (3, 5)
) -> None:
    values, written, other = (draw(rng, *shape, dtype=dtype) for _ in range(3))
    got = student.run(numpy_sharing, values, layout, written, other)
    expect_equal(got[0], values)
    expect_equal(got[1], written, "the tensor, read after a change of the array,")
    expect_array(got[2], other.numpy(), "the array, read after a change of the tensor,")


def test_from_numpy_shared__memory(student: Student, rng: torch.Generator) -> None:
    """shows a change of the array in the tensor and a change of the tensor in the array"""
    for shape in ((3, 5), (3,), (2, 2)):
        check_numpy_sharing(student, rng, "plain", torch.float64, shape)


def test_from_numpy_shared__dtypes(student: Student, rng: torch.Generator) -> None:
    """keeps the array's shape and dtype, and leaves its values as they are"""
    shapes = ((4,), (2, 3), (2, 1, 5), (3, 2), (1, 1), (2, 4), (6,), (), (0, 3))
    dtypes = (*DTYPES, torch.int32, torch.bool, torch.float16, torch.float64, torch.float32)
    for shape, dtype in zip(shapes, dtypes, strict=True):
        array = draw(rng, *shape, dtype=dtype).numpy()
        result, (after,) = student.observe("from_numpy_shared", array)
        expect_equal(result, torch.from_numpy(array), f"the result for an array of {array.dtype}")
        expect_unchanged(after, array, "the array")


def test_from_numpy_shared__layouts(student: Student, rng: torch.Generator) -> None:
    """shares the memory of transposed and of sliced arrays too, and of an array with one element"""
    check_numpy_sharing(student, rng, "transposed", torch.float32)
    check_numpy_sharing(student, rng, "every second element", torch.int64)
    for shape in ((1,), (1, 1)):
        check_numpy_sharing(student, rng, "plain", torch.float32, shape)


# like ----------------------------------------------------------------------------------------------------------------


def expect_ones_and_noise(got: Any, t: torch.Tensor) -> None:
    expect(isinstance(got, tuple | list) and len(got) == 2, "The result should be two tensors: ones and noise.")
    ones, noise = got
    expect_equal(ones, torch.ones(t.shape, dtype=t.dtype), f"the tensor of ones for {t.dtype}")
    expect_shape(noise, t.shape, "the noise")
    expect_dtype(noise, torch.float32, f"the noise for {t.dtype}")
    inside = bool(((noise >= 0) & (noise < 1)).all())
    expect(inside, "The noise should lie in [0, 1), but some of it lies outside: which distribution is it drawn from?")
    expect(noise.unique().numel() > 0.9 * noise.numel(), "The noise should be random, but many values are equal.")


def test_like__values(student: Student, rng: torch.Generator) -> None:
    """gives ones, and noise in [0, 1), of the input's shape"""
    for shape in ((4, 7), (2, 3, 5), (2, 3), (1,)):
        t = draw(rng, *shape)
        expect_ones_and_noise(student.call("like", t), t)


def test_like__dtypes(student: Student, rng: torch.Generator) -> None:
    """gives ones of the input's dtype and float32 noise, whatever the input's dtype"""
    for dtype in (*DTYPES, torch.bool):
        t = draw(rng, 3, 4, dtype=dtype)
        expect_ones_and_noise(student.call("like", t), t)


def test_like__uniform(student: Student, rng: torch.Generator) -> None:
    """draws noise that fills [0, 1) evenly"""
    t = draw(rng, 40, 100)
    got = student.call("like", t)
    expect_ones_and_noise(got, t)
    distance = (got[1].flatten().sort().values - torch.linspace(0, 1, t.numel())).abs().max()
    # Kolmogorov-Smirnov: uniform noise is farther off than 3/sqrt(n) once in 30 million draws.
    expect(distance < 3 / t.numel() ** 0.5, "The noise does not fill [0, 1) evenly: use the uniform distribution.")


def like_twice(module: Any, t: torch.Tensor) -> list[Any]:
    ones, first = module.like(t)
    ones.detach().zero_()
    again, second = module.like(t)
    return [again, first, second]


def test_like__fresh(student: Student, rng: torch.Generator) -> None:
    """makes new ones and new noise at each call"""
    again, first, second = student.run(like_twice, draw(rng, 2, 3))
    expect_equal(again, torch.ones(2, 3), "the tensor of ones of a second call")
    expect_ones_and_noise([again, first], again)
    expect_ones_and_noise([again, second], again)
    same = torch.equal(first, second)
    expect(not same, "Two calls in a row gave the same noise: is a seed set, or the noise kept, inside the function?")


def like_on_gpu(module: Any, t: torch.Tensor) -> list[Any]:
    """The results for a tensor on the GPU, and their devices."""
    got = module.like(t.cuda())
    return [[item.cpu() if isinstance(item, torch.Tensor) else item for item in got],
            [str(getattr(item, "device", None)) for item in got]]  # fmt: skip


@devices(1)
def test_like__device(student: Student, rng: torch.Generator) -> None:
    """puts ones and noise on the input's device, also when that is not the CPU"""
    t = draw(rng, 3, 4, dtype=torch.float64)
    got, places = student.run(like_on_gpu, t)
    expect_ones_and_noise(got, t)
    for name, place in zip(("ones", "noise"), places, strict=True):
        expect(place == "cuda:0", f"For a tensor on cuda:0 the {name} should be there too, but they are on {place}.")


def test_like__input(student: Student, rng: torch.Generator) -> None:
    """leaves its input as it was, also one that requires grad"""
    for t in (scattered(draw(rng, 4, 3, 2)), draw(rng, 1, 4).requires_grad_()):
        got, (after,) = student.observe("like", t)
        expect_ones_and_noise(got, t)
        expect_unchanged(after, t)


# describe ------------------------------------------------------------------------------------------------------------

PARTS = ("the shape", "the dtype", "the device")


def expect_described(student: Student, t: torch.Tensor) -> None:
    expect_equal(student.call("describe", t), (tuple(t.shape), t.dtype, torch.device("cpu")), PARTS)


def test_describe__values(student: Student, rng: torch.Generator) -> None:
    """gives shape, dtype and device of a matrix"""
    rows, columns = torch.randperm(8, generator=rng)[:2].tolist()
    expect_described(student, draw(rng, rows + 2, columns + 2))
    expect_described(student, draw(rng, columns + 2, rows + 2, dtype=torch.int64))
    expect_described(student, draw(rng, 2, 3, dtype=torch.float64))


def test_describe__ranks_and_dtypes(student: Student, rng: torch.Generator) -> None:
    """describes tensors of any rank and dtype, in any memory layout"""
    for dtype in (*DTYPES, torch.bool, torch.float16, torch.bfloat16):
        expect_described(student, draw(rng, 2, 5, 3, dtype=dtype))
    for t in (draw(rng), draw(rng, 1), draw(rng, 3), scattered(draw(rng, 1, 2, 3, 4)), draw(rng, 0, 2)):
        expect_described(student, t)


def describe_on_gpu(module: Any, t: torch.Tensor) -> Any:
    return module.describe(t.cuda())


@devices(1)
def test_describe__device(student: Student, rng: torch.Generator) -> None:
    """reads the device from the tensor, also when it is not the CPU"""
    t = draw(rng, 3, 2, dtype=torch.float64)
    found = student.run(describe_on_gpu, t)
    only = isinstance(found, tuple | list) and torch.device("cuda") in found  # the current GPU, here the only one
    expect_equal(found, ((3, 2), torch.float64, torch.device("cuda" if only else "cuda:0")), PARTS)


def test_describe__input(student: Student, rng: torch.Generator) -> None:
    """leaves its input as it was, also one that requires grad"""
    t = draw(rng, 3, 1).requires_grad_()
    got, (after,) = student.observe("describe", t)
    expect_equal(got, ((3, 1), torch.float32, torch.device("cpu")), PARTS)
    expect_unchanged(after, t)


# zero_column ---------------------------------------------------------------------------------------------------------


def zeroed(t: torch.Tensor, j: int) -> torch.Tensor:
    kept = torch.arange(t.shape[1]) != j % t.shape[1]
    return torch.where(kept, t.detach(), torch.zeros((), dtype=t.dtype))


def expect_zeroed(student: Student, t: torch.Tensor, j: int) -> None:
    result, (after, _) = student.observe("zero_column", t, j)
    expect_equal(result, zeroed(t, j), f"the result for j = {j}")
    expect_unchanged(after, t, "`t`")


def test_zero_column__values(student: Student, rng: torch.Generator) -> None:
    """gives a copy with zeros in column j and leaves t as it was"""
    for shape, j in (((3, 5), 2), ((2, 3), 1), ((3, 5), 4), ((4, 4), 0)):
        expect_zeroed(student, draw(rng, *shape), j)


def test_zero_column__negative(student: Student, rng: torch.Generator) -> None:
    """counts a negative j from the end"""
    for j in (-1, -2, -4):
        expect_zeroed(student, draw(rng, 3, 4), j)
    expect_zeroed(student, draw(rng, 5, 1), -1)


def test_zero_column__not_finite(student: Student, rng: torch.Generator) -> None:
    """puts zeros where the column held nan or inf, and keeps these elsewhere"""
    t = draw(rng, 3, 4)
    t[:, 1] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    t[0, 3] = float("inf")
    for j in (1, -3):
        expect_equal(student.call("zero_column", t, j), zeroed(t, j), f"the result for j = {j}")


def test_zero_column__any_tensor(student: Student, rng: torch.Generator) -> None:
    """works for every dtype, memory layout and size, and for tensors that require grad"""
    for dtype in DTYPES:
        expect_zeroed(student, scattered(draw(rng, 4, 3, dtype=dtype)), 1)
    expect_zeroed(student, draw(rng, 1, 3).expand(4, 3), 2)
    expect_zeroed(student, draw(rng, 1, 6), 5)
    expect_zeroed(student, draw(rng, 5, 1), 0)
    expect_zeroed(student, draw(rng, 1, 1), 0)
    expect_zeroed(student, draw(rng, 2, 3).requires_grad_(), 1)


def zero_then_write(module: Any, t: torch.Tensor, j: int, written: torch.Tensor) -> torch.Tensor:
    result = module.zero_column(t, j)
    if isinstance(result, torch.Tensor):
        result.detach().copy_(written)
    return t


def test_zero_column__copy(student: Student, rng: torch.Generator) -> None:
    """gives memory of its own, even if the column is zero already"""
    t = zeroed(draw(rng, 3, 4), 1)
    expect_unchanged(student.run(zero_then_write, t, 1, draw(rng, 3, 4)), t, "`t`")


# join ----------------------------------------------------------------------------------------------------------------

JOINED = ("the concatenation along columns", "the stack on a new first axis")


def expect_joined(student: Student, a: torch.Tensor, b: torch.Tensor) -> None:
    got, after = student.observe("join", a, b)
    pair = a.detach().numpy(), b.detach().numpy()
    columns, stack = np.concatenate(pair, axis=1), np.stack(pair)
    expect_equal(got, (torch.from_numpy(columns), torch.from_numpy(stack)), JOINED)
    expect_unchanged(after[0], a, "`a`")
    expect_unchanged(after[1], b, "`b`")


def test_join__values(student: Student, rng: torch.Generator) -> None:
    """concatenates along columns and stacks on a new first axis"""
    for shape in ((3, 5), (3, 4), (2, 2)):
        expect_joined(student, draw(rng, *shape), draw(rng, *shape))


def test_join__sizes(student: Student, rng: torch.Generator) -> None:
    """works for squares, single rows and single columns"""
    for shape in ((4, 4), (3, 3), (1, 4), (5, 1), (1, 1)):
        expect_joined(student, draw(rng, *shape), draw(rng, *shape))


def test_join__any_tensor(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype, accepts any memory layout and tensors that require grad, and leaves its inputs as they were"""
    for dtype in DTYPES:
        expect_joined(student, scattered(draw(rng, 4, 3, dtype=dtype)), draw(rng, 4, 3, dtype=dtype))
    expect_joined(student, draw(rng, 2, 3).requires_grad_(), draw(rng, 2, 3))


# products ------------------------------------------------------------------------------------------------------------

PRODUCTS = ("the element-wise product", "the matrix product")


def expect_products(student: Student, a: torch.Tensor, b: torch.Tensor, *, tolerance: float = 1e-5) -> None:
    got, after = student.observe("products", a, b)
    x, y = a.detach().numpy().astype(np.float64), b.detach().numpy().astype(np.float64)
    expected = torch.from_numpy(x * y), torch.from_numpy((x[:, None] * y[None]).sum(-1))
    expect_close(got, expected, PRODUCTS, rtol=tolerance, atol=tolerance, dtype=a.dtype)
    expect_unchanged(after[0], a, "`a`")
    expect_unchanged(after[1], b, "`b`")


def test_products__values(student: Student, rng: torch.Generator) -> None:
    """multiplies element by element, and as matrices with b transposed"""
    for shape in ((4, 4), (2, 2), (3, 5), (2, 3)):
        expect_products(student, draw(rng, *shape), draw(rng, *shape))


def test_products__sizes(student: Student, rng: torch.Generator) -> None:
    """works for wide and tall matrices, single rows and single columns"""
    for shape in ((2, 7), (6, 3), (1, 4), (5, 1), (1, 1)):
        expect_products(student, draw(rng, *shape), draw(rng, *shape))


def test_products__dtypes(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype and all the digits of float64, and works for integers"""
    a, b = draw(rng, 3, 4, dtype=torch.float64), draw(rng, 3, 4, dtype=torch.float64)
    expect_products(student, a, b, tolerance=1e-12)
    expect_products(student, draw(rng, 4, 2, dtype=torch.int64), draw(rng, 4, 2, dtype=torch.int64))


def test_products__any_tensor(student: Student, rng: torch.Generator) -> None:
    """accepts any memory layout and tensors that require grad, and leaves its inputs as they were"""
    expect_products(student, scattered(draw(rng, 3, 4)), draw(rng, 3, 4))
    expect_products(student, draw(rng, 5, 2), scattered(draw(rng, 5, 2)))
    expect_products(student, draw(rng, 2, 3).requires_grad_(), draw(rng, 2, 3).requires_grad_())


# add_in_place --------------------------------------------------------------------------------------------------------


def test_add_in_place__values(student: Student, rng: torch.Generator) -> None:
    """adds the value to t itself and returns the sum"""
    for shape, value in (((3, 5), 2.5), ((3, 5), -0.75), ((2,), 1.25)):
        t = draw(rng, *shape)
        result, (after, _) = student.observe("add_in_place", t, value)
        expect_close(result, t.double() + value, dtype=t.dtype)
        expect_close(after, t.double() + value, "`t` after the call", dtype=t.dtype)


def add_to_marked(module: Any, t: torch.Tensor, value: float, mark: int, written: torch.Tensor) -> list[Any]:
    """The mark that t carries, as the result shows it, and what the result holds once `written` is in t."""
    t.mark = mark
    result = module.add_in_place(t, value)
    t.copy_(written)
    return [getattr(result, "mark", None), result]


def test_add_in_place__same_object(student: Student, rng: torch.Generator) -> None:
    """returns the very same object, not a copy and not a view"""
    mark = int(torch.randint(1 << 40, (), generator=rng))
    written = draw(rng, 2, 3)
    got_mark, result = student.run(add_to_marked, draw(rng, 2, 3), 1.5, mark, written)
    expect_equal(result, written, "the result, read after a change of t,")
    expect(got_mark == mark, "The result shares t's memory but is another tensor object: return t itself.")


def add_through_view(module: Any, base: torch.Tensor, value: float) -> list[torch.Tensor]:
    result = module.add_in_place(base.T[1:, ::2], value)
    return [result, base]


def test_add_in_place__memory(student: Student, rng: torch.Generator) -> None:
    """changes t's own memory, so that every view of it shows the sum, also where t is a slice"""
    base = draw(rng, 5, 4)
    expected = base.clone()
    expected[::2, 1:] += 2.0
    result, after = student.run(add_through_view, base, 2.0)
    expect_close(result, expected.T[1:, ::2])
    expect_close(after, expected, "the tensor of which t is a view")


def test_add_in_place__dtypes(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype, works for any rank and adds again at each call"""
    cases = (
        (torch.float64, (2, 3, 4), 0.1),
        (torch.int64, (3, 2), 7),
        (torch.uint8, (5,), 3),
        (torch.float32, (1,), -0.5),
        (torch.float32, (1, 1), 0.0),
    )
    for dtype, shape, value in cases:
        t, exact = draw(rng, *shape, dtype=dtype), 1e-6 if dtype == torch.float32 else 1e-12
        once, (after, _) = student.observe("add_in_place", t, value)
        twice = student.call("add_in_place", after, value)
        expect_close(once, t.double() + value, f"the result for {dtype}", rtol=exact, atol=exact, dtype=dtype)
        expect_close(twice, t.double() + 2 * value, "the result of a second call", rtol=exact, atol=exact, dtype=dtype)


# flatten_images ------------------------------------------------------------------------------------------------------


def expect_flat(student: Student, x: torch.Tensor, what: str) -> None:
    result, (after,) = student.observe("flatten_images", x)
    expected = x.detach().numpy().copy(order="C").reshape(x.shape[0], int(np.prod(x.shape[1:])))
    expect_equal(result, torch.from_numpy(expected), f"the result for {what}")
    expect_unchanged(after, x)


def test_flatten_images__values(student: Student, rng: torch.Generator) -> None:
    """gives one row an image, with its elements in the order C, H, W"""
    for shape in ((5, 3, 4, 2), (2, 1, 2, 3), (6, 1, 3, 5), (2, 1, 3, 2)):
        expect_flat(student, draw(rng, *shape), f"shape {shape}")


def test_flatten_images__one(student: Student, rng: torch.Generator) -> None:
    """keeps the batch axis of a single image"""
    expect_flat(student, draw(rng, 1, 3, 2, 4), "one image")
    expect_flat(student, draw(rng, 1, 1, 1, 1), "one pixel")


def test_flatten_images__layouts(student: Student, rng: torch.Generator) -> None:
    """keeps the order C, H, W whatever the memory layout"""
    images = draw(rng, 4, 3, 5, 2)
    expect_flat(student, images.to(memory_format=torch.channels_last), "a batch in channels-last layout")
    expect_flat(student, images.transpose(2, 3), "a batch with rows and columns exchanged")
    expect_flat(student, scattered(images), "a batch that is a slice of a larger tensor")
    expect_flat(student, images[:, :1].expand(4, 3, 5, 2), "a batch of expanded images")


def test_flatten_images__none(student: Student, rng: torch.Generator) -> None:
    """gives 0 rows of C·H·W for a batch of 0 images"""
    expect_flat(student, draw(rng, 0, 3, 2, 4), "0 images")


def test_flatten_images__dtypes(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype and accepts images that require grad"""
    for dtype in DTYPES:
        expect_flat(student, draw(rng, 2, 3, 2, 2, dtype=dtype), str(dtype))
    expect_flat(student, draw(rng, 3, 2, 1, 4).requires_grad_(), "images that require grad")


# batch_of_one --------------------------------------------------------------------------------------------------------


def expect_batch(student: Student, image: torch.Tensor) -> None:
    result, (after,) = student.observe("batch_of_one", image)
    expect_equal(result, torch.from_numpy(image.detach().numpy()[None]))
    expect_unchanged(after, image, "the image")


def test_batch_of_one__values(student: Student, rng: torch.Generator) -> None:
    """puts an axis of length 1 in front and keeps the values"""
    for shape in ((3, 4, 5), (2, 2, 3), (2, 5, 1)):
        expect_batch(student, draw(rng, *shape))


def test_batch_of_one__view(student: Student, rng: torch.Generator) -> None:
    """shares memory with the image, in any memory layout"""
    for layout in (torch.clone, scattered):
        image, written = draw(rng, 3, 4, 5), draw(rng, 3, 4, 5)
        got = student.run(views, "batch_of_one", layout(image), written, 0.5)
        expect_view(got, image[None], written[None], written + 0.5)


def test_batch_of_one__any_tensor(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype, accepts gray images and images that require grad, and leaves the image as it was"""
    for dtype in DTYPES:
        expect_batch(student, scattered(draw(rng, 1, 4, 3, dtype=dtype)))
    expect_batch(student, draw(rng, 1, 1, 1))
    expect_batch(student, draw(rng, 3, 2, 4).requires_grad_())


# drop_ones -----------------------------------------------------------------------------------------------------------


def expect_dropped(student: Student, *tensors: torch.Tensor) -> None:
    observed = [student.observe("drop_ones", t) for t in tensors]  # all, before the first is judged: they tell mistakes apart
    for t, (result, (after,)) in zip(tensors, observed, strict=True):
        expected = np.squeeze(t.detach().numpy())
        expect_equal(result, torch.from_numpy(expected), f"the result for shape {tuple(t.shape)}")
        expect_unchanged(after, t)


def test_drop_ones__values(student: Student, rng: torch.Generator) -> None:
    """removes every axis of length 1, wherever it is, and keeps the values"""
    expect_dropped(
        student, *(draw(rng, *shape) for shape in ((1, 3, 1, 4, 1), (1, 3, 1, 2), (2, 1, 5, 1, 3), (2, 1, 1, 5), (1, 1, 1, 6)))
    )


def test_drop_ones__other_sizes(student: Student, rng: torch.Generator) -> None:
    """keeps a shape without ones, and an axis of length 0, and leaves no axis where all have length 1"""
    for shape in ((2, 3), (1, 0, 3), (4,), (3, 2, 5), (), (1,), (1, 1), (1, 1, 1), (5, 1), (1, 2)):
        expect_dropped(student, draw(rng, *shape))


def test_drop_ones__any_tensor(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype, accepts any memory layout and tensors that require grad, and leaves its input as it was"""
    for dtype in DTYPES:
        expect_dropped(student, scattered(draw(rng, 3, 1, 4, dtype=dtype)))
    expect_dropped(student, draw(rng, 1, 2, 1, 3).requires_grad_())


# channels_last -------------------------------------------------------------------------------------------------------


def expect_last(student: Student, image: torch.Tensor) -> None:
    result, (after,) = student.observe("channels_last", image)
    expect_equal(result, torch.from_numpy(np.moveaxis(image.detach().numpy(), 0, 2).copy()))
    expect_unchanged(after, image, "the image")


def test_channels_last__values(student: Student, rng: torch.Generator) -> None:
    """moves the channels to the last axis and keeps every pixel in its place"""
    for shape in ((3, 4, 5), (3, 3, 3), (2, 2, 3), (2, 6, 4)):
        expect_last(student, draw(rng, *shape))


def test_channels_last__view(student: Student, rng: torch.Generator) -> None:
    """shares memory with the image, in any memory layout"""
    for layout in (torch.clone, scattered):
        image, written = draw(rng, 3, 4, 5), draw(rng, 3, 4, 5)
        got = student.run(views, "channels_last", layout(image), written, 0.5)
        expect_view(got, image.permute(1, 2, 0), written.permute(1, 2, 0), written + 0.5)


def test_channels_last__any_tensor(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype, accepts gray images and images that require grad, and leaves the image as it was"""
    for dtype in DTYPES:
        expect_last(student, scattered(draw(rng, 1, 4, 3, dtype=dtype)))
    expect_last(student, draw(rng, 4, 1, 2))
    expect_last(student, draw(rng, 1, 1, 1))
    expect_last(student, draw(rng, 3, 2, 4).requires_grad_())


# to_numpy_shared -----------------------------------------------------------------------------------------------------


def array_sharing(module: Any, t: torch.Tensor, written: torch.Tensor) -> list[Any]:
    """The result, and what it holds once `written` is in t."""
    array = module.to_numpy_shared(t)
    if not isinstance(array, np.ndarray):
        return [array, None]
    array = memory_of(array)
    first = array.copy()
    t.detach().copy_(written)
    return [first, array]


def array_sharing_computed(module: Any, t: torch.Tensor, written: torch.Tensor) -> list[Any]:
    """The same for a tensor that autograd has recorded."""
    return array_sharing(module, t.abs(), written)


def expect_array_sharing(got: Any, t: torch.Tensor, written: torch.Tensor) -> None:
    expect_array(got[0], t.detach().numpy())
    expect_array(got[1], written.numpy(), "the array, read after a change of the tensor,")


def test_to_numpy_shared__memory(student: Student, rng: torch.Generator) -> None:
    """gives an array that shows a change of the tensor"""
    for shape in ((3, 5), (3,), (1,), ()):
        t, written = draw(rng, *shape), draw(rng, *shape)
        expect_array_sharing(student.run(array_sharing, t, written), t, written)


def test_to_numpy_shared__requires_grad(student: Student, rng: torch.Generator) -> None:
    """shares the memory of a tensor that requires grad, which it still does afterwards"""
    t, written = draw(rng, 2, 4).requires_grad_(), draw(rng, 2, 4)
    array, (after,) = student.observe("to_numpy_shared", t)
    expect_array(array, t.detach().numpy())
    expect_unchanged(after, t)
    expect_array_sharing(student.run(array_sharing, t, written), t, written)
    expect_array_sharing(student.run(array_sharing_computed, t, written), t.abs(), written)


def test_to_numpy_shared__any_tensor(student: Student, rng: torch.Generator) -> None:
    """keeps dtype and shape, shares memory in any layout, and leaves its input as it was"""
    for dtype in (*DTYPES, torch.bool):
        t, written = (scattered(draw(rng, 2, 1, 3, dtype=dtype)) for _ in range(2))
        expect_array_sharing(student.run(array_sharing, t, written), t, written)
        result, (after,) = student.observe("to_numpy_shared", t)
        expect_array(result, t.numpy())
        expect_unchanged(after, t)


# as_number -----------------------------------------------------------------------------------------------------------


def number_and_type(module: Any, t: torch.Tensor) -> list[Any]:
    """The result and its type's name, which the way back would not keep for a NumPy scalar."""
    result = module.as_number(t)
    return [result, f"{type(result).__module__}.{type(result).__qualname__}"]


def expect_number(student: Student, t: torch.Tensor) -> None:
    expected = t.detach().flatten().tolist()[0]
    result, kind = student.run(number_and_type, t)
    wanted, came = type(expected).__name__, kind.removeprefix("builtins.")
    expect(came == wanted, f"The result for {t.dtype} should be a Python {wanted}, but its type is {came}.")
    expect_equal(result, expected)


def test_as_number__values(student: Student, rng: torch.Generator) -> None:
    """gives the Python float of a one-element tensor, with no, one, two and more axes"""
    for shape in ((), (1,), (1, 1), (1, 1, 1), (1, 1, 1, 1)):
        expect_number(student, draw(rng, *shape))


def test_as_number__types(student: Student, rng: torch.Generator) -> None:
    """gives an int for integers and a bool for truth values, zero and one too"""
    for dtype in (torch.int64, torch.uint8, torch.int32, torch.bool):
        for t in (draw(rng, 1, 1, dtype=dtype), torch.zeros((), dtype=dtype), torch.ones(1, dtype=dtype)):
            expect_number(student, t)
    expect_number(student, torch.zeros(1, 1))


def test_as_number__digits(student: Student, rng: torch.Generator) -> None:
    """keeps the sign and every digit of large integers and of float64"""
    offset = int(torch.randint(1 << 20, (), generator=rng)) * 2 + 1
    for number in (2**60 + offset, -offset):
        expect_number(student, torch.tensor([number]))
    expect_number(student, draw(rng, 1, dtype=torch.float64))
    expect_number(student, draw(rng, 1, 1, dtype=torch.float16))


def test_as_number__input(student: Student, rng: torch.Generator) -> None:
    """works for a tensor that requires grad and leaves its input as it was"""
    for t in (draw(rng, 1, 1).requires_grad_(), draw(rng).requires_grad_(), draw(rng, 1, 1, 1, 1)):
        expect_number(student, t)
        _, (after,) = student.observe("as_number", t)
        expect_unchanged(after, t)


# normalize -----------------------------------------------------------------------------------------------------------


def expect_normalized(
    student: Student, images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, *, tolerance: float = 1e-4
) -> None:
    got, after = student.observe("normalize", images, mean, std)
    x, m, s = (t.detach().numpy().astype(np.float64) for t in (images, mean, std))
    expected = np.stack([(x[:, c] - m[c]) / s[c] for c in range(len(m))], axis=1)
    expect_close(got, torch.from_numpy(expected), rtol=tolerance, atol=tolerance / 10, dtype=images.dtype)
    for now, before, name in zip(after, (images, mean, std), ("`images`", "`mean`", "`std`"), strict=True):
        expect_unchanged(now, before, name)


def statistics(rng: torch.Generator, channels: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, all of them far from 0 and 1."""
    return draw(rng, channels, dtype=dtype) + 3, torch.rand(channels, generator=rng, dtype=dtype) + 1.5


def test_normalize__values(student: Student, rng: torch.Generator) -> None:
    """subtracts each channel's mean and divides by its standard deviation, and changes none of its inputs"""
    # All sizes equal: a mean along the wrong axis broadcasts without an error.
    for shape in ((4, 4, 4, 4), (2, 3, 5, 3), (2, 3, 5, 4), (1, 2, 1, 2)):
        expect_normalized(student, draw(rng, *shape), *statistics(rng, shape[1]))


def test_normalize__sizes(student: Student, rng: torch.Generator) -> None:
    """works for one image, for one channel and for any number of channels"""
    for shape in ((1, 3, 4, 5), (6, 1, 2, 3), (3, 7, 1, 2), (1, 1, 1, 1)):
        expect_normalized(student, draw(rng, *shape), *statistics(rng, shape[1]))


def test_normalize__float64(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype and the digits of float64"""
    # Far from 0, float32 keeps no digit of such small differences; a guard of 1e-6 or less added to std is free.
    images = draw(rng, 2, 3, 4, 5, dtype=torch.float64) + 1e4
    mean, std = statistics(rng, 3, torch.float64)
    expect_normalized(student, images, mean + 1e4, std, tolerance=1e-6)


def test_normalize__any_tensor(student: Student, rng: torch.Generator) -> None:
    """accepts any memory layout and images that require grad"""
    mean, std = statistics(rng, 3)
    expect_normalized(student, scattered(draw(rng, 2, 3, 4, 5)), scattered(mean), scattered(std))
    expect_normalized(student, draw(rng, 5, 1, 4, 2).expand(5, 3, 4, 2), mean, std)
    expect_normalized(student, draw(rng, 2, 3, 1, 4).requires_grad_(), mean, std)
