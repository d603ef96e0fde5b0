"""LaMa's generator in plain PyTorch, to time beside this project's: torch is all it needs.

    python tests/benchmarks/lama_torch.py float32 512

Written from the published table of names and shapes; with the golden recipe's weights it gives
the golden outputs to 3e-5. Prints JSON: seconds, and the peak memory of the process in GB.
"""

import json
import resource
import sys
import time

import torch
from torch import nn


class FourierUnit(nn.Module):
    """A 1 x 1 convolution of the spectrum."""

    def __init__(self, channels):
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x):
        """[B, C, H, W] to the same."""
        batch, channels, height, width = x.shape
        z = torch.view_as_real(torch.fft.rfft2(x.float(), norm="ortho"))
        z = z.permute(0, 1, 4, 2, 3).reshape(batch, 2 * channels, height, -1)
        z = torch.relu(self.bn(self.conv_layer(z))).float()
        z = z.reshape(batch, channels, 2, height, -1).permute(0, 1, 3, 4, 2).contiguous()
        return torch.fft.irfft2(torch.view_as_complex(z), s=(height, width), norm="ortho")


class Spectral(nn.Module):
    """A Fourier unit between 1 x 1 convolutions."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        enter = nn.Conv2d(channels, half, 1, bias=False)
        self.conv1 = nn.Sequential(enter, nn.BatchNorm2d(half), nn.ReLU())
        self.fu = FourierUnit(half)
        self.conv2 = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x):
        """[B, C, H, W] to the same."""
        x = self.conv1(x)
        return self.conv2(x + self.fu(x))


class FFC(nn.Module):
    """Convolutions between local and global channels, which stay apart."""

    def __init__(self, into, out, size, strides, padding, share_in, share_out):
        super().__init__()
        global_in, global_out = int(into * share_in), int(out * share_out)
        self.ffc = nn.Module()
        self.shares = bool(global_in), bool(global_out)

        def conv(a, b):
            where = {"padding": padding, "padding_mode": "reflect", "bias": False}
            return nn.Conv2d(a, b, size, strides, **where)

        self.ffc.convl2l = conv(into - global_in, out - global_out)
        self.bn_l = nn.BatchNorm2d(out - global_out)
        if global_in:
            self.ffc.convg2l = conv(global_in, out - global_out)
        if global_out:
            self.ffc.convl2g = conv(into - global_in, global_out)
            self.bn_g = nn.BatchNorm2d(global_out)
        if global_in and global_out:
            self.ffc.convg2g = Spectral(global_in)

    def forward(self, x):
        """A pair of local and global features, the latter perhaps None."""
        local, globe = x if isinstance(x, tuple) else (x, None)
        to_local = self.ffc.convl2l(local)
        if self.shares[0]:
            to_local = to_local + self.ffc.convg2l(globe)
        to_local = torch.relu(self.bn_l(to_local))
        if not self.shares[1]:
            return to_local, None
        to_global = self.ffc.convl2g(local)
        if self.shares[0]:
            to_global = to_global + self.ffc.convg2g(globe)
        return to_local, torch.relu(self.bn_g(to_global))


class Block(nn.Module):
    """Two layers beside the identity."""

    def __init__(self, channels, share):
        super().__init__()
        self.conv1 = FFC(channels, channels, 3, 1, 1, share, share)
        self.conv2 = FFC(channels, channels, 3, 1, 1, share, share)

    def forward(self, x):
        """A pair to a pair."""
        local, globe = self.conv2(self.conv1(x))
        return x[0] + local, x[1] + globe


class Join(nn.Module):
    """Local before global channels."""

    def forward(self, x):
        """A pair to one map."""
        return torch.cat(x, 1)


def generator(width=64, blocks=18, share=0.75):
    """Big-lama's generator as a module; `model.N` of its state dict are the children."""
    layers = [nn.ReflectionPad2d(3), FFC(4, width, 7, 1, 0, 0, 0)]
    for i, last in enumerate((0, 0, share)):
        layers.append(FFC(width << i, width << i + 1, 3, 2, 1, 0, last))
    layers += [Block(8 * width, share) for _ in range(blocks)] + [Join()]
    for i in (2, 1, 0):
        up = nn.ConvTranspose2d(width << i + 1, width << i, 3, 2, 1, 1)
        layers += [up, nn.BatchNorm2d(width << i), nn.ReLU()]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Sigmoid()]
    return nn.Sequential(*layers).eval()


def main():
    """Times one number format at one size."""
    dtype, side, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    network, x = generator(), torch.rand(1, 4, side, side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=dtype != "float32"):
        for _ in range(repeats):
            started = time.perf_counter()
            network(x)
            seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": min(seconds), "gb": (peak - before) / 1e6}))


if __name__ == "__main__":
    main()
