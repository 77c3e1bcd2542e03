//! The part of a registry that a decision consulted.

use std::sync::Arc;

use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};
use crate::wcp::basis::{Basis, Standing};
use crate::wcp::consulted::Consulted;
use crate::wcp::terms::Env;

/// What was consulted of a registry, so that the same can be asked again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistrySlice {
    /// Each control that was asked for, and whether it was present.
    pub controls: Vec<(Arc<str>, bool)>,
    /// Each candidate once, in rank order.
    pub candidates: Vec<Candidate>,
    /// Whether there was a source of envelopes and allow-lists.
    pub privileges_configured: bool,
    /// Whether there was a source of code hashes.
    pub attestation_configured: bool,
    /// What may be reached from the environment of the request; none if
    /// nothing is configured, or no candidate was looked at.
    pub egress_allowlist: Option<Arc<[String]>>,
    /// Of the sorted record digests of the whole registry.
    pub digest: Option<Hash>,
}

/// A worker species that was considered.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The species.
    pub worker_species_id: Arc<str>,
    /// Whether it was available.
    pub available: bool,
    /// Its privilege envelope.
    pub envelope: Option<Arc<Object>>,
    /// The hash that its code should have, malformed or not.
    pub registered_hash: Option<String>,
    /// The `artifact_hash` of its worker's record.
    pub artifact_hash: Option<Arc<str>>,
    /// The worker that stands for it.
    pub worker_id: Option<Arc<str>>,
    /// Whether that may be dispatched to.
    pub standing: Standing,
    /// A hash that was submitted for that and is not confirmed.
    pub pending_hash: Option<Arc<str>>,
}

impl RegistrySlice {
    /// What a registry was asked for a decision in `env`, and what belongs to
    /// the candidates that it named.
    #[must_use]
    pub fn of(consulted: &Consulted, basis: &Basis<'_>, env: Env) -> RegistrySlice {
        let registry = basis.registry;
        let mut candidates: Vec<Candidate> = Vec::with_capacity(consulted.workers.len());
        for (species, available) in &consulted.workers {
            if candidates.iter().any(|c| c.worker_species_id == *species) {
                continue;
            }
            let worker = registry.worker_of(species);
            candidates.push(Candidate {
                worker_species_id: species.clone(),
                available: *available,
                envelope: registry.privilege_envelope(species),
                registered_hash: registry.registered_hash(species),
                standing: worker.as_ref().map_or(Standing::Active, |w| w.standing),
                pending_hash: worker.as_ref().and_then(|w| w.pending_hash.clone()),
                artifact_hash: worker.as_ref().map(|w| w.artifact_hash.clone()),
                worker_id: worker.map(|w| w.worker_id),
            });
        }
        let asked = !candidates.is_empty();
        RegistrySlice {
            controls: consulted.controls.clone(),
            candidates,
            privileges_configured: registry.has_privileges(),
            attestation_configured: registry.has_code_hashes(),
            egress_allowlist: asked.then(|| registry.egress_allowlist(env)).flatten(),
            digest: registry.records_digest(),
        }
    }

    /// A candidate by its species.
    #[must_use]
    pub fn candidate(&self, worker_species_id: &str) -> Option<&Candidate> {
        let mut candidates = self.candidates.iter();
        candidates.find(|c| *c.worker_species_id == *worker_species_id)
    }

    /// The slice as it is recorded, every member present.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let controls = self.controls.iter();
        let controls: Object = controls
            .map(|(id, there)| (id.to_string(), *there))
            .collect();
        let candidates = self.candidates.iter().map(Candidate::to_value);
        let allowlist = self.egress_allowlist.as_deref().map(texts);
        let members: Object = [
            ("controls", Value::Object(controls)),
            ("candidates", Value::Array(candidates.collect())),
            (
                "privileges_configured",
                Value::from(self.privileges_configured),
            ),
            (
                "attestation_configured",
                Value::from(self.attestation_configured),
            ),
            ("egress_allowlist", Value::from(allowlist)),
            // Not spelt as a document's digest, for it names none.
            (
                "digest",
                Value::from(self.digest.map(|hash| hash.to_string())),
            ),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }

