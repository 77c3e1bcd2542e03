//! `serve --config-file FILE`: flags out of a TOML file. A flag wins over the
//! environment, that over the file, that over the default.
//!
//! A key is the name of a flag: `port = 9000`, `allow-host = ["hall.example"]`,
//! `registry-private = true`. `ledger`, `mark` and `key-group-readable` may stand in
//! it too. Each value is one that the flag would take.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::HALL_DB_PATH;

/// The longest file, in bytes.
const LONGEST: u64 = 1 << 20;

/// Flags of every command that the file may have.
const COMMON: &[&str] = &["ledger", "mark", "key-group-readable"];

/// Flags that say what to do with the file.
const OWN: &[&str] = &["config-file", "check-config", "help"];

/// The arguments with what the file says added to them; `None` where they name no
/// file.
///
/// # Errors
/// What is wrong with the file, by line and column.
pub(in crate::cli) fn apply(
    command: &Command,
    matches: &ArgMatches,
    mut arguments: Vec<OsString>,
) -> Result<Option<Vec<OsString>>, clap::Error> {
    let Some(("serve", serve)) = matches.subcommand() else {
        return Ok(None);
    };
    let Some(path) = serve.get_one::<PathBuf>("config_file") else {
        return Ok(None);
    };
    let refuse = |text: String| clap::Error::raw(ErrorKind::ValueValidation, text + "\n");
    let text = read(path).map_err(|error| refuse(format!("{}: {error}", path.display())))?;
    let at = |offset: usize| place(path, &text, offset);
    let table = DeTable::parse(&text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        refuse(format!("{}: {}", at(offset), error.message()))
    })?;
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let Some(flag) = find(command, name) else {
            let place = at(key.span().start);
            return Err(refuse(format!(
                "{place}: `{name}` is not a flag of `serve`"
            )));
        };
        let place = at(value.span().start);
        let values = values(value).ok_or_else(|| {
            let takes = "takes a text, a number, true or false, or a list of them";
            refuse(format!("{place}: `{name}` {takes}"))
        })?;
        let given = flag
            .arguments(values)
            .map_err(|what| refuse(format!("{place}: {what}")))?;
        try_alone(command, &given).map_err(|what| refuse(format!("{place}: {what}")))?;
        if !flag.is_said_elsewhere(serve) {
            arguments.extend(given.into_iter().map(OsString::from));
        }
    }
    Ok(Some(arguments))
}

/// A flag that the file may have.
struct Flag {
    id: String,
    long: String,
    switch: bool,
    several: bool,
    env: Option<OsString>,
}

impl Flag {
    fn of(arg: &Arg) -> Option<Flag> {
        Some(Flag {
            id: arg.get_id().to_string(),
            long: arg.get_long()?.to_owned(),
            switch: matches!(arg.get_action(), ArgAction::SetTrue),
            several: matches!(arg.get_action(), ArgAction::Append),
            env: arg.get_env().map(ToOwned::to_owned),
        })
    }

    /// `--NAME=VALUE` for each value.
    fn arguments(&self, values: Vec<String>) -> Result<Vec<String>, String> {
        let long = &self.long;
        match (&values[..], self.switch, self.several) {
            ([one], true, _) if one == "true" => Ok(vec![format!("--{long}")]),
            ([one], true, _) if one == "false" => Ok(Vec::new()),
            (_, true, _) => Err(format!("`{long}` is true or false")),
            ([_], false, false) | (_, false, true) => Ok(values
                .iter()
                .map(|value| format!("--{long}={value}"))
                .collect()),
            _ => Err(format!("`{long}` takes one value")),
        }
    }

    fn is_said_elsewhere(&self, serve: &ArgMatches) -> bool {
        let by_other_name = self.long == "ledger" && std::env::var_os(HALL_DB_PATH).is_some();
        let by_env = self
            .env
            .as_ref()
            .is_some_and(|env| std::env::var_os(env).is_some());
        let source = serve.value_source(&self.id);
        by_other_name || by_env || source == Some(ValueSource::CommandLine)
    }
}

pub(super) fn read(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind as Kind, Read as _};
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(LONGEST + 1);
    file.read_to_string(&mut text)?;
    match text.len() as u64 > LONGEST {
        true => Err(Error::new(
            Kind::InvalidData,
            "the file is longer than 1 MiB",
        )),
        false => Ok(text),
    }
}

/// `FILE, line L, column C`.
fn place(path: &Path, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("{}, line {line}, column {column}", path.display())
}

fn find(command: &Command, name: &str) -> Option<Flag> {
    let of = |command: &Command| {
        let mut args = command.get_arguments();
        args.find(|arg| arg.get_long() == Some(name))
            .and_then(Flag::of)
    };
    match name {
        name if COMMON.contains(&name) => of(command),
        name if OWN.contains(&name) => None,
        _ => of(command.find_subcommand("serve")?),
    }
}

fn values(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    fn one(value: &DeValue<'_>) -> Option<String> {
        match value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.to_string()),
            DeValue::Boolean(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(|item| one(item.get_ref())).collect(),
        single => Some(vec![one(single)?]),
    }
}

/// Has the flag's own parser look at the values.
fn try_alone(command: &Command, given: &[String]) -> Result<(), String> {
    let words = ["sealbook", "serve"].map(str::to_owned);
    let words = words.into_iter().chain(given.iter().cloned());
    let Err(error) = command.clone().try_get_matches_from(words) else {
        return Ok(());
    };
    // That another flag has to be there too is judged of all together.
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return Ok(());
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    Err(first.trim_start_matches("error: ").to_owned())
}
