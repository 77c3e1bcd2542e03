#!/usr/bin/env python3
"""Halls of files: rules, a folder of records, a configuration and a policy, each with
random requests, and what the published SDK decides of each.

    ask_rego.py HALLS REQUESTS SEED FOLDER

The policy is a table of cases: in Rego for us, and as a function of the same table for
the SDK, which has no Rego. Where no case applies the policy has no answer, and the
function raises.
"""
import json
import os
import random
import sys

import ask
from pyhall import RouteInput, make_decision
from pyhall.models import HallConfig
from pyhall.registry import Registry
from pyhall.rules import load_rules_from_dict

FIELDS = {
    "capability_id": ask.CAPABILITIES,
    "tenant_id": ["acme", "beta"],
    "env": ask.ENVS,
    "data_label": ask.LABELS,
    "tenant_risk": ask.RISKS,
    "qos_class": ask.CLASSES,
}


def answer(source):
    return {
        "decision": source.choice(["ALLOW", "ALLOW", "ALLOW", "DENY", "REQUIRE_HUMAN", "MAYBE"]),
        "policy_version": source.choice(["p1", "p-2026.11"]),
        "reason": source.choice(["default", "restricted data"]),
    }


def table(source):
    """Cases in order: conditions that all have to hold, and the answer."""
    cases = []
    for _ in range(source.randint(1, 4)):
        fields = source.sample(sorted(FIELDS), source.randint(1, 2))
        cases.append(({name: source.choice(FIELDS[name]) for name in fields}, answer(source)))
    if source.random() < 0.7:
        cases.append(({}, answer(source)))
    return cases


def rego(cases):
    text = "package wcp\n\n"
    for index, (conditions, said) in enumerate(cases):
        lines = [f"input.{name} == {json.dumps(value)}" for name, value in conditions.items()]
        body = "\n    ".join(lines or ["true"])
        head = "gate :=" if index == 0 else " else :="
        text += f"{head} {json.dumps(said)} if {{\n    {body}\n}}"
    return text + "\n"


def evaluate(cases):
    def gate(context):
        for conditions, said in cases:
            if all(context[name] == value for name, value in conditions.items()):
                return said["decision"], said["policy_version"], said["reason"]
        raise RuntimeError("no case applies")
    return gate


def records(source):
    made = []
    for index, species in enumerate(ask.mostly(source, ask.SPECIES)):
        record = {
            "worker_id": f"org.a.w{index}",
            "worker_species_id": species,
            "capabilities": ask.some(source, ask.CAPABILITIES),
            "risk_tier": source.choice(ask.RISKS),
            "currently_implements": ask.mostly(source, ask.CONTROLS),
        }
        if source.random() < 0.7:
            record["privilege_envelope"] = ask.envelope(source)
        made.append(record)
    return made


def config(source):
    made = {
        name: source.random() < 0.5
        for name in ["enforce_correlation_id", "enforce_required_controls",
                     "enforce_blast_scoring_in_prod", "enforce_privilege_envelopes"]
    }
    if source.random() < 0.5:
        made.update(require_signatory=True, allowed_tenants=["acme"])
    return made


def main():
    halls, requests, source = int(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    for number in range(halls):
        folder = os.path.join(sys.argv[4], f"{number:03}")
        os.makedirs(os.path.join(folder, "enrolled"))
        rules, cases, settings = ask.rules(source), table(source), config(source)
        for index, record in enumerate(records(source)):
            with open(os.path.join(folder, "enrolled", f"{index}.json"), "w") as file:
                json.dump(record, file)
        for name, text in [
            ("rules.json", json.dumps(rules)),
            ("config.json", json.dumps(settings)),
            ("gate.rego", rego(cases)),
        ]:
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        registry = Registry(registry_dir=os.path.join(folder, "enrolled"))
        with open(os.path.join(folder, "cases"), "w") as written:
            for index in range(requests):
                case = {"id": index, "input": ask.request(source), "task_id": "task_default"}
                try:
                    decision = make_decision(
                        inp=RouteInput(**case["input"]),
                        rules=load_rules_from_dict(rules),
                        registry_controls_present=registry.controls_present(),
                        registry_worker_available=registry.worker_available,
                        registry_get_privilege_envelope=registry.get_privilege_envelope,
                        registry_policy_allows_privilege=registry.policy_allows_privilege,
                        policy_gate_eval=evaluate(cases),
                        hall_config=HallConfig(**settings),
                    )
                    case["expect"] = json.loads(decision.model_dump_json())
                except Exception as error:  # what the SDK does not decide is named, and counted
                    case["error"] = type(error).__name__
                print(json.dumps(case), file=written)


main()
