//! What a ledger is: the formats and the rules, pure. Bytes in, values out: no
//! file system, no clock, no randomness, no environment; time, policy and keys
//! are arguments. This part builds alone (`--no-default-features`) and is the
//! auditor's build.
//!
//! This page is the overview; [`format`](mod@format) is the normative text, with
//! literal examples.
//!
//! # 1. Bytes
//! * **Canonical JSON** ([`json`]): UTF-8, object keys sorted by code point, no
//!   white space, the shortest float digits, integers of any size digit by
//!   digit. Reading is strict ([`parse`]): a duplicate key, a lone surrogate, a
//!   trailing byte or a number that overflows is an error with its place.
//! * **Time** ([`time`]): UTC, microseconds, `2026-03-01T10:00:00.000001+00:00`,
//!   the fraction absent when zero.
//! * **Hash** ([`hash`]): BLAKE2b with a 32-byte digest. `H(…)` below.
//! * **Signature** ([`key`]): Ed25519, judged strictly.
//! * **Hex** is lower case.
//!
//! # 2. Entries ([`entry`])
//! ```text
//! signing_payload = kind 0x1f ts 0x1f canonical_json(payload) 0x1f prev_hash
//! hash            = H(signing_payload)
//! signature       = Ed25519(signing_payload)
//! ```
//! `prev_hash` is the hash of the entry before, 32 zero bytes for the first. A
//! store keeps `signing_payload ‖ signature`; files keep
//! `{"kind":…,"payload":{…},"prev_hash":"…","signature":"…","ts":"…"}`.
//!
//! # 3. Logs
//! A log is the pair of its key and its **genesis**, the hash of entry 0, whose
//! payload ([`opening`]) has 16 random bytes. So two logs of one key cannot be
//! taken for each other. Entries are numbered from 0, and time never goes back.
//!
//! # 4. Epochs ([`epoch`], [`merkle`], [`tile`])
//! Consecutive entries of one UTC hour are sealed under one root:
//! ```text
//! leaf = H(0x00 ‖ entry_hash ‖ signature)      leaf index = seq − first_seq
//! node = H(0x01 ‖ left ‖ right)                an odd node moves up
//! ```
//! The header names first and last entry, size, root, head, the hash of the
//! header before, hour, sealing time, and the log. It is signed as every
//! statement of ours is ([`envelope`]): over `sealbook:epoch:v1`, 0x1f and the
//! canonical JSON of the object, as
//! `{"epoch":{…},"key":"…","signature":"…"}`.
//!
//! # 5. Heads ([`head`])
//! `{"head":{"genesis","hash","log","seq","ts"},"key","signature"}` states that
//! the log holds `hash` at `seq`.
//!
//! # 6. Proofs ([`proof`])
//! `{"entry":{…,"seq":…},"epoch":{…},"path":["…"]}` and a newline: the siblings
//! from the leaf up. Their number follows from size and index, and is checked
//! before anything is hashed.
//!
//! # 7. Bundles ([`bundle_line`])
//! JSON Lines in one canonical spelling. Of a range, every entry is proven into
//! its epoch's tree: the tree is built again from the entries, and from the
//! hashes of the complete subtrees before and after them where the range cuts
//! through an epoch. The last line counts lines and bytes, has the hash of every
//! byte before it, and is signed where the key was at hand.
//!
//! Documents that entries refer to ([`document`]) stand before the entries.
//!
//! # 8. Verification ([`verify`])
//! One engine for all of them. In the order of the stream, an entry's link is
//! judged before its signature. If an entry's signature is invalid or its line
//! cannot be read, the link of the next is not judged; if only its link is
//! wrong, the next is judged against its computed hash. Every fault is named
//! ([`fault`]); what a walk cannot know is listed as not checked.
//!
//! # 9. Evidence against a key ([`equivocation`])
//! Two statements of one key that cannot both stand are one file, which anyone
//! verifies with that key alone.
//!
//! # 10. Broken books ([`explain`])
//! A walk keeps the stretches between faults ([`trace`]); a second reading finds
//! what they refer to ([`search`]); from both follows what was done, what still
//! stands, and from where on the book is whole again ([`explanation`]).
//!
//! # 11. Succession ([`closing`], [`revocation`])
//! A key never changes inside of a book. The last entry of a closed book,
//! `sealbook:close`, names the key of the next, whose entry 0 names that last
//! entry. A book ends at a position: a revocation, by the next book's key or by
//! the recovery key that entry 0 recorded, names it, and nothing after it counts.
//!
//! # 12. The public log ([`tlog`], [`note`])
//! All entries once more under one tree of SHA-256, as the clients of transparency
//! logs read it: tiles, entry bundles, and a checkpoint, which is a note under the
//! log's own key and may carry the cosignatures of witnesses.
//!
//! # 13. Limits ([`limits`])
//! A kind has 256 bytes, a payload 128 levels, an integer 4 300 digits, a
//! signing payload 16 MiB, a line 20 MiB, an epoch 2²⁴ entries.
//!
//! # 14. What each package is for
//! * **ed25519-dalek**: keys, signatures, and the strict verdict on them ([`key`]);
//!   with the feature `fast-verify` the verdict on many comes out of tables, and
//!   with `fast-sign` aws-lc signs the same bytes.
//! * **blake2**: the hash of short pieces, and the oracle of the tests; blake2b_simd
//!   hashes many messages at once ([`hash`]).
//! * **serde**: reports, headers and answers as values with names; **serde_json**:
//!   their text. What is hashed or signed is written and read by [`json`] and
//!   [`parse`] alone, since serde_json loses the digits of large integers.
//! * **rocksdb**: the ledger on disk, behind the seam in `store`.
//! * **rs_merkle**: trees whose leaves are all at hand: the roots of tiles
//!   ([`tile`]), and the oracle of the tests. An epoch's own tree grows by its
//!   frontier ([`merkle`]), which keeps one node a level in memory.
//! * **base64** and **ml-dsa**: the text of notes, and their signatures that no quantum
//!   computer forges ([`note`]).
//! * **chrono**: from the calendar to microseconds and back ([`time`]); the text is
//!   read and written here.
//! * **thiserror**: one enum an operation, with its data in fields.
//! * **clap**: the command line, in `cli`.