    /// The inverse of [`RegistrySlice::to_value`].
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn read(mut members: Members<'_>) -> Result<RegistrySlice, MemberError> {
        let m = &mut members;
        let mut named = m.nested("controls")?;
        let names: Vec<&str> = named.names().collect();
        let controls = names.iter().map(|id| Ok((Arc::from(*id), named.bool(id)?)));
        let at = m.path("candidates");
        let candidates = m.array("candidates")?.iter().enumerate();
        let candidates =
            candidates.map(|(index, item)| Candidate::read(item, &format!("{at}[{index}]")));
        let slice = RegistrySlice {
            controls: controls.collect::<Result<_, MemberError>>()?,
            candidates: candidates.collect::<Result<_, _>>()?,
            privileges_configured: m.bool("privileges_configured")?,
            attestation_configured: m.bool("attestation_configured")?,
            egress_allowlist: allowlist(m)?,
            digest: m.opt_hex("digest")?.map(Hash::from_bytes),
        };
        members.finish()?;
        Ok(slice)
    }
}

impl Candidate {
    fn to_value(&self) -> Value {
        let envelope = self.envelope.as_deref().cloned();
        let mut members: Object = [
            ("worker_species_id", Value::from(&*self.worker_species_id)),
            ("available", Value::from(self.available)),
            ("envelope", Value::from(envelope)),
            ("registered_hash", Value::from(self.registered_hash.clone())),
            ("artifact_hash", Value::from(self.artifact_hash.as_deref())),
        ]
        .into_iter()
        .collect();
        // Said only where there is something to say, as entries were before.
        if let Some(worker_id) = &self.worker_id {
            members.insert("worker_id", &**worker_id);
        }
        if self.standing != Standing::Active {
            members.insert("standing", self.standing.as_str());
        }
        if let Some(hash) = &self.pending_hash {
            members.insert("pending_hash", &**hash);
        }
        Value::Object(members)
    }

    fn read(value: &Value, at: &str) -> Result<Candidate, MemberError> {
        let mut members = Members::of(value, at)?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let shared = |text: Option<&str>| text.map(Arc::from);
        let candidate = Candidate {
            worker_species_id: Arc::from(members.str("worker_species_id")?),
            available: members.bool("available")?,
            envelope: members.opt_object("envelope")?.cloned().map(Arc::new),
            registered_hash: owned(members.opt_str("registered_hash")?),
            artifact_hash: shared(members.opt_str("artifact_hash")?),
            worker_id: shared(members.opt_str("worker_id")?),
            standing: match members.opt_str("standing")? {
                None => Standing::Active,
                Some(text) => Standing::parse(text).ok_or_else(|| {
                    let expected = "active, revoked or banned";
                    members.error(
                        "standing",
                        MemberProblem::BadValue {
                            expected: expected.into(),
                        },
                    )
                })?,
            },
            pending_hash: shared(members.opt_str("pending_hash")?),
        };
        members.finish()?;
        Ok(candidate)
    }
}

fn texts(texts: &[String]) -> Value {
    Value::Array(
        texts
            .iter()
            .map(|text| Value::from(text.as_str()))
            .collect(),
    )
}

fn allowlist(members: &mut Members<'_>) -> Result<Option<Arc<[String]>>, MemberError> {
    let Some(items) = members.opt_array("egress_allowlist")? else {
        return Ok(None);
    };
    let expected = "a list of strings";
    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    texts.map(|texts| Some(texts.into())).ok_or_else(|| {
        members.error(
            "egress_allowlist",
            MemberProblem::WrongType {
                expected: expected.into(),
            },
        )
    })
}
