//! The examples of the format document, made again byte for byte.
//!
//! `tools/fixtures format` writes them; what then differs is another format.

use std::fs;
use std::path::{Path, PathBuf};

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::epoch::leaf_hash;
use sealbook::ledger::fault::NotChecked;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Form;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::note::{Algorithm, VerifierKey, sign};
use sealbook::ledger::published::{Published, PublishedError};
use sealbook::ledger::tlog::builder::{LogBuilder, TreeBuildError};
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::proof::TlogProof;
use sealbook::ledger::tlog::source::prove_inclusion;
use sealbook::ledger::version::Version;
use sealbook::ledger::wal::{Bare, Noted, Says, UnsignedBatch, WalError, WalObject, WalPosition};
use serde_json::json;

use crate::bundles::{judge, judge_bundle, judge_proof};
use crate::sample::Sample;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/format")
}

fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let sample = Sample::documented();
    let entry = &sample.entries[5];
    let line = |entry: &sealbook::ledger::entry::Entry| {
        let mut line = Vec::new();
        entry.write_json(None, &mut line);
        line.push(b'\n');
        line
    };
    let with_newline = |text: String| format!("{text}\n").into_bytes();
    let epoch = sample.epochs[1].to_value().canonical(Form::Utf8);
    let head = sample.head(6);
    let receipt = |seq: usize| {
        let entry = &sample.entries[seq];
        let receipt = json!({
            "seq": seq, "hash": entry.hash(), "prev_hash": entry.prev_hash(),
            "ts": entry.ts().to_string(), "kind": entry.kind(),
            "signature": entry.signature().to_string(),
            "log": sample.log(), "genesis": sample.genesis(),
        });
        format!("{receipt}\n")
    };
    let epochs = sample.epochs.iter().cloned().map(Published::Epoch);
    let second = Sample {
        version: Version::Two,
        ..Sample::documented()
    };
    let published = epochs.chain([Published::Head(head.clone())]);
    let mut examples = crate::format_public::examples(&sample);
    examples.extend(crate::denied::examples());
    examples.extend([
        ("key.txt", with_newline(sample.log().to_string())),
        ("entry.json", line(entry)),
        (
            "entry.signing-payload.hex",
            with_newline(hex::encode(entry.signing_payload())),
        ),
        ("entry.hash", with_newline(entry.hash().to_string())),
        ("epoch.json", with_newline(epoch)),
        (
            "head.json",
            with_newline(head.to_value().canonical(Form::Utf8)),
        ),
        (
            "head.v2.json",
            with_newline(second.head(6).to_value().canonical(Form::Utf8)),
        ),
        ("entry-3.proof", sample.proof(3).to_bytes()),
        (
            "logbook.jsonl",
            sample.entries.iter().flat_map(line).collect(),
        ),
        ("range.bundle", sample.range_bundle(3, 6, true)),
        ("selection.bundle", sample.selection_bundle(&[3, 4], true)),
        ("entry-3.v2.proof", second.proof(3).to_bytes()),
        ("range.v2.bundle", second.range_bundle(3, 6, true)),
        (
            "selection.v2.bundle",
            second.selection_bundle(&[3, 4], true),
        ),
        ("receipts.jsonl", [5, 6].map(receipt).concat().into_bytes()),
        (
            "public.checkpoint",
            public_proof(&sample).checkpoint.to_string().into_bytes(),
        ),
        ("public.vkey", with_newline(public_key(&sample).to_string())),
        ("public.tile.hex", public_part(&sample, "tile/0/000.p/7")),
        (
            "public.entries.hex",
            public_part(&sample, "tile/entries/000.p/7"),
        ),
        (
            "entry-3.tlog-proof",
            public_proof(&sample).to_string().into_bytes(),
        ),
        ("wal.batch", wal_batch(&sample)),
        ("wal.fence", wal_fence(&sample)),
        (
            "published.jsonl",
            published.flat_map(|line| line.to_line()).collect(),
        ),
    ]);
    examples
}

/// The public log of the sample's entries, which fill no tile.
fn public_log(sample: &Sample) -> LogBuilder {
    let mut log = LogBuilder::new();
    for entry in &sample.entries {
        let data = leaf_hash(&entry.hash(), &entry.signature());
        log.push(data, |_, _| Err::<(), TreeBuildError>(TreeBuildError::Full))
            .unwrap();
    }
    log
}

fn public_part(sample: &Sample, path: &str) -> Vec<u8> {
    let parts = public_log(sample).partial();
    let part = parts.into_iter().find(|(name, _)| name.to_string() == path);
    format!("{}\n", hex::encode(part.unwrap().1)).into_bytes()
}

fn public_key(sample: &Sample) -> VerifierKey {
    let name = "log.example.com/sample".parse().unwrap();
    VerifierKey::new(name, Algorithm::Ed25519(sample.log()))
}

/// Of entry 3.
fn public_proof(sample: &Sample) -> TlogProof {
    let (log, key) = (public_log(sample), public_key(sample));
    let checkpoint = CheckpointText {
        origin: key.name().to_string(),
        size: log.size(),
        root: log.root(),
        extensions: Vec::new(),
    };
    let entry = &sample.entries[3];
    let data = leaf_hash(&entry.hash(), &entry.signature());
    let folder = crate::tlog::Folder(log.partial().into_iter().collect());
    let path = prove_inclusion(&folder, &checkpoint, 3, &data).unwrap();
    let line = sign(&checkpoint.to_string(), key.name(), &sample.signer).unwrap();
    let checkpoint = SignedCheckpoint::signed(checkpoint, line).unwrap();
    key.verify(checkpoint.note()).unwrap();
    TlogProof {
        extra: None,
        index: 3,
        path,
        checkpoint,
    }
}

