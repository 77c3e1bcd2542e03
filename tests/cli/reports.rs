//! `report`: a case as one web page, the evidence in it, and what `verify --as
//! report` says of one that somebody touched.

use std::fs;

use sealbook::ledger::fault::Verdict;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::policy::Policy;
use sealbook::report::verify_report;
use serde_json::{Value, json};

use crate::place::{Place, Run, codes, fault, have, refused_both_ways};
use crate::routing::{route, scene};

const HOSTILE: &str = "</script><script>alert(1)</script><!-- \u{202e} \\u003c \\\\u003c";

/// Entries of two cases, sealed, then one more of the first.
fn place() -> Place {
    let place = Place::initialised();
    let entry = |payload: Value| format!("{}\n", json!({"kind": "note", "payload": payload}));
    let lines: String = [
        json!({"correlation_id": "order-7", "n": 1, "text": HOSTILE}),
        json!({"correlation_id": "order-8", "n": 2}),
        json!({"decision": {"correlation_id": "order-7"}, "n": 3}),
    ]
    .into_iter()
    .map(entry)
    .collect();
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    place.run(&["seal"]).ok();
    place
}

fn with_report() -> Place {
    let place = place();
    place
        .run(&["report", "--correlation", "order-7", "-o", "case.html"])
        .ok();
    place
}

/// What is said of a file as a report.
fn verdict(place: &Place, name: &str, status: i32) -> Value {
    let key = place.key();
    let args = ["--json", "verify", name, "--as", "report", "--key", &key];
    place.run(&args).ends_with(status).document()
}

fn changed(place: &Place, from: &str, to: &str) -> Value {
    let text = place.read("case.html");
    assert!(text.contains(from), "{from}");
    place.write("changed.html", text.replacen(from, to, 1));
    verdict(place, "changed.html", 1)
}

#[test]
fn a_report_verifies_and_is_recognised_by_what_is_in_it() {
    let place = with_report();
    let report = verdict(&place, "case.html", 0);
    assert_eq!(report["format"], "report");
    assert_eq!(
        (&report["entries"], &report["epochs"]),
        (&json!(2), &json!(1))
    );
    let open: Vec<_> = report["not_checked"].as_array().unwrap().iter().collect();
    assert_eq!(open, ["index", "chain"]);
    let key = place.key();
    let run = place.run(&["verify", "case.html", "--key", &key]).ok();
    assert!(run.stdout.starts_with("PASS  report, 2 entries"));
    let without = place.run(&["--json", "verify", "case.html"]).ends_with(1);
    assert_eq!(codes(&without.document()), ["untrusted_key"]);
}

#[test]
fn the_bundle_in_a_report_is_the_one_that_export_writes() {
    let place = with_report();
    let args = ["export", "--correlation", "order-7", "-o", "case.bundle"];
    place.run(&args).ok();
    place
        .run(&["report", "--extract", "case.html", "-o", "out.bundle"])
        .ok();
    assert_eq!(place.read("out.bundle"), place.read("case.bundle"));
    let key = place.key();
    place.run(&["verify", "out.bundle", "--key", &key]).ok();
}

#[test]
fn nothing_in_an_entry_ends_the_block_that_it_stands_in() {
    let place = with_report();
    let text = place.read("case.html");
    assert_eq!(text.matches("<script").count(), 3);
    assert_eq!(text.matches("</script").count(), 3);
    assert!(!text.contains("alert(1)<"));
    let (_, rest) = text.split_once("id=\"bundle\">\n").unwrap();
    let (bundle, _) = rest.split_once("</script>").unwrap();
    assert!(!bundle.contains('<'));
}

#[test]
fn a_touched_script_or_markup_is_named_with_its_line() {
    let place = with_report();
    let text = place.read("case.html");
    for (from, to) in [
        ("function verifyStrict", "function neverMind"),
        ("Verification failed", "Verified"),
        (
            "That this file checks itself is a convenience.",
            "This is proof.",
        ),
        ("script-src 'sha256-", "script-src 'unsafe-inline' 'sha256-"),
        ("<main>", "<main><script>x()</script>"),
        ("--bad: #a3211d", "--bad: #1b6b3a"),
        ("<!DOCTYPE html>\n", "<!DOCTYPE html>\n\n"),
        ("</html>\n", "</html>"),
        ("</html>\n", "</html>\n<script>x()</script>\n"),
    ] {
        let report = changed(&place, from, to);
        let line = report["faults"][0]["line"].as_u64().unwrap();
        assert_eq!(fault(&report).0, "format_mismatch", "{from}");
        let at = text.find(from).unwrap();
        let expected = text[..at].matches('\n').count() as u64 + 1;
        assert!(line == expected || line == expected + 1, "{from}: {line}");
        assert_eq!(report["entries"], 2, "the evidence is judged all the same");
    }
}

