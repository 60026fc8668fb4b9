"""Checks of topic 01 that you can follow on paper: `pytest exercises/01_tensors`, or one task: add `-k join`.

`student` calls your functions: `student.call("join", a, b)` is what your `join(a, b)` returns, and `student.observe`
also gives the arguments as your function left them. `student.run` runs a small function next to your module.
"""

from typing import Any

import numpy as np
import torch

from autograder import Student, expect, expect_close, expect_dtype, expect_equal, expect_shape, expect_unchanged

# 2 images of 1 channel, 2 rows and 3 columns: the second image holds 6 to 11.
IMAGES = torch.arange(12.0).reshape(2, 1, 2, 3)

# 1 image of 2 channels, 2 rows and 3 columns.
IMAGE = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]]])


# from_rows -----------------------------------------------------------------------------------------------------------


def test_from_rows__floats(student: Student, rng: torch.Generator) -> None:
    """turns 2 rows of 3 numbers into a float32 tensor of shape (2, 3)"""
    result = student.call("from_rows", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.1]])
    expect_close(result, torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.1]]), dtype=torch.float32)


def test_from_rows__ints(student: Student, rng: torch.Generator) -> None:
    """gives float32 for whole numbers too, where PyTorch would choose int64"""
    result = student.call("from_rows", [[1, 2], [3, 4]])
    expect_close(result, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dtype=torch.float32)


def test_from_rows__one_row(student: Student, rng: torch.Generator) -> None:
    """keeps both axes of a single row"""
    expect_close(student.call("from_rows", [[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 2.0, 3.0]]))


# from_numpy_shared ---------------------------------------------------------------------------------------------------


def write_to_array(module: Any) -> list[Any]:
    """Change the array once the tensor is there."""
    array = np.array([1.0, 2.0, 3.0])
    result = module.from_numpy_shared(array)
    array[0] = 7.0
    return [result, array]


def write_to_tensor(module: Any) -> list[Any]:
    """Change the tensor and look at the array."""
    array = np.array([1.0, 2.0, 3.0])
    result = module.from_numpy_shared(array)
    if isinstance(result, torch.Tensor):
        result[2] = 9.0
    return [result, array]


def test_from_numpy_shared__values(student: Student, rng: torch.Generator) -> None:
    """gives a tensor with the array's values, shape and dtype"""
    expect_equal(student.call("from_numpy_shared", np.array([[1, 2], [3, 4]])), torch.tensor([[1, 2], [3, 4]]))


def test_from_numpy_shared__memory(student: Student, rng: torch.Generator) -> None:
    """shows a change of the array in the tensor, and the other way round"""
    tensor, _ = student.run(write_to_array)
    expect_close(tensor, torch.tensor([7.0, 2.0, 3.0]), "the tensor after array[0] = 7", dtype=torch.float64)
    _, array = student.run(write_to_tensor)
    expect_close(array, np.array([1.0, 2.0, 9.0]), "the array after tensor[2] = 9")


# like ----------------------------------------------------------------------------------------------------------------


def test_like__ones(student: Student, rng: torch.Generator) -> None:
    """gives ones of the input's shape and dtype"""
    for t in (torch.zeros(2, 3), torch.tensor([5, 6, 7])):
        result = student.call("like", t)
        expect(isinstance(result, tuple | list) and len(result) == 2, "Return two tensors: `return ones, noise`.")
        expect_equal(result[0], torch.ones(t.shape, dtype=t.dtype), f"the tensor of ones for {t.dtype}")


def test_like__noise(student: Student, rng: torch.Generator) -> None:
    """gives float32 noise in [0, 1) of the input's shape, whatever the input's dtype"""
    for t in (torch.zeros(20, 30), torch.zeros(4, 5, dtype=torch.int64)):
        noise = student.call("like", t)[1]
        expect_shape(noise, t.shape, f"the noise for {t.dtype}")
        expect_dtype(noise, torch.float32, f"the noise for {t.dtype}")
        inside = bool(((noise >= 0) & (noise < 1)).all())
        expect(inside, "Some of the noise lies outside [0, 1). torch.rand is uniform in [0, 1), torch.randn is not.")


def noise_twice(module: Any) -> list[Any]:
    """The noise of two calls in a row."""
    return [module.like(torch.zeros(2, 3))[1], module.like(torch.zeros(2, 3))[1]]


def test_like__fresh(student: Student, rng: torch.Generator) -> None:
    """gives other noise at the next call"""
    first, second = student.run(noise_twice)
    expect_shape(first, (2, 3), "the noise")
    expect_shape(second, (2, 3), "the noise of the second call")
    expect(not torch.equal(first, second), "Two calls gave the same noise. Do not set a seed inside the function.")


# describe ------------------------------------------------------------------------------------------------------------

