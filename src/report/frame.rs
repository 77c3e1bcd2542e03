//! What every report of this release is made of, but for the case that it names
//! and the bundle.

use std::sync::OnceLock;

use super::script::of_report;
use crate::ledger::sha256::Sha256Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TEMPLATE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");

/// The line that the bundle follows.
pub(super) const BUNDLE_BEGINS: &str = "<script type=\"application/x-ndjson\" id=\"bundle\">";

/// The three fixed parts; each ends with a newline.
pub(super) struct Frame {
    /// Before the line that says what the report is of.
    pub(super) before_about: String,
    /// Between that line and the bundle; ends with [`BUNDLE_BEGINS`].
    pub(super) before_bundle: String,
    /// After the bundle; begins with `</script>`.
    pub(super) after: String,
}

/// A page that stands alone: style and script in it, and their hashes in its policy.
pub(super) fn filled(template: &str, style: &str, script: &str) -> String {
    // Hashed is all between the tags, with the newline that begins it.
    let digest = |text: &str| {
        let between = format!("\n{text}");
        STANDARD.encode(Sha256Digest::of(between.as_bytes()).as_bytes())
    };
    template
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .replace("{{style-hash}}", &digest(style))
        .replace("{{script-hash}}", &digest(script))
        .replace("{{style}}\n", style)
        .replace("{{script}}\n", script)
}

pub(super) fn frame() -> &'static Frame {
    static FRAME: OnceLock<Frame> = OnceLock::new();
    FRAME.get_or_init(|| {
        let style = format!("{}{STYLE}", super::LOOK);
        let whole = filled(TEMPLATE, &style, of_report());
        let (before_about, rest) = whole.split_once("{{about}}\n").unwrap_or_default();
        let (before_bundle, after) = rest.split_once("{{bundle}}\n").unwrap_or_default();
        Frame {
            before_about: before_about.to_owned(),
            before_bundle: before_bundle.to_owned(),
            after: after.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_whole_and_nothing_is_left_to_fill_in() {
        let frame = frame();
        assert!(frame.before_about.starts_with("<!DOCTYPE html>\n"));
        assert!(frame.before_bundle.ends_with(&format!("{BUNDLE_BEGINS}\n")));
        assert!(frame.after.starts_with("</script>\n"));
        assert!(frame.after.ends_with("</html>\n"));
        for part in [&frame.before_about, &frame.before_bundle, &frame.after] {
            assert!(!part.contains("{{"), "{part}");
            assert!(!part.contains('\r'));
        }
    }

    /// What the policy names is all that there is.
    #[test]
    fn there_is_one_script_that_runs_and_one_style_and_no_handler() {
        let frame = frame();
        let whole = format!(
            "{}{}{}",
            frame.before_about, frame.before_bundle, frame.after
        );
        assert_eq!(whole.matches("<script").count(), 3);
        assert_eq!(whole.matches("<style>").count(), 1);
        assert_eq!(whole.matches(" src=").count(), 0);
        for attribute in [
            " style=\"",
            " onclick",
            " onload",
            " onerror",
            "javascript:",
        ] {
            assert!(!TEMPLATE.contains(attribute), "{attribute}");
        }
    }
}
