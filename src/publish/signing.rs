//! Checkpoints of a ledger, and who signs them.

use super::{PublicError, Publication, leaves, names_of};
use crate::ledger::key::PublicKey;
use crate::ledger::note::{Algorithm, Note, VerifierKey, cosign_ml_dsa, sign};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use crate::ledger::tlog::name::LogName;
use crate::ledger::tlog::tree::{LogFrontier, empty_root, leaf};
use crate::store::Batch;
use crate::store::tree::TreeError;

/// The note of a checkpoint under the log's key, and under its second one if that is at
/// hand.
pub(super) fn signed(
    checkpoint: &CheckpointText,
    name: &LogName,
    with: &Publication<'_>,
) -> Result<SignedCheckpoint, PublicError> {
    let text = checkpoint.to_string();
    let line = sign(&text, name.as_key_name(), with.signer)?;
    let mut note = Note::new(text, vec![line])?;
    if let Some(second) = with.second {
        let seconds = u64::try_from(with.now.unix_micros() / 1_000_000).unwrap_or(0);
        let line = cosign_ml_dsa(checkpoint, seconds, name.as_key_name(), second);
        note.add(line.ok_or(PublicError::SecondKey)?)?;
    }
    Ok(SignedCheckpoint::of_note(note)?)
}

/// The name under which a ledger keeps the tree that [`unpublished`] last signed: how many
/// nodes, the nodes from the left, and the note.
const SIGNED: &str = "public/signed";

/// A checkpoint over every durable entry, which is published nowhere. Only the leaves are
/// read that the last such checkpoint does not hold.
///
/// # Errors
/// [`PublicError::NoName`]; [`PublicError`] if the leaves cannot be read.
pub fn unpublished(with: &Publication<'_>) -> Result<SignedCheckpoint, PublicError> {
    let store = &**with.logbook.store();
    let size = with.logbook.durable().seq.0.saturating_add(1);
    let names = names_of(store)?;
    let name = names.current().ok_or(PublicError::NoName)?.name.clone();
    let kept = store.meta(SIGNED).map_err(TreeError::from)?;
    let kept = kept.and_then(|bytes| tree_signed(&bytes, with.signer.public_key()));
    let kept = kept.filter(|tree| tree.size() <= size);
    let mut frontier = kept.unwrap_or_default();
    leaves::each(store, frontier.size()..size, |data| {
        frontier.push(leaf(&data), |_, _| ());
        Ok(())
    })?;
    let checkpoint = CheckpointText {
        origin: name.to_string(),
        size,
        root: frontier.root().unwrap_or_else(empty_root),
        extensions: Vec::new(),
    };
    let signed = signed(&checkpoint, &name, with)?;
    let batch = Batch {
        meta: vec![(SIGNED, kept_of(&frontier, &signed))],
        ..Batch::default()
    };
    store.commit(batch).map_err(TreeError::from)?;
    Ok(signed)
}

fn kept_of(frontier: &LogFrontier, signed: &SignedCheckpoint) -> Vec<u8> {
    let count = u8::try_from(frontier.size().count_ones()).unwrap_or(u8::MAX);
    let mut bytes = vec![count];
    bytes.extend(frontier.subtrees().flat_map(|node| *node.as_bytes()));
    bytes.extend_from_slice(signed.to_string().as_bytes());
    bytes
}

/// The tree that was kept, if its root is one that `key` signed: what else may have been
/// written there is not gone on from.
fn tree_signed(bytes: &[u8], key: PublicKey) -> Option<LogFrontier> {
    let (count, rest) = bytes.split_first()?;
    let (nodes, note) = rest.split_at_checked(usize::from(*count) * 32)?;
    let signed = SignedCheckpoint::parse(note).ok()?;
    let checkpoint = signed.content();
    let name = checkpoint.origin.parse().ok()?;
    let own = VerifierKey::new(name, Algorithm::Ed25519(key));
    own.verify(signed.note()).ok()?;
    let nodes = nodes.as_chunks().0.iter();
    let nodes: Vec<_> = nodes.map(|node| Sha256Digest::from_bytes(*node)).collect();
    let tree = LogFrontier::of_subtrees(checkpoint.size, &nodes)?;
    (tree.root() == Some(checkpoint.root)).then_some(tree)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed step fails the test"
    )]

    use super::*;
    use crate::ledger::hash::Hash;
    use crate::ledger::key::{Signer as _, SoftwareSigner};

    fn grown(size: u64) -> LogFrontier {
        let mut tree = LogFrontier::new();
        for seq in 0..size {
            tree.push(leaf(&Hash::of(&seq.to_be_bytes())), |_, _| ());
        }
        tree
    }

    fn kept(size: u64, signer: &SoftwareSigner) -> Vec<u8> {
        let tree = grown(size);
        let checkpoint = CheckpointText {
            origin: "log.example/kept".to_owned(),
            size,
            root: tree.root().unwrap_or_else(empty_root),
            extensions: Vec::new(),
        };
        let text = checkpoint.to_string();
        let line = sign(&text, &"log.example/kept".parse().unwrap(), signer).unwrap();
        let note = Note::new(text, vec![line]).unwrap();
        kept_of(&tree, &SignedCheckpoint::of_note(note).unwrap())
    }

    #[test]
    fn a_kept_tree_is_gone_on_from_only_as_its_key_signed_it() {
        let signer = SoftwareSigner::from_seed(&[3; 32].into());
        for size in 1..130 {
            let tree = tree_signed(&kept(size, &signer), signer.public_key()).unwrap();
            assert_eq!(tree.root(), grown(size).root());
            assert_eq!(tree.size(), size);
        }
        let good = kept(21, &signer);
        for at in 0..good.len() {
            let mut wrong = good.clone();
            wrong[at] ^= 1;
            assert!(
                tree_signed(&wrong, signer.public_key()).is_none(),
                "byte {at}"
            );
            assert!(tree_signed(&good[..at], signer.public_key()).is_none());
        }
        let other = SoftwareSigner::from_seed(&[4; 32].into());
        assert!(tree_signed(&good, other.public_key()).is_none());
    }
}
