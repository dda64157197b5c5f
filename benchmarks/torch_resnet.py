"""ResNet-18 in plain PyTorch, layer by layer as `datamix_tf.models.resnet.resnet18`, for comparison."""

from __future__ import annotations

import torch
from torch import nn


def resnet18(channels: int, classes: int, width: int = 64) -> nn.Sequential:
    """ResNet-18 with the ImageNet stem: `[batch, channels, height, width] -> logits [batch, classes]`."""
    layers = [*_conv_bn(channels, width, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    before = width
    for stage in range(4):
        for block in range(2):
            after = width * 2**stage
            layers.append(_Block(before, after, 2 if stage and not block else 1))
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


class _Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.shortcut = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(*_conv_bn(before, after, 1, stride))
        self.path = nn.Sequential(
            *_conv_bn(before, after, 3, stride), nn.ReLU(inplace=True), *_conv_bn(after, after, 3, 1)
        )

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


def _conv_bn(before, after, size, stride):
    conv = nn.Conv2d(before, after, size, stride, (size - 1) // 2, bias=False)
    return conv, nn.BatchNorm2d(after, momentum=0.1, eps=1e-5)  # PyTorch's momentum is one less Keras's
