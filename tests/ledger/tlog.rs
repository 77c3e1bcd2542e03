//! The public log: its tree against an oracle and public vectors, its folder read by
//! someone who believes nothing, its names.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;

use rs_merkle::MerkleTree;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::SoftwareSigner;
use sealbook::ledger::merkle::ConsistencyError;
use sealbook::ledger::note::{Note, sign};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::tlog::builder::{LogBuilder, TreeBuildError};
use sealbook::ledger::tlog::bundle::{self, EntryBundleError};
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::proof::{InclusionError, TlogProof, TlogProofError};
use sealbook::ledger::tlog::resource::{Resource, partial};
use sealbook::ledger::tlog::source::{
    TileReadError, TileSource, check_all, entries, prove_growth, prove_inclusion,
};
use sealbook::ledger::tlog::tree::{LogTree, check_growth, empty_root, leaf};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::vectors::third_party;

/// A folder in memory.
#[derive(Clone, Default)]
pub(crate) struct Folder(pub(crate) BTreeMap<Resource, Vec<u8>>);

impl TileSource for Folder {
    type Error = Infallible;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&resource).cloned())
    }
}

fn data(seq: u64) -> Hash {
    Hash::of(&seq.to_be_bytes())
}

fn checkpoint(size: u64, root: Sha256Digest) -> CheckpointText {
    let origin = "example.com/log".to_owned();
    CheckpointText {
        origin,
        size,
        root,
        extensions: Vec::new(),
    }
}

/// Goes on to `size`, and publishes.
fn grow(builder: &mut LogBuilder, folder: &mut Folder, size: u64) -> CheckpointText {
    for seq in builder.size()..size {
        let full = |resource, bytes| {
            assert_eq!(folder.0.insert(resource, bytes), None, "{resource} twice");
            Ok::<_, TreeBuildError>(())
        };
        builder.push(data(seq), full).unwrap();
    }
    folder.0.extend(builder.partial());
    checkpoint(size, builder.root())
}

fn log(size: u64) -> (Folder, CheckpointText) {
    let mut folder = Folder::default();
    let checkpoint = grow(&mut LogBuilder::new(), &mut folder, size);
    (folder, checkpoint)
}

#[test]
fn the_root_is_that_of_the_oracle_at_every_size() {
    let mut builder = LogBuilder::new();
    let mut oracle = MerkleTree::<LogTree>::new();
    assert_eq!(builder.root(), empty_root());
    for seq in 0..700 {
        builder
            .push(data(seq), |_, _| Ok::<_, TreeBuildError>(()))
            .unwrap();
        oracle.insert(*leaf(&data(seq)).as_bytes()).commit();
        assert_eq!(oracle.root(), Some(*builder.root().as_bytes()), "{seq}");
    }
}

#[test]
fn paths_have_the_names_of_the_standard_and_no_others() {
    let (folder, _) = log(70_000);
    let count = |prefix: &str| {
        let names = folder.0.keys().map(ToString::to_string);
        names.filter(|name| name.starts_with(prefix)).count()
    };
    // The standard's own example.
    assert_eq!(count("tile/0/"), 273 + 1);
    assert_eq!(count("tile/entries/"), 273 + 1);
    assert!(
        folder
            .0
            .keys()
            .any(|name| name.to_string() == "tile/0/273.p/112")
    );
    assert!(
        folder
            .0
            .keys()
            .any(|name| name.to_string() == "tile/1/001.p/17")
    );
    assert!(
        folder
            .0
            .keys()
            .any(|name| name.to_string() == "tile/2/000.p/1")
    );
    assert_eq!(folder.0.len(), 2 * 274 + 2 + 1);
    for resource in folder.0.keys() {
        assert_eq!(resource.to_string().parse(), Ok(*resource));
    }
    let long: Resource = "tile/3/x001/x234/067.p/255".parse().unwrap();
    assert_eq!(long.slot().map(|slot| slot.index), Some(1_234_067));
    for wrong in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x001",
        "tile/00/001",
        "tile/8/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/0/001.p",
        "tile/0/../../../etc/passwd",
        "../checkpoint",
        "/checkpoint",
        "checkpoint/",
        "tile/0/+01",
        "tile/entries/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/xx01",
        "Checkpoint",
    ] {
        assert!(wrong.parse::<Resource>().is_err(), "{wrong}");
    }
}

