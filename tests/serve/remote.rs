//! `--ledger https://…`: the same commands against a server elsewhere, over TLS, with a
//! token of the environment and the authority of a flag.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::process::{Place, Process};
use crate::skipped::skipped;

const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;

/// A server with TLS, in a place of its own, and another place to ask it from.
struct Scene {
    there: Place,
    here: Place,
    server: Process,
    token: String,
}

fn openssl(place: &Place, args: &[&str]) {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// An authority, and a certificate of it for this machine.
fn certificates(place: &Place) {
    openssl(
        place,
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
        ],
    );
    openssl(
        place,
        &[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
            "-subj",
            "/CN=server",
        ],
    );
    let names = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    std::fs::write(place.path().join("names"), names).unwrap();
    openssl(
        place,
        &[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "server.pem",
        ],
    );
}

impl Scene {
    fn new(scopes: &[&str]) -> Option<Scene> {
        if !Command::new("openssl")
            .arg("version")
            .output()
            .is_ok_and(|it| it.status.success())
        {
            skipped("without openssl there are no certificates to serve with");
            return None;
        }
        let there = Place::initialised();
        certificates(&there);
        std::fs::write(there.path().join("rules.json"), RULES).unwrap();
        std::fs::create_dir(there.path().join("enrolled")).unwrap();
        let worker = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.a",
            "capabilities": ["cap.a"], "currently_implements": []});
        std::fs::write(there.path().join("enrolled/w.json"), worker.to_string()).unwrap();
        let scopes: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
        let made = there.run(&[&["token", "new", "--name", "remote"][..], &scopes].concat());
        let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let server = there.serve(&[
            "--tls-cert",
            "server.pem",
            "--tls-key",
            "server.key",
            "--token-file",
            "tokens.jsonl",
            "--rules",
            "rules.json",
            "--registry-dir",
            "enrolled",
            "--no-socket",
        ]);
        let here = Place::initialised();
        for name in ["ca.pem", "server.pem"] {
            std::fs::copy(there.path().join(name), here.path().join(name)).unwrap();
        }
        Some(Scene {
            there,
            here,
            server,
            token,
        })
    }

    fn command(&self, args: &[&str]) -> Command {
        let url = format!("https://{}", self.server.address);
        let all = [&["--json", "--ledger", &url][..], args].concat();
        let mut command = self.here.command(&all);
        command.env("SEALBOOK_TOKEN", &self.token);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let all = [&["--ca", "ca.pem"], args].concat();
        self.command(&all).output().unwrap()
    }

    fn entry(&self, seq: &Value) -> Value {
        document(&self.there.run(&["--json", "show", &seq.to_string()]))
    }
}

