//! Inclusion proofs: one entry, its epoch's header, and the siblings between
//! its leaf and the root. One canonical JSON object and a newline.

use thiserror::Error;

use super::bundle_line::uses;
use super::entry::{Entry, EntryError};
use super::epoch::SignedEpoch;
use super::fault::{Fault, FaultCode, Format, NotChecked};
use super::hash::Hash;
use super::json::{Form, Object};
use super::limits;
use super::parse::{self, ParseError};
use super::position::Seq;
use super::shape::{self, MemberError, MemberProblem};
use super::source::{Event, Raw, ReadError, Source, Subject};
use super::statement::{Statement, StatementError};
use super::version::{self, Unsupported, Version};

/// Bytes of a proof beside its entries and its path, about.
const BESIDE: usize = 2_048;

/// A proof as read or made; [`verify`](super::verify::verify) judges it.
#[derive(Clone, Debug, PartialEq)]
pub struct InclusionProof {
    pub seq: Seq,
    pub entry: Entry,
    pub epoch: SignedEpoch,
    /// The siblings from the leaf up.
    pub path: Vec<Hash>,
    /// The log's entry 0, from version 2 on.
    pub opening: Option<Entry>,
}

/// Why a text is not a proof.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ProofError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("entry: {0}")]
    Entry(#[from] EntryError),
    #[error("epoch: {0}")]
    Epoch(#[from] StatementError),
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    #[error("the proof is not in canonical form, one line with a newline")]
    Spelling,
}

impl InclusionProof {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let digits = 2 * Hash::BYTES + r#""","#.len();
        let records = self.entry.record().len()
            + self.opening.iter().map(|o| o.record().len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(records + self.path.len() * digits + BESIDE);
        bytes.extend_from_slice(b"{\"entry\":");
        self.entry.write_json(Some(self.seq), &mut bytes);
        bytes.extend_from_slice(b",\"epoch\":");
        self.epoch
            .to_value()
            .write_canonical(Form::Utf8, &mut bytes);
        if let Some(opening) = &self.opening {
            bytes.extend_from_slice(b",\"format\":2,\"opening\":");
            opening.write_json(None, &mut bytes);
        }
        bytes.extend_from_slice(b",\"path\":");
        bytes.push(b'[');
        for (at, sibling) in self.path.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            bytes.extend_from_slice(format!("{comma}\"{sibling}\"").as_bytes());
        }
        bytes.push(b']');
        if self.opening.is_some() {
            bytes.extend_from_slice(b",\"uses\":");
            let uses = uses(self.epoch.content.index.is_some(), false);
            shape::write(&uses).write_canonical(Form::Utf8, &mut bytes);
        }
        bytes.extend_from_slice(b"}\n");
        bytes
    }

    /// Reads a proof and refuses any but its one spelling.
    pub fn from_bytes(bytes: &[u8]) -> Result<InclusionProof, ProofError> {
        let value = parse::parse_with(bytes, &limits::embedded(2))?;
        let members = shape::members(&value)?;
        version::known(members)?;
        let (seq, entry) = Entry::from_value(shape::given(members, "entry")?, "entry")?;
        let epoch: SignedEpoch = Statement::from_value(shape::given(members, "epoch")?)?;
        let path = shape::member(members, "path")?;
        let opening = match Version::of_object(members) {
            Version::One if epoch.content.index.is_some() => {
                return Err(MemberError::from(MemberProblem::Missing)
                    .inside("format")
                    .into());
            }
            Version::One => None,
            Version::Two => {
                let opening = shape::given(members, "opening")?;
                Some(Entry::from_unnumbered(opening, "opening")?)
            }
        };
        shape::only(
            members,
            match opening {
                None => &["entry", "epoch", "path"],
                Some(_) => &["entry", "epoch", "format", "opening", "path", "uses"],
            },
        )?;
        let proof = InclusionProof {
            seq,
            entry,
            epoch,
            path,
            opening,
        };
        if proof.to_bytes() == bytes {
            Ok(proof)
        } else {
            Err(ProofError::Spelling)
        }
    }

    /// The members of a proof file, for telling it from other files.
    pub fn looks_like(object: &Object) -> bool {
        ["entry", "epoch", "path"]
            .iter()
            .all(|name| object.contains_key(name))
    }
}

/// A proof file as a source.
pub struct ProofFile {
    proof: Result<InclusionProof, ProofError>,
    given: bool,
}

impl ProofFile {
    /// Reads a proof. If it is none, the first event is the fault.
    pub fn new(bytes: &[u8]) -> ProofFile {
        ProofFile {
            proof: InclusionProof::from_bytes(bytes),
            given: false,
        }
    }
}

impl Source for ProofFile {
    fn subject(&self) -> Subject {
        let proof = self.proof.as_ref().ok();
        Subject {
            format: Format::Proof,
            log: proof.map(|p| p.epoch.content.log),
            genesis: proof.map(|p| p.epoch.content.genesis),
            first_seq: proof.map_or(Seq::FIRST, |p| p.seq),
            last_seq: proof.map(|p| p.seq),
            contiguous: false,
            not_checked: vec![NotChecked::Chain],
        }
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        if std::mem::replace(&mut self.given, true) {
            return Ok(());
        }
        match &self.proof {
            Ok(proof) => {
                if let Some(opening) = &proof.opening {
                    let read = Raw::Read(None, Box::new(opening.clone()), None);
                    batch.push(Event::Opening(read, None));
                }
                let (entry, path) = (Box::new(proof.entry.clone()), proof.path.clone());
                batch.push(Event::Epoch(Box::new(proof.epoch.clone()), None));
                let read = Raw::Read(Some(proof.seq), entry, Some(path));
                batch.push(Event::Entry(read, None));
            }
            Err(ProofError::Unsupported(unsupported)) => return Err(unsupported.clone().into()),
            Err(error) => {
                let fault = Fault::of_file(FaultCode::ProofInvalid, error.to_string());
                batch.push(Event::Fault(fault));
            }
        }
        Ok(())
    }
}
