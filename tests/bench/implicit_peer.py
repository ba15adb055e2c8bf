#!/usr/bin/env python3
"""What implicit (PyPI) does on the same work. Prints "rate N".
  implicit_peer.py bpr TRAIN.tsv FACTORS EPOCHS                          millions of triples a second of fit()
  implicit_peer.py als TRAIN.tsv FACTORS EPOCHS                          epochs a minute of fit()
  implicit_peer.py recall TRAIN.tsv FACTORS EPOCHS TEST.tsv LR L2        recall@20 of bpr, over all items not in TRAIN
Texts are lines of `user TAB item`. Threads: as many as there are cores.
"""
import os
os.environ['OPENBLAS_NUM_THREADS'] = '1'
import sys, time
import numpy as np, scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking

K = 20

def pairs(path):
    return np.fromstring(open(path).read(), dtype=np.int64, sep=' ').reshape(-1, 2)

def matrix(pairs, shape):
    return sp.csr_matrix((np.ones(len(pairs), np.float32), (pairs[:, 0], pairs[:, 1])), shape)

def recall(model, train, test):
    users = np.flatnonzero(np.diff(test.indptr))
    sums = 0.0
    for some in np.array_split(users, len(users) // 1000 + 1):
        lists, _ = model.recommend(some, train[some], N=K, filter_already_liked_items=True)
        for user, top in zip(some, lists):
            positives = test.indices[test.indptr[user]:test.indptr[user + 1]]
            sums += len(np.intersect1d(top, positives)) / len(positives)
    return sums / len(users)

def main(what, train, factors, epochs, test=None, lr='0.01', l2='0.01'):
    rows, factors, epochs = pairs(train), int(factors), int(epochs)
    held = pairs(test) if test else rows[:0]
    shape = np.vstack([rows, held]).max(axis=0) + 1
    train = matrix(rows, shape)
    if what == 'als':
        model = AlternatingLeastSquares(factors=factors, iterations=epochs, random_state=1)
    else:
        model = BayesianPersonalizedRanking(factors=factors, iterations=epochs, learning_rate=float(lr),
                                            regularization=float(l2), random_state=1)
    start = time.perf_counter()
    model.fit(train, show_progress=False)
    seconds = time.perf_counter() - start
    rates = {'bpr': lambda: epochs * train.nnz / seconds / 1e6, 'als': lambda: epochs * 60 / seconds,
             'recall': lambda: recall(model, train, matrix(held, shape))}
    print(f'rate {rates[what]():.5g}')

main(*sys.argv[1:])
