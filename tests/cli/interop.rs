//! The clients and witnesses of others (`tools/interop`), over a log of this program.

use std::path::Path;
use std::process::Command;

/// Entries of the log that they read: enough for two levels of tiles.
const ENTRIES: &str = "1500";

#[test]
fn clients_and_witnesses_of_others_take_a_log_of_ours() {
    if !crate::place::have("go", &["version"]) {
        return crate::skipped::skipped("there is no Go, so nobody else's client reads the log");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/interop/run");
    let mut command = Command::new(script);
    command.args(["-entries", ENTRIES]);
    command.env("SEALBOOK", env!("CARGO_BIN_EXE_sealbook"));
    // What cannot be had is said here, by the list of what may be missing.
    command.env_remove("SEALBOOK_REQUIRE_TOOLS");
    let run = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    if let Some(why) = said
        .lines()
        .find_map(|line| line.strip_prefix("interop: SKIPPED, "))
    {
        return crate::skipped::skipped(&format!("there is no Go program to ask: {why}"));
    }
    assert!(run.status.success(), "{said}");
}
