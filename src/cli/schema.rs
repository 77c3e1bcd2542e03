//! `sealbook schema`: what each command prints with `--json`, as a JSON Schema.
//!
//! The schemas are made from types; a test holds what the commands print against them.

mod books;
mod evidence;
#[cfg(feature = "bucket")]
mod fleet;
mod ledgers;
mod packages;
mod routing;
mod values;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::Answer;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The command, such as verify or rules lint [default: list them]
    command: Vec<String>,
}

/// A type that is printed: its name, its schema, and those that it refers to.
type Kind = (String, RefOr<Schema>, Vec<(String, RefOr<Schema>)>);

/// What one command prints.
struct Printed {
    command: &'static str,
    /// How many documents, each a line.
    documents: Documents,
    /// Each document is one of these.
    kinds: &'static [fn() -> Kind],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Documents {
    One,
    Any,
}

use Documents::{Any, One};

const fn prints(
    command: &'static str,
    documents: Documents,
    kinds: &'static [fn() -> Kind],
) -> Printed {
    Printed {
        command,
        documents,
        kinds,
    }
}

/// Every command that prints documents of its own.
const PRINTED: &[Printed] = &[
    prints("accept-rollback", One, &[kind::<evidence::Receipt>]),
    prints("adopt", One, &[kind::<ledgers::Adopted>]),
    prints("append", Any, &[kind::<evidence::Receipt>]),
    prints("archive status", One, &[kind::<ledgers::Archived>]),
    prints(
        "backup",
        One,
        &[kind::<ledgers::Copied>, kind::<evidence::Report>],
    ),
    prints("bucket check", One, &[kind::<ledgers::BucketPassed>]),
    prints(
        "card verify",
        One,
        &[kind::<packages::CardVerdict>, kind::<packages::Judged>],
    ),
    prints("codes", One, &[kind::<packages::Codes>]),
    prints(
        "conformance",
        Any,
        &[kind::<packages::Conformance>, kind::<packages::Case>],
    ),
    prints("decide", Any, &[kind::<routing::BulkAnswer>]),
    prints(
        "diff",
        One,
        &[
            kind::<evidence::Compared>,
            kind::<evidence::ComparedCheckpoints>,
            kind::<evidence::ComparedDocuments>,
        ],
    ),
    prints(
        "dispatch",
        One,
        &[kind::<routing::Decision>, kind::<routing::Plan>],
    ),
    prints("doctor", One, &[kind::<ledgers::Examined>]),
    prints(
        "enroll",
        One,
        &[
            kind::<packages::Enrolled>,
            kind::<packages::EnrolledByServer>,
        ],
    ),
    prints("epochs", Any, &[kind::<evidence::SignedHeader>]),
    prints(
        "erase",
        Any,
        &[kind::<evidence::Receipt>, kind::<ledgers::Erasable>],
    ),
    prints("explain", One, &[kind::<routing::CatalogueEntry>]),
    #[cfg(feature = "bucket")]
    prints("fleet query", One, &[kind::<fleet::FleetCustody>]),
    #[cfg(feature = "bucket")]
    prints(
        "fleet record",
        Any,
        &[kind::<fleet::RecordedLog>, kind::<fleet::FleetBeside>],
    ),
    #[cfg(feature = "bucket")]
    prints(
        "fleet status",
        Any,
        &[kind::<fleet::FleetLog>, kind::<fleet::FleetBeside>],
    ),
    prints("fold", One, &[kind::<evidence::Folded>]),
    prints("format", One, &[kind::<packages::FormatDocument>]),
    prints("head", One, &[kind::<evidence::SignedHead>]),
    prints(
        "import",
        Any,
        &[
            kind::<evidence::Imported>,
            kind::<evidence::KeptImport>,
            kind::<evidence::KeptConflict>,
        ],
    ),
    prints("init", One, &[kind::<ledgers::Made>]),
    prints("key", One, &[kind::<ledgers::ShownKey>]),
    prints("key add", One, &[kind::<ledgers::AddedKey>]),
    prints("log", Any, &[kind::<evidence::Entry>]),
    prints("manifest build", One, &[kind::<packages::BuiltManifest>]),
    prints(
        "manifest verify",
        One,
        &[kind::<packages::ManifestVerdict>, kind::<packages::Judged>],
    ),
    prints("monitor", Any, &[kind::<evidence::Watched>]),
    prints("package hash", One, &[kind::<packages::PackageHash>]),
    prints("package scaffold", One, &[kind::<packages::Scaffolded>]),
    prints("package sign", One, &[kind::<packages::SignedPackage>]),
    prints(
        "package verify",
        One,
        &[kind::<packages::PackageVerdict>, kind::<packages::Judged>],
    ),
    prints("prune", One, &[kind::<ledgers::Pruned>]),
    prints("publish", One, &[kind::<evidence::Published>]),
    prints("registry attest", One, &[kind::<packages::Attested>]),
    prints(
        "registry ban-list",
        One,
        &[kind::<packages::Banned>, kind::<packages::BanList>],
    ),
    prints("registry health", One, &[kind::<packages::RegistryHealth>]),
    prints("registry report", One, &[kind::<packages::Reported>]),
    prints(
        "registry verify",
        Any,
        &[kind::<packages::RegisteredWorker>],
    ),
    prints("replay", One, &[kind::<evidence::Replay>]),
    prints("resident verify", One, &[kind::<packages::ResidentVerdict>]),
    prints("rotate", One, &[kind::<ledgers::Rotated>]),
    prints("route", One, &[kind::<routing::Routed>]),
    prints("rules lint", One, &[kind::<routing::Shadows>]),
    prints("seal", One, &[kind::<evidence::SignedHeader>]),
    prints("search", One, &[kind::<routing::CatalogueEntries>]),
    prints(
        "show",
        One,
        &[
            kind::<evidence::Entry>,
            kind::<evidence::EntryWithTimes>,
            kind::<evidence::EntryOfBook>,
            kind::<evidence::Document>,
        ],
    ),
    prints("stats", One, &[kind::<ledgers::Counts>]),
    prints("status", One, &[kind::<packages::RegistryStatus>]),
    prints("timestamp", Any, &[kind::<evidence::Stamped>]),
    prints("token list", Any, &[kind::<packages::Token>]),
    prints("token new", One, &[kind::<packages::Token>]),
    prints("token revoke", One, &[kind::<packages::Token>]),
    prints("upgrade", One, &[kind::<ledgers::Upgraded>]),
    prints("validate", One, &[kind::<routing::Validated>]),
    prints(
        "verify",
        One,
        &[kind::<evidence::Report>, kind::<evidence::Reports>],
    ),
    prints("version", One, &[kind::<packages::Versions>]),
    prints("worker ban", One, &[kind::<packages::Changed>]),
    prints("worker confirm", One, &[kind::<packages::Changed>]),
    prints("worker lift-ban", One, &[kind::<packages::Changed>]),
    prints("worker restore", One, &[kind::<packages::Changed>]),
    prints("worker revoke", One, &[kind::<packages::Changed>]),
];

