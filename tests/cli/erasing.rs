//! A process that is killed at any of its writes while it erases: the erasure is whole, or
//! it was not begun.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::place::Place;
use crate::skipped::skipped;

const SECRET: &str = "q7Zp2LxVw9KdT4mRyB8sHc1NfJ6gUa3E";

/// What writes, or makes what was written last.
const CALLS: [&str; 6] = [
    "write",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "ftruncate",
];

/// At which of the calls that a thread makes: close together where there are few, and
/// wider where there are many.
const NTH: [usize; 9] = [1, 2, 3, 4, 6, 9, 13, 19, 28];

/// A ledger whose entry 1 has what is erased, in a table and in the log.
fn place() -> Place {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let payload = format!(r#"{{"email":"{SECRET}","tenant_id":"acme"}}"#);
    let append = ["append", "--kind", "order", "--payload", &payload];
    let redactable = ["--redactable", "/email"];
    place.run(&[&append[..], &redactable].concat()).ok();
    place
}

/// Whether it was killed.
fn erase_killed_at(place: &Place, call: &str, nth: usize) -> bool {
    let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
    let mut command = place.command_of(
        Path::new("strace"),
        &[
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &inject,
        ],
    );
    command
        .arg(env!("CARGO_BIN_EXE_sealbook"))
        .args([
            "erase",
            "1",
            "--pointer",
            "/email",
            "--reason",
            "asked for",
            "--yes",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status().unwrap();
    match (status.signal(), status.code()) {
        (Some(9), _) | (_, Some(137)) => true,
        (None, Some(0)) => false,
        other => panic!("{call} {nth}: {other:?}"),
    }
}

fn holds(place: &Place) -> bool {
    let files = fs::read_dir(place.path("ledger/db")).unwrap();
    files.into_iter().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes())
    })
}

#[test]
fn an_erasure_that_is_killed_at_any_write_is_whole_or_not_begun() {
    let have = Command::new("strace").arg("-V").output();
    if !have.is_ok_and(|output| output.status.success()) {
        return skipped("there is no strace");
    }
    let (mut begun, mut not_begun) = (0, 0);
    for call in CALLS {
        for nth in NTH {
            let place = place();
            assert!(holds(&place));
            if !erase_killed_at(&place, call, nth) {
                break;
            }
            let at = format!("{call} {nth}");
            let verified = place.run(&["--json", "verify"]).ok().document();
            assert_eq!(verified["verdict"], "pass", "{at}");
            // The next who writes ends what was begun.
            let next = ["append", "--kind", "note", "--payload", "{}"];
            place.run(&next).ok();
            let shown = place.run(&["--json", "show", "1"]).ok().document();
            // Where there is none, that is not success.
            let log = place.run(&["--json", "log", "--kind", "sealbook:erasure"]);
            let erasures = log.stdout.matches("\"asked for\"").count();
            let state = shown["redacted"][0]["state"].as_str().unwrap().to_owned();
            match state.as_str() {
                "kept" => {
                    assert_eq!(shown["redacted"][0]["value"], Value::from(SECRET), "{at}");
                    assert_eq!((erasures, holds(&place)), (0, true), "{at}");
                    not_begun += 1;
                }
                "erased" => {
                    assert_eq!((erasures, holds(&place)), (1, false), "{at}");
                    begun += 1;
                }
                other => panic!("{at}: {other}"),
            }
            place.run(&["verify"]).ok();
        }
    }
    // Kills on both sides of the commit point, or nothing was shown.
    assert!(begun >= 5 && not_begun >= 5, "{begun} {not_begun}");
}
