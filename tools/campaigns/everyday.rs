//! What operators do in a day, in 24 simulated hours from the ledger that version
//! 0.1.0 left behind: events appended by cron and by several at once, servers
//! started, loaded and stopped or killed, seals, evidence taken while a server
//! runs, outputs and disks without room, clocks that are set, copies and links,
//! backups, lines that come again. Few files may be open, and little memory used.
//!
//! After each step the ledger verifies, has every entry that was acknowledged, and
//! nothing is left beside it that was not there before. Every exit status is one
//! that the step may have.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::book::Book;
use super::client::Client;
use super::clocks::library;
use super::place::{Place, Ran, copy, remove};
use super::random::Random;
use super::tally::Tally;

/// Files that may be open, and KiB that may be resident.
const OPEN_FILES: u64 = 256;
const MOST_RESIDENT: u64 = 512 << 10;

/// Files that the database may have.
const MOST_FILES: usize = 100;

const LEDGER: &str = "ledger";

/// What may lie in the folder between two steps.
const KEPT: [&str; 8] = [
    LEDGER,
    "ledger.lock",
    "ledger.mark",
    "ledger.mark.lock",
    "ledger.sock",
    "ledger.receipts",
    "ledger.public",
    "key.pem",
];

pub(crate) struct Plan {
    pub(crate) hours: u64,
    pub(crate) seed: u64,
}

struct Day {
    place: Place,
    book: Book,
    random: Random,
    tally: Tally,
    /// The library that answers for the clock.
    clock: PathBuf,
    /// Seconds since the day began.
    now: u64,
    requests: u64,
}

type Step = fn(&mut Day);

/// What is done besides appending, hour by hour.
const STEPS: [(&str, Step); 12] = [
    ("seal", Day::seal),
    ("serve", Day::serve),
    ("evidence", Day::evidence),
    ("several at once", Day::several_at_once),
    ("kill", Day::kill),
    ("no room for output", Day::output_full),
    ("no room for the database", Day::disk_full),
    ("a clock that is set", Day::clock_step),
    ("a copy", Day::copied),
    ("a link", Day::linked),
    ("backup", Day::backup),
    ("lines that come again", Day::again),
];

pub(crate) fn run(program: &Path, plan: &Plan) -> Result<Tally, String> {
    let clock = library().ok_or("libfaketime is not here (package faketime)")?;
    let place = Place::new(program);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledgers/v0.1.0");
    fs::create_dir(place.path(LEDGER)).unwrap();
    copy(&kept.join(LEDGER), &place.path(LEDGER));
    for (from, to) in [
        ("ledger.mark", "ledger.mark"),
        ("throwaway-key.pem", "key.pem"),
        ("receipts.jsonl", "ledger.receipts"),
        ("public.jsonl", "ledger.public"),
    ] {
        fs::copy(kept.join(from), place.path(to)).unwrap();
    }
    private(&place.path("key.pem"));
    let mut book = Book::of(&place, LEDGER);
    // Those of the version before.
    book.acknowledged = 1;
    let mut day = Day {
        place,
        book,
        random: Random::new(plan.seed),
        tally: Tally::default(),
        clock,
        now: 0,
        requests: 0,
    };
    day.judge("upgrade");
    for hour in 0..plan.hours {
        day.hour(hour);
    }
    Ok(day.tally)
}

