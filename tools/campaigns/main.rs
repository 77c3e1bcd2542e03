//! Campaigns against the ledger's promises: each tries what must not harm it, at
//! random from a seed or for every case there is, and says what it found.
//!
//! ```text
//! campaigns kill [--kills N] [--seed N]       SIGKILL at random instants
//! campaigns syscalls [--every N] [--call NAME] errors and SIGKILL at the n-th system call
//! campaigns outcomes [--every N]              the same at each write of what records an outcome
//! campaigns clocks                            the machine's clock set back and forth
//! campaigns everyday [--hours N] [--seed N]   what operators do in 24 simulated hours
//! campaigns growth [--appends N | --restarts N] one entry a process, or a server each time, with 256 open files
//! campaigns hands [--entries N] [--seed N]     one serves, others append through its socket, killed at random
//! campaigns stress [--seconds N] [--seed N]   64 writers, 16 readers, sealing, exporting, verifying
//! campaigns bucket [--seconds N] [--machines N] [--lose N] [--folder 1] [--seed N]
//!                                             several writers over one bucket
//! campaigns publish [--kills N] [--seed N]    SIGKILL at any point of publishing
//! campaigns seals [--every N] [--seed N]     SIGKILL at each write of `seal` and `erase`
//! campaigns soak [--minutes N | --seconds N]  mixed load at half the greatest rate
//! ```
//! The program that is tried is the one beside this one in its build, the place
//! a folder in memory, or in the one that `CAMPAIGN_DIR` names. Exit status 1 if
//! anything was found, 2 if nothing could be tried.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a campaign that cannot go on ends"
)]

mod book;
#[cfg(feature = "bucket")]
mod bucket;
#[path = "../bench-serve/client.rs"]
mod client;
mod clocks;
mod endpoints;
mod everyday;
mod growth;
mod hands;
mod kill;
mod place;
mod producers;
mod publishing;
mod random;
mod sealing;
mod served;
mod soak;
mod stress;
mod syscalls;
mod tally;
mod traced;
mod victims;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let campaign = std::env::args().nth(1).unwrap_or_default();
    let seed = argument("--seed", 1);
    let found = match campaign.as_str() {
        "kill" => kill::run(&program(), argument("--kills", 1_000), seed, true),
        "syscalls" => {
            let sample = syscalls::Sample {
                every: argument("--every", 1),
                seed,
                call: text("--call"),
            };
            syscalls::run(&program(), &sample, true)
        }
        "outcomes" => {
            let sample = syscalls::Sample {
                every: argument("--every", 1),
                seed,
                call: None,
            };
            producers::run(&program(), &sample, true).and_then(|mut tally| {
                tally.join(endpoints::run(&program(), &sample, true)?);
                Ok(tally)
            })
        }
        "seals" => {
            let sample = syscalls::Sample {
                every: argument("--every", 1),
                seed,
                call: text("--call"),
            };
            sealing::run(&program(), &sample, true)
        }
        "clocks" => clocks::run(&program()),
        "everyday" => {
            let hours = argument("--hours", 24);
            everyday::run(&program(), &everyday::Plan { hours, seed })
        }
        "growth" => match argument("--restarts", 0) {
            0 => growth::run(&program(), argument("--appends", 100_000), true),
            restarts => growth::restarts(&program(), restarts, true),
        },
        "hands" => hands::run(&program(), argument("--entries", 100_000), seed, true),
        "publish" => publishing::run(&program(), argument("--kills", 200), seed, true),
        "stress" => stress::run(&stress::Load::full(argument("--seconds", 60), seed)),
        #[cfg(feature = "bucket")]
        "bucket" => {
            let plan = bucket::Plan {
                machines: argument("--machines", 3),
                seconds: argument("--seconds", 60),
                lose: argument("--lose", 0),
                folder: argument("--folder", 0) > 0,
                seed,
            };
            bucket::run(&program(), &plan)
        }
        "soak" => {
            let minutes = argument("--minutes", 20);
            soak::run(&program(), argument("--seconds", minutes * 60))
        }
        _ => {
            println!(
                "campaigns kill|syscalls|outcomes|clocks|growth|everyday|hands|publish|stress|bucket|seals|soak, see tools/campaigns/main.rs"
            );
            return ExitCode::from(2);
        }
    };
    match found {
        Ok(tally) => {
            println!("{campaign}: {tally}");
            ExitCode::from(u8::from(!tally.findings().is_empty()))
        }
        Err(why) => {
            println!("{campaign}: could not be tried: {why}");
            ExitCode::from(2)
        }
    }
}

/// The program: two folders above an example is where it was built.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join("sealbook");
    assert!(program.exists(), "{} is not built", program.display());
    program
}

fn argument(name: &str, default: u64) -> u64 {
    text(name).map_or(default, |text| text.parse().expect("a number"))
}

fn text(name: &str) -> Option<String> {
    std::env::args().skip_while(|arg| arg != name).nth(1)
}
