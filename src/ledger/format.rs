//! The formats, normatively. The document is [`document`], a section a file in
//! `src/ledger/format/`; `sealbook help format` prints it as one page.

/// The sections, in their order.
macro_rules! sections {
    () => {
        concat!(
            include_str!("format/notation.md"),
            "\n",
            include_str!("format/bytes.md"),
            "\n",
            include_str!("format/objects.md"),
            "\n",
            include_str!("format/verifying.md"),
            "\n",
            include_str!("format/logbooks.md"),
            "\n",
            include_str!("format/bundles.md"),
            "\n",
            include_str!("format/proofs.md"),
            "\n",
            include_str!("format/kept.md"),
            "\n",
            include_str!("format/lists.md"),
            "\n",
            include_str!("format/further.md"),
            "\n",
            include_str!("format/questions.md"),
            "\n",
            include_str!("format/bucket.md"),
            "\n",
            include_str!("format/public.md"),
            "\n",
            include_str!("format/index.md"),
            "\n",
            include_str!("format/times.md"),
            "\n",
            include_str!("format/decisions.md"),
            "\n",
            include_str!("format/redaction.md"),
        )
    };
}

#[doc = sections!()]
#[must_use]
pub const fn document() -> &'static str {
    sections!()
}
