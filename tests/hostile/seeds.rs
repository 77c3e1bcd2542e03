//! The inputs that are kept for a reader.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// One on each line, in base64.
pub(crate) fn of(reader: &str) -> Vec<Vec<u8>> {
    let path = Path::new("fixtures/fuzz").join(format!("{reader}.seeds"));
    let text = fs::read_to_string(&path).unwrap();
    let seeds: Vec<_> = text
        .lines()
        .map(|line| BASE64_STANDARD.decode(line).unwrap())
        .collect();
    assert!(seeds.len() >= 10, "{} has {}", path.display(), seeds.len());
    seeds
}
