//! Reading vector files.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file under `fixtures/`.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

/// The cases of a committed vector file, one a line.
pub(crate) fn cases(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(fixture("vectors").join(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The folder of public vectors that are not ours to commit, if it is there.
pub(crate) fn third_party() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/third-party");
    if folder.is_dir() {
        return Some(folder);
    }
    crate::skipped::skipped("no third-party vectors beside the checkout");
    None
}

/// The text of a member.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}
