//! The arrows between the layers, and what each layer may name. Reads `src`.
//!
//! `ledger ← {wcp, attestation, manifest, vacant} ← record`,
//! `ledger ← store ← logbook, audit, evidence`, all `← api ← serve, cli ← main`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may use, besides itself. Some are not there yet.
const MAY_USE: [(&str, &[&str]); 31] = [
    ("ledger", &[]),
    ("codes", &["ledger"]),
    ("wcp", &["ledger", "files"]),
    ("files", &["ledger"]),
    ("guide", &[]),
    ("fetch", &[]),
    ("witness", &["ledger", "fetch"]),
    ("monitor", &["ledger", "files", "fetch"]),
    ("timestamp", &["ledger"]),
    ("attestation", &["ledger", "files", "fetch"]),
    ("manifest", &["ledger", "files"]),
    ("vacant", &["ledger"]),
    (
        "record",
        &[
            "ledger",
            "producers",
            "wcp",
            "attestation",
            "manifest",
            "vacant",
            "store",
            "logbook",
        ],
    ),
    (
        "replay",
        &[
            "ledger",
            "producers",
            "files",
            "wcp",
            "attestation",
            "manifest",
            "record",
        ],
    ),
    ("producers", &["ledger"]),
    ("signers", &["ledger"]),
    ("store", &["ledger", "producers"]),
    ("logbook", &["ledger", "store"]),
    ("report", &["ledger", "producers", "store"]),
    ("audit", &["ledger", "store", "logbook", "report"]),
    (
        "evidence",
        &["ledger", "producers", "store", "logbook", "report"],
    ),
    (
        "parquet",
        &["ledger", "producers", "store", "logbook", "evidence"],
    ),
    ("imports", &["ledger", "store", "logbook"]),
    ("backup", &["ledger", "store", "logbook", "audit"]),
    ("bucket", &["ledger", "store", "logbook"]),
    (
        "publish",
        &["ledger", "files", "store", "logbook", "bucket"],
    ),
    (
        "sinks",
        &["ledger", "producers", "files", "store", "logbook", "fetch"],
    ),
    ("api", BELOW_THE_FACADE),
    ("serve", BELOW_THE_SURFACE),
    ("cli", ALL_BUT_MAIN),
    ("main", &["cli"]),
];

const BELOW_THE_FACADE: &[&str] = &[
    "codes",
    "ledger",
    "files",
    "wcp",
    "attestation",
    "manifest",
    "vacant",
    "record",
    "replay",
    "signers",
    "store",
    "logbook",
    "report",
    "audit",
    "evidence",
    "parquet",
    "imports",
    "backup",
    "bucket",
    "publish",
    "fetch",
    "witness",
    "monitor",
    "timestamp",
];

const BELOW_THE_SURFACE: &[&str] = &[
    "codes",
    "ledger",
    "producers",
    "files",
    "wcp",
    "attestation",
    "manifest",
    "vacant",
    "record",
    "replay",
    "signers",
    "store",
    "logbook",
    "report",
    "audit",
    "evidence",
    "parquet",
    "imports",
    "backup",
    "bucket",
    "publish",
    "sinks",
    "api",
    "fetch",
    "witness",
    "monitor",
    "timestamp",
];

const ALL_BUT_MAIN: &[&str] = &[
    "codes",
    "ledger",
    "producers",
    "files",
    "wcp",
    "attestation",
    "manifest",
    "vacant",
    "record",
    "replay",
    "signers",
    "store",
    "logbook",
    "report",
    "audit",
    "evidence",
    "parquet",
    "imports",
    "backup",
    "bucket",
    "publish",
    "sinks",
    "api",
    "serve",
    "fetch",
    "witness",
    "monitor",
    "timestamp",
];

/// What the pure core never names: no engine, no network, no file system, no
/// environment, no clock, no randomness, no logging.
const IMPURE: [&str; 20] = [
    "rocksdb",
    "clap",
    "http",
    "hyper",
    "axum",
    "reqwest",
    "tokio",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "Utc::now",
    "getrandom",
    "rand",
    "tracing",
    "log::",
    "rustix",
];

const LONGEST: usize = 500;

/// A file of `src`.
struct Source {
    /// Relative to `src`.
    path: PathBuf,
    text: String,
}

