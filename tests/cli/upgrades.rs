//! A log that was begun without an index goes on with one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealbook::ledger::index::term::Field;
use sealbook::logbook::terms::INDEX_KEY;
use sealbook::store::{Batch, RocksStore, Store};
use serde_json::{Value, json};

use crate::liar;
use crate::place::{Place, have};

fn append(place: &Place, case: &str) {
    let payload = format!(r#"{{"correlation_id":"{case}","tenant_id":"acme"}}"#);
    let args = ["append", "--kind", "event", "--payload", &payload];
    place.run(&args).ok();
}

/// The entries 1 and 2 in epoch 0, 3 that is not sealed, as `init` makes it in the first
/// version.
fn old() -> Place {
    let place = Place::empty();
    place.run(&["init", "--format-version", "1"]).ok();
    ["a", "b"].into_iter().for_each(|case| append(&place, case));
    place.run(&["seal"]).ok();
    append(&place, "a");
    place
}

/// The same with an index from epoch 2 on, and three epochs of it.
fn upgraded() -> Place {
    let place = old();
    let said = place.run(&["--json", "upgrade"]).ok().document();
    assert_eq!(said, json!({"since": 2, "seq": 4}));
    for case in ["a", "c", "a"] {
        append(&place, case);
        place.run(&["seal"]).ok();
    }
    place
}

fn report(place: &Place, file: &str) -> Value {
    let key = place.key();
    place
        .run(&["--json", "verify", file, "--key", &key])
        .ok()
        .document()
}

#[test]
fn an_old_log_goes_on_with_an_index_and_says_from_where() {
    let place = upgraded();
    let verified = place.run(&["--json", "verify"]).ok().document();
    assert_eq!(verified["epochs"], 5, "{verified}");
    place
        .run(&["export", "--correlation", "a", "-o", "a.bundle"])
        .ok();
    let found = report(&place, "a.bundle");
    let complete = json!({"field": "correlation", "value": "a", "entries": 2, "epoch": 4,
                          "seq": 7, "since": 2});
    assert_eq!(found["complete"], complete);
    assert_eq!(found["entries"], 4);
    assert_eq!(
        found["not_checked"],
        json!(["completeness", "index", "chain"])
    );
    let key = place.key();
    let said = place
        .run(&["verify", "a.bundle", "--key", &key])
        .ok()
        .stdout;
    let from = "complete by the log's signed index from epoch 2 up to entry 7 (epoch 4)";
    assert!(said.contains(from), "{said}");
    place
        .run(&["export", "--tenant", "acme", "-o", "acme.bundle"])
        .ok();
    assert_eq!(report(&place, "acme.bundle")["complete"]["entries"], 3);
    // What is only in the old epochs is there, and what is nowhere is absent.
    let args = ["absent", "--correlation", "b", "-o", "no-b.bundle"];
    place.run(&args).ends_with(1);
    place
        .run(&["absent", "--tenant", "zeta", "-o", "none.bundle"])
        .ok();
    let none = report(&place, "none.bundle");
    assert_eq!(
        (&none["complete"]["entries"], &none["complete"]["since"]),
        (&json!(0), &json!(2))
    );
    // A range over both, and a proof of an old entry for old readers.
    place.run(&["export", "-o", "all.bundle"]).ok();
    assert_eq!(report(&place, "all.bundle")["entries"], 8);
    let first = ["prove", "1", "--format-version", "1", "-o", "1.proof"];
    place.run(&first).ok();
    report(&place, "1.proof");
    for args in [
        &["export", "-o", "v1.bundle", "--format-version", "1"][..],
        &["prove", "5", "-o", "5.proof", "--format-version", "1"],
    ] {
        let args = [&["--json"], args].concat();
        let refused = place.run(&args).ends_with(2).document();
        assert_eq!(refused["error"]["code"], "usage");
    }
    // Asked again, nothing is written.
    let again = place.run(&["--json", "upgrade"]).ok().document();
    assert_eq!(again, json!({"since": 2, "seq": null}));
    assert_eq!(place.count(), 8);
    if have("python3", &["-c", "import cryptography"]) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/verify_index.py");
        for file in ["a.bundle", "acme.bundle", "none.bundle"] {
            let args = ["--key", &key, file];
            let output = place.command_of(&program, &args).output().unwrap();
            let second: Value = serde_json::from_slice(&output.stdout).unwrap();
            let own = report(&place, file);
            assert_eq!(second["complete"], own["complete"], "{file}");
            // The whole bundle by the other half of that verifier.
            let whole = program.with_file_name("verify.py");
            let output = place.command_of(&whole, &args).output().unwrap();
            let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(whole["verdict"], "pass", "{whole}");
            assert_eq!(whole["complete"], own["complete"], "{file}");
            let open = |report: &Value| {
                let open = report["not_checked"].as_array().unwrap().iter();
                open.map(Value::to_string).collect::<BTreeSet<_>>()
            };
            assert_eq!(open(&whole), open(&own), "{file}");
        }
    }
}

