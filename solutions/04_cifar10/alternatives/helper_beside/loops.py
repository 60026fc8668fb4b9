import torch


def train(net, loader, criterion, optimizer, epochs, log_every=2000):
    means = []
    net.train()
    for epoch in range(epochs):
        window = []
        iterator = iter(loader)
        for _ in range(len(loader)):
            inputs, labels = next(iterator)
            for p in net.parameters():
                p.grad = None
            with torch.enable_grad():
                loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            window.append(loss.detach())
            if len(window) == log_every:
                means.append(torch.stack(window).mean().item())
                window = []
    return means
