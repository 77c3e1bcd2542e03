//! Names that are numbers, say, where a text is usual: found by what they are, and never
//! passed over in silence.

use serde_json::json;

use crate::place::Place;

/// Two entries of tenants that are numbers, one of the string.
fn of_tenants() -> Place {
    let place = Place::initialised();
    let lines = [json!(42), json!("42"), json!(42), json!(4.5), json!(true)].map(|tenant| {
        format!(
            "{}\n",
            json!({"kind": "k", "payload": {"tenant_id": tenant}})
        )
    });
    place
        .run_with(&["append", "--jsonl", "-"], &lines.concat())
        .ok();
    place
}

pub(crate) fn found(place: &Place, args: &[&str]) -> usize {
    let run = place.run(&[&["--json", "log"], args].concat());
    let entries = run.documents().into_iter();
    entries.filter(|entry| entry["error"].is_null()).count()
}

#[test]
fn a_tenant_that_is_a_number_is_found_and_never_passed_over_in_silence() {
    let place = of_tenants();
    assert_eq!(found(&place, &["--tenant-json", "42"]), 2);
    assert_eq!(found(&place, &["--tenant-json", "\"42\""]), 1);
    assert_eq!(found(&place, &["--tenant-json", "4.5"]), 1);
    assert_eq!(found(&place, &["--tenant-json", "true"]), 1);
    assert_eq!(found(&place, &["--tenant-json", "42.0"]), 0);
    assert_eq!(found(&place, &["--tenant", "42"]), 1);
    let warning = "sealbook: warning: entries whose tenant_id is the JSON value 42 and not the \
                   string \"42\" are not among them: --tenant-json 42 finds those\n";
    let run = place.run(&["log", "--tenant", "42"]).ok();
    assert_eq!(run.stderr, warning);
    place.run(&["seal"]).ok();
    let export = ["export", "--tenant", "42", "-o", "e.bundle"];
    assert!(place.run(&export).ok().stderr.starts_with(warning));
    let stats = place.run(&["--json", "stats"]).ok().document();
    assert_eq!(stats["tenants"], json!({"42": 1}));
    assert_eq!(stats["tenants_json"], json!({"42": 2, "4.5": 1, "true": 1}));
    assert_eq!(stats["no_tenant"], 1);
}

/// Of every name that an entry is found by, wherever entries are asked for by it.
#[test]
fn an_id_that_is_a_number_is_never_passed_over_in_silence() {
    let place = Place::initialised();
    for payload in [
        json!({"correlation_id": 42, "worker_id": 7}),
        json!({"correlation_id": "42", "worker_id": "7", "decision_id": "1"}),
        json!({"decision": {"decision_id": 1, "selected_worker_species_id": 7}}),
    ] {
        let append = ["append", "--kind", "k", "--payload", &payload.to_string()];
        place.run(&append).ok();
    }
    place.run(&["seal"]).ok();
    let warning = |member: &str, value: &str, seq: u64| {
        format!(
            "sealbook: warning: entries whose {member} is the JSON value {value} and not the \
             string \"{value}\" are not among them: entry {seq} is one of those\n"
        )
    };
    let (case, worker) = (["--correlation", "42"], ["--worker", "7"]);
    for (asked, said) in [
        (&case, warning("correlation_id", "42", 1)),
        (&worker, warning("worker or species", "7", 1)),
        (&["--decision", "1"], warning("decision_id", "1", 3)),
    ] {
        let run = place.run(&[&["log"], &asked[..]].concat()).ok();
        assert_eq!(run.stderr, said);
        for args in [
            &["stats"][..],
            &["replay"],
            &["export", "--force", "-o", "e.bundle"],
        ] {
            let run = place.run(&[args, &asked[..]].concat()).ok();
            assert!(run.stderr.contains(&said), "{args:?}: {}", run.stderr);
        }
    }
    assert_eq!(found(&place, &case), 1);
    let said = warning("correlation_id", "42", 1);
    let report = ["report", "--correlation", "42", "-o", "42.html"];
    assert!(place.run(&report).ok().stderr.contains(&said));
    let newest = place.run(&["log", "--worker", "7", "--reverse"]).ok();
    assert_eq!(newest.stderr, warning("worker or species", "7", 3));
    let erase = ["erase", "--pointer", "/x", "--dry-run"];
    let run = place.run(&[&erase[..], &case].concat());
    assert!(run.stderr.starts_with(&said), "{}", run.stderr);
    // Where nothing is passed over, nothing is said.
    let run = place.run(&["log", "--correlation", "43"]).ends_with(1);
    assert_eq!(run.stderr, "sealbook: error: nothing was found\n");
}

#[test]
fn an_index_of_an_earlier_version_is_made_anew_and_hides_nothing_until_then() {
    let place = of_tenants();
    {
        let options = rocksdb::Options::default();
        let families = rocksdb::DB::list_cf(&options, place.path("ledger/db")).unwrap();
        let db = rocksdb::DB::open_cf(&options, place.path("ledger/db"), families).unwrap();
        let index = db.cf_handle("index").unwrap();
        // Terms of this field, and the version, were not there.
        db.delete_range_cf(index, [8], [9]).unwrap();
        db.delete_cf(index, [1]).unwrap();
        db.flush_wal(true).unwrap();
    }
    assert_eq!(found(&place, &["--tenant-json", "42"]), 2);
    place
        .run(&["append", "--kind", "k", "--payload", "{}"])
        .ok();
    assert_eq!(found(&place, &["--tenant-json", "42"]), 2);
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, place.path("ledger/db")).unwrap();
    let db = rocksdb::DB::open_cf_for_read_only(&options, place.path("ledger/db"), families, false);
    let db = db.unwrap();
    let index = db.cf_handle("index").unwrap();
    let mut rows = db.raw_iterator_cf(index);
    rows.seek([8]);
    assert_eq!(
        rows.key().map(|key| key[0]),
        Some(8),
        "it was not indexed again"
    );
}
