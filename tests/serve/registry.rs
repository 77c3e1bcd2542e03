//! One Hall as another's registry: our own client against our own server.

use std::time::Duration;

use sealbook::attestation::registry_client::{
    PackageSubmission, RegistryClient, RegistryConfig, RegistryError, SessionToken, WorkerStatus,
};
use sealbook::serve::scope::Scope;
use serde_json::json;

use crate::place::{Plan, Server};

fn client(server: &Server) -> RegistryClient {
    let token = |scope| SessionToken::new(server.token(scope).to_owned());
    let config = RegistryConfig {
        base_url: server.url(""),
        session_token: token(Scope::Ingest),
        bearer_token: token(Scope::Enrol),
        cache_ttl: Duration::ZERO,
        ..RegistryConfig::default()
    };
    RegistryClient::new(config).unwrap()
}

#[test]
fn a_client_of_the_registry_finds_everything_here() {
    let banned = "b".repeat(64);
    let plan = Plan {
        tokens: true,
        banned: vec![banned.clone()],
        ..Plan::default()
    };
    let server = plan.start();
    let client = client(&server);
    assert!(client.health().unwrap().ok);
    let unknown = client.verify("org.acme.nobody").unwrap();
    assert_eq!(unknown.status, WorkerStatus::Unknown);
    let known = client.verify("org.folder.one").unwrap();
    assert_eq!(known.status, WorkerStatus::Active);
    assert_eq!(known.current_hash, None);
    let hash = "a".repeat(64);
    let submission = PackageSubmission {
        worker_id: "org.folder.one",
        package_hash: &hash,
        ai_generated: true,
        ai_service: Some("a service"),
        ai_session_id: Some("a secret"),
        ..PackageSubmission::default()
    };
    let receipt = client.submit_attestation(&submission, None).unwrap();
    assert_eq!(receipt.sha256.to_string(), hash);
    let attested = client.verify("org.folder.one").unwrap();
    assert_eq!(attested.current_hash.unwrap().to_string(), hash);
    assert!(attested.ai_generated && !attested.banned);
    assert_ne!(attested.ai_session_fingerprint.as_deref(), Some("a secret"));
    assert!(!client.is_hash_banned(&hash).unwrap());
    // A report is a claim: it bans nobody.
    client.report_hash(&hash, "steals", None).unwrap();
    assert!(!client.is_hash_banned(&hash).unwrap());
    let list = client.get_ban_list(10).unwrap();
    let listed: Vec<_> = list.iter().map(|entry| entry.sha256.to_string()).collect();
    assert_eq!(listed, [banned.as_str()]);
    let claims = server
        .get("/api/v1/ban-list?review_status=reported")
        .is(200);
    assert_eq!(claims.as_array().unwrap().len(), 1);
    assert_eq!(claims[0]["sha256"], hash.as_str());
    assert_eq!(claims[0]["review_status"], "reported");
    let all = server.get("/api/v1/ban-list?review_status=all").is(200);
    assert_eq!(all.as_array().unwrap().len(), 2);
    server
        .get("/api/v1/ban-list?review_status=none")
        .refused(400, "bad_input");
    assert!(client.is_hash_banned(&banned).unwrap());
    let bad = PackageSubmission {
        package_hash: &banned,
        ..submission
    };
    client.submit_attestation(&bad, None).unwrap();
    let now = client.verify("org.folder.one").unwrap();
    assert_eq!(now.status, WorkerStatus::Banned);
    assert!(now.banned && now.ban_reason.is_some());
}

#[test]
fn what_is_no_submission_or_report_is_refused() {
    let server = Server::with_tokens();
    let token = |scope| format!("Bearer {}", server.token(scope));
    let put = |worker: &str, body: &serde_json::Value| {
        let headers = [
            ("authorization".to_owned(), token(Scope::Enrol)),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let path = format!("/api/v1/workers/{worker}/attest");
        server.send("PUT", &path, &headers, body.to_string().as_bytes())
    };
    let hash = "a".repeat(64);
    for body in [
        json!({}),
        json!({"sha256": "A".repeat(64)}),
        json!({"sha256": hash, "more": 1}),
        json!({"sha256": hash, "ai_generated": "yes"}),
        json!([]),
    ] {
        put("x.one", &body).refused(400, "bad_input");
    }
    put("%00", &json!({"sha256": hash})).refused(400, "bad_input");
    put(&"w".repeat(257), &json!({"sha256": hash})).refused(400, "bad_input");
    let report = "/api/v1/ban-list/report";
    for body in [
        json!({"sha256": hash}),
        json!({"sha256": "x", "reason": "r"}),
    ] {
        server
            .post(Scope::Ingest, report, &body)
            .refused(400, "bad_input");
    }
    for limit in ["0", "10001", "x"] {
        let answer = server.get(&format!("/api/v1/ban-list?limit={limit}"));
        answer.refused(400, "bad_input");
    }
    let config = RegistryConfig {
        base_url: server.url(""),
        bearer_token: SessionToken::new("wrong".to_owned()),
        ..RegistryConfig::default()
    };
    let wrong = RegistryClient::new(config).unwrap();
    let submission = PackageSubmission {
        worker_id: "x.one",
        package_hash: &hash,
        ..PackageSubmission::default()
    };
    let refused = wrong.submit_attestation(&submission, None);
    let unauthorized = matches!(refused, Err(RegistryError::Unauthorized { status: 401 }));
    assert!(unauthorized, "{refused:?}");
}
