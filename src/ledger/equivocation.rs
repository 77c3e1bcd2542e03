//! Proof that a key said two things where it could say one, in one file that a
//! third party checks with the key alone.
//!
//! What counts, always both validly signed by the one key:
//!
//! | kind | the two | in common | differ in |
//! |---|---|---|---|
//! | `entries` | entries | `prev_hash`, not zero | hash |
//! | `openings` | first entries of two books | the predecessor that they name | hash |
//! | `epochs` | epoch headers | log, genesis, `epoch` | anything |
//! | `heads` | head statements | log, genesis, `seq` | `hash` |
//! | `checkpoints` | checkpoints of the public log | name, size | root |
//! | `growth` | the same, of two sizes | name | the older root and what a proof says it is |
//! | `index` | an entry in its epoch, and the index of the log | log, genesis | what the index counts, and the entry |
//!
//! Two entries without one before them are no equivocation by themselves: a key
//! may begin many logbooks. Two heads may be stated at two times and still say
//! the same.
//!
//! # The file
//! Three lines of canonical JSON, each with a newline, the two statements in
//! the order of their bytes, so that the same evidence is the same file:
//! ```text
//! {"equivocation":{"format":1,"kind":"entries","log":"<key, 64 hex digits>"}}
//! {"entry":{"kind":…,"payload":{…},"prev_hash":"…","signature":"…","ts":"…"}}
//! {"entry":{"kind":…,"payload":{…},"prev_hash":"…","signature":"…","ts":"…"}}
//! ```
//! Headers and heads stand as they are signed: `{"epoch":{…},"key","signature"}`. A
//! checkpoint is `{"checkpoint":"…"}`, the note under the log's own signature alone; and
//! of two sizes a fourth line follows, `{"growth":{"path":[…],"root":"…"}}`. Of `index`,
//! which is of format 2, the sides are a whole proof of the entry and the line
//! `{"index":{…}}` of a bundle, and a fourth line follows where the index counts entries:
//! `{"counted":[{"leaf","seq"},…]}`, or a pair of such lists where halves are joined.
//! Any other spelling is refused.
//!
//! # The verdict
//! `pass` says that **the proof holds**: the key did equivocate. It says nothing
//! good about the key; the report carries the warning `equivocation_proven`. A
//! proof that does not hold fails as `proof_invalid`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::bundle_line;
use super::entry::{Entry, EntryError};
use super::epoch::SignedEpoch;
use super::hash::Hash;
use super::head::SignedHead;
use super::index::proof::{TermProof, TermProofError};
use super::json::{Form, Object, Value};
use super::key::PublicKey;
use super::kind;
use super::limits;
use super::opening::{Opening, Predecessor};
use super::parse::{self, ParseError};
use super::proof::{InclusionProof, ProofError};
use super::shape::{self, MemberError};
use super::statement::{Statement, StatementError};
use super::tlog::checkpoint::{SignedCheckpoint, SignedCheckpointError};
use super::version::{self, Unsupported, Version};

mod checkpoints;
mod contradiction;
mod denied;

pub use checkpoints::Growth;
pub use contradiction::Contradiction;
use contradiction::OF_INDEX;
pub(crate) use denied::has_term;
pub use denied::{Counted, CountedEntry};

#[derive(Clone, Debug, PartialEq)]
pub enum Signed {
    Entry(Box<Entry>),
    Epoch(Box<SignedEpoch>),
    Head(Box<SignedHead>),
    Checkpoint(Box<SignedCheckpoint>),
    /// An entry in its epoch.
    Included(Box<InclusionProof>),
    /// What the index says of a term.
    Term(Box<TermProof>),
}

