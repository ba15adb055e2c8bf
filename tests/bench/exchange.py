#!/usr/bin/env python3
"""What N processes that train one model tell each other, counted over the batches of a stream of triples.

    negsample train.cof | cof-cat --to npy | exchange.py --batch 8192 --ranks 1,2,8 -

The pattern is that of `neumf-train --processes`: row `id` of a table lives on rank id mod N; rank 0 broadcasts a batch,
12 bytes a row; ranks compute contiguous parts of its jobs (128 rows and more, 32 at most), for which each gets the
rows it needs, once, from their owners; each occurrence's gradient goes to the owner of its row; sums of dense
gradients go along a chain of the ranks that have a job, and the last one broadcasts them. What stays on a rank is
not counted. Counts are bytes received; seconds are predicted from them and from --us, measured.
"""
import argparse
import io
import json
import sys

import numpy as np

BLOCK, MAX_JOBS, MAX_SUMS, MIN_JOBS = 128, 32, 1 << 24, 4  # lib/cpu/cpu.h, lib/cpu/create.c
FLOAT, LOSS, COLUMNS, COMMANDS = 4, 8, 3, 64


def widths(model, factors, mlp, hidden):
    """Floats in a row of both tables of a side, and in all dense tensors (lib/model/neumf.h)."""
    gmf = factors if model in ("neumf", "gmf", "mf") else 0
    mlp = mlp if model in ("neumf", "mlp") else 0
    dense, inputs = 0, 2 * mlp
    for outputs in hidden if mlp else []:
        dense += inputs * outputs + outputs
        inputs = outputs
    if model != "mf":
        dense += gmf + (inputs if mlp else 0)
    return gmf + mlp, dense


def most_jobs(dense):
    jobs = MAX_JOBS
    while jobs > MIN_JOBS and jobs * dense > MAX_SUMS:
        jobs //= 2
    return jobs


def shares(rows, jobs_at_most, ranks):
    """Where the rows of each rank begin, and its jobs: (ranks + 1) each."""
    blocks = -(-rows // BLOCK)
    jobs = min(blocks, jobs_at_most)
    job = [q * jobs // ranks for q in range(ranks + 1)]
    row = [min(j * blocks // jobs * BLOCK, rows) if j < jobs else rows for j in job]
    return row, job


def count(batch, ranks, width, dense):
    """Bytes that each rank receives in one batch (rows, 3), by what they are; and the rows that it sums up."""
    row, job = shares(len(batch), most_jobs(dense), ranks)
    got = {what: np.zeros(ranks, np.int64) for what in ("batch", "rows", "gradients", "dense")}
    sent = {what: np.zeros(ranks, np.int64) for what in ("rows", "gradients")}
    sums = np.zeros(ranks, np.int64)
    got["batch"][1:] = COMMANDS + FLOAT * COLUMNS * len(batch)
    for q in range(ranks):
        part = batch[row[q] : row[q + 1]]
        for ids in (part[:, 0], part[:, 1:].ravel()):
            needed = np.bincount(np.unique(ids) % ranks, minlength=ranks)
            owners = np.bincount(ids % ranks, minlength=ranks)
            sums += owners
            needed[q] = owners[q] = 0
            got["rows"][q] += FLOAT * width * needed.sum()
            sent["rows"] += FLOAT * width * needed
            got["gradients"] += FLOAT * width * owners
            sent["gradients"][q] += FLOAT * width * owners.sum()
        if q > 0:
            got["gradients"][0] += LOSS * (job[q + 1] - job[q])
    working = [q for q in range(ranks) if job[q] < job[q + 1]]
    got["dense"][working[1:]] += FLOAT * dense
    got["dense"][:-1] += FLOAT * dense
    load = [row[q + 1] - row[q] for q in range(ranks)]
    return got, sent, sums, load


def predict(got, sent, load, options, dense, rows):
    """Seconds of a batch: the slowest rank computes; then each round takes as long as its busiest link."""
    ranks, link = len(load), options.gbit * 1e9 / 8
    message = options.latency * 1e-6 * (ranks - 1)
    seconds = max(load) * options.us * 1e-6
    for what in ("rows", "gradients"):
        seconds += max(got[what].max(), sent[what].max()) / link + message
    if ranks > 1:
        steps = np.ceil(np.log2(ranks))
        seconds += steps * (12 * rows / link + options.latency * 1e-6)
        piece = min(dense, 1 << 16) * FLOAT / link + options.latency * 1e-6
        seconds += (-(-dense // (1 << 16)) + ranks - 2) * piece  # the chain, pieces one after the other
        seconds += 2 * dense * FLOAT / link + steps * options.latency * 1e-6
    return seconds


def parse():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("triples", help="an array of cof-cat --to npy, or -")
    p.add_argument("--model", choices=("neumf", "gmf", "mlp", "mf"), default="neumf")
    p.add_argument("--factors", type=int, default=8)
    p.add_argument("--mlp-factors", type=int)
    p.add_argument("--hidden", default="32,16,8")
    p.add_argument("--batch", type=int, default=8192)
    p.add_argument("--batches", type=int, default=20, help="the first ones of the stream; 0: all")
    p.add_argument("--ranks", default="1,2,3,4,8,16,32,64")
    p.add_argument("--us", type=float, default=0, help="microseconds of one rank for a triple, gradient and update")
    p.add_argument("--gbit", type=float, default=25, help="of each link, each way")
    p.add_argument("--latency", type=float, default=20, help="microseconds of a message")
    p.add_argument("--json", action="store_true", help="the counts, exactly")
    return p.parse_args()


def main():
    o = parse()
    rows = np.load(io.BytesIO(sys.stdin.buffer.read()) if o.triples == "-" else o.triples)
    rows = np.stack([rows[name] for name in ("user", "positive", "negative")], axis=1).astype(np.int64)
    if o.batches:
        rows = rows[: o.batch * o.batches]
    width, dense = widths(
        o.model, o.factors, o.mlp_factors or o.factors, [int(h) for h in o.hidden.split(",") if h]
    )
    batches = [rows[k : k + o.batch] for k in range(0, len(rows), o.batch)]
    if not o.json:
        print(f"{len(batches)} batches of {o.batch}; {width} floats a row, {dense} dense; bytes a triple, received")
        print("   N    batch     rows gradients   dense      all  busiest  sums   " + ("M/s  of N=1" if o.us else ""))
    alone = None
    for ranks in map(int, o.ranks.split(",")):
        total, busiest, sums, seconds = {}, np.zeros(ranks), np.zeros(ranks), 0
        for batch in batches:
            got, sent, summed, load = count(batch, ranks, width, dense)
            for what in got:
                total[what] = total.get(what, 0) + int(got[what].sum())
            busiest += np.maximum(sum(got.values()), sent["rows"] + sent["gradients"])
            sums += summed
            seconds += predict(got, sent, load, o, dense, len(batch))
        if o.json:
            print(json.dumps({"ranks": ranks, "triples": len(rows), **total, "all": sum(total.values())}))
            continue
        alone = alone or seconds
        line = f"{ranks:4} " + "".join(f"{total[w] / len(rows):9.1f}" for w in total)
        line += f"{sum(total.values()) / len(rows):9.1f}{busiest.max() / len(rows):9.1f}{sums.max() / sums.mean():6.2f}"
        print(line + (f"{len(rows) / seconds / 1e6:7.3f}{alone / seconds:8.2f}" if o.us else ""))


main()
