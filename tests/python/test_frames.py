"""Ids, and rows as pandas and SciPy have them."""

import unittest
from pathlib import Path

import numpy as np
from helper import InFolder, run

from cofilter import CofError, from_pandas, from_scipy, read_cof, read_ids, to_pandas, to_scipy, write_cof

try:
    import pandas
except ImportError:
    pandas = None
try:
    import scipy
except ImportError:
    scipy = None


class IdFiles(InFolder):
    def test_ids_are_those_of_the_file_and_of_the_stream(self):
        users, header = read_ids("users.tsv"), read_cof("rating.cof")[0]
        lines = [line.split("\t") for line in Path("users.tsv").read_text().splitlines()]
        self.assertEqual(list(users.raw), [raw for _, raw in lines])
        self.assertEqual(users.dense(lines[7][1]), 7)
        np.testing.assert_array_equal(users.dense([lines[3][1], lines[0][1]]), [3, 0])
        self.assertEqual(header["user_ids"], [users.fingerprint()])
        users.check(header["user_ids"], header["users"])
        with self.assertRaisesRegex(CofError, "is another id map"):
            read_ids("other.tsv").check(header["user_ids"], header["users"])
        with self.assertRaisesRegex(CofError, "has 60 ids, it has 80"):
            users.check(None, 80)
        with self.assertRaises(KeyError):
            users.dense("nobody")

    def test_names_line_ends_and_bytes_that_are_no_text(self):
        Path("ids").write_bytes(b"0\ta\tThe A\r\n1\t\xff\n2\tc\t\n")
        ids = read_ids("ids")
        self.assertEqual(list(ids.raw), ["a", "\udcff", "c"])
        self.assertEqual(list(ids.name(np.arange(3))), ["The A", "\udcff", "c"])
        self.assertEqual(ids.name(0), "The A")
        run("printf '0\\t0\\t0\\n1\\t1\\t1\\n2\\t2\\t2\\n' >dense")
        # the programs have the same fingerprint of these bytes
        run("printf 'a,x\\n\\xff,x\\nc,x\\n' | cof-import -q --format csv --header no --columns user,item >r.cof")
        self.assertEqual(read_cof("r.cof")[0]["user_ids"], [ids.fingerprint()])

    def test_what_is_no_id_file(self):
        for text in b"", b"0\ta", b"1\ta\n", b"0 a\n", b"0\ta\n2\tb\n", b"0\ta\n1\ta\n", b"0\t\n", b"00\ta\n", b"0\ta\0\n":
            Path("ids").write_bytes(text)
            with self.assertRaises(CofError, msg=text):
                read_ids("ids")


@unittest.skipUnless(pandas, "no pandas")
class Pandas(InFolder):
    def test_there_and_back(self):
        for make, kind in ("cat rating.cof", "rating"), ("negsample -q --grouped --negatives 12 interaction.cof", "group"):
            run(f"{make} >a.cof")
            header, rows = read_cof("a.cof")
            frame = to_pandas(header, rows)
            names = run("cof-cat --to csv a.cof | head -n 1").decode().strip().split(",")
            self.assertEqual(list(frame.columns), names)
            back = from_pandas(frame.sample(frac=1, random_state=1).sort_index(), kind)
            np.testing.assert_array_equal(back, rows)

    def test_raw_ids_and_names(self):
        header, rows = read_cof("rating.cof")
        users, items = read_ids("users.tsv"), read_ids("items.tsv")
        frame = to_pandas(header, rows, user_ids=users, item_ids=items)
        wanted = run("cof-cat --user-ids users.tsv --item-ids items.tsv rating.cof | cut -f 1,2").decode().split("\n")
        self.assertEqual([f"{u}\t{i}" for u, i in zip(frame.user, frame.item)], wanted[:-1])
        np.testing.assert_array_equal(from_pandas(frame, "rating", user_ids=users, item_ids=items), rows)
        with self.assertRaisesRegex(CofError, "another id map"):
            to_pandas(header, rows, user_ids=read_ids("other.tsv"))
        with self.assertRaises(KeyError):
            from_pandas(frame.assign(user="nobody"), "rating", user_ids=users, item_ids=items)
        with self.assertRaisesRegex(CofError, "no column time"):
            from_pandas(frame.drop(columns="time"), "rating", user_ids=users, item_ids=items)
        write_cof("out.cof", frame[["time", "rating"]].assign(user=rows["user"], item=rows["item"]), like=header)
        self.assertEqual(run("cof-cat out.cof"), run("cof-cat rating.cof"))


@unittest.skipUnless(scipy, "no SciPy")
class SciPy(InFolder):
    def test_there_and_back(self):
        header, rows = read_cof("rating.cof")
        matrix = to_scipy(header, rows, "rating")
        self.assertEqual(matrix.shape, (60, 80))
        self.assertEqual(matrix[rows["user"][5], rows["item"][5]], rows["rating"][5])
        back = from_scipy(matrix, "rating")
        order = np.lexsort((rows["item"], rows["user"]))
        for name in "user", "item", "rating":
            np.testing.assert_array_equal(back[name], rows[name][order])
        np.testing.assert_array_equal(from_scipy(to_scipy(header, rows))["user"], rows["user"][order])

    def test_a_user_with_an_item_twice(self):
        header, rows = read_cof("rating.cof")
        twice = np.concatenate([rows, rows[:1]])
        self.assertEqual(to_scipy(header, twice).max(), 1)
        with self.assertRaisesRegex(CofError, "twice"):
            to_scipy(header, twice, "rating")
        with self.assertRaisesRegex(CofError, "no matrix"):
            to_scipy(*read_cof_of_triples())
        with self.assertRaisesRegex(CofError, "no triple"):
            from_scipy(to_scipy(header, rows), "triple")


def read_cof_of_triples():
    run("negsample -q interaction.cof >triple.cof")
    return read_cof("triple.cof")


if __name__ == "__main__":
    unittest.main()
