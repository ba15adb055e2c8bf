#!/usr/bin/env python3
"""RecBole's NeuMF (PyPI): an epoch of training, then all items ranked for each user of the test rows.
  recbole_peer.py TRAIN.tsv TEST.tsv
Texts are lines of `user TAB item`. Prints "rate ROW N": seconds of either, without reading and start; peak memory of the
process; recall@10 and NDCG@10. Its own defaults, but no dropout, which ours has not.
"""
import os, resource, sys, tempfile, time
os.environ['OPENBLAS_NUM_THREADS'] = '1'
train, test = sys.argv[1:3]
sys.argv = sys.argv[:1] # RecBole reads it
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.general_recommender.neumf import NeuMF
from recbole.trainer import Trainer
from recbole.utils import init_seed

SETTINGS = {
    'load_col': {'inter': ['user_id', 'item_id']}, 'benchmark_filename': ['train', 'valid', 'test'],
    'mf_embedding_size': 64, 'mlp_embedding_size': 64, 'mlp_hidden_size': [128, 64], 'dropout_prob': 0.0,
    'train_batch_size': 2048, 'train_neg_sample_args': {'distribution': 'uniform', 'sample_num': 1, 'alpha': 1.0,
                                                        'dynamic': False, 'candidate_num': 0},
    'eval_args': {'group_by': 'user', 'order': 'RO', 'split': {'LS': 'valid_and_test'},
                  'mode': {'valid': 'full', 'test': 'full'}},
    'metrics': ['Recall', 'NDCG'], 'topk': [10], 'valid_metric': 'NDCG@10', 'use_gpu': False, 'show_progress': False,
    'state': 'ERROR', 'seed': 1}

def atomic(path, name, folder):
    with open(path) as rows, open(f'{folder}/{name}', 'w') as out:
        out.write('user_id:token\titem_id:token\n')
        out.writelines(rows)

with tempfile.TemporaryDirectory() as folder:
    data = f'{folder}/peer'
    os.mkdir(data)
    os.chdir(folder) # it writes logs where it stands
    for name, path in (('train', train), ('valid', test), ('test', test)):
        atomic(path, f'peer.{name}.inter', data)
    config = Config(model='NeuMF', dataset='peer', config_dict=SETTINGS | {'data_path': folder, 'checkpoint_dir': folder})
    init_seed(config['seed'], True)
    dataset = create_dataset(config)
    train_data, _, test_data = data_preparation(config, dataset)
    trainer = Trainer(config, NeuMF(config, train_data.dataset))
    start = time.perf_counter()
    trainer._train_epoch(train_data, 0)
    trained = time.perf_counter()
    result = trainer.evaluate(test_data, load_best_model=False)
    ranked = time.perf_counter()
for row, value in (('train', trained - start), ('rank', ranked - trained),
                   ('memory', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                   ('recall', result['recall@10']), ('ndcg', result['ndcg@10'])):
    print(f'rate recbole-{row} {value:.5g}')
