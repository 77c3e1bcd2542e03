//! The scripts that verify and show evidence in a browser, one purpose a file.
//! The page loads them as they are; a report, which may load nothing, has them
//! joined.

use std::sync::OnceLock;

/// A script: its file name, and its text.
pub type Script = (&'static str, &'static str);

/// What page and report share. Each names only what stands before it.
pub const SHARED: [Script; 18] = [
    ("bytes.js", include_str!("script/bytes.js")),
    ("blake2b.js", include_str!("script/blake2b.js")),
    ("strict.js", include_str!("script/strict.js")),
    ("json.js", include_str!("script/json.js")),
    ("time.js", include_str!("script/time.js")),
    ("merkle.js", include_str!("script/merkle.js")),
    ("entry.js", include_str!("script/entry.js")),
    ("statement.js", include_str!("script/statement.js")),
    ("documents.js", include_str!("script/documents.js")),
    ("answered.js", include_str!("script/answered.js")),
    ("bundle.js", include_str!("script/bundle.js")),
    ("verdict.js", include_str!("script/verdict.js")),
    ("text.js", include_str!("script/text.js")),
    ("dom.js", include_str!("script/dom.js")),
    ("banner.js", include_str!("script/banner.js")),
    ("evidence.js", include_str!("script/evidence.js")),
    ("steps.js", include_str!("script/steps.js")),
    ("timeline.js", include_str!("script/timeline.js")),
];

const REPORT: &str = include_str!("script/report.js");

pub(super) fn joined() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let shared = SHARED.iter().map(|(_, text)| *text);
        shared.chain([REPORT]).map(without_modules).collect()
    })
}

/// The text without `import` statements and the word `export`: in one script
/// everything is at hand. Both stand only at the beginning of a line.
fn without_modules(text: &str) -> String {
    let mut importing = false;
    let mut joined = String::new();
    for line in text.lines() {
        importing |= line.starts_with("import ");
        if importing {
            importing = !line.ends_with(';');
            continue;
        }
        joined.push_str(line.strip_prefix("export ").unwrap_or(line));
        joined.push('\n');
    }
    joined
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn joined_there_are_no_modules_left_and_no_way_out_of_the_block() {
        let text = joined();
        for word in ["\nimport ", "\nexport ", "</script", "<!--"] {
            assert!(!text.contains(word), "{word:?}");
        }
        assert!(text.contains("function blake2b("));
    }

    /// One scope has each name once.
    #[test]
    fn no_two_scripts_define_the_same_name() {
        let mut names = HashSet::new();
        for line in joined().lines() {
            let line = line.strip_prefix("async ").unwrap_or(line);
            let defined = ["function ", "const ", "let ", "class "]
                .iter()
                .find_map(|word| line.strip_prefix(word));
            if let Some(rest) = defined {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = rest.get(..end.unwrap()).unwrap();
                assert!(names.insert(name), "{name} twice");
            }
        }
        assert!(names.len() > 50);
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
