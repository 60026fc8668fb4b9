import torch


def copied(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def relative(now, old):
    now, old = now.to(torch.float64), old.to(torch.float64)
    size = torch.linalg.norm(old.flatten())
    moved = torch.linalg.norm((now - old).flatten())
    return (moved / size).item() if size else moved.item()
