"""Whether this is a ZeroGPU Space, which lends its GPU to one function at a time."""

import os

try:
    import spaces
except ImportError:
    spaces = None

ON_ZERO_GPU = spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
LOAN = 40  # seconds of the GPU that a call asks for


def lent(function):
    """The function, which has the GPU while it runs."""
    return spaces.GPU(duration=LOAN)(function) if ON_ZERO_GPU else function
