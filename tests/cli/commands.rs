//! Each command for people: what it does, prints and answers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::{Place, refused_both_ways};

#[test]
fn init_makes_ledger_key_and_mark_and_says_where() {
    let place = Place::empty();
    let run = place.run(&["init", "--origin", "my log"]).ok();
    assert!(run.stdout.starts_with("made the ledger ./ledger\n"));
    for told in ["./ledger.key.pem", "./ledger.mark", "log", "genesis"] {
        assert!(run.stdout.contains(told), "{told}");
    }
    assert_eq!(run.stderr, "");
    let key = fs::metadata(place.path("ledger.key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let opening = place.run(&["--json", "show", "0"]).ok().document();
    assert_eq!(opening["kind"], "sealbook:open");
    assert_eq!(opening["payload"]["origin"], "my log");
    assert_eq!(
        opening["payload"]["recovery_key_sha256"],
        serde_json::Value::Null
    );
    let names: Vec<_> = fs::read_dir(place.dir()).unwrap().collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn init_takes_the_ledger_the_mark_and_the_key_from_where_it_is_told() {
    let place = Place::empty();
    fs::create_dir(place.path("keys")).unwrap();
    let init = [
        "--ledger", "log", "--mark", "keys/m", "init", "--key", "keys/k",
    ];
    place.run(&init).ok();
    for made in ["log", "keys/m", "keys/k"] {
        assert!(place.path(made).exists(), "{made}");
    }
    // The key's path is recorded, the mark's is not.
    let append = [
        "--ledger",
        "log",
        "append",
        "--kind",
        "k",
        "--payload",
        "{}",
    ];
    place.run(&append).refused(
        "mark_missing",
        "there is no high-water mark at log.mark",
        "put the mark back, or name it with --mark FILE; if it is lost for good, and this is not a \
         copy to be examined, `sealbook accept-rollback --reason TEXT` records that for ever",
    );
    let mut command = place.command(&append);
    command.env("SEALBOOK_MARK", "keys/m");
    assert!(command.output().unwrap().status.success());
    let mut command = place.command(&["verify"]);
    command
        .env("SEALBOOK_LEDGER", "log")
        .env("SEALBOOK_MARK", "keys/m");
    assert!(command.output().unwrap().status.success());
    place.run(&["--mark", "keys/m", "verify", "log"]).ok();
}

#[test]
fn init_touches_nothing_that_is_there() {
    for (name, hint) in [
        ("ledger", "move it away, or choose another place"),
        (
            "ledger.mark",
            "if it is another ledger's, choose another place with --mark FILE; if an `init` that \
             was interrupted left it, move it away",
        ),
        (
            "ledger.key.pem",
            "if an `init` that was interrupted left it, go on with it with --reuse-key; if it is \
             another log's, choose another place with --key FILE",
        ),
    ] {
        let place = Place::empty();
        place.write(name, "mine");
        let detail = format!("./{name} exists already");
        refused_both_ways(&place, &["init"], "exists", &detail, hint);
        assert_eq!(place.read(name), "mine");
        assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 1);
    }
}

#[test]
fn init_records_the_hash_of_the_recovery_key() {
    let place = Place::empty();
    let recovery = "11".repeat(32);
    place.run(&["init", "--recovery-key", &recovery]).ok();
    let opening = place.run(&["--json", "show", "0"]).ok().document();
    // SHA-256 of 32 bytes 0x11.
    assert_eq!(
        opening["payload"]["recovery_key_sha256"],
        "02d449a31fbb267c8f352e9968a79e3e5fc95c1bbeaa502fd6454ebde5a4bedc"
    );
}

#[test]
fn append_takes_a_payload_from_the_line_a_file_or_standard_input() {
    let place = Place::initialised();
    place.write("payload.json", "{\"from\": \"file\"}\n");
    let kind = ["append", "--kind", "note"];
    let inline = [&kind[..], &["--payload", r#"{"from":"line"}"#]].concat();
    place.run(&inline).ok();
    let file = [&kind[..], &["--payload-file", "payload.json"]].concat();
    place.run(&file).ok();
    let stdin = [&kind[..], &["--payload-file", "-"]].concat();
    place.run_with(&stdin, r#"{"from":"stdin"}"#).ok();
    let log = place.run(&["--json", "log", "--kind", "note"]).ok();
    let from: Vec<_> = log
        .documents()
        .iter()
        .map(|entry| entry["payload"]["from"].clone())
        .collect();
    assert_eq!(from, ["line", "file", "stdin"]);
}

#[test]
fn append_of_lines_answers_a_receipt_each_and_passes_over_blank_ones() {
    let place = Place::initialised();
    let lines = "\n{\"kind\":\"a\",\"payload\":{}}\n  \t\n\
                 {\"payload\":{\"x\":1.50},\"kind\":\"b\"}\r\n\n{\"kind\":\"c\",\"payload\":{}}";
    place.write("lines", lines);
    let run = place.run(&["append", "--jsonl", "lines"]).ok();
    let receipts = run.documents();
    let got: Vec<_> = receipts.iter().map(|r| (&r["seq"], &r["kind"])).collect();
    let expected = [(1, "a"), (2, "b"), (3, "c")].map(|(n, k)| (n.into(), k.into()));
    assert_eq!(
        got,
        expected.iter().map(|(n, k)| (n, k)).collect::<Vec<_>>()
    );
    assert_eq!(receipts[1]["prev_hash"], receipts[0]["hash"]);
    place.run(&["verify"]).ok();
}

#[test]
fn append_of_no_lines_is_fine() {
    let place = Place::initialised();
    let run = place.run_with(&["append", "--jsonl", "-"], "\n\n").ok();
    assert_eq!((run.stdout, run.stderr), (String::new(), String::new()));
    assert_eq!(place.count(), 1);
}

#[test]
fn seal_closes_the_epoch_once_and_then_there_is_nothing_to_seal() {
    let place = Place::initialised();
    let header = place.run(&["seal"]).ok().document();
    assert_eq!(header["epoch"]["last_seq"], 0);
    place
        .run(&["seal"])
        .refused_with(1, "nothing_to_seal", "there is nothing to seal", "");
    let run = place.run(&["seal", "--if-any"]).ok();
    assert_eq!((run.stdout, run.stderr), (String::new(), String::new()));
}

#[test]
fn epochs_lists_the_sealed_ones() {
    let place = Place::sealed();
    place.append(6..8);
    let header = place.run(&["seal"]).ok().document();
    let run = place.run(&["epochs"]).ok();
    let lines: Vec<Vec<_>> = run
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["EPOCH", "HOUR", "FIRST", "LAST", "ENTRIES", "ROOT"]
    );
    assert_eq!((lines.len(), lines[2][0]), (3, "1"));
    assert_eq!(lines[2][2..5], ["6", "7", "2"]);
    assert_eq!(lines[2][5], header["epoch"]["root"]);
}

#[test]
fn head_is_signed_and_goes_to_a_file_if_asked() {
    let place = Place::with_tail();
    let head = place.run(&["head"]).ok();
    assert_eq!(head.document()["head"]["seq"], 8);
    let run = place.run(&["head", "-o", "head.json"]).ok();
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr, "sealbook: note: entry 8 as head in head.json\n");
    assert_eq!(place.read("head.json"), head.stdout);
    place.run(&["verify", "--contains", "head.json"]).ok();
}

#[test]
fn show_finds_an_entry_by_number_and_by_hash_in_either_case() {
    let place = Place::with_tail();
    let by_number = place.run(&["show", "7"]).ok();
    assert!(
        by_number
            .stdout
            .starts_with("entry     7\nkind      note\n")
    );
    assert!(by_number.stdout.contains("\nsealed    not sealed yet\n"));
    assert!(by_number.stdout.ends_with("payload   {\"n\":7}\n"));
    let shown = place.run(&["show", "0"]).ok();
    assert!(shown.stdout.contains("\nsealed    epoch 0\n"));
    let hash = by_number
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("hash      "));
    let hash = hash.unwrap();
    for spelling in [hash.to_owned(), hash.to_uppercase()] {
        let by_hash = place.run(&["show", &spelling]).ok();
        assert_eq!(by_hash.stdout, by_number.stdout);
    }
    for nothing in ["9", "18446744073709551615"] {
        let wanted = format!("there is no entry {nothing}");
        place.run(&["--json", "show", nothing]).refused_with(
            1,
            "not_found",
            &wanted,
            "the log has entries 0 to 8",
        );
    }
    place
        .run(&["--json", "show", &"ab".repeat(32)])
        .refused_with(1, "not_found", "nothing was found", "");
    for bad in ["-1x", "zz", "18446744073709551616", &"ab".repeat(31)] {
        let detail =
            format!("entry `{bad}`: a sequence number or a hash of 64 hex digits is needed");
        place
            .run(&["--json", "show", "--", bad])
            .refused("usage", &detail, "");
    }
}

#[test]
fn log_filters_by_kind_time_producers_names_and_place() {
    let place = Place::initialised();
    let lines = [
        r#"{"kind":"a","payload":{"tenant_id":"t1","correlation_id":"c1","denied":true}}"#,
        r#"{"kind":"b","payload":{"tenant_id":"t2","correlation_id":"c1","worker_id":"w"}}"#,
        r#"{"kind":"a","payload":{"tenant_id":"t1","decision_id":"d","denied":false}}"#,
    ];
    place
        .run_with(&["append", "--jsonl", "-"], &lines.join("\n"))
        .ok();
    let found = |filters: &[&str]| -> Vec<u64> {
        let run = place.run(&[&["--json", "log"], filters].concat());
        let empty = run.status == 1;
        let entries = if empty { vec![] } else { run.ok().documents() };
        entries.iter().map(|e| e["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(found(&[]), [0, 1, 2, 3]);
    assert_eq!(found(&["--kind", "a"]), [1, 3]);
    assert_eq!(found(&["--kind", "a", "--kind", "b"]), [1, 2, 3]);
    assert_eq!(found(&["--tenant", "t1"]), [1, 3]);
    assert_eq!(found(&["--correlation", "c1"]), [1, 2]);
    assert_eq!(found(&["--worker", "w"]), [2]);
    assert_eq!(found(&["--decision", "d"]), [3]);
    assert_eq!(found(&["--denied"]), [1]);
    assert_eq!(found(&["--denied=false"]), [3]);
    assert_eq!(found(&["--from-seq", "2"]), [2, 3]);
    assert_eq!(found(&["--grep", "T1"]), [1, 3]);
    assert_eq!(found(&["--grep", "t1", "--limit", "1"]), [1]);
    assert_eq!(found(&["--grep", "t1", "--limit", "1", "--reverse"]), [3]);
    assert_eq!(found(&["--grep", "t3"]), [0; 0]);
    assert_eq!(found(&["--until-seq", "1"]), [0, 1]);
    assert_eq!(found(&["--reverse", "--limit", "2"]), [3, 2]);
    assert_eq!(
        found(&["--since", "2000-01-01T00:00:00Z", "--kind", "b"]),
        [2]
    );
    assert_eq!(found(&["--until", "2000-01-01T00:00:00Z"]), [0; 0]);
    assert_eq!(found(&["--tenant", "t1", "--kind", "b"]), [0; 0]);
    let table = place.run(&["log", "--kind", "b"]).ok().stdout;
    let words: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(words, ["SEQ", "TIME", "KIND", "PAYLOAD"]);
    assert_eq!(table.lines().count(), 2);
    place
        .run(&["--json", "log", "--kind", "none"])
        .refused_with(1, "not_found", "nothing was found", "");
    place.run(&["--json", "log", "--since", "noon"]).refused(
        "usage",
        "time `noon`: a time such as 2026-03-01T10:00:00Z is needed",
        "",
    );
}

#[test]
fn verify_says_pass_and_what_it_did_not_check() {
    let place = Place::with_tail();
    let run = place.run(&["verify"]).ok();
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines[0], "PASS  ledger, 9 entries, 1 epochs");
    assert!(run.stdout.contains("\nwarning  key_from_ledger: "));
    assert!(run.stdout.contains("\nnot checked: truncation\n"));
    assert_eq!(run.stderr, "");
    let run = place.run(&["verify", "ledger", "--key", &place.key()]).ok();
    assert!(run.stdout.contains(" (the key given)\n"));
    assert!(!run.stdout.contains("warning"));
}

#[test]
fn version_names_program_and_format() {
    let place = Place::empty();
    let run = place.run(&["version"]).ok();
    let expected = format!(
        "sealbook {}\nledger format 1\nWCP specification 0.1\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(run.stdout, expected);
}

#[test]
fn key_prints_the_public_key() {
    let place = Place::initialised();
    let hex = place.key();
    assert_eq!(hex.len(), 64);
    let pem = place.run(&["key", "--pem"]).ok().stdout;
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    place.write("pub.pem", pem);
    place.run(&["verify", "--key", "pub.pem"]).ok();
}

#[test]
fn completions_and_man_pages_are_of_every_command() {
    let place = Place::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).ok().stdout;
        assert!(script.contains("accept-rollback"), "{shell}");
    }
    fs::create_dir(place.path("man")).unwrap();
    let run = place.run(&["man", "man"]).ok();
    assert_eq!(run.stderr, "sealbook: note: man pages in man\n");
    for page in ["sealbook", "sealbook-append", "sealbook-accept-rollback"] {
        assert!(place.path(&format!("man/{page}.1")).is_file(), "{page}");
    }
}

#[test]
fn accept_rollback_records_what_was_lost_and_everyone_is_warned() {
    let place = Place::with_tail();
    let lost = place.run(&["head"]).ok().document();
    place.copy("ledger", "older");
    place.append(9..12);
    let lost_head = place.run(&["head"]).ok().document();
    assert_ne!(lost, lost_head);
    fs::remove_dir_all(place.path("ledger")).unwrap();
    fs::rename(place.path("older"), place.path("ledger")).unwrap();
    let run = place.run(&["accept-rollback", "--reason", "disk"]).ok();
    let hash = lost_head["head"]["hash"].as_str().unwrap();
    assert_eq!(
        run.stderr,
        format!(
            "sealbook: warning: recorded for ever: the log once held entry 11 with hash {hash}, \
             the database does not\n"
        )
    );
    assert_eq!(run.document()["kind"], "sealbook:rollback");
    let recorded = place.run(&["--json", "show", "9"]).ok().document();
    assert_eq!(
        recorded["payload"],
        serde_json::json!({"fault": "rollback_detected", "lost": lost_head, "reason": "disk"})
    );
    let report = place.run(&["--json", "verify"]).ok().document();
    let warnings: Vec<_> = report["warnings"].as_array().unwrap().iter().collect();
    assert_eq!(warnings[1]["code"], "acknowledged_rollback");
    assert_eq!(warnings[1]["detail"], "entry 9 acknowledges a rollback");
    place.append(0..1);
    place
        .run(&["--json", "accept-rollback", "--reason", "again"])
        .refused_with(
            1,
            "nothing_to_accept",
            "the high-water mark is in order: there is nothing to accept",
            "",
        );
}

#[test]
fn asked_for_help_is_data_and_misuse_is_an_error() {
    let place = Place::empty();
    for args in [
        &[][..],
        &["--help"],
        &["help"],
        &["append", "--help"],
        &["--version"],
    ] {
        let run = place.run(args).ok();
        assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
    }
    for args in [
        &["nonsense"][..],
        &["append"],
        &["append", "--kind", "k", "--jsonl", "f"],
        &["show"],
        &["prove", "1"],
        &["verify", "--as", "letter"],
        &["log", "--limit", "-1"],
        &["accept-rollback"],
    ] {
        let run = place.run(args).ends_with(2);
        assert_eq!(run.stdout, "", "{run:?}");
        assert!(run.stderr.starts_with("sealbook: error: "), "{run:?}");
        let json = place.run(&[&["--json"], args].concat()).ends_with(2);
        assert_eq!(json.document()["error"]["code"], "usage", "{json:?}");
    }
}

#[test]
fn a_flag_that_is_not_there_gets_the_tip_of_the_one_that_was_meant() {
    let place = Place::empty();
    for (words, meant) in [
        (vec!["verify", "--kye", "k", "f"], Some("--key")),
        (vec!["verify", "--kyes=k", "f"], Some("--keys")),
        (vec!["log", "--tenat", "acme"], Some("--tenant")),
        (vec!["manifest", "verify", "--htm", "x"], None),
        (vec!["append", "--kidn", "note"], Some("--kind")),
        // A flag of the whole program.
        (vec!["seal", "--leger", "x"], Some("--ledger")),
        (vec!["verify", "--zzzzzzzz", "f"], None),
    ] {
        let run = place.run(&words).ends_with(2);
        let tip = meant.map(|meant| format!("a similar argument exists: '{meant}'"));
        match tip {
            Some(tip) => assert!(run.stderr.contains(&tip), "{words:?}: {}", run.stderr),
            None => assert!(!run.stderr.contains("similar argument"), "{}", run.stderr),
        }
    }
}

#[test]
fn every_command_that_reads_names_the_ledger_that_is_not_there() {
    let place = Place::empty();
    for args in [
        &["append", "--kind", "k", "--payload", "{}"][..],
        &["append", "--jsonl", "-"],
        &["seal"],
        &["epochs"],
        &["head"],
        &["show", "0"],
        &["log"],
        &["verify"],
        &["prove", "0", "-o", "x"],
        &["export", "-o", "x"],
        &["accept-rollback", "--reason", "r"],
        &["key"],
    ] {
        refused_both_ways(
            &place,
            args,
            "ledger_missing",
            "there is no ledger in ./ledger",
            "make one with `sealbook init`, or name it with --ledger DIR",
        );
    }
    assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 0);
}
