//! `serve --sink FILE`: a sink out of a TOML file.
//!
//! ```toml
//! name = "siem"
//! to = "https://siem.example/events"
//! format = "ocsf"
//! secret-file = "siem.secret"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::api::Ledger;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::tail::spare_sink;
use crate::ledger::position::Seq;
use crate::sinks::{Settings, Sink, position_of};
use crate::store::query::Filter;

/// What may stand in the file: the flags of `tail`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    name: String,
    to: String,
    format: Option<String>,
    #[serde(default)]
    kind: Vec<String>,
    tenant: Option<String>,
    denied: Option<bool>,
    from_seq: Option<u64>,
    secret_file: Option<PathBuf>,
    header_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

/// Reads the files, and those that they name, and looks whether they are in order.
pub(super) fn read(context: &Context, paths: &[PathBuf]) -> Result<Vec<Settings>, CliError> {
    let mut read = Vec::<Settings>::new();
    for path in paths {
        let settings = one(path)?;
        if read.iter().any(|other| other.name == settings.name) {
            let name = &settings.name;
            return Err(wrong(path, &format!("another sink is named `{name}`")));
        }
        spare_sink(context, &settings.to)?;
        settings.check()?;
        read.push(settings);
    }
    Ok(read)
}

/// Opens the sinks of a ledger.
pub(super) fn open(
    context: &Context,
    ledger: &Ledger,
    settings: Vec<Settings>,
) -> Result<Vec<Sink>, CliError> {
    let open = |settings: Settings| {
        let position = position_of(&context.ledger, &settings.name);
        let sink = Sink::open(settings, Some(&position), ledger.identity(), ledger.store());
        sink.map_err(CliError::from)
    };
    settings.into_iter().map(open).collect()
}

fn one(path: &Path) -> Result<Settings, CliError> {
    let text = super::config_file::read(path).map_err(|error| CliError::file(path, error))?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().matches('\n').count() + 1;
        wrong(path, &format!("line {line}: {}", error.message()))
    })?;
    let to = table.to.parse();
    let to = to.map_err(|expected| wrong(path, &format!("to: {expected}")))?;
    let format = table.format.as_deref().map(str::parse).transpose();
    let format = format.map_err(|expected| wrong(path, &format!("format: {expected}")))?;
    Ok(Settings {
        format: format.unwrap_or_default(),
        filter: Filter {
            kinds: table.kind,
            tenant: table.tenant,
            denied: table.denied,
            from_seq: table.from_seq.map(Seq),
            ..Filter::default()
        },
        secret_file: table.secret_file,
        header_file: table.header_file,
        ca_file: table.ca_file,
        cert_file: table.cert_file,
        key_file: table.key_file,
        ..Settings::new(table.name, to)
    })
}

fn wrong(path: &Path, what: &str) -> CliError {
    CliError::usage(&format!("{}: {what}", path.display()))
}
