//! Disks that are full, and folders that may not be written.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{Place, Run, is_root};

/// A file system of a few megabytes, unmounted when dropped.
pub(crate) struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    pub(crate) fn mount(place: &Place, name: &str, size: &str) -> Option<SmallDisk> {
        let at = place.path(name);
        fs::create_dir(&at).unwrap();
        let options = format!("size={size}");
        let mount = || {
            let mut mount = Command::new("mount");
            mount
                .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
                .arg(&at);
            mount.output().is_ok_and(|output| output.status.success())
        };
        if is_root() && mount() {
            return Some(SmallDisk { at });
        }
        crate::skipped::skipped("only root may mount");
        None
    }

    /// Nothing is written there any more.
    pub(crate) fn make_read_only(&self) {
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-o", "remount,ro"]).arg(&self.at).status();
        assert!(mounted.unwrap().success());
    }

    /// Writes a file until there is no room left, and says where it is.
    fn fill(&self) -> PathBuf {
        let path = self.at.join("filling");
        let mut file = fs::File::create(&path).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.at).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

const FULL: &str = "No space left on device";

fn assert_full(run: &Run) {
    assert_eq!(run.status, 2, "{run:?}");
    let error = run.documents().pop().unwrap();
    assert_eq!(error["error"]["code"], "disk_full", "{run:?}");
    assert!(
        error["error"]["detail"].as_str().unwrap().contains(FULL),
        "{run:?}"
    );
}