PARTS = ("the shape", "the dtype", "the device")


def test_describe__matrix(student: Student, rng: torch.Generator) -> None:
    """gives the shape, dtype and device of a float32 matrix"""
    expect_equal(student.call("describe", torch.zeros(2, 3)), ((2, 3), torch.float32, torch.device("cpu")), PARTS)


def test_describe__ints(student: Student, rng: torch.Generator) -> None:
    """gives the shape, dtype and device of a list of integers and of a single number"""
    expect_equal(student.call("describe", torch.tensor([1, 2, 3])), ((3,), torch.int64, torch.device("cpu")), PARTS)
    expect_equal(student.call("describe", torch.tensor(2.5)), ((), torch.float32, torch.device("cpu")), PARTS)


# zero_column ---------------------------------------------------------------------------------------------------------


def test_zero_column__values(student: Student, rng: torch.Generator) -> None:
    """sets column 1 to zero in a copy"""
    t = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    result, (after, _) = student.observe("zero_column", t, 1)
    expect_close(result, torch.tensor([[1.0, 0.0, 3.0], [4.0, 0.0, 6.0]]), dtype=torch.float32)
    expect_unchanged(after, t, "`t`")


def test_zero_column__last(student: Student, rng: torch.Generator) -> None:
    """understands j = -1 as the last column"""
    result = student.call("zero_column", torch.tensor([[1, 2, 3], [4, 5, 6]]), -1)
    expect_equal(result, torch.tensor([[1, 2, 0], [4, 5, 0]]))


def test_zero_column__nan(student: Student, rng: torch.Generator) -> None:
    """puts zero where the column held nan"""
    result = student.call("zero_column", torch.tensor([[float("nan"), 2.0]]), 0)
    expect_close(result, torch.tensor([[0.0, 2.0]]))


# join ----------------------------------------------------------------------------------------------------------------

JOINED = ("the concatenation along columns", "the stack on a new first axis")


def test_join__two_rows(student: Student, rng: torch.Generator) -> None:
    """puts two 2 by 2 matrices side by side, and on top of each other on a new axis"""
    a, b = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    side_by_side = torch.tensor([[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 8.0]])
    stacked = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    expect_close(student.call("join", a, b), (side_by_side, stacked), JOINED, dtype=torch.float32)


def test_join__ints(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype of whole numbers"""
    a, b = torch.tensor([[1, 2]]), torch.tensor([[3, 4]])
    expected = (torch.tensor([[1, 2, 3, 4]]), torch.tensor([[[1, 2]], [[3, 4]]]))
    expect_equal(student.call("join", a, b), expected, JOINED)


def test_join__shapes(student: Student, rng: torch.Generator) -> None:
    """gives shapes (3, 8) and (2, 3, 4) for two matrices of shape (3, 4)"""
    result = student.call("join", torch.zeros(3, 4), torch.ones(3, 4))
    expect(isinstance(result, tuple | list) and len(result) == 2, "Return two tensors: `return side_by_side, stacked`.")
    expect_shape(result[0], (3, 8), JOINED[0])
    expect_shape(result[1], (2, 3, 4), JOINED[1])


# products ------------------------------------------------------------------------------------------------------------

PRODUCTS = ("the element-wise product", "the matrix product")


def test_products__values(student: Student, rng: torch.Generator) -> None:
    """multiplies two 2 by 2 matrices element by element, and rows of a with rows of b"""
    a, b = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    # Top right of the matrix product: row 0 of a with row 1 of b, 1·7 + 2·8 = 23.
    expected = (torch.tensor([[5.0, 12.0], [21.0, 32.0]]), torch.tensor([[17.0, 23.0], [39.0, 53.0]]))
    expect_close(student.call("products", a, b), expected, PRODUCTS, dtype=torch.float32)


def test_products__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64 and all its digits: 0.1 · 0.3 + 0.2 · 0.7 = 0.17"""
    a, b = torch.tensor([[0.1, 0.2]], dtype=torch.float64), torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    expected = (torch.tensor([[0.03, 0.14]], dtype=torch.float64), torch.tensor([[0.17]], dtype=torch.float64))
    expect_close(student.call("products", a, b), expected, PRODUCTS, rtol=1e-12, atol=1e-12, dtype=torch.float64)


def test_products__shapes(student: Student, rng: torch.Generator) -> None:
    """gives shapes (2, 3) and (2, 2) for two matrices of shape (2, 3)"""
    result = student.call("products", torch.ones(2, 3), torch.ones(2, 3))
    expect(isinstance(result, tuple | list) and len(result) == 2, "Return two tensors: `return elementwise, matrix`.")
    expect_shape(result[0], (2, 3), PRODUCTS[0])
    expect_shape(result[1], (2, 2), PRODUCTS[1])


# add_in_place --------------------------------------------------------------------------------------------------------


def test_add_in_place__values(student: Student, rng: torch.Generator) -> None:
    """adds 3 to every element of t itself"""
    result, (after, _) = student.observe("add_in_place", torch.tensor([1.0, 2.0]), 3.0)
    expect_close(result, torch.tensor([4.0, 5.0]), dtype=torch.float32)
    expect_close(after, torch.tensor([4.0, 5.0]), "`t` after the call", dtype=torch.float32)


def add_to_labelled(module: Any) -> str:
    """Put a label on t, and read it from the result."""
    t = torch.tensor([1.0, 2.0])
    t.label = "this is t"
    return getattr(module.add_in_place(t, 3.0), "label", "this is another tensor")


def test_add_in_place__same_object(student: Student, rng: torch.Generator) -> None:
    """returns t itself, not another tensor with the same values"""
    label = student.run(add_to_labelled)
    expect(label == "this is t", "The result is another tensor object than t: change t in place and return it.")


# flatten_images ------------------------------------------------------------------------------------------------------


def test_flatten_images__values(student: Student, rng: torch.Generator) -> None:
    """turns 2 images of 1 channel, 2 rows and 3 columns into 2 rows of 6"""
    expected = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]])
    expect_close(student.call("flatten_images", IMAGES), expected, dtype=torch.float32)


