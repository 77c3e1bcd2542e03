//! SIGKILL at every write of `seal` and of `erase` on a log with an index: each write, sync,
//! renaming and removal of each file, by the thread that makes it. Entries and index agree
//! afterwards, the command can be given again, a case is complete, and an erasure is whole
//! or not begun.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::place::{Place, codes, copy, remove};
use super::random::Random;
use super::syscalls::Sample;
use super::tally::Tally;
use super::traced::{Call, is_possible, trace, trace_only};

/// What changes a file, or makes a change last.
const WRITES: [&str; 15] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "fsync",
    "fdatasync",
    "fallocate",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "link",
    "linkat",
];

/// What a case begins with, beside the key.
const BEFORE: &str = "before";

/// What is restored.
const STATE: [&str; 2] = ["ledger", "ledger.mark"];

const SECRET: &str = "q7Zp2LxVw9KdT4mRyB8sHc1NfJ6gUa3E";

/// Entries before the command: the opening, and two for each epoch and for the open one.
const ENTRIES: u64 = 9;

/// Epochs that are sealed before: the next seal merges what the index has of four.
const EPOCHS: u64 = 3;

/// A command that is killed.
struct Victim {
    name: &'static str,
    args: &'static [&'static str],
    judge: fn(&mut Judge<'_>),
}

const VICTIMS: [Victim; 2] = [
    Victim {
        name: "seal",
        args: &["seal"],
        judge: |judge| judge.sealed(),
    },
    Victim {
        name: "erase",
        args: &[
            "erase",
            "1",
            "--pointer",
            "/email",
            "--reason",
            "asked for",
            "--yes",
        ],
        judge: |judge| judge.erased(),
    },
];

/// A write: which call, of which file, and the how many-th of its thread.
type At = (String, String, usize);

/// Kills at one of so many writes; at every one that is of the log or of the mark.
pub(crate) fn run(program: &Path, sample: &Sample, loud: bool) -> Result<Tally, String> {
    is_possible()?;
    let [seal, erase] = VICTIMS;
    let of = |victim: Victim| {
        let tally = victim.run(program, sample);
        if loud {
            eprintln!("seals: {}: {tally}", victim.name);
        }
        tally
    };
    let (mut tally, erased) = rayon::join(|| of(seal), || of(erase));
    tally.join(erased);
    Ok(tally)
}

impl Victim {
    fn run(&self, program: &Path, sample: &Sample) -> Tally {
        let place = prepared(program);
        begin(&place);
        let whole = trace(&place, None, self.args, "");
        assert_eq!(whole.ran.status, Some(0), "{}: {:?}", self.name, whole.ran);
        let mut random = Random::new(sample.seed);
        let mut tally = Tally::default();
        for (call, file, nth) in writes(&whole.calls, &place) {
            let always = file.ends_with(".log") || file.contains(".mark");
            let meant = sample.call.as_ref().is_none_or(|only| *only == call);
            if !meant || !(always || random.below(sample.every) == 0) {
                continue;
            }
            begin(&place);
            let fault = format!("{call}:signal=SIGKILL:when={nth}");
            let traced = trace_only(&place, Some(&fault), Some(&file), self.args, "");
            tally.count("cases");
            if traced.signal == Some(9) {
                tally.count("killed");
            }
            let mut judge = Judge {
                place: &place,
                case: format!("{}: {call} {nth} of {file}", self.name),
                tally: &mut tally,
            };
            if traced.hung {
                judge.find("it hangs");
            }
            (self.judge)(&mut judge);
        }
        tally
    }
}

/// A log with an index: entries of two cases, and one with a member that can be erased.
fn prepared(program: &Path) -> Place {
    let place = Place::new(program);
    place.must(&["init"]);
    for epoch in 0..=EPOCHS {
        for case in 0..2 {
            let payload =
                format!(r#"{{"correlation_id":"order-{case}","email":"{SECRET}-{epoch}-{case}"}}"#);
            let append = ["append", "--kind", "order", "--payload", &payload];
            place.must(&[&append[..], &["--redactable", "/email"]].concat());
        }
        if epoch < EPOCHS {
            place.must(&["seal"]);
        }
    }
    fs::create_dir(place.path(BEFORE)).unwrap();
    for name in STATE {
        fs::rename(place.path(name), place.path(BEFORE).join(name)).unwrap();
    }
    place
}

/// The ledger as it was before, in the place where it was.
fn begin(place: &Place) {
    for name in STATE {
        remove(&place.path(name));
    }
    remove(&place.path(".ledger.mark.new"));
    copy(&place.path(BEFORE), place.dir());
}

/// Each write once, in order. A thread counts by itself, so that a number stands for the
/// first thread that comes to it.
fn writes(calls: &[Call], place: &Place) -> Vec<At> {
    let mut counts: HashMap<(&str, String, u32), usize> = HashMap::new();
    let (mut known, mut found) = (BTreeSet::new(), Vec::new());
    for call in calls {
        let (true, Some(file)) = (WRITES.contains(&&*call.name), call.file()) else {
            continue;
        };
        // What the database says of itself.
        if !call.is_in(place) || file.contains("/LOG") {
            continue;
        }
        let count = counts.entry((&call.name, file.clone(), call.thread()));
        let nth = count.or_default();
        *nth += 1;
        let at = (call.name.clone(), file, *nth);
        if known.insert(at.clone()) {
            found.push(at);
        }
    }
    found
}

struct Judge<'a> {
    place: &'a Place,
    case: String,
    tally: &'a mut Tally,
}

