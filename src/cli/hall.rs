//! The Hall's files as flags: what `route` and `serve` decide with.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::ValueEnum;

use crate::record::Hall;

use super::error::CliError;
use super::output::Output;

#[derive(Clone, Debug, clap::Args)]
// Commands take it in among their own, which are called the same.
#[group(skip)]
pub(super) struct Args {
    /// Routing rules [default: ./rules.json; of `serve` none, which denies every request]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The folder of registry records [default: ./enrolled; of `serve` none but those enrolled in the ledger]
    #[arg(long, value_name = "DIR")]
    registry_dir: Option<PathBuf>,
    /// The Hall's configuration [default: the reference's defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A policy gate in Rego: a file, or a bundle's folder [default: no gate]
    #[arg(long, value_name = "PATH", conflicts_with = "stub_policy")]
    policy: Option<PathBuf>,
    /// In the place of a policy gate, the stub that allows everything
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "dev")]
    stub_policy: Option<Stub>,
    /// What must not run: code hashes, workers, namespaces
    #[arg(long, value_name = "FILE")]
    banned: Option<PathBuf>,
    /// Destinations by environment, {"prod": ["api.example.com"]}
    #[arg(long, value_name = "FILE")]
    egress_allowlist: Option<PathBuf>,
    /// The folder that workers' source files are opened beneath [default: records of the folder may name any]
    #[arg(long, value_name = "DIR")]
    workers_root: Option<PathBuf>,
}

/// Where the stub answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stub {
    /// In dev only
    Dev,
    /// Wherever it is asked
    Everywhere,
}

impl Args {
    /// The Hall that the flags name, if they name any of it.
    pub(super) fn load_if_given(&self, output: &mut Output) -> Result<Option<Hall>, CliError> {
        self.is_given().then(|| self.load(output)).transpose()
    }

    fn is_given(&self) -> bool {
        let files = [
            &self.rules,
            &self.registry_dir,
            &self.config,
            &self.policy,
            &self.banned,
            &self.egress_allowlist,
            &self.workers_root,
        ];
        files.into_iter().any(Option::is_some) || self.stub_policy.is_some()
    }

    /// Refuses what a server that decides has of its own.
    pub(super) fn check_of_server(&self) -> Result<(), CliError> {
        match self.is_given() {
            false => Ok(()),
            true => Err(CliError::usage(
                "the server that holds the ledger decides by its own rules, registry and policy",
            )),
        }
    }

    /// The Hall of one command, which cannot do without rules and workers.
    pub(super) fn load(&self, output: &mut Output) -> Result<Hall, CliError> {
        let rules = self.rules.as_deref().unwrap_or(Path::new("./rules.json"));
        let registry = self.registry_dir.as_deref();
        let registry = registry.unwrap_or(Path::new("./enrolled"));
        let hall = self.files(Hall::load(rules)?)?.registry(registry)?;
        for warning in hall.warnings() {
            output.warning(&warning.to_string());
        }
        for record in hall.dropped() {
            output.warning(&format!("not enrolled: {record}"));
        }
        Ok(hall)
    }

    /// The Hall of a server, whose workers may all be in the ledger.
    #[cfg(feature = "serve")]
    pub(super) fn load_served(&self) -> Result<Hall, CliError> {
        let hall = match &self.rules {
            Some(rules) => Hall::load(rules)?,
            None => {
                tracing::warn!("no rules: every request is denied");
                no_rules()?
            }
        };
        let hall = self.files(hall)?;
        let hall = match &self.registry_dir {
            Some(dir) => hall.registry(dir)?,
            None => hall,
        };
        for warning in hall.warnings() {
            tracing::warn!(%warning, "configuration");
        }
        for record in hall.dropped() {
            tracing::warn!(%record, "not enrolled");
        }
        Ok(hall)
    }

    fn files(&self, mut hall: Hall) -> Result<Hall, CliError> {
        if let Some(path) = &self.config {
            hall = hall.config(path)?;
        }
        if let Some(path) = &self.policy {
            hall = hall.fenced_policy(path, evaluator())?;
        }
        if let Some(stub) = self.stub_policy {
            hall = hall.stub_policy(stub == Stub::Everywhere);
        }
        if let Some(path) = &self.banned {
            hall = hall.ban_list(path)?;
        }
        if let Some(path) = &self.egress_allowlist {
            hall = hall.egress_allowlist(path)?;
        }
        if let Some(path) = &self.workers_root {
            hall = hall.workers_root(path)?;
        }
        Ok(hall)
    }
}

/// The program that evaluates policies: this one, even where another file lies in
/// its place by now.
pub(super) fn evaluator() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let running = PathBuf::from("/proc/self/exe");
        match running.exists() {
            true => running,
            false => std::env::current_exe().unwrap_or(running),
        }
    });
    &PROGRAM
}

/// A Hall without rules.
#[cfg(feature = "serve")]
fn no_rules() -> Result<Hall, CliError> {
    use super::error::ProducerError;
    use crate::ledger::json::{Object, Value};
    use crate::wcp::rules::load_rules_from_dict;
    let document: Object = [("rules", Vec::<Value>::new())].into_iter().collect();
    let rules = load_rules_from_dict(&Value::Object(document));
    Ok(Hall::new(rules.map_err(ProducerError::from)?))
}
