"""The verdicts of the package are those of the command."""

import gzip
import json
import os
import pathlib
import random
import unittest

import sealbook
from scene import ROOT, Files, command, package

#: How many changed files both judge; 5000 in a long run.
MUTATIONS = int(os.environ.get("SEALBOOK_MUTATIONS", "200"))


class Verdicts(Files):
    def test_a_report_is_the_commands_member_by_member(self):
        for name in self.files:
            path = self.path(name)
            expected = self.said(path)
            self.assertEqual(expected["verdict"], "pass", expected)
            self.assertEqual(package(path, [self.key]), expected, name)
            report = sealbook.verify(path, [self.key])
            self.assertTrue(report and report.passed)
            self.assertEqual(report.format, expected["format"])
            read = sealbook.verify(pathlib.Path(path).read_bytes(), [self.key])
            self.assertEqual(read.head, report.head)

    def test_vectors_get_the_same_verdict(self):
        judged = 0
        for folder in ("fixtures/format", "fixtures/cases", "fixtures/ledgers"):
            for path in sorted((ROOT / folder).rglob("*")):
                known = (".bundle", ".proof", ".jsonl", ".zst", ".html", ".parquet")
                if not path.is_file() or path.suffix not in known:
                    continue
                key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
                self.assertEqual(package(str(path), [key]), command(self.ledger, path, "--key", key), path)
                judged += 1
        self.assertGreater(judged, 30)

    def test_a_changed_file_gets_the_same_verdict_or_the_same_error(self):
        choose = random.Random(20261129)
        for number in range(MUTATIONS):
            name = choose.choice(self.files)
            data = bytearray(self.bytes(name))
            for _ in range(choose.choice((1, 1, 2, 5))):
                at = choose.randrange(len(data))
                change = choose.randrange(4)
                if change == 0:
                    data[at] ^= 1 << choose.randrange(8)
                elif change == 1:
                    del data[at : at + choose.randrange(1, 50)]
                elif change == 2:
                    data[at:at] = data[: choose.randrange(1, 50)]
                else:
                    del data[at:]
                if not data:
                    break
            changed = self.write(f"changed-{name}", data)
            expected = self.said(changed)
            self.assertEqual(package(changed, [self.key]), expected, f"{number} {name}")

    def test_faults_and_what_was_not_checked_are_objects(self):
        path = pathlib.Path(self.path("e.bundle"))
        forged = self.bytes("e.bundle").replace(b'"n":7', b'"n":8', 1)
        report = sealbook.verify(forged, [self.key])
        self.assertFalse(report)
        fault = report.faults[0]
        self.assertEqual((fault.code, fault.at, fault.seq), ("signature_invalid", "entry", 8))
        self.assertIn("signature_invalid", repr(fault))
        alone = sealbook.verify(path, [])
        self.assertEqual(alone.faults[0].code, "untrusted_key")
        selected = sealbook.verify(self.path("t.bundle"), [self.key])
        self.assertEqual(selected.not_checked, ("index", "chain"))

    def test_what_is_no_file_of_ours_raises_with_code_and_place(self):
        with self.assertRaises(sealbook.NeedsStore) as raised:
            sealbook.verify(self.path("ledger"), [self.key])
        self.assertEqual(raised.exception.code, "needs_store")
        self.assertIn("ledger", raised.exception.place)
        with self.assertRaises(sealbook.NotRecognised):
            sealbook.verify(b"hello, world", [self.key])
        with self.assertRaises(sealbook.SealbookError) as raised:
            sealbook.verify("/no/such/file", [self.key])
        self.assertEqual((raised.exception.code, raised.exception.place), ("io", "/no/such/file"))
        with self.assertRaises(sealbook.Misused) as raised:
            sealbook.verify(self.path("e.bundle"), ["nonsense"])
        self.assertEqual(raised.exception.code, "usage")
        with self.assertRaises(TypeError):
            sealbook.verify(7, [])
        newer = self.bytes("e.bundle")
        newer = newer.replace(b'"format":2', b'"format":9', 1)
        with self.assertRaises(sealbook.Unsupported):
            sealbook.verify(newer, [self.key])

    def test_heads_and_keys_are_taken_as_people_have_them(self):
        self.ledger.run("head", "-o", "head.json")
        heads = list(sealbook.statements(self.path("head.json")))
        self.assertTrue(heads[0].signed)
        self.assertEqual((heads[0].seq, heads[0].log), (43, self.key))
        pem = self.ledger.run("key", "--pem")
        report = sealbook.verify(
            self.path("book.jsonl"), [pem], contains=[self.path("head.json")]
        )
        self.assertTrue(report, report.faults)
        self.assertEqual(report.head, heads[0].hash)


class Reading(Files):
    def test_every_kind_of_file_gives_its_entries(self):
        books = [("book.jsonl", ("book.jsonl", "e.bundle", "e.bundle.zst", "e.parquet"))]
        books.append(("old.jsonl", ("old.bundle",)))
        for book, name in [(book, name) for book, names in books for name in names]:
            lines = pathlib.Path(self.path(book)).read_text().splitlines()
            expected = [json.loads(line) for line in lines]
            entries = list(sealbook.read(self.path(name)))
            self.assertEqual(len(entries), len(expected), name)
            for number, (entry, line) in enumerate(zip(entries, expected)):
                self.assertEqual(entry.payload, line["payload"])
                self.assertEqual((entry.kind, entry.ts), (line["kind"], line["ts"]))
                self.assertEqual(entry.prev_hash, line["prev_hash"])
                self.assertEqual(entry.signature, line["signature"])
                self.assertEqual(entry.time.isoformat(), line["ts"])
                self.assertEqual(entry.seq, None if name == "book.jsonl" else number)
        selected = list(sealbook.read(self.path("t.bundle")))
        self.assertEqual({entry["tenant_id"] for entry in selected}, {"t1"})
        self.assertEqual(selected[0].get("nothing", 7), 7)
        with self.assertRaises(KeyError):
            selected[0]["nothing"]

    def test_a_line_that_is_no_entry_raises_after_those_before_it(self):
        text = self.bytes("book.jsonl").splitlines(True)
        text[5] = b"{}\n"
        entries = sealbook.read(b"".join(text))
        read = []
        with self.assertRaises(sealbook.Unreadable) as raised:
            for entry in entries:
                read.append(entry)
        self.assertEqual(len(read), 5)
        self.assertIn("line 6", str(raised.exception))

    def test_a_table_is_handed_over_to_arrow(self):
        try:
            import polars
            import pyarrow
        except ImportError:
            self.skipTest("no pyarrow or no polars")
        table = pyarrow.table(sealbook.table(self.path("e.bundle")))
        self.assertEqual(table.num_rows, 44)
        self.assertEqual(table["seq"].to_pylist(), list(range(44)))
        self.assertEqual(table["tenant"][1].as_py(), "t0")
        entry = next(sealbook.read(self.path("e.bundle")))
        self.assertEqual(table["hash"][0].as_py().hex(), entry.hash)
        frame = polars.DataFrame(sealbook.table(self.path("book.jsonl")))
        self.assertEqual(frame.height, 44)
        taken = sealbook.table(self.path("e.bundle"))
        taken.__arrow_c_stream__()
        with self.assertRaises(ValueError):
            taken.__arrow_c_stream__()

    def test_compressed_bytes_are_read(self):
        data = gzip.compress(self.bytes("book.jsonl"))
        self.assertEqual(sum(1 for _ in sealbook.read(data)), 44)

if __name__ == "__main__":
    unittest.main()