/// A proven equivocation. [`Equivocation::prove`] and [`Equivocation::parse`],
/// which check everything, are the only ways to have one.
#[derive(Clone, Debug, PartialEq)]
pub struct Equivocation {
    log: PublicKey,
    contradiction: Contradiction,
    sides: [Signed; 2],
    /// Of two checkpoints of two sizes.
    growth: Option<Growth>,
    /// Of an index that counts entries with the term: which.
    counted: Option<Counted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotProven {
    #[error("the signature of one side is not the key's")]
    Signature,
    #[error("both sides say the same")]
    Same,
    #[error("the two sides do not contradict each other")]
    Unrelated,
    #[error("the proof does not lead from the older size to the newer checkpoint")]
    Growth,
    #[error("the path does not lead from the entry to the root of its epoch")]
    Inclusion,
    #[error("what is shown of the index does not lead to its header")]
    Index,
    #[error("the entries that are listed are not those that the index counts")]
    Counted,
    #[error("the index counts more entries than a line can list")]
    TooMany,
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum EquivocationError {
    #[error("it has not exactly three lines, or four with a proof of growth or what is counted")]
    Lines,
    #[error("line {line}: {error}")]
    Json { line: usize, error: ParseError },
    #[error("line {line}: {error}")]
    Member { line: usize, error: MemberError },
    #[error("line {line}: {error}")]
    Entry { line: usize, error: EntryError },
    #[error("line {line}: {error}")]
    Statement { line: usize, error: StatementError },
    #[error("line {line}: {error}")]
    Checkpoint {
        line: usize,
        error: SignedCheckpointError,
    },
    #[error("line {line}: {error}")]
    Proof { line: usize, error: ProofError },
    #[error("line {line}: {error}")]
    Term { line: usize, error: TermProofError },
    #[error("it is not in canonical form")]
    Spelling,
    #[error(transparent)]
    NotProven(#[from] NotProven),
}

impl Equivocation {
    /// Checks that `log` signed both and that both cannot stand.
    pub fn prove(log: PublicKey, a: Signed, b: Signed) -> Result<Equivocation, NotProven> {
        let contradiction = contradiction(&a, &b)?;
        let sides = [a, b].map(|side| side.signed_by(log));
        let [Some(a), Some(b)] = sides else {
            return Err(NotProven::Signature);
        };
        Ok(Equivocation {
            log,
            contradiction,
            sides: in_order([a, b]),
            growth: None,
            counted: None,
        })
    }

    pub const fn log(&self) -> PublicKey {
        self.log
    }

    pub const fn contradiction(&self) -> &Contradiction {
        &self.contradiction
    }

    /// The entry that acknowledges a rollback, if one of the two is one. What
    /// was lost it names itself; whether that is the other side's history shows
    /// in the copies, not here.
    pub fn rollback(&self) -> Option<&Entry> {
        self.sides.iter().find_map(|side| match side {
            Signed::Entry(entry) if entry.kind() == kind::ROLLBACK => Some(&**entry),
            _ => None,
        })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = opening_line(self.log, &self.contradiction);
        for side in &self.sides {
            bytes.push(b'\n');
            bytes.extend_from_slice(&side.to_line());
        }
        if let Some(growth) = &self.growth {
            bytes.push(b'\n');
            bytes.extend_from_slice(&growth.to_line());
        }
        if let Some(counted) = &self.counted {
            bytes.push(b'\n');
            bytes.extend_from_slice(&denied::to_line(counted));
        }
        bytes.push(b'\n');
        bytes
    }

    /// The inverse of [`Equivocation::to_bytes`], checked in full.
    pub fn parse(bytes: &[u8]) -> Result<Equivocation, EquivocationError> {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let (opening, first, second, more) = match lines.as_slice() {
            [opening, first, second, []] => (opening, first, second, None),
            [opening, first, second, more, []] => (opening, first, second, Some(*more)),
            _ => return Err(EquivocationError::Lines),
        };
        let (log, of_index) = read_opening(opening)?;
        let proven = match of_index {
            true => {
                let (entry, term, counted) = denied::read([first, second], more)?;
                Equivocation::prove_index(log, entry, term, counted)?
            }
            false => Equivocation::of_sides(log, [first, second], more)?,
        };
        if proven.to_bytes() == bytes {
            Ok(proven)
        } else {
            Err(EquivocationError::Spelling)
        }
    }

    /// Two statements, and what stands behind them.
    fn of_sides(
        log: PublicKey,
        [first, second]: [&[u8]; 2],
        growth: Option<&[u8]>,
    ) -> Result<Equivocation, EquivocationError> {
        let sides = (read_side(first, 2)?, read_side(second, 3)?);
        Ok(match (sides, growth) {
            ((a, b), None) => Equivocation::prove(log, a, b)?,
            ((Signed::Checkpoint(a), Signed::Checkpoint(b)), Some(growth)) => {
                let growth = Growth::from_line(growth)?;
                let (old, new) = match a.content().size <= b.content().size {
                    true => (&a, &b),
                    false => (&b, &a),
                };
                Equivocation::prove_growth(log, old, new, growth)?
            }
            _ => return Err(EquivocationError::Lines),
        })
    }

    /// Refuses a format that is not known.
    ///
    /// # Errors
    /// [`Unsupported`] names it.
    #[cfg_attr(
        not(feature = "store"),
        expect(dead_code, reason = "who reads files asks for it")
    )]
    pub(crate) fn known(bytes: &[u8]) -> Result<(), Unsupported> {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let value = parse::parse(line).ok();
        let members = value.as_ref().and_then(|value| value.get("equivocation"));
        match members.and_then(Value::as_object) {
            Some(members) => version::known(members),
            None => Ok(()),
        }
    }

    pub fn looks_like(object: &Object) -> bool {
        object.contains_key("equivocation")
    }
}

impl Signed {
    /// Itself, if `log` signed it.
    fn signed_by(self, log: PublicKey) -> Option<Signed> {
        let signed = match &self {
            Signed::Entry(entry) => log.verify(entry.signing_payload(), &entry.signature()),
            Signed::Epoch(epoch) => epoch.content.log == log && epoch.verify(),
            Signed::Head(head) => head.content.log == log && head.verify(),
            Signed::Checkpoint(kept) => {
                let own = checkpoints::reduced(log, kept)?;
                return Some(Signed::Checkpoint(Box::new(own)));
            }
            // Judged as a whole, with what it stands under.
            Signed::Included(_) | Signed::Term(_) => false,
        };
        signed.then_some(self)
    }

