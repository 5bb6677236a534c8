"""A run's exact state in one safetensors file: weights, averages, Adam's moments and the numbers beside them."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..files import replacing

STATE_FILE = "state.safetensors"


def write_state(
    folder: str | Path,
    models: dict[str, torch.nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    about: dict[str, Any],
) -> None:
    """Write everything to `folder`, moved into place whole; `about` is whatever JSON can hold."""
    tensors = {}
    for part, model in models.items():
        tensors |= {f"{part}/{name}": value for name, value in model.state_dict().items()}
    for part, optimizer in optimizers.items():
        for i, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{part}/{i}/{name}": value for name, value in moments.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(Path(folder) / STATE_FILE) as part:
        save_file(tensors, part, {"about": json.dumps(about)})


def read_state(
    folder: str | Path, models: dict[str, torch.nn.Module], optimizers: dict[str, torch.optim.Optimizer]
) -> dict[str, Any]:
    """Put what `write_state` wrote into models and optimisers of the same shapes; returns `about`.

    Raises FileNotFoundError if there is no state, ValueError if it is of other networks.
    """
    path = Path(folder) / STATE_FILE
    if not path.is_file():
        raise FileNotFoundError(f"Nothing to resume: {path} is not there. Start without --resume.")
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    try:
        for part, model in models.items():
            model.load_state_dict(_under(tensors, part))
        for part, optimizer in optimizers.items():
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            state: dict[int, dict[str, torch.Tensor]] = {}
            for name, value in _under(tensors, part).items():
                i, moment = name.split("/")
                # Adam's fused kernel walks memory, so moments need the parameter's layout (channels last).
                laid_out = torch.empty_like(parameters[int(i)]).copy_(value) if value.dim() else value
                state.setdefault(int(i), {})[moment] = laid_out
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is the state of other networks: {str(error).splitlines()[0]}") from error
    return about


def _under(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    return {name[len(part) + 1 :]: value for name, value in tensors.items() if name.startswith(part + "/")}
