"""What is delivered, held against what its receivers go by: the schema of OCSF, and a
library of Standard Webhooks."""

import base64
import http.server
import json
import os
import shutil
import socket
import threading
import unittest

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from standardwebhooks import Webhook, WebhookVerificationError

from scene import Ledger

GATE = """package wcp

default gate := {"decision": "DENY", "policy_version": "p1", "reason": "unknown tenant"}

gate := {"decision": "ALLOW", "policy_version": "p1", "reason": "a customer"} if input.tenant_id == "acme"
"""

WORKER = ("--worker-id", "org.acme.summarizer", "--worker-species-id", "wrk.doc.summarizer")


def with_every_kind(ledger):
    """Has something of each producer recorded."""
    ledger.environment["WCP_ATTEST_HMAC_KEY"] = "only-for-this-test"
    ledger.append([{"tenant_id": "acme", "correlation_id": "c-1"}, {"text": "\u0001\u2028\"\\"}])
    ledger.run("build", "--defaults", *WORKER, "--capability", "cap.doc.summarize")
    package = ledger.folder / "summarizer"
    ledger.run("package", "sign", package, *WORKER, "--key", "ledger.key.pem")
    ledger.run("package", "verify", package, *WORKER)
    ledger.run("enroll", package / "registry_record.json")
    with open(package / "code" / "worker_logic.py", "a") as code:
        code.write("import os\n")
    ledger.run("package", "verify", package, *WORKER, ends=1)
    ledger.run("worker", "revoke", "org.acme.summarizer", "--why", "found out")
    ledger.run("worker", "restore", "org.acme.summarizer", "--why", "a mistake")
    ledger.run("worker", "ban", "--worker-id", "org.acme.other", "--why", "bad")
    ledger.run("worker", "lift-ban", "--worker-id", "org.acme.other", "--why", "good")
    cache = ledger.folder / "cache"
    cache.mkdir()
    (cache / "engine.bin").write_text("engine")
    ledger.run("manifest", "build", cache, "--key", "ledger.key.pem")
    ledger.run("manifest", "verify", cache, "--trusted-key", ledger.key)
    ledger.run("manifest", "verify", cache, ends=1)
    (ledger.folder / "gate.rego").write_text(GATE)
    rules = package / "rules.json"
    rules.write_text(rules.read_text().replace('"policy_gate": false', '"policy_gate": true'))
    for tenant, ends in (("acme", 0), ("umbrella", 1)):
        ledger.run(
            "route", "--capability", "cap.doc.summarize", "--tenant-id", tenant,
            "--rules", rules, "--policy", "gate.rego", ends=ends,
        )
    ledger.run("seal")
    saved = ledger.folder / "older"
    (ledger.folder / "ledger").rename(saved)
    shutil.copytree(saved, ledger.folder / "ledger")
    ledger.append([{"lost": True}])
    shutil.rmtree(ledger.folder / "ledger")
    saved.rename(ledger.folder / "ledger")
    ledger.run("append", "--kind", "note", "--payload", "{}", ends=2)
    ledger.run("accept-rollback", "--reason", "restored")


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ledger = Ledger()
        cls.addClassCleanup(cls.ledger.close)
        with_every_kind(cls.ledger)

    def test_every_event_is_one_of_the_published_schema(self):
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
        events = [json.loads(line) for line in self.ledger.run("tail", "--once", "--format", "ocsf").split("\n")[:-1]]
        seen = {}
        for event in events:
            name = schema.lookup_class_name_from_uid(event["class_uid"])
            profiles = event["metadata"].get("profiles", [])
            jsonschema.validate(event, schema.get_class_schema(name, profiles))
            seen.setdefault(name, set()).add(event["metadata"]["event_code"])
            self.assertEqual(event["type_uid"], event["class_uid"] * 100 + event["activity_id"])
        self.assertEqual([event["metadata"]["sequence"] for event in events], list(range(len(events))))
        expected = {
            "api_activity": {"wcp.decision"},
            "compliance_finding": {"wcp.attestation", "manifest.verify"},
            "detection_finding": {"sealbook:rollback"},
            "entity_management": {"hall.enrolment", "hall.revocation", "hall.ban", "wcp.document"},
        }
        for name, kinds in expected.items():
            self.assertLessEqual(kinds, seen[name], seen)
        self.assertIn("note", seen["base_event"])
        denied = [event["status_code"] for event in events if event.get("action") == "Denied" and "status_code" in event]
        self.assertIn("DENY_POLICY_GATE", denied)

    def test_an_event_that_is_cut_is_one_of_the_schema_too(self):
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
        self.ledger.append([{"text": "x" * 70_000}])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(30)
            last = self.ledger.json("stats")["entries"] - 1
            to = f"syslog+udp://127.0.0.1:{receiver.getsockname()[1]}"
            self.ledger.run("tail", "--once", "--to", to, "--format", "ocsf", "--name", "cut", "--from-seq", last)
            message = receiver.recv(70_000)
        event = json.loads(message[message.index(b"{") :])
        jsonschema.validate(event, schema.get_class_schema("base_event", []))
        self.assertTrue(event["metadata"]["is_truncated"])
        self.assertNotIn("raw_data", event)

    def test_a_webhook_is_verified_by_a_library_of_standard_webhooks(self):
        taken = []

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                taken.append((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        path = self.ledger.folder / "hook.secret"
        path.write_text(secret + "\n")
        path.chmod(0o600)
        to = f"http://127.0.0.1:{server.server_port}/in"
        self.ledger.run("tail", "--once", "--to", to, "--format", "ocsf", "--name", "hook", "--secret-file", path)
        headers, body = taken[0]
        headers = {name.lower(): value for name, value in headers.items()}
        events = Webhook(secret).verify(body, headers)
        self.assertEqual(events[0]["metadata"]["sequence"], 0)
        with self.assertRaises(WebhookVerificationError):
            Webhook(secret).verify(body.replace(b"note", b"nota"), headers)


if __name__ == "__main__":
    unittest.main()
