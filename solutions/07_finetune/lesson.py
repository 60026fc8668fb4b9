"""What the lesson takes for granted: the module, a seed, and few images with their labels."""

import torch
from finetune import *  # noqa: F403  as the learner has it all
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
images, labels = torch.randn(20, 3, 32, 32), torch.arange(20) % 4
loader = DataLoader(TensorDataset(images, labels), batch_size=8)