fn private(key: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Day {
    /// Four quarters with an event each, and one other thing.
    fn hour(&mut self, hour: u64) {
        let at = usize::try_from(hour).unwrap_or(0) % STEPS.len();
        let own = self.random.below(4);
        for quarter in 0..4 {
            self.now = hour * 3_600 + quarter * 900 + self.random.below(600);
            self.append(&format!("hour {hour}"));
            if quarter == own {
                let (name, step) = STEPS[at];
                self.now += 60;
                step(self);
                self.judge(&format!("hour {hour}, {name}"));
            }
        }
        self.judge(&format!("hour {hour}"));
        self.tally.count("hours");
    }

    /// The program at this time, with few files and its memory watched.
    fn command(&self, args: &[&str]) -> Command {
        self.command_at(self.now.cast_signed(), "", args)
    }

    fn command_at(&self, now: i64, limits: &str, args: &[&str]) -> Command {
        let script = format!("ulimit -n {OPEN_FILES}; {limits} exec \"$0\" \"$@\"");
        let program = self.place.program().to_string_lossy().into_owned();
        let own = ["-c", &script, &program];
        let mut command = self
            .place
            .command_of("bash".as_ref(), &[&own[..], args].concat());
        command
            .env("SEALBOOK_KEY", self.place.path("key.pem"))
            .env("LD_PRELOAD", &self.clock)
            .env("FAKETIME", format!("{now:+}"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&mut self, args: &[&str], allowed: &[i32]) -> Ran {
        let command = self.command(args);
        self.finish(command, args, "", allowed)
    }

    /// Runs it to its end. Any other status than those allowed is a finding.
    fn finish(&mut self, mut command: Command, args: &[&str], input: &str, allowed: &[i32]) -> Ran {
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            let _cut = stdin.write_all(input.as_bytes());
        }
        let ran = Ran::of(child.wait_with_output().unwrap());
        self.tally.count("commands");
        if !ran.status.is_some_and(|status| allowed.contains(&status)) {
            let text = format!(
                "{args:?} ended with {:?}: {}",
                ran.status,
                ran.stderr.trim()
            );
            self.tally.find(text);
        }
        ran
    }

    fn acknowledge(&mut self, ran: &Ran) {
        let receipts = ran.documents().into_iter();
        let receipts: Vec<_> = receipts.filter(|line| line["seq"].is_u64()).collect();
        self.book.acknowledge(&self.place, &receipts);
    }

    fn lines(&mut self, count: u64) -> String {
        let one = |day: &mut Day| {
            day.requests += 1;
            format!("{}\n", Book::entry(day.requests, 1, 200))
        };
        (0..count).map(|_| one(self)).collect()
    }

    /// As cron does.
    fn append(&mut self, _: &str) {
        self.requests += 1;
        let payload = format!(r#"{{"r":{},"of":1}}"#, self.requests);
        let args = ["append", "--kind", "cron", "--payload", &payload];
        let ran = self.run(&args, &[0]);
        self.acknowledge(&ran);
    }

    fn seal(&mut self) {
        self.run(&["seal", "--if-any", "--publish", "ledger.public"], &[0]);
        self.run(&["epochs"], &[0]);
    }

    fn evidence(&mut self) {
        let key = self.book.key.clone();
        for args in [
            &["export", "-o", "all.bundle.zst"][..],
            &["export", "--tenant", "t1", "--seal", "-o", "some.bundle"],
            &["prove", "1", "-o", "one.proof"],
        ] {
            self.run(args, &[0]);
        }
        for file in ["all.bundle.zst", "some.bundle", "one.proof"] {
            self.run(&["verify", file, "--key", &key], &[0]);
            remove(&self.place.path(file));
        }
        self.run(&["replay", "--correlation", "order-7"], &[0]);
        self.run(&["stats"], &[0]);
    }

    /// Each waits for the one before it.
    fn several_at_once(&mut self) {
        let mut children = Vec::new();
        for _ in 0..5 {
            let line = self.lines(1);
            let mut command = self.command(&["append", "--jsonl", "-"]);
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            let _cut = child.stdin.take().unwrap().write_all(line.as_bytes());
            children.push(child);
        }
        let mut recorded = 0;
        for child in children {
            let ran = Ran::of(child.wait_with_output().unwrap());
            self.acknowledge(&ran);
            recorded += u64::from(ran.status == Some(0));
            if ran.status != Some(0) {
                self.tally
                    .find(format!("at once: {:?} {}", ran.status, ran.stderr));
            }
        }
        self.tally.add("recorded by several at once", recorded);
    }

    fn kill(&mut self) {
        let lines = self.lines(400);
        let mut command = self.command(&["append", "--jsonl", "-"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feeding = std::thread::spawn(move || {
            let _cut = stdin.write_all(lines.as_bytes());
        });
        std::thread::sleep(self.random.within(Duration::from_millis(120)));
        child.kill().unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        feeding.join().unwrap();
        self.acknowledge(&ran);
        self.tally.count("kills");
    }

    /// All is recorded, and it is said that it was not told.
    fn output_full(&mut self) {
        let lines = self.lines(50);
        let before = self.book.entries();
        let args = ["append", "--jsonl", "-"];
        let mut command = self.command(&args);
        command.stdout(
            fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        );
        let ran = self.finish(command, &args, &lines, &[2]);
        if !ran.stderr.contains("output_lost") {
            self.tally
                .find(format!("output full: {}", ran.stderr.trim()));
        }
        self.judge("output full");
        if self.book.entries() < before + 50 {
            self.tally
                .find("output full: not all was recorded".to_owned());
        }
        let ran = self.run(&["export", "-o", "/dev/full/x"], &[2]);
        drop(ran);
    }

    /// No file may grow beyond a few KiB: as on a disk without room.
    fn disk_full(&mut self) {
        let lines = self.lines(400);
        let args = ["append", "--jsonl", "-"];
        let limits = "trap '' XFSZ; ulimit -f 16;";
        let command = self.command_at(self.now.cast_signed(), limits, &args);
        let ran = self.finish(command, &args, &lines, &[2]);
        self.acknowledge(&ran);
        self.judge("disk full");
        // There is room again.
        self.append("disk full");
    }

    /// Two hours back and on again: times in the ledger never go back.
    fn clock_step(&mut self) {
        let back = self.now.cast_signed() - 7_200;
        let args = ["append", "--kind", "cron", "--payload", "{}"];
        let command = self.command_at(back, "", &args);
        let ran = self.finish(command, &args, "", &[0]);
        self.acknowledge(&ran);
        self.judge("clock set back");
        self.append("clock set on");
        let entries = self.run(&["--json", "log", "--reverse", "--limit", "20"], &[0]);
        let entries = entries.documents();
        let times = entries.iter().filter_map(|entry| entry["ts"].as_str());
        let times: Vec<_> = times.map(|time| time.replace("+00:00", "")).collect();
        if !times.is_sorted_by(|newer, older| newer >= older) {
            self.tally.find("clock: time goes back".to_owned());
        }
        if !entries
            .iter()
            .any(|entry| entry["kind"] == "sealbook:clock")
        {
            self.tally.find("clock: it was not recorded".to_owned());
        }
    }

    /// A copy is read and compared, and signs nothing beside its original.
    fn copied(&mut self) {
        fs::create_dir(self.place.path("copy")).unwrap();
        copy(&self.place.path(LEDGER), &self.place.path("copy"));
        fs::copy(self.place.path("ledger.mark"), self.place.path("copy.mark")).unwrap();
        let key = self.book.key.clone();
        self.run(&["verify", "copy", "--key", &key], &[0]);
        self.run(&["diff", "copy", LEDGER, "--key", &key], &[0]);
        let append = [
            "--ledger",
            "copy",
            "append",
            "--kind",
            "k",
            "--payload",
            "{}",
        ];
        self.run(&append, &[2]);
        for name in self.place.names("copy") {
            remove(&self.place.path(&name));
        }
    }

    fn linked(&mut self) {
        symlink(LEDGER, self.place.path("link")).unwrap();
        self.requests += 1;
        let payload = format!(r#"{{"r":{},"of":1}}"#, self.requests);
        for args in [
            &[
                "--ledger",
                "link",
                "append",
                "--kind",
                "cron",
                "--payload",
                &payload,
            ][..],
            &["--ledger", "./ledger/", "seal", "--if-any"],
            &["--ledger", "link", "verify"],
        ] {
            let ran = self.run(args, &[0]);
            self.acknowledge(&ran);
        }
        for name in self.place.names("link") {
            remove(&self.place.path(&name));
        }
    }

    fn backup(&mut self) {
        let key = self.book.key.clone();
        self.run(&["backup", "saved"], &[0]);
        self.run(&["verify", "saved/ledger", "--key", &key], &[0]);
        remove(&self.place.path("saved"));
    }

    /// A run that was broken off, from its beginning.
    fn again(&mut self) {
        let lines: String = (1..=60)
            .map(|n| {
                self.requests += 1;
                let key = format!("{}-{n}", self.now);
                format!(
                    "{{\"kind\":\"note\",\"payload\":{{\"r\":{},\"of\":1}},\"idempotency_key\":\"{key}\"}}\n",
                    self.requests
                )
            })
            .collect();
        let args = ["append", "--jsonl", "-"];
        let half: String = lines.split_inclusive('\n').take(30).collect();
        for input in [half, lines] {
            let command = self.command(&args);
            let ran = self.finish(command, &args, &input, &[0]);
            self.acknowledge(&ran);
        }
    }

    /// A server that is asked and read beside, and stopped or killed.
    fn serve(&mut self) {
        let args = ["serve", "--port", "0", "--min-free", "0", "--rate", "0"];
        let mut child = self.command(&args).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let Some(address) = super::served::address(&mut log) else {
            let ended = child.wait().unwrap();
            return self.tally.find(format!("serve ended with {ended}"));
        };
        // A log that nobody reads would stop it.
        let reading = std::thread::spawn(move || {
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|read| read > 0) {
                line.clear();
            }
        });
        let mut client = Client::connect(address).unwrap();
        for _ in 0..40 {
            self.requests += 1;
            let body = Book::entry(self.requests, 1, 100);
            let key = format!("served-{}", self.requests);
            match client.post("/v1/entries", &key, &body) {
                Ok((201, answer)) => {
                    let receipt: Value = serde_json::from_slice(&answer).unwrap();
                    self.book.acknowledge(&self.place, &[receipt]);
                }
                other => self.tally.find(format!("served: {other:?}")),
            }
        }
        let key = self.book.key.clone();
        self.run(&["export", "-o", "beside.bundle"], &[0]);
        self.run(&["verify", "beside.bundle", "--key", &key], &[0]);
        remove(&self.place.path("beside.bundle"));
        self.run(&["log", "--reverse", "--limit", "5"], &[0]);
        self.resident(&child);
        let killed = self.random.below(2) == 0;
        self.end(child, killed);
        reading.join().unwrap();
        self.tally.count("servers");
    }

    /// How much memory it has taken at most.
    fn resident(&mut self, child: &Child) {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        match kib {
            Some(kib) if kib <= MOST_RESIDENT => {}
            other => self
                .tally
                .find(format!("served: {other:?} KiB were resident")),
        }
    }

    fn end(&mut self, mut child: Child, killed: bool) {
        if killed {
            child.kill().unwrap();
            child.wait().unwrap();
            return self.tally.count("kills");
        }
        let id = child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let ended = child.wait().unwrap();
        if !ended.success() {
            self.tally
                .find(format!("serve ended with {ended} when told to"));
        }
    }

    /// What must hold after each step.
    fn judge(&mut self, after: &str) {
        self.book.judge(&self.place, after, &mut self.tally);
        let mut names = self.place.names("");
        names.retain(|name| !KEPT.contains(&name.as_str()));
        if !names.is_empty() {
            self.tally.find(format!("{after}: left behind: {names:?}"));
        }
        let files = fs::read_dir(self.place.path("ledger/db")).unwrap().count();
        if files > MOST_FILES {
            self.tally
                .find(format!("{after}: the database has {files} files"));
        }
        self.tally.count("judgements");
    }
}
