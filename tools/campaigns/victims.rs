//! What is killed in the middle of its work, and what must hold of what it
//! leaves.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::book::Book;
use super::kill::{Campaign, Victim};
use super::place::{Place, codes, remove};

/// Entries of the log that is imported from.
const FOREIGN: u64 = 400;

/// A log whose evidence is imported.
pub(crate) fn make_foreign(place: &Place) {
    place.must(&["--ledger", "foreign", "init"]);
    let lines: String = (0..FOREIGN)
        .map(|n| Book::entry(n, 1, n % 50) + "\n")
        .collect();
    let args = ["--ledger", "foreign", "append", "--jsonl", "-"];
    assert_eq!(place.run_with(&args, &lines).status, Some(0));
    place.must(&["--ledger", "foreign", "seal"]);
}

/// `append --jsonl -`: its receipts on standard output are what was
/// acknowledged.
pub(crate) fn append(campaign: &mut Campaign, after: &str) -> bool {
    let ledger = campaign.book.ledger.clone();
    let mut command = campaign
        .place
        .command(&["--ledger", &ledger, "append", "--jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut random = campaign.random.fork();
    let first = campaign.requests + 1;
    // One in four ends its input, and is killed while it closes, or not at all.
    let most = match random.below(4) {
        0 => random.below(400),
        _ => u64::MAX,
    };
    let (killed, sent, receipts) = std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut sent = 0;
            while sent < most {
                let large = random.below(3) == 0;
                let burst = 1 + random.below(if large { 400 } else { 4 });
                let mut lines = String::new();
                for _ in 0..burst.min(most - sent) {
                    lines.push_str(&Book::entry(first + sent, 1, random.below(2_000)));
                    lines.push('\n');
                    sent += 1;
                }
                // A book must not grow beyond what can be looked at each time.
                if stdin.write_all(lines.as_bytes()).is_err() || sent > 1_500 {
                    break;
                }
                std::thread::sleep(random.within(Duration::from_millis(3)));
            }
            sent
        });
        let reader = scope.spawn(move || receipts(stdout));
        let killed = campaign.kill_in_time(Victim::Append, child);
        (killed, writer.join().unwrap(), reader.join().unwrap())
    });
    campaign.requests += sent;
    campaign.book.acknowledge(&campaign.place, &receipts);
    campaign.judge(after);
    let there = |n: &u64| campaign.book.holds(*n);
    let kept = (first..first + sent).take_while(there).count() as u64;
    if let Some(hole) = (first + kept..first + sent).find(there) {
        let finding = format!("{after}: line {hole} is there, {} is not", first + kept);
        campaign.tally.find(finding);
    }
    if kept < receipts.len() as u64 {
        let finding = format!("{after}: {} receipts, {kept} entries", receipts.len());
        campaign.tally.find(finding);
    }
    !killed.too_late
}

/// Whole lines only: one that was cut off tells nobody anything.
fn receipts(stdout: impl std::io::Read) -> Vec<Value> {
    let mut reader = BufReader::new(stdout);
    let mut found = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().read_until(b'\n', &mut line);
        if !read.is_ok_and(|read| read > 0) || !line.ends_with(b"\n") {
            return found;
        }
        found.push(serde_json::from_slice(&line).unwrap());
    }
}

