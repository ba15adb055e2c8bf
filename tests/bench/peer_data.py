"""What the peers share: rows of a text as a matrix, and recall over all items."""
import numpy as np, scipy.sparse as sp

K = 20

def pairs(path):
    """Lines of `user TAB item`."""
    return np.array(open(path).read().split(), np.int64).reshape(-1, 2)

def matrices(train, test):
    """users x items of 1, of two texts."""
    rows = pairs(train), pairs(test)
    shape = np.vstack(rows).max(axis=0) + 1
    return [sp.csr_matrix((np.ones(len(r), np.float32), (r[:, 0], r[:, 1])), shape) for r in rows]

def recall(users, items, train, test):
    """Recall@K of scores users @ items.T over all items not in train, mean over the users of test."""
    tested = np.flatnonzero(np.diff(test.indptr))
    sums = 0.0
    for some in np.array_split(tested, len(tested) // 500 + 1):
        scores = users[some] @ items.T
        seen = train[some].tocoo()
        scores[seen.row, seen.col] = -np.inf
        top = np.argpartition(-scores, K, axis=1)[:, :K]
        for user, best in zip(some, top):
            positives = test.indices[test.indptr[user]:test.indptr[user + 1]]
            sums += len(np.intersect1d(best, positives)) / len(positives)
    return sums / len(tested)