#[test]
fn a_full_disk_is_named_and_what_was_acknowledged_is_kept() {
    let place = Place::empty();
    let Some(disk) = SmallDisk::mount(&place, "small", "24m") else {
        return;
    };
    let at = ["--json", "--ledger", "small/ledger", "--mark", "mark"];
    let sealbook = |args: &[&'static str]| [&at[..], args].concat();
    place.run(&sealbook(&["init", "--key", "key.pem"])).ok();
    // Small ones fit, and sooner or later a large one does not.
    let small = "{\"kind\":\"small\",\"payload\":{}}\n".repeat(3);
    let large = format!(
        "{{\"kind\":\"large\",\"payload\":{{\"x\":\"{}\"}}}}\n",
        "y".repeat(1 << 20)
    );
    let lines = small + &large.repeat(40);
    let run = place.run_with(&sealbook(&["append", "--jsonl", "-"]), &lines);
    assert_full(&run);
    let mut receipts = run.documents();
    let error = receipts.pop().unwrap();
    assert!(receipts.len() >= 3, "{}", receipts.len());
    // How to go on doubles nothing.
    let (entries, last) = (receipts.len(), receipts.last().unwrap()["seq"].as_u64());
    let recorded = &error["error"]["recorded"];
    assert_eq!(recorded["entries"], entries);
    assert_eq!(recorded["last"].as_u64(), last);
    assert_eq!(recorded["next"]["line"], entries + 1);
    let hint = format!(
        "sealbook: hint: make room on the disk; look with `sealbook log --from-seq {}` whether \
         more is recorded, and if not, go on from line {} of the input",
        last.unwrap() + 1,
        entries + 1
    );
    assert!(run.stderr.contains(&hint), "{run:?}");

    let filling = disk.fill();
    let append = sealbook(&["append", "--kind", "k", "--payload", "{}"]);
    assert_full(&place.run(&append));
    fs::remove_file(filling).unwrap();

    // What is left is read by a reader, who needs no room.
    let entries = place.run(&sealbook(&["log"])).ok().documents();
    assert!(entries.len() > receipts.len());
    for (receipt, entry) in receipts.iter().zip(&entries[1..]) {
        assert_eq!(receipt["signature"], entry["signature"]);
    }
    place.run(&sealbook(&["verify"])).ok();
}

/// Whatever little room there is, what is said is ours: the code, the cause, the remedy.
#[test]
fn a_disk_that_is_full_when_a_ledger_is_opened_is_told_in_our_own_words() {
    let place = Place::empty();
    let Some(disk) = SmallDisk::mount(&place, "small", "24m") else {
        return;
    };
    let at = ["--json", "--ledger", "small/ledger", "--mark", "mark"];
    let sealbook = |args: &[&'static str]| [&at[..], args].concat();
    place.run(&sealbook(&["init", "--key", "key.pem"])).ok();
    let append = ["append", "--kind", "k", "--payload", "{}"];
    place.run(&sealbook(&append)).ok();
    let mut refused = 0;
    for left in [
        0, 4, 16, 64, 128, 192, 256, 320, 384, 512, 768, 1_024, 1_536,
    ] {
        let filling = disk.fill();
        let file = fs::OpenOptions::new().write(true).open(&filling).unwrap();
        let full = file.metadata().unwrap().len();
        file.set_len(full.saturating_sub(left * 1_024)).unwrap();
        for args in [
            &append[..],
            &["seal"],
            &["publish", "--to", "public", "--name", "example.org/log"],
            &["serve", "--port", "0", "--min-free", "0"],
        ] {
            let args = sealbook(args);
            let program = env!("CARGO_BIN_EXE_sealbook");
            let bounded = [&["10", program], &args[..]].concat();
            let mut command = place.command_of(Path::new("timeout"), &bounded);
            let run = Run::of(&args, command.output().unwrap());
            // What the engine had set aside may have made room, and a server goes on.
            if [0, 124].contains(&run.status) {
                continue;
            }
            refused += 1;
            assert_full(&run);
            let told = &run.stderr;
            for word in ["IO error", "DB::Open", "OPTIONS-", "dbtmp"] {
                assert!(!told.contains(word), "{left} KiB left, {args:?}: {told}");
            }
            assert!(told.contains("hint: make room on the disk"), "{told}");
        }
        place.run(&sealbook(&["verify"])).ok();
        fs::remove_file(filling).unwrap();
    }
    assert!(refused >= 20, "{refused}");
    place.run(&sealbook(&append)).ok();
    place.run(&sealbook(&["verify"])).ok();
}

#[test]
fn a_full_disk_under_the_mark_is_named_and_the_ledger_goes_on_when_there_is_room() {
    let place = Place::empty();
    let Some(disk) = SmallDisk::mount(&place, "small", "1m") else {
        return;
    };
    let at = ["--json", "--mark", "small/mark"];
    let sealbook = |args: &[&'static str]| [&at[..], args].concat();
    place.run(&sealbook(&["init"])).ok();
    let filling = disk.fill();
    let append = sealbook(&["append", "--kind", "k", "--payload", "{}"]);
    assert_full(&place.run(&append));
    let run = place.run_with(
        &sealbook(&["append", "--jsonl", "-"]),
        "{\"kind\":\"k\",\"payload\":{}}\n",
    );
    assert_full(&run);
    fs::remove_file(filling).unwrap();
    place.run(&append).ok();
    place.run(&sealbook(&["seal"])).ok();
    place.run(&sealbook(&["verify"])).ok();
}

/// Takes every right to write from `dir` and what is in it.
fn set_mode(dir: &Path, dirs: u32, files: u32) {
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            set_mode(&path, dirs, files);
        } else {
            fs::set_permissions(&path, Permissions::from_mode(files)).unwrap();
        }
    }
    fs::set_permissions(dir, Permissions::from_mode(dirs)).unwrap();
}

/// Runs it as somebody who may only read. To root no mode means anything, so
/// there it runs as nobody.
fn run_as_reader(place: &Place, program: &Path, args: &[&str]) -> Run {
    let mut command = place.command_of(program, args);
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    Run::of(args, command.output().unwrap())
}

#[test]
fn a_ledger_that_may_only_be_read_is_verified_and_left_as_it_was() {
    let place = Place::with_tail();
    fs::set_permissions(place.dir(), Permissions::from_mode(0o755)).unwrap();
    // Nobody may not be allowed to where the program was built.
    let program = place.path("sealbook");
    fs::copy(env!("CARGO_BIN_EXE_sealbook"), &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(place.path("ledger.mark"), Permissions::from_mode(0o444)).unwrap();
    fs::remove_file(place.path("ledger.key.pem")).unwrap();
    set_mode(&place.path("ledger"), 0o555, 0o444);
    let before: Vec<_> = place
        .files("")
        .iter()
        .map(|f| fs::read(f).unwrap())
        .collect();

    for args in [
        &["verify"][..],
        &["log"],
        &["show", "8"],
        &["epochs"],
        &["head"],
        &["key"],
        &["prove", "2", "-o", "-"],
        &["export", "-o", "-", "--no-sign"],
    ] {
        let run = run_as_reader(&place, &program, args).ok();
        assert!(!run.stdout.is_empty(), "{run:?}");
    }
    let run = run_as_reader(
        &place,
        &program,
        &["--json", "append", "--kind", "k", "--payload", "{}"],
    );
    run.refused(
        "ledger_not_permitted",
        "this user may not use the ledger in ./ledger",
        "run it as the ledger's owner, or beside a server that `serve --socket-group` opens to this user's group",
    );

    let after: Vec<_> = place
        .files("")
        .iter()
        .map(|f| fs::read(f).unwrap())
        .collect();
    assert!(before == after, "something was written");
    set_mode(&place.path("ledger"), 0o755, 0o644);
}

#[test]
fn output_that_cannot_be_written_is_named_and_leaves_nothing() {
    let place = Place::sealed();
    let missing = "No such file or directory (os error 2)";
    for args in [
        &["--json", "head", "-o", "no/where"][..],
        &["--json", "prove", "1", "-o", "no/where"],
    ] {
        place
            .run(args)
            .refused("io", &format!("no/where: {missing}"), "");
    }
    let run = place
        .run(&["--json", "export", "-o", "no/where"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "io", "{run:?}");
    let Some(disk) = SmallDisk::mount(&place, "small", "64k") else {
        return;
    };
    disk.fill();
    for args in [
        &["--json", "export", "-o", "small/e"][..],
        &["--json", "export", "-o", "small/e", "--format", "logbook"],
    ] {
        assert_full(&place.run(args));
        let left = fs::read_dir(place.path("small")).unwrap().count();
        assert_eq!(left, 1, "what fills it");
    }
}

/// A server, asked over plain HTTP.
#[cfg(feature = "serve")]
pub(crate) struct Server {
    child: std::process::Child,
    address: String,
}

#[cfg(feature = "serve")]
impl Server {
    pub(crate) fn start(place: &Place, args: &[&str]) -> Server {
        let mut command = place.command(args);
        command.stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let serving = lines.find(|line| line.as_ref().unwrap().contains("serving"));
        let serving = serving.unwrap().unwrap();
        let at = serving.find("127.0.0.1:").unwrap();
        let port = |c: &char| c.is_ascii_digit() || matches!(c, '.' | ':');
        let address = serving[at..].chars().take_while(port).collect();
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address }
    }

    /// The status and body of an answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        let status = answer[9..12].parse().unwrap();
        (status, answer)
    }
}

#[cfg(feature = "serve")]
impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[cfg(feature = "serve")]
#[test]
fn a_server_whose_disk_was_full_goes_on_when_there_is_room() {
    let place = Place::empty();
    let Some(disk) = SmallDisk::mount(&place, "small", "48m") else {
        return;
    };
    place.run(&["--ledger", "small/ledger", "init"]).ok();
    let serve = [
        "--ledger",
        "small/ledger",
        "serve",
        "--port",
        "0",
        "--min-free",
        "0",
    ];
    let server = Server::start(&place, &serve);
    let large = "y".repeat(1 << 18);
    let append = |n: u64, text: &str| {
        let body = format!("{{\"kind\":\"k\",\"payload\":{{\"n\":{n},\"x\":\"{text}\"}}}}");
        server.ask("POST", "/v1/entries", &body)
    };
    assert_eq!(append(0, "").0, 201);
    for round in 0..3 {
        let filling = disk.fill();
        let (status, answer) = append(1, "");
        assert_eq!(status, 503, "{answer}");
        assert!(answer.contains("disk_full"), "{answer}");
        // Nor is it sealed.
        assert_eq!(server.ask("POST", "/v1/seal", "{}").0, 403);
        fs::remove_file(filling).unwrap();
        let (status, answer) = append(2 + round, &large);
        assert_eq!(status, 201, "{answer}");
        let (status, answer) = server.ask("GET", "/health", "");
        assert_eq!(status, 200, "{answer}");
    }
    drop(server);
    let at = ["--json", "--ledger", "small/ledger"];
    place.run(&[&at[..], &["verify"]].concat()).ok();
    let entries = place.run(&[&at[..], &["log", "--kind", "k"]].concat());
    assert_eq!(entries.ok().documents().len(), 4);
}

/// A system call that fails for want of room, of one file of a running process.
#[cfg(feature = "serve")]
struct Failing(std::process::Child);

#[cfg(feature = "serve")]
impl Failing {
    fn of(process: u32, file: &Path, calls: &str) -> Option<Failing> {
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-p", &process.to_string(), "-P"])
            .arg(file);
        strace.args(["-e", &format!("trace={calls}")]);
        strace.args(["-e", &format!("inject={calls}:error=ENOSPC")]);
        let mut child = strace.stderr(std::process::Stdio::piped()).spawn().ok()?;
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let attached = lines.any(|line| line.unwrap().contains("attached"));
        std::thread::spawn(move || lines.for_each(drop));
        let failing = Failing(child);
        attached.then_some(failing)
    }
}

#[cfg(feature = "serve")]
impl Drop for Failing {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The disk was full between the look at it and the write.
#[cfg(feature = "serve")]
#[test]
fn a_write_that_finds_no_room_stops_no_server() {
    for calls in ["write,pwrite64", "fdatasync,fsync"] {
        let place = Place::initialised();
        let serve = ["--dumpable", "serve", "--port", "0", "--min-free", "0"];
        let server = Server::start(&place, &serve);
        let append = |n: u64| {
            let body = format!("{{\"kind\":\"k\",\"payload\":{{\"n\":{n}}}}}");
            server.ask("POST", "/v1/entries", &body)
        };
        assert_eq!(append(0).0, 201);
        let logs = place.files("ledger/db");
        let mut logs: Vec<_> = logs
            .into_iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
            .collect();
        logs.sort();
        let log = logs.pop().unwrap();
        let Some(failing) = Failing::of(server.child.id(), &log, calls) else {
            return crate::skipped::skipped("without `strace` no system call can fail");
        };
        let (status, answer) = append(1);
        assert_eq!(status, 503, "{calls}: {answer}");
        assert!(answer.contains("disk_full"), "{calls}: {answer}");
        drop(failing);
        // The engine finds room by itself, and says no until then.
        let begun = std::time::Instant::now();
        let mut n = 2;
        let taken = loop {
            let (status, answer) = append(n);
            if status == 201 {
                break n;
            }
            assert_eq!(status, 503, "{calls}: {answer}");
            assert!(begun.elapsed().as_secs() < 60, "{calls}: {answer}");
            n += 1;
        };
        assert_eq!(append(taken + 1).0, 201);
        assert_eq!(server.ask("GET", "/health", "").0, 200);
        drop(server);
        place.run(&["--json", "verify"]).ok();
        let entries = place
            .run(&["--json", "log", "--kind", "k"])
            .ok()
            .documents();
        let told: Vec<_> = entries.iter().map(|e| e["payload"]["n"].as_u64()).collect();
        assert_eq!(told, [Some(0), Some(taken), Some(taken + 1)], "{calls}");
        // And it is opened again as it was.
        place
            .run(&["append", "--kind", "k", "--payload", "{}"])
            .ok();
        place.run(&["verify"]).ok();
    }
}

/// What the engine does behind the writes finds no room either.
#[test]
fn tables_that_could_not_be_written_out_stop_nothing_when_there_is_room() {
    use sealbook::store::{RocksStore, Store, StoreError};

    let place = Place::empty();
    let Some(disk) = SmallDisk::mount(&place, "small", "160m") else {
        return;
    };
    place.run(&["--ledger", "small/ledger", "init"]).ok();
    let store = RocksStore::open(&place.path("small/ledger")).unwrap();
    // Of bytes that do not compress, so that tables take as much room as the log did.
    let bytes = |n: u8| -> Vec<u8> {
        let mut state = u64::from(n) + 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        (0..1 << 17).flat_map(|_| next()).collect()
    };
    let row = |n: u8| vec![(vec![n; 8], bytes(n))];
    store.put_imported(&row(0)).unwrap();
    // The log has room that was set aside for it.
    let filling = disk.fill();
    let put = |n| store.put_imported(&row(n)).err().map(|error| (n, error));
    let (failed, error) = (1..=u8::MAX).find_map(put).unwrap();
    assert!(error.is_full(), "{error}");
    let room = store.check_room(1).unwrap_err();
    assert!(
        matches!(room, StoreError::NoRoom { needed, .. } if needed > 64 << 20),
        "{room}"
    );
    fs::remove_file(filling).unwrap();
    let begun = std::time::Instant::now();
    while let Err(error) = store.put_imported(&row(255)) {
        assert!(error.is_full() && begun.elapsed().as_secs() < 60, "{error}");
    }
    let is_kept = |store: &RocksStore| {
        for n in (0..failed).chain([255]) {
            let kept = store.imported(&[n; 8]).unwrap();
            assert!(kept == Some(bytes(n)), "{n} of {failed}");
        }
        assert_eq!(store.imported(&[failed; 8]).unwrap(), None);
    };
    is_kept(&store);
    store.close().unwrap();
    is_kept(&RocksStore::open(&place.path("small/ledger")).unwrap());
}

/// Where nobody reads, the server itself does, behind its work.
#[cfg(feature = "serve")]
#[test]
fn a_server_finds_damage_that_nobody_asks_for_and_records_no_more() {
    use sealbook::ledger::hash::Hash;

    let place = Place::initialised();
    let text = |n: u64| -> String {
        let piece = |at: u64| Hash::of(&[n.to_be_bytes(), at.to_be_bytes()].concat()).to_string();
        (0..8_192).map(piece).collect()
    };
    let lines: String = (0..56)
        .map(|n| format!("{{\"kind\":\"k\",\"payload\":{{\"x\":\"{}\"}}}}\n", text(n)))
        .collect();
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    place.run(&["seal"]).ok();
    let tables = place.files("ledger/db");
    let largest = tables
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "sst"))
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    // Beyond what the seal and the server read when they open it.
    let at = bytes.len() / 8 * 7;
    assert!(at > 24 << 20, "{at}");
    bytes[at] ^= 0x40;
    fs::write(&largest, bytes).unwrap();
    let server = Server::start(&place, &["serve", "--port", "0"]);
    let append = || server.ask("POST", "/v1/entries", "{\"kind\":\"k\",\"payload\":{}}");
    assert_eq!(append().0, 201);
    let begun = std::time::Instant::now();
    while server.ask("GET", "/health", "").0 == 200 {
        assert!(begun.elapsed().as_secs() < 60);
    }
    let (status, answer) = append();
    assert_eq!(status, 500, "{answer}");
    assert!(answer.contains("store_corrupt"), "{answer}");
    drop(server);
    let doctor = place.run(&["--json", "doctor"]).ends_with(1);
    assert_eq!(doctor.document()["findings"][0]["code"], "store_corrupt");
}