/// Entries 4 and 5 of the sample, and the header that seals them.
fn wal_batch(sample: &Sample) -> Vec<u8> {
    let bare = |seq: usize| {
        let entry = &sample.entries[seq];
        Bare {
            kind: entry.kind().to_owned(),
            ts: entry.ts(),
            payload: entry.payload_bytes().to_vec(),
        }
    };
    let batch = UnsignedBatch {
        first_seq: 4,
        prev_hash: sample.entries[3].hash(),
        entries: vec![bare(4), bare(5)],
        epoch: Some(sample.epochs[1].content.clone()),
        notes: vec![Noted {
            hour: 492_203,
            key: [7; 32],
            value: b"remembered".to_vec(),
        }],
        forget_before: Some(492_179),
        rows: vec![(b"key".to_vec(), b"value".to_vec())],
        index_key: None,
    };
    wal_object(
        sample,
        WalPosition {
            generation: 1,
            n: 5,
        },
        Says::Batch(Box::new(batch)),
    )
}

fn wal_fence(sample: &Sample) -> Vec<u8> {
    wal_object(
        sample,
        WalPosition {
            generation: 1,
            n: 6,
        },
        Says::Fence,
    )
}

fn wal_object(sample: &Sample, place: WalPosition, says: Says) -> Vec<u8> {
    let object = WalObject {
        place,
        log: sample.log(),
        genesis: sample.genesis(),
        prev: Hash::of(b"the object before"),
        writer: Hash::of(b"the writer"),
        says,
    };
    let (bytes, digest) = object.sign(&sample.signer).unwrap();
    let genesis = Some(sample.genesis());
    let opened = WalObject::open(&bytes, place, sample.log(), genesis).unwrap();
    assert_eq!(opened, (object, digest));
    bytes
}

/// Whatever is changed in an object, wherever: it is no longer one of this log.
#[test]
fn no_byte_of_an_object_can_be_changed() {
    let sample = Sample::documented();
    let place = WalPosition {
        generation: 1,
        n: 5,
    };
    let bytes = wal_batch(&sample);
    let open = |bytes: &[u8], place| {
        let genesis = Some(sample.genesis());
        WalObject::open(bytes, place, sample.log(), genesis).map(drop)
    };
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(open(&changed, place).is_err(), "byte {at}");
        assert!(open(&bytes[..at], place).is_err(), "cut at {at}");
    }
    let elsewhere = WalPosition {
        generation: 2,
        n: 5,
    };
    assert_eq!(
        open(&bytes, elsewhere),
        Err(WalError::Place { found: place })
    );
    let longer = [&bytes[..], b"{}\n"].concat();
    assert_eq!(open(&longer, place), Err(WalError::Digest));
}

/// Two objects for one place say that a writer was fenced, and nothing against the log.
#[test]
fn two_objects_for_one_place_are_no_published_statement() {
    let sample = Sample::documented();
    for bytes in [wal_batch(&sample), wal_fence(&sample)] {
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap();
        assert_eq!(Published::from_line(first), Err(PublishedError::Other));
    }
}

#[test]
fn every_example_is_made_anew_byte_for_byte() {
    let write = std::env::var_os("SEALBOOK_WRITE_FIXTURES").is_some_and(|what| what == "format");
    let mut examples = examples();
    examples.extend(crate::denied::further());
    for (name, bytes) in &examples {
        let path = folder().join(name);
        if write {
            fs::write(&path, bytes).unwrap();
        }
        let kept = fs::read(&path).unwrap();
        assert!(kept == *bytes, "{name} is not what is written now");
    }
    let mut kept: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        // Those of decisions are made by `tools/fixtures decisions`; commitments were
        // computed by another program.
        .filter(|name| name != "suite" && !name.starts_with("decisions."))
        .filter(|name| name != "redacted.jsonl")
        .collect();
    kept.sort();
    let mut made: Vec<_> = examples
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    made.sort();
    assert_eq!(kept, made);
}

/// Each stands in it as it is, so that the document is whole wherever it is read.
#[test]
fn the_document_shows_every_example() {
    for (name, bytes) in examples() {
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            sealbook::ledger::format::document().contains(&text),
            "{name}"
        );
    }
}

#[test]
fn every_example_verifies() {
    let sample = Sample::documented();
    let read = |name: &str| fs::read(folder().join(name)).unwrap();
    for version in ["", ".v2"] {
        let named = |name: &str, ending| read(&format!("{name}{version}.{ending}"));
        let range = judge_bundle(&named("range", "bundle"), &sample);
        assert_eq!((range.faults, range.not_checked), (vec![], vec![]));
        assert_eq!((range.entries, range.epochs), (4, 2));
        let selection = judge_bundle(&named("selection", "bundle"), &sample);
        assert_eq!(selection.faults, []);
        let proof = judge_proof(&named("entry-3", "proof"), &sample);
        assert_eq!(proof.faults, []);
    }
    let book = read("logbook.jsonl");
    let book = judge(&mut LogbookFile::new(&book[..]), &sample);
    assert_eq!(book.faults, []);
    assert_eq!(book.not_checked, [NotChecked::Truncation]);
    assert!(BundleFile::open(&b""[..]).is_ok());
}
