//! The formats, normatively: enough to write a second verifier from this page
//! and RFC 8032 (Ed25519), RFC 7693 (BLAKE2), RFC 6962 §2.1 (tree shape) and
//! RFC 8259 (JSON) alone.
//!
//! The examples are the files in `fixtures/format/`, which a test makes anew
//! byte for byte from the key whose private seed is 32 bytes of `03` and a clock
//! that stands. Its public key:
//!
//! ```text
#![doc = include_str!("../../fixtures/format/key.txt")]
//! ```
//!
//! Words: **must** is checked by every verifier. `‖` joins bytes. `H` is
//! BLAKE2b with a 32-byte digest (parameter block length 32, no key, not a
//! truncated BLAKE2b-512). *Hex* is lower case. Fault codes stand in
//! parentheses.
//!
//! # 1. Canonical JSON
//! 1.1. UTF-8, no byte-order mark, no white space outside of strings.
//!
//! 1.2. Members of an object stand in the order of the code points of their
//! names, which is that of their UTF-8 bytes, each name once.
//!
//! 1.3. In strings `"` and `\` are `\"` and `\\`; U+0008, 9, A, C and D are `\b`,
//! `\t`, `\n`, `\f` and `\r`; other characters below U+0020 are `\u00xx`. All
//! others stand as they are.
//!
//! 1.4. An integer is its digits, of any number, without a leading zero; `-0` is
//! written `0`. A number spelt with `.`, `e` or `E` is a double: the fewest
//! digits that read back to the same double, of several the nearest to it, of two
//! as near the one that ends in an even digit (`1000000000000000.2` for 10^15 and
//! a quarter); positional if the decimal exponent is from -4 to 15, else
//! scientific with a sign and at least two digits. It shows that it is one:
//! `1.0`, `1.5e+16`, `1e-05`, `-0.0`.
//!
//! 1.5. Reading must refuse: a name twice in one object; a lone surrogate; bytes
//! after the value; a number beyond the largest double. What is smaller than the
//! smallest double reads as `0.0` or `-0.0`.
//!
//! # 2. Time
//! `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`, UTC, years 0001 to 9999, seconds 00 to
//! 59; the fraction has six digits and is absent when it is zero. Only in a
//! logbook file (9) may a time be spelt otherwise: `t` for `T`; a fraction of one
//! to six digits, or more if the rest are zeros; `Z`, `z`, `±HH:MM` or nothing
//! for UTC at its end. It is signed in its canonical spelling all the same.
//!
//! # 3. Keys and signatures
//! 3.1. Ed25519, 32-byte keys, 64-byte signatures `R ‖ S`. A signature **must**
//! be refused if `S` is not below the group order; if `A` or `R` is not the
//! canonical encoding of a point, or of small order; or if the cofactorless
//! equation `[S]B = R + [k]A` does not hold.
//!
//! 3.2. Statements of the log's own (headers, heads, closing records) are signed
//! over `"sealbook:" ‖ what ‖ ":v" ‖ version ‖ 0x1f ‖ canonical JSON of the
//! object`, where the version is the object's `format`, and 1 if it has none, and
//! travel as `{"<what>": object, "key": hex, "signature": hex}`. `key` **must**
//! be the `log` that the object names. The **signed bytes** of a statement are
//! those that the signature is over.
//!
//! # 4. Entries
//! 4.1. `kind` has 1 to 256 bytes of UTF-8, not all white space (Unicode's
//! `White_Space`), no character of U+0000 to 001F or U+007F to 009F. `payload` is
//! a JSON object.
//!
//! 4.2.
//! ```text
//! signing payload = kind ‖ 0x1f ‖ ts ‖ 0x1f ‖ canonical JSON of payload ‖ 0x1f ‖ prev_hash
//! hash            = H(signing payload)
//! signature       = Ed25519(signing payload)
//! ```
//! `prev_hash` is the hash of the entry before as 32 raw bytes, zeros for the
//! first.
//!
//! 4.3. An entry, as a line of a logbook:
//! ```text
#![doc = include_str!("../../fixtures/format/entry.json")]
//! ```
//! the hex of its signing payload:
//! ```text
#![doc = include_str!("../../fixtures/format/entry.signing-payload.hex")]
//! ```
//! and its hash:
//! ```text
#![doc = include_str!("../../fixtures/format/entry.hash")]
//! ```
//! 4.4. The entry in bundles and proofs has one member more, `seq`, its number in
//! the log, from 0.
//!
//! # 5. Logs
//! 5.1. Entry 0 has the kind `sealbook:open` and the payload `{"format": 1,
//! "log": hex key, "nonce": 32 hex digits, "origin": text, "predecessor": null or
//! {"hash": hex, "log": hex, "seq": n}, "recovery_key_sha256": hex or null}`,
//! these members and no others, none left out (`schema_violation`). `log`
//! **must** be the key that the entries are verified under (`log_key_mismatch`).
//! Its `prev_hash` **must** be zeros wherever it stands, also where links are not
//! judged (`prev_hash_mismatch`).
//!
//! 5.2. The hash of entry 0 is the log's **genesis** (`genesis_mismatch`). A log
//! is the pair of key and genesis, and every statement names both.
//!
//! 5.3. `ts` never goes back from one entry to the next
//! (`timestamp_regression`). In the books of others that is a warning.
//!
//! 5.4. Kinds that begin with `sealbook:`, `wcp.`, `manifest.`, `vacant.` or
//! `hall.` are the log's own; in the books of others they mean nothing.
//!
//! 5.5. An entry of kind `sealbook:close` with the payload `{"successor": hex}`,
//! under a signature of the log, closes the book: none follows
//! (`schema_violation`).
//!
//! 5.6. A logbook (9) is **a ledger's own** if its first entry can be read and has
//! the kind `sealbook:open`, or if the verifier is told so; sections 5 and 11 hold
//! for it as for every ledger and bundle. Any other is **the book of others**, and
//! nothing of these two sections but 5.2 holds for it: the verdict says
//! `not_checked: ledger_rules`.
//!
//! 5.7. A **revocation** says that a log ends at a position, whatever its key signs
//! beyond: a statement with `<what>` = `revoke` over `{"genesis", "hash", "log",
//! "reason", "seq"}`, whose `key` is not the log's but the one whose SHA-256 entry
//! 0 has as `recovery_key_sha256`, or the one that the closing entry (5.5) names.
//! Its file is that statement in a line and, where a successor signed it, a line
//! `{"closing": {…}}` with the closing entry as in a logbook, under the log's own
//! signature. To apply one that the verifier gives:
//!
//! 1. Of a log of another key it is passed over with a warning. Of another log of
//!    the same key it cannot be applied.
//! 2. Whether its key may shows in entry 0 and in the closing entry, wherever they
//!    stand. If both are there and neither names it, or if it is the log's own,
//!    it has no effect (a warning); if one of them is not, it cannot be applied.
//! 3. Entries beyond `seq` are not trusted (`untrusted_key`, of the first of them).
//!    An entry, header (`last_seq`, `head`) or head that has another hash at `seq`
//!    is `head_not_contained`.
//! 4. If there is neither, something **must** tie what is there to `seq` and
//!    `hash`: an entry, header or head that has them, in a range or logbook, or in
//!    a selection whose headers follow each other without a gap; or published
//!    headers (12.2) that follow on from the last one in the file. If nothing
//!    does, it cannot be applied.
//!
//! What cannot be applied is `revocation_not_applicable`, a fault of the file
//! unless the verifier is told to allow it.
//!
//! # 6. Epochs
//! 6.1. An epoch covers consecutive entries of one hour. Its tree has the shape
//! of RFC 6962 §2.1, an odd node moving up unchanged:
//! ```text
//! leaf = H(0x00 ‖ entry hash ‖ signature)     leaf index = seq − first_seq
//! node = H(0x01 ‖ left ‖ right)
//! ```
//! 6.2. The header, a statement with `<what>` = `epoch`, these members and no
//! others:
//! ```json
#![doc = include_str!("../../fixtures/format/epoch.json")]
//! ```
//! 6.3. Each header **must**: be signed by the log (`epoch_signature_invalid`);
//! name the log's key and genesis (`log_key_mismatch`, `genesis_mismatch`); have
//! `tree_size` = `last_seq` − `first_seq` + 1, at most 2^24; have an `hour` that is the start of
//! one, and a `sealed_at` not before it (`epoch_invariant`).
//!
//! 6.4. Epoch 0 **must** have `first_seq` 0, and a header with either has both
//! (`epoch_invariant`); its `prev` is 32 zero bytes (`epoch_chain_broken`). After
//! another header: `epoch` is one more,
//! `first_seq` follows `last_seq`, `hour` and `sealed_at` are not earlier
//! (`epoch_invariant`), and `prev` is `H` of the signed bytes (3.2) of the one
//! before (`epoch_chain_broken`).
//!
//! 6.5. Every entry of the epoch **must** have a `ts` in [`hour`, `hour` + 1 h)
//! and not after `sealed_at` (`epoch_invariant`). `head` **must** be the hash of
//! entry `last_seq` (`head_mismatch`, of the header, found with that entry).
//!
//! 6.6. A **path** is the siblings of a leaf from below to the root (RFC 6962
//! §2.1.1). Its length follows from index and size and **must** be checked before
//! anything is hashed (`proof_invalid`). The root it leads to **must** be the
//! header's (`proof_invalid`).
//!
//! 6.7. The **complete subtrees** of a range of leaves [a, b) are made from the
//! left: from `at` = a, take the largest 2^l leaves with 2^l ≤ b − at and `at` a
//! multiple of 2^l; go on behind them. The root of a tree of n leaves is that of
//! the subtrees of [0, n), folded from the right: `node(s₀, node(s₁, … s_k))`.
//!
//! # 7. Heads
//! The statement with `<what>` = `head`: that the log holds `hash` at `seq`,
//! stated at `ts`.
//! ```json
#![doc = include_str!("../../fixtures/format/head.json")]
//! ```
//! In version 2 it has three members more: `"format": 2`; `epoch`, the header that
//! sealed the last epoch before it, `{"epoch": n, "hash": H of its signed bytes}`,
//! or null if nothing was sealed yet; `tree`, null or `{"root": hex, "size": n}`,
//! the tree over all entries up to `seq` under which the log is published. In a
//! range, where a header stands before it, `epoch` **must** name that one
//! (`epoch_chain_broken`, of the file). What `tree` says no file of this page shows.
//! ```json
#![doc = include_str!("../../fixtures/format/head.v2.json")]
//! ```
//!
//! # 8. Proofs
//! One line with a newline, canonical JSON: an entry with its number, the header
//! of its epoch, its path. Any other spelling is refused (`proof_invalid`).
//! ```json
#![doc = include_str!("../../fixtures/format/entry-3.proof")]
//! ```
//! To verify: the header's `log` is one that the caller trusts (`untrusted_key`),
//! then 6.3, 4.1, the signature, of entry 0 section 5, 6.5, 6.6, of a document
//! 11.1. Not shown: how it ties to the entries around it (`chain`), and the
//! documents it refers to (`documents`).
//!
//! In version 2 it has three members more: `"format": 2`, `"opening"`, the log's
//! entry 0 as in a logbook (10.9, its faults are of the `document` 0, before those
//! of the header), and `"uses": []` (15).
//! ```json
#![doc = include_str!("../../fixtures/format/entry-3.v2.proof")]
//! ```
//!
//! # 9. Logbooks
//! 9.1. JSON Lines, one entry a line with the members `kind`, `payload`,
//! `prev_hash`, `signature`, `ts` and no others (`schema_violation`), in any
//! order and with any white space of JSON; blank lines, and a byte-order mark
//! before the first, are passed over; the last newline may be missing.
//! ```json
#![doc = include_str!("../../fixtures/format/logbook.jsonl")]
//! ```
//! 9.2. Walk in order. Of each entry judge the link, `prev_hash`
//! (`prev_hash_mismatch`), then the signature (`signature_invalid`); both faults
//! may stand on one entry. If its signature is invalid or its line cannot be
//! read, the link of the next is not judged; if only its link is wrong, the next
//! is judged against its computed hash.
//!
//! 9.3. An empty logbook passes with a warning; its head is zeros. Not shown:
//! whether its end is missing (`truncation`), unless a head, a header or a
//! receipt of its last entry is held against it (12): what is older shows that
//! the log reached that far, and the entries after it are counted as not covered.
//!
//! # 10. Bundles
//! 10.1. JSON Lines, each line canonical JSON and ended by one newline; any other
//! spelling is refused, and so is what is no line of the table (`bundle_corrupt`;
//! of a line that begins with `{"entry":` or `{"document":`: `schema_violation`). A file
//! may be compressed with zstd (RFC 8878), window at most 2^27 bytes; everything
//! below is said of the bytes inside. A proof or bundle is one frame with nothing
//! before or after it; a logbook is frames one after the other, the last of them
//! whole. Every frame has data: skippable and empty ones are refused
//! (`bundle_corrupt`; of a proof `proof_invalid`), and what ends within a frame is
//! `truncated` (of a proof `proof_invalid`).
//!
//! 10.2. Lines, in this order; a line of the table may be repeated as it says.
//!
//! | line | in a range | in a selection |
//! |---|---|---|
//! | opening `{"sealbook": {"contents", "format", "genesis", "log"}}`, in version 2 also `"uses": []` | first; `contents` is `range`, with `first_seq` and `last_seq` | first; `contents` is `selection` |
//! | `{"document": {…}}` | before all that follows, in the order of the digests (11) | the same |
//! | header (6.2) | before the first entry of each epoch | before the first entry given of each epoch |
//! | `{"before": [hex, …]}` | after the first header, if entries of its epoch stand before `first_seq` | never |
//! | `{"entry": {…, "seq"}}` | each from `first_seq` to `last_seq` | never |
//! | `{"entry": {…, "seq"}, "path": [hex, …]}` | never | each entry given, in the order of the log |
//! | `{"after": [hex, …]}` | after the last entry, if its epoch goes on | never |
//! | head (7) | before the entries that no epoch seals, if `last_seq` is one of them; once; its `seq` is `last_seq` | never |
//! | version 2: `{"opening": {…}}` (10.9) | last but the closing record | the same |
//! | closing record | last | last |
//!
//! 10.3. `before` are the hashes of the complete subtrees (6.7) of the leaves
//! [0, first given), `after` those of [one past the last given, `tree_size`).
//! Their numbers follow from the positions, none is 0, and they **must** be
//! checked before anything is hashed (`bundle_corrupt`, of the epoch; where there
//! is no epoch, of the file). The tree is compared with the header where its epoch
//! ends: at the next header, the head, or the end.
//!
//! 10.4. The closing record: how many entries, headers, document lines and bytes
//! stand before it, and `H` of all those bytes, newlines included. Every count
//! and the hash **must** be right (`bundle_corrupt`), and nothing may follow it,
//! not even what no newline ends (`bundle_corrupt`).
//! With the key at hand it is the statement with `<what>` = `bundle`, whose
//! signature **must** be the log's (`signature_invalid`); else it is
//! `{"bundle": {…}}` alone. Anybody can make that of a bundle, and cut, empty or
//! rearrange it before, so it is a fault (`bundle_unsigned`) unless the verifier is
//! told to allow it; then the verdict says `not_checked: bundle_unsigned`, and
//! shows that nothing was changed or added. A file without closing record is
//! `truncated`.
//!
//! In version 2 it has `"format": 2` and a member more, `filter`: `null` in a
//! range, in a selection what it answers, those of these members that were asked
//! for: `correlation`, `decision`, `document`, `tenant`, `worker` (strings),
//! `kinds` (sorted), `denied`, `reverse` (booleans), `since`, `until` (times),
//! `from_seq`, `until_seq`, `limit` (numbers), and `"attestations": true` where the
//! attestations of its workers are given besides. A verifier may demand certain
//! members: others that it has but `attestations`, and an unsigned or missing
//! `filter`, are then `filter_mismatch`, of the file.
//!
//! 10.5. A range, with the end of an epoch that another begins, one whole epoch,
//! a tail under a head, documents, and a signed closing record:
//! ```json
#![doc = include_str!("../../fixtures/format/range.bundle")]
//! ```
//! 10.6. A selection:
//! ```json
#![doc = include_str!("../../fixtures/format/selection.bundle")]
//! ```
//! 10.7. To verify a **range**: the opening's key is one that the caller trusts
//! (`untrusted_key`); headers by 6.3 and 6.4, the first without 6.4 unless it is
//! epoch 0; entries have the numbers from `first_seq` on (`sequence_gap`), their
//! links and signatures by 9.2 (the first link only if it is entry 0), 5.1 to
//! 5.3 and 6.5; for each epoch `before`, the leaves of its entries and `after`
//! make a tree of `tree_size` leaves with the root of the header
//! (`epoch_root_mismatch`); every entry stands under a header or the head
//! (`proof_invalid`), and one after a header's `last_seq` ends its epoch and
//! stands under none; the last entry is `last_seq` (`truncated`) and, under a
//! head, the one the head names (`head_mismatch`).
//!
//! 10.8. To verify a **selection**: the same, but each entry by its own path
//! (6.6; without one `proof_invalid`); numbers ascend (`sequence_gap`); links are
//! not judged (`chain`); headers that do not follow each other are the warning
//! `epoch_gap`, of them only `epoch` and `first_seq` **must** ascend
//! (`epoch_invariant`), those that do are judged by 6.4; a header of which no
//! entry is given is `bundle_corrupt`. Not shown: whether entries were left out
//! (`completeness`).
//!
//! 10.9. The **opening entry** of version 2 is entry 0 of the log, as in a
//! logbook: so what is only in it, as the recovery key (5.7), is known of every
//! part of a log. It is no entry of the range or selection, and is not counted.
//! Its `prev_hash` **must** be zeros (`prev_hash_mismatch`), its signature the
//! log's (`signature_invalid`), it **must** keep 5.1, and its hash be the
//! `genesis` that the first line names (`genesis_mismatch`); its faults have this
//! order and are of its line (`document`). The examples in version 2:
//! ```json
#![doc = include_str!("../../fixtures/format/range.v2.bundle")]
#![doc = include_str!("../../fixtures/format/selection.v2.bundle")]
//! ```
//!
//! # 11. Documents
//! 11.1. A document is an entry of kind `wcp.document` with the payload
//! `{"content", "digest", "media_type"}`, and `_actor` where a server took it in;
//! no others, `digest` and `media_type` strings (`schema_violation`). `digest` is `blake2b-256:` and the hex
//! of `H` over the canonical JSON of `content`, or over its UTF-8 bytes if it is a
//! string. It **must** be right (`document_mismatch`).
//!
//! 11.2. An entry of a reserved kind (5.4) that does not begin with `sealbook:`
//! **refers** to the documents that strings anywhere in its payload's `context`
//! name: whole strings of `blake2b-256:` and 64 hex digits, at any depth, values
//! and not names. Other digests are spelt otherwise there.
//!
//! 11.3. Every document that an entry of a log or bundle refers to **must** be
//! there (`document_missing`): among the entries, or in a bundle as a document
//! line. Such a line has the entry as in a logbook, without its number, since it
//! stands for its content: the referring entry's signature covers the digest, the
//! digest the content, the entry's own signature the media type. It **must** be
//! signed by the log (`signature_invalid`), be a document, stand in ascending
//! order of the digests and only once, and be one that an entry refers to and
//! that is not among the entries (`bundle_corrupt`).
//!
//! 11.4. Documents are shared by all who are decided by them. A bundle for one
//! tenant carries the rules it was decided by, whole: a rule that names another
//! tenant tells of it. Of entries that are not given a bundle has hashes alone:
//! `prev_hash` of its own entries, siblings, subtrees. Siblings and subtrees
//! cover signatures, which nobody can guess. `prev_hash` does not: who guesses
//! the whole entry before, to the microsecond, and knows the hash before that,
//! can see that the guess is right.
//!
//! # 12. What is kept of a log
//! 12.1. **Receipts**, JSON Lines, one for each acknowledged entry, in any
//! spelling and order:
//! ```json
#![doc = include_str!("../../fixtures/format/receipts.jsonl")]
//! ```
//! Each **must** name the log (`log_key_mismatch`, `genesis_mismatch`), and the
//! entry of its number **must** have its hash, `prev_hash`, `ts`, `kind` and
//! `signature` (`receipt_mismatch`). If the log ends before it: `truncated`.
//!
//! 12.2. A **published file**, JSON Lines, each line a header or a head in
//! canonical JSON, appended and never changed; any other spelling is no published
//! file and gets no verdict; a last line without newline was not finished and is
//! passed over, whatever it says. One header or head alone in a file may be spelt
//! in any way.
//! ```json
#![doc = include_str!("../../fixtures/format/published.jsonl")]
//! ```
//! The lines are first judged by themselves, whatever the log holds: each header
//! keeps 6.3 (`epoch_invariant`), and of those that the log signed no two may be
//! of one epoch and differ, follow each other against 6.4, hold one entry in two
//! epochs, or name two entries at one `seq` (`equivocation`). Then each **must** be
//! signed by the log, and the log **must** hold its entry (`last_seq` and `head`
//! of a header) or the very header (`head_not_contained`). Another header for the
//! same epoch under the log's signature is `equivocation`, and the two are the
//! evidence. Where a header is not in the log and all its entries are, their tree
//! **must** have its root (`epoch_root_mismatch`).
//!
//! 12.3. A range says nothing of what lies outside of it, a selection or proof of
//! any entry that it does not hold. Receipts and published lines of such entries
//! are counted as not checked (`receipts`, `heads`); but if no published line is
//! met at all, that is `head_not_contained`.
//!
//! # 13. Limits
//! Beyond these a file is refused: a kind 256 bytes; a payload 128 levels of arrays
//! and objects, itself
//! the first; an integer 4 300 digits; a signing payload 16 MiB; a line 20 MiB; an
//! epoch 2^24 entries; documents referred to 2^22; a published file 2^20 lines;
//! receipts 10 million; a zstd window 128 MiB.
//!
//! # 14. Naming a fault
//! 14.1. What was kept of the log is judged by itself first (12.2). Then faults
//! are found, and listed, in the order of the file; of one entry in
//! the order link, signature, section 5, time (5.3), epoch (6.5), path or tree
//! (6.6), document (11.1); of one header in that of 6.3 and 6.4, then its place
//! (10.2); of a head: its place, signature, log, genesis; of one document line:
//! its place, signature, kind, content, order. At
//! the end of a bundle: its last epoch, its last entry, the head (10.7), then
//! revocations (5.7), what was kept (12), and the
//! documents (11.3). The first decides.
//!
//! 14.2. A fault of an entry has its number among the entries of the file, from
//! 0, as `index` (`at` = `entry`), also where its line cannot be read; of a header
//! its `epoch` (`epoch`); of any other line of a bundle, or of a closing record
//! that is missing, the number of the line from 0 (`document`). The head's faults
//! (7), `untrusted_key`, a last entry that is not `last_seq`, and what a proof's
//! bytes have are of the file, without `index` (`file`).
//!
//! 14.3. A file is taken for what the first of its first 16 lines says that is a
//! JSON object and says something: with `entry`, `epoch` and `path` it is a proof;
//! with `sealbook`, `bundle` or `entry`, or with `epoch` and `signature`, a bundle;
//! with `prev_hash` and `signature` a logbook. Nothing but white space is an empty
//! logbook. Where the caller or the name (`.bundle`, `.proof`) says that it is
//! something else: `format_mismatch`.
//!
//! # 15. Versions
//! 15.1. A bundle or proof names its version in its first line, a head in itself,
//! as `format`: 1 (a head and a proof: no `format`) or 2. Both are read for ever.
//!
//! 15.2. `uses` of version 2 names what a reader must know beyond this page. A
//! reader that meets a greater `format`, a name in `uses` that it does not know, or
//! an entry 0 under the log's signature whose `format` is greater than 1, gives
//! **no verdict**: `format_unsupported`. So what is added later is never called
//! forged by a reader of today.
