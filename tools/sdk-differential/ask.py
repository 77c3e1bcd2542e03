#!/usr/bin/env python3
"""Random requests, rules and Halls, with what the published SDK decides of each.

    ask.py COUNT SEED > cases.jsonl

A line is one of `sealbook decide`, with the SDK's decision as `expect`. Through the
SDK's documented interface alone.
"""
import json
import random
import sys

from pyhall import RouteInput, make_decision
from pyhall.models import HallConfig
from pyhall.registry import Registry
from pyhall.rules import load_rules_from_dict

SPECIES = ["wrk.doc.hasher", "wrk.doc.summarizer", "wrk.ml.embedder", "wrk.web.fetcher"]
CONTROLS = [
    "ctrl.obs.audit-log-append-only",
    "ctrl.blast_radius_scoring",
    "ctrl.privilege_envelopes_required",
    "ctrl.net.egress-denied",
]
CAPABILITIES = ["cap.doc.hash", "cap.doc.summarize", "cap.web.fetch"]
ENVS = ["dev", "stage", "prod", "edge"]
LABELS = ["PUBLIC", "INTERNAL", "RESTRICTED"]
RISKS = ["low", "medium", "high"]
CLASSES = ["P0", "P1", "P2", "P3"]
HOSTS = ["api.example.com", "10.0.0.1", "other.example"]


def some(source, of, least=0):
    return source.sample(of, source.randint(least, len(of)))


def mostly(source, of):
    return [it for it in of if source.random() < 0.85]


def condition(source, of):
    draw = source.random()
    if draw < 0.4:
        return source.choice(of)
    if draw < 0.7:
        return {"in": some(source, of, 1)}
    return {"any": True}


def rules(source):
    made = []
    for index in range(source.choice([0, 1, 1, 2, 2, 3, 4])):
        match = {}
        for name, of in [
            ("capability_id", CAPABILITIES),
            ("env", ENVS),
            ("data_label", LABELS),
            ("tenant_risk", RISKS),
            ("qos_class", CLASSES),
        ]:
            if source.random() < 0.3:
                match[name] = condition(source, of)
        decision = {
            "candidate_workers_ranked": [
                {"worker_species_id": species, "score_hint": source.choice([0.1, 0.5, 1.0])}
                for species in some(source, SPECIES)
            ],
            "required_controls_suggested": some(source, CONTROLS) if source.random() < 0.5 else [],
            "escalation": {
                "policy_gate": source.random() < 0.5,
                "human_required_default": source.random() < 0.3,
                "msavx_step_up": source.random() < 0.5,
                "rationale": source.choice(["because", "another reason"]),
            },
            "preconditions": {
                name: source.random() < 0.5
                for name in [
                    "must_have_correlation_id",
                    "must_attach_policy_version",
                    "deny_if_missing_required_controls",
                    "deny_if_no_attestation_in_prod",
                ]
                if source.random() < 0.6
            },
            "recommended_profiles": [
                {"profile_id": source.choice(["prof.dev.permissive", "prof.prod.strict"])}
            ],
        }
        made.append({"rule_id": f"rr_{index}", "match": match, "decision": decision})
    return {"rules": made}


def envelope(source):
    made = {
        "network_egress": source.choice(["none", "allowlist", "open"]),
        "secrets_access": some(source, ["kv/a", "kv/b"]),
        "filesystem_writes": some(source, ["/tmp/"]),
        "tools": some(source, ["sh", "curl"]),
    }
    if source.random() < 0.6:
        made["egress"] = {"allowlist": some(source, HOSTS)}
    return made


def digest(source):
    return "".join(source.choice("0123456789abcdef") for _ in range(64))


