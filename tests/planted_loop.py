"""A training loop as one meets it, slow by four faults that are planted in it. ``SOURCE`` is the loop, as a cell.

1. The dataset makes each picture anew, in plain Python, and no worker helps (``data_loading``).
2. The backbone is meant to be frozen: the optimizer has the head alone, but its gradients are computed all the same
   (``frozen_gradients``).
3. A checkpoint is written at each step (``printing``).
4. The model was left in eval mode by the validation before, so its batch norms do not follow (``eval_while_training``).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

__all__ = ["FAULTS", "HEALED", "SOURCE", "Classifier", "Digits", "Ready", "names"]

SCALE = 4

FAULTS = {"data_loading", "frozen_gradients", "printing", "eval_while_training"}

HEALED = """
for step, (images, labels) in enumerate(loader):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

SOURCE = HEALED + "    torch.save(model.state_dict(), checkpoint)\n"


class Digits(Dataset):
    """Pictures of digits, thickened and enlarged in plain Python each time they are asked for."""

    def __init__(self, pictures: torch.Tensor, labels: torch.Tensor) -> None:
        self.pictures, self.labels = pictures, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = self.pictures[index].tolist()
        thick = [
            [max(rows[y][x], rows[max(y - 1, 0)][x], rows[y][max(x - 1, 0)]) for x in range(len(rows[0]))]
            for y in range(len(rows))
        ]
        large = [
            [thick[y // SCALE][x // SCALE] / 16 for x in range(SCALE * len(thick[0]))]
            for y in range(SCALE * len(thick))
        ]
        return torch.tensor([large]), self.labels[index]


class Ready(Dataset):
    """The same pictures, made once."""

    def __init__(self, digits: Digits) -> None:
        made = [digits[index] for index in range(len(digits))]
        self.images, self.labels = (torch.stack(part) for part in zip(*made, strict=True))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, indices: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[indices], self.labels[indices]


class Classifier(nn.Module):
    """A convolutional backbone and a small head, with a bank of features for a nearest neighbour's vote later."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.register_buffer("bank", torch.zeros(2**15, width))  # 2 MB in each checkpoint
        self.backbone = nn.Sequential(_block(1, width), _block(width, width), _block(width, width))
        self.head = nn.Linear(width, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, ``[batch, 10]``."""
        return self.head(self.backbone(images).mean((2, 3)))


def _block(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())


def names(checkpoint: str, *, healed: bool = False, pictures: int = 512) -> dict[str, object]:
    """Return what the cell needs, by name: with the faults, or each of them put right."""
    torch.manual_seed(0)
    whole = torch.randint(0, 17, (pictures, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    labels = torch.arange(pictures) % 10
    digits = Digits(whole, labels)
    model = Classifier().train(healed)
    if healed:
        model.backbone.requires_grad_(False)
    optimizer = torch.optim.Adam(model.head.parameters())
    if healed:
        loader = DataLoader(Ready(digits), batch_size=16, collate_fn=lambda batch: batch)
    else:
        loader = DataLoader(digits, batch_size=16)
    return {
        "torch": torch,
        "model": model,
        "loader": loader,
        "optimizer": optimizer,
        "criterion": nn.CrossEntropyLoss(),
        "losses": [],
        "checkpoint": checkpoint,
    }
