//! What an attacker puts into a package, each refused with its own reason.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sealbook::attestation::{HmacKey, canonical_package_hash};
use sealbook::files::TreeProblem;

use crate::scene::{Package, StopOnDrop, denial, key, now};

fn refused(attack: impl FnOnce(&Package)) -> &'static str {
    let package = Package::usual().attest();
    attack(&package);
    let (code, reason) = package.denial();
    assert_eq!(code, "ATTEST_HASH_MISMATCH");
    reason
}

#[test]
fn a_newline_in_a_name_is_refused_since_one_file_could_pose_as_two() {
    assert_eq!(
        refused(|p| p.write("a\n0\nx", b"")),
        "name_control_character"
    );
    assert_eq!(
        refused(|p| p.write("d\u{7f}/x", b"")),
        "name_control_character"
    );
}

#[test]
fn a_file_of_nothing_but_a_hole_is_refused_and_not_read() {
    let hole = |p: &Package| {
        let file = fs::File::create(p.path("hole")).unwrap();
        file.set_len(1 << 40).unwrap();
    };
    assert_eq!(refused(hole), "too_large");
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let name = OsStr::from_bytes(b"caf\xe9");
    assert_eq!(
        refused(|p| fs::write(p.root().join(name), "").unwrap()),
        "name_not_utf8"
    );
}

#[test]
fn links_are_refused_each_for_its_own_reason() {
    let link = |target: &'static str| {
        refused(move |p| {
            fs::write(p.outside().join("secret"), "s").unwrap();
            symlink(target, p.path("link")).unwrap();
        })
    };
    assert_eq!(link("../secret"), "link_leaves_package");
    assert_eq!(link("/etc/passwd"), "link_leaves_package");
    assert_eq!(link("/dev/zero"), "link_leaves_package");
    assert_eq!(link("nowhere"), "link_dangles");
    assert_eq!(link("link"), "link_loops");
    assert_eq!(link("code"), "link_to_folder");
    assert_eq!(link("."), "link_to_folder");
    assert_eq!(link("code/../../secret"), "link_leaves_package");
}

#[test]
fn a_link_that_stays_inside_counts_with_its_content() {
    let package = Package::usual();
    symlink("code/a.py", package.path("relative")).unwrap();
    symlink(package.path("code/a.py"), package.path("absolute")).unwrap();
    let linked = canonical_package_hash(&package.root()).unwrap();
    for name in ["relative", "absolute"] {
        fs::remove_file(package.path(name)).unwrap();
        package.write(name, b"a = 1\n");
    }
    assert_eq!(
        canonical_package_hash(&package.root()).unwrap().canonical,
        linked.canonical
    );
}

#[test]
fn a_pipe_or_a_socket_is_refused_and_does_not_block() {
    let pipe = |p: &Package| mknodat(CWD, p.path("p"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(refused(pipe), "special_file");
    assert_eq!(
        refused(|p| drop(UnixListener::bind(p.path("s")).unwrap())),
        "special_file"
    );
    let linked = |p: &Package| {
        mknodat(CWD, p.outside().join("p"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        symlink("../p", p.path("link")).unwrap();
    };
    assert_eq!(refused(linked), "link_leaves_package");
}

#[test]
fn a_pipe_as_manifest_is_refused_and_does_not_block() {
    let package = Package::usual();
    mknodat(CWD, package.manifest(), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(
        package.denial(),
        ("ATTEST_MANIFEST_MISSING", "manifest_unreadable")
    );
}

#[test]
fn manifests_that_nobody_should_parse_are_refused() {
    let package = Package::usual().attest();
    let text = fs::read_to_string(package.manifest()).unwrap();
    let twice = text.replacen("{\n", "{\n  \"worker_id\": \"org.example.w\",\n", 1);
    let refused = |bytes: &[u8]| {
        fs::write(package.manifest(), bytes).unwrap();
        let (code, reason) = package.denial();
        assert_eq!(code, "ATTEST_MANIFEST_MISSING");
        reason
    };
    assert_eq!(refused(twice.as_bytes()), "manifest_malformed");
    assert_eq!(refused(b"[]"), "manifest_malformed");
    assert_eq!(refused(b""), "manifest_malformed");
    assert_eq!(
        refused(format!("\u{feff}{text}").as_bytes()),
        "manifest_malformed"
    );
    // 200 MB, none of which is read.
    let file = fs::File::create(package.manifest()).unwrap();
    file.set_len(200_000_000).unwrap();
    assert_eq!(
        package.denial(),
        ("ATTEST_MANIFEST_MISSING", "manifest_too_large")
    );
    fs::remove_file(package.manifest()).unwrap();
    fs::create_dir(package.manifest()).unwrap();
    assert_eq!(
        package.denial(),
        ("ATTEST_MANIFEST_MISSING", "manifest_unreadable")
    );
}

#[test]
fn an_hmac_needs_the_right_key_and_this_manifest() {
    let package = Package::usual().attest();
    let with =
        |key: Option<HmacKey>| denial(&package.verifier().hmac_key(key.as_ref()).verify(now()));
    assert_eq!(with(None), ("ATTEST_SIGNATURE_MISSING", "hmac_key_missing"));
    assert_eq!(
        with(HmacKey::new("")),
        ("ATTEST_SIGNATURE_MISSING", "hmac_key_missing")
    );
    assert_eq!(
        with(HmacKey::new("other")),
        ("ATTEST_SIG_INVALID", "hmac_invalid")
    );
    let text = fs::read_to_string(package.manifest()).unwrap();
    let changed = |from: &str, to: &str| {
        fs::write(package.manifest(), text.replacen(from, to, 1)).unwrap();
        denial(&package.verifier().hmac_key(Some(&key())).verify(now()))
    };
    assert_eq!(
        changed("\"ci\"", "\"local\""),
        ("ATTEST_SIG_INVALID", "hmac_invalid")
    );
    assert_eq!(
        changed("\"ci\"", "7"),
        ("ATTEST_SIG_INVALID", "signed_member_malformed")
    );
    let hmac = text.split("signature_hmac_sha256\": \"").nth(1).unwrap()[..64].to_owned();
    let upper = changed(&hmac, &hmac.to_uppercase());
    assert_eq!(upper, ("ATTEST_SIG_INVALID", "hmac_invalid"));
    assert_eq!(
        changed(&hmac, ""),
        ("ATTEST_SIGNATURE_MISSING", "hmac_missing")
    );
}

#[test]
fn a_file_that_is_swapped_for_a_link_never_lends_its_target() {
    let package = Package::usual().attest();
    let honest = canonical_package_hash(&package.root()).unwrap().canonical;
    fs::write(package.outside().join("other"), "b = 2\n").unwrap();
    let (target, link) = (package.path("code/a.py"), package.path("swap.pyc"));
    let kept = package.path("kept.pyc");
    fs::copy(&target, &kept).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink("../../other", &link).unwrap();
                fs::rename(&link, &target).unwrap();
                fs::copy(&kept, &link).unwrap();
                fs::rename(&link, &target).unwrap();
            }
        });
        let _stop = StopOnDrop(&stop);
        for _ in 0..300 {
            match canonical_package_hash(&package.root()) {
                // Read between two swaps.
                Ok(hash) => assert_eq!(hash.canonical, honest),
                Err(error) => {
                    let expected = matches!(
                        error.problem,
                        TreeProblem::LinkLeaves | TreeProblem::Changed | TreeProblem::Io(_)
                    );
                    assert!(expected, "{error}");
                }
            }
        }
    });
}
