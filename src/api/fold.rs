//! A log verified by parts: epochs of a bucket, or bundles of whole epochs, each by
//! itself, and folded.

use std::io::{BufRead, BufReader, Read};

use super::compression::AtMost;
use super::stream::recognise;
use super::{Error, Policy, Report, Verdict};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::Format;
#[cfg(feature = "bucket")]
use crate::ledger::fold::PartFault;
use crate::ledger::fold::{FoldPart, Folding};
use crate::ledger::source::{ReadError, Source};
use crate::ledger::verify::verify;

/// Verifies a bundle of whole epochs, and gives what joins it to those beside it; nothing
/// of one that fails.
///
/// # Errors
/// As [`verify`](super::verify()).
pub fn fold(file: impl Read + Send, policy: &Policy) -> Result<(Report, Option<FoldPart>), Error> {
    let (report, folded) = fold_through(file, policy, |bundle| bundle)?;
    Ok((report, folded.map(|(part, _)| part)))
}

/// A bundle that is read.
pub(crate) type Reading<'r> = BundleFile<Box<dyn BufRead + Send + 'r>>;

/// A bundle, opened.
pub(super) fn opened<'r>(file: impl Read + Send + 'r) -> Result<Reading<'r>, Error> {
    let recognised = recognise(file).map_err(ReadError::Io)?;
    if recognised.format != Some(Format::Bundle) {
        return Err(Error::NotRecognised { path: None });
    }
    recognised.one_frame.demand();
    let reader = BufReader::new(AtMost::new(recognised.reader, u64::MAX));
    Ok(BundleFile::open(
        Box::new(reader) as Box<dyn BufRead + Send + 'r>
    )?)
}

/// The same through something that looks at what goes by.
fn fold_through<'r, S: Source>(
    file: impl Read + Send + 'r,
    policy: &Policy,
    through: impl FnOnce(Reading<'r>) -> S,
) -> Result<(Report, Option<(FoldPart, S)>), Error> {
    let mut source = Folding::over(through(opened(file)?));
    let report = verify(&mut source, policy, &mut |_| ())?.report;
    let passed = report.verdict == Verdict::Pass;
    Ok((report, passed.then(|| source.finish())))
}

/// The part that is one epoch: verified, or what is wrong with it.
#[cfg(feature = "bucket")]
pub(super) fn fold_epoch(
    epoch: u64,
    stream: impl Read + Send,
    policy: &Policy,
) -> Result<FoldPart, Error> {
    Ok(fold_epoch_through(epoch, stream, policy, |bundle| bundle)?.0)
}

/// The same through something that looks at what goes by; it is given back of an epoch
/// that passed.
#[cfg(feature = "bucket")]
pub(super) fn fold_epoch_through<'r, S: Source>(
    epoch: u64,
    stream: impl Read + Send + 'r,
    policy: &Policy,
    through: impl FnOnce(Reading<'r>) -> S,
) -> Result<(FoldPart, Option<S>), Error> {
    use crate::ledger::fault::FaultCode;
    use crate::ledger::lines::damage;
    let failed = |fault| {
        let part = FoldPart {
            runs: Vec::new(),
            faults: vec![fault],
        };
        (part, None)
    };
    let (report, folded) = match fold_through(stream, policy, through) {
        Ok(folded) => folded,
        Err(Error::Read(ReadError::Io(error))) if damage(&error).is_some() => {
            let detail = "the bundle does not decompress";
            let fault = PartFault::new(epoch, FaultCode::BundleCorrupt, detail);
            return Ok(failed(fault));
        }
        Err(Error::NotRecognised { .. }) => {
            let detail = "the object is not a bundle";
            let fault = PartFault::new(epoch, FaultCode::BundleCorrupt, detail);
            return Ok(failed(fault));
        }
        Err(error) => return Err(error),
    };
    let Some((part, through)) = folded else {
        let first = report.faults.first();
        let code = first.map_or(FaultCode::BundleCorrupt, |fault| fault.code);
        let detail = first.map_or("", |fault| fault.detail.as_str());
        return Ok(failed(PartFault::new(epoch, code, detail)));
    };
    let is_this = |part: &FoldPart| match part.runs.as_slice() {
        [run] => (run.first.epoch.0, run.epochs) == (epoch, 1),
        _ => false,
    };
    if is_this(&part) {
        return Ok((part, Some(through)));
    }
    let found = part.runs.first().map(|run| run.first.epoch.0);
    let detail = match found {
        Some(found) => format!("the bundle holds epoch {found}"),
        None => "the bundle holds no epoch".to_owned(),
    };
    Ok(failed(PartFault::new(
        epoch,
        FaultCode::EpochInvariant,
        &detail,
    )))
}