#[test]
fn a_folder_shows_every_entry_and_every_growth() {
    let (mut builder, mut folder) = (LogBuilder::new(), Folder::default());
    let mut before = Vec::new();
    for size in [1, 2, 3, 255, 256, 257, 511, 512, 700, 65_536, 66_000] {
        let now = grow(&mut builder, &mut folder, size);
        let mut seen = 0;
        check_all(&folder, &now, |seq, found| {
            assert_eq!((seq, *found), (seen, data(seen)));
            seen += 1;
        })
        .unwrap();
        assert_eq!(seen, size);
        for index in (0..size)
            .step_by(1 + usize::try_from(size).unwrap() / 40)
            .chain([size - 1])
        {
            let path = prove_inclusion(&folder, &now, index, &data(index)).unwrap();
            let wrong = prove_inclusion(&folder, &now, index, &data(index + 1));
            assert!(matches!(wrong, Err(TileReadError::Path { .. })), "{path:?}");
        }
        for index in 0..size.div_ceil(256).min(3) {
            let given = entries(&folder, &now, index).unwrap();
            assert_eq!(given[0], data(256 * index));
        }
        before.push(now.clone());
        for old in &before {
            prove_growth(&folder, old, &now).unwrap();
        }
    }
}

#[test]
fn consistency_is_shown_between_any_two_sizes_and_no_other_roots() {
    let mut builder = LogBuilder::new();
    let mut folder = Folder::default();
    let all: Vec<_> = (1..=140)
        .map(|size| grow(&mut builder, &mut folder, size))
        .collect();
    for old in &all {
        for new in &all[usize::try_from(old.size).unwrap() - 1..] {
            let proof = prove_growth(&folder, old, new).unwrap();
            let sides = ((old.size, old.root), (new.size, new.root));
            assert_eq!(check_growth(sides.0, sides.1, &proof), Ok(()));
            if old.size < new.size {
                let other = Sha256Digest::of(b"other");
                let old_fault = check_growth((old.size, other), sides.1, &proof);
                // A whole subtree is its own beginning: the newer root is another then.
                let expected = match old.size.is_power_of_two() {
                    true => ConsistencyError::New { new: new.size },
                    false => ConsistencyError::Old { old: old.size },
                };
                assert_eq!(old_fault, Err(expected));
                let new_fault = check_growth(sides.0, (new.size, other), &proof);
                assert_eq!(new_fault, Err(ConsistencyError::New { new: new.size }));
                let longer = [&proof[..], &[other]].concat();
                let length = check_growth(sides.0, sides.1, &longer);
                assert!(matches!(length, Err(ConsistencyError::Length { .. })));
                let shrunk = check_growth(sides.1, sides.0, &proof);
                assert!(matches!(shrunk, Err(ConsistencyError::Shrunk { .. })));
            }
        }
    }
}

#[test]
fn public_consistency_proofs_get_their_verdicts() {
    let Some(folder) = third_party() else { return };
    let mut folders = vec![folder.join("merkle_rfc6962/consistency")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let refused = !grew(&case);
            assert_eq!(
                refused,
                case["wantErr"].as_bool().unwrap(),
                "{}",
                path.display()
            );
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}

fn grew(case: &Value) -> bool {
    use base64::Engine as _;
    let digest = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap();
        // Some roots are words, where it does not matter which.
        let digest = <[u8; 32]>::try_from(bytes).map(Sha256Digest::from_bytes);
        digest.unwrap_or_else(|bytes| Sha256Digest::of(&bytes))
    };
    let nothing = Vec::new();
    let proof = case["proof"].as_array().unwrap_or(&nothing);
    let proof: Vec<_> = proof.iter().map(digest).collect();
    let side = |size: &str, root: &str| (case[size].as_u64().unwrap(), digest(&case[root]));
    let (old, new) = (side("size1", "root1"), side("size2", "root2"));
    // From nothing everything grows, which witnesses count on and the vectors refuse.
    let from_nothing = old.0 == 0;
    check_growth(old, new, &proof).is_ok() && !from_nothing
}