/// `seal --publish`: the header it prints is sealed.
pub(crate) fn seal(campaign: &mut Campaign, after: &str) -> bool {
    let count = 1 + campaign.random.below(60);
    campaign.append_whole(count);
    let (ledger, public) = (campaign.book.ledger.clone(), campaign.book.published());
    let args = ["--ledger", &ledger, "seal", "--publish", &public];
    let killed = campaign.kill(Victim::Seal, &args);
    let printed = killed.ran.document();
    campaign.judge(after);
    let epochs = campaign
        .place
        .run(&["--json", "--ledger", &ledger, "epochs"])
        .documents();
    if !printed.is_null()
        && !epochs
            .iter()
            .any(|epoch| epoch["epoch"] == printed["epoch"])
    {
        campaign
            .tally
            .find(format!("{after}: a header was printed and is not there"));
    }
    // Anyone who seals next publishes what is missing.
    let args = [
        "--ledger",
        &ledger,
        "seal",
        "--if-any",
        "--publish",
        &public,
    ];
    let ran = campaign.place.run(&args);
    if ran.status != Some(0) {
        campaign
            .tally
            .find(format!("{after}: sealing again: {}", ran.stderr));
    }
    !killed.too_late
}

/// `export`: nothing that is not whole passes for whole.
pub(crate) fn export(campaign: &mut Campaign, after: &str) -> bool {
    let (ledger, key) = (campaign.book.ledger.clone(), campaign.book.key.clone());
    let entries = campaign.judge(after) + 1;
    campaign
        .book
        .judge(&campaign.place, after, &mut campaign.tally);
    let head = campaign.book.head.clone();
    let (target, format) = *campaign.random.one_of(&[
        ("out.bundle", "bundle"),
        ("out.bundle.zst", "bundle"),
        ("out.jsonl", "logbook"),
    ]);
    let args = [
        "--ledger", &ledger, "export", "--format", format, "-o", target,
    ];
    let killed = campaign.kill(Victim::Export, &args);
    let left = campaign.place.names(".export-");
    for name in left.iter().map(String::as_str).chain([target]) {
        if !campaign.place.path(name).exists() {
            continue;
        }
        let mut args = vec!["--json", "verify", name, "--as", format, "--key", &key];
        args.extend(["--expect-head", &head]);
        let report = campaign.place.run(&args).document();
        let passes = report["verdict"] == "pass";
        if passes && report["entries"] != entries {
            let finding = format!(
                "{after}: {name} passes with {} of {entries}",
                report["entries"]
            );
            campaign.tally.find(finding);
        }
        if !passes && name == target {
            let finding = format!("{after}: {target} does not pass: {:?}", codes(&report));
            campaign.tally.find(finding);
        }
        campaign.tally.count(match (name == target, passes) {
            (true, _) => "exports that were whole",
            (false, true) => "leftovers that were whole",
            (false, false) => "leftovers that do not pass",
        });
        remove(&campaign.place.path(name));
    }
    campaign.judge(after);
    !killed.too_late
}

/// `import`: taken in whole or not at all, and recorded once.
pub(crate) fn import(campaign: &mut Campaign, after: &str) -> bool {
    let ledger = campaign.book.ledger.clone();
    let last = campaign.random.below(FOREIGN).to_string();
    let format = *campaign.random.one_of(&["bundle", "logbook"]);
    let place = &campaign.place;
    let args = ["--ledger", "foreign", "export", "--format", format];
    place.must(&[&args[..], &["--until-seq", &last, "-o", "offered"]].concat());
    let key = place.must(&["--ledger", "foreign", "key"]).stdout;
    let args = [
        "--json",
        "--ledger",
        &ledger,
        "import",
        "offered",
        "--key",
        key.trim(),
    ];
    let args = [&args[..], &["--as", format]].concat();
    let killed = campaign.kill(Victim::Import, &args);
    let acknowledged = killed.ran.document();
    campaign.judge(after);
    let again = campaign.place.run(&args);
    let outcome = again.document()["outcome"].clone();
    let expected = match acknowledged["outcome"].as_str() {
        Some("imported" | "known") => ["known"].as_slice(),
        _ => &["imported", "known"],
    };
    if !expected.iter().any(|word| outcome == *word) {
        campaign
            .tally
            .find(format!("{after}: {outcome} where {expected:?} is due"));
    }
    let listed = ["--json", "--ledger", &ledger, "import", "--list"];
    let listed = campaign.place.run(&listed).documents();
    let digests: BTreeSet<_> = listed.iter().map(|row| row["digest"].to_string()).collect();
    let recorded = [
        "--json",
        "--ledger",
        &ledger,
        "log",
        "--kind",
        "sealbook:import",
    ];
    let recorded = campaign.place.run(&recorded).documents().len();
    if recorded != listed.len() || recorded != digests.len() {
        campaign.tally.find(format!(
            "{after}: {recorded} records of {} imports",
            listed.len()
        ));
    }
    for name in campaign.place.names(".sealbook-import-") {
        remove(&campaign.place.path(&name));
    }
    !killed.too_late
}

