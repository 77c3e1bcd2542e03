"""Each option of `verify`: the package says what the command says, also where it fails."""

import json
import unittest

import sealbook
from scene import ROOT, Files, Ledger, command, package

FORMAT = ROOT / "fixtures/format"
CHANGED = b'"n":7'


class Options(Files):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ledger = cls.ledger
        for log in ("heir", "auditor", "stranger"):
            ledger.run("--ledger", log, "init")
        ledger.append([{"correlation_id": "c-1", "worker_id": "w-1", "n": 99}])
        ledger.run("seal")
        ledger.run("export", "-o", "c.bundle", "--correlation", "c-1")
        ledger.run("export", "-o", "w.bundle", "--worker", "w-1")
        ledger.run("export", "-o", "unsigned.bundle", "--no-sign")
        ledger.run("export", "-o", "book.jsonl", "--format", "logbook", "--force")
        ledger.run("head", "-o", "head.json")
        ledger.run("audit", "--key", cls.key, "--sign", "auditor.key.pem", "-o", "audit.json")
        other = ("--ledger", "stranger")
        told = ledger.run(*other, "--json", "append", "--kind", "note", "--payload", "{}")
        cls.write("strange.receipts", told.encode())
        ledger.run(*other, "head", "-o", "strange.head")
        told = ledger.run("--json", "append", "--kind", "note", "--payload", "{}")
        cls.write("late.receipts", told.encode())
        false = json.loads(told)
        cls.write("false.receipts", json.dumps({**false, "hash": "1" * 64}).encode() + b"\n")
        cls.write("torn.receipts", told.encode() + b'{"seq":')
        ledger.run("export", "-o", "late.jsonl", "--format", "logbook")
        cls.write("nonsense", b"this is nothing\n")
        cls.write("empty.json", b"{}\n")
        cls.write("broken.json", b"{\n")
        cls.strange = ledger.run(*other, "key").strip()
        cls.auditor = ledger.run("--ledger", "auditor", "key").strip()

    def same(self, file, arguments, **options):
        """The report or the code that both answer."""
        path = self.path(file) if isinstance(file, str) else file
        arguments = [str(one) for one in arguments]
        said = command(self.ledger, path, *arguments, "--key", self.key)
        self.assertEqual(package(path, [self.key], **options), said, (file, options))
        return said

    def codes(self, said):
        self.assertIsInstance(said, dict, said)
        return [fault["code"] for fault in said["faults"]]

    def test_format(self):
        self.assertEqual(self.codes(self.same("e.bundle", ["--as", "bundle"], format="bundle")), [])
        for name in ("logbook", "proof", "ledger", "parquet", "tlog-proof", "tlog-tiles", "report"):
            said = self.same("e.bundle", ["--as", name], format=name)
            self.assertEqual(self.codes(said), ["format_mismatch"], name)
        key, proof = (FORMAT / "key.txt").read_text(), FORMAT / "entry-3.tlog-proof"
        for name in ("tlog-proof", "tlog_proof"):
            self.assertEqual(sealbook.verify(proof, [key], format=name).format, "tlog_proof")
        with self.assertRaises(sealbook.Misused) as raised:
            sealbook.verify(self.path("e.bundle"), [self.key], format="book")
        self.assertEqual(raised.exception.code, "usage")
        self.assertIsInstance(raised.exception, ValueError)

    def test_signatures(self):
        lines = self.bytes("book.jsonl").splitlines(True)
        last = json.loads(lines[-1])
        last["signature"] = "00" * 64
        lines[-1] = json.dumps(last, separators=(",", ":"), sort_keys=True).encode() + b"\n"
        self.write("unsigned.jsonl", b"".join(lines))
        self.assertEqual(self.codes(self.same("unsigned.jsonl", [])), ["signature_invalid"])
        said = self.same("unsigned.jsonl", ["--no-signatures"], signatures=False)
        self.assertEqual(self.codes(said), [])
        self.assertIn("signatures", said["not_checked"])

    def test_expect_head(self):
        head = sealbook.verify(self.path("book.jsonl"), [self.key]).head
        for given, codes in ((head, []), (head.upper(), []), ("1" * 64, ["head_mismatch"])):
            said = self.same("book.jsonl", ["--expect-head", given], expect_head=given)
            self.assertEqual(self.codes(said), codes)
        said = self.same("book.jsonl", ["--expect-head", "1"], expect_head="1")
        self.assertEqual(said, "usage")

    def test_contains(self):
        for name, found in (
            ("head.json", []),
            ("strange.head", ["head_not_contained"]),
            ("empty.json", "not_recognised"),
            ("broken.json", "bad_json"),
            ("nonsense", "bad_json"),
            ("no-such-file", "io"),
        ):
            path = self.path(name)
            said = self.same("book.jsonl", ["--contains", path], contains=[path])
            self.assertEqual(said if isinstance(said, str) else self.codes(said), found, name)
        data = self.bytes("head.json")
        self.assertTrue(sealbook.verify(self.path("book.jsonl"), [self.key], contains=[data]))
        # Checkpoints of a public log, as notes.
        key = (FORMAT / "key.txt").read_text().strip()
        for name in ("public.checkpoint", "public.second-key.checkpoint"):
            arguments = ("--contains", FORMAT / name, "--key", key)
            said = command(self.ledger, FORMAT / "public.logbook.jsonl", *arguments)
            held = package(FORMAT / "public.logbook.jsonl", [key], contains=[FORMAT / name])
            self.assertEqual(held, said, name)
        self.write("bad.checkpoint", b"log.example\n1\n\n\xe2\x80\x94 a b\n")
        path = self.path("bad.checkpoint")
        said = self.same("book.jsonl", ["--contains", path], contains=[path])
        self.assertEqual(said, "bad_checkpoint")

    def test_receipts(self):
        for name, found in (
            ("late.receipts", []),
            ("torn.receipts", []),
            ("false.receipts", ["receipt_mismatch"]),
            ("strange.receipts", ["log_key_mismatch"]),
            ("empty.json", "bad_input"),
            ("nonsense", "bad_input"),
            ("no-such-file", "io"),
        ):
            path = self.path(name)
            said = self.same("late.jsonl", ["--receipts", path], receipts=path)
            self.assertEqual(said if isinstance(said, str) else self.codes(said), found, name)
        path = self.path("torn.receipts")
        report = sealbook.verify(self.path("late.jsonl"), [self.key], receipts=path)
        self.assertIn("torn_last_line", [one.code for one in report.warnings])

    def test_the_case_that_is_asked_for(self):
        for file, name, id in (
            ("c.bundle", "correlation", "c-1"),
            ("t.bundle", "tenant", "t1"),
            ("w.bundle", "worker", "w-1"),
        ):
            said = self.same(file, [f"--{name}", id], **{name: id})
            self.assertEqual(self.codes(said), [], file)
            self.assertEqual(said["complete"]["value"], id)
            said = self.same(file, [f"--{name}", "another"], **{name: "another"})
            self.assertEqual(self.codes(said), ["filter_mismatch"], file)

    def test_auditors(self):
        audit = self.path("audit.json")
        arguments = ("--auditor", self.auditor, "--audited", audit)
        said = self.same("c.bundle", arguments, auditors=[self.auditor], audited=[audit])
        self.assertEqual(said["not_checked"], ["chain"])
        # Of one who is not trusted it is nobody's word.
        arguments = ("--auditor", self.strange, "--audited", audit)
        said = self.same("c.bundle", arguments, auditors=[self.strange], audited=[audit])
        self.assertEqual(said["not_checked"], ["index", "chain"])
        path = self.path("head.json")
        said = self.same("c.bundle", ["--audited", path], audited=[path])
        self.assertEqual(said, "usage")
        said = self.same("c.bundle", ["--auditor", "nobody"], auditors=["nobody"])
        self.assertEqual(said, "usage")

    def test_revocations(self):
        ledger = Ledger()
        self.addCleanup(ledger.close)
        ledger.run("--ledger", "heir", "init")
        heir = ledger.run("--ledger", "heir", "key").strip()
        own = ("--ledger", "own")
        ledger.run(*own, "init", "--recovery-key", heir)
        for n in range(4):
            ledger.run(*own, "append", "--kind", "note", "--payload", f'{{"n":{n}}}')
        ledger.run(*own, "export", "-o", "all.jsonl", "--format", "logbook")
        ledger.run(*own, "seal")
        ledger.run(*own, "prove", "2", "-o", "2.proof")
        ledger.run(*own, "revoke", "3", "--key", "heir.key.pem", "-o", "revoked")
        key = ledger.run(*own, "key").strip()
        lines = (ledger.folder / "all.jsonl").read_bytes().splitlines(True)
        (ledger.folder / "part.jsonl").write_bytes(b"".join(lines[:3]))
        (ledger.folder / "none").write_bytes(b"{}\n")
        allow = {"allow_unapplied_revocations": True}
        found = []
        for file in ("all.jsonl", "part.jsonl", "2.proof"):
            for arguments, options in (
                ((), {}),
                (("--revoked", "revoked"), {"revoked": ["revoked"]}),
                (
                    ("--revoked", "revoked", "--allow-revocation-not-applicable"),
                    {"revoked": ["revoked"], **allow},
                ),
                (("--revoked", "none"), {"revoked": ["none"]}),
            ):
                said = command(ledger, file, *arguments, "--key", key)
                paths = [ledger.path(name) for name in options.get("revoked", ())]
                options = {**options, "revoked": paths}
                held = package(ledger.path(file), [key], **options)
                self.assertEqual(held, said, (file, options))
                found.append(said if isinstance(said, str) else tuple(self.codes(said)))
        self.assertIn((), found)
        self.assertIn(("revocation_not_applicable",), found)
        self.assertEqual(found.count("bad_input"), 3)

    def test_policies_of_witnesses(self):
        key = (FORMAT / "key.txt").read_text().strip()
        policy = FORMAT / "public.policy"
        strict = self.write(
            "strict.policy", policy.read_bytes().replace(b"quorum w", b"quorum none")
        )
        proof, book = FORMAT / "entry-3.tlog-proof", FORMAT / "public.logbook.jsonl"
        wrong = self.write("wrong.policy", b"witness w\n")
        for file, arguments, options in (
            (book, ("--policy", policy), {"policy": policy}),
            (book, ("--policy", strict), {"policy": strict}),
            (book, ("--policy", wrong), {"policy": wrong}),
            (FORMAT / "range.bundle", ("--policy", policy), {"policy": policy}),
            (FORMAT / "entry-3.proof", ("--policy", policy), {"policy": policy}),
            (proof, (), {}),
            (proof, ("--policy", strict), {"policy": strict}),
            (proof, ("--entry", book), {"entry": book}),
            (proof, ("--policy", strict, "--entry", book), {"policy": strict, "entry": book}),
            (proof, ("--entry", FORMAT / "range.bundle"), {"entry": FORMAT / "range.bundle"}),
            (proof, ("--entry", FORMAT / "entry-3.proof"), {"entry": FORMAT / "entry-3.proof"}),
            (proof, ("--entry", policy), {"entry": policy}),
        ):
            arguments = [str(one) for one in arguments]
            said = command(self.ledger, file, *arguments, "--key", key)
            self.assertEqual(package(file, [key], **options), said, (file, options))
            # Bytes get the same verdict as a file.
            self.assertEqual(package(file.read_bytes(), [key], **options), said, (file, options))
        report = sealbook.verify(book, [key], policy=policy)
        self.assertEqual(report.witnessed.entries, 3)
        self.assertEqual(report.witnessed.last.not_earlier.witnesses, ("w",))

    def test_folders_and_reports_are_evidence_too(self):
        for arguments in (
            ("publish", "--to", "public", "--name", "log.example.com/python"),
            ("export", "-o", "set", "--format", "parquet", "--by", "day"),
            ("report", "-o", "case.html", "--correlation", "c-1"),
        ):
            self.ledger.run(*arguments)
        checkpoint = self.path("public/checkpoint")
        policy = FORMAT / "public.policy"
        for file, arguments, options in (
            ("public", (), {}),
            ("public", ("--contains", checkpoint), {"contains": [checkpoint]}),
            ("public", ("--as", "tlog-tiles"), {"format": "tlog-tiles"}),
            ("public", ("--tenant", "t"), {"tenant": "t"}),
            ("set", (), {}),
            ("set", ("--expect-head", "1" * 64), {"expect_head": "1" * 64}),
            ("case.html", ("--explain",), {"explain": True}),
            ("case.html", ("--policy", policy), {"policy": policy}),
            ("case.html", ("--correlation", "c-2"), {"correlation": "c-2"}),
            ("e.parquet", ("--policy", policy), {"policy": policy}),
        ):
            self.same(file, arguments, **options)
        self.assertEqual(next(sealbook.checkpoints(self.path("public"))).origin, "log.example.com/python")
        self.assertIn("c-1", [entry.get("correlation_id") for entry in sealbook.read(self.path("case.html"))])
        with self.assertRaises(sealbook.NotRecognised):
            sealbook.read(self.path("set"))

    def test_known_keys_name_a_foreign_signature(self):
        lines = self.bytes("book.jsonl").splitlines(True)
        self.ledger.run("--ledger", "stranger", "export", "-o", "s.jsonl", "--format", "logbook")
        self.addCleanup((self.ledger.folder / "s.jsonl").unlink)
        mixed = self.write("mixed.jsonl", b"".join(lines[:3]) + self.bytes("s.jsonl"))
        keys = self.write("keys.txt", f"stranger {self.strange}\n".encode())
        said = self.same("mixed.jsonl", ["--keys", keys, "--explain"], known=[self.strange], explain=True)
        self.assertEqual(said["verdict"], "fail")
        report = sealbook.verify(mixed, [self.key], known=[self.strange])
        self.assertIn("foreign_key", [fault.class_ for fault in report.faults])

    def test_ledger_rules_and_unsigned_bundles(self):
        for flag, option in (
            ("--ledger-rules", "ledger_rules"),
            ("--allow-unsigned", "allow_unsigned"),
        ):
            for file in ("book.jsonl", "unsigned.bundle", "e.bundle"):
                self.same(file, [flag], **{option: True})
        self.assertEqual(self.codes(self.same("unsigned.bundle", [])), ["bundle_unsigned"])
        said = self.same("unsigned.bundle", ["--allow-unsigned"], allow_unsigned=True)
        self.assertEqual(self.codes(said), [])
        # A logbook of others, whose time may go back.
        lines = self.bytes("book.jsonl").splitlines(True)
        self.write("middle.jsonl", b"".join(lines[4:]))
        self.same("middle.jsonl", [])
        self.same("middle.jsonl", ["--ledger-rules"], ledger_rules=True)

    def test_explain(self):
        forged = self.bytes("book.jsonl").replace(CHANGED, b'"n":8', 1)
        self.write("forged.jsonl", forged)
        for file in ("forged.jsonl", "book.jsonl", "p.proof", "e.parquet"):
            self.same(file, ["--explain"], explain=True)
        said = self.same("forged.jsonl", ["--explain"], explain=True)
        self.assertEqual(said["explanation"]["trusted"]["entries"], 8)
        self.assertEqual(package(forged, [self.key], explain=True), said)
        self.assertNotIn("explanation", self.same("forged.jsonl", []))

    def test_keys_are_taken_as_the_command_prints_them(self):
        pem = self.ledger.run("key", "--pem")
        printed = self.ledger.run("--json", "key")
        spaced = " ".join(self.key.upper()[at : at + 8] for at in range(0, 64, 8))
        paths = [self.write(f"key.{at}", text.encode()) for at, text in enumerate((pem, printed, spaced))]
        for given in (self.key, pem, printed, spaced, *paths):
            self.assertEqual(sealbook.key(given), self.key, given)
            self.assertTrue(sealbook.verify(self.path("e.bundle"), [given]))
        for given, code in (
            ("", "usage"),
            ("12", "usage"),
            (self.key + "00", "usage"),
            ("sha256:" + self.key, "usage"),
            ("no/such/file.pem", "usage"),
            (self.path("ledger.key.pem"), "key_invalid"),
            (self.path("nonsense"), "key_invalid"),
            (self.path("ledger"), "key_invalid"),
        ):
            said = command(self.ledger, self.path("e.bundle"), "--key", given)
            with self.assertRaises(sealbook.SealbookError) as raised:
                sealbook.key(given)
            self.assertEqual((raised.exception.code, said), (code, code), given)
        with self.assertRaises(TypeError):
            sealbook.key(7)
        with self.assertRaises(TypeError):
            sealbook.verify(self.path("e.bundle"), [b"bytes"])


if __name__ == "__main__":
    unittest.main()