#[test]
fn touched_data_is_named_by_entry_and_line() {
    let place = with_report();
    let report = changed(&place, "\"n\":3", "\"n\":4");
    let found = &report["faults"][0];
    assert_eq!(found["code"], "signature_invalid");
    assert_eq!((&found["index"], &found["seq"]), (&json!(1), &json!(3)));
    let line = usize::try_from(found["line"].as_u64().unwrap()).unwrap();
    let text = place.read("changed.html");
    assert!(text.lines().nth(line - 1).unwrap().contains("\"n\":4"));
    // A tag inside of the data is data no more.
    let report = changed(&place, "\"n\":3", "\"n\":3,\"o\":\"<script>\"");
    assert!(codes(&report).contains(&"format_mismatch"));
    let report = changed(&place, "\n{\"bundle\":", "\n</script>\n{\"bundle\":");
    assert_eq!(codes(&report)[0], "truncated");
}

#[test]
fn a_report_under_the_name_of_another_case_is_refused() {
    let place = with_report();
    let report = changed(
        &place,
        "{\"correlation\":\"order-7\"",
        "{\"correlation\":\"order-8\"",
    );
    assert_eq!(codes(&report), ["format_mismatch", "format_mismatch"]);
    assert_eq!(report["faults"][0]["at"], "entry");
    let report = changed(&place, "\"left_out\":0", "\"left_out\":\"none\"");
    assert_eq!(fault(&report).0, "format_mismatch");
}

/// Script, markup and data alike.
#[test]
fn a_changed_byte_anywhere_is_refused() {
    let place = with_report();
    let bytes = fs::read(place.path("case.html")).unwrap();
    let policy = Policy {
        keys: vec![PublicKey::from_hex(&place.key()).unwrap()],
        ..Policy::default()
    };
    let judge = |bytes: &[u8]| {
        let outcome = verify_report(bytes, &policy, &mut |_| ()).unwrap();
        assert_eq!(
            outcome.verified.is_some(),
            outcome.report.verdict == Verdict::Pass
        );
        outcome.report.verdict
    };
    assert_eq!(judge(&bytes), Verdict::Pass);
    for at in (0..bytes.len()).step_by(61) {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        assert_eq!(judge(&broken), Verdict::Fail, "byte {at}");
        assert_eq!(judge(&bytes[..at]), Verdict::Fail, "cut at {at}");
    }
}

#[test]
fn what_is_not_sealed_is_left_out_and_said_unless_it_is_sealed_first() {
    let place = place();
    let late = r#"{"correlation_id":"order-7","late":true}"#;
    place
        .run(&["append", "--kind", "note", "--payload", late])
        .ok();
    let args = ["report", "--correlation", "order-7", "-o", "case.html"];
    let run = place.run(&args).ok();
    assert_eq!(
        run.stderr,
        "sealbook: warning: 1 entries are not sealed yet and were left out: --seal seals them first\n\
         sealbook: note: 2 entries in case.html\n"
    );
    assert!(place.read("case.html").contains("\"left_out\":1"));
    verdict(&place, "case.html", 0);
    place.run(&[&args[..], &["--seal"]].concat()).ok();
    assert_eq!(verdict(&place, "case.html", 0)["entries"], 3);
}

fn attest(place: &Place, worker: &str, species: &str) {
    let keyed = |verb: &str, more: &[&str]| {
        let ids = ["--worker-id", worker, "--worker-species-id", species];
        let args = [&["package", verb, worker], &ids[..], more].concat();
        let mut command = place.command(&args);
        command.env("WCP_ATTEST_HMAC_KEY", "k");
        Run::of(&args, command.output().unwrap()).ok();
    };
    place.run(&["package", "scaffold", worker]).ok();
    keyed("sign", &[]);
    keyed("verify", &["--record"]);
}

/// A case of one decision; its worker attested twice before it and once after,
/// and another worker.
fn attested_case() -> Place {
    let place = scene();
    attest(&place, "org.a.one", "wrk.doc.summarizer");
    attest(&place, "org.a.two", "wrk.doc.summarizer");
    attest(&place, "org.a.other", "wrk.other");
    route(&place, "acme", &[]).ok();
    attest(&place, "org.a.late", "wrk.doc.summarizer");
    place.run(&["seal"]).ok();
    place
        .run(&["report", "--correlation", "c-1", "-o", "case.html"])
        .ok();
    place
}