#[test]
fn one_changed_byte_in_any_file_is_refused() {
    let (folder, checkpoint) = log(66_000);
    let files: Vec<Resource> = folder.0.keys().copied().collect();
    for (n, resource) in files
        .iter()
        .enumerate()
        .filter(|(n, _)| n % 9 == 0 || *n > 500)
    {
        let mut changed = folder.clone();
        let bytes = changed.0.get_mut(resource).unwrap();
        let at = n * 131 % bytes.len();
        bytes[at] ^= 1;
        let found = check_all(&changed, &checkpoint, |_, _| ()).unwrap_err();
        match found {
            TileReadError::Tile { .. }
            | TileReadError::Bundle { .. }
            | TileReadError::Root { .. } => {}
            other => panic!("{resource}: {other}"),
        }
    }
    for resource in [files[0], files[files.len() - 1]] {
        let mut short = folder.clone();
        short.0.get_mut(&resource).unwrap().pop();
        let cut = check_all(&short, &checkpoint, |_, _| ()).unwrap_err();
        assert!(matches!(cut, TileReadError::Length { .. }), "{cut}");
        let mut gone = folder.clone();
        gone.0.remove(&resource);
        let missing = check_all(&gone, &checkpoint, |_, _| ()).unwrap_err();
        assert!(
            matches!(missing, TileReadError::Missing { .. }),
            "{missing}"
        );
    }
}

#[test]
fn a_bundle_that_its_tile_does_not_vouch_for_is_refused_alone_too() {
    let (folder, now) = log(700);
    for resource in ["tile/entries/001", "tile/0/001", "tile/1/000.p/2"] {
        let mut changed = folder.clone();
        changed.0.get_mut(&resource.parse().unwrap()).unwrap()[4] ^= 1;
        let found = entries(&changed, &now, 1).unwrap_err();
        let named = match resource {
            "tile/1/000.p/2" => matches!(found, TileReadError::Path { .. }),
            _ => matches!(found, TileReadError::Tile { .. }),
        };
        assert!(named, "{resource}: {found}");
    }
    assert!(matches!(
        entries(&folder, &now, 3),
        Err(TileReadError::Outside(_))
    ));
}

#[test]
fn a_partial_tile_that_became_full_is_read_out_of_the_full_one() {
    let (mut builder, mut folder) = (LogBuilder::new(), Folder::default());
    let old = grow(&mut builder, &mut folder, 300);
    grow(&mut builder, &mut folder, 66_000);
    for resource in partial(300) {
        folder.0.remove(&resource);
    }
    check_all(&folder, &old, |_, _| ()).unwrap();
    prove_inclusion(&folder, &old, 299, &data(299)).unwrap();
}

#[test]
fn building_goes_on_from_what_was_published_at_any_size() {
    let mut reference = LogBuilder::new();
    for size in 0..1_200 {
        if size > 0 {
            reference
                .push(data(size - 1), |_, _| Ok::<_, TreeBuildError>(()))
                .unwrap();
        }
        let folder = Folder(reference.partial().into_iter().collect());
        let tiles: Vec<_> = LogBuilder::needed(size)
            .iter()
            .map(|tile| folder.0.get(tile).cloned())
            .collect();
        let mut resumed = LogBuilder::resume(size, &tiles).unwrap();
        for seq in resumed.size()..size {
            resumed
                .push(data(seq), |_, _| Ok::<_, TreeBuildError>(()))
                .unwrap();
        }
        assert_eq!(resumed.root(), reference.root(), "{size}");
        assert_eq!(resumed.partial(), reference.partial(), "{size}");
    }
    let missing = LogBuilder::resume(300, &[None]).unwrap_err();
    assert!(matches!(missing, TreeBuildError::Edge { .. }));
    let short = LogBuilder::resume(300, &[Some(vec![0; 31])]).unwrap_err();
    assert!(matches!(short, TreeBuildError::Edge { .. }));
}

