//! The registry client against a server, honest and otherwise.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use sealbook::attestation::registry_client::{
    PackageSubmission, RegistryClient, RegistryConfig, RegistryError, SessionToken, WorkerStatus,
};
use sealbook::ledger::sha256::Sha256Digest;

use crate::registry_server::{Server, answer};

const WORKER: &str = "org.example.w";

fn hash() -> String {
    Sha256Digest::of(b"package").to_string()
}

fn active() -> String {
    format!(
        r#"{{"worker_id": "{WORKER}", "status": "active", "current_hash": "{}", "banned": false,
            "ban_reason": null, "attested_at": "2026-11-20T16:56:48Z", "ai_generated": true,
            "ai_service": "s", "ai_model": null, "ai_session_fingerprint": null, "new": 1}}"#,
        hash()
    )
}

#[test]
fn a_worker_is_asked_for_once_within_the_caches_time() {
    let server = Server::json(200, &active());
    let client = server.client();
    let answer = client.verify(WORKER).unwrap();
    assert_eq!(answer.status, WorkerStatus::Active);
    assert_eq!(answer.current_hash.unwrap().to_string(), hash());
    assert!(answer.ai_generated);
    assert_eq!(client.verify(WORKER).unwrap(), answer);
    assert_eq!(client.get_worker_hash(WORKER), Some(hash()));
    assert_eq!(client.prefetch(&[WORKER, WORKER]).unwrap(), 2);
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(
        received[0].line,
        "GET /api/v1/verify/org.example.w HTTP/1.1"
    );
    assert!(
        !received[0].head.contains("secret"),
        "public requests carry no token"
    );

    let config = RegistryConfig {
        cache_ttl: Duration::ZERO,
        ..server.config()
    };
    let client = RegistryClient::new(config).unwrap();
    client.verify(WORKER).unwrap();
    client.verify(WORKER).unwrap();
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_worker_that_is_not_known_is_unknown_and_has_no_hash() {
    let client = Server::json(404, "{}").client();
    assert_eq!(client.verify(WORKER).unwrap().status, WorkerStatus::Unknown);
    assert_eq!(client.get_worker_hash(WORKER), None);
    assert_eq!(client.prefetch(&[WORKER]).unwrap(), 1);
}

#[test]
fn a_banned_or_revoked_worker_has_no_hash() {
    for (from, to) in [
        ("\"banned\": false", "\"banned\": true"),
        ("\"active\"", "\"revoked\""),
    ] {
        let client = Server::json(200, &active().replace(from, to)).client();
        assert_eq!(client.get_worker_hash(WORKER), None);
    }
}

#[test]
fn a_rate_limit_is_its_own_error_and_prefetch_bears_it() {
    let text = answer(429, "text/plain", "").replace("Connection", "Retry-After: 7\r\nConnection");
    let server = Server::new(move |_, stream| drop(stream.write_all(text.as_bytes())));
    let client = server.client();
    let error = client.verify(WORKER).unwrap_err();
    let seven = Some(Duration::from_secs(7));
    assert!(matches!(error, RegistryError::RateLimited { retry_after } if retry_after == seven));
    assert_eq!(client.prefetch(&[WORKER, "org.example.v"]).unwrap(), 0);
}

#[test]
fn a_worker_id_stays_one_component_of_the_path() {
    let server = Server::json(404, "{}");
    let client = server.client();
    client.verify("a/../../health?x#é").unwrap();
    let line = &server.received()[0].line;
    assert_eq!(
        line,
        "GET /api/v1/verify/a%2F..%2F..%2Fhealth%3Fx%23%C3%A9 HTTP/1.1"
    );
    for id in ["", ".", ".."] {
        assert!(matches!(client.verify(id), Err(RegistryError::WorkerId)));
    }
    assert_eq!(server.received().len(), 1);
}

#[test]
fn what_somebody_only_reports_bans_nobody() {
    for (status, banned) in [
        ("null", true),
        (r#""confirmed""#, true),
        (r#""reported""#, false),
        (r#""dismissed""#, false),
    ] {
        let list = format!(
            r#"[{{"sha256": "{}", "reason": "r", "review_status": {status}}}]"#,
            hash()
        );
        let client = Server::json(200, &list).client();
        assert_eq!(client.is_hash_banned(&hash()).unwrap(), banned, "{status}");
    }
}

#[test]
fn the_ban_list_is_read_and_a_cut_one_is_no_acquittal() {
    let entry = |hash: &str| format!(r#"{{"sha256": "{hash}", "reason": "r", "source": "s"}}"#);
    let client = Server::json(200, &format!("[{}]", entry(&hash()))).client();
    assert_eq!(client.get_ban_list(500).unwrap()[0].reason, "r");
    assert!(client.is_hash_banned(&hash()).unwrap());
    assert!(!client.is_hash_banned(&"0".repeat(64)).unwrap());
    assert!(matches!(
        client.is_hash_banned("0"),
        Err(RegistryError::Hash(_))
    ));
    let full = vec![entry(&hash()); 500].join(",");
    let client = Server::json(200, &format!("[{full}]")).client();
    assert!(client.is_hash_banned(&hash()).unwrap());
    let error = client.is_hash_banned(&"0".repeat(64)).unwrap_err();
    assert!(matches!(
        error,
        RegistryError::BanListTruncated { limit: 500 }
    ));
}

#[test]
fn health_is_told() {
    let server = Server::json(200, r#"{"ok": true, "version": "1.2"}"#);
    let health = server.client().health().unwrap();
    assert_eq!((health.ok, &*health.version), (true, "1.2"));
    assert_eq!(server.received()[0].line, "GET /health HTTP/1.1");
}

#[test]
fn reports_carry_the_session_and_attestations_the_bearer_token() {
    let receipt = format!(
        r#"{{"id": "a1", "worker_id": "{WORKER}", "sha256": "{}"}}"#,
        hash()
    );
    let server = Server::json(200, &receipt);
    let client = server.client();
    client
        .report_hash(&hash(), "steals", Some("https://e.example"))
        .unwrap();
    let (hash, none) = (hash(), None);
    let package_hash = hash.as_str();
    let submission = PackageSubmission {
        worker_id: WORKER,
        package_hash,
        ..PackageSubmission::default()
    };
    assert_eq!(
        client.submit_attestation(&submission, none).unwrap().id,
        "a1"
    );
    let own = SessionToken::new("other-secret").unwrap();
    client.submit_attestation(&submission, Some(&own)).unwrap();
    let [report, first, second] = &server.received()[..] else {
        panic!()
    };
    assert_eq!(report.line, "POST /api/v1/ban-list/report HTTP/1.1");
    assert!(
        report
            .head
            .contains("cookie:pyhall_session=session-secret\n")
    );
    let body =
        format!(r#"{{"evidence_url":"https://e.example","reason":"steals","sha256":"{hash}"}}"#);
    assert_eq!(report.body, body);
    assert_eq!(
        first.line,
        "PUT /api/v1/workers/org.example.w/attest HTTP/1.1"
    );
    assert!(first.head.contains("authorization:Bearer bearer-secret\n"));
    assert!(first.body.contains("\"ai_generated\":false"));
    assert!(second.head.contains("authorization:Bearer other-secret\n"));

    let bad = PackageSubmission {
        package_hash: "sha256:00",
        ..submission.clone()
    };
    assert!(matches!(
        client.submit_attestation(&bad, none),
        Err(RegistryError::Hash(_))
    ));
    assert_eq!(
        server.received().len(),
        3,
        "a hash is checked before anything is sent"
    );
    let anonymous = RegistryConfig {
        session_token: None,
        bearer_token: None,
        ..server.config()
    };
    let client = RegistryClient::new(anonymous).unwrap();
    assert!(matches!(
        client.report_hash(&hash, "", None),
        Err(RegistryError::NoToken)
    ));
    assert!(matches!(
        client.submit_attestation(&submission, none),
        Err(RegistryError::NoToken)
    ));
}

#[test]
fn tokens_stand_in_no_debug_text_and_no_error() {
    let server = Server::json(401, "{}");
    let client = server.client();
    let error = client.report_hash(&hash(), "r", None).unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { status: 401 }));
    let texts = format!("{client:?} {:?} {error:?} {error}", server.config());
    assert!(!texts.contains("secret"), "{texts}");
    for bad in ["", "a\r\nX: y", "a;b", "é", "a b"] {
        assert!(SessionToken::new(bad).is_none(), "{bad:?}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::json(200, &active());
    let target = elsewhere.url.clone();
    for status in [301, 302, 307, 308] {
        let location = format!("Location: {target}/x\r\nConnection");
        let text = answer(status, "application/json", "{}").replace("Connection", &location);
        let server = Server::new(move |_, stream| drop(stream.write_all(text.as_bytes())));
        let client = server.client();
        let told = |error| matches!(error, RegistryError::Redirected { status: s } if s == status);
        assert!(told(client.verify(WORKER).unwrap_err()));
        assert!(told(client.report_hash(&hash(), "r", None).unwrap_err()));
    }
    assert!(elsewhere.received().is_empty());
}

#[test]
fn a_slow_answer_ends_with_the_timeout() {
    let whole = answer(200, "application/json", &active());
    // One byte at a time: no single read is slow.
    let server = Server::new(move |_, stream| {
        for byte in whole.as_bytes() {
            thread::sleep(Duration::from_millis(20));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    let begun = Instant::now();
    let error = server.client().verify(WORKER).unwrap_err();
    assert!(matches!(error, RegistryError::Timeout), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let whole = answer(200, "application/json", &active());
    let head = whole.find("\r\n\r\n").unwrap() + 4;
    for length in [0, 10, head, whole.len() - 1] {
        let cut = whole[..length].to_owned();
        let server = Server::new(move |_, stream| drop(stream.write_all(cut.as_bytes())));
        let error = server.client().verify(WORKER).unwrap_err();
        assert!(
            matches!(error, RegistryError::Transport(_)),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn an_answer_of_another_kind_size_or_subject_is_refused() {
    let verify = |text: String| {
        let server = Server::new(move |_, stream| drop(stream.write_all(text.as_bytes())));
        server.client().verify(WORKER).unwrap_err()
    };
    let json = |body: &str| answer(200, "application/json; charset=utf-8", body);
    let error = verify(answer(200, "text/html", "<html>"));
    assert!(matches!(error, RegistryError::ContentType { found: Some(t) } if t == "text/html"));
    let huge = format!("[{}]", "0,".repeat(3 << 20));
    assert!(matches!(
        verify(json(&huge)),
        RegistryError::TooLarge { .. }
    ));
    assert!(matches!(verify(json("{")), RegistryError::Json(_)));
    assert!(matches!(verify(json("[]")), RegistryError::Member(_)));
    assert!(matches!(
        verify(json(&active().replace(&hash(), "x"))),
        RegistryError::Member(_)
    ));
    let no_banned = active().replace("\"banned\": false,", "");
    assert!(matches!(verify(json(&no_banned)), RegistryError::Member(_)));
    let status = active().replace("\"active\"", "\"fine\"");
    assert!(matches!(verify(json(&status)), RegistryError::Member(_)));
    let error = verify(json(&active().replace(WORKER, "org.example.other")));
    assert!(matches!(
        error,
        RegistryError::OtherSubject {
            member: "worker_id"
        }
    ));
    let error = verify(answer(500, "application/json", "{}"));
    assert!(matches!(error, RegistryError::Status { status: 500 }));
}

#[test]
fn only_https_or_this_machine_is_asked() {
    let client = |url: &str| {
        let base_url = url.to_owned();
        RegistryClient::new(RegistryConfig {
            base_url,
            ..RegistryConfig::default()
        })
    };
    for good in [
        "https://api.pyhall.dev",
        "https://r.example/base/",
        "http://localhost:1",
    ] {
        assert!(client(good).is_ok(), "{good}");
    }
    let bad = [
        "",
        "x",
        "http://r.example",
        "ftp://r",
        "https://u:p@r",
        "http://localhost.evil",
    ];
    for url in bad {
        assert!(matches!(client(url), Err(RegistryError::Url)), "{url}");
    }
}
