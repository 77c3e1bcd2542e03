//! `sealbook`: parse, run, exit status.

use std::process::ExitCode;

#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sealbook::cli::main()
}
