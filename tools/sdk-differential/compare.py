#!/usr/bin/env python3
"""The SDK's decisions beside ours: what differs, by the deny codes of both.

    compare.py CASES ANSWERS

Ends with 1 if anything differs that is not in `documented.json`.
"""
import collections
import json
import os
import sys

APART = {"decision_id", "timestamp", "message", "deny_message"}


def plain(value):
    """Without ids, times and wording."""
    if isinstance(value, dict):
        skipped = value.get("event_id") == "evt.os.worker.attestation_skipped"
        return {
            name: plain(member)
            for name, member in value.items()
            if name not in APART and not (skipped and name == "reason")
        }
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def code(decision):
    denial = decision.get("deny_reason_if_denied") or {}
    return denial.get("code", "ALLOWED")


def differing(ours, theirs):
    names = sorted(set(ours) | set(theirs))
    return [name for name in names if ours.get(name) != theirs.get(name)]


BANNED = "DENY_WORKER_BANNED_HASH"


def is_documented(case, theirs, ours, documented):
    """Why a difference is one that is known; none if it is not."""
    if ours == BANNED:
        # Its router knows no bans: nothing but a banned hash may deny here.
        at = case.get("hall") or {}
        hashes = at.get("worker_hashes") or {}
        known = [*hashes.get("registered", {}).values(), *hashes.get("current", {}).values()]
        banned = set(at.get("ban_list") or []) & set(known)
        return "the SDK's router takes no ban list" if banned else None
    if "hall" not in case and ours == "DENY_POLICY_GATE_INVALID_RESPONSE" \
            and theirs == "DENY_INTERNAL_ERROR":
        return "a policy in Rego without an answer does not raise, as the function there does"
    key = f"{theirs} -> {ours}"
    return next((it["why"] for it in documented if key.startswith(it["begins"])), None)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "documented.json")) as file:
        documented = json.load(file)
    found, same, examples = collections.Counter(), 0, {}
    unknown, reasons = collections.Counter(), {}
    undecided, unsafe, codes = collections.Counter(), 0, collections.Counter()
    with open(sys.argv[1]) as cases, open(sys.argv[2]) as answers:
        for case, answer in zip(map(json.loads, cases), map(json.loads, answers)):
            if "error" in case:
                # It decides nothing there; we deny, or refuse the input.
                ours = code(answer["decision"]) if "decision" in answer else "refused input"
                undecided[f"{case['error']} -> {ours}"] += 1
                unsafe += ours == "ALLOWED"
                continue
            if "decision" not in answer:
                key, why = f"{code(case['expect'])} -> refused input: {answer['error']['field']}", None
            else:
                ours, theirs = plain(answer["decision"]), plain(case["expect"])
                codes[code(theirs)] += 1
                if ours == theirs:
                    same += 1
                    continue
                names = ",".join(differing(ours, theirs))
                why = is_documented(case, code(theirs), code(ours), documented)
                key = f"{code(theirs)} -> {code(ours)}: {names}"
                if code(ours) == BANNED:
                    key = f"any -> {BANNED}"
            if why is None:
                unknown[key] += 1
            found[key] += 1
            reasons[key] = why
            examples.setdefault(key, case["id"])
    for key, count in found.most_common():
        why = reasons[key] if not unknown[key] else f"{unknown[key]} NOT DOCUMENTED"
        print(f"{count:6} {key} (such as case {examples[key]}): {why}")
    unknown = sum(unknown.values())
    print(f"{same} same, {sum(found.values())} differ, {unknown} of them not documented; "
          f"the SDK raised, and we: {dict(undecided)}")
    print("decided: " + ", ".join(f"{n} {name}" for name, n in codes.most_common()))
    sys.exit(1 if unknown or unsafe or not same else 0)


main()
