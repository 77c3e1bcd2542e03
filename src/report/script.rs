//! The scripts that verify and show evidence in a browser, one purpose a file.
//! The page loads them as they are; a file that stands alone, which may load nothing,
//! has them joined.

use std::fmt::Write as _;
use std::sync::OnceLock;

/// A script: its file name, and its text.
pub type Script = (&'static str, &'static str);

macro_rules! scripts {
    ($($name:literal)*) => {
        [$((concat!($name, ".js"), include_str!(concat!("script/", $name, ".js"))),)*]
    };
}

/// What page, report and verifier share. Each names only what stands before it.
pub const SHARED: [Script; 44] = scripts![
    "bytes" "blake2b" "sha256" "strict" "json" "loose" "time" "merkle" "entry" "statement" "documents"
    "kept" "revoked" "answered" "vrf" "indexed" "walk" "ending" "redacted" "bundle" "logbook" "denied" "proof" "entropy" "zstd" "given"
    "note" "policy" "times" "verdict" "beside" "text" "dom" "fitted" "banner" "tree" "evidence" "steps"
    "relations" "lanes" "timeline" "custody" "summary" "drop"
];

const REPORT: Script = ("report.js", include_str!("script/report.js"));
const VERIFIER: Script = ("verifier.js", include_str!("script/verifier.js"));

/// All that a report runs.
pub(super) fn of_report() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| joined(REPORT))
}

/// All that the verifier runs, which is a file of its own.
pub(super) fn of_verifier() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| joined(VERIFIER))
}

/// The modules in one text: each a block of its own, that gives what it exports.
fn joined(last: Script) -> String {
    let mut text = String::new();
    for (name, script) in SHARED.iter().chain([&last]) {
        write_block(&mut text, name, script);
    }
    text
}

fn write_block(out: &mut String, name: &str, script: &str) {
    let mut exported = Vec::new();
    let mut importing = String::new();
    // Writing to a text does not fail.
    let _ = writeln!(out, "const {} = (() => {{", block_of(name));
    for line in script.lines() {
        if line.starts_with("import ") || !importing.is_empty() {
            importing.push_str(line);
            if line.ends_with(';') {
                let _ = writeln!(out, "{}", import_of(&importing).unwrap_or_default());
                importing.clear();
            }
            continue;
        }
        let own = line.strip_prefix("export ");
        exported.extend(own.and_then(name_in));
        out.push_str(own.unwrap_or(line));
        out.push('\n');
    }
    let _ = writeln!(out, "return {{ {} }};\n}})();", exported.join(", "));
}

/// `bundle.js` is the block `$bundle`.
fn block_of(name: &str) -> String {
    format!("${}", name.trim_end_matches(".js"))
}

/// `import { a } from "./b.js";`, with the block in the module's place.
fn import_of(statement: &str) -> Option<String> {
    let (names, from) = statement
        .strip_prefix("import ")?
        .split_once(" from \"./")?;
    let (file, _) = from.split_once('"')?;
    Some(format!("const {names} = {};", block_of(file)))
}

/// What a definition is called.
fn name_in(definition: &str) -> Option<&str> {
    let definition = definition.strip_prefix("async ").unwrap_or(definition);
    let kinds = ["function ", "const ", "let ", "class "];
    let rest = kinds
        .iter()
        .find_map(|kind| definition.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn joined_there_are_no_modules_left_and_no_way_out_of_the_block() {
        for text in [of_report(), of_verifier()] {
            for word in ["\nimport ", "\nexport ", "</script", "<!--"] {
                assert!(!text.contains(word), "{word:?}");
            }
            assert!(text.contains("const { fromHex, join, toHex, utf8 } = $bytes;"));
            assert!(text.contains("return { blake2b };"));
        }
    }

    #[test]
    fn scripts_name_only_what_stands_before_them() {
        let mut before = HashSet::new();
        for (name, text) in SHARED {
            for imported in text.split("from \"./").skip(1) {
                let end = imported.find('"').unwrap();
                let imported = imported.get(..end).unwrap();
                assert!(before.contains(imported), "{name} imports {imported}");
            }
            before.insert(name);
        }
    }
}
