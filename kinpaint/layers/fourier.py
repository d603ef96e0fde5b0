"""Fast Fourier convolution: a layer that sees the whole picture from the first block on.

Chi et al. 2020, "Fast Fourier Convolution", as used by LaMa (Suvorov et al. 2022, section
2.1). The channels of a feature map are of two kinds, local ones first, then global ones; both
stand in one tensor [B, H, W, C], and `share` is the part of C that is global:

    local out  = conv(local and global in)
    global out = conv(local in) + spectral transform(global in)

A 3 x 3 convolution sees three pixels; a 1 x 1 convolution of a spectrum mixes all of them.

The spectrum of a real picture is that of `rfft2`: [B, H, W // 2 + 1, C], complex, divided by
sqrt(H W) both ways ("ortho"). Its numbers become channels in turn, real, imaginary, real, ...
Fourier transforms and what stands between them are float32 under every policy: there is no
transform of 16 bit numbers, and the first coefficient is sqrt(H W) times the mean.
"""

import keras
from keras import ops

from kinpaint.layers.batch_norm import BatchNorm
from kinpaint.layers.part import part


def reflect(x, margin):
    """[B, H, W, C] to [B, H + 2 margin, W + 2 margin, C] by reflection: c b | a b c | b a.

    Any height and width will do, since indices are folded as often as needed. The rows are cut
    out and joined, which is twice as fast as TensorFlow's own pad on CPUs.
    """
    for axis in (1, 2) if margin else ():
        size = ops.shape(x)[axis]
        last = size - 1
        before = [_folded(k, last) for k in range(margin, 0, -1)]
        after = [last - _folded(k, last) for k in range(1, margin + 1)]
        rows = [part(x, {axis: (index, 1)}) for index in before + after]
        x = ops.concatenate([*rows[:margin], x, *rows[margin:]], axis=axis)
    return x


def _folded(index, last):
    """Where `index` >= 0 comes to lie in 0 .. last when it turns back at both ends."""
    if isinstance(last, int):
        index %= max(2 * last, 1)
        return min(index, 2 * last - index) if last else 0
    index %= ops.maximum(2 * last, 1)
    return ops.minimum(index, ops.abs(2 * last - index))


