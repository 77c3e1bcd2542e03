//! Signed notes, checkpoints and their keys: one spelling each, and nobody signs in the
//! log's place.

use sealbook::ledger::equivocation::Equivocation;
use sealbook::ledger::note::{Note, NoteSignature, SIGNATURES, VerifierKey};
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};

const MADE: &str = include_str!("../../../fixtures/format/public.checkpoint");
const KEY: &str = include_str!("../../../fixtures/format/public.vkey");

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        if let Ok(key) = text.parse::<VerifierKey>() {
            assert_eq!(key.to_string(), text);
        }
        if let Ok(line) = NoteSignature::parse(text) {
            assert_eq!(line.to_string(), format!("{text}\n"));
        }
        if let Ok(checkpoint) = CheckpointText::parse(text) {
            assert_eq!(checkpoint.to_string(), text);
        }
    }
    if let Ok(proven) = Equivocation::parse(bytes) {
        assert_eq!(proven.to_bytes(), bytes);
    }
    let Ok(note) = Note::parse(bytes) else { return };
    assert_eq!(note.to_string().as_bytes(), bytes);
    assert!(!note.text().contains('\u{1f}') && note.signatures().len() <= SIGNATURES);
    let key: VerifierKey = KEY.trim().parse().unwrap();
    if key.verify(&note).is_ok() {
        assert!(MADE.starts_with(note.text()));
    }
    if let Ok(signed) = SignedCheckpoint::parse(bytes) {
        assert_eq!(signed.to_string().as_bytes(), bytes);
        assert!(signed.content().size <= i64::MAX.unsigned_abs());
    }
}
