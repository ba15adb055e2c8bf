"""read_cof and write_cof against the programs."""

import gzip
import io
import json
import os
import unittest
from pathlib import Path

import numpy as np
from helper import InFolder, refused, run

from cofilter import KINDS, CofError, CofReader, __version__, read_cof, row_type, write_cof

MAKE = {
    "rating": "cat rating.cof",
    "interaction": "cat interaction.cof",
    "triple": "negsample -q --epochs 2 interaction.cof",
    "sample": "negsample -q --pointwise interaction.cof",
    "group": "negsample -q --grouped --negatives 3 interaction.cof",
    "score": "pop-score -q --train interaction.cof --all-items --seen interaction.cof test.cof",
    "rank": "pop-score -q --train interaction.cof --all-items --ranks test.cof",
    "top": "pop-score -q --train interaction.cof --all-items --top 5 test.cof",
}


class Streams(InFolder):
    def make(self, kind):
        run(f"{MAKE[kind]} >{kind}.new && mv {kind}.new {kind}.cof")
        return f"{kind}.cof"

    def test_every_kind_is_read_as_cof_cat_prints_it(self):
        options = json.loads(run("cof-cat --help-json"))["options"]
        kinds = next(option["choices"] for option in options if option["name"] == "kind")
        self.assertEqual((set(KINDS), set(MAKE)), (set(kinds), set(kinds)))
        for kind in MAKE:
            header, rows = read_cof(self.make(kind))
            self.assertEqual(header, json.loads(run(f"cof-cat --header {kind}.cof")))
            run(f"cof-cat --to npy {kind}.cof >rows.npy")
            wanted = np.load("rows.npy")
            self.assertEqual(len(rows), len(wanted))
            for name in rows.dtype.names:
                np.testing.assert_array_equal(rows[name], wanted[name])

    def test_every_kind_comes_back_with_the_same_bytes_but_for_the_provenance(self):
        for kind in MAKE:
            header, rows = read_cof(self.make(kind))
            write_cof("copy.cof", rows, like=header, options={"by": "test"})
            self.assertEqual(run("cof-cat copy.cof"), run(f"cof-cat {kind}.cof"))
            copy = json.loads(run("cof-cat --header copy.cof"))
            entry = {"program": "python", "version": __version__, "options": {"by": "test"}}
            self.assertEqual(copy.pop("provenance"), header["provenance"] + [entry])
            self.assertEqual(copy, {key: header[key] for key in header if key != "provenance"})
            old, new = Path(f"{kind}.cof").read_bytes(), Path("copy.cof").read_bytes()
            size = int.from_bytes(old[12:16], "little"), int.from_bytes(new[12:16], "little")
            self.assertEqual(old[size[0] + 20:], new[size[1] + 20:])

    def test_gzip_of_one_member_or_two_a_pipe_and_an_open_file(self):
        data = Path("interaction.cof").read_bytes()
        _, rows = read_cof("interaction.cof")
        packed = gzip.compress(data)
        for file in io.BytesIO(data), io.BytesIO(packed), io.BytesIO(gzip.compress(data[:500]) + gzip.compress(data[500:])):
            np.testing.assert_array_equal(read_cof(file)[1], rows)
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            with os.fdopen(write, "wb") as pipe:
                pipe.write(packed)
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb", buffering=0) as pipe:
            np.testing.assert_array_equal(read_cof(pipe)[1], rows)
        os.wait()

    def test_blocks_come_one_by_one(self):
        run("negsample -q --epochs 20 interaction.cof >long.cof")
        _, rows = read_cof("long.cof")
        with CofReader("long.cof") as stream:
            blocks = list(stream)
        self.assertGreater(len(blocks), 3)
        self.assertTrue(all(block.nbytes <= 65536 for block in blocks))
        np.testing.assert_array_equal(np.concatenate(blocks), rows)

    def test_a_block_is_handed_out_before_damage_that_lies_behind_it(self):
        run("negsample -q --epochs 20 interaction.cof >long.cof; head -c 150000 long.cof >cut.cof")
        seen = 0
        with self.assertRaisesRegex(CofError, "truncated"), CofReader("cut.cof") as stream:
            for rows in stream:
                seen += len(rows)
        self.assertEqual(seen, 2 * (65536 // 12))

    def test_an_empty_stream(self):
        rows = np.empty(0, row_type("interaction"))
        write_cof("empty.cof", rows, kind="interaction", users=3, items=4)
        self.assertEqual(run("cof-cat --count empty.cof"), b"0\n")
        header, back = read_cof("empty.cof")
        self.assertEqual((header["users"], header["items"], len(back)), (3, 4, 0))


class Damage(InFolder):
    def setUp(self):
        super().setUp()
        run("cof-cat --head 5 --to cof interaction.cof >small.cof")
        self.data = Path("small.cof").read_bytes()

    def refuse(self, data, same_as=None):
        try:
            self.assertEqual(read_cof(io.BytesIO(data))[1].tobytes(), same_as)
        except CofError:
            return True
        return False

    def test_every_truncation(self):
        for n in range(len(self.data)):
            self.assertTrue(self.refuse(self.data[:n]), n)

    def test_every_flipped_bit(self):
        for k in range(len(self.data)):
            for bit in range(8):
                bad = bytearray(self.data)
                bad[k] ^= 1 << bit
                self.assertTrue(self.refuse(bytes(bad)), (k, bit))

    def test_the_programs_refuse_the_same(self):
        for k in range(0, len(self.data), 23):
            bad = bytearray(self.data)
            bad[k] ^= 1 << k % 8
            Path("bad.cof").write_bytes(bad)
            self.assertTrue(refused("cof-cat --check bad.cof"), k)
            Path("bad.cof").write_bytes(self.data[:k])
            self.assertTrue(refused("cof-cat --check bad.cof"), k)

    def test_gzip_cut_is_refused_and_flipped_gives_the_same_rows_or_nothing(self):
        packed, rows = gzip.compress(self.data, mtime=0), read_cof("small.cof")[1].tobytes()
        for n in range(len(packed)):
            self.assertTrue(self.refuse(packed[:n]), n)
        taken = 0
        for k in range(len(packed)):
            for bit in range(8):
                bad = bytearray(packed)
                bad[k] ^= 1 << bit
                taken += not self.refuse(bytes(bad), rows)
        self.assertLess(taken, 100)  # bits of the gzip header that mean nothing

    def test_what_a_checksum_does_not_show(self):
        def with_header(change):
            size = int.from_bytes(self.data[12:16], "little")
            header = json.loads(self.data[16:16 + size])
            change(header)
            text = json.dumps(header).encode()
            head = self.data[:12] + len(text).to_bytes(4, "little") + text
            return head + _crc(head) + self.data[20 + size:]

        self.assertFalse(self.refuse(with_header(lambda h: None), read_cof("small.cof")[1].tobytes()))
        for change in (
            lambda h: h.update(kind="no-such"), lambda h: h.update(users=0), lambda h: h.update(users=True),
            lambda h: h.update(items=2**32), lambda h: h.update(items="80"), lambda h: h.update(items=80.0),
            lambda h: h.update(fields=h["fields"][:2]), lambda h: h.pop("provenance"),
            lambda h: h.update(provenance=[1]), lambda h: h.update(provenance=[{}] * 1001),
            lambda h: h.update(user_ids=[[3, "x" * 16]]), lambda h: h.update(user_ids=[[0, "0" * 16]]),
            lambda h: h.update(user_ids=[[3, "0" * 16], [3, "0" * 16]]), lambda h: h.update(epochs=-1),
            lambda h: h.update(first_row=7), lambda h: h.update(items=1),
        ):
            bad = with_header(change)
            self.assertTrue(self.refuse(bad))
            Path("bad.cof").write_bytes(bad)
            self.assertTrue(refused("cof-cat --check bad.cof"))
        self.assertTrue(self.refuse(self.data + b"\0"))
        self.assertTrue(self.refuse(self.data + self.data))

    def test_json_that_only_python_reads(self):
        size = int.from_bytes(self.data[12:16], "little")
        for value in ('"\\u0000"', '{"a\\u0000": 1}', '"\\ud800"', "9223372036854775808", "1e999", "NaN",
                      "[" * 100000 + "]" * 100000, '{"a": 1, "a": 2}'):
            text = self.data[16:16 + size - 1] + f',"more":{value}}}'.encode()
            head = self.data[:12] + len(text).to_bytes(4, "little") + text
            bad = head + _crc(head) + self.data[20 + size:]
            self.assertTrue(self.refuse(bad), value[:20])
            Path("bad.cof").write_bytes(bad)
            self.assertTrue(refused("cof-cat --check bad.cof"), value[:20])


class Writing(InFolder):
    good = {"user": [0, 1], "item": [2, 3], "time": [0, -5]}

    def refuse(self, message, rows, **more):
        Path("out.cof").write_text("old")
        before = sorted(os.listdir())
        with self.assertRaisesRegex(CofError, message):
            write_cof("out.cof", rows, **{"kind": "interaction", "users": 10, "items": 10, **more})
        self.assertEqual(Path("out.cof").read_text(), "old")
        self.assertEqual(sorted(os.listdir()), before)

    def test_what_does_not_fit_is_an_error_and_leaves_the_old_file(self):
        good = self.good
        self.refuse("row 2 of what is to be written: user 10 is not below the bound 10", {**good, "user": [0, 10]})
        self.refuse("item .* not below", {**good, "item": [10, 0]})
        self.refuse("user is not all within 0 to", {**good, "user": [0, -1]})
        self.refuse("user is not all within 0 to", {**good, "user": [0, 2**32]})
        self.refuse("not all whole", {**good, "item": [0.5, 1]})
        self.refuse("not all whole", {**good, "item": [np.nan, 1]})
        self.refuse("no column of numbers", {**good, "item": ["a", "b"]})
        self.refuse("not of one length", {**good, "item": [1]})
        self.refuse("interaction records have the fields", {"user": [0], "item": [1]})
        self.refuse("is no kind", good, kind="no-such")
        self.refuse("kind, users and items", good, users=None)
        self.refuse("users is not a number", good, users=0)
        self.refuse("users is not a number", good, users=2**32)
        rating = {**good, "rating": [1, 2]}
        self.refuse("not a finite", {**rating, "rating": [1, np.inf]}, kind="rating")
        self.refuse("not a finite", {**rating, "rating": [1, 1e39]}, kind="rating")
        triple = {"user": [0, 1], "positive": [1, 2], "negative": [3, 4]}
        self.refuse("2 rows are not 3 epochs", triple, kind="triple", epochs=3)
        self.refuse("1 to 16382 columns", triple, kind="group")
        header, _ = read_cof("interaction.cof")
        self.refuse("like says the bounds", good, like=header)

    def test_a_score_may_be_minus_infinity_and_nothing_else(self):
        rows = {"user": [0, 0], "item": [1, 2], "label": [1, 0], "score": [-np.inf, 1]}
        write_cof("out.cof", rows, kind="score", users=1, items=3)
        self.assertEqual(run("cof-cat out.cof"), b"0\t1\t1\t-inf\n0\t2\t0\t1\n")
        self.refuse("score inf", {**rows, "score": [np.inf, 1]}, kind="score")

    def test_a_sampler_in_python_trains_as_ours_does(self):
        run("negsample -q --epochs 3 interaction.cof | tee triple.cof | neumf-train -q --device cpu -o a")
        header, rows = read_cof("triple.cof")
        bounds = {key: header[key] for key in ("users", "items")}
        write_cof("b.cof", rows, kind="triple", epochs=3, **bounds)
        run("neumf-train -q --device cpu -o b b.cof && neumf-train -q --device cpu -o c triple.cof")
        self.assertEqual(json.loads(run("cof-cat --header b.cof"))["rows_per_epoch"], header["rows_per_epoch"])
        self.assertEqual(Path("a").read_bytes(), Path("c").read_bytes())
        self.assertEqual(Path("a").read_bytes()[-4000:], Path("b").read_bytes()[-4000:])
        with self.assertRaisesRegex(CofError, "by the epochs of `like`"):
            write_cof("d.cof", rows[:-1], like=header)
        write_cof("d.cof", rows[:-1], like=header, epochs=0)
        self.assertNotIn("epochs", read_cof("d.cof")[0])

    def test_the_file_has_the_mode_of_the_one_before_and_devices_are_written_in_place(self):
        write_cof("new.cof", self.good, kind="interaction", users=2, items=4)
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual(os.stat("new.cof").st_mode & 0o777, 0o666 & ~mask)
        os.chmod("new.cof", 0o640)
        os.symlink("new.cof", "link")
        write_cof("link", self.good, kind="interaction", users=2, items=5)
        self.assertTrue(os.path.islink("link"))
        self.assertEqual(os.stat("new.cof").st_mode & 0o777, 0o640)
        self.assertEqual(read_cof("new.cof")[0]["items"], 5)
        write_cof("/dev/null", self.good, kind="interaction", users=2, items=5)
        with self.assertRaises(OSError):
            write_cof("/dev/full", self.good, kind="interaction", users=2, items=5)


def _crc(data):
    import zlib

    return zlib.crc32(data).to_bytes(4, "little")


if __name__ == "__main__":
    unittest.main()
