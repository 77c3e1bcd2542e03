//! The socket as other users of the machine meet it: nobody's processes beside root's
//! server, and root's beside nobody's. The system says who they are.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::process::{Place, Process};
use crate::skipped::skipped;

/// The user and group of nobody.
const NOBODY: u32 = 65_534;

/// A group that nobody is in.
const OTHER: u32 = 65_533;

/// A place that everyone may look into, with a program that everyone may run. None,
/// loudly, where a test cannot become somebody else.
fn place() -> Option<Place> {
    let own = fs::metadata("/proc/self").map(|own| own.uid());
    if own.ok() != Some(0) {
        skipped("only root can run a process as another user");
        return None;
    }
    if !Command::new("setpriv")
        .arg("--version")
        .output()
        .is_ok_and(|it| it.status.success())
    {
        skipped("without `setpriv` no process can be run as another user");
        return None;
    }
    let place = Place::initialised();
    open(place.path(), 0o755);
    // Where the tests were built may be closed to others.
    let program = place.path().join("sealbook");
    fs::copy(env!("CARGO_BIN_EXE_sealbook"), &program).unwrap();
    open(&program, 0o755);
    fs::write(place.path().join("rules.json"), r#"{"rules": []}"#).unwrap();
    fs::create_dir(place.path().join("enrolled")).unwrap();
    Some(place)
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The program as nobody, in a group.
fn nobody(place: &Place, group: u32, args: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={NOBODY}"))
        .arg(format!("--regid={group}"))
        .arg("--clear-groups")
        .arg(place.path().join("sealbook"))
        .args(args)
        .current_dir(place.path())
        .env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn document(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn run(place: &Place, group: u32, args: &[&str]) -> Output {
    let all = [&["--json", "--ledger", "ledger"], args].concat();
    nobody(place, group, &all).output().unwrap()
}

/// How a refusal ended, and its code.
fn refusal(output: &Output) -> (Option<i32>, String) {
    let code = document(output)["error"]["code"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    (output.status.code(), code)
}

fn refused(code: &str) -> (Option<i32>, String) {
    (Some(2), code.to_owned())
}

const NOTE: [&str; 5] = ["append", "--kind", "note", "--payload", r#"{"n":1}"#];

fn notes(place: &Place) -> usize {
    let log = place.run(&["--json", "log", "--kind", "note"]);
    // With none of it the answer is no.
    let lines = String::from_utf8(log.stdout).unwrap().lines().count();
    if log.status.success() { lines } else { 0 }
}

fn hall(place: &Place, more: &[&str]) -> Process {
    let files = ["--rules", "rules.json", "--registry-dir", "enrolled"];
    place.serve(&[&files[..], more].concat())
}

#[test]
fn without_a_group_the_socket_is_for_root_and_the_servers_user_alone() {
    let Some(place) = place() else { return };
    // No server: the folder is its owner's.
    assert_eq!(
        refusal(&run(&place, NOBODY, &NOTE)),
        refused("ledger_not_permitted")
    );
    let said = String::from_utf8(run(&place, NOBODY, &NOTE).stderr).unwrap();
    assert!(
        said.contains("this user may not use the ledger in ledger"),
        "{said}"
    );
    assert!(said.contains("--socket-group"), "{said}");
    let server = hall(&place, &[]);
    let refused_there = run(&place, NOBODY, &NOTE);
    assert_eq!(
        refusal(&refused_there),
        refused("ledger_not_permitted"),
        "{refused_there:?}"
    );
    let said = String::from_utf8(refused_there.stderr).unwrap();
    assert!(
        said.contains("its socket ./ledger.sock is not for this user")
            || said.contains("ledger.sock is not for this user"),
        "{said}"
    );
    // A mode that somebody widened lets nobody in: the system names the caller.
    open(&place.path().join("ledger.sock"), 0o666);
    let widened = run(&place, NOBODY, &NOTE);
    assert_eq!(refusal(&widened), refused("server_gone"), "{widened:?}");
    server.end();
    assert_eq!(notes(&place), 0);
}

#[test]
fn a_group_appends_has_requests_routed_and_evidence_judged_and_nothing_else() {
    let Some(place) = place() else { return };
    let server = hall(&place, &["--socket-group", &NOBODY.to_string()]);
    let receipt = run(&place, NOBODY, &NOTE);
    assert!(receipt.status.success(), "{receipt:?}");
    assert_eq!(document(&receipt)["kind"], "note");
    // Other groups are as if there were none.
    assert_eq!(
        refusal(&run(&place, OTHER, &NOTE)),
        refused("ledger_not_permitted")
    );

    // The server decides, by its own rules, and names who asked.
    let denied = run(&place, NOBODY, &["route", "--capability", "cap.a"]);
    assert_eq!(denied.status.code(), Some(1), "{denied:?}");
    let seq = document(&denied)["receipt"]["seq"].to_string();
    let entry = document(&place.run(&["--json", "show", &seq]));
    let actor = &entry["payload"]["_actor"];
    assert_eq!(
        (&actor["via"], &actor["uid"]),
        (&json!("socket"), &json!(NOBODY)),
        "{entry}"
    );
    let own = run(
        &place,
        NOBODY,
        &["route", "--capability", "cap.a", "--rules", "rules.json"],
    );
    assert_eq!(refusal(&own), refused("usage"), "{own:?}");

    // Evidence is judged by the server, which sees it.
    assert!(place.run(&["package", "scaffold", "pkg"]).status.success());
    let chmod = Command::new("chmod")
        .args(["-R", "a+rX", "pkg"])
        .current_dir(place.path())
        .status();
    assert!(chmod.unwrap().success());
    let package = [
        "package",
        "verify",
        "pkg",
        "--worker-id",
        "org.a.b",
        "--worker-species-id",
        "wrk.a",
    ];
    let judged = run(&place, NOBODY, &package);
    assert_eq!(judged.status.code(), Some(1), "{judged:?}");
    assert_eq!(document(&judged)["verdict"], "denied");
    let entry = document(&place.run(&["--json", "log", "--kind", "wcp.attestation"]));
    assert_eq!(entry["payload"]["_actor"]["uid"], NOBODY, "{entry}");
    let manifest = run(&place, NOBODY, &["manifest", "verify", "none"]);
    assert_eq!(manifest.status.code(), Some(1), "{manifest:?}");
    let entry = document(&place.run(&["--json", "log", "--kind", "manifest.verify"]));
    assert_eq!(entry["payload"]["_actor"]["uid"], NOBODY, "{entry}");
    fs::write(
        place.path().join("record.json"),
        json!({"worker_id": "org.a.b",
        "worker_species_id": "wrk.a", "capabilities": [], "currently_implements": []})
        .to_string(),
    )
    .unwrap();
    let enrolled = run(&place, NOBODY, &["enroll", "record.json"]);
    assert!(enrolled.status.success(), "{enrolled:?}");
    let entry = document(&place.run(&["--json", "log", "--kind", "hall.enrolment"]));
    assert_eq!(entry["payload"]["_actor"]["uid"], NOBODY, "{entry}");

    // What somebody found out himself is not taken, nor is more.
    for args in [
        &["seal"][..],
        &["head"],
        &["prove", "1", "-o", "-"],
        &["export", "-o", "-"],
    ] {
        let none = run(&place, NOBODY, args);
        assert_eq!(
            refusal(&none),
            refused("scope_missing"),
            "{args:?} {none:?}"
        );
    }
    let decided = run(&place, NOBODY, &["decide", "--record", "rules.json"]);
    assert_eq!(refusal(&decided), refused("evidence_needed"), "{decided:?}");
    server.end();
    assert_eq!(notes(&place), 1);
    assert!(place.run(&["verify"]).status.success());
}

/// A key of one user is not another's: what is his stays his.
#[test]
fn an_idempotency_key_is_each_users_own() {
    let Some(place) = place() else { return };
    let server = hall(&place, &["--socket-group", &NOBODY.to_string()]);
    let line = |n: u64| {
        format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}},\"idempotency_key\":\"k\"}}\n")
    };
    fs::write(place.path().join("one"), line(1)).unwrap();
    fs::write(place.path().join("two"), line(2)).unwrap();
    let seq = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        document(&output)["seq"].clone()
    };
    let roots = seq(place.run(&["append", "--jsonl", "one"]));
    let nobodys = seq(run(&place, NOBODY, &["append", "--jsonl", "two"]));
    assert_ne!(roots, nobodys);
    assert_eq!(
        seq(run(&place, NOBODY, &["append", "--jsonl", "two"])),
        nobodys
    );
    assert_eq!(seq(place.run(&["append", "--jsonl", "one"])), roots);
    server.end();
    assert_eq!(notes(&place), 2);
}

#[test]
fn a_socket_of_another_user_is_not_believed_and_not_replaced() {
    let Some(place) = place() else { return };
    // Nobody's ledger, and nobody's server.
    let home = place.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let made = nobody(&place, NOBODY, &["init", "--ledger", "home/theirs"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let args = [
        "serve",
        "--port",
        "0",
        "--min-free",
        "0",
        "--ledger",
        "home/theirs",
    ];
    let server = Process::of(nobody(&place, NOBODY, &args));
    let socket = home.join("theirs.sock");
    assert_eq!(fs::metadata(&socket).unwrap().uid(), NOBODY);
    // Root may do there whatever nobody may.
    let root = place.run(&[
        "--json",
        "--ledger",
        "home/theirs",
        "append",
        "--kind",
        "note",
        "--payload",
        "{}",
    ]);
    assert!(root.status.success(), "{root:?}");
    // But for root's own ledger it is somebody's socket: what it says is not believed.
    let held = hall(&place, &["--no-socket"]);
    let foreign = place.run(
        &[
            &["--json", "--no-wait", "--socket", "home/theirs.sock"][..],
            &NOTE,
        ]
        .concat(),
    );
    assert_eq!(refusal(&foreign), refused("socket_foreign"), "{foreign:?}");
    held.end();
    // And no server takes its place.
    let taken = place.run(&[
        "--json",
        "serve",
        "--port",
        "0",
        "--socket",
        "home/theirs.sock",
    ]);
    assert_eq!(refusal(&taken), refused("cannot_listen"), "{taken:?}");
    assert!(socket.exists());
    server.end();
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let Some(place) = place() else { return };
    let home = place.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let made = nobody(&place, NOBODY, &["init", "--ledger", "home/theirs"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let serve = |socket: &str| {
        let args = [
            "--json",
            "serve",
            "--port",
            "0",
            "--ledger",
            "home/theirs",
            "--socket",
            socket,
        ];
        nobody(&place, NOBODY, &args).output().unwrap()
    };
    // The place above is root's.
    let refused_there = serve("s");
    assert_eq!(
        refusal(&refused_there),
        refused("cannot_listen"),
        "{refused_there:?}"
    );
    let said = String::from_utf8(refused_there.stderr).unwrap();
    assert!(
        said.contains(" s") && said.contains("--socket PATH"),
        "{said}"
    );
    // An export, an init and a recorded outcome there leave nothing behind.
    let count = || {
        let log = nobody(
            &place,
            NOBODY,
            &["--json", "--ledger", "home/theirs", "log"],
        )
        .output()
        .unwrap();
        String::from_utf8(log.stdout).unwrap().lines().count()
    };
    let before = count();
    for args in [
        &["export", "-o", "e"][..],
        &["export", "-o", "case", "--books", "home/theirs"],
    ] {
        let all = [&["--json", "--ledger", "home/theirs"], args].concat();
        let refused = nobody(&place, NOBODY, &all).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert_eq!(refusal(&refused).1, "io", "{refused:?}");
    }
    let init = nobody(&place, NOBODY, &["--json", "--ledger", "new", "init"])
        .output()
        .unwrap();
    assert_eq!(init.status.code(), Some(2), "{init:?}");
    let left: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            name.starts_with('.') || name.starts_with("new") || name == "e" || name == "case"
        })
        .collect();
    assert_eq!(left, [""; 0]);
    assert_eq!(count(), before);
}
