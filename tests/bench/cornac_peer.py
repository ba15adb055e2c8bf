#!/usr/bin/env python3
"""What cornac's BPR (PyPI) does on the same work. Prints "rate N".
  cornac_peer.py bpr TRAIN.tsv FACTORS EPOCHS                    millions of triples a second of fit()
  cornac_peer.py recall TRAIN.tsv FACTORS EPOCHS TEST.tsv LR L2  recall@20 over all items not in TRAIN
Texts are lines of `user TAB item`. Threads: as many as there are cores.
"""
import os
os.environ['OPENBLAS_NUM_THREADS'] = '1'
import sys, time
import numpy as np
import cornac
from peer_data import matrices, recall

def rows_by_id(rows, ids, num):
    """From cornac's order, by first appearance, to that of our ids."""
    to = np.zeros((num, rows.shape[1]), np.float32)
    for own, place in ids.items():
        to[own] = rows[place]
    return to

def main(what, train, factors, epochs, test=None, lr='0.01', l2='0.01'):
    epochs = int(epochs)
    train, test = matrices(train, test or train)
    rows = train.tocoo()
    data = cornac.data.Dataset.build(zip(rows.row.tolist(), rows.col.tolist(), rows.data.tolist()))
    model = cornac.models.BPR(k=int(factors), max_iter=epochs, learning_rate=float(lr), lambda_reg=float(l2),
                              num_threads=os.cpu_count())
    start = time.perf_counter()
    model.fit(data)
    seconds = time.perf_counter() - start
    if what == 'bpr':
        print(f'rate {epochs * train.nnz / seconds / 1e6:.5g}')
        return
    users, items = train.shape
    # a bias of an item is a factor whose user has 1
    model.u_factors = np.hstack([model.u_factors, np.ones((len(model.u_factors), 1))])
    model.i_factors = np.hstack([model.i_factors, model.i_biases[:, None]])
    print(f'rate {recall(rows_by_id(model.u_factors, data.uid_map, users), rows_by_id(model.i_factors, data.iid_map, items), train, test):.5g}')

main(*sys.argv[1:])
