//! The verifier of files as a page that stands alone: its reader drops
//! a bundle, a proof or a logbook there. It loads nothing, sends nothing, and its policy
//! forbids it to.

use std::sync::OnceLock;

use super::frame::filled;
use super::script::of_verifier;

const TEMPLATE: &str = include_str!("verifier.html");
const STYLE: &str = include_str!("report.css");

/// How the pages of every release name themselves.
const GENERATOR: &[u8] = b"content=\"sealbook-verifier ";

/// The page, the same in every copy of a release.
pub fn verifier_page() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| {
        let style = format!("{}{STYLE}", super::LOOK);
        filled(TEMPLATE, &style, of_verifier())
    })
}

/// Whether a file begins as such a page of any release.
pub fn is_verifier_page(beginning: &[u8]) -> bool {
    let mut windows = beginning.windows(GENERATOR.len()).take(1 << 12);
    windows.any(|bytes| bytes == GENERATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_runs_one_script_and_is_no_report() {
        let page = verifier_page();
        assert!(is_verifier_page(page.as_bytes()));
        assert!(!super::super::looks_like(page.as_bytes()));
        assert!(!page.contains("{{"));
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("<style>").count(), 1);
        for word in [" src=", "http:", "https:", " style=\"", "javascript:"] {
            assert!(!TEMPLATE.contains(word), "{word}");
        }
    }
}
