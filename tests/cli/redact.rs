//! Members that are redactable, withheld, opened and erased, as a user does it.

use std::fs;

use serde_json::json;

use crate::place::Place;
use crate::routing;

const PAYLOAD: &str = r#"{"customer":{"email":"ada@example.org"},"tenant_id":"acme"}"#;

fn place() -> Place {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let append = ["append", "--kind", "order", "--payload", PAYLOAD];
    let redactable = ["--redactable", "/customer/email"];
    place.run(&[&append[..], &redactable].concat()).ok();
    place.run(&["seal"]).ok();
    place
}

#[test]
fn a_member_is_withheld_opened_later_and_erased() {
    let place = place();
    let key = place.key();
    let shown = place.run(&["--json", "show", "1"]).ok().document();
    let kept = json!([{"pointer": "/customer/email", "state": "kept",
                       "value": "ada@example.org"}]);
    assert_eq!(shown["redacted"], kept);
    let verify = |file: &str| {
        let found = place.run(&["--json", "verify", file, "--key", &key]).ok();
        found.document()["redacted"].clone()
    };
    place.run(&["export", "-o", "all.bundle"]).ok();
    assert_eq!(verify("all.bundle"), json!({"members": 1, "opened": 1}));
    for (name, flags) in [
        ("a.bundle", &["--withhold", "/customer/email"][..]),
        ("b.bundle", &["--withhold-all"][..]),
        ("c.bundle", &["--disclose", "/other"][..]),
    ] {
        place
            .run(&[&["export", "-o", name][..], flags].concat())
            .ok();
        assert_eq!(verify(name), json!({"members": 1, "opened": 0}));
        let text = fs::read_to_string(place.path(name)).unwrap();
        assert!(!text.contains("ada@example.org"), "{name}");
    }
    let open = ["open-field", "1", "--pointer", "/customer/email", "-o"];
    place.run(&[&open[..], &["email.bundle"]].concat()).ok();
    assert_eq!(verify("email.bundle"), json!({"members": 1, "opened": 1}));
    let erase = ["erase", "1", "--pointer", "/customer/email"];
    let reason = ["--reason", "asked for"];
    // Without a terminal nobody is asked, and nothing is done.
    place.run(&[&erase[..], &reason].concat()).ends_with(2);
    let planned = place.run(&[
        "erase",
        "--tenant",
        "acme",
        "--pointer",
        "/customer/email",
        "--dry-run",
    ]);
    assert_eq!(planned.ok().stdout, "entry 1  /customer/email\n");
    let done = place.run(&[&erase[..], &reason, &["--yes"]].concat()).ok();
    assert!(
        done.stderr
            .contains("1 members are erased for good; not reached"),
        "{}",
        done.stderr
    );
    let shown = place.run(&["show", "1"]).ok().stdout;
    let said = "redacted  /customer/email: erased, as entry 2 says\n";
    assert!(shown.ends_with(said), "{shown}");
    let again = place.run(&[&erase[..], &reason, &["--yes"]].concat());
    again.ends_with(1);
    place
        .run(&[&open[..], &["gone.bundle"]].concat())
        .ends_with(1);
    place.run(&["verify"]).ok();
    // What was given away before is out of reach, and still proves itself.
    assert_eq!(verify("all.bundle"), json!({"members": 1, "opened": 1}));
    let log = place
        .run(&["--json", "log", "--kind", "sealbook:erasure"])
        .ok()
        .stdout;
    assert!(log.contains("\"reason\":\"asked for\""), "{log}");
}

#[test]
fn rules_for_a_kind_take_out_mask_and_drop() {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let rules = json!({"kinds": {"order": ["/email", {"pointer": "/note", "do": "drop",
                       "optional": true}, {"pointer": "/card", "do": "commitment"}]}});
    fs::write(place.path("rules.json"), rules.to_string()).unwrap();
    let lines = "{\"kind\":\"order\",\"payload\":{\"email\":\"a\",\"card\":4111,\"note\":\"n\"}}\n\
                 {\"kind\":\"other\",\"payload\":{\"email\":\"b\"},\"redactable\":[\"/email\"]}\n";
    fs::write(place.path("in.jsonl"), lines).unwrap();
    let append = ["append", "--jsonl", "in.jsonl", "--mask", "rules.json"];
    place.run(&append).ok();
    let shown = |seq: &str| place.run(&["--json", "show", seq]).ok().document();
    let first = shown("1");
    assert_eq!(first["entry"]["payload"].as_object().unwrap().len(), 2);
    assert_eq!(first["redacted"][0]["state"], "not_kept");
    assert_eq!(first["redacted"][1]["value"], "a");
    assert_eq!(shown("2")["redacted"][0]["value"], "b");
    let wrong = json!({"kinds": {"order": ["/a", "/a/b"]}});
    fs::write(place.path("rules.json"), wrong.to_string()).unwrap();
    let refused = place.run(&append).ends_with(2);
    assert!(
        refused.stderr.contains("`/a/b` lies in `/a`"),
        "{}",
        refused.stderr
    );
}

/// A line that comes again with its key is recorded once, though its salts differ; another
/// value under the key is refused, as long as it can be told.
#[test]
fn a_key_holds_for_what_was_taken_out_too() {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let append = |value: &str| {
        let line = json!({"kind": "k", "payload": {"a": value}, "redactable": ["/a"],
                          "idempotency_key": "one"});
        fs::write(place.path("in.jsonl"), format!("{line}\n")).unwrap();
        place.run(&["--json", "append", "--jsonl", "in.jsonl"])
    };
    let first = append("x").ok().document();
    assert_eq!(append("x").ok().document(), first);
    append("y").ends_with(2);
    let erase = ["erase", "1", "--pointer", "/a", "--reason", "r", "--yes"];
    place.run(&erase).ok();
    assert_eq!(append("y").ok().document(), first);
}

