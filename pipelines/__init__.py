"""From a web service to tensors: scraping, checks, splits, levels, masks, tf.data."""
