//! What one answer to `add-checkpoint` says.

use super::{Answered, Submission, fault_of};
use crate::ledger::note::{NoteSignature, SIGNATURES};
use crate::ledger::witness_policy::Witness;
use crate::ledger::witnessing::{Answer, CLOCK_TOLERANCE, Cosigned, WitnessFault, time_of};

/// The media type of the size in a 409.
const SIZE: &str = "text/x.tlog.size";

/// Reads an answer, and checks the cosignature in it.
pub(super) fn read(witness: &Witness, submission: Submission<'_>, answered: Answered) -> Answer {
    let fetched = match answered {
        Ok(fetched) => fetched,
        Err(error) => return Answer::Fault(fault_of(&error)),
    };
    match fetched.status {
        200 => match cosigned(witness, submission, &fetched.body) {
            Ok(cosigned) => Answer::Cosigned(cosigned),
            Err(fault) => Answer::Fault(fault),
        },
        409 if fetched.media_type == SIZE => match size_of(&fetched.body) {
            Some(size) => Answer::HasSize(size),
            None => Answer::Fault(WitnessFault::NoSize),
        },
        409 => Answer::Fault(WitnessFault::NoSize),
        422 => Answer::Unprovable,
        404 => Answer::Fault(WitnessFault::UnknownLog),
        403 => Answer::Fault(WitnessFault::Untrusted),
        status => Answer::Fault(WitnessFault::Status(status)),
    }
}

/// A size in decimal without leading zeros, and a newline.
fn size_of(body: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(body.strip_suffix(b"\n")?).ok()?;
    let size = digits.parse::<u64>().ok()?;
    (size.to_string() == digits).then_some(size)
}

/// The witness's own cosignature among the lines; those of keys that nobody
/// knows are passed over.
fn cosigned(
    witness: &Witness,
    submission: Submission<'_>,
    body: &[u8],
) -> Result<Cosigned, WitnessFault> {
    let body = str::from_utf8(body)
        .ok()
        .and_then(|text| text.strip_suffix('\n'));
    let lines = body.map(|body| body.split('\n').take(SIGNATURES + 1));
    let lines = lines.map(|lines| {
        lines
            .map(NoteSignature::parse)
            .collect::<Result<Vec<_>, _>>()
    });
    let lines = lines
        .and_then(Result::ok)
        .filter(|lines| lines.len() <= SIGNATURES);
    let lines = lines.ok_or(WitnessFault::NotSignatures)?;
    let key = &witness.key;
    let its = |line: &NoteSignature| line.name == *key.name() && line.id == key.id();
    let line = lines.into_iter().find(its).ok_or(WitnessFault::NotItsKey)?;
    let vouched = key.verify_line(submission.checkpoint.note().text(), &line)?;
    let at = time_of(vouched).ok_or(WitnessFault::NoTime)?;
    if at.micros_since(submission.now) > CLOCK_TOLERANCE {
        return Err(WitnessFault::Future(at));
    }
    Ok(Cosigned { line, at })
}
