//! The files that a Hall is read from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::governance::SharedGate;
use super::hall::Hall;
use crate::attestation::{BanList, BanListError};
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::parse::{self, ParseError};
use crate::ledger::shape::MemberError;
use crate::wcp::config::HallConfig;
use crate::wcp::gate::StubGate;
#[cfg(feature = "rego")]
use crate::wcp::rego::RegoError;
#[cfg(feature = "rego")]
use crate::wcp::rego_bundle::RegoBundleError;
use crate::wcp::rule_set::RuleSet;
use crate::wcp::rules::{RulesError, load_rules, load_rules_from_dict};
use crate::wcp::terms::Env;
use crate::wcp::worker_source::AttestError;

#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct HallError {
    pub path: PathBuf,
    pub problem: HallProblem,
}

#[derive(Debug, thiserror::Error)]
pub enum HallProblem {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error(transparent)]
    NotJson(#[from] ParseError),
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error(transparent)]
    Config(#[from] MemberError),
    #[error(transparent)]
    BanList(#[from] BanListError),
    #[error("the allow-list is not an object of lists of destinations by environment")]
    AllowList,
    #[error(transparent)]
    RegistryDir(io::Error),
    #[error(transparent)]
    WorkersRoot(#[from] AttestError),
    #[cfg(feature = "rego")]
    #[error(transparent)]
    PolicySource(#[from] RegoBundleError),
    #[cfg(feature = "rego")]
    #[error(transparent)]
    Policy(#[from] RegoError),
    #[error("this program was built without Rego")]
    NoEngine,
}

impl HallProblem {
    fn of(path: &Path) -> impl Fn(HallProblem) -> HallError {
        move |problem| HallError {
            path: path.to_owned(),
            problem,
        }
    }
}

impl Hall {
    /// A Hall with the rules of a file. The other files follow, in any order:
    /// [`registry`](Hall::registry), [`config`](Hall::config),
    /// [`policy`](Hall::policy), [`ban_list`](Hall::ban_list),
    /// [`egress_allowlist`](Hall::egress_allowlist),
    /// [`workers_root`](Hall::workers_root).
    pub fn load(rules: impl AsRef<Path>) -> Result<Hall, HallError> {
        Ok(Hall::new(rules_in(rules.as_ref())?))
    }

    /// With the workers of a folder of records. Records that are no good are
    /// not enrolled and named by [`Hall::dropped`].
    pub fn registry(mut self, dir: impl AsRef<Path>) -> Result<Hall, HallError> {
        let dropped = self.registry.add_dir(dir.as_ref());
        let dropped = dropped.map_err(HallProblem::RegistryDir);
        self.dropped = dropped.map_err(HallProblem::of(dir.as_ref()))?.into();
        self.settle();
        Ok(self)
    }

    pub fn config(self, path: impl AsRef<Path>) -> Result<Hall, HallError> {
        let path = path.as_ref();
        let config = HallConfig::read(&json(path)?, "").map_err(HallProblem::from);
        Ok(self.with_config(config.map_err(HallProblem::of(path))?))
    }

    /// With a policy gate in Rego: a file, or a bundle's folder.
    pub fn policy(self, path: impl AsRef<Path>) -> Result<Hall, HallError> {
        Ok(self.with_gate(policy_in(path.as_ref(), None)?))
    }

    /// The same, evaluated in processes of their own by `evaluator`, which is
    /// `sealbook`.
    pub fn fenced_policy(
        self,
        path: impl AsRef<Path>,
        evaluator: &Path,
    ) -> Result<Hall, HallError> {
        Ok(self.with_gate(policy_in(path.as_ref(), Some(evaluator))?))
    }

    /// With the stub that allows everything in the place of a policy gate: in
    /// `dev`, or everywhere.
    pub fn stub_policy(self, everywhere: bool) -> Hall {
        self.with_gate(Arc::new(StubGate { everywhere }))
    }

    /// With the ban list of a file.
    pub fn ban_list(self, path: impl AsRef<Path>) -> Result<Hall, HallError> {
        let path = path.as_ref();
        let list = BanList::parse(&read(path, limits::LINE_BYTES)?).map_err(HallProblem::from);
        Ok(self.with_ban_list(list.map_err(HallProblem::of(path))?))
    }

    /// With the destinations that may be reached, by environment, of a file
    /// such as `{"prod": ["api.example.com"]}`.
    pub fn egress_allowlist(mut self, path: impl AsRef<Path>) -> Result<Hall, HallError> {
        let path = path.as_ref();
        let lists = allowlists(&json(path)?).ok_or(HallProblem::AllowList);
        for (env, list) in lists.map_err(HallProblem::of(path))? {
            self.registry.set_egress_allowlist(env, list);
        }
        Ok(self)
    }

    /// With the folder that workers' source files are opened beneath, and
    /// nowhere else.
    pub fn workers_root(mut self, dir: impl AsRef<Path>) -> Result<Hall, HallError> {
        let set = self.registry.set_allowed_worker_dirs(&[dir.as_ref()]);
        set.map_err(HallProblem::from)
            .map_err(HallProblem::of(dir.as_ref()))?;
        Ok(self)
    }
}

/// The rules of a file; `-` is standard input.
pub fn rules_in(path: &Path) -> Result<RuleSet, HallError> {
    let loaded = match path == Path::new("-") {
        true => load_rules_from_dict(&json(path)?),
        false => load_rules(path),
    };
    loaded.map_err(|error| HallProblem::of(path)(error.into()))
}

/// A policy, compiled; here, or by a program that evaluates it in processes of
/// their own.
#[cfg(feature = "rego")]
pub fn policy_in(path: &Path, evaluator: Option<&Path>) -> Result<SharedGate, HallError> {
    use crate::wcp::rego::fenced::FencedGate;
    use crate::wcp::rego::{RegoGate, RegoLimits, RegoSource};
    let failed = HallProblem::of(path);
    let source = RegoSource::read(path).map_err(|error| failed(error.into()))?;
    if let Some(program) = evaluator {
        let gate = FencedGate::new(program, &source, RegoLimits::default());
        return Ok(Arc::new(gate.map_err(|error| failed(error.into()))?));
    }
    let gate = RegoGate::new(source, RegoLimits::default());
    Ok(Arc::new(gate.map_err(|error| failed(error.into()))?))
}

/// This build has no engine for policies.
#[cfg(not(feature = "rego"))]
pub fn policy_in(path: &Path, _: Option<&Path>) -> Result<SharedGate, HallError> {
    Err(HallProblem::of(path)(HallProblem::NoEngine))
}

/// A JSON document, read strictly; `-` is standard input.
pub fn json(path: &Path) -> Result<Value, HallError> {
    let document = parse::parse(&read(path, limits::LINE_BYTES)?);
    document.map_err(|error| HallProblem::of(path)(error.into()))
}

/// The bytes of a file; `-` is standard input. A pipe is waited for: the
/// operator who names one means it.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, HallError> {
    let failed = |error: io::Error| HallProblem::of(path)(error.into());
    match path == Path::new("-") {
        true => read_from(io::stdin(), path, limit),
        false => read_from(File::open(path).map_err(failed)?, path, limit),
    }
}

pub fn read_from(source: impl Read, path: &Path, limit: usize) -> Result<Vec<u8>, HallError> {
    let mut bytes = Vec::new();
    let mut source = source.take(limit as u64 + 1);
    let read = source.read_to_end(&mut bytes).map_err(HallProblem::from);
    match read.map_err(HallProblem::of(path))? > limit {
        true => Err(HallProblem::of(path)(HallProblem::TooLarge { limit })),
        false => Ok(bytes),
    }
}

fn allowlists(value: &Value) -> Option<Vec<(Env, Vec<String>)>> {
    let list = |value: &Value| -> Option<Vec<String>> {
        let items = value.as_array()?.iter();
        items.map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let lists = value.as_object()?.iter();
    lists
        .map(|(env, value)| Some((Env::parse(env)?, list(value)?)))
        .collect()
}
