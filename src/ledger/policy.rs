//! What a verification holds a log against.

use super::anchors::Anchor;
use super::audited::SignedAudit;
use super::entry::Entry;
use super::hash::Hash;
use super::key::PublicKey;
use super::receipts::Receipts;
use super::revocation::SignedRevocation;
use super::tlog::checkpoint::SignedCheckpoint;
use super::witness_policy::WitnessPolicy;

/// What a verification is to hold the log against.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The keys that are trusted; none means that nobody gave one.
    pub keys: Vec<PublicKey>,
    /// Whether entry signatures are checked. Signatures of headers and heads
    /// always are.
    pub signatures: bool,
    /// The hash that the last entry must have.
    pub expect_head: Option<Hash>,
    /// Positions that the log must hold.
    pub contains: Vec<Anchor>,
    /// Checkpoints of its public log, over entries that it must hold.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// Whose checkpoints and cosignatures count; without it nothing is claimed of them.
    pub witnesses: Option<WitnessPolicy>,
    /// The entry that a tlog-proof is to prove.
    pub entry: Option<Entry>,
    pub receipts: Option<Receipts>,
    /// What ends the log before its last entry.
    pub revocations: Vec<SignedRevocation>,
    /// Keys that are not trusted and by which a foreign signature is told, at
    /// most [`KNOWN_KEYS`] of them.
    pub known: Vec<PublicKey>,
    /// The keys of auditors who are trusted to have verified a log and its index.
    pub auditors: Vec<PublicKey>,
    /// What auditors said.
    pub audits: Vec<SignedAudit>,
    /// Whether a logbook is a ledger's, whatever its first entry says.
    pub ledger_rules: bool,
    /// Whether a bundle may pass whose closing record nobody signed.
    pub allow_unsigned: bool,
    /// The selection that a bundle must answer, by the members of its filter.
    pub selection: Vec<(String, String)>,
    /// Whether something may pass of which a revocation does not show whether it
    /// comes before the revoked place.
    pub allow_unapplied_revocations: bool,
}

/// Keys that an invalid signature is tried with, besides the trusted ones.
pub const KNOWN_KEYS: usize = 16;

impl Policy {
    pub fn key(key: PublicKey) -> Policy {
        Policy::keys([key])
    }

    pub fn keys(keys: impl IntoIterator<Item = PublicKey>) -> Policy {
        Policy {
            keys: keys.into_iter().collect(),
            ..Policy::default()
        }
    }

    /// The keys but `log`, to tell foreign signatures by.
    pub(crate) fn others(&self, log: Option<PublicKey>) -> Vec<PublicKey> {
        let keys = self.keys.iter().chain(self.known.iter().take(KNOWN_KEYS));
        keys.copied().filter(|key| Some(*key) != log).collect()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            keys: Vec::new(),
            signatures: true,
            expect_head: None,
            contains: Vec::new(),
            checkpoints: Vec::new(),
            witnesses: None,
            entry: None,
            receipts: None,
            revocations: Vec::new(),
            known: Vec::new(),
            auditors: Vec::new(),
            audits: Vec::new(),
            ledger_rules: false,
            allow_unsigned: false,
            selection: Vec::new(),
            allow_unapplied_revocations: false,
        }
    }
}
