//! The tip for a flag that does not exist. The parser's own measure of likeness takes two
//! letters that changed places for two that are wrong, so that `--kye` was `--keys` to it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use strsim::osa_distance;

/// How many letters may be wrong, missing, too many, or in each other's place.
const MOST_WRONG: usize = 2;

/// The same error, with the flag that was most likely meant.
pub(super) fn improve(
    mut error: clap::Error,
    parser: &mut clap::Command,
    words: &[OsString],
) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(given) = given.strip_prefix("--") else {
        return error;
    };
    let meant = flags(parser, words)
        .into_iter()
        .map(|flag| (osa_distance(given, &flag), flag))
        .filter(|(wrong, _)| *wrong <= MOST_WRONG)
        .min();
    if let Some((_, flag)) = meant {
        let flag = ContextValue::String(format!("--{flag}"));
        error.insert(ContextKind::SuggestedArg, flag);
    }
    error
}

/// The long flags of the command that the words name.
fn flags(parser: &mut clap::Command, words: &[OsString]) -> Vec<String> {
    // Flags of the whole program are then those of each command too.
    parser.build();
    let mut command = &*parser;
    for word in words.iter().filter_map(|word| word.to_str()) {
        command = command.find_subcommand(word).unwrap_or(command);
    }
    let longs = command.get_arguments().filter(|flag| !flag.is_hide_set());
    longs
        .filter_map(|flag| flag.get_long().map(str::to_owned))
        .collect()
}