def test_flatten_images__two_channels(student: Student, rng: torch.Generator) -> None:
    """gives all of the first channel, row after row, and then all of the second"""
    expected = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]])
    expect_close(student.call("flatten_images", IMAGE.unsqueeze(0)), expected)


def test_flatten_images__not_contiguous(student: Student, rng: torch.Generator) -> None:
    """follows the order C, H, W also where rows and columns are exchanged in memory"""
    expected = torch.tensor([[0.0, 3.0, 1.0, 4.0, 2.0, 5.0], [6.0, 9.0, 7.0, 10.0, 8.0, 11.0]])
    expect_close(student.call("flatten_images", IMAGES.transpose(2, 3)), expected)


def test_flatten_images__batch_sizes(student: Student, rng: torch.Generator) -> None:
    """keeps the batch axis of one image and of none"""
    expect_shape(student.call("flatten_images", torch.zeros(1, 3, 2, 2)), (1, 12), "the result for 1 image")
    expect_shape(student.call("flatten_images", torch.zeros(0, 3, 2, 2)), (0, 12), "the result for 0 images")


# batch_of_one --------------------------------------------------------------------------------------------------------


def test_batch_of_one__values(student: Student, rng: torch.Generator) -> None:
    """gives shape (1, 2, 2, 3) for an image of shape (2, 2, 3)"""
    result, (after,) = student.observe("batch_of_one", IMAGE)
    expect_shape(result, (1, 2, 2, 3))
    expect_close(result[0], IMAGE, "the image in the batch")
    expect_unchanged(after, IMAGE, "the image")


def change_image_of_batch(module: Any) -> Any:
    """Change the image once the batch is there."""
    image = torch.zeros(1, 1, 2)
    batch = module.batch_of_one(image)
    image[0, 0, 1] = 5.0
    return batch


def test_batch_of_one__view(student: Student, rng: torch.Generator) -> None:
    """shows a later change of the image in the batch, because both use the same memory"""
    expected = torch.tensor([[[[0.0, 5.0]]]])
    expect_close(student.run(change_image_of_batch), expected, "the batch after image[0, 0, 1] = 5")


# drop_ones -----------------------------------------------------------------------------------------------------------


def test_drop_ones__shapes(student: Student, rng: torch.Generator) -> None:
    """turns shape (1, 3, 1, 2) into (3, 2) and leaves (3, 2) as it is"""
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    for shape in ((1, 3, 1, 2), (3, 1, 2, 1), (3, 2)):
        t = values.reshape(shape)
        result, (after,) = student.observe("drop_ones", t)
        expect_close(result, values, f"the result for shape {shape}")
        expect_unchanged(after, t, "`t`")


def test_drop_ones__empty(student: Student, rng: torch.Generator) -> None:
    """keeps an axis of length 0: shape (1, 0, 2) becomes (0, 2)"""
    expect_shape(student.call("drop_ones", torch.zeros(1, 0, 2)), (0, 2))


def test_drop_ones__single(student: Student, rng: torch.Generator) -> None:
    """leaves no axis of a tensor of shape (1, 1)"""
    result = student.call("drop_ones", torch.tensor([[8.0]]))
    expect_shape(result, ())
    expect_close(result, 8.0)


# channels_last -------------------------------------------------------------------------------------------------------


def test_channels_last__values(student: Student, rng: torch.Generator) -> None:
    """collects the channels of each pixel"""
    expected = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], [[4.0, 40.0], [5.0, 50.0], [6.0, 60.0]]])
    expect_close(student.call("channels_last", IMAGE), expected, dtype=torch.float32)