#[test]
fn a_log_before_its_upgrade_is_as_it_was() {
    let place = old();
    let args = ["export", "--correlation", "b", "-o", "b.bundle"];
    place.run(&args).ok();
    assert_eq!(report(&place, "b.bundle")["complete"], Value::Null);
    let before = place.read("b.bundle");
    let first = [
        "export",
        "--format-version",
        "1",
        "--correlation",
        "b",
        "-o",
        "b1.bundle",
    ];
    place.run(&first).ok();
    place.run(&["upgrade"]).ok();
    // The entry that begins it is not sealed: nothing is indexed yet.
    place.run(&["verify"]).ok();
    let refused = ["--json", "absent", "--tenant", "zeta", "-o", "none.bundle"];
    let refused = place.run(&refused).ends_with(1).document();
    assert_eq!(refused["error"]["code"], "not_sealed");
    // What was given out before is still good.
    place.write("b.bundle", before);
    assert_eq!(report(&place, "b.bundle")["verdict"], "pass");
    assert_eq!(report(&place, "b1.bundle")["verdict"], "pass");
}

#[test]
fn an_upgrade_that_was_interrupted_goes_on() {
    let place = old();
    let store = RocksStore::open(&place.path("ledger")).unwrap();
    store
        .commit(Batch {
            meta: vec![(INDEX_KEY, vec![7; 32])],
            ..Batch::default()
        })
        .unwrap();
    store.close().unwrap();
    // The secret alone changes nothing.
    append(&place, "c");
    place.run(&["seal"]).ok();
    place.run(&["verify"]).ok();
    place.run(&["upgrade"]).ok();
    append(&place, "c");
    place.run(&["seal"]).ok();
    place.run(&["verify"]).ok();
    place
        .run(&["export", "--tenant", "acme", "-o", "acme.bundle"])
        .ok();
    assert_eq!(report(&place, "acme.bundle")["complete"]["since"], 2);
    // Without it the log cannot be gone on with, which is said.
    let store = RocksStore::open(&place.path("ledger")).unwrap();
    let forgotten = Batch {
        meta: vec![(INDEX_KEY, Vec::new())],
        ..Batch::default()
    };
    store.commit(forgotten).unwrap();
    store.close().unwrap();
    let args = ["--json", "append", "--kind", "event", "--payload", "{}"];
    let refused = place.run(&args).ends_with(2).document();
    assert_eq!(refused["error"]["code"], "store_corrupt", "{refused}");
}

#[test]
fn books_backups_and_imports_go_over_it() {
    let place = upgraded();
    place.run(&["backup", "copy"]).ok();
    place.run(&["--ledger", "copy/ledger", "verify"]).ok();
    place.run(&["export", "-o", "all.bundle"]).ok();
    place.run(&["--ledger", "other", "init"]).ok();
    let key = place.key();
    place
        .run(&["--ledger", "other", "import", "all.bundle", "--key", &key])
        .ok();
    place.run(&["rotate", "ledger.2"]).ok();
    place.run(&["verify"]).ok();
    let shown = place
        .run(&["--ledger", "ledger.2", "--json", "show", "0"])
        .ok()
        .document();
    assert_eq!(shown["payload"]["format"], 2);
    place.run(&["--ledger", "ledger.2", "seal"]).ok();
    place
        .run(&["verify", "ledger", "ledger.2", "--key", &key])
        .ok();
    // The closed book takes no entry that begins an index.
    let closed = old();
    closed.run(&["rotate", "ledger.2"]).ok();
    let refused = closed.run(&["--json", "upgrade"]).ends_with(2).document();
    assert_eq!(refused["error"]["code"], "closed", "{refused}");
}

#[test]
fn a_lie_of_an_index_that_began_later_is_named_and_convicts() {
    let place = old();
    place.run(&["upgrade"]).ok();
    append(&place, "a");
    append(&place, "c");
    liar::seal(&place, &|seq, mut terms| {
        terms.retain(|term| seq != 6 || term.field != Field::Correlation);
        terms
    });
    let found = place.run(&["--json", "verify"]).ends_with(1).document();
    let fault = &found["faults"][0];
    assert_eq!(
        (&fault["code"], &fault["seq"]),
        (&json!("index_mismatch"), &json!(6)),
        "{found}"
    );
    place
        .run(&["absent", "--correlation", "c", "-o", "no-c.bundle"])
        .ok();
    let args = ["--json", "diff", "ledger", "no-c.bundle", "-o", "denied"];
    let found = place.run(&args).ends_with(1).document();
    assert_eq!(found["equivocation"]["kind"], "index");
    let found = report(&place, "denied");
    assert_eq!(found["warnings"][0]["code"], "equivocation_proven");
    if have("python3", &["-c", "import cryptography"]) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/verify_index.py");
        let key = place.key();
        let args = ["--key", &key, "denied"];
        let output = place.command_of(&program, &args).output().unwrap();
        let second: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(second["denied"]["seq"], 6, "{second}");
    }
}

#[test]
fn the_kept_ledger_of_version_1_goes_on_with_an_index() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledgers/v1");
    let place = Place::empty();
    place.copy_from(&kept.join("ledger"), "ledger");
    place.write("ledger.mark", fs::read(kept.join("ledger.mark")).unwrap());
    place.write(
        "ledger.key.pem",
        fs::read(kept.join("throwaway-key.pem")).unwrap(),
    );
    let only_mine = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.path("ledger.key.pem"), only_mine).unwrap();
    place.run(&["upgrade"]).ok();
    append(&place, "new");
    place.run(&["seal"]).ok();
    place.run(&["verify"]).ok();
    place
        .run(&["export", "--correlation", "new", "-o", "new.bundle"])
        .ok();
    assert_eq!(report(&place, "new.bundle")["complete"]["entries"], 1);
}
