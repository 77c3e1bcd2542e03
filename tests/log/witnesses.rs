//! Witnesses that answer as they should, and in every way that they should not.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealbook::fetch::Fetcher;
use sealbook::ledger::note::SignatureFault;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::tlog::source::root_before;
use sealbook::ledger::witnessing::{Conclusion, Outcome, Stop, WitnessFault};
use sealbook::witness::{Round, Stopped, Submission, cosign, nothing_known};

use crate::made::{self, Log, NOW, at, cosignature, log_key, policy, witness_key};
use crate::server::{Received, Server, answer};

const LINES: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";
const TIMEOUT: Duration = Duration::from_millis(400);

/// The text of the note in a request.
fn text_of(request: &Received) -> String {
    let (_, note) = request.body.split_once("\n\n").unwrap();
    let (text, _) = note.rsplit_once("\n\n").unwrap();
    format!("{text}\n")
}

/// A witness that cosigns whatever it is sent.
fn honest(number: u8) -> Server {
    Server::new(move |request, stream| {
        let line = cosignature(&text_of(request), number, NOW).to_string();
        let _ = stream.write_all(answer(200, LINES, &line).as_bytes());
    })
}

/// A witness that answers every request so.
fn says(status: u16, media_type: &'static str, body: &str) -> Server {
    let body = body.to_owned();
    Server::new(move |_, stream| {
        let _ = stream.write_all(answer(status, media_type, &body).as_bytes());
    })
}

fn ask(log: &Log, urls: [&str; 3]) -> Result<Round, Box<Stopped>> {
    let checkpoint = log.signed();
    let submission = Submission {
        checkpoint: &checkpoint,
        log: &log_key(),
        now: at(NOW),
    };
    // The tree is read before, since a folder of tests is not for several threads.
    let proofs: Vec<_> = (0..=log.checkpoint.size)
        .map(|old| root_before(&log, old, &log.checkpoint).unwrap())
        .collect();
    let grown = |old: u64| proofs.get(usize::try_from(old).unwrap()).cloned();
    let policy = policy(urls);
    cosign(
        &Fetcher::new(TIMEOUT),
        &policy,
        submission,
        &grown,
        &nothing_known,
    )
}

/// What a witness's answer is taken for, beside two that are honest.
fn outcome(log: &Log, third: &str) -> Outcome {
    let (one, two) = (honest(1), honest(2));
    let round = ask(log, [&one.url, &two.url, third]).unwrap();
    assert_eq!(round.conclusion, Conclusion::Quorum);
    round.outcomes[2].clone()
}

