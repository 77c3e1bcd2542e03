//! The Hall's files as flags, and how they are read, at first and again.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::record::Premises;
use crate::record::ban_list::BanText;
use crate::record::premises::{SharedBanList, SharedGate};
use crate::serve::{HallFiles, LoadError, Loaded};
use crate::wcp::gate::StubGate;
use crate::wcp::{HallConfig, Registry, RuleSet, load_rules_from_dict};

use super::super::document::{self, in_file};
use super::super::error::{CliError, ProducerError};
use super::super::premises::{allowlists_in, policy};

#[derive(Clone, Debug, clap::Args)]
// `serve` takes it in among its own, which are called the same.
#[group(skip)]
pub(super) struct Args {
    /// What the Hall calls itself
    #[arg(long, value_name = "NAME", default_value = "sealbook")]
    name: String,
    /// Routing rules [default: none, which denies every request]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The folder of registry records [default: none but those enrolled here]
    #[arg(long, value_name = "DIR")]
    registry_dir: Option<PathBuf>,
    /// The Hall's configuration [default: the reference's defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A policy gate in Rego: a file, or a bundle's folder [default: no gate]
    #[arg(long, value_name = "PATH", conflicts_with = "stub_policy")]
    policy: Option<PathBuf>,
    /// In the place of a policy gate, in dev only, the stub that allows everything
    #[arg(long)]
    stub_policy: bool,
    /// Code hashes that must not run
    #[arg(long, value_name = "FILE")]
    banned: Option<PathBuf>,
    /// Destinations by environment, {"prod": ["api.example.com"]}
    #[arg(long, value_name = "FILE")]
    egress_allowlist: Option<PathBuf>,
}

impl Args {
    /// The files, read whenever the Hall asks for them.
    pub(super) fn files(&self) -> HallFiles {
        let args = self.clone();
        HallFiles {
            name: self.name.clone(),
            load: Box::new(move || args.load().map_err(|error| Box::new(error) as LoadError)),
        }
    }

    fn load(&self) -> Result<Loaded, CliError> {
        Ok(Loaded {
            premises: self.premises()?,
            registry: self.registry()?,
        })
    }

    fn premises(&self) -> Result<Premises, CliError> {
        let rules = match &self.rules {
            Some(path) => document::rules(path)?,
            None => {
                tracing::warn!("no rules: every request is denied");
                no_rules()?
            }
        };
        let config = match &self.config {
            Some(path) => HallConfig::read(&document::json(path)?, "").map_err(in_file(path))?,
            None => HallConfig::default(),
        };
        for warning in config.warnings() {
            tracing::warn!(%warning, "configuration");
        }
        let gate = match &self.policy {
            Some(path) => Some(policy(path)?),
            None => self
                .stub_policy
                .then(|| Arc::new(StubGate { everywhere: false }) as SharedGate),
        };
        let bans = match &self.banned {
            Some(path) => {
                let text = document::read(path, limits::LINE_BYTES)?;
                let list = BanText::parse(&text);
                let list = list.map_err(|e| in_file(path)(ProducerError::from(e)))?;
                Some(Arc::new(list) as SharedBanList)
            }
            None => None,
        };
        Ok(Premises::new(Arc::new(rules), config, gate, bans))
    }

    fn registry(&self) -> Result<Registry, CliError> {
        let (mut registry, invalid) = match &self.registry_dir {
            Some(dir) => {
                Registry::from_dir(dir).map_err(|error| ProducerError::registry_dir(dir, error))?
            }
            None => (Registry::new(), Vec::new()),
        };
        for record in &invalid {
            tracing::warn!(%record, "not enrolled");
        }
        if let Some(path) = &self.egress_allowlist {
            for (env, list) in allowlists_in(path)? {
                registry.set_egress_allowlist(env, list);
            }
        }
        Ok(registry)
    }
}

/// A set of no rules.
fn no_rules() -> Result<RuleSet, CliError> {
    let document: Object = [("rules", Vec::<Value>::new())].into_iter().collect();
    let rules = load_rules_from_dict(&Value::Object(document));
    Ok(rules.map_err(ProducerError::from)?)
}
