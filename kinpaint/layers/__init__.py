"""Keras layers of inpainting networks; `keras.ops` only, so any backend runs them."""
