"""The seed's SDK on the vectors that are allowed: pyhall_decides.py VECTORS."""
import json
import sys
import time

from pyhall import HallConfig, RouteInput, load_rules_from_dict, make_decision


def arguments(case):
    """What the case asks, of a Hall that is prepared as ours is."""
    hall, known = case["hall"], case["hall"]["worker_hashes"] or {"registered": {}, "current": {}}
    gate, envelopes = hall["policy_gate"], hall["privilege_envelopes"] or {}
    return (RouteInput(**case["input"]), load_rules_from_dict(case["rules"]),
            set(hall["controls_present"]), set(hall["workers_available"]).__contains__), dict(
        registry_get_privilege_envelope=envelopes.get,
        registry_policy_allows_privilege=lambda *_: (True, "ok"),
        policy_gate_eval=(lambda _: (gate["decision"], gate["policy_version"], gate["reason"]))
        if gate else None,
        hall_config=HallConfig(**hall["config"]) if hall["config"] else None,
        registry_get_worker_hash=known["registered"].get,
        get_current_worker_hash=known["current"].get)


lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
cases = [arguments(case) for case in lines if case["expect"]["denied"] is False]
assert not any(make_decision(*asked, **hall).denied for asked, hall in cases)
rates, end = [], time.perf_counter() + 5
while time.perf_counter() < end:
    start = time.perf_counter()
    for asked, hall in cases:
        make_decision(*asked, **hall)
    rates.append(len(cases) / (time.perf_counter() - start))
print("decide", sorted(rates)[len(rates) // 2], sep="\t")
