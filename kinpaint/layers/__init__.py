"""Keras layers of inpainting networks, of `keras.ops`, so any backend runs them.

`dilated` alone has a faster form of its own for TensorFlow.
"""
