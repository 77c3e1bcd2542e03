//! One incident from end to end beside a running Hall: three workers, two tenants, a
//! tampered package, a widened envelope, a policy change, a ban, an approval, a
//! rollback attempt, a rotation. Every outcome is an entry, by command line and by
//! HTTP; each question of an investigator is answered by one command; and the case's
//! bundle gives a stranger the same answers.

use std::fs;
use std::path::Path;
use std::process::Output;

use sealbook::wcp::record::artifact_hash;
use serde_json::{Value, json};

use crate::place::object;
use crate::process::{Place, Process};

const RULES: &str = r#"{"rules": [
    {"rule_id": "rr_doc", "match": {"capability_id": "cap.doc"}, "decision": {
        "candidate_workers_ranked": [{"worker_species_id": "wrk.one"}, {"worker_species_id": "wrk.two"}],
        "required_controls_suggested": ["ctrl.privilege_envelopes_required"],
        "escalation": {"policy_gate": true}}},
    {"rule_id": "rr_web", "match": {"capability_id": "cap.web"}, "decision": {
        "candidate_workers_ranked": [{"worker_species_id": "wrk.three"}]}}]}"#;

fn gate(word: &str, version: &str) -> String {
    format!(
        "package wcp\n\ngate := {{\"decision\": \"{word}\", \"policy_version\": \"{version}\", \"reason\": \"r\"}}\n"
    )
}

/// A worker's record with its hash.
fn worker(id: &str, species: &str, tools: &[&str]) -> Value {
    let mut record = json!({"worker_id": id, "worker_species_id": species,
        "capabilities": ["cap.doc"], "risk_tier": "low",
        "currently_implements": ["ctrl.privilege_envelopes_required"],
        "privilege_envelope": {"secrets_access": [], "network_egress": "none",
            "filesystem_writes": [], "tools": tools}});
    record["artifact_hash"] = json!(artifact_hash(&object(&record)));
    record
}

struct Scene {
    place: Place,
    token: String,
}