/// Of a decision what was asked can be withheld and erased, with every digest over it. It
/// is taken again as long as it is there.
#[test]
fn a_decision_is_taken_again_until_what_was_asked_is_erased() {
    let place = routing::scene();
    place.write(
        "redact.json",
        r#"{"kinds":{"wcp.decision":["/input/request"]}}"#,
    );
    place.write(
        "request.json",
        r#"{"text":"ada@example.org","writes":true}"#,
    );
    let flags = ["--redact-rules", "redact.json", "--request", "request.json"];
    let answer = routing::route(&place, "acme", &flags).ok().document();
    let (seq, key) = (answer["receipt"]["seq"].to_string(), place.key());
    let shown = place.run(&["--json", "show", &seq]).ok().document();
    let payload = &shown["entry"]["payload"];
    for closed in [
        &payload["digests"],
        &payload["input_hash"],
        &payload["input"]["request"],
    ] {
        assert_eq!(closed.as_object().unwrap().len(), 1);
        assert!(closed["sealbook:redacted"].is_string(), "{closed}");
    }
    place.run(&["seal"]).ok();
    place.run(&["export", "-o", "whole.bundle"]).ok();
    place
        .run(&[
            "export",
            "-o",
            "less.bundle",
            "--withhold",
            "/input/request",
        ])
        .ok();
    let replayed = |what: &[&str]| {
        let replayed = place
            .run(&[&["--json", "replay"], what].concat())
            .ok()
            .document();
        assert_eq!(replayed["counts"]["mismatched"], 0);
        (
            replayed["timeline"][0].clone(),
            replayed["counts"]["without_input"].clone(),
        )
    };
    for what in [&[][..], &["whole.bundle", "--key", &key]] {
        let (item, without) = replayed(what);
        assert_eq!((&item["same"], &without), (&json!(true), &json!(0)));
        assert_eq!(item["inputs"]["input_hash"], "recomputed");
    }
    let (item, without) = replayed(&["less.bundle", "--key", &key]);
    assert_eq!((&item["recomputed"], &without), (&json!(false), &json!(1)));
    assert_eq!(item["inputs"], json!({"input": "taken_on_trust: withheld"}));
    let erase = ["erase", &seq, "--pointer", "/input/request"];
    let planned = place
        .run(&[&erase[..], &["--dry-run"]].concat())
        .ok()
        .stdout;
    let lines = ["/digests", "/input/request", "/input_hash"];
    let lines = lines.map(|pointer| format!("entry {seq}  {pointer}\n"));
    assert_eq!(planned, lines.concat());
    let done = place
        .run(&[&erase[..], &["--reason", "asked for", "--yes"]].concat())
        .ok();
    assert!(
        done.stderr.contains("3 members are erased"),
        "{}",
        done.stderr
    );
    let (item, without) = replayed(&[]);
    assert_eq!((&item["same"], &without), (&json!(null), &json!(1)));
    assert_eq!(item["inputs"], json!({"input": "taken_on_trust: erased"}));
    assert_eq!(
        (&item["denied"], &item["worker"]),
        (
            &json!(false),
            &answer["decision"]["selected_worker_species_id"]
        )
    );
    let text = place.run(&["replay"]).ok().stdout;
    assert!(text.contains("    on trust    input: erased\n"), "{text}");
    // What was given away before is taken again there.
    assert_eq!(replayed(&["whole.bundle", "--key", &key]).0["same"], true);
    place.run(&["verify"]).ok();
}

#[test]
fn rules_that_take_out_what_has_to_stay_are_refused() {
    let place = routing::scene();
    for (rules, said) in [
        (
            r#"{"kinds":{"wcp.decision":["/input/tenant_id"]}}"#,
            "`/input/tenant_id` has to stay",
        ),
        (
            r#"{"kinds":{"wcp.decision":["/decision"]}}"#,
            "`/decision` has to stay",
        ),
        (
            r#"{"kinds":{"wcp.document":["/content"]}}"#,
            "kinds.wcp.document: nothing can be",
        ),
        (
            r#"{"kinds":{"wcp.decision":[{"pointer":"/input/request","do":"drop"}]}}"#,
            "cannot be dropped",
        ),
    ] {
        place.write("redact.json", rules);
        let refused = routing::route(&place, "acme", &["--redact-rules", "redact.json"]);
        let refused = refused.ends_with(2);
        assert!(
            refused.stdout.contains(said) || refused.stderr.contains(said),
            "{}{}",
            refused.stdout,
            refused.stderr
        );
    }
}

#[test]
fn what_looks_like_a_secret_is_said_unless_it_comes_in_a_pipe() {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let card = r#"{"card":"4111 1111 1111 1111"}"#;
    let said = "/card looks like the number of a payment card";
    let one = ["append", "--kind", "k", "--payload", card];
    let warns = |more: &[&str]| {
        place
            .run(&[&one[..], more].concat())
            .ok()
            .stderr
            .contains(said)
    };
    assert!(warns(&[]));
    assert!(!warns(&["--check-secrets", "never"]));
    // Where it can be erased, there is nothing to warn of.
    assert!(!warns(&["--redactable", "/card"]));
    let line = json!({"kind": "k", "payload": {"card": 4_111_111_111_111_111_u64}});
    fs::write(place.path("in.jsonl"), format!("{line}\n")).unwrap();
    let lines = ["append", "--jsonl", "in.jsonl"];
    assert!(!place.run(&lines).ok().stderr.contains(said));
    let always = place
        .run(&[&lines[..], &["--check-secrets", "always"]].concat())
        .ok();
    assert!(
        always.stderr.contains(&format!("line 1: {said}")),
        "{}",
        always.stderr
    );
}
