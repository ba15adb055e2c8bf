"""Usage: csv-differential.py FILES SEED: texts of fields that are delimiters, quotes, line ends, blanks and letters,
read by cof-import and by Python's csv module. cof-import may refuse a text; what it reads it must read as Python does.
Prints how many were read and refused; exit status 1 where one was read differently, or too few at all."""
import csv
import io
import random
import struct
import subprocess
import sys
import tempfile

PIECES = ["", "a", "b", "é", "日本", "😀", " ", ",", ";", "\t", "|", '"', '""', "\n", "\r\n", "\r", "7", "-", "'", "\\"]


def field(rng):
    return "".join(rng.choices(PIECES, k=rng.choice([0, 1, 1, 2, 3, 5])))


def written(rng, delimiter, columns):
    """A text as a csv writer makes it, ids without line ends, other columns with anything."""
    ids = set(rng.sample(range(columns), 2))
    rows = []
    for _ in range(rng.randint(1, 12)):
        row = [field(rng) for _ in range(columns)]
        for k in ids:
            row[k] = row[k].translate({ord(c): None for c in "\n\r\t"}) or "x"
        rows.append(row)
    out = io.StringIO()
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=rng.choice(["\n", "\r\n"])).writerows(rows)
    return out.getvalue(), sorted(ids)


def scribbled(rng, delimiter, columns):
    """A text of anything, with a quote or a delimiter now and then where none belongs."""
    rows = []
    for _ in range(rng.randint(1, 6)):
        row = []
        for _ in range(columns):
            text = field(rng) if rng.random() < 0.3 else rng.choice("abc")
            row.append('"' + text.replace('"', '""') + '"' if rng.random() < 0.3 else text)
        rows.append(delimiter.join(row))
    return rng.choice(["\n", "\r\n"]).join(rows) + "\n", sorted(rng.sample(range(columns), 2))


def pairs(stream, users, items):
    """The rows of a rating stream as raw ids."""
    raw = [[line.split("\t")[1] for line in open(path, encoding="utf-8", newline="\n").read().split("\n")[:-1]]
           for path in (users, items)]
    at = 20 + struct.unpack_from("<I", stream, 12)[0]
    found = []
    while count := struct.unpack_from("<I", stream, at)[0]:
        for k in range(count):
            user, item = struct.unpack_from("<II", stream, at + 4 + 20 * k)
            found.append((raw[0][user], raw[1][item]))
        at += 8 + 20 * count
    return found


def expected(text, delimiter, ids):
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    found = [tuple(row[k] if k < len(row) else None for k in ids) for row in rows]
    return list(dict.fromkeys(found))  # --duplicates first


def main():
    files, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    read = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        users, items = folder + "/users", folder + "/items"
        for number in range(files):
            delimiter, columns = rng.choice(",,,;|\t"), rng.randint(2, 5)
            text, ids = (written if rng.random() < 0.7 else scribbled)(rng, delimiter, columns)
            run = subprocess.run(
                ["cof-import", "-q", "--format", "csv", "--delimiter", delimiter, "--header", "no", "--duplicates", "first",
                 "--columns", f"user={ids[0] + 1},item={ids[1] + 1}", "--user-ids", users, "--item-ids", items],
                input=text.encode(), capture_output=True)
            if run.returncode == 1 and not run.stdout:
                refused += 1
            elif run.returncode or pairs(run.stdout, users, items) != expected(text, delimiter, ids):
                print(f"text {number} of seed {seed}: {text!r}, columns {ids} by {delimiter!r}: status {run.returncode}")
                sys.exit(1)
            else:
                read += 1
    print(f"{read} read as Python's csv module does, {refused} refused")
    sys.exit(read < files / 2)


main()
