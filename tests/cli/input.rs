//! Bad input to `append`: refused, and each with its own words. Nothing of it
//! is recorded.

use std::io::Write;

use crate::place::{Place, refused_both_ways};

/// Nothing but `init` has happened.
fn assert_untouched(place: &Place) {
    assert_eq!(place.count(), 1);
    place.run(&["verify"]).ok();
}

fn payload_is_refused(place: &Place, payload: &str, code: &str, detail: &str) {
    let args = ["append", "--kind", "k", "--payload", payload];
    refused_both_ways(place, &args, code, detail, "");
    place.write("payload", payload);
    let args = ["append", "--kind", "k", "--payload-file", "payload"];
    refused_both_ways(place, &args, code, detail, "");
}

fn line_is_refused(place: &Place, line: &str, code: &str, detail: &str, hint: &str) {
    place.write("lines", line);
    // Where in the text it is is said once.
    let detail = detail.replace(" at line 1 column", " at column");
    let detail = format!("line 1: {detail}");
    refused_both_ways(place, &["append", "--jsonl", "lines"], code, &detail, hint);
}

#[test]
fn junk_is_named_with_its_place() {
    let place = Place::initialised();
    for (junk, detail) in [
        (
            "",
            "text ends where a value was expected at line 1 column 1 (byte 0)",
        ),
        (
            "hello",
            "found 'h' where a value was expected at line 1 column 1 (byte 0)",
        ),
        (
            "{\"a\":}",
            "found '}' where a value was expected at line 1 column 6 (byte 5)",
        ),
        ("{} x", "trailing bytes at line 1 column 4 (byte 3)"),
        ("{\"a\":1}{}", "trailing bytes at line 1 column 8 (byte 7)"),
        (
            "{\"é\":\"\\ud800\"}",
            "lone surrogate \\ud800 at line 1 column 7 (byte 7)",
        ),
        ("{\"a\":\"\\x\"}", "bad escape at line 1 column 7 (byte 6)"),
        (
            "{\"a\":\n\"\t\"}",
            "control character 0x09 in a string at line 2 column 2 (byte 7)",
        ),
        (
            "{\"a\":1e999}",
            "number overflows a double at line 1 column 6 (byte 5)",
        ),
        ("\u{feff}{}", "byte order mark at line 1 column 1 (byte 0)"),
    ] {
        payload_is_refused(&place, junk, "bad_json", detail);
    }
    place.write("payload", b"{\"a\":\"\xff\"}");
    let args = ["append", "--kind", "k", "--payload-file", "payload"];
    let detail = "invalid UTF-8 at line 1 column 7 (byte 6)";
    refused_both_ways(&place, &args, "bad_json", detail, "");
    assert_untouched(&place);
}