fn document(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn good(output: Output) -> Output {
    assert!(output.status.success(), "{output:?}");
    output
}

fn refusal(output: &Output) -> (Option<i32>, String) {
    let code = document(output)["error"]["code"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    (output.status.code(), code)
}

const ALL: [&str; 8] = [
    "read", "append", "route", "enrol", "ingest", "attest", "approve", "admin",
];

#[test]
fn commands_record_at_a_server_elsewhere_as_if_it_were_here() {
    let Some(scene) = Scene::new(&ALL) else {
        return;
    };
    let payload = r#"{"b":1,"a":"é"}"#;
    let receipt = document(&good(scene.run(&[
        "append",
        "--kind",
        "note",
        "--payload",
        payload,
    ])));
    let entry = scene.entry(&receipt["seq"]);
    let mut payload = entry["payload"].clone();
    let actor = payload.as_object_mut().unwrap().remove("_actor").unwrap();
    assert_eq!(payload, json!({"a": "é", "b": 1}));
    assert_eq!(actor["name"], "remote", "{actor}");
    assert_eq!(receipt["signature"], entry["signature"]);
    let key = String::from_utf8(scene.there.run(&["key"]).stdout).unwrap();
    assert_eq!(receipt["log"], key.trim());
    // A key is recorded once, whichever run brings it.
    let line = "{\"kind\":\"note\",\"payload\":{\"n\":7},\"idempotency_key\":\"k\"}\n";
    std::fs::write(scene.here.path().join("lines"), line).unwrap();
    let first = document(&good(scene.run(&["append", "--jsonl", "lines"])));
    let again = document(&good(scene.run(&["append", "--jsonl", "lines"])));
    assert_eq!(first["seq"], again["seq"]);

    // It decides by its own rules, and names the token.
    let routed = document(&good(scene.run(&["route", "--capability", "cap.a"])));
    assert_eq!(routed["decision"]["selected_worker_species_id"], "wrk.a");
    let entry = scene.entry(&routed["receipt"]["seq"]);
    assert_eq!(entry["payload"]["_actor"]["name"], "remote", "{entry}");
    let own = scene.run(&["route", "--capability", "cap.a", "--rules", "ca.pem"]);
    assert_eq!(refusal(&own), (Some(2), "usage".to_owned()), "{own:?}");

    // It judges what it is shown: a package of one whose manifest is missing, artifacts
    // that are not there, a worker's record.
    assert!(
        scene
            .here
            .run(&["package", "scaffold", "pkg"])
            .status
            .success()
    );
    let package = [
        "package",
        "verify",
        "pkg",
        "--worker-id",
        "org.a.w",
        "--worker-species-id",
        "wrk.a",
    ];
    let judged = scene.run(&package);
    assert_eq!(judged.status.code(), Some(1), "{judged:?}");
    let manifest = scene.run(&["manifest", "verify", "none"]);
    assert_eq!(manifest.status.code(), Some(1), "{manifest:?}");
    for kind in ["wcp.attestation", "manifest.verify"] {
        let entry = document(&scene.there.run(&["--json", "log", "--kind", kind]));
        assert_eq!(entry["payload"]["_actor"]["name"], "remote", "{entry}");
    }

    // Evidence is given out by anyone who has the key.
    let header = document(&good(scene.run(&["seal"])));
    assert_eq!(header["epoch"]["epoch"], 0);
    good(scene.run(&["head"]));
    good(scene.run(&["prove", "1", "-o", "one.proof"]));
    good(scene.run(&["export", "-o", "all.bundle"]));
    for file in ["one.proof", "all.bundle"] {
        good(scene.here.run(&["verify", file, "--key", key.trim()]));
    }
    // Evidence of another log is taken in there.
    good(scene.here.run(&["seal"]));
    good(scene.here.run(&["export", "-o", "mine.bundle"]));
    let mine = String::from_utf8(scene.here.run(&["key"]).stdout).unwrap();
    let imported = good(scene.run(&["import", "mine.bundle", "--key", mine.trim()]));
    assert_eq!(document(&imported)["outcome"], "imported");

    // What needs the files says so.
    for args in [
        &["log"][..],
        &["rotate"],
        &["replay"],
        &["accept-rollback", "--reason", "r"],
    ] {
        assert_eq!(
            refusal(&scene.run(args)),
            (Some(2), "usage".to_owned()),
            "{args:?}"
        );
    }
    scene.server.end();
    assert!(scene.there.run(&["verify"]).status.success());
}

#[test]
fn without_the_authority_the_token_or_the_scope_nothing_is_recorded() {
    let Some(scene) = Scene::new(&["read", "append"]) else {
        return;
    };
    let count = || {
        let log = scene.there.run(&["--json", "log"]);
        String::from_utf8(log.stdout).unwrap().lines().count()
    };
    let before = count();
    let note = ["append", "--kind", "note", "--payload", "{}"];
    // The web's authorities do not know this one.
    let unknown = scene.command(&note).output().unwrap();
    assert_eq!(
        refusal(&unknown),
        (Some(2), "server_gone".to_owned()),
        "{unknown:?}"
    );
    let said = String::from_utf8_lossy(&unknown.stderr).to_lowercase();
    assert!(said.contains("certificate"), "{said}");
    // Nor is a certificate an authority for itself, nor a text one.
    let text = [&["--ca", "ledger.mark"][..], &note].concat();
    let text = scene.command(&text).output().unwrap();
    assert_eq!(refusal(&text), (Some(2), "tls".to_owned()), "{text:?}");
    // Without a token, with a wrong one, and with one of another scope.
    let none = [&["--ca", "ca.pem"][..], &note].concat();
    let none = scene
        .command(&none)
        .env_remove("SEALBOOK_TOKEN")
        .output()
        .unwrap();
    assert_eq!(
        refusal(&none),
        (Some(2), "token_needed".to_owned()),
        "{none:?}"
    );
    let wrong = [&["--ca", "ca.pem"][..], &note].concat();
    let wrong = scene
        .command(&wrong)
        .env("SEALBOOK_TOKEN", format!("sbt_{}", "0".repeat(64)))
        .output()
        .unwrap();
    assert_eq!(
        refusal(&wrong),
        (Some(2), "token_invalid".to_owned()),
        "{wrong:?}"
    );
    let route = scene.run(&["route", "--capability", "cap.a"]);
    assert_eq!(
        refusal(&route),
        (Some(2), "scope_missing".to_owned()),
        "{route:?}"
    );
    // A token in the clear goes to this machine alone, and never to another one.
    let clear = scene
        .here
        .command(&[
            "--json",
            "--ledger",
            "http://192.0.2.1:1",
            "append",
            "--kind",
            "n",
            "--payload",
            "{}",
        ])
        .env("SEALBOOK_TOKEN", &scene.token)
        .output()
        .unwrap();
    assert_eq!(refusal(&clear), (Some(2), "usage".to_owned()), "{clear:?}");
    // TLS is spoken, or nothing.
    let url = format!("http://{}", scene.server.address);
    let plain = scene
        .here
        .command(&[
            "--json",
            "--ledger",
            &url,
            "append",
            "--kind",
            "n",
            "--payload",
            "{}",
        ])
        .env("SEALBOOK_TOKEN", &scene.token)
        .output()
        .unwrap();
    assert_eq!(plain.status.code(), Some(2), "{plain:?}");
    assert_eq!(count(), before);
    scene.server.end();
}

#[test]
fn a_server_that_is_gone_is_said_and_the_retry_is_recorded_once() {
    let Some(scene) = Scene::new(&ALL) else {
        return;
    };
    let line = "{\"kind\":\"note\",\"payload\":{},\"idempotency_key\":\"k\"}\n";
    std::fs::write(scene.here.path().join("lines"), line).unwrap();
    let first = document(&good(scene.run(&["append", "--jsonl", "lines"])));
    let Scene {
        there,
        here,
        server,
        token,
    } = scene;
    let address = server.address;
    server.kill();
    let args = [
        "--json",
        "--ledger",
        &format!("https://{address}"),
        "--ca",
        "ca.pem",
        "append",
        "--jsonl",
        "lines",
    ];
    let gone = here
        .command(&args)
        .env("SEALBOOK_TOKEN", &token)
        .output()
        .unwrap();
    assert_eq!(
        refusal(&gone),
        (Some(2), "server_gone".to_owned()),
        "{gone:?}"
    );
    let server = there.serve(&[
        "--tls-cert",
        "server.pem",
        "--tls-key",
        "server.key",
        "--token-file",
        "tokens.jsonl",
    ]);
    let args = [
        "--json",
        "--ledger",
        &format!("https://{}", server.address),
        "--ca",
        "ca.pem",
        "append",
        "--jsonl",
        "lines",
    ];
    let again = good(
        here.command(&args)
            .env("SEALBOOK_TOKEN", &token)
            .output()
            .unwrap(),
    );
    assert_eq!(document(&again)["seq"], first["seq"]);
    server.end();
}
