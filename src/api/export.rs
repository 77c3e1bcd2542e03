//! Evidence for third parties: bundles of ranges and selections, and the log as a
//! logbook.

use std::io::Write;
use std::sync::Arc;

use crate::evidence::openings::Openings;
use crate::evidence::range::{RangeExport, export_range};
use crate::evidence::selection::{SelectionExport, export_selection};
use crate::evidence::term::export_absence;
use crate::ledger::bundle::BundleSink;
use crate::ledger::head::SignedHead;
use crate::ledger::index::term::Term;
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::ledger::version::Version;
use crate::logbook::entry_at;
use crate::store::Store;
use crate::store::query::Filter;

use super::{Error, Ledger};

pub use crate::evidence::selection::Unsealed;
pub use crate::evidence::term::Absence;

/// In which form entries are given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// A bundle: it proves itself, with the log's key alone.
    #[default]
    Bundle,
    /// A logbook, the exchange format of third parties: the log from its first
    /// entry on.
    Logbook,
}

/// What is to be given out.
pub struct Export<'a> {
    /// Which entries. A bundle of nothing but a range may carry its unsealed end,
    /// under a head; one of a selection leaves out what is not sealed.
    pub filter: &'a Filter,
    /// In which form.
    pub format: ExportFormat,
    /// In which version of the bundle format.
    pub version: Version,
    /// Which openings of redacted members go with them. A logbook has none, and so has a
    /// table.
    pub openings: Openings,
    /// What becomes of entries of a selection that no epoch seals yet.
    pub unsealed: Unsealed,
    /// Whether nobody signs a bundle's closing record.
    pub no_sign: bool,
    /// Told how many entries are written so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// What was given out, and what it lacks.
#[derive(Debug, Default)]
pub struct Exported {
    /// Entries in it.
    pub entries: u64,
    /// Entries that were asked for and left out: no epoch seals them yet.
    pub left_out: u64,
    /// Why there is no head for what is not sealed.
    pub headless: Option<Error>,
}

pub(super) fn export(
    ledger: &Ledger,
    what: Export<'_>,
    out: &mut dyn Write,
) -> Result<Exported, Error> {
    let range = what.filter.range();
    if what.format == ExportFormat::Logbook {
        let Some((Seq::FIRST, last)) = range else {
            return Err(Error::NotAPrefix);
        };
        let entries = logbook(ledger.store(), last, out, what.progress)?;
        return Ok(Exported {
            entries,
            ..Exported::default()
        });
    }
    evidence(ledger, what, out)
}

/// The bundle of a range or a selection, wherever it goes.
pub(super) fn evidence<S: BundleSink>(
    ledger: &Ledger,
    what: Export<'_>,
    out: S,
) -> Result<Exported, Error> {
    let signer = ledger.closing_signer(what.no_sign)?;
    match what.filter.range() {
        Some(range) => bundle(
            ledger,
            range,
            what.version,
            what.openings,
            signer.as_deref(),
            what.progress,
            out,
        ),
        None => {
            let export = SelectionExport {
                version: what.version,
                openings: what.openings,
                filter: what.filter,
                unsealed: what.unsealed,
                signer: signer.as_deref(),
                progress: what.progress,
            };
            let (_, selected) = export_selection(ledger.store(), out, export)?;
            Ok(Exported {
                entries: selected.closing.entries,
                left_out: selected.unsealed,
                ..Exported::default()
            })
        }
    }
}

impl Ledger {
    /// Writes the file that proves that no sealed entry has `term`. Nothing is written
    /// if one has.
    ///
    /// # Errors
    /// [`Error::Evidence`]: of a log without an index there is none.
    pub fn absent(
        &self,
        term: &Term,
        no_sign: bool,
        out: &mut dyn Write,
    ) -> Result<Absence, Error> {
        let signer = self.closing_signer(no_sign)?;
        Ok(export_absence(self.store(), out, term, signer.as_deref())?)
    }

    /// The key for a closing record, unless nobody is to sign: a bundle without a
    /// signed one can be cut by anybody, and does not pass.
    ///
    /// # Errors
    /// [`Error::NotSigned`] if the key is not at hand.
    pub fn closing_signer(&self, no_sign: bool) -> Result<Option<Arc<dyn Signer>>, Error> {
        if no_sign {
            return Ok(None);
        }
        let signer = self.signer();
        signer
            .map(Some)
            .map_err(|error| Error::NotSigned(Box::new(error)))
    }
}

fn bundle<S: BundleSink>(
    ledger: &Ledger,
    (first, last): (Seq, Seq),
    version: Version,
    openings: Openings,
    signer: Option<&dyn Signer>,
    progress: &mut dyn FnMut(u64),
    out: S,
) -> Result<Exported, Error> {
    let (head, headless) = match ledger.head() {
        Ok(head) => (Some(head), None),
        Err(error) => (None, Some(error)),
    };
    // What comes after the head is not asked for.
    let end = |head: &SignedHead| last.min(head.content.seq);
    let store = ledger.store();
    let export = RangeExport {
        version,
        openings,
        first,
        last: head.as_ref().map_or(last, end),
        head: head.as_ref(),
        signer,
        progress,
    };
    let end = Seq(store.count()?).min(Seq(export.last.0.saturating_add(1)));
    let (_, closing) = export_range(store, out, export)?;
    let wanted = end.0.saturating_sub(first.0);
    Ok(Exported {
        entries: closing.entries,
        left_out: wanted.saturating_sub(closing.entries),
        headless,
    })
}

fn logbook(
    store: &dyn Store,
    last: Seq,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, Error> {
    let entries = store.count()?.min(last.0.saturating_add(1));
    let mut line = Vec::new();
    for seq in 0..entries {
        line.clear();
        entry_at(store, Seq(seq))?.write_json(None, &mut line);
        line.push(b'\n');
        out.write_all(&line).map_err(Error::Write)?;
        progress(seq + 1);
    }
    out.flush().map_err(Error::Write)?;
    Ok(entries)
}
