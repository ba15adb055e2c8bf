#!/usr/bin/python3
"""What PyTorch does on the same work, with the best settings found: vectorised sampler, positive and negative in one
forward, all parameters in one buffer for Adam. Prints "rate N" in millions of positives (or pairs) a second.
  torch_peer.py seed TRAIN.tsv USERS ITEMS     the seed's network: sampling, shuffling, training, batch 1024, dense Adam
  torch_peer.py small TRAIN.tsv USERS ITEMS    the same, batch 256
  torch_peer.py wide TRIPLES.npy USERS ITEMS   factors 64, hidden 256,128,64, batch 8192, sparse Adam; triples are given
  torch_peer.py score seed|wide USERS ITEMS    full ranking scores, layer 1 split
"""
import os
os.environ['OPENBLAS_NUM_THREADS'] = '1'
import sys, time
import numpy as np, torch
import torch.nn as nn, torch.nn.functional as F

class NeuMF(nn.Module):
    def __init__(self, users, items, k, hidden, sparse=False):
        super().__init__()
        self.P, self.Q, self.U, self.V = (nn.Embedding(n, k, sparse=sparse) for n in (users, items, users, items))
        sizes = [2 * k, *hidden]
        self.fc = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.out = nn.Linear(k + hidden[-1], 1, bias=False)
        for p in self.parameters():
            nn.init.normal_(p, 0, 0.05)

    def forward(self, u, i):
        x = torch.cat([self.U(u), self.V(i)], 1)
        for f in self.fc:
            x = F.relu(f(x))
        return self.out(torch.cat([self.P(u) * self.Q(i), x], 1)).squeeze(1)

    def score_all(self, u):
        k = self.P.weight.shape[1]
        s = (self.P(u) * self.out.weight[0, :k]) @ self.Q.weight.t()
        x = (self.U(u) @ self.fc[0].weight[:, :k].t() + self.fc[0].bias)[:, None] + self.items
        x = F.relu(x).view(-1, self.items.shape[1])
        for f in self.fc[1:]:
            x = F.relu(F.linear(x, f.weight, f.bias))
        return s + (x @ self.out.weight[0, k:]).view(s.shape)

class FlatAdam:
    """Dense Adam over one buffer: a handful of vector operations a step."""
    def __init__(self, net, lr):
        params = list(net.parameters())
        n = sum(p.numel() for p in params)
        self.w, self.g, self.m, self.v = torch.empty(n), torch.zeros(n), torch.zeros(n), torch.zeros(n)
        at = 0
        for p in params:
            end = at + p.numel()
            self.w[at:end] = p.data.reshape(-1)
            p.data, p.grad = self.w[at:end].view(p.shape), self.g[at:end].view(p.shape)
            at = end
        self.lr, self.t = lr, 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        self.m.mul_(0.9).add_(self.g, alpha=0.1)
        self.v.mul_(0.999).addcmul_(self.g, self.g, value=0.001)
        self.w.addcdiv_(self.m, (self.v / (1 - 0.999 ** self.t)).sqrt_().add_(1e-8), value=-self.lr / (1 - 0.9 ** self.t))
        self.g.zero_()

def bpr(net, u, i, j):
    s = net(torch.cat([u, u]), torch.cat([i, j]))
    return F.softplus(s[len(u):] - s[:len(u)]).mean()

def seed(path, users, items, epochs=6, batch=1024):
    rows = np.loadtxt(path, dtype=np.int64, delimiter='\t')
    seen = np.zeros((users, items), bool)
    seen[rows[:, 0], rows[:, 1]] = True
    net = NeuMF(users, items, 10, [10, 10, 10])
    adam, rng = FlatAdam(net, 0.01), np.random.default_rng(1)
    for epoch in range(epochs + 1):
        if epoch == 1: # the first one warms up
            start = time.perf_counter()
        d = rows[rng.permutation(len(rows))]
        neg = rng.integers(0, items, len(d))
        bad = np.flatnonzero(seen[d[:, 0], neg])
        while bad.size:
            neg[bad] = rng.integers(0, items, bad.size)
            bad = bad[seen[d[bad, 0], neg[bad]]]
        t = torch.from_numpy(np.stack([d[:, 0], d[:, 1], neg]))
        for b in range(0, len(d) - batch + 1, batch):
            bpr(net, *t[:, b:b + batch]).backward()
            adam.step()
    return epochs * (len(d) // batch * batch) / (time.perf_counter() - start)

def small(path, users, items):
    return seed(path, users, items, epochs=3, batch=256)

def wide(path, users, items, steps=6, batch=8192):
    rows = np.load(path)
    t = torch.from_numpy(np.stack([rows[f].astype(np.int64) for f in ('user', 'positive', 'negative')]))
    net = NeuMF(users, items, 64, [256, 128, 64], sparse=True)
    rare = [p for m in (net.P, net.Q, net.U, net.V) for p in m.parameters()]
    dense = [p for m in (*net.fc, net.out) for p in m.parameters()]
    optimizers = torch.optim.SparseAdam(rare), torch.optim.Adam(dense)
    for step in range(steps + 1):
        if step == 1:
            start = time.perf_counter()
        for o in optimizers:
            o.zero_grad()
        bpr(net, *t[:, step * batch:(step + 1) * batch]).backward()
        for o in optimizers:
            o.step()
    return steps * batch / (time.perf_counter() - start)

@torch.no_grad()
def score(kind, users, items):
    k, hidden = (10, [10, 10, 10]) if kind == 'seed' else (64, [256, 128, 64])
    net, n = NeuMF(users, items, k, hidden), 256 if kind == 'seed' else 24
    chunk = 16 if kind == 'seed' else 2
    start = time.perf_counter()
    net.items = net.V.weight @ net.fc[0].weight[:, k:].t()
    for u in range(0, n, chunk):
        net.score_all(torch.arange(u, u + chunk))
    return n * items / (time.perf_counter() - start)

torch.set_num_threads(2)
torch.manual_seed(1)
work = {'seed': seed, 'small': small, 'wide': wide, 'score': score}[sys.argv[1]]
print('rate %.4f' % (work(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])) / 1e6))