def spectrum(x):
    """float32 [B, H, W, C] to its spectrum [B, H, W // 2 + 1, 2 C], parts in turn."""
    _, height, width, channels = ops.shape(x)
    x = ops.transpose(x, (0, 3, 1, 2))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        z = tf.signal.rfft2d(x)
        parts = tf.math.real(z), tf.math.imag(z)
    else:
        parts = _rfft2(x)
    z = ops.transpose(ops.stack(parts, axis=2), (0, 3, 4, 1, 2))
    z = ops.reshape(z, (-1, height, width // 2 + 1, 2 * channels))
    return z / _root(height, width)


def picture(z, height, width):
    """The inverse of `spectrum`: [B, H, W // 2 + 1, 2 C] to [B, H, W, C].

    What a network made need not be the spectrum of a real picture. Then it is the complex
    inverse along the height, and along the width a real inverse that ignores the imaginary
    parts of the first column and, for even widths, of the last, as PyTorch, NumPy and
    TensorFlow have it on CPUs.
    """
    channels = z.shape[-1] // 2
    z = ops.reshape(z, (-1, height, width // 2 + 1, channels, 2)) * _root(height, width)
    real, imaginary = (ops.transpose(z[..., k], (0, 3, 1, 2)) for k in range(2))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        x = tf.signal.irfft2d(tf.complex(real, imaginary), [height, width])
    else:
        x = _irfft2(real, imaginary, width)
    return ops.transpose(ops.reshape(x, (-1, channels, height, width)), (0, 2, 3, 1))


def _rfft2(x):
    """Real and imaginary part of the transform of [..., H, W], one axis after the other."""
    along_width = [ops.swapaxes(part, -1, -2) for part in ops.rfft(x)]
    return [ops.swapaxes(part, -1, -2) for part in ops.fft(along_width)]


def _irfft2(real, imaginary, width):
    """Its inverse. Keras has no `ifft`, which is `fft` with both parts exchanged, over H."""
    swapped = [ops.swapaxes(part, -1, -2) for part in (imaginary, real)]
    imaginary, real = (ops.swapaxes(part, -1, -2) for part in ops.fft(swapped))
    return ops.irfft((real, imaginary), fft_length=width) / ops.cast(
        ops.shape(real)[-2], "float32"
    )


def _root(height, width):
    return ops.sqrt(ops.cast(height * width, "float32"))


@keras.saving.register_keras_serializable("kinpaint.layers")
class FourierUnit(keras.layers.Layer):
    """A 1 x 1 convolution of the spectrum, with batch normalisation and ReLU.

    Args:
        filters: channels of the output.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.conv = keras.layers.Conv2D(
            2 * filters, 1, use_bias=False, dtype="float32", name="conv"
        )
        self.norm = BatchNorm(dtype="float32", name="norm")
        # === Config ===
        self.filters = filters

    def build(self, input_shape):
        """Builds both layers, which depend on no size."""
        self.conv.build((*input_shape[:3], 2 * input_shape[3]))
        self.norm.build((*input_shape[:3], 2 * self.filters))

    def call(self, x, training=False):
        """[B, H, W, C] to [B, H, W, filters]."""
        height, width = ops.shape(x)[1:3]
        z = self.conv(spectrum(ops.cast(x, "float32")))
        z = ops.relu(self.norm(z, training=training))
        return ops.cast(picture(z, height, width), self.compute_dtype)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("kinpaint.layers")
class SpectralTransform(keras.layers.Layer):
    """A Fourier unit on half the channels, and what it was given, mixed by 1 x 1 convolutions.

    Args:
        filters: channels of the output.
        strides: 1; or 2: the map is halved first, by means of 2 x 2 pixels.
    """

    def __init__(self, filters, strides=1, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        options = {"use_bias": False, "dtype": self.dtype_policy}
        half = max(filters // 2, 1)
        self.enter = keras.layers.Conv2D(half, 1, name="enter", **options)
        self.norm = BatchNorm(dtype=self.dtype_policy, name="norm")
        self.unit = FourierUnit(half, dtype=self.dtype_policy, name="unit")
        self.leave = keras.layers.Conv2D(filters, 1, name="leave", **options)
        # === Config ===
        self.filters = filters
        self.strides = strides

    def build(self, input_shape):
        """Builds its layers, which depend on no size."""
        half = (*input_shape[:3], self.enter.filters)
        self.enter.build(input_shape)
        for layer in (self.norm, self.unit, self.leave):
            layer.build(half)

    def call(self, x, training=False):
        """[B, H, W, C] to [B, H / strides, W / strides, filters]."""
        if self.strides > 1:
            x = ops.average_pool(x, self.strides, padding="valid")
        x = ops.relu(self.norm(self.enter(x), training=training))
        return self.leave(x + self.unit(x, training=training))

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


@keras.saving.register_keras_serializable("kinpaint.layers")
class FFC(keras.layers.Layer):
    """Fast Fourier convolution with batch normalisation and ReLU.

    The convolutions are padded by reflection and have no bias. With both shares 0 it is a
    plain convolution; that is how LaMa's first layers are made.

    Args:
        filters: channels of the output, local and global together.
        kernel_size: pixels, odd.
        strides: pixels.
        share_in: part of the input's channels that is global, 0 to 1.
        share_out: part of the output's channels that is global, 0 to 1.
    """

    def __init__(
        self, filters, kernel_size=3, strides=1, share_in=0.0, share_out=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        if not (0 <= share_in <= 1 and 0 <= share_out <= 1):
            raise ValueError(f"shares are between 0 and 1, received {share_in}, {share_out}")
        global_out = _share_of(filters, share_out)
        # === Layers ===
        self.to_local = self.local_to_global = self.spectral = None
        conv = {"use_bias": False, "strides": strides, "dtype": self.dtype_policy}
        if global_out < filters:
            self.to_local = keras.layers.Conv2D(
                filters - global_out, kernel_size, name="to_local", **conv
            )
        if global_out and share_in < 1:
            self.local_to_global = keras.layers.Conv2D(
                global_out, kernel_size, name="local_to_global", **conv
            )
        if global_out and share_in > 0:
            self.spectral = SpectralTransform(
                global_out, strides, dtype=self.dtype_policy, name="spectral"
            )
        self.norm = BatchNorm(dtype=self.dtype_policy, name="norm")
        # === Config ===
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.share_in = share_in
        self.share_out = share_out

    def build(self, input_shape):
        """Builds its layers, which depend on no size."""
        *sides, channels = input_shape
        self.global_in = _share_of(channels, self.share_in)
        if self.to_local:
            self.to_local.build(input_shape)
        if self.local_to_global:
            self.local_to_global.build((*sides, channels - self.global_in))
        if self.spectral:
            self.spectral.build((*sides, self.global_in))
        self.norm.build((*sides, self.filters))

    def call(self, x, training=False):
        """[B, H, W, C] to [B, H / strides, W / strides, filters], rounded up."""
        local_in = x.shape[-1] - self.global_in
        padded, outputs = reflect(x, self.kernel_size // 2), []
        if self.to_local:
            outputs.append(self.to_local(padded))
        to_global = []
        if self.local_to_global:
            to_global.append(self.local_to_global(part(padded, {3: (0, local_in)})))
        if self.spectral:
            global_in = part(x, {3: (local_in, self.global_in)})
            to_global.append(self.spectral(global_in, training=training))
        if to_global:
            outputs.append(sum(to_global[1:], to_global[0]))
        joined = ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
        return ops.relu(self.norm(joined, training=training))

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "share_in": self.share_in,
            "share_out": self.share_out,
        }


def _share_of(channels, share):
    """The authors round down; two thirds of 24 are 16 all the same."""
    return int(channels * share + 1e-6)
