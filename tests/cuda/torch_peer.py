#!/usr/bin/env python3
"""What PyTorch does with the work of throughput's train-adam, on the same device: NeuMF by bpr, dense Adam, rows drawn
on the device (uniformly, without exclusion), each step one CUDA graph with a fused optimizer.
  torch_peer.py USERS ITEMS BATCH...
Prints "torch NETWORK PRECISION BATCH RATE M/s HOW", in triples, for each; HOW: graph, or eager where PyTorch could not
capture the step. Without a GPU it runs on the CPU, to see that it runs.
"""
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
NETWORKS = {'book': (10, [10, 10, 10]), 'wide': (64, [256, 128, 64])}
WORKS = [('book', 'fp32'), ('wide', 'fp32'), ('wide', 'tf32'), ('wide', 'bf16')]


class NeuMF(nn.Module):
    def __init__(self, users, items, factors, hidden):
        super().__init__()
        self.user, self.item = nn.Embedding(users, 2 * factors), nn.Embedding(items, 2 * factors)
        sizes = [2 * factors, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.head = nn.Linear(factors + hidden[-1], 1)
        for table in self.user, self.item:
            nn.init.normal_(table.weight, 0, 0.05)

    def forward(self, user, item):
        p, q = self.user(user).chunk(2, 1), self.item(item).chunk(2, 1)
        x = torch.cat([p[1], q[1]], 1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(torch.cat([p[0] * q[0], x], 1)).squeeze(1)


def step_of(net, users, items, batch, bf16):
    """A function that does one step."""
    adam = torch.optim.Adam(net.parameters(), 0.001, **({'fused': True, 'capturable': True} if DEVICE == 'cuda' else {}))

    def step():
        user = torch.randint(users, (batch,), device=DEVICE)
        item = torch.randint(items, (2 * batch,), device=DEVICE)
        with torch.autocast(DEVICE, torch.bfloat16, enabled=bf16):
            score = net(user.repeat(2), item).float()
        loss = F.softplus(score[batch:] - score[:batch]).mean()
        loss.backward()
        adam.step()
        adam.zero_grad(set_to_none=False)

    return step


def as_graph(step):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def seconds(step, times):
    start = time.perf_counter()
    for _ in range(times):
        step()
    if DEVICE == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main():
    users, items, *batches = map(int, sys.argv[1:])
    for network, precision in WORKS:
        torch.set_float32_matmul_precision('high' if precision == 'tf32' else 'highest')
        for batch in batches:
            net = NeuMF(users, items, *NETWORKS[network]).to(DEVICE)
            step, how = step_of(net, users, items, batch, precision == 'bf16'), 'eager'
            if DEVICE == 'cuda':
                try:
                    step, how = as_graph(step), 'graph'
                except RuntimeError as error:
                    print('# no graph:', str(error).split('\n')[0])
            once = seconds(step, 5) / 5
            times = max(5, min(5000, int(0.5 / once))) if DEVICE == 'cuda' else 2
            rate = batch * times / seconds(step, times) / 1e6
            print('torch', network, precision, batch, '%.4g M/s' % rate, how, flush=True)


main()
