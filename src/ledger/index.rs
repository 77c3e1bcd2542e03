//! The signed index of a log: how many entries of each epoch have a term, and
//! which, so that it can be proven that nothing of a case was left out, and that
//! there is nothing of another.
//!
//! # What is committed
//! The terms of an entry are a closed function of it ([`term`]). Each term stands at
//! a **place**, a hash; where there are few values, as of tenants, behind a verifiable
//! random function ([`vrf`]), so that nobody can look for those he guesses. A tree of
//! an epoch is the tree of RFC 6962 over its terms, sorted by place, each with a
//! [count and digest](leaf::Count) of the entries that have it. That a term is not
//! there is shown by the two leaves between which it would stand.
//!
//! # Why merged trees, and not one map
//! Two structures were weighed; `tools/bench-index.rs` measures both, by default on
//! 10 000 epochs with 10 million terms:
//!
//! * **trees of `2^k` epochs**, merged as the logarithmic method does, a proof in each;
//! * **one sparse Merkle map** over all terms with counts so far, changed by each epoch,
//!   one proof.
//!
//! Measured in memory, on two cores that others shared:
//!
//! | | trees | map |
//! |---|---|---|
//! | an epoch of 1 000 terms, sealed | 1 ms | 12 ms |
//! | all 10 000 epochs | 95 s, of them 85 s merging behind the seals, the longest 11 s | 121 s |
//! | written | 7.6 leaves a term, each once and from end to end | 13.3 hashes, and 3.3 rows of 16 nodes read and written at random a term |
//! | a proof of absence, as JSON | 17 KB, at most 18.5; 19.7 under the header over most trees | 3.8 KB, two fresh epochs with it |
//!
//! The map's proofs are shorter. But it changes in place: a proof under a header needs
//! the map as it was then, so each node is kept in versions, and an epoch touches nodes
//! all over it. The trees are written once and read from end to end when they are merged;
//! an auditor needs nothing but the same merge; and their proofs are below the 24 KB that
//! were wanted. So trees it is.
//!
//! # The order of things
//! ```text
//! append    nothing of the index: an entry's terms follow from it
//! seal e    own tree of e, and the trees that stand before it ([`cover`]): its header
//!           commits to them. Header, own tree and what was merged become visible
//!           together, in the one synced write that seals.
//! behind    the block that header e+1 needs, of epochs up to e-1, is merged into rows
//!           that nobody reads before they are whole
//! ```
//! An epoch stands alone under two headers before it is merged ([`cover::FRESH`]), so a
//! merge has as long as an epoch. A seal that comes before it is done does it itself.
//!
//! # Who can see what
//! A proof of a term shows its counts, and of other terms hashes: in each tree at most
//! two places with hidden counts, and nodes. A place of a kind or correlation id can be
//! tried by anybody who guesses the id; that of a tenant or worker only by the log.

pub(crate) mod audit;
pub(crate) mod counting;
pub mod cover;
pub mod leaf;
pub mod omitted;
pub mod proof;
pub(crate) mod sorted;
pub mod term;
pub mod vrf;