/// `rotate`: the old book is whole, and the same command goes on to the new one.
pub(crate) fn rotate(campaign: &mut Campaign, after: &str) -> bool {
    let old = campaign.book.ledger.clone();
    let new = format!("book{}", campaign.books + 1);
    let args = ["--json", "--ledger", &old, "rotate", &new];
    let killed = campaign.kill(Victim::Rotate, &args);
    let closed = killed.ran.document();
    let mut again = campaign.place.run(&args);
    if again.document()["error"]["code"] == "exists" || again.stderr.contains("exists") {
        // A key that was made and has closed nothing yet.
        campaign
            .tally
            .count("rotations gone on with by --reuse-key");
        again = campaign.place.run(&[&args[..], &["--reuse-key"]].concat());
    }
    if again.status != Some(0) {
        campaign.tally.find(format!(
            "{after}: it cannot be gone on with: {}",
            again.stderr
        ));
        return !killed.too_late;
    }
    campaign
        .book
        .judge(&campaign.place, after, &mut campaign.tally);
    let rotated = again.document();
    if !closed.is_null() && closed["genesis"] != rotated["genesis"] {
        campaign.tally.find(format!("{after}: continued twice"));
    }
    campaign
        .tally
        .add("entries acknowledged", campaign.book.acknowledged);
    if rotated["predecessor"]["hash"] != campaign.book.head.as_str() {
        campaign.tally.find(format!(
            "{after}: the new book does not name the old one's end"
        ));
    }
    campaign.books += 1;
    campaign.unanswered.clear();
    campaign.book = Book::of(&campaign.place, &new);
    campaign.append_whole(100);
    campaign.judge(after);
    for name in [".key.pem", ".mark", ".receipts", ".public", ""] {
        remove(&campaign.place.path(&format!("{old}{name}")));
    }
    !killed.too_late
}

/// `backup`: the copy is whole, or there is none.
pub(crate) fn backup(campaign: &mut Campaign, after: &str) -> bool {
    let (ledger, key) = (campaign.book.ledger.clone(), campaign.book.key.clone());
    let entries = campaign.judge(after) + 1;
    let args = ["--ledger", &ledger, "backup", "copy"];
    let killed = campaign.kill(Victim::Backup, &args);
    let left = campaign.place.names(".copy.backup-");
    for name in left.iter().map(String::as_str).chain(["copy"]) {
        if !campaign.place.path(name).exists() {
            continue;
        }
        let copy = format!("{name}/ledger");
        let ran = campaign
            .place
            .run(&["--json", "verify", &copy, "--key", &key]);
        let report = ran.document();
        let passes = report["verdict"] == "pass";
        if passes && report["entries"] != entries {
            let finding = format!(
                "{after}: {copy} passes with {} of {entries}",
                report["entries"]
            );
            campaign.tally.find(finding);
        }
        if !passes && name == "copy" {
            campaign
                .tally
                .find(format!("{after}: the copy fails: {:?}", codes(&report)));
        }
        campaign.tally.count(match (name == "copy", passes) {
            (true, _) => "backups that were whole",
            (false, true) => "leftovers that were whole",
            (false, false) => "leftovers that do not pass",
        });
        remove(&campaign.place.path(name));
    }
    campaign.judge(after);
    !killed.too_late
}
