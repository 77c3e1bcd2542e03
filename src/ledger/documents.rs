//! The walk over documents: every one that is referred to must be there, and be
//! what its digest says.

use std::collections::HashMap;

use super::document::{DocumentDigest, DocumentError, Mentions};
use super::fault::{At, Fault, FaultCode, Findings, Format, NotChecked};
use super::judge::{Judged, Readable};
use super::limits;

/// What is known so far of the documents of one ledger or file.
#[derive(Debug)]
pub(crate) struct Documents {
    format: Format,
    known: HashMap<DocumentDigest, Known>,
    /// The document line before this one.
    last_line: Option<DocumentDigest>,
    /// More were named than are looked for.
    overflown: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The first entry that refers to it.
    wanted: Option<Place>,
    given: bool,
}

/// The place of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) index: u64,
    pub(crate) seq: Option<u64>,
    pub(crate) line: Option<u64>,
}

impl Documents {
    pub(crate) fn new(format: Format) -> Documents {
        Documents {
            format,
            known: HashMap::new(),
            last_line: None,
            overflown: false,
        }
    }

    /// Takes what an entry says of documents.
    pub(crate) fn entry(&mut self, mentions: &Mentions, place: Place, findings: &mut Findings) {
        for digest in &mentions.refers {
            if let Some(known) = self.known(*digest) {
                known.wanted.get_or_insert(place);
            }
        }
        match &mentions.is {
            Some(Ok(digest)) => {
                if let Some(known) = self.known(*digest) {
                    known.given = true;
                }
            }
            Some(Err(error)) => {
                let fault = |code, detail: String| Fault::at(code, At::Entry, place.index, detail);
                let fault = mismatch(error, fault);
                findings.fault(fault.with_seq(place.seq).on_line(place.line));
            }
            None => {}
        }
    }

    /// Takes a document that stands beside the entries of a bundle. They have
    /// all been read by now.
    pub(crate) fn line(&mut self, judged: &Judged, line: Option<u64>, findings: &mut Findings) {
        let index = line.unwrap_or(1).saturating_sub(1);
        let fault =
            |code, detail: String| Fault::at(code, At::Document, index, detail).on_line(line);
        let entry = match judged {
            Judged::Read(entry) => entry,
            Judged::Unreadable { error, .. } => {
                findings.fault(fault(FaultCode::SchemaViolation, error.to_string()));
                return;
            }
        };
        if let Some(found) = self.line_fault(entry, fault) {
            findings.fault(found);
        }
    }

    fn line_fault(
        &mut self,
        entry: &Readable,
        fault: impl Fn(FaultCode, String) -> Fault,
    ) -> Option<Fault> {
        if entry.signature_valid == Some(false) {
            let detail = "the signature is not the log key's on this document";
            return Some(fault(FaultCode::SignatureInvalid, detail.to_owned()));
        }
        let corrupt = |detail: &str| Some(fault(FaultCode::BundleCorrupt, detail.to_owned()));
        let digest = match &entry.mentions.is {
            Some(Ok(digest)) => *digest,
            Some(Err(error)) => return Some(mismatch(error, fault)),
            None => return corrupt("the entry in this line is no document"),
        };
        if self.last_line.is_some_and(|before| before >= digest) {
            return corrupt("documents stand in the order of their digests, each once");
        }
        self.last_line = Some(digest);
        match self.known.get_mut(&digest) {
            Some(known) if known.wanted.is_some() && !known.given => {
                known.given = true;
                None
            }
            Some(known) if known.given => corrupt("the document stands among the entries too"),
            _ => corrupt("no entry refers to this document"),
        }
    }

    /// What was referred to and is not there.
    pub(crate) fn close(self, not_checked: &mut Vec<NotChecked>, findings: &mut Findings) {
        if self.overflown {
            let detail = format!("more than {} documents are referred to", limits::DOCUMENTS);
            findings.fault(Fault::of_file(FaultCode::DocumentMissing, detail));
        }
        let mut missing: Vec<(Place, DocumentDigest)> = self
            .known
            .into_iter()
            .filter(|(_, known)| !known.given)
            .filter_map(|(digest, known)| Some((known.wanted?, digest)))
            .collect();
        // One entry alone brings no documents, and promises none.
        if self.format == Format::Proof {
            if !missing.is_empty() {
                not_checked.push(NotChecked::Documents);
            }
            return;
        }
        missing.sort_unstable_by_key(|(place, digest)| (place.index, *digest));
        for (place, digest) in missing {
            let detail = format!("the document {digest} that it refers to is not here");
            let fault = Fault::at(FaultCode::DocumentMissing, At::Entry, place.index, detail);
            findings.fault(fault.with_seq(place.seq).on_line(place.line));
        }
    }

    fn known(&mut self, digest: DocumentDigest) -> Option<&mut Known> {
        if self.known.len() >= limits::DOCUMENTS && !self.known.contains_key(&digest) {
            self.overflown = true;
            return None;
        }
        Some(self.known.entry(digest).or_default())
    }
}

fn mismatch(error: &DocumentError, fault: impl Fn(FaultCode, String) -> Fault) -> Fault {
    let found = fault(FaultCode::DocumentMismatch, error.to_string());
    match error {
        DocumentError::Mismatch { claimed, actual } => found.compared(claimed, actual),
        _ => found,
    }
}
