//! What reaches a terminal: nothing that an attacker wrote may move, colour,
//! reverse, hide or pose as a line of ours.

use crate::place::{Place, have};

/// Characters that must not come out.
fn hostile(text: &str) -> String {
    let is_hostile = |c: &char| {
        (c.is_control() && *c != '\n')
            || ('\u{200b}'..='\u{200f}').contains(c)
            || ('\u{2028}'..='\u{202e}').contains(c)
            || ('\u{2060}'..='\u{206f}').contains(c)
            || ['\u{ad}', '\u{61c}', '\u{feff}', '\u{e0041}'].contains(c)
    };
    text.chars().filter(is_hostile).collect()
}

#[test]
fn hostile_text_is_shown_as_its_codes() {
    let place = Place::initialised();
    let kind = "ok\u{202e}ko\u{200b}\u{2066}\u{e0041}";
    let payload = concat!(
        r#"{"a":"\u001b[2J\u009b31m","b":""#,
        "\u{9b}31m\u{85}\u{7f}\u{202e}\u{2028}\u{feff}\u{ad}\u{61c}",
        r#"","\u202e":"\r\n\tPASS"}"#
    );
    place
        .run(&["append", "--kind", kind, "--payload", payload])
        .ok();
    let show = place.run(&["show", "1"]).ok().stdout;
    assert_eq!(hostile(&show), "", "{show:?}");
    assert!(show.contains(r"kind      ok\u{202e}ko\u{200b}\u{2066}\u{e0041}"));
    assert!(show.contains(r"\u{9b}31m\u{85}\u{7f}\u{202e}\u{2028}\u{feff}"));
    assert!(show.contains(r#""\u{202e}":"\r\n\tPASS""#), "{show}");
    let log = place.run(&["log"]).ok().stdout;
    assert_eq!(hostile(&log), "", "{log:?}");
    assert!(log.contains(r"ok\u{202e}ko\u{200b}"));
    // Programs get what was written.
    let entry = place.run(&["--json", "show", "1"]).ok().document();
    assert_eq!(entry["kind"], kind);
}

#[test]
fn names_in_error_messages_are_shown_as_their_codes_on_one_line() {
    let place = Place::initialised();
    let lines = "{\"kind\":\"k\",\"payload\":{},\"x\\nPASS  ledger\\u001b[31m\\u202e\":1}\n";
    let run = place
        .run_with(&["append", "--jsonl", "-"], lines)
        .ends_with(2);
    assert_eq!(
        run.stderr,
        "sealbook: error: line 1: x\\u{a}PASS  ledger\\u{1b}[31m\\u{202e}: unknown member\n"
    );
    let run = place.run(&["show", "a\nsealbook: note: fine\u{1b}[0m"]);
    assert_eq!(
        run.ends_with(2).stderr,
        "sealbook: error: entry `a\\u{a}sealbook: note: fine\\u{1b}[0m`: a sequence number or a \
         hash of 64 hex digits is needed\n"
    );
    let run = place.run(&["verify", "no\u{1b}file\n"]).ends_with(2);
    assert_eq!(
        run.stderr,
        "sealbook: error: no\\u{1b}file\\u{a}: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_file_cannot_write_a_verdict_into_its_own_report() {
    let place = Place::initialised();
    let line = format!(
        r#"{{"kind":"k","ts":"2026-01-01T00:00:00+00:00","payload":{{}},"prev_hash":"{}","signature":"{}","x\nPASS  logbook, 9 entries":1}}"#,
        "00".repeat(32),
        "00".repeat(64),
    );
    place.write("evil.jsonl", line);
    let run = place.run(&["verify", "evil.jsonl", "--key", &place.key()]);
    let report = run.ends_with(1).stdout;
    assert!(report.starts_with("FAIL  logbook, 1 entries"), "{report}");
    assert!(
        !report.lines().any(|line| line.starts_with("PASS")),
        "{report}"
    );
    assert!(
        report.contains("(line 1) [edit]: x\\u{a}PASS  logbook, 9 entries: unknown member\n"),
        "{report}"
    );
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let place = Place::initialised();
    let plain = place.run(&["verify"]).ok().stdout;
    assert!(plain.starts_with("PASS") && !plain.contains('\u{1b}'));
    if !have("script", &["-qec", "true", "/dev/null"]) {
        crate::skipped::skipped("without `script` there is no terminal to try colours on");
        return;
    }
    let program = env!("CARGO_BIN_EXE_sealbook");
    let on_a_terminal = |no_colour: Option<&str>| {
        let mut command = place.command_of("script".as_ref(), &[]);
        command.args(["-qec", &format!("{program} verify"), "/dev/null"]);
        if let Some(value) = no_colour {
            command.env("NO_COLOR", value);
        }
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let green = "\u{1b}[1;32mPASS  ledger, 1 entries, 0 epochs\u{1b}[0m";
    assert!(
        on_a_terminal(None).contains(green),
        "{:?}",
        on_a_terminal(None)
    );
    // Set, but empty, is not set (no-color.org).
    assert!(on_a_terminal(Some("")).contains(green));
    let refused = on_a_terminal(Some("1"));
    assert!(refused.contains("PASS  ledger"), "{refused:?}");
    assert!(!refused.contains('\u{1b}'), "{refused:?}");
}
