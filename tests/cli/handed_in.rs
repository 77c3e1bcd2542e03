//! Entries as people hand them in: one a line, in arrays, broken up, twice.

use serde_json::{Value, json};

use crate::place::Place;

fn entry(n: u64) -> Value {
    json!({"kind": "note", "payload": {"n": n, "text": "[{,\"}\\"}})
}

#[test]
fn pretty_json_and_arrays_are_appended_like_lines() {
    let entries: Vec<_> = (1..=3).map(entry).collect();
    let lines: String = entries.iter().map(|one| format!("{one}\n")).collect();
    let pretty: String = entries.iter().map(|one| format!("{one:#}\n")).collect();
    let array = Value::Array(entries);
    for input in [
        lines.clone(),
        pretty,
        format!("{array}"),
        format!("{array:#}\n"),
        format!("\u{feff}{lines}"),
        format!("\u{feff}{array}"),
        lines.replace('\n', "\r\n"),
    ] {
        let place = Place::initialised();
        let receipts = place
            .run_with(&["append", "--jsonl", "-"], &input)
            .ok()
            .documents();
        assert_eq!(receipts.len(), 3, "{input}");
        let listed = place
            .run(&["--json", "log", "--kind", "note"])
            .ok()
            .documents();
        let numbers: Vec<_> = listed.iter().map(|entry| &entry["payload"]["n"]).collect();
        assert_eq!(numbers, [1, 2, 3], "{input}");
    }
    let place = Place::initialised();
    let input = "[\n{\"kind\":\"a\",\"payload\":{}},\n{\"kind\":\"b\"}\n]";
    let run = place.run_with(&["append", "--jsonl", "-"], input);
    let wrong = "element 2 of the array, line 3: payload: missing; one entry of this input is \
                 recorded, 1\n";
    assert!(run.stderr.contains(wrong), "{run:?}");
    assert!(
        run.stderr.contains("go on from element 2 of the array"),
        "{run:?}"
    );
    assert_eq!(run.status, 2);
    assert_eq!(place.count(), 2);
    let utf16: Vec<u8> = lines.encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("utf16", utf16);
    let run = place.run(&["append", "--jsonl", "utf16"]).ends_with(2);
    assert!(run.stderr.contains("UTF-16"), "{run:?}");
    assert_eq!(place.count(), 2);
}

#[test]
fn a_bad_line_is_named_and_passed_over_where_that_is_asked_for() {
    let place = Place::initialised();
    let mut lines = String::new();
    for n in 1..=600 {
        lines.push_str(&match n % 100 {
            50 => "{\"kind\":\"note\"}\n".to_owned(),
            51 => "not JSON\n".to_owned(),
            52 => "{\"kind\":\"Hall.x\",\"payload\":{}}\n".to_owned(),
            _ => format!("{}\n", entry(n)),
        });
    }
    let args = ["--json", "append", "--jsonl", "-", "--keep-going"];
    let run = place.run_with(&args, &lines).ends_with(2);
    let documents = run.documents();
    assert_eq!(documents.len(), 583);
    let error = json!({"error": {"code": "bad_input",
        "detail": "18 lines were not recorded; all others were"}});
    assert_eq!(documents[582], error);
    assert!(
        run.stderr
            .starts_with("sealbook: warning: line 50: payload: missing\n")
    );
    assert_eq!(run.stderr.matches("sealbook: warning: line ").count(), 18);
    assert_eq!(place.count(), 583);
    // Without it nothing after the first is appended.
    let place = Place::initialised();
    let run = place.run_with(&["append", "--jsonl", "-"], &lines);
    let wrong = "line 50: payload: missing; 49 entries of this input are recorded, the last of \
                 them 49\n";
    assert!(run.stderr.contains(wrong), "{run:?}");
    assert!(
        run.stderr.contains("go on from line 50 of the input"),
        "{run:?}"
    );
    assert_eq!(run.status, 2);
    assert_eq!(place.count(), 50);
}

#[test]
fn a_run_is_taken_up_again_by_the_keys_of_its_lines() {
    let place = Place::initialised();
    let keyed = |n: u64| {
        let mut line = entry(n);
        line["idempotency_key"] = json!(format!("import-7/{n}"));
        format!("{line}\n")
    };
    let first: String = (1..=300).map(keyed).collect();
    let whole: String = (1..=600).map(keyed).collect();
    let append = ["append", "--jsonl", "-"];
    let before = place.run_with(&append, &first).ok().documents();
    // Twice in one input, too.
    let doubled: String = (1..=600).flat_map(|n| [keyed(n), keyed(n)]).collect();
    let after = place.run_with(&append, &whole).ok().documents();
    assert_eq!(after.len(), 600);
    assert_eq!(after[..300], before[..]);
    assert_eq!(place.count(), 601);
    let again = place.run_with(&append, &doubled).ok().documents();
    assert_eq!(again.len(), 1_200);
    assert_eq!(again[0], again[1]);
    assert_eq!(place.count(), 601);
    place.run(&["verify"]).ok();
    let other = keyed(1).replace("\"n\":1,", "\"n\":2,");
    let run = place.run_with(&["--json", "append", "--jsonl", "-"], &other);
    let detail = "line 1: idempotency_key: it was used with another kind or payload";
    run.refused("key_reused", detail, "");
}

#[test]
fn kinds_that_look_reserved_are_refused() {
    let place = Place::initialised();
    for (kind, prefix) in [
        ("Hall.x", "hall."),
        ("HALL.reload", "hall."),
        ("Wcp.decision", "wcp."),
        ("SealBook:open", "sealbook:"),
        ("\u{17f}ealboo\u{212a}:open", "sealbook:"),
    ] {
        let run = place.run(&["--json", "append", "--kind", kind, "--payload", "{}"]);
        let hint = "choose another kind: these are written by sealbook itself";
        run.refused(
            "reserved_kind",
            &format!("kind: `{prefix}` is reserved"),
            hint,
        );
    }
    place
        .run(&["append", "--kind", "hallway.x", "--payload", "{}"])
        .ok();
}
