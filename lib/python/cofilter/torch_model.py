"""The network of neumf-train(1) as a PyTorch module, with the names of the file's tensors."""

import torch
from torch.nn import Embedding, Linear, ModuleList, Parameter

from .error import CofError
from .model import COSINE_FLOOR


class Network(torch.nn.Module):
    """A model of kind neumf, gmf, mlp or mf; forward(users, items) gives the scores."""

    def __init__(self, shapes, sigmoid_output, cosine):
        super().__init__()
        for name in ("gmf_user", "gmf_item", "mlp_user", "mlp_item"):
            if f"{name}.weight" in shapes:
                setattr(self, name, Embedding(*shapes[f"{name}.weight"]))
        for name in ("user_bias", "item_bias", "global_bias"):
            if name in shapes:
                setattr(self, name, Parameter(torch.zeros(shapes[name])))
        layers = sum(name.startswith("mlp.") for name in shapes) // 2
        if layers:
            self.mlp = ModuleList(Linear(*reversed(shapes[f"mlp.{k}.weight"])) for k in range(layers))
        if "head.weight" in shapes:
            self.head = Linear(shapes["head.weight"][1], 1, bias="head.bias" in shapes)
        self.sigmoid_output, self.cosine = sigmoid_output, cosine

    def _direction(self, rows):
        if not self.cosine:
            return rows
        return rows / torch.sqrt((rows * rows).sum(-1, keepdim=True) + COSINE_FLOOR)

    def forward(self, users, items):
        c = []
        if hasattr(self, "gmf_user"):
            c.append(self._direction(self.gmf_user(users)) * self._direction(self.gmf_item(items)))
        if hasattr(self, "mlp_user"):
            hidden = torch.cat([self.mlp_user(users), self.mlp_item(items)], -1)
            for layer in self.mlp:
                hidden = torch.relu(layer(hidden))
            c.append(hidden)
        c = torch.cat(c, -1)
        s = self.head(c).squeeze(-1) if hasattr(self, "head") else c.sum(-1)
        if hasattr(self, "global_bias"):
            s = s + self.user_bias[users] + self.item_bias[items] + self.global_bias
        return torch.sigmoid(s) if self.sigmoid_output else s


def module_of(model):
    """A Network with the values of a Model."""
    if model.kind == "item-weights":
        raise CofError(f"'{model.name}' is no network")
    state = {name: torch.tensor(values) for name, values in model.tensors.items()}
    network = Network({name: tuple(values.shape) for name, values in state.items()},
                      model.meta.get("sigmoid_output") == "true", model.cosine)
    network.load_state_dict(state)
    return network
