//! Enrolment, controls, and attestation of source files.

use std::fs;
use std::path::Path;

use sealbook::ledger::json::{Form, Value};
use sealbook::wcp::record::{WorkerRecordError, artifact_hash};
use sealbook::wcp::registry::{Enrolment, Registry};
use sealbook::wcp::registry_dir::InvalidRecordProblem;
use sealbook::wcp::worker_source::AttestError;
use tempfile::tempdir;

use crate::support::json;

fn record(worker: &str) -> Value {
    json(&format!(
        r#"{{"worker_id": "{worker}", "worker_species_id": "wrk.doc.summarizer",
            "capabilities": ["cap.doc.summarize"], "risk_tier": "low",
            "required_controls": ["ctrl.obs.audit-log-append-only"],
            "currently_implements": ["ctrl.obs.audit-log-append-only"],
            "allowed_environments": ["dev"], "blast_radius": {{"data": 1}},
            "privilege_envelope": {{"network_egress": "none"}}, "owner": "ü"}}"#
    ))
}

#[test]
fn enrolment_makes_species_controls_and_envelope_known() {
    let mut registry = Registry::new();
    assert_eq!(registry.enroll(&record("org.a")), Ok(Enrolment::Added));
    assert_eq!(registry.enroll(&record("org.a")), Ok(Enrolment::Updated));
    assert_eq!(registry.enrolled_count(), 1);
    assert_eq!(
        registry.workers_for_capability("cap.doc.summarize").len(),
        1
    );
    assert!(
        registry
            .controls_present()
            .contains("ctrl.obs.audit-log-append-only")
    );
    assert!(
        registry
            .get_privilege_envelope("wrk.doc.summarizer")
            .is_some()
    );
    assert_eq!(
        registry.summary().get("enrolled_count"),
        Some(&Value::from(1_u64))
    );
}

#[test]
fn artifact_hash_is_computed_and_verified() {
    // From Python: sha256(json.dumps(record, sort_keys=True, separators=(",", ":"))).
    let small =
        json(r#"{"worker_id": "org.ü", "worker_species_id": "wrk.a", "artifact_hash": "x"}"#);
    let hash = artifact_hash(small.as_object().unwrap());
    let expected = "sha256:bc5e354d95545fbb7bda57c23c9792213d91cdf00faeddc5bd4295dea631011a";
    assert_eq!(hash, expected);
    let error = Registry::new().enroll(&small).unwrap_err();
    assert!(
        matches!(error, WorkerRecordError::Tampered { .. }),
        "{error:?}"
    );

    let mut registry = Registry::new();
    registry.enroll(&record("org.a")).unwrap();
    let stored = registry.worker("org.a").unwrap().document.clone();
    assert_eq!(
        registry.enroll(&Value::Object(stored.clone())),
        Ok(Enrolment::Updated)
    );
    let mut changed = stored;
    changed.insert("owner", "someone else");
    let error = registry.enroll(&Value::Object(changed)).unwrap_err();
    assert!(
        matches!(error, WorkerRecordError::Tampered { .. }),
        "{error:?}"
    );
}

#[test]
fn a_malformed_control_changes_nothing() {
    let mut registry = Registry::new();
    registry.set_controls_present(&["ctrl.a"]).unwrap();
    assert!(
        registry
            .set_controls_present(&["ctrl.b", "nonsense"])
            .is_err()
    );
    assert!(
        registry
            .add_controls_present(&["ctrl.c", "CTRL.D"])
            .is_err()
    );
    assert_eq!(registry.controls_present().len(), 1);
}

#[test]
fn invalid_files_are_reported_and_the_others_enrolled() {
    let dir = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("a.json", &record("org.a").canonical(Form::Utf8));
    write("b.json", &record("org.a").canonical(Form::Utf8));
    write("c.json", "{");
    write("d.json", "{}");
    write("e.txt", "no record");
    fs::create_dir(dir.path().join("f.json")).unwrap();
    write("g.json", &record("org.g").canonical(Form::Utf8));
    let (registry, invalid) = Registry::from_dir(dir.path()).unwrap();
    assert_eq!(registry.enrolled_count(), 2);
    let problems: Vec<_> = invalid.iter().map(|invalid| &invalid.problem).collect();
    assert!(
        matches!(
            problems[..],
            [
                InvalidRecordProblem::DuplicateWorker { .. },
                InvalidRecordProblem::NotJson(_),
                InvalidRecordProblem::Record(WorkerRecordError::Member(_)),
                InvalidRecordProblem::NotAFile,
            ]
        ),
        "{problems:?}"
    );
}

#[test]
fn fifty_thousand_records_are_loaded() {
    let dir = tempdir().unwrap();
    for index in 0..50_000 {
        let text = record(&format!("org.example.worker-{index}")).canonical(Form::Utf8);
        fs::write(dir.path().join(format!("{index}.json")), text).unwrap();
    }
    let (registry, invalid) = Registry::from_dir(dir.path()).unwrap();
    assert_eq!((registry.enrolled_count(), invalid.len()), (50_000, 0));
}

#[test]
fn a_changed_source_has_another_hash() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("worker.py");
    fs::write(&source, "abc").unwrap();
    let mut registry = Registry::new();
    let hash = registry.register_attestation("wrk.a", &source).unwrap();
    assert_eq!(
        hash,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(registry.get_worker_hash("wrk.a"), Some(hash.as_str()));
    assert_eq!(registry.compute_current_hash("wrk.a"), Some(hash.clone()));
    fs::write(&source, "abd").unwrap();
    assert_ne!(registry.compute_current_hash("wrk.a"), Some(hash));
    fs::remove_file(&source).unwrap();
    assert_eq!(registry.compute_current_hash("wrk.a"), None);
}

#[test]
fn allowed_directories_cannot_be_left() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["workers", "workers-old"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("w.py"), "abc").unwrap();
    }
    let mut registry = Registry::new();
    let workers = path("workers");
    registry.set_allowed_worker_dirs(&[&workers]).unwrap();
    registry
        .register_attestation("wrk.a", &workers.join("w.py"))
        .unwrap();
    let mut outside = |source: &Path| {
        let error = registry.register_attestation("wrk.b", source).unwrap_err();
        assert!(
            matches!(error, AttestError::OutsideAllowedDirs { .. }),
            "{error:?}"
        );
    };
    outside(&path("workers-old").join("w.py"));
    outside(&workers.join("../workers-old/w.py"));
    #[cfg(unix)]
    {
        let link = workers.join("link.py");
        std::os::unix::fs::symlink(path("workers-old").join("w.py"), &link).unwrap();
        outside(&link);
        // A registered file that becomes a link out is not hashed any more.
        fs::remove_file(workers.join("w.py")).unwrap();
        fs::rename(&link, workers.join("w.py")).unwrap();
        assert_eq!(registry.compute_current_hash("wrk.a"), None);
    }
    let error = registry
        .register_attestation("wrk.b", &workers)
        .unwrap_err();
    assert!(matches!(error, AttestError::NotAFile { .. }), "{error:?}");
}
