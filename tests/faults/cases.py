"""cases: the command lines that are put to the test, at least one of every stage, and their inputs."""
import os
import subprocess
from typing import NamedTuple


class Case(NamedTuple):
    """A command line, run in an empty folder; its inputs lie in ../in."""

    command: str
    outputs: tuple = ()  # files that it writes whole or not at all; the last one is new only after a success ...
    early: bool = False  # ... unless they are complete before its standard output, which may then fail
    in_place: tuple = ()  # files that it writes as it goes on
    checkpoint: str = ""  # a file from which `resume`, at any time, goes on to the last of the outputs
    resume: str = ""
    stdin: str = "/dev/null"
    downstream: str = ""  # what reads its standard output in a pipe, and must fail when it fails

    @property
    def argv(self):
        return self.command.split()

    @property
    def name(self):
        return self.argv[0]


RECORDS = "cof-cat --check"
TRAIN = "neumf-train -q --device cpu --threads 2 --model gmf --factors 2 -o model.out"

CASES = [
    Case("planted -q --users 9 --items 40 --ratings 60 --truth truth.out", ("truth.out",), early=True),
    Case("cof-import -q --columns user=user.id,item=item --duplicates sum", stdin="../in/ratings.jsonl", downstream=RECORDS),
    Case("ml-split -q --test test.out ../in/rating.cof", ("test.out",), early=True, downstream=RECORDS),
    Case("ml-split -q --test test.out --valid valid.out --user-ids users.out --item-ids items.out ../in/ratings.tsv",
         ("valid.out", "users.out", "items.out", "test.out"), early=True, downstream=RECORDS),
    Case("ml-split -q --memory 1K --test test.out ../in/ratings.tsv", ("test.out",), early=True, downstream=RECORDS),
    Case("ml-split -q --mode random --test test.out -", ("test.out",), early=True, stdin="../in/ratings.gz",
         downstream=RECORDS),
    Case("cof-import -q --known-items ../in/items.tsv --user-ids users.out --item-ids items.out ../in/ratings.csv",
         ("users.out", "items.out"), early=True, downstream=RECORDS),
    Case("binarize -q --min-rating 2", stdin="../in/rating.cof", downstream=RECORDS),
    Case("negsample -q --epochs 2 --exclude ../in/test.cof ../in/train.cof", downstream=RECORDS),
    Case("negsample -q --pointwise --sampler popularity ../in/train.cof", downstream=RECORDS),
    Case("negsample -q --grouped --negatives 3 ../in/train.cof", downstream=RECORDS),
    Case("neumf-train -q --device cpu --threads 3 --factors 2 --hidden 4,2 --log log.out --save-epochs epoch"
         " -o model.out ../in/triple.cof",
         ("epoch-0001.safetensors", "epoch-0002.safetensors", "model.out"), in_place=("log.out",)),
    Case("neumf-train -q --device reference --model gmf --optimizer sgd -o model.out", ("model.out",),
         stdin="../in/sample.cof"),
    Case(TRAIN + " --checkpoint checkpoint.out --checkpoint-every 1 ../in/triple.cof", ("model.out",),
         checkpoint="checkpoint.out", resume=TRAIN + " --resume checkpoint.out ../in/triple.cof"),
    Case("neumf-score -q --device cpu --threads 2 --model ../in/model.safetensors --all-items --seen ../in/train.cof --ranks"
         " ../in/test.cof", downstream="rank-eval -q"),
    Case("neumf-score -q --device cpu --threads 2 --model ../in/model.safetensors --all-items ../in/test.cof",
         downstream=RECORDS),
    Case("neumf-score -q --device reference --model ../in/model.safetensors", stdin="../in/candidates.cof",
         downstream=RECORDS),
    Case("pop-score -q --train ../in/train.cof --all-items ../in/test.cof", downstream="rank-eval -q"),
    Case("knn-score -q --threads 2 --train ../in/train.cof --user-items ../in/test.cof --all-items --top 3 ../in/test.cof",
         downstream=RECORDS),
    Case("ease-score -q --threads 2 --train ../in/train.cof --all-items --top 3 ../in/test.cof", downstream=RECORDS),
    Case("ials-train -q --threads 2 --factors 3 --epochs 2 -o model.out ../in/train.cof", ("model.out",)),
    Case("rank-eval -q ../in/score.cof"),
    Case("rank-eval -q --json --per-user users.out ../in/rank.cof", ("users.out",)),
    Case("cof-lint -q --test ../in/test.cof --candidates ../in/candidates.cof --model ../in/model.safetensors ../in/train.cof"),
    Case("cof-stat -q --json ../in/score.cof"),
    Case("rank-eval -q -k 1 --truth ../in/test.cof --train ../in/train.cof ../in/top.cof"),
    Case("rank-cmp -q --threads 2 --resamples 100 ../in/rank.cof ../in/other-rank.cof"),
    Case("cof-cat ../in/group.cof"),
    Case("cof-cat --to cof ../in/blocks.cof", downstream=RECORDS),
    Case("cof-cat --to jsonl --item-ids ../in/items.tsv", stdin="../in/triple.cof"),
    Case("cof-cat --to npy ../in/rating.cof"),
    Case("cof-cat --to cof ../in/triple.cof ../in/triple.gz", downstream=RECORDS),
    Case("cof-cat --from tsv --kind triple --users 90 --items 90", stdin="../in/triple.tsv", downstream=RECORDS),
    Case("cof-cat --header ../in/triple.cof"),
    Case("cof-cat --check ../in/score.cof"),
]

INPUTS = r"""
planted -q --users 12 --items 40 --ratings 80 >ratings.tsv
gzip -n <ratings.tsv >ratings.gz
(echo user,item,rating,time && sed 's/[^\t]*/"&"/; s/\t/,/g' ratings.tsv) >ratings.csv
sed 's/\([^\t]*\)\t\([^\t]*\).*/{"user":{"id":\1},"item":"a \2"}/' ratings.tsv >ratings.jsonl
ml-split -q --test test-ratings.cof --item-ids items.tsv ratings.tsv >rating.cof
binarize -q rating.cof >train.cof
binarize -q test-ratings.cof >test.cof
negsample -q --epochs 2 train.cof >triple.cof
negsample -q --epochs 200 train.cof >blocks.cof
negsample -q --pointwise train.cof >sample.cof
negsample -q --grouped --negatives 3 train.cof >group.cof
negsample -q --candidates 4 --exclude train.cof test.cof >candidates.cof
gzip -n <triple.cof >triple.gz
cof-cat triple.cof >triple.tsv
neumf-train -q --device reference --factors 2 --hidden 4,2 -o model.safetensors triple.cof
pop-score -q --train train.cof --all-items test.cof >score.cof
pop-score -q --train train.cof --all-items --ranks test.cof >rank.cof
knn-score -q --train train.cof --all-items --ranks test.cof >other-rank.cof
knn-score -q --train train.cof --all-items --top 3 test.cof >top.cof
"""


def make_inputs(folder):
    os.mkdir(folder)
    subprocess.run(["sh", "-euc", INPUTS], cwd=folder, check=True)


def stages_without_a_case(sources):
    """Stages, of the folder stages/, that no case runs."""
    names = {file[:-2] for file in os.listdir(sources) if file.endswith(".c")}
    return sorted(names - {case.name for case in CASES})
