//! Policies that take more than there is, as a user meets them.

use serde_json::Value;

use crate::routing::{route, scene};

fn doubling(first: &str, step: &str, times: usize, what: &str) -> String {
    let mut policy = format!("package wcp\nx0 := {first}\n");
    for n in 1..=times {
        let step = step.replace('$', &format!("x{}", n - 1));
        policy.push_str(&format!("x{n} := {step}\n"));
    }
    policy
        + "gate := {\"decision\": \"ALLOW\", \"policy_version\": \"p\", \"reason\": "
        + what
        + "}\n"
}

#[test]
fn a_policy_beyond_its_budget_is_a_named_denial_that_every_auditor_takes_again() {
    for (name, policy) in [
        (
            "strings",
            doubling(
                "\"aaaaaaaaaaaaaaaa\"",
                "concat(\"\", [$, $])",
                31,
                "sprintf(\"%d\", [count(x31)])",
            ),
        ),
        (
            "arrays",
            doubling(
                "[1, 2, 3, 4]",
                "array.concat($, $)",
                31,
                "sprintf(\"%d\", [count(x31)])",
            ),
        ),
        (
            "squares",
            doubling("7", "$ * $", 26, "sprintf(\"%d\", [count([x26 > 3])])"),
        ),
        (
            "width",
            doubling("5", "$", 0, "sprintf(\"%2000000000d\", [x0])"),
        ),
    ] {
        let place = scene();
        place.write("gate.rego", policy);
        let denied = route(&place, "acme", &[]).ends_with(1).document();
        let code = &denied["decision"]["deny_reason_if_denied"]["code"];
        assert_eq!(code, "DENY_INTERNAL_ERROR", "{name}: {denied}");
        let log = place.run(&["--json", "log", "--kind", "wcp.decision"]).ok();
        let entry: Value = log.documents().remove(0);
        let answer = entry
            .pointer("/payload/answers/gate")
            .or(entry.pointer("/entry/payload/answers/gate"));
        assert_eq!(
            answer.unwrap()["error"],
            "too_many_bytes",
            "{name}: {entry}"
        );
        let replay = place.run(&["--json", "replay"]).ok().document();
        assert_eq!(replay["counts"]["recomputed"], 1, "{name}");
        assert_eq!(replay["counts"]["without_budget"], 0, "{name}");
    }
}
