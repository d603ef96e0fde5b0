"""Keras layers of inpainting networks, of `keras.ops`, so any backend runs them.

`dilated` and `lean` alone have forms of their own for TensorFlow.
"""
