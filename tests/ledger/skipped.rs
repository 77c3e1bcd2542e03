//! What cannot be tried on a machine is said, and is a failure where everything
//! must be tried: `SEALBOOK_REQUIRE_TOOLS=1`, as `.ci/run` sets it.

/// What may be missing even there: it is neither ours to install nor to commit.
const MAY_BE_MISSING: [&str; 8] = [
    "no third-party vectors beside the checkout",
    "only root may mount",
    "only root may run a process as another user",
    "there is no node",
    "there is no Go",
    "no S3 server",
    "no Spark",
    "no Ray",
];

/// Says that a test has nothing to try with.
pub(crate) fn skipped(why: &str) {
    let required = std::env::var_os("SEALBOOK_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(
        !required
            || MAY_BE_MISSING
                .iter()
                .any(|missing| why.starts_with(missing)),
        "every tool is required here, and {why}"
    );
    eprintln!("skipped: {why}");
}