impl Source {
    fn all() -> Vec<Source> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        collect(&root, &root, &mut found);
        assert!(found.len() > 50, "src was not found");
        found
    }

    /// The first folder or file name: `store` of `store.rs` and `store/rocks.rs`.
    fn layer(&self) -> String {
        let first = self.path.components().next().unwrap();
        let first = Path::new(first.as_os_str()).with_extension("");
        first.to_str().unwrap().to_owned()
    }

    /// How many modules deep it is: 1 for `store.rs`, 2 for `store/rocks.rs`.
    fn depth(&self) -> usize {
        self.path.components().count()
    }

    /// The lines without comments, and whether they belong to unit tests.
    fn code(&self) -> Vec<(&str, bool)> {
        let mut in_tests = false;
        let lines = self.text.lines().filter_map(|line| {
            in_tests |= line.trim() == "#[cfg(test)]";
            let code = line.split("//").next().unwrap();
            (!code.trim().is_empty()).then_some((code, in_tests))
        });
        lines.collect()
    }

    /// The layers that it names as `crate::…` or, in `main.rs`, `sealbook::…`.
    fn uses(&self) -> BTreeSet<String> {
        let code: Vec<_> = self.code().into_iter().map(|(line, _)| line).collect();
        let code = code.join("\n");
        let mut used = named_after(&code, "crate::");
        if self.layer() == "main" {
            used.extend(named_after(&code, "sealbook::"));
        }
        used
    }
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<Source>) {
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_owned();
            found.push(Source { path, text });
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The places in `code` where `name` stands as a word or path of its own.
fn places<'c>(code: &'c str, name: &'c str) -> impl Iterator<Item = usize> + 'c {
    let bytes = code.as_bytes();
    let whole = move |at: &usize| {
        let end = at + name.len();
        let open_end = !is_word(name.as_bytes()[name.len() - 1]);
        let before = at.checked_sub(1).map(|b| bytes[b]);
        let starts = before.is_none_or(|b| !is_word(b) && b != b':');
        starts && (open_end || bytes.get(end).is_none_or(|b| !is_word(*b)))
    };
    code.match_indices(name).map(|(at, _)| at).filter(whole)
}

/// The names that follow `prefix`, alone or in braces.
fn named_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        let end = text.bytes().position(|b| !is_word(b));
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let mut names = BTreeSet::new();
    for at in places(code, prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut level = 0;
        let mut first = true;
        for (at, character) in group.char_indices() {
            match character {
                '{' => level += 1,
                '}' if level == 0 => break,
                '}' => level -= 1,
                ',' if level == 0 => first = true,
                c if first && !c.is_whitespace() => {
                    names.insert(word(&group[at..]));
                    first = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// What a `use std::{fs, …}` names, spelt out.
fn with_groups_spelt_out(code: &str) -> String {
    let names = named_after(code, "std::");
    let spelt: String = names.iter().map(|name| format!("std::{name}\n")).collect();
    format!("{code}\n{spelt}")
}

#[test]
fn arrows_point_left_only() {
    for source in Source::all() {
        let layer = source.layer();
        if layer == "lib" {
            continue;
        }
        let allowed = MAY_USE.iter().find(|(name, _)| *name == layer);
        let (_, allowed) = allowed
            .unwrap_or_else(|| panic!("{} is in no layer: name it here", source.path.display()));
        for used in source.uses() {
            let fine = used == layer || allowed.contains(&used.as_str());
            assert!(
                fine,
                "{} uses {used}, which is not left of {layer}",
                source.path.display()
            );
        }
    }
}

/// `crate::` is what the test above looks for, so no path may leave its layer
/// by way of `super`.
#[test]
fn super_stays_within_its_layer() {
    for source in Source::all() {
        for (line, in_tests) in source.code() {
            let chain = (1..9).rev().find(|n| line.contains(&"super::".repeat(*n)));
            let within = source.depth() - 1 + usize::from(in_tests);
            assert!(
                chain.unwrap_or(0) <= within,
                "{}: {line}",
                source.path.display()
            );
        }
    }
}

#[test]
fn the_ledger_is_pure() {
    for source in Source::all().iter().filter(|s| s.layer() == "ledger") {
        let lines: Vec<_> = source.code().into_iter().map(|(line, _)| line).collect();
        let code = with_groups_spelt_out(&lines.join("\n"));
        for name in IMPURE {
            let found = places(&code, name).next();
            assert_eq!(found, None, "{} names {name}", source.path.display());
        }
    }
}

#[test]
fn only_the_store_says_rocksdb() {
    for source in Source::all() {
        let named = source
            .code()
            .iter()
            .any(|(line, _)| places(line, "rocksdb").next().is_some());
        assert!(
            !named || source.layer() == "store",
            "{} names rocksdb",
            source.path.display()
        );
    }
}

#[test]
fn only_the_output_prints() {
    for source in Source::all() {
        if source.path == Path::new("cli/output.rs") {
            continue;
        }
        for (line, _) in source.code() {
            for printer in ["print!", "println!", "eprint!", "eprintln!", "dbg!"] {
                let found = places(line, printer).next();
                assert_eq!(found, None, "{}: {line}", source.path.display());
            }
        }
    }
}

/// What every request of a server shares is made of parts, none of which knows it.
#[test]
fn what_a_server_shares_knows_no_endpoint() {
    let sources = Source::all();
    let file = |name: &str| {
        let path = PathBuf::from(format!("serve/{}.rs", name.replace("::", "/")));
        sources.iter().find(move |source| source.path == path)
    };
    let (mut seen, mut left) = (BTreeSet::new(), vec!["service".to_owned()]);
    while let Some(name) = left.pop() {
        let code: String = file(&name)
            .unwrap()
            .code()
            .iter()
            .map(|(line, _)| format!("{line}\n"))
            .collect();
        for prefix in ["super::", "crate::serve::"] {
            for line in code.lines().filter_map(|line| line.strip_prefix("use ")) {
                let Some(path) = line.strip_prefix(prefix) else {
                    continue;
                };
                let parts: Vec<_> = path
                    .split("::")
                    .take_while(|part| part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
                    .collect();
                let taken = (1..=parts.len())
                    .rev()
                    .map(|n| parts[..n].join("::"))
                    .find(|name| file(name).is_some());
                let Some(taken) = taken else { continue };
                assert_ne!(taken, "service", "{name} knows the whole service");
                if seen.insert(taken.clone()) {
                    left.push(taken);
                }
            }
        }
    }
    assert!(
        seen.contains("hall::live") && seen.contains("public_log"),
        "{seen:?}"
    );
}

/// Rust's debug text is for developers: not for people, and not for entries.
#[test]
fn no_debug_text_leaves_the_program() {
    for source in Source::all() {
        let debugs = source.text.contains("impl fmt::Debug for");
        for (line, in_tests) in source.code() {
            let shown = line.contains(":?}") && !in_tests && !debugs;
            assert!(!shown, "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    for source in Source::all() {
        let lines = source.text.lines().count();
        assert!(
            lines <= LONGEST,
            "{} has {lines} lines",
            source.path.display()
        );
    }
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    for source in Source::all() {
        let first = source.text.lines().next().unwrap_or_default();
        let said = first
            .strip_prefix("//! ")
            .is_some_and(|text| text.trim().len() > 3);
        assert!(said, "{}: {first:?}", source.path.display());
    }
}

/// The checks above are worth nothing if they cannot see.
#[test]
fn a_name_is_seen_however_it_is_written() {
    let names = |code| named_after(code, "crate::").into_iter().collect::<Vec<_>>();
    assert_eq!(names("use crate::store::{Rows, Store};"), ["store"]);
    assert_eq!(
        names("use crate::{\n    ledger::{key, hash::Hash}, store,\n};"),
        ["ledger", "store"]
    );
    assert_eq!(names("let x = crate::cli::main();"), ["cli"]);
    assert_eq!(names("pub(crate) fn crates::no() {}"), [""; 0]);
    let seen = |code: &str, name: &str| {
        let code = with_groups_spelt_out(code);
        places(&code, name).next().is_some()
    };
    assert!(seen("use std::{io, fs};", "std::fs"));
    assert!(seen("use std::time::{Duration, Instant};", "Instant"));
    assert!(seen("log::warn!()", "log::"));
    assert!(!seen("let log = key; catalog::x()", "log::"));
    assert!(!seen("operand brand rand_core", "rand"));
}

/// A word in quotes that an arm of a `match` gives.
fn word_given(line: &str) -> Option<&str> {
    let given = line.rsplit("=> ").next()?.trim();
    let given = given.strip_suffix(',').unwrap_or(given);
    let word = given.strip_prefix('"')?.strip_suffix('"')?;
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    word.bytes().all(plain).then_some(word)
}

#[test]
fn every_error_code_has_its_row_in_the_table() {
    let gives_codes = |path: &Path| {
        let path = path.to_str().unwrap();
        ["cli/error", "api/error", "serve/problem.rs"]
            .iter()
            .any(|part| path.starts_with(part))
    };
    let mut found = 0;
    for source in Source::all().iter().filter(|s| gives_codes(&s.path)) {
        let code = source.code();
        for word in code.iter().filter_map(|(line, _)| word_given(line)) {
            found += 1;
            let row = sealbook::codes::CODES.iter().find(|row| row.code == word);
            assert!(row.is_some(), "{}: {word}", source.path.display());
        }
    }
    assert!(found > 50, "only {found} codes were found");
}