#[test]
fn a_report_carries_the_attestation_of_the_worker_that_was_chosen() {
    let place = attested_case();
    let report = verdict(&place, "case.html", 0);
    let text = place.read("case.html");
    let (_, bundle) = text.split_once("id=\"bundle\">\n").unwrap();
    let of_kind = |kind: &str| {
        let kind = format!("{{\"entry\":{{\"kind\":\"{kind}\"");
        let lines = bundle.lines().filter(|line| line.starts_with(&kind));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let decisions = of_kind("wcp.decision");
    let [attestation] = &of_kind("wcp.attestation")[..] else {
        panic!("{bundle}");
    };
    assert_eq!((decisions.len(), &report["entries"]), (1, &json!(2)));
    assert!(attestation.contains("org.a.two"), "{attestation}");
    assert!(bundle.find(attestation) < bundle.find(&decisions[0]));
}

#[test]
fn an_attestation_of_a_worker_that_nobody_chose_is_of_no_case() {
    let place = attested_case();
    let args = [
        "export",
        "--kind",
        "wcp.attestation",
        "--kind",
        "wcp.decision",
    ];
    place.run(&[&args[..], &["-o", "all.bundle"]].concat()).ok();
    let text = place.read("case.html");
    let (before, rest) = text.split_once("id=\"bundle\">\n").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    let bundle = place.read("all.bundle").replace('<', "\\u003c");
    let all = format!("{before}id=\"bundle\">\n{bundle}</script>{after}");
    place.write("all.html", all);
    let report = verdict(&place, "all.html", 1);
    // That of the other worker, and the one that came after the decision.
    let codes = codes(&report);
    assert_eq!(codes, ["format_mismatch", "format_mismatch"]);
    let faults = report["faults"].as_array().unwrap();
    let indexes: Vec<_> = faults.iter().map(|fault| &fault["index"]).collect();
    assert_eq!(indexes, [2, 4]);
}

#[test]
fn what_is_not_sealed_brings_nothing_into_a_report() {
    let place = scene();
    let note = |n: u64| {
        let payload = format!("{{\"correlation_id\":\"c-1\",\"n\":{n}}}");
        place
            .run(&["append", "--kind", "note", "--payload", &payload])
            .ok();
    };
    note(1);
    attest(&place, "org.a.one", "wrk.doc.summarizer");
    place.run(&["seal"]).ok();
    route(&place, "acme", &[]).ok();
    let write = ["report", "--correlation", "c-1", "-o", "case.html"];
    place.run(&write).ok();
    // The decision that names the worker is not there, so its attestation is not.
    assert_eq!(verdict(&place, "case.html", 0)["entries"], 1);
    place.run(&[&write[..], &["--seal"]].concat()).ok();
    assert_eq!(verdict(&place, "case.html", 0)["entries"], 3);
    // A decision of the case that is sealed, and one that is not and names another.
    attest(&place, "org.a.two", "wrk.doc.summarizer");
    place.run(&["seal"]).ok();
    route(&place, "acme", &[]).ok();
    place.run(&write).ok();
    assert_eq!(verdict(&place, "case.html", 0)["entries"], 3);
}

#[test]
fn a_case_of_which_there_is_nothing_has_no_report() {
    let place = place();
    let args = ["report", "--correlation", "nobody", "-o", "case.html"];
    let run = place.run(&args);
    let wanted = "no entry has the correlation id `nobody`";
    let there = "the newest cases are order-7, order-8";
    run.refused_with(1, "not_found", wanted, there);
    assert!(!place.path("case.html").exists());
    // Nor a bundle, which is said the same way.
    let args = ["export", "--correlation", "nobody", "-o", "case.bundle"];
    place.run(&args).refused_with(1, "not_found", wanted, there);
    assert!(!place.path("case.bundle").exists());
    let args = ["export", "--correlation", "order-7", "--kind", "none"];
    let other = place.run(&[&args[..], &["-o", "case.bundle"]].concat());
    other.refused_with(1, "not_found", "no entry lies in the range", "");
    let late = r#"{"correlation_id":"new"}"#;
    place
        .run(&["append", "--kind", "note", "--payload", late])
        .ok();
    let run = place.run(&["report", "--correlation", "new", "-o", "case.html"]);
    let hint = "run `sealbook seal` first";
    run.refused_with(1, "not_sealed", "entry 4 is not sealed yet", hint);
}

#[test]
fn what_is_no_report_is_said_to_be_none() {
    let place = with_report();
    place.run(&["export", "-o", "all.bundle"]).ok();
    assert_eq!(
        fault(&verdict(&place, "all.bundle", 1)).0,
        "format_mismatch"
    );
    let key = place.key();
    let args = [
        "--json",
        "verify",
        "case.html",
        "--as",
        "bundle",
        "--key",
        &key,
    ];
    assert_eq!(
        fault(&place.run(&args).ends_with(1).document()).0,
        "format_mismatch"
    );
    place.write("other.html", "<!DOCTYPE html>\n<p>hello</p>\n");
    let report = verdict(&place, "other.html", 1);
    assert_eq!(codes(&report)[0], "format_mismatch");
    refused_both_ways(
        &place,
        &["report", "--extract", "other.html", "-o", "x"],
        "not_recognised",
        "other.html: its content is not a ledger, logbook, bundle or proof",
        "say what it is with --as ledger, logbook, bundle or proof",
    );
}

/// The scripts that verify in a browser, on their vectors.
#[test]
fn the_scripts_of_the_report_pass_their_own_tests() {
    if !have(
        "node",
        &[
            "-e",
            "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)",
        ],
    ) {
        crate::skipped::skipped("there is no node of version 20 or later");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/browser-test/unit.mjs");
    let output = std::process::Command::new("node").arg(script).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}