impl Judge<'_> {
    fn find(&mut self, what: &str) {
        self.tally.find(format!("{}: {what}", self.case));
    }

    /// The report of what has to verify.
    fn verify(&mut self, when: &str, args: &[&str]) -> Value {
        let args = [&["--json", "verify"], args].concat();
        let ran = self.place.run(&args);
        let report = ran.document();
        if ran.status != Some(0) {
            let found = codes(&report);
            self.find(&format!("{when} it fails: {found:?} {}", ran.stderr));
        }
        report
    }

    fn goes(&mut self, args: &[&str]) {
        let ran = self.place.run(args);
        if ran.status != Some(0) {
            self.find(&format!("{args:?} fails: {}", ran.stderr));
        }
    }

    fn is(&mut self, what: &str, found: &Value, expected: u64) {
        if *found != expected {
            self.find(&format!("{what}: {found}, and not {expected}"));
        }
    }

    fn sealed(&mut self) {
        let left = self.verify("as it was left", &[]);
        self.is("entries", &left["entries"], ENTRIES);
        match left["epochs"].as_u64() {
            Some(EPOCHS) => self.tally.count("seals not begun"),
            Some(epochs) if epochs == EPOCHS + 1 => self.tally.count("seals that are whole"),
            _ => self.find(&format!("epochs: {}", left["epochs"])),
        }
        self.goes(&["seal", "--if-any"]);
        self.goes_on(ENTRIES);
        self.tells_cases();
    }

    /// It is sealed, and verifies with its index.
    fn goes_on(&mut self, entries: u64) {
        let after = self.verify("after going on", &[]);
        self.is("entries", &after["entries"], entries);
        self.is("epochs", &after["epochs"], EPOCHS + 1);
        let unchecked = after["not_checked"].as_array();
        if unchecked.is_some_and(|all| all.contains(&Value::from("index"))) {
            self.find("its index was not checked");
        }
    }

    /// One case is complete, and another is not there.
    fn tells_cases(&mut self) {
        let key = self.place.run(&["key"]).stdout.trim().to_owned();
        for (command, case, entries) in
            [("export", "order-1", EPOCHS + 1), ("absent", "order-9", 0)]
        {
            let args = [command, "--correlation", case, "-o", "case", "--force"];
            self.goes(&args);
            let told = self.verify(command, &["case", "--key", &key]);
            self.is("of the case", &told["complete"]["entries"], entries);
            self.is("up to epoch", &told["complete"]["epoch"], EPOCHS);
        }
    }

    fn erased(&mut self) {
        self.verify("as it was left", &[]);
        // The next who writes ends what was begun.
        self.goes(&["append", "--kind", "note", "--payload", "{}"]);
        let shown = self.place.run(&["--json", "show", "1"]).document();
        let log = ["--json", "log", "--kind", "sealbook:erasure"];
        // Where there is none, that is an error and says so.
        let said = self.place.run(&log).stdout.matches("\"asked for\"").count();
        let kept = format!("{SECRET}-0-0");
        let holds = fs::read_dir(self.place.path("ledger/db"))
            .unwrap()
            .any(|file| {
                let bytes = fs::read(file.unwrap().path()).unwrap();
                bytes
                    .windows(kept.len())
                    .any(|part| part == kept.as_bytes())
            });
        let state = shown["redacted"][0]["state"].as_str().unwrap_or_default();
        let erasures = match (state, said, holds) {
            ("kept", 0, true) => {
                self.tally.count("erasures not begun");
                0
            }
            ("erased", 1, false) => {
                self.tally.count("erasures that are whole");
                1
            }
            other => return self.find(&format!("neither whole nor not begun: {other:?}")),
        };
        self.goes(&["seal"]);
        self.goes_on(ENTRIES + erasures + 1);
    }
}
