//! A folder to run the program in, and what a run of it gave.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use sealbook::ledger::json::Object;
use sealbook::logbook::clock::SystemClock;
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::{Logbook, Parts, key_file};
use sealbook::store::RocksStore;
use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, with the ledger in its default place.
pub(crate) struct Place {
    temp: TempDir,
}

impl Place {
    pub(crate) fn empty() -> Place {
        // Every command syncs: a file system in memory does that at once.
        let fast = Path::new("/dev/shm");
        let temp = if fast.is_dir() {
            tempfile::tempdir_in(fast)
        } else {
            tempfile::tempdir()
        };
        Place {
            temp: temp.unwrap(),
        }
    }

    pub(crate) fn initialised() -> Place {
        let place = Place::empty();
        place.run(&["init", "--origin", "test"]).ok();
        place
    }

    /// Entries 0 to 5 in a sealed epoch.
    pub(crate) fn sealed() -> Place {
        Place::sealed_of("2")
    }

    /// The same in a log of this version.
    pub(crate) fn sealed_of(version: &str) -> Place {
        let place = Place::empty();
        place
            .run(&["init", "--origin", "test", "--format-version", version])
            .ok();
        place.append(1..6);
        place.run(&["seal"]).ok();
        place
    }

    /// The same, and entries 6 to 8 that are not sealed.
    pub(crate) fn with_tail() -> Place {
        let place = Place::sealed();
        place.append(6..9);
        place
    }

    /// What a power cut leaves: entries 6 to 8, and the seal before the last of
    /// them, are in the write-ahead log and nowhere else. The mark names 8.
    pub(crate) fn after_power_cut() -> Place {
        let place = Place::sealed();
        let dir = place.path("ledger");
        let signer = key_file::open(&place.path("ledger.key.pem")).unwrap();
        let logbook = Logbook::open(Parts {
            store: Arc::new(RocksStore::open(&dir).unwrap()),
            signer: Arc::new(signer),
            clock: Arc::new(SystemClock::new()),
            mark: MarkFile::beside(&dir),
        });
        let logbook = logbook.unwrap();
        for n in 6..9_u64 {
            if n == 8 {
                logbook.seal().unwrap().unwrap();
            }
            let mut payload = Object::new();
            payload.insert("n", n);
            logbook.append("note", &payload).unwrap();
        }
        place.copy("ledger", "cut");
        logbook.close().unwrap();
        fs::remove_dir_all(&dir).unwrap();
        fs::rename(place.path("cut"), dir).unwrap();
        place
    }

    pub(crate) fn dir(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, in this place and with nothing of the caller's settings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_sealbook")), args)
    }

    pub(crate) fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(args, self.command(args).output().unwrap())
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may have ended before it read everything.
        let _cut = stdin.write_all(input.as_bytes());
        drop(stdin);
        Run::of(args, child.wait_with_output().unwrap())
    }

    /// Appends a note for each number.
    pub(crate) fn append(&self, numbers: impl Iterator<Item = u64>) -> Vec<Value> {
        let line = |n| format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}\n");
        let lines: String = numbers.map(line).collect();
        self.run_with(&["append", "--jsonl", "-"], &lines)
            .ok()
            .documents()
    }

    /// The ledger's public key in hex.
    pub(crate) fn key(&self) -> String {
        self.run(&["key"]).ok().stdout.trim().to_owned()
    }

    /// How many entries the ledger has.
    pub(crate) fn count(&self) -> usize {
        self.run(&["--json", "log"]).ok().documents().len()
    }

    /// Copies the ledger's folder as it lies there.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        copy(&self.path(from), &self.path(to));
    }

    /// Copies a folder from elsewhere.
    pub(crate) fn copy_from(&self, from: &Path, to: &str) {
        copy(from, &self.path(to));
    }

    /// Works while the ledger is not in its place, as on another machine: there a copy
    /// is not known for one.
    pub(crate) fn without_original<T>(&self, work: impl FnOnce() -> T) -> T {
        fs::rename(self.path("ledger"), self.path("away")).unwrap();
        let done = work();
        fs::rename(self.path("away"), self.path("ledger")).unwrap();
        done
    }

    /// The database's files whose names end so.
    pub(crate) fn files(&self, ending: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(self.path("ledger/db")).unwrap();
        let mut found: Vec<_> = all
            .map(|file| file.unwrap().path())
            .filter(|path| path.to_str().unwrap().contains(ending))
            .collect();
        found.sort();
        assert!(!found.is_empty(), "no {ending}");
        found
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    args: Vec<String>,
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(args: &[&str], output: Output) -> Run {
        Run {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            status: output.status.code().expect("it was killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn ok(self) -> Run {
        self.ends_with(0)
    }

    pub(crate) fn ends_with(self, status: i32) -> Run {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The JSON documents on stdout, one a line.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let documents: Vec<Value> = self.stdout.lines().map(parse).collect();
        crate::schemas::hold(&self.args, &documents);
        documents
    }

    /// The one JSON document on stdout.
    pub(crate) fn document(&self) -> Value {
        let mut documents = self.documents();
        assert_eq!(documents.len(), 1, "{self:?}");
        documents.remove(0)
    }

    /// That this was refused for this reason: as JSON on stdout, in words on
    /// stderr, with the hint if there is one.
    pub(crate) fn refused(&self, code: &str, detail: &str, hint: &str) {
        self.refused_with(2, code, detail, hint);
    }

    pub(crate) fn refused_with(&self, status: i32, code: &str, detail: &str, hint: &str) {
        assert_eq!(self.status, status, "{self:?}");
        if self.args.iter().any(|arg| arg == "--json") {
            let last = self.documents().pop().expect("no JSON");
            let expected = serde_json::json!({"error": {"code": code, "detail": detail}});
            assert_eq!(last, expected);
        }
        let mut expected = format!("sealbook: error: {detail}\n");
        if !hint.is_empty() {
            expected.push_str(&format!("sealbook: hint: {hint}\n"));
        }
        assert_eq!(self.stderr, expected);
    }
}

/// Runs it both ways: for programs and for people.
pub(crate) fn refused_both_ways(
    place: &Place,
    args: &[&str],
    code: &str,
    detail: &str,
    hint: &str,
) {
    let run = place.run(args);
    run.refused(code, detail, hint);
    assert_eq!(run.stdout, "");
    let json = [&["--json"], args].concat();
    place.run(&json).refused(code, detail, hint);
}

/// The one fault of a report, with its code and detail.
pub(crate) fn fault(report: &Value) -> (&str, &str) {
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{report:#}");
    let text = |name: &str| faults[0][name].as_str().unwrap();
    (text("code"), text("detail"))
}

/// The codes of all faults of a report.
pub(crate) fn codes(report: &Value) -> Vec<&str> {
    let faults = report["faults"].as_array().unwrap();
    faults.iter().map(|f| f["code"].as_str().unwrap()).collect()
}

/// Whether this test runs as the user who may do everything.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Whether a program that is not ours is there.
pub(crate) fn have(program: &str, args: &[&str]) -> bool {
    let quiet = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}
