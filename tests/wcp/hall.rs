//! A Hall read from its files, and what the registry in it decides.

use std::fs;
use std::path::PathBuf;

use sealbook::ledger::json::Value;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::record::hall_files::{HallError, HallProblem};
use sealbook::wcp::basis::WorkerStanding;
use sealbook::wcp::{Denial, make_decision};
use sealbook::{Hall, wcp::RouteDecision};
use tempfile::TempDir;

use crate::scene::input;
use crate::support::{json, stamp};

const CODE: &str = "print('hello')\n";

/// Rules, one worker with attested code, and a configuration that wants it.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        fs::create_dir(files.path("enrolled")).unwrap();
        fs::create_dir(files.path("workers")).unwrap();
        files.write(
            "rules.json",
            r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"}, "decision":
                {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#,
        );
        files.write("config.json", r#"{"require_worker_attestation": true}"#);
        files.write("workers/w.py", CODE);
        files.write("enrolled/w.json", &files.record("workers/w.py"));
        files
    }

    fn record(&self, source: &str) -> String {
        let (hash, source) = (Sha256Digest::of(CODE.as_bytes()), self.path(source));
        format!(
            r#"{{"worker_id": "org.acme.w", "worker_species_id": "wrk.a", "attestation":
                {{"code_hash": "{hash}", "source_file": "{}"}}}}"#,
            source.display()
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn hall(&self) -> Hall {
        let hall = Hall::load(self.path("rules.json")).unwrap();
        let hall = hall.config(self.path("config.json")).unwrap();
        hall.registry(self.path("enrolled")).unwrap()
    }
}

fn decide(hall: &Hall) -> RouteDecision {
    make_decision(&input(&[]), &hall.basis(), stamp()).decision
}

fn denial(hall: &Hall) -> Option<&'static str> {
    decide(hall)
        .deny_reason_if_denied
        .as_ref()
        .map(Denial::code)
}

#[test]
fn a_record_s_code_is_held_against_its_source_file() {
    let files = Files::new();
    let allowed = decide(&files.hall());
    assert_eq!(allowed.deny_reason_if_denied, None);
    assert_eq!(allowed.worker_attestation_valid, Some(true));
    files.write("workers/w.py", &CODE.replace('h', "H"));
    assert_eq!(denial(&files.hall()), Some("DENY_WORKER_TAMPERED"));
    fs::remove_file(files.path("workers/w.py")).unwrap();
    assert_eq!(denial(&files.hall()), Some("DENY_WORKER_HASH_UNAVAILABLE"));
    let malformed = files
        .record("workers/w.py")
        .replace("\"code_hash\": \"", "\"code_hash\": \"A");
    files.write("enrolled/w.json", &malformed);
    let code = Some("DENY_WORKER_ATTESTATION_INVALID_HASH");
    assert_eq!(denial(&files.hall()), code);
}

#[test]
fn beneath_the_workers_root_and_nowhere_else() {
    let files = Files::new();
    let rooted = || files.hall().workers_root(files.path("workers")).unwrap();
    assert_eq!(denial(&rooted()), None);
    files.write("elsewhere.py", CODE);
    let unavailable = Some("DENY_WORKER_HASH_UNAVAILABLE");
    for source in ["elsewhere.py", "workers/../elsewhere.py", "workers"] {
        files.write("enrolled/w.json", &files.record(source));
        assert_eq!(denial(&rooted()), unavailable, "{source}");
    }
    std::os::unix::fs::symlink(files.path("elsewhere.py"), files.path("workers/l.py")).unwrap();
    files.write("enrolled/w.json", &files.record("workers/l.py"));
    assert_eq!(denial(&rooted()), unavailable);
    let relative = files
        .record("w.py")
        .replace(&format!("{}/", files.0.path().display()), "");
    files.write("enrolled/w.json", &relative);
    assert_eq!(denial(&rooted()), None);
}

#[test]
fn a_record_from_elsewhere_names_no_file_without_a_root() {
    let files = Files::new();
    let mut registry = sealbook::wcp::Registry::new();
    let record = json(&files.record("workers/w.py"));
    let record = sealbook::wcp::record::WorkerRecord::read(&record).unwrap();
    registry.enroll_remote(record);
    let hall = files.hall().with_registry(registry);
    assert_eq!(denial(&hall), Some("DENY_WORKER_HASH_UNAVAILABLE"));
    let rooted = hall.workers_root(files.path("workers")).unwrap();
    assert_eq!(denial(&rooted), None);
}

