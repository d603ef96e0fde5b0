"""Adam, a variable in one operation.

Keras composes the update of a variable of about forty small TensorFlow operations, each with
a tensor of its own. For DeepFill v2 and its discriminator that was two thirds of the step's
graph.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("kinpaint")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`: the same arguments, variables and numbers.

    Without `amsgrad`.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable and its two moments."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )
