//! What `verify` takes a path for: told by content, pinned by `--as` or the
//! name.

use serde_json::Value;

use crate::place::{Place, fault};

const KINDS: [(&str, &str); 4] = [
    ("ledger", "a ledger"),
    ("logbook", "a logbook"),
    ("bundle", "a bundle"),
    ("proof", "a proof"),
];

/// One of each, under names that pin nothing.
fn one_of_each() -> Place {
    let place = Place::sealed();
    place.run(&["export", "-o", "bundle"]).ok();
    place
        .run(&["export", "-o", "logbook", "--format", "logbook"])
        .ok();
    place.run(&["prove", "3", "-o", "proof"]).ok();
    place
}

fn verify(place: &Place, args: &[&str], status: i32) -> Value {
    let args = [&["--json", "verify"], args].concat();
    place.run(&args).ends_with(status).document()
}

#[test]
fn content_says_what_it_is_and_may_be_told_so() {
    let place = one_of_each();
    let key = place.key();
    for (format, _) in KINDS {
        let report = verify(&place, &[format, "--key", &key], 0);
        assert_eq!(report["format"], format);
        let report = verify(&place, &[format, "--key", &key, "--as", format], 0);
        assert_eq!(report["format"], format);
    }
}

#[test]
fn what_is_something_else_than_it_was_to_be_is_a_mismatch() {
    let place = one_of_each();
    let key = place.key();
    for (is, article) in KINDS {
        for (pinned, _) in KINDS {
            if pinned == is {
                continue;
            }
            let report = verify(&place, &[is, "--key", &key, "--as", pinned], 1);
            let detail = format!("it was to be {pinned} and is {article}");
            assert_eq!(fault(&report), ("format_mismatch", detail.as_str()));
            assert_eq!(report["format"], pinned);
            assert_eq!(report["faults"][0]["expected"], pinned);
            assert_eq!(report["faults"][0]["actual"], article);
        }
    }
}

#[test]
fn the_names_of_bundles_and_proofs_pin_them() {
    let place = one_of_each();
    let key = place.key();
    for (is, _) in KINDS.into_iter().skip(1) {
        for pinned in ["bundle", "proof"] {
            let name = format!("named-{is}.{pinned}");
            std::fs::copy(place.path(is), place.path(&name)).unwrap();
            let status = i32::from(is != pinned);
            let report = verify(&place, &[&name, "--key", &key], status);
            if is != pinned {
                assert_eq!(fault(&report).0, "format_mismatch", "{name}");
            }
        }
    }
    // What the caller says counts more than the name.
    let report = verify(
        &place,
        &["named-logbook.bundle", "--key", &key, "--as", "logbook"],
        0,
    );
    assert_eq!(report["format"], "logbook");
}

#[test]
fn what_is_nothing_is_not_recognised() {
    let place = Place::initialised();
    for (name, bytes) in [
        ("text", &b"hello\nworld\n"[..]),
        ("object", b"{}\n"),
        ("other-json", b"{\"a\":1,\"signature\":2}\n"),
        ("array", b"[1,2,3]\n"),
        ("binary", b"\x00\x01\x02\xff\xfe"),
        ("not-zstd", b"\x28\xb5\x2f\xfd junk"),
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00"),
    ] {
        place.write(name, bytes);
        let detail = format!("{name}: its content is not a ledger, logbook, bundle or proof");
        let hint = "say what it is with --as ledger, logbook, bundle or proof";
        crate::place::refused_both_ways(&place, &["verify", name], "not_recognised", &detail, hint);
    }
    crate::place::refused_both_ways(
        &place,
        &["verify", "nowhere"],
        "io",
        "nowhere: No such file or directory (os error 2)",
        "",
    );
    std::fs::create_dir(place.path("folder")).unwrap();
    crate::place::refused_both_ways(
        &place,
        &["verify", "folder"],
        "ledger_missing",
        "there is no ledger in folder",
        "make one with `sealbook init`, or name it with --ledger DIR",
    );
}

#[test]
fn what_is_nothing_but_was_to_be_something_is_read_as_that() {
    let place = Place::initialised();
    let key = place.key();
    place.write("junk", "hello\n");
    for (format, code) in [
        ("logbook", "schema_violation"),
        ("bundle", "bundle_corrupt"),
        ("proof", "proof_invalid"),
        ("ledger", "format_mismatch"),
    ] {
        let report = verify(&place, &["junk", "--key", &key, "--as", format], 1);
        assert_eq!(report["faults"][0]["code"], code, "{report:#}");
    }
}

#[test]
fn an_empty_file_is_an_empty_logbook() {
    let place = Place::initialised();
    place.write("empty", "\n \n");
    let report = verify(&place, &["empty", "--key", &place.key()], 0);
    assert_eq!(
        (&report["format"], &report["entries"]),
        (&"logbook".into(), &0.into())
    );
    assert_eq!(report["warnings"][0]["code"], "empty");
    assert_eq!(report["head"], "0".repeat(64));
    place.write("empty.bundle", "");
    let report = verify(&place, &["empty.bundle", "--key", &place.key()], 1);
    assert_eq!(fault(&report).0, "format_mismatch");
}

#[test]
fn a_compressed_file_is_what_it_is_inside() {
    let place = one_of_each();
    let key = place.key();
    for format in ["bundle", "logbook", "proof"] {
        let text = place.read(format);
        let packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        let name = format!("packed.{format}.zst");
        place.write(&name, packed);
        let report = verify(&place, &[&name, "--key", &key], 0);
        assert_eq!(report["format"], format);
    }
    let bundle = std::fs::read(place.path("packed.bundle.zst")).unwrap();
    std::fs::write(place.path("packed.proof.zst"), bundle).unwrap();
    let report = verify(&place, &["packed.proof.zst", "--key", &key], 1);
    assert_eq!(fault(&report).0, "format_mismatch");
}
