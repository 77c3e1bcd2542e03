//! One entry a process, over and over, with 256 open files: the database has few
//! files at all times, and the time of an append does not grow.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::place::{Place, Ran};
use super::tally::Tally;

/// Files that a process may have open.
const OPEN_FILES: u64 = 256;

/// Files that a database may have.
const MOST_FILES: usize = 100;

/// Appends whose median time is compared.
const COMPARED: usize = 100;

pub(crate) fn run(program: &Path, appends: u64, loud: bool) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let place = Place::new(program);
    place.must(&["init"]);
    let (mut times, mut most) = (Vec::new(), 0);
    for number in 0..appends {
        let begun = Instant::now();
        let ran = append(&place, program, number);
        times.push(begun.elapsed());
        if ran.status != Some(0) {
            tally.find(format!("append {number}: {}", ran.stderr));
            break;
        }
        tally.count("appends");
        let files = std::fs::read_dir(place.path("ledger/db")).unwrap().count();
        if files > MOST_FILES && files > most {
            tally.find(format!("after append {number}: {files} files"));
        }
        most = most.max(files);
        if loud && number % 1_000 == 999 {
            eprintln!("growth: {} appends, at most {most} files", number + 1);
        }
    }
    let last = times.len().saturating_sub(COMPARED);
    let (before, after) = (
        median(&times[..times.len().min(COMPARED)]),
        median(&times[last..]),
    );
    eprintln!("growth: one append took {before:?} at first and {after:?} at last");
    if after > before * 2 {
        tally.find(format!(
            "one append took {before:?} at first, and {after:?} at last"
        ));
    }
    if place.run(&["verify"]).status != Some(0) {
        tally.find("it does not verify".to_owned());
    }
    Ok(tally)
}

/// Of a process that may open few files, whatever this one may.
fn append(place: &Place, program: &Path, number: u64) -> Ran {
    let payload =
        format!("{{\"correlation_id\":\"c-{number}\",\"n\":{number},\"tenant_id\":\"t\"}}");
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("ulimit -n {OPEN_FILES} && exec \"$@\""),
            "sh",
        ])
        .arg(program)
        .args(["append", "--kind", "k", "--payload", &payload])
        .current_dir(place.dir());
    Ran::of(command.output().unwrap())
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
