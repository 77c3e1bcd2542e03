//! Evidence bundles: what is written so that a third party can check it all with
//! the log's key alone (SPEC §4). The lines are those of
//! [`bundle_line`](super::bundle_line).

use std::io::{self, Write};

use thiserror::Error;

use super::bundle_line::{
    BundleClosing, BundleOpening, beside_line, entry_line, hashes_line, line_of,
};
use super::entry::Entry;
use super::envelope::{Envelope, Purpose};
use super::epoch::SignedEpoch;
use super::hash::{Hash, Hasher};
use super::head::SignedHead;
use super::index::omitted::Omitted;
use super::index::proof::TermProof;
use super::json::{Form, Object, Value};
use super::key::{SignError, Signer};
use super::position::Seq;
use super::redact::opened::Opened;
use super::shape;
use super::version::Version;

/// Why a bundle could not be written.
#[derive(Debug, Error)]
pub enum BundleError {
    #[error("could not be written: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Where a bundle goes: a file as it is, or something that keeps its entries in
/// another shape and its other lines beside them.
pub trait BundleSink {
    /// Takes a line with its newline.
    ///
    /// # Errors
    /// Whatever stands behind it answers.
    fn line(&mut self, line: &[u8]) -> io::Result<()>;

    /// Takes the line of an entry, and what it was made of.
    ///
    /// # Errors
    /// As [`BundleSink::line`].
    fn entry(
        &mut self,
        line: &[u8],
        seq: Seq,
        entry: &Entry,
        path: Option<&[Hash]>,
    ) -> io::Result<()>;

    /// The bundle is whole.
    ///
    /// # Errors
    /// As [`BundleSink::line`].
    fn finish(&mut self) -> io::Result<()>;
}

impl<W: Write> BundleSink for W {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_all(line)
    }

    fn entry(&mut self, line: &[u8], _: Seq, _: &Entry, _: Option<&[Hash]>) -> io::Result<()> {
        self.write_all(line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// Writes a bundle, line by line, and counts and hashes what it writes.
pub struct BundleWriter<W> {
    out: W,
    hasher: Hasher,
    closing: BundleClosing,
    /// The line of the entry that opened the log, in version 2.
    first: Option<Vec<u8>>,
}

impl<W: BundleSink> BundleWriter<W> {
    /// Begins a bundle of the log that `first`, its entry 0, opened.
    pub fn new(
        out: W,
        opening: &BundleOpening,
        first: &Entry,
    ) -> Result<BundleWriter<W>, BundleError> {
        let mut writer = BundleWriter {
            out,
            hasher: Hasher::new(),
            closing: BundleClosing {
                format: opening.version,
                log: opening.log,
                genesis: opening.genesis,
                entries: 0,
                epochs: 0,
                documents: 0,
                bytes: 0,
                hash: Hash::ZERO,
                filter: None,
            },
            first: None,
        };
        writer.line(opening.to_line())?;
        if opening.version == Version::Two {
            writer.closing.filter = Some(Value::Null);
            writer.first = Some(beside_line("opening", first));
        }
        Ok(writer)
    }

    /// Says which selection it answers, where its version can.
    pub fn answers(&mut self, filter: Object) {
        if let Some(answered) = &mut self.closing.filter {
            *answered = Value::Object(filter);
        }
    }

    /// What the log's index says of the term that all entries have, before the first
    /// of them.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn term(&mut self, proof: &TermProof) -> Result<(), BundleError> {
        self.line(proof.to_value().canonical(Form::Utf8).into_bytes())
    }

    /// An entry that has that term and is left out, in its place among the others.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn omitted(&mut self, omitted: &Omitted) -> Result<(), BundleError> {
        self.line(omitted.to_line())
    }

    pub fn epoch(&mut self, epoch: &SignedEpoch) -> Result<(), BundleError> {
        self.closing.epochs += 1;
        self.line(epoch.to_value().canonical(Form::Utf8).into_bytes())
    }

    /// The subtrees of the epoch before the first entry given; nothing is
    /// written for none.
    pub fn before(&mut self, hashes: &[Hash]) -> Result<(), BundleError> {
        self.subtrees("before", hashes)
    }

    /// The subtrees of the epoch after the last entry given; nothing is written
    /// for none.
    pub fn after(&mut self, hashes: &[Hash]) -> Result<(), BundleError> {
        self.subtrees("after", hashes)
    }

    /// An entry, with its siblings in a selection.
    pub fn entry(
        &mut self,
        seq: Seq,
        entry: &Entry,
        path: Option<&[Hash]>,
    ) -> Result<(), BundleError> {
        self.closing.entries += 1;
        let line = self.counted(entry_line(seq, entry, path));
        Ok(self.out.entry(&line, seq, entry, path)?)
    }

    /// What opens a redacted member of the entry before.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn opened(&mut self, opened: &Opened) -> Result<(), BundleError> {
        self.line(opened.to_line())
    }

    /// The head under which unsealed entries follow.
    pub fn head(&mut self, head: &SignedHead) -> Result<(), BundleError> {
        self.line(head.to_value().canonical(Form::Utf8).into_bytes())
    }

    /// A document that entries refer to, before all of them and in the order of
    /// the digests.
    pub fn document(&mut self, entry: &Entry) -> Result<(), BundleError> {
        self.closing.documents += 1;
        self.line(beside_line("document", entry))
    }

    /// Ends the bundle, signed where the key is at hand, and flushes.
    pub fn finish(
        mut self,
        signer: Option<&dyn Signer>,
    ) -> Result<(W, BundleClosing), BundleError> {
        if let Some(first) = self.first.take() {
            self.line(first)?;
        }
        self.closing.hash = self.hasher.so_far();
        let object = shape::write_object(&self.closing);
        let closing = self.closing.clone();
        let line = match signer {
            Some(signer) => Envelope::sign(Purpose::Bundle, object, signer)?
                .to_value()
                .canonical(Form::Utf8)
                .into_bytes(),
            None => line_of(Purpose::Bundle.as_str(), object),
        };
        self.line(line)?;
        self.out.finish()?;
        Ok((self.out, closing))
    }

    fn subtrees(&mut self, name: &'static str, hashes: &[Hash]) -> Result<(), BundleError> {
        if hashes.is_empty() {
            return Ok(());
        }
        self.line(hashes_line(name, hashes))
    }

    fn line(&mut self, line: Vec<u8>) -> Result<(), BundleError> {
        let line = self.counted(line);
        Ok(self.out.line(&line)?)
    }

    /// The line with its newline, counted and hashed.
    fn counted(&mut self, mut line: Vec<u8>) -> Vec<u8> {
        line.push(b'\n');
        self.hasher.update(&line);
        self.closing.bytes += line.len() as u64;
        line
    }
}
