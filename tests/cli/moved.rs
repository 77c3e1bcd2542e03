//! A ledger that is moved, removed or replaced while a process writes it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::place::{Place, Run, fault};

const APPEND: [&str; 4] = ["--json", "append", "--jsonl", "-"];
const MOVED: &str = "the ledger in ./ledger was moved or replaced while it was open";
const HINT: &str = "name the ledger where it is now; look with `sealbook log --from-seq 9`";

struct Writer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Writer {
    fn of(place: &Place) -> Writer {
        let mut command = place.command(&APPEND);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        Writer {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Appends an entry, and returns what comes out: a receipt, or the error.
    fn append(&mut self, n: u64) -> String {
        // It may have ended.
        let _cut = writeln!(self.stdin, "{{\"kind\":\"k\",\"payload\":{{\"n\":{n}}}}}");
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    fn ends(self) -> Run {
        drop(self.stdin);
        let mut output = self.child.wait_with_output().unwrap();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout.into_inner(), &mut rest).unwrap();
        output.stdout = rest.into_bytes();
        Run::of(&APPEND, output)
    }
}

/// Receipts of entries 6 to 8, by a writer that goes on.
fn writing() -> (Place, Writer) {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    let receipts: String = (6..9).map(|n| writer.append(n)).collect();
    assert_eq!(receipts.lines().count(), 3);
    place.write("receipts", receipts);
    (place, writer)
}

/// The next append is not acknowledged, and the writer says why it stops.
fn assert_stops(mut writer: Writer) {
    let line = writer.append(9);
    let detail = format!("{MOVED}; 3 entries of this input are recorded, the last of them 8");
    let said: Value = serde_json::from_str(&line).unwrap();
    let recorded = json!({"entries": 3, "last": 8, "next": {"line": 4}, "not_recorded": []});
    let error = json!({"code": "ledger_moved", "detail": detail, "recorded": recorded});
    assert_eq!(said["error"], error);
    let run = writer.ends().ends_with(2);
    let said = format!("sealbook: error: {detail}\nsealbook: hint: {HINT}");
    assert!(run.stderr.starts_with(&said), "{}", run.stderr);
}

fn assert_whole(place: &Place, ledger: &str) {
    let args = ["--json", "verify", ledger, "--mark", "ledger.mark"];
    let args = [&args[..], &["--receipts", "receipts"]].concat();
    let report = place.run(&args).ok().document();
    assert_eq!(report["entries"], 9, "{ledger}");
}

#[test]
fn a_ledger_that_is_moved_away_takes_no_more_and_loses_nothing() {
    let (place, writer) = writing();
    fs::rename(place.path("ledger"), place.path("moved")).unwrap();
    assert_stops(writer);
    assert_whole(&place, "moved");
    // Back in its place it goes on.
    fs::rename(place.path("moved"), place.path("ledger")).unwrap();
    place.append(9..10);
    place.run(&["verify", "--receipts", "receipts"]).ok();
}

#[test]
fn a_copy_in_the_place_of_an_open_ledger_is_not_written_into() {
    let (place, writer) = writing();
    fs::rename(place.path("ledger"), place.path("moved")).unwrap();
    place.copy("moved", "ledger");
    let files = |at: &str| {
        let all = fs::read_dir(place.path(at)).unwrap();
        let mut names: Vec<_> = all.map(|f| f.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files("ledger/db");
    assert_stops(writer);
    assert_eq!(files("ledger/db"), before);
    assert_whole(&place, "moved");
    assert_whole(&place, "ledger");
}

#[test]
fn a_database_that_is_taken_away_under_its_writer_is_missed_at_once() {
    let (place, writer) = writing();
    fs::rename(place.path("ledger/db"), place.path("db")).unwrap();
    assert_stops(writer);
    fs::rename(place.path("db"), place.path("ledger/db")).unwrap();
    assert_whole(&place, "ledger");
    // Another one in its place is not written into.
    let (place, writer) = writing();
    fs::rename(place.path("ledger/db"), place.path("db")).unwrap();
    place.copy("db", "ledger/db");
    assert_stops(writer);
    // The file that leads to all others.
    let (place, mut writer) = writing();
    fs::rename(place.path("ledger/db/CURRENT"), place.path("CURRENT")).unwrap();
    let line = writer.append(9);
    assert!(line.contains("\"code\":\"store_corrupt\""), "{line}");
    writer.ends().ends_with(2);
    fs::rename(place.path("CURRENT"), place.path("ledger/db/CURRENT")).unwrap();
    assert_whole(&place, "ledger");
}

#[test]
fn a_ledger_that_is_removed_under_its_writer_is_missed_at_once() {
    let (place, writer) = writing();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    assert_stops(writer);
    // What is gone is gone, and a new beginning does not hide it.
    let run = place.run(&["--json", "init"]).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "exists");
    let args = ["init", "--reuse-key", "--key", "ledger.key.pem"];
    place
        .run(&[&["--ledger", "again"], &args[..]].concat())
        .ok();
    fs::rename(place.path("again"), place.path("ledger")).unwrap();
    let run = place.run(&["--json", "verify"]).ends_with(1);
    assert_eq!(fault(&run.document()).0, "mark_invalid");
}

/// What operators do with a ledger that is damaged.
#[test]
fn a_backup_in_the_place_of_a_ledger_that_was_moved_aside_goes_on() {
    let place = Place::initialised();
    place
        .run(&["append", "--kind", "k", "--payload", "{}"])
        .ok();
    place.run(&["backup", "copy"]).ok();
    fs::rename(place.path("ledger"), place.path("ledger.broken")).unwrap();
    fs::rename(place.path("copy/ledger"), place.path("ledger")).unwrap();
    let run = place
        .run(&["append", "--kind", "k", "--payload", "{}"])
        .ok();
    assert_eq!(
        (run.document()["seq"].as_u64(), &*run.stderr),
        (Some(2), "")
    );
    place.run(&["verify"]).ok();
}

/// What is recorded, the last of it, and where to go on.
#[test]
fn decisions_that_stop_say_where_to_go_on() {
    let place = Place::sealed();
    let line = |n: u64| {
        let input = json!({"capability_id": "cap.a", "env": "dev", "data_label": "PUBLIC",
            "tenant_risk": "low", "qos_class": "P2", "tenant_id": "t",
            "correlation_id": n.to_string()});
        json!({"id": n, "input": input, "rules": {"rules": []}})
    };
    let args = ["--json", "decide", "--record"];
    let mut command = place.command(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut decide = |text: String| -> Value {
        stdin.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    };
    let first = decide(format!("{}\n", line(1)));
    assert!(first["receipt"]["seq"].is_u64(), "{first}");
    // A blank line counts, and one that is none is answered and not recorded.
    let second = decide(format!("\n{}\n", line(2)));
    let last = second["receipt"]["seq"].as_u64().unwrap();
    assert!(decide("{}\n".to_owned())["error"].is_object());
    fs::rename(place.path("ledger"), place.path("moved")).unwrap();
    for n in [3, 4] {
        let denied = decide(format!("{}\n", line(n)));
        assert_eq!(denied["decision"]["denied"], true, "{denied}");
        assert_eq!(denied.get("receipt"), None, "{denied}");
    }
    drop(stdin);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said: Value = serde_json::from_str(&rest).unwrap();
    let recorded = format!("2 entries of this input are recorded, the last of them {last}");
    let detail = format!("not recorded: {MOVED}; {recorded}");
    let recorded = json!({"entries": 2, "last": last, "next": {"line": 4}, "not_recorded": []});
    let error = json!({"code": "ledger_moved", "detail": detail, "recorded": recorded});
    assert_eq!(said["error"], error);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let hint = format!(
        "sealbook: hint: name the ledger where it is now; look with `sealbook log --from-seq {}` \
         whether more is recorded, and if not, go on from line 4 of the input: what stands before \
         it would be recorded twice\n",
        last + 1
    );
    assert!(stderr.ends_with(&hint), "{stderr}");
}
