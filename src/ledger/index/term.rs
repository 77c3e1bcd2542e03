//! Terms: what the signed index counts, and where each stands in it.
//!
//! The terms of an entry are a closed function of its kind and payload, part of the
//! format: what a program registers beside it changes nothing here.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::hash::Hash;
use super::super::json::{Form, Value};
use super::super::kind;
use super::super::names::{self, Rules};
use super::super::shape::{self, MemberError};
use super::vrf::{VrfKey, VrfOutput, VrfProof, VrfSecret};

/// What a term is a value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The kind.
    Kind,
    /// `tenant_id`, a string.
    Tenant,
    /// The canonical JSON of a `tenant_id` that is not a string.
    TenantJson,
    /// `correlation_id`.
    Correlation,
    /// A worker or a species of workers.
    Worker,
    /// Whether it denied: `true` or `false`.
    Denied,
}

impl Field {
    /// All of them.
    pub const ALL: [Field; 6] = [
        Field::Kind,
        Field::Tenant,
        Field::TenantJson,
        Field::Correlation,
        Field::Worker,
        Field::Denied,
    ];

    /// Its name in hashed bytes and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Kind => "kind",
            Field::Tenant => "tenant",
            Field::TenantJson => "tenant_json",
            Field::Correlation => "correlation",
            Field::Worker => "worker",
            Field::Denied => "denied",
        }
    }

    /// Whether its terms stand at places that only the log can find: there are few
    /// tenants and workers, and a reader that could find their places could try them all.
    #[must_use]
    pub const fn is_hidden(self) -> bool {
        matches!(self, Field::Tenant | Field::TenantJson | Field::Worker)
    }

    fn of(field: names::SearchField) -> Option<Field> {
        Some(match field {
            names::SearchField::Kind => Field::Kind,
            names::SearchField::Tenant => Field::Tenant,
            names::SearchField::TenantJson => Field::TenantJson,
            names::SearchField::Correlation => Field::Correlation,
            names::SearchField::Worker => Field::Worker,
            names::SearchField::Denied => Field::Denied,
            names::SearchField::Decision
            | names::SearchField::Document
            | names::SearchField::CorrelationJson
            | names::SearchField::DecisionJson
            | names::SearchField::WorkerJson => return None,
        })
    }
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// The field.
    pub field: Field,
    /// The value.
    pub value: String,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\"", self.field.name(), self.value)
    }
}

/// Where a hidden term stands, with the proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The term.
    pub term: Term,
    /// That its place is the one it must have.
    pub proof: VrfProof,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlacedLine {
    field: Field,
    placed: VrfProof,
    value: String,
}

impl Placed {
    /// The line of an archive, without its newline.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let line = shape::write(&PlacedLine {
            field: self.term.field,
            placed: self.proof,
            value: self.term.value.clone(),
        });
        line.canonical(Form::Utf8).into_bytes()
    }

    /// Reads the value of a line.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_value(value: &Value) -> Result<Placed, MemberError> {
        let line: PlacedLine = shape::read(value, "")?;
        Ok(Placed {
            term: Term::new(line.field, line.value),
            proof: line.placed,
        })
    }
}

impl Term {
    /// The term of a value.
    #[must_use]
    pub fn new(field: Field, value: impl Into<String>) -> Term {
        let value = value.into();
        Term { field, value }
    }

    /// Where it stands in the index of the log of `genesis`; `None` of a hidden
    /// one, whose place only the log can find ([`Term::place`]).
    #[must_use]
    pub fn open_place(&self, genesis: &Hash) -> Option<Hash> {
        let open = !self.field.is_hidden();
        open.then(|| self.place_of(genesis, self.value.as_bytes()))
    }

    /// Where a hidden term stands, and the proof.
    #[must_use]
    pub fn place(&self, genesis: &Hash, secret: &VrfSecret) -> (Hash, VrfProof) {
        let (output, proof) = secret.prove(&self.alpha(genesis));
        (self.place_of(genesis, &output), proof)
    }

    /// Where it stands, as `proof` shows of a hidden one; `None` if it does not, or
    /// if there is a proof where none is wanted.
    #[must_use]
    pub fn proven_place(
        &self,
        genesis: &Hash,
        key: &VrfKey,
        proof: Option<&VrfProof>,
    ) -> Option<Hash> {
        match (self.open_place(genesis), proof) {
            (Some(place), None) => Some(place),
            (None, Some(proof)) => {
                let output: VrfOutput = key.verify(&self.alpha(genesis), proof)?;
                Some(self.place_of(genesis, &output))
            }
            _ => None,
        }
    }

    fn alpha(&self, genesis: &Hash) -> Vec<u8> {
        self.bytes(b"sealbook:vrf:v1\x1f", genesis, self.value.as_bytes())
    }

    fn place_of(&self, genesis: &Hash, value: &[u8]) -> Hash {
        Hash::of(&self.bytes(b"sealbook:term:v1\x1f", genesis, value))
    }

    fn bytes(&self, domain: &[u8], genesis: &Hash, value: &[u8]) -> Vec<u8> {
        let name = self.field.name().as_bytes();
        [domain, genesis.as_bytes(), name, b"\x1f", value].concat()
    }
}

/// The terms of an entry, sorted, each once.
pub fn terms<'e>(kind: &'e str, payload: &'e [u8]) -> impl Iterator<Item = (Field, Cow<'e, str>)> {
    let facts = names::facts(kind, payload, &rules(kind)).into_iter();
    facts.filter_map(|(field, value)| Some((Field::of(field)?, value)))
}

/// What the kinds of the format say in members of their own.
#[must_use]
pub fn rules(kind: &str) -> Rules<'static> {
    Rules {
        denied: match kind {
            "wcp.attestation" => Some(("ok", "false")),
            "hall.enrolment" => Some(("enrolled", "false")),
            "manifest.verify" => Some(("outcome", r#""fail""#)),
            "vacant.card" => Some(("verdict", r#""fail""#)),
            "vacant.resident" => Some(("verified", "false")),
            _ => None,
        },
        named: &[],
        document: kind == kind::DOCUMENT,
        choice: kind == "wcp.decision",
    }
}
