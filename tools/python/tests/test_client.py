"""The client against a real server, which goes away now and then."""

import asyncio
import json
import logging
import multiprocessing
import os
import pathlib
import stat
import tempfile
import threading
import time
import unittest

import sealbook
from sealbook.client import AsyncClient, Client
from sealbook.logs import Handler
from scene import Ledger, Server

#: Events of each of four processes, and how often the server is killed meanwhile;
#: 5000 and 200 in a long run.
EVENTS = int(os.environ.get("SEALBOOK_SPOOL_EVENTS", "100"))
KILLS = int(os.environ.get("SEALBOOK_SPOOL_KILLS", "4"))

#: Seconds after which a process gives up.
LONGEST = 3_600


class Talking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ledger = Ledger()
        cls.ledger.append({"n": n} for n in range(3))
        cls.ledger.run("seal")
        cls.server = Server(cls.ledger)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.ledger.close()

    def client(self, **options):
        client = Client(self.server.address, **options)
        self.addCleanup(client.close)
        return client

    def test_what_is_appended_is_found_and_verified(self):
        with self.client() as client:
            receipt = client.append("py.event", {"tenant_id": "acme", "n": 1})
            batch = client.append_batch([("py.event", {"n": n}) for n in range(5)])
            self.assertEqual([one["seq"] for one in batch], [receipt["seq"] + n + 1 for n in range(5)])
            found = list(client.query(kind="py.event", limit=3))
            self.assertEqual(len(found), 3)
            client.append_batch([("py.many", {"n": n}) for n in range(250)])
            many = [one["entry"]["payload"]["n"] for one in client.query(kind="py.many")]
            self.assertEqual(many, list(range(250)))
            self.assertEqual(client.entry(receipt["seq"])["entry"]["payload"]["n"], 1)
            with self.assertRaises(sealbook.Refused) as raised:
                # A server without tokens gives nobody this right.
                client.seal()
            self.assertIn(raised.exception.status, (401, 403))
            key = self.ledger.key
            for format, name in (("bundle", "c.bundle"), ("parquet", "c.parquet"), ("epochs", "c2.parquet")):
                path = self.ledger.path(name)
                client.export(path, format=format)
                report = sealbook.verify(path, [key])
                self.assertTrue(report, report.faults)
            self.assertTrue(sealbook.verify(client.proof(2), [key]))
            self.assertEqual(client.head()["head"]["log"], key)

    def test_a_key_that_comes_again_is_recorded_once(self):
        client = self.client()
        first = client.append("py.once", {"n": 1}, key="k-1")
        self.assertEqual(client.append("py.once", {"n": 1}, key="k-1"), first)
        with self.assertRaises(sealbook.Refused) as raised:
            client.append("py.once", {"n": 2}, key="k-1")
        self.assertEqual(raised.exception.code, "idempotency_key_reused")
        with self.assertRaises(sealbook.Refused) as raised:
            client.append("wcp.decision", {})
        self.assertEqual((raised.exception.code, raised.exception.status), ("reserved_kind", 403))

    def test_what_is_masked_is_never_sent(self):
        mask = lambda kind, payload: {**payload, "card": "****"}
        client = self.client(mask=mask)
        receipt = client.append("py.masked", {"card": "4111"})
        self.assertEqual(client.entry(receipt["seq"])["entry"]["payload"]["card"], "****")

    def test_asyncio_and_threads_use_one_client(self):
        async def all_at_once():
            async with AsyncClient(self.server.address) as client:
                return await asyncio.gather(
                    *(client.append("py.async", {"n": n}) for n in range(20))
                )

        receipts = asyncio.run(all_at_once())
        self.assertEqual(len({receipt["seq"] for receipt in receipts}), 20)

    def test_records_of_logging_become_entries(self):
        folder = tempfile.mkdtemp(dir=self.ledger.folder)
        client = self.client(spool=folder)
        logger = logging.getLogger("billing")
        logger.propagate = False
        handler = Handler(client)
        logger.addHandler(handler)
        logger.warning("paid %d", 7, extra={"tenant_id": "acme", "order": "o-1"})
        try:
            raise ValueError("no")
        except ValueError:
            logger.exception("failed")
        logger.removeHandler(handler)
        handler.close()
        self.assertTrue(client.flush(30))
        found = [one["entry"]["payload"] for one in client.query(kind="log.record")]
        self.assertEqual(found[0]["message"], "paid 7")
        self.assertEqual((found[0]["tenant_id"], found[0]["extra"]), ("acme", {"order": "o-1"}))
        self.assertIn("ValueError: no", found[1]["exception"])

    def test_the_socket_beside_the_ledger_knows_who_connects(self):
        with Client(f"unix:{self.ledger.path('ledger.sock')}") as client:
            receipt = client.append("py.socket", {"n": 1})
            self.assertEqual(client.entry(receipt["seq"])["entry"]["payload"]["n"], 1)
            # What a server without tokens gives nobody else.
            self.assertIn("epoch", client.seal())
        with self.assertRaises(sealbook.Unreachable):
            Client("unix:/nonexistent/socket", retries=0).head()

    def test_requests_are_routed_and_packages_judged_with_a_receipt(self):
        with Client(f"unix:{self.ledger.path('ledger.sock')}") as client:
            asked = {
                "capability_id": "cap.unknown", "env": "dev", "data_label": "PUBLIC", "tenant_risk": "low",
                "qos_class": "P2", "tenant_id": "acme", "correlation_id": "c-routed",
            }
            answer = client.route(asked)
            self.assertTrue(answer["decision"]["denied"])
            (decision,) = client.query(correlation="c-routed", denied=True)
            self.assertEqual(decision["entry"]["kind"], "wcp.decision")
            shown = {
                "worker_id": "org.acme.worker", "worker_species_id": "wrk.worker", "manifest": "{}",
                "files": [], "correlation_id": "c-attested",
            }
            verdict = client.attest(shown)
            self.assertEqual(verdict["verdict"], "denied")
            recorded = client.entry(verdict["receipt"]["seq"])["entry"]
            self.assertEqual(recorded["kind"], "wcp.attestation")
            with self.assertRaises(sealbook.Refused) as raised:
                client.attest({"worker_id": 7})
            self.assertEqual(raised.exception.status, 400)

    def test_nobody_answers(self):
        client = Client("http://127.0.0.1:1", retries=1, pause=0.001)
        with self.assertRaises(sealbook.Unreachable):
            client.append("k", {})
        with self.assertRaises(ValueError):
            Client("ftp://x")