fn kind<T: ToSchema>() -> Kind {
    let mut others = Vec::new();
    T::schemas(&mut others);
    (T::name().into_owned(), T::schema(), others)
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if args.command.is_empty() {
        for printed in PRINTED {
            output.line(printed.command)?;
        }
        return Ok(Answer::Yes);
    }
    let command = args.command.join(" ");
    let printed = PRINTED.iter().find(|printed| printed.command == command);
    let Some(printed) = printed else {
        return Err(CliError::usage(
            "that command prints no documents of its own: `sealbook schema` lists those that do",
        ));
    };
    let schema = schema(printed);
    match output.is_json() {
        true => output.document(&schema)?,
        false => {
            let text = serde_json::to_string_pretty(&schema);
            let text = text.map_err(|error| CliError::output(error.into()))?;
            text.lines().try_for_each(|line| output.line(line))?;
        }
    }
    Ok(Answer::Yes)
}

/// One document: of this command, or what every command prints where it fails.
fn schema(printed: &Printed) -> Value {
    let mut definitions = Map::new();
    let kinds = printed.kinds.iter().map(|kind| kind());
    let alternatives = kinds.chain([kind::<values::Failure>()]);
    let alternatives: Vec<Value> = alternatives
        .map(|(name, schema, others)| {
            let reference = json!({"$ref": format!("#/$defs/{name}")});
            for (name, schema) in others.into_iter().chain([(name, schema)]) {
                definitions.insert(name, local(json!(schema)));
            }
            reference
        })
        .collect();
    let how_many = match printed.documents {
        One => "One document",
        Any => "Any number of documents, one a line; each",
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("sealbook {} --json", printed.command),
        "description": format!("{how_many} is one of these. Later versions may add members."),
        "anyOf": alternatives,
        "$defs": definitions,
    })
}

