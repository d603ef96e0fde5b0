"""The local web page: `work` is what it does, `app` and `parts` are what it shows."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: it asks nobody
os.environ["HF_HUB_OFFLINE"] = "1"