def recorded(server, count, processes):
    """Waits until the server has this many events of processes that go on."""
    with Client(server.address, retries=20) as client:
        while client.head()["head"]["seq"] < count:
            if not all(process.exitcode in (None, 0) for process in processes):
                raise AssertionError("a process gave up")
            time.sleep(0.01)


def produce(address, folder, number, count):
    with Client(address, spool=folder, timeout=5) as client:
        for n in range(count):
            client.event("py.spooled", {"process": number, "n": n})
        if not client.flush(LONGEST):
            raise SystemExit(1)


class Spooled(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.addCleanup(self.ledger.close)

    def test_every_event_is_there_once_and_in_order_though_the_server_is_killed(self):
        server = Server(self.ledger)
        folder = self.ledger.path("spool")
        os.mkdir(folder, 0o700)
        spawn = multiprocessing.get_context("spawn")
        arguments = lambda number: (server.address, folder, number, EVENTS)
        processes = [spawn.Process(target=produce, args=arguments(n)) for n in range(4)]
        for process in processes:
            process.start()
        # Spread over all events: each kill is in the middle of what is sent.
        for kill in range(KILLS):
            recorded(server, 4 * EVENTS * kill // (KILLS + 1), processes)
            self.assertTrue(any(process.is_alive() for process in processes))
            server.kill()
            server.start()
        for process in processes:
            process.join(LONGEST)
            self.assertEqual(process.exitcode, 0)
        by_process = {}
        with Client(server.address) as client:
            for entry in client.query(kind="py.spooled"):
                payload = entry["entry"]["payload"]
                by_process.setdefault(payload["process"], []).append(payload["n"])
        server.stop()
        self.assertEqual(by_process, {number: list(range(EVENTS)) for number in range(4)})
        self.assertEqual(os.listdir(folder), [])
        self.assertEqual(self.ledger.json("verify", "--key", self.ledger.key)["verdict"], "pass")

    def test_what_is_sent_again_after_a_server_was_killed_is_there_once(self):
        server = Server(self.ledger)
        with Client(server.address, retries=60, pause=0.01) as client:
            server.kill()
            again = threading.Thread(target=server.start)
            again.start()
            receipts = [client.append("py.again", {"n": n}) for n in range(5)]
            again.join()
            found = [one["entry"]["payload"]["n"] for one in client.query(kind="py.again")]
        server.stop()
        self.assertEqual(found, list(range(5)))
        self.assertEqual(len({receipt["hash"] for receipt in receipts}), 5)

    def test_what_a_process_left_behind_is_sent_by_the_next(self):
        folder = self.ledger.path("spool")
        mask = lambda kind, payload: {**payload, "card": "****"}
        away = Client("http://127.0.0.1:1", spool=folder, timeout=1, mask=mask)
        for n in range(3):
            self.assertIsNone(away.event("py.left", {"n": n, "card": "4111"}))
        away.close(timeout=0.05)
        (left,) = os.listdir(folder)
        kept = pathlib.Path(folder, left).read_text()
        self.assertEqual((kept.count("****"), kept.count("4111")), (3, 0))
        state = os.stat(os.path.join(folder, left))
        self.assertEqual(stat.S_IMODE(state.st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
        server = Server(self.ledger)
        self.addCleanup(server.stop)
        with Client(server.address, spool=folder) as client:
            self.assertTrue(client.flush(30))
            found = [one["entry"]["payload"]["n"] for one in client.query(kind="py.left")]
        self.assertEqual(found, [0, 1, 2])
        self.assertEqual(os.listdir(folder), [])

    def test_a_spool_is_bounded_and_what_is_refused_is_kept_aside(self):
        folder = self.ledger.path("small")
        client = Client("http://127.0.0.1:1", spool=folder, spool_bytes=300, timeout=1)
        with self.assertRaises(sealbook.SpoolFull):
            for n in range(100):
                client.event("py.full", {"n": n})
        client.close(timeout=0.05)
        server = Server(self.ledger)
        self.addCleanup(server.stop)
        refused = []
        folder = self.ledger.path("refused")
        on_refused = lambda entry, error: refused.append((entry["payload"]["n"], error.code))
        with Client(server.address, spool=folder, on_refused=on_refused) as client:
            client.event("", {"n": 1})
            client.event("py.good", {"n": 2})
            self.assertTrue(client.flush(30))
            self.assertEqual(len(list(client.query(kind="py.good"))), 1)
        self.assertEqual(refused, [(1, "bad_input")])
        (kept,) = [name for name in os.listdir(folder) if name.endswith(".refused")]
        line = json.loads(pathlib.Path(folder, kept).read_text())
        self.assertEqual((line["code"], line["entry"]["payload"]), ("bad_input", {"n": 1}))

    def test_a_folder_that_others_read_is_no_spool(self):
        folder = self.ledger.path("open")
        os.mkdir(folder, 0o755)
        with self.assertRaises(sealbook.SealbookError) as raised:
            Client("http://127.0.0.1:1", spool=folder)
        self.assertEqual(raised.exception.place, folder)


if __name__ == "__main__":
    unittest.main()
