import torch


def work():
    torch.manual_seed(1)
    x = torch.randn(64, 8, dtype=torch.float64)
    weights = torch.tensor([[1.0], [-2.0], [0.5], [3.0], [0.0], [1.5], [-1.0], [2.0]], dtype=torch.float64)
    y = x @ weights
    layer = torch.nn.Linear(8, 1, dtype=torch.float64)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        loss = ((layer(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3, loss
    assert torch.allclose(torch.linalg.svd(torch.eye(5))[1], torch.ones(5))
