#!/usr/bin/env python3
"""What LensKit (PyPI) does on the same work; what Numba compiles is compiled before. Prints "rate N".
  lenskit_peer.py als TRAIN.tsv FACTORS EPOCHS    epochs a minute of implicit ALS, by conjugate gradients
  lenskit_peer.py knn TRAIN.tsv NEIGHBOURS        seconds to find each item's neighbours, cosine
Texts are lines of `user TAB item`. Threads: as many as there are cores.
"""
import os, sys, time, warnings
os.environ.update(OPENBLAS_NUM_THREADS='1', NUMBA_NUM_THREADS=str(os.cpu_count()))
warnings.filterwarnings('ignore')
import pandas as pd
from lenskit.algorithms.als import ImplicitMF
from lenskit.algorithms.item_knn import ItemItem
from peer_data import pairs

def main(what, train, size, epochs='1'):
    size, epochs = int(size), int(epochs)
    rows = pd.DataFrame(pairs(train), columns=['user', 'item'])
    make = {'als': lambda: ImplicitMF(size, iterations=epochs, rng_spec=1),
            'knn': lambda: ItemItem(size, save_nbrs=size, feedback='implicit')}[what]
    make().fit(rows.iloc[:1000])
    model = make()
    start = time.perf_counter()
    model.fit(rows)
    seconds = time.perf_counter() - start
    print(f"rate {seconds if what == 'knn' else epochs * 60 / seconds:.5g}")

main(*sys.argv[1:])
