//! What `--help` shows beside clap's own: the commands in groups, and two examples
//! of each.

mod examples;

use std::fmt::Write as _;

use clap::Command;

use examples::examples;

/// A heading, and the commands under it, in order.
type Group = (&'static str, &'static [&'static str]);

/// Every command stands in one group.
const GROUPS: &[Group] = &[
    (
        "Evidence",
        &[
            "verify",
            "page",
            "replay",
            "report",
            "export",
            "absent",
            "audit",
            "prove",
            "publish",
            "head",
            "diff",
            "import",
            "fold",
            "key",
            "open-field",
        ],
    ),
    (
        "Ledger",
        &[
            "init",
            "append",
            "seal",
            "log",
            "tail",
            "show",
            "stats",
            "epochs",
            "rotate",
            "revoke",
            "backup",
            "adopt",
            "accept-rollback",
            "bucket",
            "archive",
            "fleet",
            "prune",
            "doctor",
            "erase",
            "upgrade",
        ],
    ),
    (
        "Routing",
        &[
            "route", "decide", "rules", "validate", "worker", "search", "explain", "browse",
            "dispatch",
        ],
    ),
    (
        "Packages and cards",
        &[
            "build", "enroll", "status", "package", "manifest", "card", "resident", "registry",
        ],
    ),
    ("Server", &["serve", "token", "agent"]),
    ("Public logs", &["timestamp", "monitor"]),
    (
        "This program",
        &[
            "format",
            "conformance",
            "codes",
            "schema",
            "completions",
            "man",
            "version",
            "help",
        ],
    ),
];

/// The parser with its groups and examples.
pub(super) fn dress(command: Command) -> Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}Options:\n{{options}}\n\n\
         `sealbook help COMMAND` shows what a command takes, with examples.\n",
        groups(&command)
    );
    examples()
        .fold(command, |command, (path, examples)| {
            with_examples(command, path, examples)
        })
        .help_template(template)
}

fn groups(command: &Command) -> String {
    let mut text = String::new();
    for (heading, names) in GROUPS {
        let _ = writeln!(text, "{heading}:");
        for name in *names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string);
            let about = about.or((*name == "help").then(|| "Help on a command".to_owned()));
            // A command that this build leaves out has no line.
            if let Some(about) = about {
                let _ = writeln!(text, "  {name:<16} {about}");
            }
        }
        text.push('\n');
    }
    text
}

/// The examples under the command at `path`, its names separated by a space.
fn with_examples(command: Command, path: &str, examples: &[&str]) -> Command {
    let (name, rest) = path.split_once(' ').unwrap_or((path, ""));
    if command.find_subcommand(name).is_none() {
        return command;
    }
    command.mut_subcommand(name, |inner| match rest {
        "" => inner.after_help(format!("Examples:\n  {}", examples.join("\n  "))),
        rest => with_examples(inner, rest, examples),
    })
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::panic, reason = "tests fail by panicking")]

    use std::collections::BTreeSet;

    use clap::{Command, CommandFactory as _};

    use super::super::{Cli, parser};
    use super::{GROUPS, examples};

    /// What clap finds wrong it says in debug builds only, and then where the
    /// command is run.
    #[test]
    fn commands_and_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    /// The paths of the commands that do something.
    pub(in crate::cli) fn leaves(command: &Command, path: &str, all: &mut BTreeSet<String>) {
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name()).trim().to_owned();
            leaves(inner, &path, all);
            if !inner.is_subcommand_required_set() {
                all.insert(path);
            }
        }
    }

    #[test]
    fn every_command_stands_in_one_group() {
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).collect();
        grouped.retain(|name| **name != "help");
        let command = Cli::command();
        let mut names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
        names.retain(|name| {
            !command
                .find_subcommand(name)
                .is_some_and(Command::is_hide_set)
        });
        let mut grouped: Vec<&str> = grouped.into_iter().copied().collect();
        grouped.sort_unstable();
        names.sort_unstable();
        assert_eq!(grouped, names);
    }

    #[test]
    fn every_command_has_two_examples_that_it_takes() {
        let mut all = BTreeSet::new();
        leaves(&Cli::command(), "", &mut all);
        let shown: BTreeSet<_> = examples().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(all, shown);
        let mut wrong = Vec::new();
        for (path, examples) in examples() {
            assert!(examples.len() >= 2, "{path}");
            for example in *examples {
                let line = example
                    .split(" | ")
                    .find(|part| part.starts_with("sealbook"));
                let line = line.unwrap_or_else(|| panic!("{example}"));
                let line = line.split(" > ").next().unwrap_or_default();
                let words =
                    shell_words::split(line).unwrap_or_else(|error| panic!("{example}: {error}"));
                let taken = parser().try_get_matches_from(words);
                wrong.extend(taken.err().map(|error| format!("{example}: {error}")));
                let rest = line.strip_prefix("sealbook ").unwrap_or_default();
                let last = path.rsplit(' ').next().unwrap_or_default();
                assert!(rest.contains(last), "{example} is not of {path}");
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