def hall(source):
    config = None
    if source.random() < 0.7:
        config = {
            name: source.random() < 0.5
            for name in [
                "require_signatory",
                "require_worker_attestation",
                "enforce_correlation_id",
                "enforce_required_controls",
                "enforce_blast_scoring_in_prod",
                "enforce_privilege_envelopes",
            ]
            if source.random() < 0.5
        }
        if source.random() < 0.5:
            config["allowed_tenants"] = mostly(source, ["acme", "beta", "ténant", "gamma\t"])
    hashes = None
    if source.random() < 0.8:
        registered = {species: digest(source) for species in mostly(source, SPECIES)}
        current = {
            species: registered[species] if source.random() < 0.7 else digest(source)
            for species in registered
            if source.random() < 0.9
        }
        hashes = {"registered": registered, "current": current}
    draw = source.random()
    if draw < 0.1:
        gate = None
    elif draw < 0.15:
        gate = {"error": source.choice(["boom", "the gate is gone"])}
    else:
        gate = {
            "decision": source.choice(["ALLOW", "ALLOW", "ALLOW", "ALLOW", "DENY", "REQUIRE_HUMAN", "MAYBE"]),
            "policy_version": source.choice(["policy.v0", "policy.v1", "p-2026.11"]),
            "reason": source.choice(["default", "restricted data"]),
        }
    return {
        "config": config,
        "controls_present": mostly(source, CONTROLS),
        "workers_available": mostly(source, SPECIES),
        "privilege_envelopes": {species: envelope(source) for species in mostly(source, SPECIES)}
        if source.random() < 0.8
        else None,
        "egress_allowlist": {env: some(source, HOSTS) for env in some(source, ENVS)},
        "policy_gate": gate,
        "worker_hashes": hashes,
        "ban_list": bans(source, hashes),
    }


def bans(source, hashes):
    """Hashes that must not run, now and then one of those that are registered or live."""
    draw = source.random()
    if draw < 0.6 or hashes is None:
        return None
    banned = [digest(source)]
    known = [*hashes["registered"].values(), *hashes["current"].values()]
    return banned + (source.sample(known, 1) if known and draw < 0.9 else [])


def request(source):
    made = {
        "capability_id": source.choice(CAPABILITIES),
        "env": source.choice(ENVS),
        "data_label": source.choice(LABELS),
        "tenant_risk": source.choice(RISKS),
        "qos_class": source.choice(CLASSES),
        "tenant_id": source.choice(["acme", "acme", "beta", "beta", "ténant", "gamma\t", "  "]),
        "correlation_id": source.choice(["", *["c-1"] * 8, "6f1f2d1e-0c1a-4c1e-9d2b-000000000073"]),
        "request": {
            name: source.choice([True, False, 0, 1, "", "x", None, [], [0], {}, 2.5])
            for name in ["egress", "external_call", "writes", "mutates_state", "other"]
            if source.random() < 0.4
        },
        "dry_run": source.random() < 0.3,
    }
    if source.random() < 0.3:
        made["blast_score"] = source.choice([0, 10, 40, 60, 84, 85, 100] * 3 + [101])
    if source.random() < 0.2:
        made["privilege_context"] = {"role": source.choice(["svc", "admin"])}
    return made


def ask(case):
    at = case["hall"]
    registry = Registry()
    for env, allowed in at["egress_allowlist"].items():
        registry.set_egress_allowlist(env, allowed)
    arguments = {}
    envelopes = at["privilege_envelopes"]
    if envelopes is not None:
        arguments["registry_get_privilege_envelope"] = envelopes.get
        arguments["registry_policy_allows_privilege"] = registry.policy_allows_privilege
    gate = at["policy_gate"]
    if gate is not None:
        def evaluate(_):
            if "error" in gate:
                raise RuntimeError(gate["error"])
            return gate["decision"], gate["policy_version"], gate["reason"]
        arguments["policy_gate_eval"] = evaluate
    hashes = at["worker_hashes"]
    if hashes is not None:
        arguments["registry_get_worker_hash"] = hashes["registered"].get
        arguments["get_current_worker_hash"] = hashes["current"].get
    if at["config"] is not None:
        arguments["hall_config"] = HallConfig(**at["config"])
    decision = make_decision(
        inp=RouteInput(**case["input"]),
        rules=load_rules_from_dict(case["rules"]),
        registry_controls_present=set(at["controls_present"]),
        registry_worker_available=lambda species: species in at["workers_available"],
        task_id=case["task_id"],
        **arguments,
    )
    return json.loads(decision.model_dump_json())


def main():
    count, source = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    for number in range(count):
        case = {
            "id": number,
            "input": request(source),
            "rules": rules(source),
            "hall": hall(source),
            "task_id": source.choice(["task_default", "task-42"]),
        }
        try:
            case["expect"] = ask(case)
        except Exception as error:  # what the SDK does not decide is named, and counted
            case["error"] = f"{type(error).__name__}"
        print(json.dumps(case))


if __name__ == "__main__":
    main()