impl Scene {
    fn new() -> Scene {
        let place = Place::initialised();
        let scopes = [
            "read", "append", "route", "enrol", "ingest", "attest", "approve", "admin",
        ];
        let scopes: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
        let made = place.run(&[&["token", "new", "--name", "ops"][..], &scopes].concat());
        let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let scene = Scene { place, token };
        scene.write("rules.json", RULES);
        scene.write("gate.rego", &gate("ALLOW", "p1"));
        fs::create_dir(scene.path("enrolled")).unwrap();
        for (name, id, species) in [
            ("one", "org.a.one", "wrk.one"),
            ("two", "org.a.two", "wrk.two"),
        ] {
            let record = worker(id, species, &[]).to_string();
            scene.write(&format!("enrolled/{name}.json"), &record);
        }
        scene
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn serve(&self) -> Process {
        self.place.serve(&[
            "--rules",
            "rules.json",
            "--registry-dir",
            "enrolled",
            "--policy",
            "gate.rego",
            "--token-file",
            "tokens.jsonl",
        ])
    }

    fn run(&self, args: &[&str], status: i32) -> Value {
        let output = self.place.run(&[&["--json"], args].concat());
        assert_eq!(output.status.code(), Some(status), "{args:?}: {output:?}");
        last(&output)
    }

    fn entries(&self, args: &[&str]) -> Vec<Value> {
        let output = self.place.run(&[&["--json", "log"], args].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn post(&self, server: &Process, path: &str, body: &Value) -> (u16, Value) {
        server.post_as(&self.token, path, &body.to_string())
    }
}

fn last(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or("null")).unwrap_or(Value::Null)
}

fn request(capability: &str, tenant: &str, correlation: &str) -> Value {
    json!({"capability_id": capability, "env": "dev", "data_label": "INTERNAL",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": tenant,
        "correlation_id": correlation})
}

#[test]
fn an_incident_is_recorded_whole_and_told_by_one_command_a_question() {
    let scene = Scene::new();
    let mut server = scene.serve();

    // Two tenants, by HTTP and by command line; a third worker enrols over HTTP.
    let third = worker("org.b.three", "wrk.three", &[]);
    assert_eq!(scene.post(&server, "/v1/enrolments", &third).0, 201);
    let (status, acme) = scene.post(&server, "/route", &request("cap.doc", "acme", "case-1"));
    assert_eq!(
        (status, &acme["decision"]["denied"]),
        (200, &json!(false)),
        "{acme}"
    );
    let beta = scene.run(
        &[
            "route",
            "--capability",
            "cap.web",
            "--tenant-id",
            "beta",
            "--correlation-id",
            "case-2",
        ],
        0,
    );
    assert_eq!(beta["decision"]["tenant_id"], "beta");

    // A package is tampered with: the verdict is an entry beside the server.
    let ids = ["--worker-id", "org.a.one", "--worker-species-id", "wrk.one"];
    assert!(
        scene
            .place
            .run(&["package", "scaffold", "pkg"])
            .status
            .success()
    );
    let signed = scene
        .place
        .run_with_hmac(&[&["package", "sign", "pkg"][..], &ids].concat());
    assert!(signed.status.success(), "{signed:?}");
    let verify = [
        &[
            "--json",
            "package",
            "verify",
            "pkg",
            "--correlation-id",
            "case-1",
        ][..],
        &ids,
    ]
    .concat();
    assert_eq!(scene.place.run_with_hmac(&verify).status.code(), Some(0));
    scene.write("pkg/code/worker_logic.py", "tampered");
    assert_eq!(scene.place.run_with_hmac(&verify).status.code(), Some(1));

    // An envelope is widened, with its hash; then the policy changes.
    let wide = worker("org.a.one", "wrk.one", &["sh"]).to_string();
    scene.write("enrolled/one.json", &wide);
    server.reload();
    scene.write("gate.rego", &gate("REQUIRE_HUMAN", "p2"));
    server.reload();
    let (_, held) = scene.post(&server, "/route", &request("cap.doc", "acme", "case-1"));
    assert_eq!(
        held["decision"]["deny_reason_if_denied"]["code"],
        "DENY_REQUIRES_HUMAN_APPROVAL"
    );

    // A human approves it, once.
    let denied = held["receipt"]["entry_hash"].as_str().unwrap();
    let entry = scene.run(&["show", denied], 0);
    let said = json!({"entry": denied, "input_hash": entry["payload"]["input_hash"],
        "verdict": "approve", "why": "known"});
    assert_eq!(scene.post(&server, "/wcp/approvals/resolve", &said).0, 200);
    let (_, approved) = scene.post(&server, "/route", &request("cap.doc", "acme", "case-1"));
    assert_eq!(approved["decision"]["denied"], false, "{approved}");

    // The namespace is banned, by the command line beside the server: from the entry
    // on nobody of it is dispatched to.
    let banned = scene.run(
        &[
            "worker",
            "ban",
            "--namespace",
            "org.b",
            "--why",
            "stolen key",
        ],
        0,
    );
    assert_eq!(banned["changed"], true);
    let (_, web) = scene.post(&server, "/route", &request("cap.web", "beta", "case-2"));
    assert_eq!(web["decision"]["denied"], true, "{web}");
    let (_, stood) = scene.post(&server, "/route", &request("cap.doc", "acme", "case-3"));
    assert_eq!(stood["decision"]["denied"], true);
    scene.run(&["seal"], 0);
    server.end();

    // Somebody rolls the database back: nothing is written, and that is remembered.
    copy(&scene.path("ledger"), &scene.path("kept"));
    assert!(
        scene
            .place
            .run(&["append", "--kind", "note", "--payload", "{}"])
            .status
            .success()
    );
    fs::rename(scene.path("ledger"), scene.path("newer")).unwrap();
    fs::rename(scene.path("kept"), scene.path("ledger")).unwrap();
    let refused = scene.run(&["append", "--kind", "note", "--payload", "{}"], 2);
    assert_eq!(refused["error"]["code"], "rollback_detected");
    fs::remove_dir_all(scene.path("ledger")).unwrap();
    fs::rename(scene.path("newer"), scene.path("ledger")).unwrap();
    assert!(
        scene
            .place
            .run(&["append", "--kind", "note", "--payload", "{}"])
            .status
            .success()
    );
    let refusals = scene.entries(&["--kind", "hall.refusal"]);
    assert_eq!(
        refusals[0]["payload"]["refused"][0]["fault"],
        "rollback_detected"
    );

    investigate(&scene);

    // The book goes on under another key, and knows whom it does not trust.
    assert!(scene.place.run(&["seal", "--if-any"]).status.success());
    assert!(scene.place.run(&["rotate", "second"]).status.success());
    let server = scene.place.serve(&[
        "--ledger",
        "second",
        "--rules",
        "rules.json",
        "--registry-dir",
        "enrolled",
        "--policy",
        "gate.rego",
        "--token-file",
        "tokens.jsonl",
    ]);
    let (_, web) = scene.post(&server, "/route", &request("cap.web", "beta", "case-2"));
    assert_eq!(web["decision"]["denied"], true, "{web}");
    server.end();
    let both = ["--books", "ledger", "--books", "second"];
    let case = scene.run(
        &[&["replay", "--correlation", "case-2"][..], &both].concat(),
        0,
    );
    assert_eq!(case["verdict"], "pass");
    assert!(
        case["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["book"] == 1)
    );
}

/// One command a question.
fn investigate(scene: &Scene) {
    // Who, under which rules, policy and registry, approved by whom.
    let case = scene.run(&["replay", "--correlation", "case-1"], 0);
    assert_eq!(
        (&case["verdict"], &case["counts"]["mismatched"]),
        (&json!("pass"), &json!(0))
    );
    let told = case["timeline"].as_array().unwrap();
    let events: Vec<&str> = told
        .iter()
        .map(|item| item["event"].as_str().unwrap())
        .collect();
    for event in ["decided", "attested", "approved"] {
        assert!(
            events.contains(&event) || events.iter().any(|it| it.starts_with("approv")),
            "{event}: {events:?}"
        );
    }
    let decided: Vec<&Value> = told
        .iter()
        .filter(|item| item["event"] == "decided")
        .collect();
    for item in &decided {
        assert!(item["_actor"].is_object(), "{item}");
        assert!(
            item["rules"].is_string() && item["policy"].is_string(),
            "{item}"
        );
    }
    assert!(
        decided.iter().any(|item| item["approval"].is_string()),
        "{decided:?}"
    );

    // What stood in the policy then.
    let policy = decided[0]["policy"].as_str().unwrap();
    let shown = scene.run(&["show", "--document", policy], 0);
    assert!(shown.to_string().contains("p1"), "{shown}");

    // What is different between two decisions.
    let seqs: Vec<String> = decided.iter().map(|item| item["seq"].to_string()).collect();
    let differs = scene.run(&["diff", "--documents", &seqs[0], &seqs[1]], 1);
    assert!(
        differs["differences"].to_string().contains("policy"),
        "{differs}"
    );

    // Everything that changed what would be decided.
    let changes = scene.entries(&["--changes"]);
    let kinds: Vec<&str> = changes
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    for kind in ["hall.reload", "hall.enrolment", "hall.ban", "hall.approval"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let words = serde_json::to_string(&changes).unwrap();
    assert!(
        words.contains("org.a.one"),
        "the widened envelope is told: {words}"
    );

    // Whatever names a worker, by its id or its species.
    for id in ["org.a.one", "wrk.one"] {
        assert!(!scene.entries(&["--worker", id]).is_empty(), "{id}");
    }
    // All that was refused.
    let denied = scene.entries(&["--denied"]);
    let kinds: Vec<&str> = denied
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    for kind in ["wcp.decision", "wcp.attestation", "hall.refusal"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }

    // The case's bundle tells a stranger the same.
    let written = scene.run(
        &[
            "export",
            "--correlation",
            "case-1",
            "--seal",
            "-o",
            "case.bundle",
        ],
        0,
    );
    drop(written);
    let key = String::from_utf8(scene.place.run(&["key"]).stdout).unwrap();
    let stranger = scene.path("stranger");
    fs::create_dir(&stranger).unwrap();
    fs::copy(scene.path("case.bundle"), stranger.join("case.bundle")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sealbook"))
        .args(["--json", "replay", "case.bundle", "--key", key.trim()])
        .current_dir(&stranger)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let there = last(&output);
    let decisions = |replay: &Value| {
        let items = replay["timeline"].as_array().unwrap().iter();
        let decided = items.filter(|item| item["event"] == "decided");
        decided
            .map(|item| {
                json!([
                    item["entry_hash"],
                    item["deny_code"],
                    item["worker"],
                    item["same"]
                ])
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(decisions(&there), decisions(&case));
}

fn copy(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp")
        .args(["-a"])
        .arg(from)
        .arg(to)
        .status();
    assert!(done.unwrap().success());
}
