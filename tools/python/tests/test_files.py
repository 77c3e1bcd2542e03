"""What is read out of files beside entries, and several files and parts judged together."""

import dataclasses
import faulthandler
import gzip
import json
import os
import pathlib
import tempfile
import threading
import unittest

import sealbook
from scene import ROOT, Files, Ledger, command, timeless
from sealbook import records, values

FORMAT = ROOT / "fixtures/format"
KEY = (FORMAT / "key.txt").read_text().strip()
V2 = ROOT / "fixtures/ledgers/v2"

try:
    import polars
    import pyarrow
except ImportError:
    pyarrow = None


class Records(unittest.TestCase):
    """Every reader gives objects, and a table with the same columns."""

    READERS = (
        (sealbook.receipts, records.Receipt, FORMAT / "receipts.jsonl", 2),
        (sealbook.statements, records.Statement, FORMAT / "published.jsonl", 3),
        (sealbook.checkpoints, records.Checkpoint, FORMAT / "public.checkpoint", 1),
        (sealbook.checkpoints, records.Checkpoint, FORMAT / "entry-3.tlog-proof", 1),
        (sealbook.checkpoints, records.Checkpoint, FORMAT / "public.logbook.jsonl", 1),
        (sealbook.checkpoints, records.Checkpoint, FORMAT / "range.bundle", 0),
        (sealbook.members, records.Member, FORMAT / "range.bundle", 0),
    )

    def test_objects_and_columns_are_of_one_description(self):
        for reader, kind, path, count in self.READERS:
            found = list(reader(path))
            self.assertEqual([type(one) for one in found], [kind] * count, path)
            self.assertEqual(list(reader(path.read_bytes())), found)
            self.assertEqual(list(reader(bytearray(path.read_bytes()))), found)
            self.assertEqual(list(reader(memoryview(path.read_bytes()))), found)
            self.assertEqual(list(reader(str(path))), found)
            if pyarrow is None:
                continue
            table = pyarrow.table(reader(path))
            names = [one.name for one in dataclasses.fields(kind)]
            self.assertEqual(table.schema.names, names, path)
            self.assertEqual(polars.DataFrame(reader(path)).height, count)
            for row, one in zip(table.to_pylist(), found):
                for name, held in row.items():
                    had = getattr(one, name)
                    if isinstance(held, bytes):
                        held = held.hex()
                    elif name == "ts":
                        had = one.time
                    elif isinstance(held, list):
                        had = list(had)
                    self.assertEqual(held, had, (path, name))

    def test_records_are_given_once_the_rest_of_them_to_arrow(self):
        if pyarrow is None:
            self.skipTest("no pyarrow")
        receipts = sealbook.receipts(FORMAT / "receipts.jsonl")
        self.assertEqual(next(receipts).seq, 5)
        self.assertEqual(pyarrow.table(receipts)["seq"].to_pylist(), [6])
        self.assertEqual(list(receipts), [])
        with self.assertRaises(ValueError):
            pyarrow.table(receipts)
        # The place in a logbook is the number, whatever was read before.
        entries = sealbook.read(FORMAT / "logbook.jsonl")
        next(entries)
        table = pyarrow.table(entries)
        self.assertEqual(table["seq"].to_pylist(), list(range(1, table.num_rows + 1)))

    def test_an_error_in_a_table_is_an_exception_whatever_its_text(self):
        if pyarrow is None:
            self.skipTest("no pyarrow")
        book = (FORMAT / "logbook.jsonl").read_bytes()
        for read, data in (
            (sealbook.receipts, b'{"\0":1}\n'),
            (sealbook.receipts, b'{"a\\u0000b":1}\n'),
            (sealbook.statements, b"\0\n"),
            (sealbook.table, book + b'{"a\\u0000":1}\n'),
            (sealbook.members, book + b'{"a\\u0000":1}\n'),
            (sealbook.checkpoints, book + b"{}\n"),
        ):
            with self.assertRaises(OSError, msg=data):
                pyarrow.table(read(data))

    def test_a_receipt_is_of_its_entry(self):
        entries = {entry.hash: entry for entry in sealbook.read(FORMAT / "logbook.jsonl")}
        for receipt in sealbook.receipts(FORMAT / "receipts.jsonl"):
            entry = entries[receipt.hash]
            self.assertEqual((entry.kind, entry.ts), (receipt.kind, receipt.ts))
            self.assertEqual((entry.time, entry.signature), (receipt.time, receipt.signature))

    def test_checkpoints_are_found_where_they_are_kept(self):
        note = next(sealbook.checkpoints(FORMAT / "public.checkpoint"))
        self.assertEqual((note.origin, note.size), ("log.example.com/sample", 7))
        self.assertEqual(note.note, (FORMAT / "public.checkpoint").read_text())
        self.assertEqual(note.signers, ("log.example.com/sample+467d4297",))
        kept = next(sealbook.checkpoints(FORMAT / "public.logbook.jsonl"))
        self.assertEqual((kept.seq, kept.size, len(kept.signers)), (3, 3, 2))

    def test_a_proof_is_read_whole(self):
        proof = sealbook.proof(FORMAT / "entry-3.v2.proof")
        self.assertIsInstance(proof, sealbook.InclusionProof)
        self.assertEqual((proof.seq, proof.entry.seq, proof.epoch.epoch), (3, 3, 0))
        self.assertEqual(proof.opening.hash, proof.epoch.genesis)
        self.assertEqual(proof.epoch.to_dict()["epoch"]["log"], KEY)
        self.assertIsNone(sealbook.proof(FORMAT / "entry-3.proof").opening)
        packed = gzip.compress((FORMAT / "entry-3.proof").read_bytes())
        self.assertEqual(sealbook.proof(packed).path, proof.path)
        tlog = sealbook.proof(FORMAT / "entry-3.tlog-proof")
        self.assertIsInstance(tlog, sealbook.TlogProof)
        self.assertEqual((tlog.seq, tlog.checkpoint.size, len(tlog.path)), (3, 7, 3))
        two = sealbook.proof(FORMAT / "index.denied.equivocation")
        self.assertIsInstance(two, sealbook.Equivocation)
        self.assertEqual((two.log, two.kind), (KEY, "index"))
        self.assertEqual(two.proof, (FORMAT / "index.denied.equivocation").read_bytes())

    def test_the_openings_of_the_format_document_open_and_no_others(self):
        lines = (FORMAT / "redacted.jsonl").read_text().splitlines()
        for one in map(json.loads, lines):
            place = {"pointer": one["pointer"], "genesis": one["genesis"]}
            commitment, value, salt = one["commitment"], one["value"], one["salt"]
            self.assertTrue(sealbook.check_opening(commitment, value, salt, **place))
            for wrong in (
                (commitment, [value], salt, place),
                (commitment, value, "00" * 31 + "01", place),
                (commitment, value, salt, {**place, "pointer": "/x"}),
                (commitment, value, salt, {**place, "genesis": "0" * 64}),
                ("0" * 64, value, salt, place),
            ):
                self.assertFalse(sealbook.check_opening(*wrong[:3], **wrong[3]))
        for wrong in (
            {"commitment": "0"},
            {"salt": "zz"},
            {"salt": "00" * 16},
            {"pointer": "no slash"},
            {"genesis": ""},
            {"value": float("nan")},
            {"value": "\ud800"},
        ):
            given = {name: one[name] for name in ("commitment", "value", "salt", "pointer", "genesis")}
            with self.assertRaises(sealbook.Misused, msg=str(wrong)):
                sealbook.check_opening(**{**given, **wrong})
        with self.assertRaises(TypeError):
            sealbook.check_opening(**{**given, "value": {1, 2}})

    def test_wrong_files_raise_by_name_with_code_and_place(self):
        ledger = str(V2 / "ledger")
        book = (FORMAT / "receipts.jsonl").read_bytes()
        for read, file, kind, code, place in (
            (sealbook.members, ledger, sealbook.NeedsStore, "needs_store", ledger),
            (sealbook.receipts, ledger, sealbook.NeedsStore, "needs_store", ledger),
            (sealbook.checkpoints, ledger, sealbook.NeedsStore, "needs_store", ledger),
            (sealbook.proof, ledger, sealbook.NeedsStore, "needs_store", ledger),
            (sealbook.fold, ledger, sealbook.NeedsStore, "needs_store", ledger),
            (sealbook.statements, "/no/file", sealbook.SealbookError, "io", "/no/file"),
            (sealbook.members, b"nothing", sealbook.NotRecognised, "not_recognised", None),
            (sealbook.checkpoints, b"nothing", sealbook.NotRecognised, "not_recognised", None),
            (sealbook.checkpoints, b"a\n\nb", sealbook.Unreadable, "bad_checkpoint", None),
            (sealbook.proof, b"nothing", sealbook.NotRecognised, "not_recognised", None),
            (sealbook.proof, book, sealbook.NotRecognised, "not_recognised", None),
            (sealbook.fold, b"nothing", sealbook.NotRecognised, "not_recognised", None),
            (sealbook.receipts, b"nothing\n", sealbook.Unreadable, "bad_json", "line 1"),
            (sealbook.receipts, book + b"{}\n", sealbook.Unreadable, "bad_input", "line 3"),
            (sealbook.statements, book, sealbook.Unreadable, "bad_input", "line 1"),
            (
                sealbook.proof,
                (FORMAT / "entry-3.v2.proof").read_bytes().replace(b'"format":2', b'"format":9'),
                sealbook.Unsupported,
                "format_unsupported",
                None,
            ),
        ):
            with self.assertRaises(sealbook.SealbookError, msg=(read, file)) as raised:
                found = read(file)
                list(found) if isinstance(found, sealbook.Records) else found
            error = raised.exception
            self.assertEqual((type(error), error.code, error.place), (kind, code, place), read)
            with self.assertRaises(TypeError):
                read(7)
        # What is before it is read; a last line that is not finished is none.
        receipts = sealbook.receipts(book + b"{}\n")
        self.assertEqual([next(receipts).seq, next(receipts).seq], [5, 6])
        self.assertEqual(len(list(sealbook.receipts(book + b'{"seq":'))), 2)

    def test_other_threads_run_meanwhile(self):
        """A pipe is read that another thread of this interpreter fills: whoever held the
        lock would wait for ever."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        pipe = pathlib.Path(folder.name) / "pipe"
        os.mkfifo(pipe)
        faulthandler.dump_traceback_later(60, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        bundle = (FORMAT / "range.bundle").read_bytes()
        receipts = (FORMAT / "receipts.jsonl").read_bytes()
        book = (FORMAT / "logbook.jsonl").read_bytes()
        for work, data in (
            (lambda: self.assertTrue(sealbook.verify(pipe, [KEY])), bundle),
            (lambda: self.assertFalse(sealbook.verify(pipe, [KEY])), bundle[:-9]),
            (lambda: self.assertTrue(sealbook.verify(FORMAT / "logbook.jsonl", [KEY], receipts=pipe)), receipts),
            (lambda: self.assertEqual(len(list(sealbook.receipts(pipe))), 2), receipts),
            (lambda: self.assertEqual(len(list(sealbook.read(pipe))), book.count(b"\n")), book),
            (lambda: sealbook.proof(pipe), (FORMAT / "entry-3.proof").read_bytes()),
            (lambda: self.assertTrue(sealbook.fold(pipe, [KEY])[0]), bundle),
        ):
            other = threading.Thread(target=pipe.write_bytes, args=(data,))
            other.start()
            work()
            other.join()

class Redacted(Files):
    """Members that are withheld, opened and proven."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        lines = [
            {"kind": "sale", "payload": {"email": f"{n}@x", "price": price}, "redactable": ["/email", "/price"]}
            for n, price in enumerate((1.5, 10**30, "née", None, {"a": [1, 2.0]}))
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        cls.ledger.run("append", "--jsonl", "-", given=text)
        cls.ledger.run("seal")
        cls.ledger.run("export", "-o", "open.bundle")
        cls.ledger.run("export", "-o", "closed.bundle", "--withhold-all")
        cls.ledger.run("export", "-o", "part.bundle", "--withhold", "/email")
        cls.ledger.run("export", "-o", "open.jsonl", "--format", "logbook")

    def test_members_are_opened_as_the_file_opens_them(self):
        opened = list(sealbook.members(self.path("open.bundle")))
        self.assertEqual(len(opened), 10)
        self.assertTrue(all(member.opened for member in opened))
        values = {(member.seq, member.pointer): member.value for member in opened}
        first = opened[0].seq
        self.assertEqual(values[first, "/email"], "0@x")
        self.assertEqual(values[first + 1, "/price"], 10**30)
        self.assertEqual(values[first + 4, "/price"], {"a": [1, 2.0]})
        self.assertIsNone(values[first + 3, "/price"])
        report = sealbook.verify(self.path("open.bundle"), [self.key])
        self.assertEqual((report.redacted.members, report.redacted.opened), (10, 10))
        # The same members without what opens them, which others may give later.
        closed = list(sealbook.members(self.path("closed.bundle")))
        self.assertEqual([one.commitment for one in closed], [one.commitment for one in opened])
        for member, known in zip(closed, opened):
            self.assertFalse(member.opened)
            self.assertTrue(member.opens(known.value, known.salt))
            self.assertFalse(member.opens("a guess", known.salt))
        report = sealbook.verify(self.path("closed.bundle"), [self.key])
        self.assertEqual((report.redacted.members, report.redacted.opened), (10, 0))
        part = list(sealbook.members(self.path("part.bundle")))
        self.assertEqual({one.pointer for one in part if one.opened}, {"/price"})

    def test_a_logbook_says_the_genesis_with_its_first_line(self):
        opened = list(sealbook.members(self.path("open.bundle")))
        book = list(sealbook.members(self.path("open.jsonl")))
        self.assertEqual([one.genesis for one in book], [one.genesis for one in opened])
        self.assertTrue(book[3].opens(opened[3].value, opened[3].salt))
        cut = b"".join(self.bytes("open.jsonl").splitlines(True)[2:])
        member = next(sealbook.members(cut))
        self.assertIsNone(member.genesis)
        with self.assertRaises(ValueError):
            member.opens(opened[0].value, opened[0].salt)
        self.assertTrue(member.opens(opened[0].value, opened[0].salt, genesis=opened[0].genesis))

    def test_what_open_field_gives_out_opens_the_member(self):
        closed = list(sealbook.members(self.path("closed.bundle")))
        one = next(member for member in closed if member.pointer == "/price")
        self.ledger.run("open-field", str(one.seq), "--pointer", "/price", "-o", "field.bundle")
        given = list(sealbook.members(self.path("field.bundle")))
        shown = [member for member in given if member.opened]
        self.assertEqual([(member.seq, member.pointer) for member in shown], [(one.seq, "/price")])
        self.assertTrue(one.opens(shown[0].value, shown[0].salt))
        changed = self.bytes("field.bundle").replace(b'"value":1.5', b'"value":2.5')
        with self.assertRaises(sealbook.Unreadable):
            list(sealbook.members(changed))

    def test_members_are_a_table(self):
        if pyarrow is None:
            self.skipTest("no pyarrow")
        table = pyarrow.table(sealbook.members(self.path("open.bundle")))
        values = [json.loads(text) for text in table["value"].to_pylist()]
        self.assertEqual(values, [one.value for one in sealbook.members(self.path("open.bundle"))])
        closed = pyarrow.table(sealbook.members(self.path("closed.bundle")))
        self.assertEqual(closed["value"].null_count, 10)


