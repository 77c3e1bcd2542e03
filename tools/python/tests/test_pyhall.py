"""Decisions of the SDK from the registry, recorded and computed again."""

import os
import statistics
import time
import unittest

import sealbook
import sealbook.pyhall
from sealbook.client import Client
from scene import Ledger, Server

try:
    import pyhall
    import pyhall.router
    from pyhall.models import HallConfig, RouteInput
    from pyhall.registry import Registry
    from pyhall.rules import load_rules_from_dict
except ImportError:
    pyhall = None

RULES = {
    "rules": [
        {
            "rule_id": "rr_gated",
            "match": {"capability_id": "cap.gated"},
            "decision": {
                "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}],
                "escalation": {"policy_gate": True},
            },
        },
        {
            "rule_id": "rr_a",
            "match": {"capability_id": "cap.a"},
            "decision": {
                "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}],
                "required_controls_suggested": ["ctrl.obs.audit"],
            },
        },
    ]
}


@unittest.skipIf(pyhall is None, "the SDK is not installed")
class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ledger = Ledger()
        cls.server = Server(cls.ledger)
        cls.client = Client(cls.server.address)

    @classmethod
    def tearDownClass(cls):
        sealbook.pyhall.uninstall()
        cls.client.close()
        cls.server.stop()
        cls.ledger.close()

    def setUp(self):
        sealbook.pyhall.install(self.client)
        self.addCleanup(sealbook.pyhall.uninstall)
        self.asked = []

    def decide(self, capability, correlation, controls=("ctrl.obs.audit",), gate=None, **more):
        inp = RouteInput(
            capability_id=capability,
            env="dev",
            data_label="INTERNAL",
            tenant_risk="low",
            qos_class="P2",
            tenant_id="acme",
            correlation_id=correlation,
        )
        return pyhall.make_decision(
            inp=inp,
            rules=load_rules_from_dict(RULES),
            registry_controls_present=set(controls),
            registry_worker_available=lambda species: species == "wrk.a",
            policy_gate_eval=gate,
            **more,
        )

    def entries(self, correlation):
        found = self.client.query(correlation=correlation)
        return [one["entry"] for one in found]

    def test_a_decision_is_recorded_before_it_is_returned(self):
        decision = self.decide("cap.a", "c-allowed")
        self.assertFalse(decision.denied, decision.deny_reason_if_denied)
        (entry,) = self.entries("c-allowed")
        self.assertEqual(entry["kind"], "wcp.decision")
        self.assertEqual(entry["payload"]["decision"]["selected_worker_species_id"], "wrk.a")
        digest = entry["payload"]["context"]["registry"]
        documents = [one["entry"]["payload"] for one in self.client.query(kind="wcp.document")]
        (slice_,) = [one["content"] for one in documents if one["digest"] == digest]
        self.assertEqual(slice_["controls"], {"ctrl.obs.audit": True})

    def test_a_denial_is_recorded_too(self):
        decision = self.decide("cap.a", "c-denied", controls=())
        self.assertTrue(decision.denied)
        self.assertEqual(decision.deny_reason_if_denied["code"], "DENY_MISSING_REQUIRED_CONTROLS")
        (entry,) = self.entries("c-denied")
        self.assertTrue(entry["payload"]["decision"]["denied"])

    def test_the_answer_of_a_gate_is_recorded_and_taken_on_trust(self):
        gate = lambda context: ("ALLOW", "policy.v9", "python says so")
        self.assertFalse(self.decide("cap.gated", "c-gate", gate=gate).denied)
        (entry,) = self.entries("c-gate")
        self.assertEqual(entry["payload"]["answers"]["gate"]["reason"], "python says so")
        deny = lambda context: ("DENY", "policy.v9", "no")
        denied = self.decide("cap.gated", "c-gate-no", gate=deny)
        self.assertEqual(denied.deny_reason_if_denied["code"], "DENY_POLICY_GATE")
        self.assertEqual(len(self.entries("c-gate-no")), 1)

        def fails(context):
            raise RuntimeError("gone")

        failed = self.decide("cap.gated", "c-gate-gone", gate=fails)
        self.assertTrue(failed.denied)

    def test_a_decision_that_does_not_follow_is_a_denial_and_both_are_recorded(self):
        original = pyhall.router.make_decision.__sealbook__

        def bribed(*arguments, **options):
            decision = original(*arguments, **options)
            return decision.model_copy(
                update={"denied": False, "deny_reason_if_denied": None,
                        "selected_worker_species_id": "wrk.evil"}
            )

        bribed.__signature__ = __import__("inspect").signature(original)
        pyhall.make_decision = sealbook.pyhall.recorded(bribed, self.client)
        decision = self.decide("cap.a", "c-bribed")
        pyhall.make_decision = pyhall.router.make_decision
        self.assertTrue(decision.denied)
        self.assertEqual(decision.deny_reason_if_denied["code"], sealbook.pyhall.DECIDED_OTHERWISE)
        self.assertIsNone(decision.selected_worker_species_id)
        kinds = sorted(entry["kind"] for entry in self.entries("c-bribed"))
        self.assertEqual(kinds, ["wcp.decision", "wcp.ingested"])

    def test_without_a_receipt_the_answer_is_a_denial(self):
        sealbook.pyhall.install(Client("http://127.0.0.1:1", timeout=1))
        decision = self.decide("cap.a", "c-away")
        self.assertTrue(decision.denied)
        self.assertEqual(decision.deny_reason_if_denied["code"], sealbook.pyhall.NOT_RECORDED)
        sealbook.pyhall.install(self.client)
        self.assertEqual(self.entries("c-away"), [])

    def test_configuration_attestation_and_privileges_are_computed_again(self):
        config = HallConfig(require_signatory=True, allowed_tenants=["other"])
        decision = self.decide("cap.a", "c-tenant", hall_config=config)
        self.assertEqual(decision.deny_reason_if_denied["code"], "DENY_UNKNOWN_TENANT")
        config = HallConfig(require_worker_attestation=True)
        good = "a" * 64
        decision = self.decide(
            "cap.a",
            "c-attested",
            hall_config=config,
            registry_get_worker_hash=lambda species: good,
            get_current_worker_hash=lambda species: "b" * 64,
        )
        self.assertEqual(decision.deny_reason_if_denied["code"], "DENY_WORKER_TAMPERED")
        registry = Registry()
        decision = self.decide(
            "cap.a",
            "c-privileged",
            registry_get_privilege_envelope=registry.get_privilege_envelope,
            registry_policy_allows_privilege=registry.policy_allows_privilege,
        )
        code = (decision.deny_reason_if_denied or {}).get("code")
        self.assertNotEqual(code, sealbook.pyhall.DECIDED_OTHERWISE, decision)

    def test_installing_twice_records_once(self):
        sealbook.pyhall.install(self.client)
        self.decide("cap.a", "c-twice")
        self.assertEqual(len(self.entries("c-twice")), 1)
        sealbook.pyhall.uninstall()
        self.decide("cap.a", "c-not")
        self.assertEqual(self.entries("c-not"), [])


if __name__ == "__main__":
    unittest.main()
