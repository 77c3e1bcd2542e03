//! The campaigns of `tools/campaigns`, in short: they go on for as long as they
//! are told to, and here for seconds.
#![allow(dead_code, reason = "the program uses more of it")]

#[path = "../../tools/campaigns/book.rs"]
mod book;
#[path = "../../tools/bench-serve/client.rs"]
mod client;
#[path = "../../tools/campaigns/clocks.rs"]
mod clocks;
#[path = "../../tools/campaigns/endpoints.rs"]
mod endpoints;
#[path = "../../tools/campaigns/everyday.rs"]
mod everyday;
#[path = "../../tools/campaigns/growth.rs"]
mod growth;
#[path = "../../tools/campaigns/hands.rs"]
mod hands;
#[path = "../../tools/campaigns/kill.rs"]
mod kill;
#[path = "../../tools/campaigns/place.rs"]
mod place;
#[path = "../../tools/campaigns/producers.rs"]
mod producers;
#[path = "../../tools/campaigns/publishing.rs"]
mod publishing;
#[path = "../../tools/campaigns/random.rs"]
mod random;
#[path = "../../tools/campaigns/sealing.rs"]
mod sealing;
#[path = "../../tools/campaigns/served.rs"]
mod served;
#[path = "../../tools/campaigns/stress.rs"]
mod stress;
#[path = "../../tools/campaigns/syscalls.rs"]
mod syscalls;
#[path = "../../tools/campaigns/tally.rs"]
mod tally;
#[path = "../../tools/campaigns/traced.rs"]
mod traced;
#[path = "../../tools/campaigns/victims.rs"]
mod victims;

use std::path::Path;
use std::time::Duration;

use tally::Tally;

const NOTHING: &[String] = &[];

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sealbook"))
}

/// What was found; nothing where nothing could be tried.
fn found(tried: Result<Tally, String>) -> Option<Tally> {
    tried.inspect_err(|why| crate::skipped::skipped(why)).ok()
}

#[cfg(feature = "serve")]
#[test]
fn processes_that_are_killed_lose_nothing_that_they_acknowledged() {
    let Some(tally) = found(kill::run(program(), 16, 11, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert!(tally.of("kills") >= 16);
}

#[cfg(feature = "serve")]
#[test]
fn what_is_appended_through_the_socket_is_there_once_whoever_is_killed() {
    let Some(tally) = found(hands::run(program(), 1_500, 7, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert!(tally.of("entries acknowledged") >= 1_500, "{tally}");
}

#[test]
fn publishing_that_is_killed_anywhere_is_completed_and_names_only_what_is_there() {
    let Some(tally) = found(publishing::run(program(), 15, 3, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert!(tally.of("kills") >= 15, "{tally}");
    assert!(tally.of("completed") >= 3, "{tally}");
}

#[test]
fn a_hundred_processes_that_append_one_entry_each_leave_few_files() {
    let Some(tally) = found(growth::run(program(), 100, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert_eq!(tally.of("appends"), 100);
    #[cfg(feature = "serve")]
    {
        let Some(tally) = found(growth::restarts(program(), 20, false)) else {
            return;
        };
        assert_eq!(tally.findings(), NOTHING, "{tally}");
        assert_eq!(tally.of("restarts"), 20);
    }
}

#[test]
fn system_calls_that_fail_are_named_and_lose_nothing() {
    let sample = syscalls::Sample {
        every: 300,
        seed: 3,
        call: None,
    };
    let Some(tally) = found(syscalls::run(program(), &sample, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
}

#[test]
fn a_seal_and_an_erasure_that_are_killed_at_a_write_are_whole_or_not_begun() {
    let sample = syscalls::Sample {
        every: 48,
        seed: 5,
        call: None,
    };
    let Some(tally) = found(sealing::run(program(), &sample, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    // Kills on both sides of each commit point, or nothing was shown.
    for what in [
        "seals not begun",
        "seals that are whole",
        "erasures not begun",
        "erasures that are whole",
    ] {
        assert!(tally.of(what) >= 3, "{tally}");
    }
    assert!(tally.of("killed") * 4 >= tally.of("cases") * 3, "{tally}");
}

#[test]
fn no_outcome_leaves_before_its_entry_is_durable() {
    let sample = syscalls::Sample {
        every: 120,
        seed: 3,
        call: None,
    };
    let Some(tally) = found(producers::run(program(), &sample, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert!(tally.of("cases") >= 4, "{tally}");
}

#[cfg(feature = "serve")]
#[test]
fn no_server_answers_before_the_entry_is_durable() {
    let sample = syscalls::Sample {
        every: 60,
        seed: 3,
        call: None,
    };
    let Some(tally) = found(endpoints::run(program(), &sample, false)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert!(tally.of("answers that claim") >= 18, "{tally}");
}

#[test]
fn clocks_that_jump_under_the_program_are_recorded() {
    let Some(tally) = found(clocks::run(program())) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
}

#[cfg(feature = "serve")]
#[test]
fn a_day_of_what_operators_do_loses_nothing_and_leaves_nothing_behind() {
    let plan = everyday::Plan { hours: 12, seed: 5 };
    let Some(tally) = found(everyday::run(program(), &plan)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
}

#[test]
fn writers_readers_sealing_exporting_and_verifying_agree_with_the_model() {
    let load = stress::Load {
        time: Duration::from_millis(1_500),
        ..stress::Load::full(0, 5)
    };
    let Some(tally) = found(stress::run(&load)) else {
        return;
    };
    assert_eq!(tally.findings(), NOTHING, "{tally}");
    assert!(tally.of("entries acknowledged") > 100, "{tally}");
}
