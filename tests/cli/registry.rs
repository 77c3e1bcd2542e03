//! `registry`, and the ban list of `package verify`, against a server in this
//! process.

use serde_json::{Value, json};

use crate::place::{Place, Run};
use crate::registry_server::{Server, answer};

const HASH: &str = "abababababababababababababababababababababababababababababababab";

fn ask(server: &Server, args: &[&str], tokens: &[(&str, &str)]) -> Run {
    let place = Place::empty();
    let mut command = place.command(args);
    command.env("PYHALL_REGISTRY_URL", &server.url);
    command.envs(tokens.iter().copied());
    Run::of(args, command.output().unwrap())
}

fn worker(status: &str, banned: bool) -> Server {
    let body = json!({"worker_id": "w", "status": status, "current_hash": HASH,
        "banned": banned, "ban_reason": null, "attested_at": null, "ai_generated": false,
        "ai_service": null, "ai_model": null, "ai_session_fingerprint": null});
    Server::json(200, &body.to_string())
}

#[test]
fn verify_answers_yes_for_active_workers_only() {
    let args = ["--json", "registry", "verify", "w"];
    let active = ask(&worker("active", false), &args, &[]).ok().document();
    assert_eq!(active["status"], "active");
    assert_eq!(active.as_object().unwrap().len(), 10);
    for server in [
        worker("active", true),
        worker("revoked", false),
        Server::json(404, "{}"),
    ] {
        ask(&server, &args, &[]).ends_with(1);
    }
    let unknown = ask(&Server::json(404, "{}"), &args, &[]).document();
    assert_eq!(unknown["status"], "unknown");
}

#[test]
fn health_and_ban_list_are_printed() {
    let server = Server::json(200, r#"{"ok": true, "version": "1.2"}"#);
    let health = ask(&server, &["--json", "registry", "health"], &[]).ok();
    assert_eq!(health.document(), json!({"ok": true, "version": "1.2"}));
    let list = json!([{"sha256": HASH, "reason": "steals\u{1b}[2J", "reported_at": "t",
                       "source": "s", "review_status": null}]);
    let server = Server::json(200, &list.to_string());
    let found = ask(&server, &["--json", "registry", "ban-list"], &[]).ok();
    assert_eq!(found.document(), list);
    let people = ask(&server, &["registry", "ban-list"], &[]).ok().stdout;
    assert!(people.contains("steals\\u{1b}[2J"), "{people}");
    let one = |hash: &str| ask(&server, &["registry", "ban-list", "--hash", hash], &[]);
    one(HASH).ends_with(1);
    one(&"cd".repeat(32)).ok();
    one("cd").ends_with(2);
}

#[test]
fn what_is_told_needs_a_token_which_is_never_shown() {
    let report = ["--json", "registry", "report", HASH, "--reason", "r"];
    let attest = ["--json", "registry", "attest", "w", "--hash", HASH];
    let server = Server::json(200, "{}");
    for args in [&report[..], &attest] {
        let run = ask(&server, args, &[]).ends_with(2);
        assert_eq!(run.document()["error"]["code"], "token_missing");
    }
    assert!(server.received().is_empty());
    let token = [("PYHALL_SESSION_TOKEN", "session-secret")];
    ask(&server, &report, &token).ok();
    let received = server.received();
    assert!(
        received[0].head.contains("pyhall_session=session-secret"),
        "{received:?}"
    );
    let receipt = json!({"id": "a-1", "worker_id": "w", "sha256": HASH});
    let server = Server::json(200, &receipt.to_string());
    let token = [("PYHALL_BEARER_TOKEN", "bearer-secret")];
    assert_eq!(ask(&server, &attest, &token).ok().document(), receipt);
    let body: Value = serde_json::from_str(&server.received()[0].body).unwrap();
    assert_eq!(body["sha256"], HASH);
    let server = Server::json(403, "{}");
    let run = ask(&server, &attest, &token).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "unauthorized");
    assert!(!format!("{run:?}").contains("secret"), "{run:?}");
    let run = ask(&server, &attest, &[("PYHALL_BEARER_TOKEN", "a;b\n")]).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "bad_token");
}

#[test]
fn faults_of_the_registry_are_told_apart() {
    let code = |server: &Server| {
        let args = ["--json", "registry", "health", "--timeout", "1"];
        let run = ask(server, &args, &[]).ends_with(2);
        run.document()["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&Server::json(429, "{}")), "rate_limited");
    assert_eq!(code(&Server::json(302, "{}")), "registry_answer");
    assert_eq!(code(&Server::json(200, "{")), "registry_answer");
    assert_eq!(code(&Server::new(|_, _| ())), "registry_unreachable");
    let args = [
        "--json",
        "registry",
        "health",
        "--registry",
        "http://example.com",
    ];
    let run = Place::empty().run(&args).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "usage");
}

#[test]
fn a_package_is_checked_against_the_registry_where_one_is_named() {
    let place = Place::empty();
    place.run(&["package", "scaffold", "pkg"]).ok();
    let ids = ["--worker-id", "org.a.w", "--worker-species-id", "wrk.a"];
    let run = |args: &[&str], url: Option<&str>| {
        let mut command = place.command(args);
        command.env("WCP_ATTEST_HMAC_KEY", "k");
        command.envs(url.map(|url| ("PYHALL_REGISTRY_URL", url)));
        Run::of(args, command.output().unwrap())
    };
    run(&[&["package", "sign", "pkg"], &ids[..]].concat(), None).ok();
    let hash = place.run(&["package", "hash", "pkg"]).ok().stdout;
    let entry = |hash: &str| format!("{{\"sha256\":\"{hash}\",\"reason\":\"r\"}}");
    let verify = [&["--json", "package", "verify", "pkg"], &ids[..]].concat();
    let banning = Server::json(200, &format!("[{}]", entry(hash.trim())));
    let denied = run(&verify, Some(&banning.url)).ends_with(1).document();
    assert_eq!(denied["deny_code"], "ATTEST_BANNED_HASH");
    assert!(denied["meta"]["ban_list"].is_string());
    // A file that is named is asked alone.
    place.write("none", "");
    run(
        &[&verify[..], &["--banned", "none"]].concat(),
        Some(&banning.url),
    )
    .ok();
    let by_flag = [&verify[..], &["--registry", &banning.url]].concat();
    run(&by_flag, None).ends_with(1);
    // What cannot be asked, or is cut, is no yes.
    let down = Server::new(|_, _| ());
    let error = run(&verify, Some(&down.url)).ends_with(2).document();
    assert_eq!(error["error"]["code"], "registry_unreachable");
    let other = vec![entry(HASH); 500].join(",");
    let body = answer(200, "application/json", &format!("[{other}]"));
    let cut = Server::new(move |_, stream| {
        use std::io::Write as _;
        drop(stream.write_all(body.as_bytes()));
    });
    let error = run(&verify, Some(&cut.url)).ends_with(2).document();
    assert_eq!(error["error"]["code"], "ban_list_truncated");
}