/// A tree of more terms than a verification holds in memory lies in a file.
#[test]
fn a_verification_without_room_for_its_files_has_no_verdict_and_says_what_to_do() {
    let place = Place::initialised();
    let line = |n| format!("{{\"kind\":\"note\",\"payload\":{{\"correlation_id\":\"c-{n}\"}}}}\n");
    let lines: String = (0..5_000).map(line).collect();
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    place.run(&["seal"]).ok();
    let verify = |args: &[&str], folder: &Path| {
        let mut command = place.command(args);
        command.env("TMPDIR", folder);
        Run::of(args, command.output().unwrap())
    };
    let hint = "sealbook: hint: make room there, or name another folder for temporary files \
                with TMPDIR, and run the command again: of the log itself this says nothing\n";
    let missing = place.path("missing");
    let run = verify(&["verify"], &missing).ends_with(2);
    let said = format!(
        "sealbook: error: a temporary file in {} could not be made, written or read: ",
        missing.display()
    );
    assert!(run.stderr.starts_with(&said), "{run:?}");
    assert!(run.stderr.ends_with(hint), "{run:?}");
    assert_eq!(run.stdout, "");
    let error = verify(&["--json", "verify"], &missing)
        .ends_with(2)
        .document();
    assert_eq!(error["error"]["code"], "io");
    if let Some(disk) = SmallDisk::mount(&place, "small", "64k") {
        let run = verify(&["--json", "verify"], &disk.at).ends_with(2);
        assert_eq!(run.document()["error"]["code"], "disk_full");
    }
    let folder = place.path("room");
    fs::create_dir(&folder).unwrap();
    verify(&["verify"], &folder).ok();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}
