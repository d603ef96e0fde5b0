"""The libraries that figures were made with."""

import kinpaint


def versions():
    """{library: version} of all that computes a pixel or a figure."""
    import cv2
    import keras  # loads TensorFlow
    import numpy as np
    import skimage
    import tensorflow as tf

    return {
        "kinpaint": kinpaint.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "scikit-image": skimage.__version__,
    }
