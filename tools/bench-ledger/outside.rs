//! Signatures by an agent, of one caller and of several at once, beside those of the same
//! key in the process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use sealbook::ledger::key::Signer;
use sealbook::ledger::signed::PROBE;
use sealbook::logbook::key_file;
use sealbook::signers::open_agent;

use crate::{Fallible, say};

const SIGNATURES: usize = 20_000;

const CALLERS: usize = 8;

pub(crate) fn signatures(folder: &Path) -> Fallible<()> {
    let (key, socket) = (folder.join("agent.pem"), folder.join("agent.sock"));
    let here: Arc<dyn Signer> = Arc::new(key_file::create(&key)?);
    let program = std::env::current_exe()?;
    let program = program
        .ancestors()
        .nth(2)
        .ok_or("no folder")?
        .join("sealbook");
    let mut child = Command::new(program)
        .args(["agent", "--key"])
        .arg(&key)
        .arg("--listen")
        .arg(&socket)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let measured = (|| {
        let there: Arc<dyn Signer> = Arc::new(open_agent(&socket)?);
        say("signatures in the process", "/s", rate(&here, 1)?);
        say("signatures by an agent, verified", "/s", rate(&there, 1)?);
        let callers = format!("signatures by an agent, {CALLERS} callers");
        say(&callers, "/s", rate(&there, CALLERS)?);
        Ok(())
    })();
    child.kill()?;
    child.wait()?;
    measured
}

/// Signatures a second, of so many callers at once.
fn rate(signer: &Arc<dyn Signer>, callers: usize) -> Fallible<f64> {
    let begun = Instant::now();
    let threads: Vec<_> = (0..callers)
        .map(|_| {
            let signer = Arc::clone(signer);
            thread::spawn(move || (0..SIGNATURES / callers).all(|_| signer.sign(PROBE).is_ok()))
        })
        .collect();
    for thread in threads {
        if !thread.join().is_ok_and(|signed| signed) {
            return Err("a signature was not made".into());
        }
    }
    Ok(SIGNATURES as f64 / begun.elapsed().as_secs_f64())
}