def change_image_of_result(module: Any) -> Any:
    """Change the image once the result is there."""
    image = torch.zeros(1, 2, 2)
    result = module.channels_last(image)
    image[0, 0, 1] = 5.0
    return result


def test_channels_last__memory(student: Student, rng: torch.Generator) -> None:
    """shows a later change of the image in the result, because both use the same memory"""
    expected = torch.tensor([[[0.0], [5.0]], [[0.0], [0.0]]])
    expect_close(student.run(change_image_of_result), expected, "the result after image[0, 0, 1] = 5")


# to_numpy_shared -----------------------------------------------------------------------------------------------------


def write_before_reading(module: Any) -> Any:
    """Change the tensor once the array is there."""
    t = torch.tensor([1.0, 2.0, 3.0])
    array = module.to_numpy_shared(t)
    t[1] = 8.0
    return array


def test_to_numpy_shared__memory(student: Student, rng: torch.Generator) -> None:
    """gives a NumPy array that shows a later change of the tensor"""
    array = student.run(write_before_reading)
    expect(isinstance(array, np.ndarray), "The result should be a NumPy array: a tensor has a method that gives one.")
    expect_close(array, np.array([1.0, 8.0, 3.0]), "the array after t[1] = 8", dtype=torch.float32)


def test_to_numpy_shared__requires_grad(student: Student, rng: torch.Generator) -> None:
    """works for a tensor that requires grad and leaves it so"""
    t = torch.tensor([1.0, 2.0], requires_grad=True)
    array, (after,) = student.observe("to_numpy_shared", t)
    expect_close(array, np.array([1.0, 2.0]))
    expect_unchanged(after, t, "`t`")


# as_number -----------------------------------------------------------------------------------------------------------


def number_and_type(module: Any, t: torch.Tensor) -> list[Any]:
    """The result and the name of its type."""
    number = module.as_number(t)
    return [number, f"{type(number).__module__}.{type(number).__name__}"]


def test_as_number__float(student: Student, rng: torch.Generator) -> None:
    """takes the Python float out of tensors with no axis, one axis and three axes"""
    for t in (torch.tensor(2.5), torch.tensor([2.5]), torch.tensor([[[2.5]]])):
        number, kind = student.run(number_and_type, t)
        expect(kind == "builtins.float", f"The result for {t} should be a Python float, but its type is {kind}.")
        expect_close(number, 2.5)


def test_as_number__int(student: Student, rng: torch.Generator) -> None:
    """gives an int for a tensor of integers"""
    number, kind = student.run(number_and_type, torch.tensor([7]))
    expect(kind == "builtins.int", f"The result should be a Python int, but its type is {kind}.")
    expect_equal(number, 7)


# normalize -----------------------------------------------------------------------------------------------------------


def test_normalize__one_channel(student: Student, rng: torch.Generator) -> None:
    """computes (5 - 3) / 2 = 1 for every element of a channel with mean 3 and std 2"""
    images, mean, std = torch.full((1, 1, 2, 2), 5.0), torch.tensor([3.0]), torch.tensor([2.0])
    result, after = student.observe("normalize", images, mean, std)
    expect_close(result, torch.ones(1, 1, 2, 2), dtype=torch.float32)
    for left, before, name in zip(after, (images, mean, std), ("`images`", "`mean`", "`std`"), strict=True):
        expect_unchanged(left, before, name)


def test_normalize__two_channels(student: Student, rng: torch.Generator) -> None:
    """gives each channel its own mean and std, also where there are as many columns as channels"""
    images = torch.tensor([[[[1.0, 2.0]], [[30.0, 40.0]]]])  # shape (1, 2, 1, 2)
    result = student.call("normalize", images, torch.tensor([1.0, 20.0]), torch.tensor([1.0, 10.0]))
    expect_close(result, torch.tensor([[[[0.0, 1.0]], [[1.0, 2.0]]]]))


def test_normalize__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64's digits: (1000000.1 - 1000000) / 2 = 0.05"""
    images = torch.full((1, 1, 1, 1), 1000000.1, dtype=torch.float64)
    mean, std = torch.tensor([1e6], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
    expected = torch.full((1, 1, 1, 1), 0.05, dtype=torch.float64)
    expect_close(student.call("normalize", images, mean, std), expected, rtol=1e-6, atol=1e-8, dtype=torch.float64)


def test_normalize__shape(student: Student, rng: torch.Generator) -> None:
    """keeps the shape of a batch of 4 images with 3 channels"""
    result = student.call("normalize", torch.zeros(4, 3, 2, 5), torch.zeros(3), torch.ones(3))
    expect_shape(result, (4, 3, 2, 5))
