//! `page`: the verifier of files as one web page.

use sealbook::ledger::sha256::Sha256Digest;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::place::Place;

/// What stands between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[test]
fn the_page_needs_no_ledger_and_runs_only_what_its_policy_names() {
    let place = Place::empty();
    place.run(&["page", "-o", "verify.html"]).ok();
    let page = place.read("verify.html");
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    let hash = |text: &str| STANDARD.encode(Sha256Digest::of(text.as_bytes()).as_bytes());
    for (directive, from, to) in [
        ("script-src", "<script type=\"module\">", "</script>"),
        ("style-src", "<style>", "</style>"),
    ] {
        let named = format!("{directive} 'sha256-{}'", hash(between(&page, from, to)));
        assert!(policy.contains(&named), "{named} in {policy}");
    }
    for directive in [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(policy.contains(directive), "{directive}");
    }
    assert!(!policy.contains("connect-src") && !policy.contains("unsafe"));
    assert_eq!(place.run(&["page", "-o", "-"]).ok().stdout, page);
}

#[test]
fn the_page_replaces_an_earlier_one_and_nothing_else() {
    let place = Place::sealed();
    place.run(&["page", "-o", "verify.html"]).ok();
    place.run(&["page", "-o", "verify.html"]).ok();
    place.run(&["export", "-o", "all.bundle"]).ok();
    place.write("other.html", "<!DOCTYPE html><title>mine</title>");
    for other in ["all.bundle", "other.html"] {
        let before = place.read(other);
        let run = place.run(&["page", "-o", other]);
        let detail = format!("{other} exists and is not a page of this program");
        run.refused(
            "exists",
            &detail,
            "choose another place, or replace it with --force",
        );
        assert_eq!(place.read(other), before);
        place.run(&["page", "-o", other, "--force"]).ok();
    }
    // It is evidence of nothing.
    let key = place.key();
    let run = place.run(&["verify", "verify.html", "--key", &key]);
    assert_eq!(run.ends_with(2).stdout, "");
}
