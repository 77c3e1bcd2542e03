//! Many files digested at once, side by side where the processor gains by it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sealbook::files::{FileReadError, OpenError, OpenFile, digest_each};
use sealbook::ledger::sha256::Sha256Digest;
use tempfile::TempDir;

/// Around a block, its padding, what is read at once and what is digested alone.
fn lengths() -> Vec<usize> {
    let around = |middle: usize| middle - 1..=middle + 1;
    let mut lengths: Vec<usize> = (0..=130).collect();
    for middle in [4 << 10, 32 << 10, (32 << 10) + 56, 64 << 10, 4 << 20] {
        lengths.extend(around(middle));
    }
    lengths
}

fn content(length: usize) -> Vec<u8> {
    let bytes = (0_u32..).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ length as u8);
    bytes.take(length).collect()
}

fn written(lengths: &[usize]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = lengths.iter().enumerate().map(|(n, length)| {
        let path = folder.path().join(n.to_string());
        fs::write(&path, content(*length)).unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

/// What is done to a file once it is open, and what that is called.
type Change = (&'static str, fn(&Path));

#[test]
fn each_file_of_many_has_the_digest_and_the_size_that_it_has_alone() {
    let lengths = lengths();
    let (_folder, paths) = written(&lengths);
    // By one core, by more than there may be, and so few files that they are
    // digested one by one.
    for (threads, count) in [
        (1, lengths.len()),
        (7, lengths.len()),
        (1, 4),
        (1, 3),
        (1, 0),
    ] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let paths = &paths[..count];
        let outcomes = pool
            .build()
            .unwrap()
            .install(|| digest_each(paths, |path| OpenFile::at(path)));
        assert_eq!(outcomes.len(), count);
        for (outcome, length) in outcomes.into_iter().zip(&lengths) {
            let digest = outcome.unwrap().unwrap();
            assert_eq!(digest.size, *length as u64);
            assert_eq!(
                digest.sha256,
                Sha256Digest::of(&content(*length)),
                "{length}"
            );
        }
    }
}

#[test]
fn a_file_that_is_missing_or_changes_is_named_and_the_others_are_digested() {
    let changes: [Change; 5] = [
        ("missing", |path| fs::remove_file(path).unwrap()),
        ("longer", |path| append(path, b"x")),
        ("much longer", |path| append(path, &[0; 200_000])),
        ("shorter", |path| fs::write(path, "").unwrap()),
        ("touched", |path| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        }),
    ];
    // Eight side by side on one core: the changed one stands at each place once.
    for (what, change) in changes {
        for length in [1, 63, 32 << 10, 100_000, 5 << 20] {
            for changed in (0..17).step_by(if length > 1 << 20 { 16 } else { 1 }) {
                let mut lengths = [1000; 17];
                lengths[changed] = length;
                let (_folder, paths) = written(&lengths);
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                let outcomes = pool.unwrap().install(|| {
                    digest_each(&paths, |path| {
                        let missing = what == "missing" && *path == paths[changed];
                        if missing {
                            change(path);
                        }
                        let opened = OpenFile::at(path)?;
                        if *path == paths[changed] {
                            change(path);
                        }
                        Ok::<_, OpenError>(opened)
                    })
                });
                for (n, outcome) in outcomes.into_iter().enumerate() {
                    match outcome {
                        Err(OpenError::Missing) => assert_eq!((n, what), (changed, "missing")),
                        Ok(Err(FileReadError::Changed)) => {
                            assert_eq!(n, changed, "{what}");
                            assert_ne!(what, "missing");
                        }
                        Ok(Ok(digest)) => {
                            assert_ne!(n, changed, "{what} {length}");
                            assert_eq!(digest.sha256, Sha256Digest::of(&content(1000)));
                        }
                        other => panic!("{what} {length}: {other:?}"),
                    }
                }
            }
        }
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
