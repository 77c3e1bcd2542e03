//! Loads a server as its users do, and measures it beside its bound.
//!
//! ```text
//! bench-serve load [SECONDS]   64 clients, one entry a request, against a fixed answer
//! bench-serve kill [MINUTES]   mixed load with SIGKILLs: is what was acknowledged there?
//! ```
//! Both start the program beside them in its build, on a ledger of their own in
//! the folder that `BENCH_DIR` names, or the temporary one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on ends"
)]

mod client;
mod kill;
mod load;
mod server;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = args.get(1).and_then(|text| text.parse().ok());
    match args.first().map(String::as_str) {
        Some("load") => load::run(number.unwrap_or(10)),
        Some("kill") => kill::run(number.unwrap_or(10)),
        _ => println!("bench-serve load [SECONDS] | kill [MINUTES]"),
    }
}