    fn to_line(&self) -> Vec<u8> {
        match self {
            Signed::Entry(entry) => {
                let mut line = ENTRY.to_vec();
                entry.write_json(None, &mut line);
                line.push(b'}');
                line
            }
            Signed::Epoch(epoch) => epoch.to_value().canonical(Form::Utf8).into_bytes(),
            Signed::Head(head) => head.to_value().canonical(Form::Utf8).into_bytes(),
            Signed::Checkpoint(kept) => checkpoints::to_line(kept),
            Signed::Included(proof) => proof.to_bytes().trim_ascii_end().to_vec(),
            Signed::Term(proof) => proof.to_value().canonical(Form::Utf8).into_bytes(),
        }
    }
}

/// In the order of their bytes.
fn in_order([a, b]: [Signed; 2]) -> [Signed; 2] {
    match a.to_line() <= b.to_line() {
        true => [a, b],
        false => [b, a],
    }
}

const ENTRY: &[u8] = b"{\"entry\":";

fn contradiction(a: &Signed, b: &Signed) -> Result<Contradiction, NotProven> {
    match (a, b) {
        (Signed::Entry(a), Signed::Entry(b)) if a.hash() == b.hash() => Err(NotProven::Same),
        (Signed::Entry(a), Signed::Entry(b)) if a.prev_hash() != b.prev_hash() => {
            Err(NotProven::Unrelated)
        }
        (Signed::Entry(a), _) if a.prev_hash() == Hash::ZERO => two_openings(a, b),
        (Signed::Entry(a), Signed::Entry(_)) => Ok(Contradiction::Entries {
            after: a.prev_hash(),
        }),
        (Signed::Epoch(a), Signed::Epoch(b)) => {
            let (a, b) = (&a.content, &b.content);
            if (a.log, a.genesis, a.epoch) != (b.log, b.genesis, b.epoch) {
                Err(NotProven::Unrelated)
            } else if a == b {
                Err(NotProven::Same)
            } else {
                Ok(Contradiction::Epochs {
                    genesis: a.genesis,
                    epoch: a.epoch,
                })
            }
        }
        (Signed::Head(a), Signed::Head(b)) => {
            let (a, b) = (&a.content, &b.content);
            if (a.log, a.genesis, a.seq) != (b.log, b.genesis, b.seq) {
                Err(NotProven::Unrelated)
            } else if a.hash == b.hash {
                Err(NotProven::Same)
            } else {
                Ok(Contradiction::Heads {
                    genesis: a.genesis,
                    seq: a.seq,
                })
            }
        }
        (Signed::Checkpoint(a), Signed::Checkpoint(b)) => checkpoints::of_one_size(a, b),
        _ => Err(NotProven::Unrelated),
    }
}

fn two_openings(a: &Entry, b: &Signed) -> Result<Contradiction, NotProven> {
    let Signed::Entry(b) = b else {
        return Err(NotProven::Unrelated);
    };
    match (predecessor_of(a), predecessor_of(b)) {
        (Some(a), Some(b)) if a == b => Ok(Contradiction::Openings { predecessor: a }),
        _ => Err(NotProven::Unrelated),
    }
}

fn predecessor_of(entry: &Entry) -> Option<Predecessor> {
    if entry.kind() != kind::OPEN {
        return None;
    }
    let payload = entry.check_payload().ok()?;
    Opening::from_object(&payload).ok()?.predecessor
}

fn opening_line(log: PublicKey, contradiction: &Contradiction) -> Vec<u8> {
    let equivocation = OpeningLine {
        format: match contradiction {
            Contradiction::Index { .. } => Version::Two,
            _ => Version::One,
        },
        kind: contradiction.name(),
        log,
    };
    bundle_line::line_of("equivocation", shape::write(&equivocation))
}

/// What the first line says. That the kind is the right word shows when the
/// file is spelled again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningLine<'l> {
    format: Version,
    kind: &'l str,
    log: PublicKey,
}

