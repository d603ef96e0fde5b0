"""The local web page: `work` is what it does, `app` is what it shows."""
