//! `sealbook`: parse, run, exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealbook::cli::main()
}
