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

mod books;
mod commands;
mod copies;
mod disks;
mod evidence;
mod formats;
mod input;
mod keys;
mod locks;
mod place;
mod rows;
mod shapes;
mod streams;
mod succession;
mod tampering;
mod terminal;
mod verdicts;
