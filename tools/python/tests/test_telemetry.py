"""What other programs send, sent by themselves: the SDK of OpenTelemetry, its Collector,
and OPA."""

import json
import logging
import os
import shutil
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from scene import Ledger, Server


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class Sent(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ledger = Ledger()
        cls.addClassCleanup(cls.ledger.close)
        cls.server = Server(cls.ledger)
        cls.addClassCleanup(cls.server.stop)

    def entries(self, kind):
        with urllib.request.urlopen(f"{self.server.address}/v1/entries?kind={kind}") as answer:
            return [one["entry"]["payload"] for one in json.load(answer)["entries"]]

    def test_logs_and_spans_of_the_sdk_are_entries_with_their_own_time(self):
        for compression in (Compression.NoCompression, Compression.Gzip):
            with self.subTest(compression=compression):
                self.one_round(self.server.address, compression)

    def test_the_collector_hands_on_what_it_is_sent(self):
        collector = self.tool("collector", "tools/python/collector/build")
        address = free_address()
        config = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": address}}}},
            "processors": {"batch": {"timeout": "100ms"}},
            "exporters": {"otlphttp": {"endpoint": self.server.address, "compression": "gzip"}},
            "service": {
                "pipelines": {
                    name: {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlphttp"]}
                    for name in ("logs", "traces")
                },
                "telemetry": {"metrics": {"level": "none"}},
            },
        }
        path = self.ledger.folder / "collector.json"
        path.write_text(json.dumps(config))
        self.beside("collector", [collector, "--config", path], f"http://{address}/")
        self.one_round(f"http://{address}", Compression.Gzip)

    def tool(self, name, builds):
        """A program of others; the test is skipped where there is none."""
        found = os.environ.get(f"SEALBOOK_{name.upper()}") or shutil.which(name)
        if not found:
            if os.environ.get(f"SEALBOOK_REQUIRE_{name.upper()}") == "1":
                self.fail(f"there is no {name}")
            self.skipTest(f"there is no {name}: {builds} builds one")
        return found

    def beside(self, name, command, address):
        """Runs a program to the end of the test, once it answers there."""
        path = self.ledger.folder / f"{name}.log"
        log = open(path, "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        ends = time.monotonic() + 60
        while time.monotonic() < ends and process.poll() is None:
            try:
                return urllib.request.urlopen(address, timeout=5).read()
            except urllib.error.HTTPError:
                return None
            except OSError:
                time.sleep(0.05)
        self.fail(path.read_text())

    def one_round(self, address, compression):
        resource = Resource.create({"service.name": "agent", "tenant.id": "acme"})
        before = len(self.entries("otel.log")), len(self.entries("otel.span"))
        logs = LoggerProvider(resource=resource)
        exporter = OTLPLogExporter(endpoint=f"{address}/v1/logs", compression=compression)
        logs.add_log_record_processor(BatchLogRecordProcessor(exporter))
        traces = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{address}/v1/traces", compression=compression)
        traces.add_span_processor(BatchSpanProcessor(exporter))
        logger = logging.Logger("agent")
        logger.addHandler(LoggingHandler(level=logging.INFO, logger_provider=logs))
        begun = time.time_ns()
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": "conv-7",
            "gen_ai.agent.id": "agent-1",
        }
        with traces.get_tracer("agent").start_as_current_span("invoke_agent", attributes=attributes) as span:
            span.add_event("token", {"n": 1})
            logger.warning("a tool was called", extra=attributes)
        logs.shutdown()
        traces.shutdown()
        # What hands on may do so later.
        ends = time.monotonic() + 60
        while True:
            found = self.entries("otel.log")[before[0] :], self.entries("otel.span")[before[1] :]
            if all(found) or time.monotonic() > ends:
                break
            time.sleep(0.05)
        self.assertEqual((len(found[0]), len(found[1])), (1, 1))
        log, span_entry = found[0][0], found[1][0]
        for payload in (log, span_entry):
            self.assertEqual(payload["tenant_id"], "acme")
            self.assertEqual(payload["correlation_id"], "conv-7")
            self.assertEqual(payload["worker_id"], "agent-1")
            self.assertEqual(payload["trace_id"], format(span.get_span_context().trace_id, "032x"))
        self.assertEqual(log["body"], "a tool was called")
        self.assertEqual(log["severity_number"], SeverityNumber.WARN.value)
        self.assertGreaterEqual(log["time_unix_nano"], begun)
        self.assertEqual(span_entry["name"], "invoke_agent")
        self.assertEqual(span_entry["start_time_unix_nano"], span.start_time)
        self.assertEqual(span_entry["end_time_unix_nano"], span.end_time)
        self.assertEqual(span_entry["events"][0]["name"], "token")

    def test_the_decision_log_of_opa_is_recorded_as_opa_uploads_it(self):
        opa = self.tool("opa", "tools/python/opa")
        folder = self.ledger.folder / "opa"
        folder.mkdir()
        (folder / "gate.rego").write_text(
            "package wcp\n\ndefault allow := false\n\nallow if input.tenant_id == \"acme\"\n\nnow := time.now_ns()\n"
        )
        config = {
            "services": {"sealbook": {"url": self.server.address}},
            "decision_logs": {"service": "sealbook", "reporting": {"min_delay_seconds": 1, "max_delay_seconds": 1},
                "nd_builtin_cache": True},
            "nd_builtin_cache": True,
            "labels": {"tenant_id": "acme"},
        }
        (folder / "config.json").write_text(json.dumps(config))
        address = free_address()
        command = [opa, "run", "--server", "--skip-version-check", "--addr", address]
        command += ["--config-file", folder / "config.json", folder / "gate.rego"]
        self.beside("opa", command, f"http://{address}/health")
        for tenant in ("acme", "zeta"):
            body = json.dumps({"input": {"tenant_id": tenant}}).encode()
            request = urllib.request.Request(
                f"http://{address}/v1/data/wcp", data=body, headers={"content-type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=10).read()
        ends = time.monotonic() + 60
        while len(found := self.entries("opa.decision")) < 2:
            self.assertLess(time.monotonic(), ends, (self.ledger.folder / "opa.log").read_text())
            time.sleep(0.05)
        self.assertEqual([one["event"]["result"]["allow"] for one in found], [True, False])
        self.assertEqual([one["denied"] for one in found], [False, True])
        self.assertEqual([one["tenant_id"] for one in found], ["acme", "acme"])
        for one in found:
            self.assertEqual(one["decision_id"], one["event"]["decision_id"])
            # Its own time, and what its built-ins answered, as they came.
            self.assertTrue(one["event"]["timestamp"].startswith("20"))
            self.assertIn("time.now_ns", one["event"]["nd_builtin_cache"])


if __name__ == "__main__":
    unittest.main()