pub mod anchors;
pub(crate) mod answered;
pub mod audited;
pub mod begins;
pub mod bundle;
pub mod bundle_file;
pub mod bundle_line;
mod canonical;
mod canonical_check;
mod chain;
pub mod checkpoint;
pub mod closing;
pub mod compare;
pub mod denied;
pub mod document;
mod documents;
pub mod encrypted_pem;
pub mod entry;
pub mod envelope;
pub mod epoch;
pub mod equivocation;
pub mod equivocation_file;
pub mod explain;
pub mod explanation;
pub mod fault;
pub mod fleet;
pub mod fold;
pub mod format;
mod growing;
pub mod hash;
pub mod head;
pub mod hexadecimal;
pub mod index;
pub mod json;
pub(crate) mod judge;
pub mod key;
pub mod kind;
pub mod limits;
pub mod lines;
pub mod logbook_file;
mod member_error;
pub mod merkle;
pub mod names;
pub mod note;
mod number;
mod object;
pub mod opening;
pub mod outcome;
pub mod parse;
mod parse_error;
pub mod pem;
pub mod policy;
pub mod position;
pub mod proof;
pub mod published;
pub mod receipts;
pub mod redact;
pub mod revocation;
mod revoked;
mod seals;
pub mod search;
pub mod second_key;
pub mod sha256;
pub mod shape;
pub mod signed;

pub mod source;
pub mod spill;
pub mod statement;
pub mod tile;
pub mod time;
mod time_reader;
pub mod tlog;
mod tokens;
pub mod trace;
pub mod verify;
pub mod version;
pub mod wal;
pub mod witness_policy;
pub mod witnessed;
pub mod witnessing;
pub(crate) mod words;
pub mod written;
