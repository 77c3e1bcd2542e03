//! The documents that were read so far, and what was compiled of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::attestation::BanList;
use crate::ledger::json::Value;
use crate::ledger::shape;
use crate::record::slice::RegistrySlice;
use crate::record::{Document, DocumentDigest, SharedGate};
use crate::wcp::config::HallConfig;
use crate::wcp::rule_set::RuleSet;
use crate::wcp::rules::load_rules_from_dict;

/// Compiled documents of a sort kept at once. Most logs have a few.
const COMPILED: usize = 64;

/// Slices of registries kept at once.
const SLICES: usize = 4_096;

#[derive(Default)]
pub(super) struct Library {
    documents: HashMap<DocumentDigest, Shelved>,
    rules: Compiled<RuleSet>,
    configs: Compiled<HallConfig>,
    gates: Compiled<SharedGate>,
    ban_lists: Compiled<BanList>,
    slices: Compiled<RegistrySlice, SLICES>,
    /// The program that evaluates policies in processes of their own.
    evaluator: Option<PathBuf>,
}

struct Shelved {
    /// The entry that holds it; none if it stands beside them, before all.
    index: Option<u64>,
    document: Arc<Document>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is nowhere. Verification says so, once for every document.
    Missing,
    /// It stands after the decision that refers to it.
    Later,
    /// It is not what it has to be.
    Malformed(String),
    /// It cannot be run here: by this build, or, being without a counted budget,
    /// in this process.
    NotRunnable,
    /// What evaluates it ended before it was loaded.
    #[cfg_attr(not(feature = "rego"), expect(dead_code, reason = "nothing does"))]
    NotEvaluated,
}

impl Library {
    pub(super) fn new(evaluator: Option<&Path>) -> Library {
        Library {
            evaluator: evaluator.map(Path::to_owned),
            ..Library::default()
        }
    }

    /// Whether the policy has no counted budget: then it is one of an earlier
    /// release, and runs under the limits of that.
    pub(super) fn without_budget(&self, digest: DocumentDigest) -> bool {
        let shelved = self.documents.get(&digest);
        shelved.is_some_and(|shelved| shelved.document.content().get("budget").is_none())
    }

    /// Takes a document that entry `index` holds, or that stands before all
    /// entries of a bundle. The first one stays.
    pub(super) fn add(&mut self, index: Option<u64>, document: Document) {
        let shelved = Shelved {
            index,
            document: Arc::new(document),
        };
        let digest = shelved.document.digest();
        self.documents.entry(digest).or_insert(shelved);
    }

    pub(super) fn rules(
        &self,
        digest: DocumentDigest,
        index: u64,
    ) -> Result<Arc<RuleSet>, Unusable> {
        self.compiled(&self.rules, digest, index, |content| {
            load_rules_from_dict(content).map_err(|error| malformed(&error))
        })
    }

    pub(super) fn config(
        &self,
        digest: DocumentDigest,
        index: u64,
    ) -> Result<Arc<HallConfig>, Unusable> {
        self.compiled(&self.configs, digest, index, |content| {
            HallConfig::read(content, "").map_err(|error| malformed(&error))
        })
    }

    pub(super) fn gate(
        &self,
        digest: DocumentDigest,
        index: u64,
    ) -> Result<Arc<SharedGate>, Unusable> {
        self.compiled(&self.gates, digest, index, |content| {
            gate(content, self.evaluator.as_deref())
        })
    }

    pub(super) fn ban_list(
        &self,
        digest: DocumentDigest,
        index: u64,
    ) -> Result<Arc<BanList>, Unusable> {
        self.compiled(&self.ban_lists, digest, index, |content| {
            BanList::from_document(content).map_err(|error| malformed(&error))
        })
    }

    pub(super) fn slice(
        &self,
        digest: DocumentDigest,
        index: u64,
    ) -> Result<Arc<RegistrySlice>, Unusable> {
        self.compiled(&self.slices, digest, index, |content| {
            shape::read(content, "").map_err(|error| malformed(&error))
        })
    }

    /// What was made of a document; made now, if it was not yet.
    fn compiled<T, const MOST: usize>(
        &self,
        cache: &Compiled<T, MOST>,
        digest: DocumentDigest,
        index: u64,
        compile: impl FnOnce(&Value) -> Result<T, Unusable>,
    ) -> Result<Arc<T>, Unusable> {
        let shelved = self.documents.get(&digest).ok_or(Unusable::Missing)?;
        if shelved.index.is_some_and(|stands| stands >= index) {
            return Err(Unusable::Later);
        }
        let document = &shelved.document;
        if let Some(made) = cache.get(digest) {
            return made;
        }
        let made = compile(document.content()).map(Arc::new);
        cache.put(digest, made.clone());
        made
    }
}

fn malformed(error: &dyn std::fmt::Display) -> Unusable {
    Unusable::Malformed(error.to_string())
}

#[cfg(feature = "rego")]
fn gate(content: &Value, evaluator: Option<&Path>) -> Result<SharedGate, Unusable> {
    use crate::wcp::rego::fenced::FencedGate;
    use crate::wcp::rego::{RegoError, RegoGate, RegoLimits};
    use crate::wcp::rego_document::has_budget;
    if let Some(program) = evaluator {
        let gate = FencedGate::of_document(program, content.clone());
        return match gate {
            Ok(gate) => Ok(Arc::new(gate)),
            Err(RegoError::CouldNotEvaluate { .. }) => Err(Unusable::NotEvaluated),
            Err(error) => Err(malformed(&error)),
        };
    }
    if !has_budget(content) {
        return Err(Unusable::NotRunnable);
    }
    let gate = RegoGate::from_document(content, RegoLimits::default());
    let gate = gate.map_err(|error| malformed(&error))?;
    Ok(Arc::new(gate))
}

#[cfg(not(feature = "rego"))]
fn gate(_content: &Value, _evaluator: Option<&Path>) -> Result<SharedGate, Unusable> {
    Err(Unusable::NotRunnable)
}

struct Compiled<T, const MOST: usize = COMPILED>(
    RwLock<HashMap<DocumentDigest, Result<Arc<T>, Unusable>>>,
);

impl<T, const MOST: usize> Default for Compiled<T, MOST> {
    fn default() -> Compiled<T, MOST> {
        Compiled(RwLock::default())
    }
}

impl<T, const MOST: usize> Compiled<T, MOST> {
    fn get(&self, digest: DocumentDigest) -> Option<Result<Arc<T>, Unusable>> {
        let made = self.0.read().unwrap_or_else(PoisonError::into_inner);
        made.get(&digest).cloned()
    }

    fn put(&self, digest: DocumentDigest, result: Result<Arc<T>, Unusable>) {
        let mut made = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= MOST {
            made.clear();
        }
        made.insert(digest, result);
    }
}
