//! What is taken out over HTTP is what the offline verifier accepts, and what
//! is sent in is judged as offline.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::Verdict;
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::verify::{Policy, verify};
use sealbook::serve::scope::Scope;
use serde_json::json;
use zeroize::Zeroizing;

use crate::answer::Answer;
use crate::place::{Plan, SEED, Server};

fn key() -> PublicKey {
    SoftwareSigner::from_seed(&Zeroizing::new(SEED)).public_key()
}

fn policy() -> Policy {
    Policy {
        keys: vec![key()],
        ..Policy::default()
    }
}

fn sealed() -> Server {
    let server = Server::with_tokens();
    for n in 0..5 {
        server.note(n);
    }
    server.post(Scope::Admin, "/v1/seal", &json!({})).is(200);
    for n in 5..8 {
        server.note(n);
    }
    server
}

fn check(server: &Server, query: &str, body: &[u8]) -> Answer {
    let token = server.token(Scope::Read);
    let headers = [
        ("authorization".to_owned(), format!("Bearer {token}")),
        (
            "content-type".to_owned(),
            "application/octet-stream".to_owned(),
        ),
    ];
    server.send("POST", &format!("/v1/verify{query}"), &headers, body)
}

#[test]
fn a_bundle_verifies_offline_and_covers_what_is_not_sealed() {
    let server = sealed();
    let answer = server.get("/v1/bundle");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let mut bundle = BundleFile::open(&answer.body[..]).unwrap();
    let outcome = verify(&mut bundle, &policy(), &mut |_| ()).unwrap();
    assert_eq!(
        outcome.report.verdict,
        Verdict::Pass,
        "{:?}",
        outcome.report
    );
    assert_eq!(outcome.report.entries, server.store.count().unwrap());
}

#[test]
fn a_selection_verifies_offline() {
    let server = sealed();
    let answer = server.get("/v1/bundle?kind=note");
    let mut bundle = BundleFile::open(&answer.body[..]).unwrap();
    let report = verify(&mut bundle, &policy(), &mut |_| ()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
    assert_eq!(report.entries, 5);
    server
        .get("/v1/bundle?tenant=nobody")
        .refused(404, "not_found");
    server
        .get("/v1/bundle?from_seq=9999")
        .refused(404, "not_found");
    server.get("/v1/bundle?limit=3").refused(400, "bad_query");
}

#[test]
fn a_proof_verifies_offline_once_its_entry_is_sealed() {
    let server = sealed();
    let answer = server.get("/v1/entries/2/proof");
    assert_eq!(answer.status, 200);
    let mut proof = ProofFile::new(&answer.body);
    let report = verify(&mut proof, &policy(), &mut |_| ()).unwrap().report;
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
    let last = server.store.count().unwrap() - 1;
    server
        .get(&format!("/v1/entries/{last}/proof"))
        .refused(409, "not_sealed");
    server
        .get("/v1/entries/9999/proof")
        .refused(404, "not_found");
}

#[test]
fn a_file_that_is_sent_is_judged_and_not_kept() {
    let server = sealed();
    let count = server.store.count().unwrap();
    let bundle = server.get("/v1/bundle").body;
    let keyed = format!("?key={}", key());
    let report = check(&server, &keyed, &bundle).is(200);
    assert_eq!(report["verdict"], "pass", "{report}");
    assert_eq!(report["format"], "bundle");
    assert_eq!(report["key_source"], "given");
    let untrusted = check(&server, "", &bundle).is(200);
    assert_eq!(untrusted["faults"][0]["code"], "untrusted_key");
    let at = bundle.windows(4).position(|part| part == b"note").unwrap();
    let mut forged = bundle.clone();
    forged[at] = b'v';
    let report = check(&server, &keyed, &forged).is(200);
    assert_eq!(report["verdict"], "fail");
    let cut = check(&server, &keyed, &bundle[..bundle.len() / 2]).is(200);
    assert_eq!(cut["verdict"], "fail");
    let proof = server.get("/v1/entries/2/proof").body;
    assert_eq!(check(&server, &keyed, &proof).is(200)["format"], "proof");
    let other = check(&server, &format!("{keyed}&as=bundle"), &proof).is(200);
    assert_eq!(other["faults"][0]["code"], "format_mismatch");
    assert_eq!(server.store.count().unwrap(), count);
}

#[test]
fn what_is_nothing_is_said_to_be_nothing() {
    let server = sealed();
    check(&server, "", b"hello\n").refused(400, "not_recognised");
    check(&server, "?as=ledger", b"").refused(400, "bad_input");
    check(&server, "?key=zz", b"").refused(400, "bad_input");
    check(&server, "?x=1", b"").refused(400, "bad_query");
    assert_eq!(check(&server, "", b"").is(200)["format"], "logbook");
}

#[test]
fn a_compressed_file_is_read_and_what_it_becomes_is_bounded() {
    let mut plan = Plan::default();
    plan.limits.upload_bytes = 1 << 20;
    let server = plan.start();
    let headers = [("content-type".to_owned(), "application/zstd".to_owned())];
    let send = |body: &[u8]| server.send("POST", "/v1/verify", &headers, body);
    let bomb = zstd::encode_all(&vec![b'\n'; 256 << 20][..], 19).unwrap();
    assert!(bomb.len() < 1 << 20);
    assert_eq!(send(&bomb).is(200)["entries"], 0);
    let bundle = server.get("/v1/bundle").body;
    let small = zstd::encode_all(&bundle[..], 3).unwrap();
    assert_eq!(send(&small).is(200)["format"], "bundle");
    send(&vec![b'x'; 2 << 20]).refused(413, "too_large");
}

#[test]
fn tables_verify_offline_as_the_bundle_of_the_same() {
    let server = sealed();
    for (path, entries) in [
        ("/v1/export.parquet", server.store.count().unwrap()),
        ("/v1/export.parquet?kind=note", 5),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200);
        let media_type = Some("application/vnd.apache.parquet");
        assert_eq!(answer.header("content-type"), media_type);
        let report = sealbook::verify(&answer.body[..], &policy()).unwrap();
        assert_eq!(report.faults, []);
        assert_eq!((report.verdict, report.entries), (Verdict::Pass, entries));
    }
    let epochs = server.get("/v1/epochs.parquet").body;
    let report = sealbook::verify(&epochs[..], &policy()).unwrap();
    assert_eq!((report.verdict, report.epochs), (Verdict::Pass, 1));
    server
        .get("/v1/export.parquet?tenant=nobody")
        .refused(404, "not_found");
}
