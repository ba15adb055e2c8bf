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
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from peer_data import matrices, recall

def main(what, train, factors, epochs, test=None, lr='0.01', l2='0.01'):
    factors, epochs = int(factors), int(epochs)
    train, test = matrices(train, test or train)
    if what == 'als':
        model = AlternatingLeastSquares(factors=factors, iterations=epochs, random_state=1)
    else:
        model = BayesianPersonalizedRanking(factors=factors, iterations=epochs, learning_rate=float(lr),
                                            regularization=float(l2), random_state=1)
    start = time.perf_counter()
    model.fit(train, show_progress=False)
    seconds = time.perf_counter() - start
    rates = {'bpr': lambda: epochs * train.nnz / seconds / 1e6, 'als': lambda: epochs * 60 / seconds,
             'recall': lambda: recall(model.user_factors, model.item_factors, train, test)}
    print(f'rate {rates[what]():.5g}')

main(*sys.argv[1:])
