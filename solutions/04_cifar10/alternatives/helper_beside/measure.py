import math

import torch


def predict(net, images):
    with torch.no_grad():
        return torch.argmax(net(images), dim=-1)


def labels_and_guesses(net, loader):
    was = net.training
    net.eval()
    try:
        for images, labels in loader:
            yield from zip(labels.tolist(), predict(net, images).tolist())
    finally:
        net.train(was)


def accuracy(net, loader):
    hits = [label == guess for label, guess in labels_and_guesses(net, loader)]
    return sum(hits) / len(hits)


def per_class_accuracy(net, loader, classes):
    hits = {name: [] for name in classes}
    for label, guess in labels_and_guesses(net, loader):
        hits[classes[label]].append(label == guess)
    return {name: sum(found) / len(found) if found else math.nan for name, found in hits.items()}
