//! vacant.core: the reference vectors, and what holds beyond them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed step fails the test"
)]

mod cards;
mod constants;
mod entries;
mod logbooks;
mod resident;

use std::fs;

use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::key::SoftwareSigner;
use sealbook::ledger::parse::parse;
use zeroize::Zeroizing;

/// The cases of a vector file.
fn cases(file: &str) -> Vec<Value> {
    let text = fs::read(format!("fixtures/vectors/{file}")).unwrap();
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(|line| parse(line).unwrap()).collect()
}

/// The string at a path of members.
fn text<'a>(case: &'a Value, path: &str) -> &'a str {
    at(case, path).as_str().unwrap()
}

fn at<'a>(case: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(case, |value, name| value.get(name).unwrap())
}

fn object(json: &str) -> Object {
    match parse(json.as_bytes()).unwrap() {
        Value::Object(object) => object,
        _ => panic!("{json} is not an object"),
    }
}

fn signer(seed: &str) -> SoftwareSigner {
    let bytes = hex::decode(seed).unwrap().try_into().unwrap();
    SoftwareSigner::from_seed(&Zeroizing::new(bytes))
}