class Together(Files):
    """Several files, and parts."""

    def all(self, *paths, **options):
        arguments = ["--json", "verify", *paths, "--key", self.key]
        said = json.loads(self.ledger.run(*arguments, ends=None))
        reports = sealbook.verify_all([self.path(name) for name in paths], [self.key], **options)
        held = timeless(reports.to_dict())
        for one in held["files"]:
            one["path"] = pathlib.Path(one["path"]).relative_to(self.ledger.folder).as_posix()
        return timeless(said), held, reports

    def test_several_files_are_one_custody(self):
        said, held, reports = self.all("e.bundle", "book.jsonl", "p.proof")
        self.assertEqual(held, said)
        self.assertTrue(reports)
        self.assertEqual(set(reports.reports), {self.path(n) for n in ("e.bundle", "book.jsonl", "p.proof")})
        self.assertEqual((reports.passed, reports.forks, reports.errors), (3, (), {}))
        self.assertIsInstance(reports.reports[self.path("p.proof")], sealbook.Report)
        self.assertFalse(sealbook.verify_all([self.path("e.bundle")]))
        self.write("nonsense.txt", b"nothing")
        said, held, reports = self.all("e.bundle", "nonsense.txt")
        self.assertEqual((held["verdict"], said["verdict"]), ("unanswered", "unanswered"))
        self.assertFalse(reports)
        self.assertEqual(reports.errors[self.path("nonsense.txt")].code, "not_recognised")
        reports = sealbook.verify_all([self.path("ledger"), self.path("e.bundle")], [self.key])
        self.assertEqual(reports.errors[self.path("ledger")].code, "needs_store")
        with self.assertRaises(sealbook.Misused):
            sealbook.verify(self.folder("several", ("e.bundle", "p.proof")), [self.key])

    def folder(self, name, files):
        folder = self.ledger.folder / name
        folder.mkdir(exist_ok=True)
        for file in files:
            (folder / file).write_bytes(self.bytes(file))
        return str(folder)

    def test_each_file_has_its_own_keys(self):
        folder = self.folder("mixed", ("e.bundle", "p.proof"))
        (pathlib.Path(folder) / "v2.bundle").write_bytes((V2 / "all.bundle").read_bytes())
        (pathlib.Path(folder) / "README.md").write_text("what is here")
        other = (V2 / "key.txt").read_text().strip()
        reports = sealbook.verify_all([folder], {"v2.bundle": [other], "*": [self.key]})
        self.assertTrue(reports, reports.to_json())
        self.assertEqual(reports.passed, 3)
        self.assertEqual([pathlib.Path(one).name for one in reports.no_evidence], ["README.md"])
        reports = sealbook.verify_all([folder], {"*": [self.key]})
        self.assertEqual((reports.passed, reports.failed), (2, 1))
        keys = self.write("keys", f"v2.bundle {other}\n* {self.key}\n".encode())
        said = command(self.ledger, folder, "--keys", keys)
        self.assertEqual((said["verdict"], said["passed"]), ("pass", 3))

    def test_a_fork_is_proven_by_a_file(self):
        ledger = Ledger()
        self.addCleanup(ledger.close)
        key = ledger.key
        ledger.copied("copy")
        for log, other in (("ledger", "copy"), ("copy", "ledger")):
            payload = json.dumps({"not in": other})
            with ledger.without(other):
                ledger.run("--ledger", log, "append", "--kind", "note", "--payload", payload)
                name = f"{log}.jsonl"
                ledger.run("--ledger", log, "export", "-o", name, "--format", "logbook")
        files = [ledger.path(name) for name in ("ledger.jsonl", "copy.jsonl")]
        reports = sealbook.verify_all(files, [key])
        self.assertEqual((reports.verdict, reports.failed, len(reports.forks)), ("fail", 2, 1))
        proven = reports.forks[0]
        self.assertEqual(proven.log, key)
        report = sealbook.verify(proven.proof, [key])
        self.assertEqual([one.code for one in report.warnings], ["equivocation_proven"])
        self.assertEqual(sealbook.proof(proven.proof).detail, proven.detail)
        self.assertFalse(sealbook.verify(proven.proof, [self.key]))
        ledger.run("verify", *files, "--key", key, "--proof", "proof", ends=1)
        self.assertEqual(proven.proof, pathlib.Path(ledger.path("proof")).read_bytes())

    def test_parts_are_folded_as_the_command_folds_them(self):
        self.ledger.run("export", "-o", "whole.bundle")
        report, part = sealbook.fold(self.path("whole.bundle"), [self.key])
        self.assertTrue(report)
        self.assertIsInstance(report.part, values.FoldPart)
        self.write("parts", part.encode() + b"\n")
        said = json.loads(self.ledger.run("--json", "fold", "parts"))
        folded = sealbook.join([part])
        self.assertEqual(folded.to_dict(), said)
        self.assertTrue(folded)
        # What is joined is a part again; nothing may be missing of a whole log.
        self.assertEqual(sealbook.join([folded.to_json()]).to_dict(), said)
        twice = sealbook.join([part, part])
        self.assertFalse(twice)
        self.write("parts", (part + "\n" + part + "\n").encode())
        said = json.loads(self.ledger.run("--json", "fold", "parts", ends=1))
        self.assertEqual(twice.to_dict(), said)
        self.assertTrue(sealbook.join([part, part], whole=False))
        self.assertEqual([fault.code for fault in sealbook.join([]).faults], ["truncated"])
        forged = self.bytes("whole.bundle").replace(b'"n":7', b'"n":8', 1)
        report, part = sealbook.fold(forged, [self.key])
        self.assertEqual((report.verdict, part), ("fail", None))
        for wrong, code in (("", "bad_json"), ("{}", "bad_input"), ('{"part":null}', "bad_input")):
            with self.assertRaises(sealbook.Unreadable) as raised:
                sealbook.join([wrong])
            self.assertEqual((raised.exception.code, raised.exception.place), (code, "part 1"))
        with self.assertRaises(TypeError):
            sealbook.join([None])


if __name__ == "__main__":
    unittest.main()