/// The key, and whether it speaks of an index.
fn read_opening(line: &[u8]) -> Result<(PublicKey, bool), EquivocationError> {
    let value = parse::parse(line).map_err(|error| EquivocationError::Json { line: 1, error })?;
    opening_key(&value).map_err(|error| EquivocationError::Member { line: 1, error })
}

fn opening_key(value: &Value) -> Result<(PublicKey, bool), MemberError> {
    let members = shape::members(value)?;
    shape::only(members, &["equivocation"])?;
    let opening: OpeningLine<'_> = shape::member(members, "equivocation")?;
    Ok((opening.log, opening.kind == OF_INDEX))
}

fn read_side(text: &[u8], line: usize) -> Result<Signed, EquivocationError> {
    if let Some(entry) = text
        .strip_prefix(ENTRY)
        .and_then(|rest| rest.strip_suffix(b"}"))
    {
        let entry = Entry::from_logbook_line(entry);
        let entry = entry.map_err(|error| EquivocationError::Entry { line, error })?;
        return Ok(Signed::Entry(Box::new(entry)));
    }
    let value = parse::parse_with(text, &limits::embedded(1))
        .map_err(|error| EquivocationError::Json { line, error })?;
    if value.get("checkpoint").is_some() {
        let checkpoint = checkpoints::from_value(&value, line)?;
        return Ok(Signed::Checkpoint(Box::new(checkpoint)));
    }
    let failed = |error| EquivocationError::Statement { line, error };
    if value.get("epoch").is_some() {
        let epoch = Statement::from_value(&value).map_err(failed)?;
        return Ok(Signed::Epoch(Box::new(epoch)));
    }
    let head = Statement::from_value(&value).map_err(failed)?;
    Ok(Signed::Head(Box::new(head)))
}
