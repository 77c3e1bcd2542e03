#!/usr/bin/env python3
"""Policies that take all there is, each decided and replayed once, and what that took.

    tools/campaigns/run policies [--more FOLDER]   .rego files of the folder, too

It holds if each is answered within 3 seconds and 512 MiB, processes that it started included;
if it is a denial or an answer, and the same one in a second ledger; and if the replay takes
the same one. Beside them stands what an honest policy costs with and without a process of
its own.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

SECONDS, MIB = 3, 512
RULES = {"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a", "env": "dev"}, "decision": {
    "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}], "escalation": {"policy_gate": True}}}]}
WORKER = {"worker_id": "org.a.w", "worker_species_id": "wrk.a", "capabilities": ["cap.a"], "currently_implements": []}


def gate(reason, before=""):
    return f'package wcp\n{before}\ngate := {{"decision": "ALLOW", "policy_version": "p", "reason": {reason}}}\n'


def doubling(first, step, times, reason):
    lines = [f"x0 := {first}"] + [f"x{n} := " + step.replace("$", f"x{n - 1}") for n in range(1, times + 1)]
    return gate(reason.replace("$", f"x{times}"), "\n".join(lines))


OWN = {
    "honest": gate('"yes"'),
    "strings": doubling('"aaaaaaaaaaaaaaaa"', 'concat("", [$, $])', 31, 'sprintf("%d", [count($)])'),
    "strings-sprintf": doubling('"aaaaaaaaaaaaaaaa"', 'sprintf("%s%s", [$, $])', 31, "$"),
    "strings-replace": doubling('"aa"', 'replace($, "a", "aaaa")', 20, "$"),
    "strings-upper": gate("upper(x)", "n := [" + ("1," * 400 + "\n") * 250 + '1]\nx := concat("", [s | n[_]; s := "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])'),
    "strings-split": doubling('["a"]', 'split(concat("a", $), "a")', 40, 'sprintf("%d", [count($)])'),
    "arrays": doubling("[1, 2, 3, 4]", "array.concat($, $)", 31, 'sprintf("%d", [count($)])'),
    "arrays-of-arrays": doubling("[1]", "[$, $]", 40, 'json.marshal($)'),
    "objects": doubling('{"a": 1}', '{"a": $, "b": $}', 40, 'json.marshal($)'),
    "sets": gate('sprintf("%d", [count(x)])', "n := [" + "".join(f"{i}," + "\n" * (i % 100 == 99) for i in range(3000)) + "0]\nx := {[a, b] | a := n[_]; b := n[_]}"),
    "squares": doubling("7", "$ * $", 26, 'sprintf("%d", [count([$ > 3])])'),
    "width": gate('sprintf("%2000000000d", [5])'),
    "width-of-star": gate('sprintf("%*d", [2000000000, 5])'),
    "precision": gate('sprintf("%.2000000000f", [1.5])'),
    "range": gate('sprintf("%d", [count(numbers.range(1, 2000000000))])'),
    "range-step": gate('sprintf("%d", [count(numbers.range_step(1, 2000000000, 1))])'),
    "shift": gate('sprintf("%d", [bits.lsh(1, 2000000000)])'),
    "repeat": gate('strings.repeat("a", 2000000000)'),
    "regex": gate('"r"', 'x := regex.match("(a*)*(a*)*(a*)*b", concat("", [s | n[_]; s := "aaaaaaaaaa"]))\ny := x\nn := [' + ("1," * 400 + "\n") * 50 + "1]"),
    "regex-counted": gate('sprintf("%v", [regex.match("((((a{1,100}){1,100}){1,100}){1,100}){1,100}", "aaa")])'),
    "regex-replace": doubling('"a"', 'regex.replace($, "a", "aaaa")', 20, "$"),
    "comprehension": gate('sprintf("%d", [count(x)])', "n := [" + ("1," * 400 + "\n") * 3 + "1]\nx := [1 | a := n[_]; b := n[_]; c := n[_]]"),
    "sum": gate('sprintf("%d", [sum([a * b | a := n[_]; b := n[_]])])', "n := [" + ("1," * 400 + "\n") * 12 + "1]"),
    "walk": gate('sprintf("%d", [count([1 | walk(x, _)])])', "x := [n | some n in numbers.range(1, 100000)]"),
    "json": doubling('{"a": 1}', '{"a": json.marshal($)}', 40, 'json.marshal($)'),
    "base64": doubling('"aaaa"', "base64url.encode($)", 80, "$"),
    "recursion": gate("f(1)", "f(x) := y if { y := f(x + 1) }"),
    "nested": gate("[" * 400 + "]" * 400),
    "nested-lines": gate(("[" * 100 + "\n") * 50 + ("]" * 100 + "\n") * 50),
    "nested-calls": gate("abs(" * 150 + "1" + ")" * 150),
    "large": gate('"r"', "x := [" + ("1," * 400 + "\n") * 1250 + "1]"),
}


def run(sealbook, folder, *args, timeout=60):
    """Status, standard output, seconds, and the most memory of any process of it in MiB."""
    out = folder / "out"
    with open(out, "wb") as to:
        began = time.monotonic()
        child = subprocess.Popen([sealbook, "--json", *args], cwd=folder, stdout=to, stderr=subprocess.DEVNULL)
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid or time.monotonic() - began > timeout:
                break
            time.sleep(0.005)
        took = time.monotonic() - began
        if not pid:
            child.kill()
            _, status, used = os.wait4(child.pid, 0)
    return os.waitstatus_to_exitcode(status), out.read_text(errors="replace"), took, used.ru_maxrss // 1024


def scene(sealbook, folder, policy):
    run(sealbook, folder, "init")
    (folder / "rules.json").write_text(json.dumps(RULES))
    (folder / "gate.rego").write_text(policy)
    (folder / "enrolled").mkdir()
    (folder / "enrolled/w.json").write_text(json.dumps(WORKER))


def decided(sealbook, policy):
    """What is answered, or refused; and the seconds and memory of decision and replay."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene(sealbook, folder, policy)
        status, said, took, most = run(sealbook, folder, "route", "--capability", "cap.a", "--env", "dev", "--policy", "gate.rego", "--tenant-id", "t", "--correlation-id", "c")
        try:
            said = json.loads(said.splitlines()[-1])
        except (ValueError, IndexError):
            return f"exit {status}: {said[-200:]}", took, most, False
        if "error" in said:
            return f"refused: {said['error']['code']}", took, most, status == 2
        denial = (said["decision"].get("deny_reason_if_denied") or {}).get("code")
        log = json.loads(run(sealbook, folder, "log", "--kind", "wcp.decision")[1].splitlines()[-1])
        answer = (log.get("entry") or log)["payload"]["answers"].get("gate") or {}
        status, replayed, again, more = run(sealbook, folder, "replay")
        counts = json.loads(replayed.splitlines()[-1])["counts"] if status == 0 else {}
        word = f"{denial or 'allowed'} {answer.get('error') or ''}".strip()
        return word, max(took, again), max(most, more), counts.get("recomputed") == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sealbook", default=os.environ.get("SEALBOOK", "sealbook"))
    parser.add_argument("--more", type=Path)
    args = parser.parse_args()
    sealbook = os.path.abspath(shutil.which(args.sealbook) or args.sealbook)
    policies = dict(OWN)
    for path in sorted(args.more.glob("*.rego")) if args.more else []:
        policies[path.name] = path.read_text()
    found = []
    for name, policy in policies.items():
        word, took, most, replays = decided(sealbook, policy)
        again = decided(sealbook, policy)[0]
        print(f"{name:18} {word:44} {took:5.2f} s {most:4} MiB")
        found += [f"{name}: took {took:.1f} s"] * (took > SECONDS) + [f"{name}: took {most} MiB"] * (most > MIB)
        found += [f"{name}: {word!r}, and then {again!r}"] * (word != again) + [f"{name}: {word}, and the replay does not say so"] * (not replays)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene(sealbook, folder, OWN["honest"])
        route = lambda *more: run(sealbook, folder, "route", "--capability", "cap.a", "--env", "dev", "--tenant-id", "t", "--correlation-id", "c", *more)[2]
        with_gate, without = (statistics.median(1000 * route(*more) for _ in range(10)) for more in (("--policy", "gate.rego"), ("--allow-stub-policy",)))
        print(f"one route: {with_gate:.0f} ms with a policy in a process of its own, {without:.0f} ms without a policy")
    print("\n".join(f"found: {one}" for one in found) or "nothing was found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
