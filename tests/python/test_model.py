"""load_model against neumf-score: every kind and loss, with NumPy and with PyTorch."""

import io
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from helper import InFolder, refused, run

from cofilter import CofError, Model, hashes, load_model, read_cof

try:
    import torch
except ImportError:
    torch = None

TRAINED = {
    "neumf": "--pointwise", "gmf": "--pairwise", "mlp": "--pairwise", "mf": "--pointwise",
}


class Models(InFolder):
    def train(self, model, options="", stream=None):
        run(f"negsample -q {stream or TRAINED[model]} --epochs 3 interaction.cof | "
            f"neumf-train -q --device cpu --model {model} --lr 0.02 {options} -o m")
        run("neumf-score -q --device cpu --model m --all-items test.cof >score.cof")
        return load_model("m"), read_cof("score.cof")[1]

    def check(self, model, rows):
        np.testing.assert_allclose(model.score(rows["user"], rows["item"]), rows["score"], rtol=2e-6, atol=2e-6)
        one = rows[rows["user"] == rows["user"][0]]
        block = model.score(one["user"][0], np.arange(model.items))
        np.testing.assert_array_equal(block[one["item"]], model.score(one["user"], one["item"]))
        if torch:
            with torch.no_grad():
                users, items = (torch.tensor(rows[name].astype(np.int64)) for name in ("user", "item"))
                scores = model.torch()(users, items).numpy()
            np.testing.assert_allclose(scores, rows["score"], rtol=1e-5, atol=1e-5)

    def test_every_kind(self):
        for kind in TRAINED:
            model, rows = self.train(kind)
            self.assertEqual((model.kind, model.users, model.items), (kind, 60, 80))
            self.assertEqual([entry["program"] for entry in model.provenance][-1], "neumf-train")
            self.check(model, rows)

    def test_a_sigmoid_at_the_end_and_other_widths(self):
        self.check(*self.train("neumf", "--sigmoid-output --hidden 7,5 --factors 3 --mlp-factors 6", "--pairwise"))

    def test_biases(self):
        self.check(*self.train("mf", "--bias"))

    def test_cosines(self):
        model, rows = self.train("mf", "--loss ccl", "--grouped --negatives 4")
        self.assertTrue(model.cosine)
        self.assertLessEqual(abs(rows["score"]).max(), 1)
        self.assertLess(abs(rows["score"]).min(), .5)
        self.check(model, rows)

    def test_a_score_that_is_not_known_is_refused(self):
        model, _ = self.train("mf")
        for change in ({"loss": "new"}, {"loss": "ccl"}, {"score": "cosine"}, {"sigmoid_output": "maybe"},
                       {"bias": "true"}, {"loss": "ccl", "score": "cosine", "sigmoid_output": "true"},
                       {"user_ids": "["}, {"provenance": "[" * 100000}):
            with self.assertRaises(CofError, msg=change):
                Model({**model.meta, **change}, model.tensors)

    def test_ials(self):
        run("ials-train -q --factors 6 --epochs 2 -o m interaction.cof")
        run("neumf-score -q --device cpu --model m --all-items test.cof >score.cof")
        self.check(load_model("m"), read_cof("score.cof")[1])

    def test_ids_out_of_bounds(self):
        model, _ = self.train("mf")
        for users, items in ((60, 0), (0, 80), (-1, 0), (0, -1), (0.5, 0)):
            with self.assertRaisesRegex(CofError, "whole number from 0"):
                model.score(users, items)

    def test_damage_as_neumf_score_finds_it(self):
        self.train("gmf", "--factors 2")
        data = Path("m").read_bytes()
        for n in range(0, len(data), 37):
            with self.assertRaises(CofError):
                load_model(io.BytesIO(data[:n]))
        for k in range(len(data)):
            bad = bytearray(data)
            bad[k] ^= 1 << k % 8
            with self.assertRaises(CofError, msg=k):
                load_model(io.BytesIO(bytes(bad)))
            if k % 97 == 0:
                Path("bad").write_bytes(bad)
                self.assertTrue(refused("neumf-score --model bad --all-items test.cof"), k)
        with self.assertRaises(CofError):
            load_model(io.BytesIO(data + b"\0"))

    def test_without_a_library_for_checksums_it_says_so(self):
        self.train("mf")
        with mock.patch.object(hashes, "hash128", None), self.assertWarnsRegex(UserWarning, "'m': not verified"):
            load_model("m")

    def test_item_weights_are_arrays(self):
        for stage in "ease", "knn":
            run(f"{stage}-score -q --train interaction.cof --save-model w")
            model = load_model("w")
            self.assertEqual((model.kind, model.items), ("item-weights", 80))
            self.assertIn("weights", model.tensors)
            with self.assertRaisesRegex(CofError, "scores from items"):
                model.score(0, 0)


if __name__ == "__main__":
    unittest.main()
