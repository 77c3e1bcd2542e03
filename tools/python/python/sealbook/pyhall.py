"""The SDK of PyHall, recorded.

>>> import sealbook.pyhall
>>> sealbook.pyhall.install(client)

From then on every decision of ``pyhall.make_decision`` is sent to the server with what it
was taken from (input, rules, configuration, what the registry and the gate answered),
**before** it is returned. The server computes it again and records what it computed:
custody, not a claim. Where the server decides otherwise, both are recorded and the answer
is a denial. Without a receipt the answer is a denial, too: a decision is never spooled.

A gate or a registry that is written in Python is taken at its word, which is recorded.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any, Callable, Dict, List, Optional

from .client import Client
from .errors import SealbookError

#: Why a decision of the SDK does not stand.
NOT_RECORDED = "DENY_NOT_RECORDED"
DECIDED_OTHERWISE = "DENY_DECIDED_OTHERWISE"


class _Watched:
    """Callbacks of the SDK, with what they answered."""

    def __init__(self, given: Dict[str, Any]):
        self.workers: Dict[str, Dict[str, Any]] = {}
        self.gate: Optional[Dict[str, Any]] = None
        self.egress: Optional[List[str]] = None
        self.given = given

    def worker(self, species: str) -> Dict[str, Any]:
        known = {"available": False, "envelope": None, "registered_hash": None, "current_hash": None}
        return self.workers.setdefault(species, known)

    def watched(self, name: str, member: str) -> Optional[Callable[[str], Any]]:
        call = self.given.get(name)
        if call is None:
            return None

        @functools.wraps(call, assigned=())
        def asked(species: str) -> Any:
            answer = call(species)
            plain = bool(answer) if member == "available" else answer
            self.worker(species)[member] = plain
            return answer

        return asked

    def watched_privilege(self, env: str) -> Optional[Callable[..., Any]]:
        call = self.given.get("registry_policy_allows_privilege")
        if call is None:
            return None
        # The registry of the SDK keeps the destinations of each environment.
        lists = getattr(getattr(call, "__self__", None), "_egress_allowlist", None)
        if isinstance(lists, dict) and lists.get(env) is not None:
            self.egress = [str(item) for item in lists[env]]
        return call

    def watched_gate(self) -> Optional[Callable[[Dict[str, Any]], Any]]:
        call = self.given.get("policy_gate_eval")
        if call is None:
            return None

        def asked(context: Dict[str, Any]) -> Any:
            try:
                answer = call(context)
                decision, version, reason = answer
            except Exception as error:
                self.gate = {"error": f"{type(error).__name__}: {error}"[:1000]}
                raise
            self.gate = {
                "decision": str(decision),
                "policy_version": str(version),
                "reason": str(reason),
            }
            return answer

        return asked


def _plain(model: Any) -> Any:
    dump = getattr(model, "model_dump", None)
    return dump(mode="json") if callable(dump) else model


def _rules(rules: Any) -> Dict[str, Any]:
    """The rules as the document that they were read from."""
    return {
        "rules": [
            {"rule_id": rule.rule_id, "match": rule.match, "decision": rule.decision}
            for rule in rules
        ]
    }


def recorded(make_decision: Callable[..., Any], client: Client) -> Callable[..., Any]:
    """``make_decision``, so that what it answers is recorded first."""
    signature = inspect.signature(make_decision)

    @functools.wraps(make_decision)
    def decide(*arguments: Any, **options: Any) -> Any:
        bound = signature.bind(*arguments, **options)
        given = bound.arguments
        watched = _Watched(dict(given))
        inp = given["inp"]
        for name, member in (
            ("registry_worker_available", "available"),
            ("registry_get_privilege_envelope", "envelope"),
            ("registry_get_worker_hash", "registered_hash"),
            ("get_current_worker_hash", "current_hash"),
        ):
            if given.get(name) is not None:
                given[name] = watched.watched(name, member)
        privilege = watched.watched_privilege(inp.env)
        if privilege is not None:
            given["registry_policy_allows_privilege"] = privilege
        gate = watched.watched_gate()
        if gate is not None:
            given["policy_gate_eval"] = gate
        decision = make_decision(*bound.args, **bound.kwargs)
        has = lambda name: watched.given.get(name) is not None
        if gate is not None and watched.gate is None:
            # There was a gate, and nobody asked it.
            watched.gate = {"error": "it was not asked"}
        body = {
            "input": _plain(inp),
            "task_id": given.get("task_id"),
            "rules": _rules(given["rules"]),
            "config": _plain(given.get("hall_config")),
            "registry": {
                "controls": sorted(given["registry_controls_present"]),
                "workers": watched.workers,
                "has_privileges": has("registry_get_privilege_envelope")
                and has("registry_policy_allows_privilege"),
                "has_code_hashes": has("registry_get_worker_hash")
                and has("get_current_worker_hash"),
                "egress": watched.egress,
            },
            "gate": watched.gate,
            "decision": _plain(decision),
        }
        try:
            answer = client.decision(body)
        except (SealbookError, ValueError, TypeError) as error:
            return _denied(decision, NOT_RECORDED, f"the decision could not be recorded: {error}")
        if not answer.get("receipt"):
            return _denied(decision, NOT_RECORDED, "the decision has no receipt")
        if not answer.get("agrees"):
            differs = ", ".join(answer.get("differs") or ["?"])
            message = f"the ledger's server decides otherwise: {differs}"
            return _denied(decision, DECIDED_OTHERWISE, message)
        return decision

    decide.__sealbook__ = make_decision  # type: ignore[attr-defined]
    return decide


def _denied(decision: Any, code: str, message: str) -> Any:
    """The decision, denied."""
    return decision.model_copy(
        update={
            "denied": True,
            "deny_reason_if_denied": {"code": code, "message": message},
            "selected_worker_species_id": None,
            "artifact_hash": None,
        }
    )


def install(client: Client) -> None:
    """Has every decision of the SDK in this process recorded by ``client``, wherever its
    modules have ``make_decision`` under that name. Once is enough: a second call changes
    the client."""
    import pyhall
    import pyhall.router

    original = getattr(pyhall.router.make_decision, "__sealbook__", pyhall.router.make_decision)
    _replace(recorded(original, client), original)


def uninstall() -> None:
    """Takes it back."""
    import pyhall.router

    original = getattr(pyhall.router.make_decision, "__sealbook__", None)
    if original is not None:
        _replace(original, original)


def _replace(new: Callable[..., Any], original: Callable[..., Any]) -> None:
    # Who imported the name before has it, too.
    for module in list(sys.modules.values()):
        known = getattr(module, "__dict__", {}).get("make_decision")
        if known is original or getattr(known, "__sealbook__", None) is original:
            module.make_decision = new  # type: ignore[union-attr]
