import torch as T

from_rows = T.Tensor
from_numpy_shared = T.as_tensor
like = lambda t: [T.ones_like(t), T.rand(t.shape, device=t.device)]
describe = lambda t: (t.shape, t.dtype, t.device)
zero_column = lambda t, j: t.index_fill(1, T.tensor(j % t.shape[1]), 0)
join = lambda a, b: (T.hstack((a, b)), T.stack((a, b)))
products = lambda a, b: (a * b, T.inner(a, b))
add_in_place = T.Tensor.add_
flatten_images = lambda x: x.flatten(1)
batch_of_one = lambda i: i[None]
drop_ones = T.squeeze
channels_last = lambda i: i.movedim(0, -1)
to_numpy_shared = lambda t: t.data.numpy()
as_number = T.Tensor.item
normalize = lambda x, m, s: (x - m[:, None, None]) / s[:, None, None]
