"""The local web page: `work` is what it does, `app` and `parts` are what it shows."""

import os
import tempfile

# Photos and results lie in a folder that only this person can read; it goes with the process.
# Gradio's own default is one folder for everyone on the machine, kept for ever.
_own = tempfile.TemporaryDirectory(prefix="kinpaint-page-")
FOLDER = _own.name

# Before gradio is imported.
os.environ["GRADIO_TEMP_DIR"] = FOLDER
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # it asks nobody
os.environ["HF_HUB_OFFLINE"] = "1"