#[test]
fn what_is_json_and_no_object_is_no_payload() {
    let place = Place::initialised();
    for payload in ["null", "[]", "1", "\"{}\"", "true"] {
        let detail = "the payload is not a JSON object";
        payload_is_refused(&place, payload, "bad_input", detail);
    }
    for line in ["null", "[]", "1"] {
        line_is_refused(&place, line, "bad_input", "not an object", "");
    }
    for (line, detail) in [
        (r#"{"payload":{}}"#, "kind: missing"),
        (r#"{"kind":"k"}"#, "payload: missing"),
        (r#"{"kind":1,"payload":{}}"#, "kind: not a string"),
        (r#"{"kind":"k","payload":[]}"#, "payload: not an object"),
        (r#"{"kind":"k","payload":null}"#, "payload: not an object"),
        (r#"{"kind":"k","payload":{},"ts":1}"#, "ts: unknown member"),
        (
            r#"{"kind":"k","payload":{},"seq":1}"#,
            "seq: unknown member",
        ),
    ] {
        line_is_refused(&place, line, "bad_input", detail, "");
    }
    assert_untouched(&place);
}

fn nested(levels: usize) -> String {
    let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
    format!("{{\"a\":{open}{close}}}")
}

#[test]
fn a_payload_may_be_128_levels_deep_and_not_129() {
    let place = Place::initialised();
    let deep = nested(129);
    let detail = "more than 128 levels of nesting at line 1 column 133 (byte 132)";
    payload_is_refused(&place, &deep, "bad_json", detail);
    let line = format!("{{\"kind\":\"k\",\"payload\":{deep}}}");
    let detail = "more than 129 levels of nesting at line 1 column 155 (byte 154)";
    line_is_refused(&place, &line, "bad_json", detail, "");
    assert_untouched(&place);

    let fits = nested(128);
    place
        .run(&["append", "--kind", "k", "--payload", &fits])
        .ok();
    let line = format!("{{\"kind\":\"k\",\"payload\":{fits}}}");
    place.run_with(&["append", "--jsonl", "-"], &line).ok();
    place.run(&["seal"]).ok();
    place.run(&["export", "-o", "e.bundle"]).ok();
    place.run(&["prove", "2", "-o", "e.proof"]).ok();
    let key = place.key();
    for file in ["ledger", "e.bundle", "e.proof"] {
        place.run(&["verify", file, "--key", &key]).ok();
    }
}

#[test]
fn a_payload_over_sixteen_mebibytes_is_refused() {
    let place = Place::initialised();
    let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(16 << 20));
    // kind, ts, hash and three separators come to it.
    let bytes = payload.len() + 1 + 32 + 32 + 3;
    let detail = format!("the signing payload has {bytes} bytes, over the limit of 16777216");
    place.write("payload", &payload);
    let args = ["append", "--kind", "k", "--payload-file", "payload"];
    refused_both_ways(&place, &args, "bad_input", &detail, "");
    let line = format!("{{\"kind\":\"k\",\"payload\":{payload}}}");
    line_is_refused(&place, &line, "bad_input", &detail, "");
    assert_untouched(&place);
}

#[test]
fn a_line_over_twenty_mebibytes_is_refused() {
    let place = Place::initialised();
    let mut file = std::fs::File::create(place.path("huge")).unwrap();
    file.write_all(b"{\"a\":\"").unwrap();
    file.write_all(&vec![b'x'; 20 << 20]).unwrap();
    file.write_all(b"\"}").unwrap();
    let args = ["append", "--kind", "k", "--payload-file", "huge"];
    let detail = "text is larger than 20971520 bytes";
    refused_both_ways(&place, &args, "bad_json", detail, "");
    let args = ["append", "--jsonl", "huge"];
    let detail = "line 1: the line is longer than 20 MiB";
    refused_both_ways(&place, &args, "bad_json", detail, "");
    assert_untouched(&place);
}

#[test]
fn duplicate_keys_are_refused_at_any_depth_and_in_any_spelling() {
    let place = Place::initialised();
    for (payload, detail) in [
        (
            r#"{"a":1,"a":1}"#,
            r#"duplicate key "a" at line 1 column 8 (byte 7)"#,
        ),
        (
            r#"{"x":[{"a":1,"\u0061":2}]}"#,
            r#"duplicate key "a" at line 1 column 14 (byte 13)"#,
        ),
    ] {
        payload_is_refused(&place, payload, "bad_json", detail);
    }
    let line = r#"{"kind":"k","payload":{},"kind":"wcp.decision"}"#;
    let detail = r#"duplicate key "kind" at line 1 column 26 (byte 25)"#;
    line_is_refused(&place, line, "bad_json", detail, "");
    assert_untouched(&place);
}

#[test]
fn a_number_has_at_most_4300_digits() {
    let place = Place::initialised();
    let payload = format!("{{\"a\":{}}}", "9".repeat(4_301));
    let detail = "integer of more than 4300 digits at line 1 column 6 (byte 5)";
    payload_is_refused(&place, &payload, "bad_json", detail);
    assert_untouched(&place);
    let digits = "9".repeat(4_300);
    let payload = format!("{{\"a\":-{digits}}}");
    place
        .run(&["append", "--kind", "k", "--payload", &payload])
        .ok();
    let shown = place.run(&["--json", "show", "1"]).ok().stdout;
    assert!(shown.contains(&format!("\"a\":-{digits}")));
}

#[test]
fn a_kind_is_one_to_256_bytes_without_control_characters() {
    let place = Place::initialised();
    let long = "k".repeat(257);
    for (kind, detail) in [
        ("", "kind: must not be blank"),
        (" \u{a0}\u{2003}", "kind: must not be blank"),
        (&long, "kind: has 257 bytes, over the limit of 256"),
        ("a\nb", "kind: has the control character U+000A at byte 1"),
        ("\u{1f}", "kind: has the control character U+001F at byte 0"),
        (
            "a\u{1b}[0m",
            "kind: has the control character U+001B at byte 1",
        ),
        (
            "é\u{7f}",
            "kind: has the control character U+007F at byte 2",
        ),
        (
            "é\u{9f}",
            "kind: has the control character U+009F at byte 2",
        ),
    ] {
        let args = ["append", "--kind", kind, "--payload", "{}"];
        refused_both_ways(&place, &args, "bad_input", detail, "");
        let kind = serde_json::to_string(kind).unwrap();
        let line = format!("{{\"kind\":{kind},\"payload\":{{}}}}");
        line_is_refused(&place, &line, "bad_input", detail, "");
    }
    let line = r#"{"kind":"a\u0000b","payload":{}}"#;
    let detail = "kind: has the control character U+0000 at byte 1";
    line_is_refused(&place, line, "bad_input", detail, "");
    assert_untouched(&place);
    let kind = "é".repeat(128);
    place
        .run(&["append", "--kind", &kind, "--payload", "{}"])
        .ok();
}

#[test]
fn reserved_kinds_are_not_for_callers() {
    let place = Place::initialised();
    for (kind, prefix) in [
        ("sealbook:open", "sealbook:"),
        ("sealbook:", "sealbook:"),
        ("wcp.decision", "wcp."),
        ("wcp.anything", "wcp."),
        ("manifest.verify", "manifest."),
        ("vacant.card", "vacant."),
        ("hall.reload", "hall."),
    ] {
        let detail = format!("kind: `{prefix}` is reserved");
        let hint = "choose another kind: these are written by sealbook itself";
        let args = ["append", "--kind", kind, "--payload", "{}"];
        refused_both_ways(&place, &args, "reserved_kind", &detail, hint);
        let line = format!("{{\"kind\":\"{kind}\",\"payload\":{{}}}}");
        line_is_refused(&place, &line, "reserved_kind", &detail, hint);
    }
    assert_untouched(&place);
    for kind in [
        "wcp",
        "wcpx.a",
        "sealbooks:open",
        " wcp.decision",
        "hallo.a",
    ] {
        place
            .run(&["append", "--kind", kind, "--payload", "{}"])
            .ok();
    }
}

#[test]
fn a_payload_is_needed() {
    let place = Place::initialised();
    let detail = "--payload JSON or --payload-file FILE is needed";
    refused_both_ways(&place, &["append", "--kind", "k"], "usage", detail, "");
}
