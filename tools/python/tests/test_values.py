"""Verdicts as typed objects: every member that the command prints is an attribute."""

import contextlib
import copy
import dataclasses
import io
import json
import pathlib
import pickle
import typing
import unittest

import sealbook
from scene import ROOT, Files
from sealbook import values

FORMAT = ROOT / "fixtures/format"

#: The types of the schema by another name, or none where it has one of the same name.
NAMED = {"FailureText": values.Failure}

#: What every command prints where it fails, which is an exception here.
EXCEPTIONS = ("Failure", "RecordedPart", "InputAt")

#: Members that other commands have in a type of the same name.
ELSEWHERE = {("FailureText", "recorded")}


def inner(hint):
    """What an optional value or a tuple has."""
    return [one for one in typing.get_args(hint) if one not in (type(None), Ellipsis)]


def unknown(kind, value, at=""):
    """The members of a document that its type does not have."""
    if isinstance(value, list):
        return [name for one in value for name in unknown(inner(kind)[0], one, at)]
    if inner(kind):
        return unknown(inner(kind)[0], value, at)
    if not isinstance(value, dict):
        return [] if not dataclasses.is_dataclass(kind) or value is None else [at]
    hints = typing.get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}
    named = {values.member_of(name): hint for name, hint in hints.items()}
    found = [f"{at}.{name}" for name in value if name not in named]
    for name, one in value.items():
        if name in named:
            found += unknown(named[name], one, f"{at}.{name}")
    return found


def fits(hint, schema):
    """Whether a type is that of a schema."""
    alternatives = schema.get("oneOf") or schema.get("anyOf")
    if alternatives:
        return any(fits(hint, one) for one in alternatives if one.get("type") != "null")
    given = schema.get("type")
    kinds = [one for one in (given if isinstance(given, list) else [given]) if one != "null"]
    optional = type(None) in typing.get_args(hint)
    if optional:
        hint = inner(hint)[0]
    if "$ref" in schema:
        # Texts of a form are texts.
        return hint is str or dataclasses.is_dataclass(hint)
    wanted = {"integer": int, "string": str, "boolean": bool}
    if kinds and kinds[0] in wanted:
        return hint is wanted[kinds[0]]
    if kinds == ["array"]:
        return typing.get_origin(hint) is tuple and fits(inner(hint)[0], schema["items"])
    # What the schema leaves open has a type here.
    return kinds == ["object"] and dataclasses.is_dataclass(hint)


class Built(unittest.TestCase):
    def test_a_document_is_built_by_the_types_of_its_fields(self):
        incident = {
            "class": "edit",
            "or": ["insertion", "fork"],
            "index": 3,
            "line": None,
            "entries": 1,
            "evidence": {"what": "signed_by", "key": "00"},
            "whole_again": {"index": 4, "line": 5, "tie": {"by": "entry", "at": 2}},
            "of_a_later_version": True,
        }
        built = values.build(values.Incident, incident)
        self.assertEqual((built.class_, built.or_), ("edit", ("insertion", "fork")))
        self.assertEqual(built.evidence, values.Evidence("signed_by", key="00"))
        self.assertEqual(built.whole_again.tie.at, 2)
        self.assertIsNone(built.line)
        both = values.build(typing.Optional[typing.Tuple[values.Incident, ...]], [incident] * 2)
        self.assertEqual(both, (built, built))
        self.assertIsNone(values.build(typing.Optional[values.Incident], None))
        with self.assertRaises(TypeError):
            values.build(values.Incident, {"class": "edit"})

    def test_values_are_frozen_and_equal_by_what_they_say(self):
        key = (FORMAT / "key.txt").read_text()
        one, other = (sealbook.verify(FORMAT / "range.bundle", [key]) for _ in range(2))
        self.assertEqual(one, other)
        self.assertNotEqual(one, sealbook.verify(FORMAT / "selection.bundle", [key]))
        with self.assertRaises(dataclasses.FrozenInstanceError):
            one.verdict = "pass"
        self.assertIsInstance(hash(one), int)
        # Engines ship them.
        shipped = pickle.loads(pickle.dumps(one))
        self.assertEqual((shipped, shipped.to_dict()), (one, one.to_dict()))
        changed = one.to_dict()
        changed["faults"].append("mine")
        self.assertEqual(one.to_dict()["faults"], [])
        self.assertEqual(values.Report.of(one.to_json()), one)
        self.assertIn("Report pass bundle", repr(one))

    def test_a_pass_whose_witnesses_say_otherwise_is_not_true(self):
        key = (FORMAT / "key.txt").read_text()
        policy = FORMAT / "public.policy"
        said = sealbook.verify(FORMAT / "public.logbook.jsonl", [key], policy=policy).to_dict()
        self.assertTrue(values.build(values.Report, said))
        said["witnessed"]["faults"] = [{"seq": 3, "detail": "another root"}]
        report = values.build(values.Report, said)
        self.assertEqual((report.verdict, report.passed, bool(report)), ("pass", False, False))
        self.assertEqual(report.witnessed.faults, (values.TimesFault(3, "another root"),))

    def test_complete_says_how_many_entries_of_two_filters_are_left_out(self):
        folder = ROOT / "fixtures/ledgers/v2"
        key = (folder / "key.txt").read_text()
        one = sealbook.verify(folder / "order-1.bundle", [key]).complete
        both = sealbook.verify(folder / "order-1.t-2.bundle", [key]).complete
        self.assertIsInstance(one, values.Complete)
        self.assertEqual((one.field, one.value, one.omitted), ("correlation", "order-1", 0))
        self.assertGreater(both.omitted, 0)
        self.assertGreater(both.entries, both.omitted)
        self.assertIsNone(sealbook.verify(folder / "all.bundle", [key]).complete)

    def test_every_document_of_the_fixtures_has_no_member_without_a_type(self):
        key = (FORMAT / "key.txt").read_text()
        policy = FORMAT / "public.policy"
        judged = set()
        for path in sorted(FORMAT.iterdir()):
            if not path.is_file():
                continue
            for options in ({}, {"explain": True}, {"explain": True, "policy": policy}):
                try:
                    report = sealbook.verify(path, [key], **options)
                except sealbook.SealbookError:
                    continue
                self.assertEqual(unknown(values.Report, report.to_dict()), [], path)
                judged.add(report.format)
        self.assertGreaterEqual(judged, {"logbook", "bundle", "proof", "tlog_proof"})


