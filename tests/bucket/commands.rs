//! The commands with `--bucket`, over a folder.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a bucket, a key and machines.
pub(crate) struct Site {
    temp: TempDir,
    url: String,
    env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    pub(crate) fn new() -> Site {
        let fast = Path::new("/dev/shm");
        let temp = match fast.is_dir() {
            true => tempfile::tempdir_in(fast),
            false => tempfile::tempdir(),
        };
        let temp = temp.unwrap();
        let url = format!("file://{}/bucket", temp.path().display());
        Site {
            temp,
            url,
            env: Vec::new(),
        }
    }

    /// The same machines, with another bucket.
    pub(crate) fn at(url: String, env: Vec<(String, String)>) -> Site {
        Site {
            url,
            env,
            ..Site::new()
        }
    }

    /// With a log that machine `a` made.
    pub(crate) fn initialised() -> Site {
        let site = Site::new();
        site.init();
        site
    }

    pub(crate) fn init(&self) {
        self.run("a", &["init", "--key", "keys/log.pem"]).ok();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn command(&self, machine: &str, args: &[&str]) -> Command {
        fs::create_dir_all(self.path("keys")).unwrap();
        fs::create_dir_all(self.path(machine)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealbook"));
        command
            .args(args)
            .current_dir(self.temp.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("SEALBOOK_LEDGER", format!("{machine}/ledger"))
            .env("SEALBOOK_BUCKET", &self.url)
            .envs(self.env.iter().cloned());
        if args.first() != Some(&"init") {
            command.env("SEALBOOK_KEY", "keys/log.pem");
        }
        command
    }

    pub(crate) fn run(&self, machine: &str, args: &[&str]) -> Run {
        Run::of(self.command(machine, args).output().unwrap())
    }

    /// Whose log it is, as machine `a` says.
    pub(crate) fn genesis(&self) -> String {
        let head = self.run("a", &["head"]).ok().document();
        head["head"]["genesis"].as_str().unwrap().to_owned()
    }

    pub(crate) fn append(&self, machine: &str, n: u64) -> Value {
        let payload = format!("{{\"n\":{n}}}");
        self.append_with(machine, &payload, &[]).ok().document()
    }

    pub(crate) fn append_with(&self, machine: &str, payload: &str, more: &[&str]) -> Run {
        let append = ["append", "--kind", "note", "--payload", payload];
        self.run(machine, &[&append, more].concat())
    }

    /// The machine is gone, with all that was on it.
    pub(crate) fn lose(&self, machine: &str) {
        fs::remove_dir_all(self.path(machine)).unwrap();
    }
}

impl Run {
    pub(crate) fn of(output: Output) -> Run {
        Run {
            status: output.status.code().expect("it was killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn ok(self) -> Run {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(self.stdout.trim()).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// That it was refused with this code.
    pub(crate) fn refused(self, code: &str) -> Run {
        let document = self.document();
        assert_eq!(document["error"]["code"], code, "{self:?}");
        assert_eq!(self.status, 2, "{self:?}");
        self
    }
}

#[test]
fn a_machine_that_is_lost_is_made_again_from_the_bucket() {
    let site = Site::initialised();
    let receipts: Vec<_> = (0..4).map(|n| site.append("a", n)).collect();
    site.run("a", &["seal"]).ok();
    site.append("a", 4);
    let key = site.run("a", &["key"]).ok().stdout;
    site.lose("a");
    site.append_with("b", "{\"n\":5}", &["--accept-bucket-head"])
        .ok();
    let receipts: String = receipts.iter().map(|line| format!("{line}\n")).collect();
    fs::write(site.path("receipts"), receipts).unwrap();
    let verify = [
        "verify",
        "--receipts",
        "receipts",
        "--key",
        key.trim(),
        "--json",
    ];
    let report = site.run("b", &verify).ok().document();
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["entries"], 8);
    let log = site
        .run("b", &["log", "--kind", "sealbook:rollback", "--json"])
        .ok();
    assert!(log.stdout.contains("mark_missing"), "{log:?}");
    assert!(
        log.stdout
            .contains("the head that the bucket had was accepted"),
        "{log:?}"
    );
    // From now on it has a mark.
    site.append("b", 6);
}

#[test]
fn a_new_machine_needs_a_head_that_was_kept_or_its_operators_word() {
    let site = Site::initialised();
    site.append("a", 0);
    let head = site.run("a", &["head"]).ok().stdout;
    fs::write(site.path("kept.head"), &head).unwrap();
    site.append("a", 1);
    let kept = site.run("a", &["head"]).ok().stdout;
    fs::write(site.path("later.head"), &kept).unwrap();
    let log = only_folder(&site.path("bucket/log"));
    let objects = || fs::read_dir(log.join("wal/1")).unwrap().count();
    let before = objects();
    site.append_with("b", "{}", &["--json"])
        .refused("head_unknown");
    assert_eq!(objects(), before, "something was signed");
    let verified = site.run("c", &["verify", "--json"]).ok().document();
    assert!(
        verified["not_checked"]
            .as_array()
            .unwrap()
            .contains(&"truncation".into())
    );
    site.append_with("b", "{\"n\":2}", &["--bucket-head", "kept.head"])
        .ok();
    site.append("b", 3);
}

#[test]
fn a_bucket_that_was_put_back_is_named_by_a_head_that_was_kept() {
    let site = Site::initialised();
    site.append("a", 0);
    let older = site.path("older");
    copy(&site.path("bucket"), &older);
    site.append("a", 1);
    let head = site.run("a", &["head"]).ok().stdout;
    fs::write(site.path("kept.head"), head).unwrap();
    fs::remove_dir_all(site.path("bucket")).unwrap();
    fs::rename(&older, site.path("bucket")).unwrap();
    site.append_with("a", "{}", &["--json"])
        .refused("rollback_detected");
    let given = ["--bucket-head", "kept.head", "--json"];
    site.append_with("b", "{}", &given)
        .refused("rollback_detected");
}

#[test]
fn a_ledger_in_a_bucket_is_not_written_without_it() {
    let site = Site::initialised();
    let mut command = site.command("a", &["seal", "--json"]);
    let run = Run::of(command.env_remove("SEALBOOK_BUCKET").output().unwrap());
    let run = run.refused("bucket_mismatch");
    assert!(run.stderr.contains(site.url()), "{run:?}");
    // And one that is not in a bucket is not put into one by mistake.
    let mut command = site.command("b", &["init"]);
    Run::of(command.env_remove("SEALBOOK_BUCKET").output().unwrap()).ok();
    let mut command = site.command("b", &["seal", "--json"]);
    command.env_remove("SEALBOOK_KEY");
    Run::of(command.output().unwrap()).refused("bucket_mismatch");
}

#[test]
fn the_key_of_a_ledger_in_a_bucket_lies_elsewhere_unless_it_is_said() {
    let site = Site::new();
    site.run("a", &["init", "--json"]).refused("key_beside");
    let beside = ["init", "--json", "--key", "a/own.pem"];
    site.run("a", &beside).refused("key_beside");
    assert!(!site.path("a/own.pem").exists());
    site.run("a", &["init", "--key-beside"]).ok();
}

#[test]
fn several_logs_in_one_bucket_are_named_by_their_genesis() {
    let site = Site::initialised();
    let made = site.run("other", &["init", "--key", "keys/other.pem", "--json"]);
    let genesis = made.ok().document()["genesis"].as_str().unwrap().to_owned();
    let run = site.run("b", &["append", "--kind", "k", "--payload", "{}", "--json"]);
    let run = run.refused("usage");
    assert!(run.stderr.contains("2 logs lie in"), "{run:?}");
    let url = format!("{}/log/{genesis}", site.url());
    let mut command = site.command("b", &["verify", "--json"]);
    command
        .env("SEALBOOK_BUCKET", url)
        .env("SEALBOOK_KEY", "keys/other.pem");
    assert_eq!(
        Run::of(command.output().unwrap()).ok().document()["entries"],
        1
    );
    // A machine that has its cache knows its log.
    site.append("a", 0);
}

#[test]
fn export_and_prove_read_what_another_machine_wrote() {
    let site = Site::initialised();
    site.append("a", 0);
    site.run("a", &["seal"]).ok();
    let bundle = site.path("out.bundle");
    site.run("b", &["export", "-o", bundle.to_str().unwrap()])
        .ok();
    let key = site.run("b", &["key"]).ok().stdout;
    let verify = [
        "verify",
        bundle.to_str().unwrap(),
        "--key",
        key.trim(),
        "--json",
    ];
    let report = site.run("b", &verify);
    assert_eq!(report.ok().document()["entries"], 2);
    site.append("a", 1);
    site.run("a", &["seal"]).ok();
    // An older cache is brought up first.
    let log = site.run("b", &["log", "--json"]).ok();
    assert_eq!(log.stdout.lines().count(), 3, "{log:?}");
}

#[test]
fn a_url_that_names_no_bucket_is_refused_with_what_is_wrong() {
    let site = Site::new();
    for (url, says) in [
        ("bucket", "a bucket is s3://BUCKET"),
        ("s3://", "the name of the bucket is missing"),
        (
            "s3://user:secret@bucket",
            "credentials and options belong into the environment",
        ),
        (
            "file://relative",
            "a folder is file:/// and its path from the root",
        ),
        ("s3://b/../c", "do not stand in a bucket's path"),
        ("s3://b/log/12", "64 hex digits"),
    ] {
        let run = site.run("a", &["bucket", "check", url]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains(says), "{url}: {run:?}");
    }
}

#[test]
fn a_folder_passes_the_check() {
    let site = Site::new();
    let run = site.run("a", &["bucket", "check", site.url(), "--json"]);
    let passed = run.ok().document();
    assert_eq!(
        (&passed["keys"], &passed["connections"]),
        (&64.into(), &8.into())
    );
    assert_eq!(passed["retention"]["asked"], false);
}

pub(crate) fn only_folder(path: &Path) -> PathBuf {
    let mut folders = fs::read_dir(path).unwrap();
    folders.next().unwrap().unwrap().path()
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        match file.path().is_dir() {
            true => copy(&file.path(), &target),
            false => drop(fs::copy(file.path(), target).unwrap()),
        }
    }
}

/// A server, and where it listens.
#[allow(clippy::zombie_processes, reason = "who asks for one waits for it")]
pub(crate) fn serve(site: &Site, machine: &str, more: &[&str]) -> (Child, String) {
    let args = [&["serve", "--port", "0", "--min-free", "0"], more].concat();
    let mut command = site.command(machine, &args);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
        let said: Value = serde_json::from_str(&line).unwrap();
        if said["message"] == "serving" {
            // Whatever it says from now on is read by nobody, and does not block it.
            thread::spawn(move || io::copy(&mut log, &mut io::sink()));
            return (child, said["address"].as_str().unwrap().to_owned());
        }
    }
}

/// The body of an answer.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn post(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "POST /v1/entries HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_that_was_taken_over_says_so_and_ends_with_2() {
    let site = Site::initialised();
    let (mut child, address) = serve(&site, "a", &[]);
    let entry = r#"{"kind":"note","payload":{"n":0}}"#;
    let answer = post(&address, entry);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // Who reads beside it does not wait for it.
    let begun = Instant::now();
    let beside = site.run("a", &["log", "--kind", "note", "--json"]).ok();
    assert_eq!(beside.stdout.lines().count(), 1);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let given = ["--accept-bucket-head"];
    site.append_with("b", "{\"n\":1}", &given).ok();
    let answer = post(&address, entry);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\"fenced\""), "{answer}");
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let log = site.run("b", &["log", "--kind", "note", "--json"]).ok();
    assert_eq!(log.stdout.lines().count(), 2, "{log:?}");
}
