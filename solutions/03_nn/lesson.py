"""What the lesson takes for granted: an optimizer and its scheduler."""

import torch

epochs, sgd = 2, torch.optim.SGD([torch.zeros(1)], lr=0.8)
scheduler = torch.optim.lr_scheduler.ExponentialLR(sgd, 0.5)