class Schemas(Files):
    """The dataclasses against the JSON Schema of the command."""

    def schema(self, command):
        return json.loads(self.ledger.run("--json", "schema", command))["$defs"]

    def test_no_member_of_the_schema_is_missing(self):
        held = 0
        for command in ("verify", "fold"):
            for name, schema in self.schema(command).items():
                if schema.get("type") == "string" or name in EXCEPTIONS:
                    continue
                kind = NAMED.get(name) or getattr(values, name)
                hints = typing.get_type_hints(kind)
                named = {values.member_of(member): hint for member, hint in hints.items()}
                for member, one in schema["properties"].items():
                    if (name, member) in ELSEWHERE:
                        continue
                    self.assertIn(member, named, name)
                    self.assertTrue(fits(named[member], one), (name, member, named[member], one))
                held += 1
        self.assertGreaterEqual(held, 16)

    def test_what_the_command_prints_is_known_member_by_member(self):
        forged = self.bytes("e.bundle").replace(b'"n":7', b'"n":8', 1)
        path = self.write("forged.bundle", forged)
        for name in [*self.files, "forged.bundle"]:
            said = self.said(self.path(name), "--explain", "--fold")
            self.assertEqual(unknown(values.Report, said), [], name)
        report = sealbook.verify(path, [self.key], explain=True)
        explanation = report.explanation
        self.assertEqual(explanation.trusted.entries, 8)
        self.assertEqual(explanation.incidents[0].class_, "edit")
        self.assertEqual(explanation.incidents[0].evidence.what, "content_replaced")
        self.assertEqual(report.faults[0].class_, "edit")

    def test_what_is_set_in_a_report_is_not_lost_in_the_object(self):
        report = sealbook.verify(self.path("t.bundle"), [self.key])
        said = copy.deepcopy(report.to_dict())
        for member, value in said.items():
            held = getattr(report, member)
            if not isinstance(value, (list, dict)):
                self.assertEqual(held, value, member)
        self.assertEqual(report.complete.value, "t1")
        self.assertEqual(report.complete.field, "tenant")
        self.assertIsInstance(report.elapsed_ms, int)


class Described(unittest.TestCase):
    def test_everything_says_what_it_is(self):
        for name in sealbook.__all__:
            thing = getattr(sealbook, name)
            if callable(thing):
                self.assertGreater(len(thing.__doc__ or ""), 25, name)
        for option in sealbook.verify.__kwdefaults__:
            self.assertIn(f"``{option}``", sealbook.verify.__doc__)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            help(sealbook)
        self.assertIn("members(file)", printed.getvalue())

    def test_the_stubs_name_what_is_compiled(self):
        folder = pathlib.Path(sealbook.__file__).parent
        stubs = (folder / "_sealbook.pyi").read_text()
        for name in dir(sealbook._sealbook):
            if not name.startswith("__"):
                self.assertRegex(stubs, rf"(class|def) {name}\b", name)
        self.assertTrue((folder / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