fn fault(log: &Log, third: &str) -> WitnessFault {
    match outcome(log, third) {
        Outcome::Faulty(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_old_size_proof_and_note_by_the_letter() {
    let log = Log::new(9, 9, 0);
    let third = honest(3);
    assert!(matches!(outcome(&log, &third.url), Outcome::Cosigned(_)));
    let received = third.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].line, "POST /add-checkpoint HTTP/1.1");
    assert_eq!(received[0].body, format!("old 0\n\n{}", log.signed()));
}

#[test]
fn a_witness_that_is_behind_gets_the_proof_from_where_it_is() {
    let log = Log::new(9, 9, 0);
    let third = Server::new(|request, stream| {
        let text = match request.body.starts_with("old 6\n") {
            false => answer(409, SIZE, "6\n"),
            true => answer(
                200,
                LINES,
                &cosignature(&text_of(request), 3, NOW).to_string(),
            ),
        };
        let _ = stream.write_all(text.as_bytes());
    });
    assert!(matches!(outcome(&log, &third.url), Outcome::Cosigned(_)));
    let received = third.received();
    assert_eq!(received.len(), 2);
    let (head, note) = received[1].body.split_once("\n\n").unwrap();
    assert_eq!(note, log.signed().to_string());
    // RFC 6962 §2.1.2: from 6 to 9 leaves there are four hashes.
    let lines: Vec<_> = head.lines().collect();
    assert_eq!((lines[0], lines.len()), ("old 6", 5));
    assert!(
        lines[1..]
            .iter()
            .all(|line| line.len() == 44 && line.ends_with('='))
    );
}

#[test]
fn a_witness_that_has_the_checkpoint_already_gets_no_proof() {
    let log = Log::new(9, 9, 0);
    let third = Server::new(|request, stream| {
        let text = match request.body.starts_with("old 9\n\n") {
            false => answer(409, SIZE, "9\n"),
            true => answer(
                200,
                LINES,
                &cosignature(&text_of(request), 3, NOW).to_string(),
            ),
        };
        let _ = stream.write_all(text.as_bytes());
    });
    assert!(matches!(outcome(&log, &third.url), Outcome::Cosigned(_)));
}

#[test]
fn whatever_else_a_witness_answers_is_a_named_fault_of_it_alone() {
    let log = Log::new(9, 9, 0);
    let text = log.checkpoint.to_string();
    let line = |number, seconds| cosignature(&text, number, seconds).to_string();
    let wrong_text = cosignature("another\n1\nAAAA\n", 3, NOW).to_string();
    let html = "<!doctype html><title>maintenance</title>";
    let many = line(3, NOW).repeat(65);
    let future = at(NOW + 301);
    let name = witness_key(3).name().clone();
    for (status, media_type, body, expected) in [
        (
            200,
            "text/html",
            html.to_owned(),
            WitnessFault::NotSignatures,
        ),
        (200, LINES, String::new(), WitnessFault::NotSignatures),
        (200, LINES, "\n".to_owned(), WitnessFault::NotSignatures),
        (
            200,
            LINES,
            line(3, NOW).trim_end().to_owned(),
            WitnessFault::NotSignatures,
        ),
        (
            200,
            LINES,
            line(3, NOW).replace('\n', "\r\n"),
            WitnessFault::NotSignatures,
        ),
        (200, LINES, many, WitnessFault::NotSignatures),
        // Someone else's, also of a witness that the policy knows.
        (200, LINES, line(1, NOW), WitnessFault::NotItsKey),
        (200, LINES, line(9, NOW), WitnessFault::NotItsKey),
        (
            200,
            LINES,
            wrong_text,
            WitnessFault::Cosignature(SignatureFault::Wrong { name }),
        ),
        (200, LINES, line(3, NOW + 301), WitnessFault::Future(future)),
        (200, LINES, line(3, 0), WitnessFault::NoTime),
        (409, SIZE, "ten\n".to_owned(), WitnessFault::NoSize),
        (409, SIZE, "07\n".to_owned(), WitnessFault::NoSize),
        (409, SIZE, "7".to_owned(), WitnessFault::NoSize),
        (409, SIZE, "-1\n".to_owned(), WitnessFault::NoSize),
        (
            409,
            SIZE,
            "18446744073709551616\n".to_owned(),
            WitnessFault::NoSize,
        ),
        (409, "text/plain", "7\n".to_owned(), WitnessFault::NoSize),
        (409, SIZE, "0\n".to_owned(), WitnessFault::SizesWithoutEnd),
        (404, LINES, String::new(), WitnessFault::UnknownLog),
        (403, LINES, String::new(), WitnessFault::Untrusted),
        (500, LINES, String::new(), WitnessFault::Status(500)),
        (302, LINES, String::new(), WitnessFault::Status(302)),
        (200, LINES, "x".repeat(300_000), WitnessFault::TooLong),
    ] {
        let third = says(status, media_type, &body);
        let found = fault(&log, &third.url);
        assert_eq!(found, expected, "{status} {media_type} {body:.60?}");
    }
}

#[test]
fn a_time_within_the_tolerance_counts_and_unknown_signatures_are_passed_over() {
    let log = Log::new(9, 9, 0);
    let text = log.checkpoint.to_string();
    let lines = format!(
        "{}{}",
        cosignature(&text, 9, NOW),
        cosignature(&text, 3, NOW + 300)
    );
    let third = says(200, LINES, &lines);
    assert!(matches!(outcome(&log, &third.url), Outcome::Cosigned(_)));
}

#[test]
fn a_witness_that_is_slow_or_gone_holds_nobody_up() {
    let log = Log::new(9, 9, 0);
    // Accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(fault(&log, &url), WitnessFault::Timeout);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    assert_eq!(fault(&log, &url), WitnessFault::Unreachable);
    assert_eq!(
        fault(&log, "ftp://witness.example"),
        WitnessFault::Unreachable
    );
}

/// A witness that answers so, and shows this note of the log.
fn shows(status: u16, body: &'static str, note: Option<String>) -> Server {
    Server::new(move |request, stream| {
        let origin = Sha256Digest::of(made::ORIGIN.as_bytes());
        let shown = request.line == format!("GET /{origin}/checkpoint HTTP/1.1");
        let text = match (&note, shown) {
            (Some(note), true) => answer(200, LINES, note),
            (None, true) => answer(404, LINES, ""),
            (_, false) => answer(status, SIZE, body),
        };
        let _ = stream.write_all(text.as_bytes());
    })
}

#[test]
fn a_claim_without_a_note_under_our_key_is_a_fault_of_its_witness() {
    let log = Log::new(9, 9, 0);
    let of_another_key = {
        let larger = Log::new(20, 20, 0);
        let text = larger.checkpoint.to_string();
        let line =
            sealbook::ledger::note::sign(&text, &made::ORIGIN.parse().unwrap(), &made::signer(2));
        format!("{text}\n{}", line.unwrap())
    };
    let own = log.signed().to_string();
    for note in [
        None,
        Some("<html>".to_owned()),
        Some(of_another_key),
        Some(own),
    ] {
        let ahead = shows(409, "20\n", note.clone());
        assert_eq!(
            outcome(&log, &ahead.url),
            Outcome::Ahead { size: 20 },
            "{note:?}"
        );
        let other = shows(422, "", note);
        assert_eq!(outcome(&log, &other.url), Outcome::Other { from: 0 });
    }
}

#[test]
fn a_note_under_our_key_stops_the_log_and_is_kept() {
    let log = Log::new(9, 9, 0);
    let (one, two) = (honest(1), honest(2));
    let larger = Log::new(20, 20, 0).signed().to_string();
    let ahead = shows(409, "20\n", Some(larger.clone()));
    let stopped = ask(&log, [&one.url, &two.url, &ahead.url]).unwrap_err();
    assert_eq!(stopped.stop, Stop::RolledBack { size: 20 });
    assert_eq!(stopped.evidence, [larger.into_bytes()]);
    let forked = Log::new(7, 5, 1).signed().to_string();
    let other = shows(422, "", Some(forked.clone()));
    let stopped = ask(&log, [&one.url, &two.url, &other.url]).unwrap_err();
    assert_eq!(stopped.stop, Stop::Forked { size: 7 });
    assert_eq!(stopped.evidence, [forked.into_bytes()]);
}

#[test]
fn more_claims_than_the_policy_can_lose_stop_the_log() {
    let log = Log::new(9, 9, 0);
    let one = honest(1);
    let (two, three) = (shows(409, "20\n", None), shows(409, "21\n", None));
    let stopped = ask(&log, [&one.url, &two.url, &three.url]).unwrap_err();
    let stop = Stop::Outvoted {
        witnesses: 2,
        can_lose: 1,
    };
    assert_eq!(stopped.stop, stop);
    assert!(stopped.evidence.is_empty());
}

/// Witnesses that remember what they cosigned, as real ones do: of two histories
/// of one key each cosigns one, so that one of them at most has two of three.
#[test]
fn a_forked_log_never_gets_a_quorum_on_both_sides() {
    let cosigned: Vec<Arc<Mutex<Option<String>>>> = (0..3).map(|_| Arc::default()).collect();
    let remembering = |number: u8| {
        let own = Arc::clone(&cosigned[usize::from(number) - 1]);
        Server::new(move |request, stream| {
            let text = text_of(request);
            let mut last = own.lock().unwrap();
            let text = match &*last {
                Some(last) if *last != text => answer(422, LINES, ""),
                _ => {
                    let line = cosignature(&text, number, NOW).to_string();
                    *last = Some(text);
                    answer(200, LINES, &line)
                }
            };
            let _ = stream.write_all(text.as_bytes());
        })
    };
    let witnesses = [remembering(1), remembering(2), remembering(3)];
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", silent.local_addr().unwrap());
    drop(silent);
    let (left, right) = (Log::new(9, 4, 1), Log::new(9, 4, 2));
    let urls = [0, 1, 2].map(|at| witnesses[at].url.as_str());
    let first = ask(&left, [urls[0], urls[1], &nobody]).unwrap();
    assert_eq!(first.conclusion, Conclusion::Quorum);
    let second = ask(&right, urls).unwrap_err();
    assert!(matches!(second.stop, Stop::Outvoted { witnesses: 2, .. }));
}
