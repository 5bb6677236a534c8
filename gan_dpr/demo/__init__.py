"""The Gradio demo: the only package that imports gradio."""

import os

# Gradio reads this when it is imported; the page and the server talk to no other host.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