#[test]
fn bans_by_hash_worker_and_namespace_and_revocation_deny() {
    let files = Files::new();
    let hash = Sha256Digest::of(CODE.as_bytes());
    for (list, code) in [
        (format!("{hash} stolen\n"), "DENY_WORKER_BANNED_HASH"),
        (
            r#"[{"worker_id": "org.acme.w"}]"#.to_owned(),
            "DENY_WORKER_BANNED",
        ),
        (
            r#"[{"namespace": "org.acme"}]"#.to_owned(),
            "DENY_WORKER_BANNED",
        ),
    ] {
        files.write("banned", &list);
        let after = files.hall().ban_list(files.path("banned")).unwrap();
        let hall = Hall::load(files.path("rules.json")).unwrap();
        let before = hall.ban_list(files.path("banned")).unwrap();
        let before = before.registry(files.path("enrolled")).unwrap();
        for hall in [&after, &before] {
            assert_eq!(denial(hall), Some(code), "{list}");
            assert!(hall.ban_of("org.acme.w").is_some());
        }
    }
    let mut registry = files.hall().workers().clone();
    registry.set_standing("org.acme.w", WorkerStanding::Revoked);
    let revoked = files.hall().with_registry(registry.clone());
    assert_eq!(denial(&revoked), Some("DENY_WORKER_REVOKED"));
    // Another worker of the species stands in for it, and is named.
    let other = r#"{"worker_id": "org.acme.v", "worker_species_id": "wrk.a"}"#;
    registry.enroll(&json(other)).unwrap();
    registry.set_standing("org.acme.v", WorkerStanding::Active);
    let hall = Hall::load(files.path("rules.json")).unwrap();
    assert_eq!(denial(&hall.with_registry(registry)), None);
}

#[test]
fn a_submitted_hash_clears_nothing_until_it_is_confirmed() {
    let files = Files::new();
    let hash = Sha256Digest::of(CODE.as_bytes()).to_string();
    let source = files.path("workers/w.py");
    files.write(
        "enrolled/w.json",
        &format!(
            r#"{{"worker_id": "org.acme.w", "worker_species_id": "wrk.a",
                "attestation": {{"source_file": "{}"}}}}"#,
            source.display()
        ),
    );
    let with = |change: &dyn Fn(&mut sealbook::wcp::Registry)| {
        let mut registry = files.hall().workers().clone();
        change(&mut registry);
        files.hall().with_registry(registry)
    };
    let missing = Some("DENY_WORKER_ATTESTATION_MISSING");
    assert_eq!(denial(&with(&|_| {})), missing);
    let submitted = with(&|registry| registry.submit_hash("org.acme.w", &hash));
    assert_eq!(denial(&submitted), missing);
    let confirmed = with(&|registry| registry.confirm_hash("org.acme.w", &hash));
    assert_eq!(denial(&confirmed), None);
    // But a banned one denies.
    files.write("banned", &hash);
    let hall = Hall::load(files.path("rules.json")).unwrap();
    let hall = hall.with_registry(submitted.workers().clone());
    let banned = hall.ban_list(files.path("banned")).unwrap();
    assert_eq!(denial(&banned), Some("DENY_WORKER_BANNED_HASH"));
}

#[test]
fn the_gate_and_what_may_be_reached_come_from_files_too() {
    let files = Files::new();
    files.write("egress.json", r#"{"prod": ["api.example.com"]}"#);
    let hall = files.hall().egress_allowlist(files.path("egress.json"));
    let hall = hall.unwrap().stub_policy(true);
    let lists = hall.workers().egress_allowlists();
    assert_eq!(lists.len(), 1);
    let digests = |hall: &Hall| hall.digests().as_object().cloned().unwrap();
    let (with, without) = (digests(&hall), digests(&files.hall()));
    let differ = with
        .iter()
        .filter(|(name, value)| without.get(name) != Some(value));
    let differ: Vec<&str> = differ.map(|(name, _)| name).collect();
    assert_eq!(differ, ["egress_allowlist"]);
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let files = Files::new();
    files.write("bad", "{");
    let of = |result: Result<Hall, HallError>| result.map(|_| ()).unwrap_err();
    let path = files.path("bad");
    let error = of(files.hall().config(&path));
    assert!(matches!(error.problem, HallProblem::NotJson(_)), "{error}");
    assert_eq!(error.path, path);
    let error = of(files.hall().egress_allowlist(files.path("config.json")));
    assert!(matches!(error.problem, HallProblem::AllowList), "{error}");
    let error = of(files.hall().ban_list(&path));
    assert!(matches!(error.problem, HallProblem::BanList(_)), "{error}");
    let error = of(Hall::load(files.path("none")));
    assert!(matches!(error.problem, HallProblem::Rules(_)), "{error}");
    let error = of(files.hall().registry(files.path("none")));
    assert!(
        matches!(error.problem, HallProblem::RegistryDir(_)),
        "{error}"
    );
    let error = of(files.hall().workers_root(&path));
    assert!(
        matches!(error.problem, HallProblem::WorkersRoot(_)),
        "{error}"
    );
    files.write("enrolled/bad.json", "{}");
    assert_eq!(files.hall().dropped().len(), 1);
    let config = files.hall().governance().config().to_value();
    assert_eq!(
        config.get("require_worker_attestation"),
        Some(&Value::from(true))
    );
}