/// With references into the document itself.
fn local(schema: Value) -> Value {
    match schema {
        Value::String(text) => Value::String(match text.strip_prefix("#/components/schemas/") {
            Some(name) => format!("#/$defs/{name}"),
            None => text,
        }),
        Value::Array(items) => items.into_iter().map(local).collect(),
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, local(value)));
            Value::Object(members.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::{BTreeMap, BTreeSet};

    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::super::help::tests::leaves;
    use super::*;

    /// Commands that print a file, a page or text, with `--json` too, and why.
    const OTHERS: &[(&str, &str)] = &[
        ("absent", "a bundle"),
        ("agent", "where it listens"),
        ("audit", "an auditor's word"),
        ("browse", "as search and explain"),
        ("build", "as package scaffold"),
        ("card sign", "a signed card"),
        ("completions", "a script"),
        ("export", "a bundle or a logbook"),
        ("man", "pages"),
        ("open-field", "a bundle"),
        ("page", "a page"),
        ("prove", "a proof"),
        ("report", "a page"),
        ("revoke", "a signed revocation"),
        ("schema", "a schema"),
        ("serve", "its address, and a log on standard error"),
        ("tail", "entries in the format that is asked for"),
    ];

    #[test]
    fn every_command_has_a_schema_or_prints_no_documents() {
        let mut all = BTreeSet::new();
        leaves(&Cli::command(), "", &mut all);
        let known: Vec<_> = PRINTED.iter().map(|printed| printed.command).collect();
        let others = OTHERS.iter().map(|(command, _)| *command);
        let mut known: Vec<_> = known.into_iter().chain(others).map(str::to_owned).collect();
        known.sort_unstable();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), known);
    }

    /// Every reference leads somewhere, and one name has one meaning.
    #[test]
    fn schemas_are_whole() {
        fn references<'v>(value: &'v Value, all: &mut Vec<&'v str>) {
            match value {
                Value::Array(items) => items.iter().for_each(|item| references(item, all)),
                Value::Object(members) => {
                    all.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|member| references(member, all));
                }
                _ => {}
            }
        }
        let mut meanings = BTreeMap::new();
        for printed in PRINTED {
            let schema = schema(printed);
            let definitions = schema.get("$defs").unwrap().as_object().unwrap();
            let mut all = Vec::new();
            references(&schema, &mut all);
            for reference in all {
                let name = reference.strip_prefix("#/$defs/").unwrap();
                assert!(
                    definitions.contains_key(name),
                    "{}: {name}",
                    printed.command
                );
            }
            for (name, meaning) in definitions.clone() {
                let before = meanings.insert(name, meaning.clone());
                assert!(before.is_none_or(|before| before == meaning), "{meaning}");
            }
        }
    }
}
