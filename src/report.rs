//! The custody report: one HTML file that carries a bundle of a case, shows it,
//! and checks it in the reader's browser against the key that the reader types.
//!
//! ```text
//! <!DOCTYPE html> … markup and style, the same in every report of a release
//! <script type="application/json" id="about">
//! {"correlation":"order-7","left_out":0}
//! </script>
//! <script type="application/x-ndjson" id="bundle">
//! … the bundle, line by line, with `<` written as `\u003c`
//! </script>
//! <script type="module"> … the script, the same in every report of a release
//! ```
//!
//! That it checks itself is a convenience: who edits the data can edit the
//! script. [`verify_report`] settles it. It takes the bundle out, verifies it as
//! one, holds every entry against the case that is named (it has its correlation
//! id, or attests a worker that a later decision of it names), and compares all the
//! rest byte for byte with what this release writes; a difference is
//! `format_mismatch`, with its line.
//!
//! A case may cross logs. Then its line says so (`logs`), and the bundles of the logs stand
//! one after another in the block, each ended by its closing record.
//!
//! # What must hold
//! * Nothing in a bundle can end the block that it stands in: no `<` is left in
//!   it. `\u003c` is not a canonical spelling, so the way back is the only one.
//! * What [`ReportFile`] takes out is the bundle that was put in, to the byte.
//! * The file asks nothing of any network, and its policy forbids it to.

mod about;
mod carried;
mod case;
mod escape;
mod file;
mod frame;
pub mod script;
mod several;
mod times;
mod verifier;
mod verify;
mod writer;

pub use about::{About, CarriedLogs};
pub use case::{Case, MOST_RELATED};
pub use file::ReportFile;
pub use several::{MOST_LOGS, OneBundle};
pub use times::{CarriedTimes, Holding, MOST_TIMED, Place};
pub use verifier::{is_verifier_page, verifier_page};
pub use verify::verify_report;
pub use writer::ReportWriter;

/// What page and report look like.
pub const LOOK: &str = concat!(
    include_str!("report/look.css"),
    "\n",
    include_str!("report/drawn.css")
);

const DOCTYPE: &[u8] = b"<!doctype html>";

pub fn looks_like(beginning: &[u8]) -> bool {
    let doctype = beginning.get(..DOCTYPE.len());
    let is_html = doctype.is_some_and(|bytes| bytes.eq_ignore_ascii_case(DOCTYPE));
    let is_ours = |bytes: &[u8]| bytes == b"content=\"sealbook ";
    is_html && beginning.windows(18).take(1 << 12).any(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told_by_its_beginning() {
        assert!(looks_like(frame::frame().before_about.as_bytes()));
        assert!(!looks_like(
            b"<!DOCTYPE html><meta name=\"generator\" content=\"other\">"
        ));
        assert!(!looks_like(b"{\"sealbook\":{}}"));
        assert!(!looks_like(b""));
    }
}