#[test]
fn what_is_no_bundle_is_refused_by_name() {
    let bytes = bundle::format(&[data(0), data(1)]);
    assert_eq!(bundle::parse(&bytes, 2), Ok(vec![data(0), data(1)]));
    let length = |expected, bytes| Err(EntryBundleError::Length { expected, bytes });
    assert_eq!(bundle::parse(&bytes, 3), length(3, 68));
    assert_eq!(bundle::parse(&bytes[..67], 2), length(2, 67));
    let mut other = bytes.clone();
    other[35] = 31;
    assert_eq!(
        bundle::parse(&other, 2),
        Err(EntryBundleError::Entry { at: 1 })
    );
}

fn proof(size: u64, index: u64) -> TlogProof {
    let (folder, now) = log(size);
    let path = prove_inclusion(&folder, &now, index, &data(index)).unwrap();
    let signer = SoftwareSigner::from_seed(&Zeroizing::new([1; 32]));
    let text = now.to_string();
    let line = sign(&text, &"example.com/log".parse().unwrap(), &signer).unwrap();
    let note = Note::new(text, vec![line]).unwrap();
    TlogProof {
        extra: None,
        index,
        path,
        checkpoint: SignedCheckpoint::of_note(note).unwrap(),
    }
}

#[test]
fn a_proof_is_read_as_it_was_written_and_proves_its_entry_alone() {
    for (size, index) in [(1, 0), (300, 299), (300, 17)] {
        let mut proof = proof(size, index);
        for extra in [None, Some(Vec::new()), Some(b"beside".to_vec())] {
            proof.extra = extra;
            let text = proof.to_string();
            let read = TlogProof::parse(text.as_bytes()).unwrap();
            assert_eq!(read, proof);
            assert_eq!(read.check(&data(index)), Ok(()));
            assert_eq!(read.check(&data(index + 1)), Err(InclusionError::Root));
        }
        proof.path.push(Sha256Digest::of(b""));
        assert!(matches!(
            proof.check(&data(index)),
            Err(InclusionError::Path(_))
        ));
    }
}

#[test]
fn no_changed_byte_of_a_proof_is_read_as_another_proof_of_the_entry() {
    let proof = proof(300, 17);
    let bytes = proof.to_string().into_bytes();
    let signed = bytes.windows(2).position(|two| two == b"\n\n").unwrap();
    // After the siblings the note begins, whose bytes have a test of their own.
    for at in 0..signed {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let holds = TlogProof::parse(&changed).is_ok_and(|read| read.check(&data(17)).is_ok());
        assert!(!holds, "byte {at}");
    }
}

#[test]
fn what_is_no_proof_is_refused_by_name() {
    let good = proof(3, 1).to_string();
    let parse = |text: &str| TlogProof::parse(text.as_bytes()).unwrap_err();
    assert_eq!(
        parse("c2sp.org/tlog-proof@v1\n"),
        TlogProofError::NoCheckpoint
    );
    assert_eq!(parse(&good.replace("@v1", "@v2")), TlogProofError::Version);
    let extra = good.replace("index", "extra A\nindex");
    assert_eq!(parse(&extra), TlogProofError::Extra);
    for index in ["01", "-1", "+1", "", "9223372036854775808"] {
        let other = good.replace("index 1", &format!("index {index}"));
        assert_eq!(parse(&other), TlogProofError::Index { line: 2 });
    }
    let sibling = good.replace("index 1\n", "index 1\nAAAA\n");
    assert_eq!(parse(&sibling), TlogProofError::Sibling { line: 3 });
    let line = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(64);
    let long = good.replace("index 1\n", &format!("index 1\n{line}"));
    assert_eq!(parse(&long), TlogProofError::TooLong);
    let crlf = parse(&good.replace('\n', "\r\n"));
    assert_eq!(crlf, TlogProofError::NoCheckpoint);
    let cut = parse(good.strip_suffix('\n').unwrap());
    assert!(matches!(cut, TlogProofError::Checkpoint(_)));
}
