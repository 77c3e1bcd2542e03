//! The walk over documents: every one that is referred to must be there, and be
//! what its digest says.

use std::collections::HashMap;

use super::chain::ChainPosition;
use super::document::{DocumentDigest, DocumentError, Mentions};
use super::fault::{At, Fault, FaultCode, Findings, NotChecked};
use super::judge::{JudgedEntry, Readable};
use super::limits;

const NOBODY_REFERS: &str = "no entry refers to this document";
const GIVEN_TWICE: &str = "the document stands among the entries too";

#[derive(Debug)]
pub(crate) struct Documents {
    /// Whether all that is referred to must be there. One entry alone brings no
    /// documents, and who goes on from a saved state has not seen those before.
    whole: bool,
    known: HashMap<DocumentDigest, KnownDocument>,
    /// The document line before this one.
    last_line: Option<DocumentDigest>,
    overflown: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct KnownDocument {
    wanted: Option<ChainPosition>,
    given: bool,
    /// The line that it stands in beside the entries.
    line: Option<u64>,
}

impl Documents {
    pub(crate) fn new(whole: bool) -> Documents {
        Documents {
            whole,
            known: HashMap::new(),
            last_line: None,
            overflown: false,
        }
    }

    /// Takes what an entry says of documents.
    pub(crate) fn entry(
        &mut self,
        mentions: &Mentions,
        place: ChainPosition,
        findings: &mut Findings,
    ) {
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
                findings.fault(not_right(error, |code, detail| place.fault(code, detail)));
            }
            None => {}
        }
    }

    /// Takes a document that stands beside the entries of a bundle, and before
    /// them unless something has `begun`: whether anyone refers to it is known at
    /// the end.
    pub(crate) fn line(
        &mut self,
        judged: &JudgedEntry,
        begun: bool,
        line: Option<u64>,
        findings: &mut Findings,
    ) {
        let index = line.unwrap_or(1).saturating_sub(1);
        let fault =
            |code, detail: String| Fault::at(code, At::Document, index, detail).on_line(line);
        let entry = match judged {
            JudgedEntry::Read(entry) => entry,
            JudgedEntry::Unreadable { error, .. } => {
                findings.fault(fault(FaultCode::SchemaViolation, error.to_string()));
                return;
            }
        };
        if begun {
            let detail = "documents stand before all else".to_owned();
            findings.fault(fault(FaultCode::BundleCorrupt, detail));
        }
        match self.line_digest(entry, fault) {
            Ok(digest) => {
                if let Some(known) = self.known(digest) {
                    known.line = line;
                }
            }
            Err(found) => findings.fault(*found),
        }
    }

    fn line_digest(
        &mut self,
        entry: &Readable,
        fault: impl Fn(FaultCode, String) -> Fault,
    ) -> Result<DocumentDigest, Box<Fault>> {
        if entry.signature_valid == Some(false) {
            let detail = "the signature is not the log key's on this document";
            let found = fault(FaultCode::SignatureInvalid, detail.to_owned());
            return Err(Box::new(found));
        }
        let corrupt = |detail: &str| Box::new(fault(FaultCode::BundleCorrupt, detail.to_owned()));
        let digest = match &entry.mentions.is {
            Some(Ok(digest)) => *digest,
            Some(Err(error)) => return Err(Box::new(not_right(error, fault))),
            None => return Err(corrupt("the entry in this line is not a document")),
        };
        if self.last_line.is_some_and(|before| before >= digest) {
            let detail = "documents stand in the order of their digests, each once";
            return Err(corrupt(detail));
        }
        self.last_line = Some(digest);
        Ok(digest)
    }

    pub(crate) fn close(self, not_checked: &mut Vec<NotChecked>, findings: &mut Findings) {
        if self.overflown {
            let detail = format!("more than {} documents are referred to", limits::DOCUMENTS);
            findings.fault(Fault::of_file(FaultCode::DocumentMissing, detail));
        }
        let mut missing = Vec::new();
        let mut unasked = Vec::new();
        for (digest, known) in self.known {
            match (known.wanted, known.line) {
                (Some(place), None) if !known.given => missing.push((place, digest)),
                (None, Some(line)) => unasked.push((line, NOBODY_REFERS)),
                (Some(_), Some(line)) if known.given => unasked.push((line, GIVEN_TWICE)),
                _ => {}
            }
        }
        unasked.sort_unstable();
        for (line, detail) in unasked {
            let (code, index) = (FaultCode::BundleCorrupt, line.saturating_sub(1));
            let fault = Fault::at(code, At::Document, index, detail);
            findings.fault(fault.on_line(Some(line)));
        }
        if !self.whole {
            if !missing.is_empty() {
                not_checked.push(NotChecked::Documents);
            }
            return;
        }
        missing.sort_unstable_by_key(|(place, digest)| (place.index, *digest));
        for (place, digest) in missing {
            let detail = format!("the document {digest} that it refers to is not here");
            findings.fault(place.fault(FaultCode::DocumentMissing, detail));
        }
    }

    fn known(&mut self, digest: DocumentDigest) -> Option<&mut KnownDocument> {
        if self.known.len() >= limits::DOCUMENTS && !self.known.contains_key(&digest) {
            self.overflown = true;
            return None;
        }
        Some(self.known.entry(digest).or_default())
    }
}

fn not_right(error: &DocumentError, fault: impl Fn(FaultCode, String) -> Fault) -> Fault {
    match error {
        DocumentError::Mismatch { claimed, actual } => {
            let found = fault(FaultCode::DocumentMismatch, error.to_string());
            found.compared(claimed, actual)
        }
        _ => fault(FaultCode::SchemaViolation, error.to_string()),
    }
}
