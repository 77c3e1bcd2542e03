//! The program itself: every command as a user runs it, what it prints, how it
//! ends, and what it says when something is wrong.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod again;
mod attacker;
mod attacks;
#[path = "../log/authority.rs"]
mod authority;
mod backups;
mod before;
mod beside;
mod books;
mod campaigns;
mod cards;
mod cases;
mod catalogue;
mod claims;
mod commands;
mod conformance;
mod copies;
mod custody;
mod cut_short;
mod disks;
mod erasing;
mod evidence;
mod formats;
mod given;
mod handed_in;
mod held;
mod holes;
mod imports;
mod index;
mod input;
mod interop;
mod kept;
mod keys;
mod liar;
mod locks;
mod manifests;
mod monitors;
mod moved;
mod names;
mod notes;
mod other_tools;
mod outcomes;
mod outside;
mod packages;
mod pages;
mod passphrases;
mod place;
mod policies;
mod private;
mod public;
mod recorded;
mod redact;
mod registry;
#[path = "../attest/registry_server.rs"]
#[allow(dead_code, reason = "the client's tests use more of it")]
mod registry_server;
mod replaced;
mod replays;
mod reports;
mod routing;
mod rows;
mod rules;
mod said;
mod schemas;
mod second;
mod second_keys;
mod shapes;
mod sinks;
#[path = "../ledger/skipped.rs"]
mod skipped;
mod streams;
mod succession;
mod syslogs;
mod tables;
mod tampering;
mod targets;
mod terminal;
mod threats;
mod timestamps;
mod two_filters;
mod types;
mod unmade;
mod upgrades;
mod verdicts;
mod way_back;
mod witnesses;
mod workers;
