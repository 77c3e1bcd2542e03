//! What follows from a witness's answers: one table for each rule.

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{Algorithm, KeyName, NoteSignature, VerifierKey};
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::witness_policy::{WitnessPolicy, parse};
use sealbook::ledger::witnessing::{
    Answer, Conclusion, Cosigned, Exchange, MOST_CONFLICTS, Outcome, Shown, Stop, WitnessFault,
    conclude,
};

fn key(number: u8) -> VerifierKey {
    let name: KeyName = format!("witness.example/{number}").parse().unwrap();
    let signer = SoftwareSigner::from_seed(&[number; 32].into());
    VerifierKey::new(name, Algorithm::Cosignature(signer.public_key()))
}

fn two_of_three() -> WitnessPolicy {
    let witnesses: String = (1..=3)
        .map(|n| format!("witness w{n} {}\n", key(n)))
        .collect();
    parse(format!("{witnesses}group g 2 w1 w2 w3\nquorum g\n").as_bytes()).unwrap()
}

fn cosigned() -> Cosigned {
    let line: NoteSignature = key(1).line(vec![0; 72]);
    Cosigned {
        line,
        at: Timestamp::from_unix_micros(1).unwrap(),
    }
}

#[test]
fn an_exchange_goes_on_only_from_a_size_below_ours_that_is_new() {
    let fault = |fault| Some(Outcome::Faulty(fault));
    // Our size, what we thought, the answer, what became of it, the next old size.
    for (size, old, answer, outcome, next) in [
        (
            10,
            4,
            Answer::Cosigned(cosigned()),
            Some(Outcome::Cosigned(cosigned())),
            4,
        ),
        (10, 4, Answer::HasSize(7), None, 7),
        (10, 4, Answer::HasSize(0), None, 0),
        (10, 4, Answer::HasSize(10), None, 10),
        (
            10,
            4,
            Answer::HasSize(11),
            Some(Outcome::Ahead { size: 11 }),
            4,
        ),
        (
            10,
            4,
            Answer::HasSize(u64::MAX),
            Some(Outcome::Ahead { size: u64::MAX }),
            4,
        ),
        (
            10,
            4,
            Answer::HasSize(4),
            fault(WitnessFault::SizesWithoutEnd),
            4,
        ),
        (
            10,
            4,
            Answer::Unprovable,
            Some(Outcome::Other { from: 4 }),
            4,
        ),
        (
            10,
            4,
            Answer::Fault(WitnessFault::Timeout),
            fault(WitnessFault::Timeout),
            4,
        ),
        // What we thought is never more than what we have.
        (
            10,
            12,
            Answer::HasSize(10),
            fault(WitnessFault::SizesWithoutEnd),
            10,
        ),
    ] {
        let mut exchange = Exchange::new(size, old);
        assert_eq!(exchange.answered(answer.clone()), outcome, "{answer:?}");
        assert_eq!(exchange.old(), next, "{answer:?}");
    }
}

#[test]
fn a_witness_that_names_one_size_after_the_other_is_given_up() {
    let mut exchange = Exchange::new(100, 0);
    for size in 1..=u64::from(MOST_CONFLICTS) {
        assert_eq!(exchange.answered(Answer::HasSize(size)), None);
    }
    let given_up = exchange.answered(Answer::HasSize(50));
    assert_eq!(
        given_up,
        Some(Outcome::Faulty(WitnessFault::SizesWithoutEnd))
    );
}

#[test]
fn a_claim_stops_the_log_only_with_a_note_or_when_too_many_make_it() {
    let yes = || (Outcome::Cosigned(cosigned()), Shown::Nothing);
    let down = || (Outcome::Faulty(WitnessFault::Unreachable), Shown::Nothing);
    let ahead = |shown| (Outcome::Ahead { size: 20 }, shown);
    let other = |shown| (Outcome::Other { from: 5 }, shown);
    use Shown::{Contradiction, More, Nothing, Ours};
    for (outcomes, expected) in [
        ([yes(), yes(), yes()], Ok(Conclusion::Quorum)),
        ([yes(), yes(), down()], Ok(Conclusion::Quorum)),
        ([yes(), down(), down()], Ok(Conclusion::NoQuorum)),
        // One liar: the others go on.
        ([yes(), yes(), ahead(Nothing)], Ok(Conclusion::Quorum)),
        ([yes(), yes(), other(Nothing)], Ok(Conclusion::Quorum)),
        ([yes(), down(), ahead(Nothing)], Ok(Conclusion::NoQuorum)),
        // A note of our own history is not evidence against us.
        ([yes(), yes(), ahead(Ours)], Ok(Conclusion::Quorum)),
        // A note under our key of more than we have is.
        (
            [yes(), yes(), ahead(More { size: 20 })],
            Err(Stop::RolledBack { size: 20 }),
        ),
        (
            [yes(), yes(), other(Contradiction { size: 5 })],
            Err(Stop::Forked { size: 5 }),
        ),
        // Two of three say it, and the policy can lose one.
        (
            [yes(), ahead(Nothing), other(Nothing)],
            Err(Stop::Outvoted {
                witnesses: 2,
                can_lose: 1,
            }),
        ),
        (
            [ahead(Ours), ahead(Nothing), ahead(Nothing)],
            Err(Stop::Outvoted {
                witnesses: 3,
                can_lose: 1,
            }),
        ),
    ] {
        assert_eq!(
            conclude(&two_of_three(), &outcomes),
            expected,
            "{outcomes:?}"
        );
    }
}

/// Where the policy can lose nobody, the status of one witness is still its word alone.
#[test]
fn a_status_of_one_witness_never_stops_the_log() {
    let one = parse(format!("witness w1 {}\nquorum w1\n", key(1)).as_bytes()).unwrap();
    let witnesses: String = (1..=3)
        .map(|n| format!("witness w{n} {}\n", key(n)))
        .collect();
    let all = format!("{witnesses}group g all w1 w2 w3\nquorum g\n");
    let all = parse(all.as_bytes()).unwrap();
    let yes = || (Outcome::Cosigned(cosigned()), Shown::Nothing);
    let claims = [Outcome::Ahead { size: 20 }, Outcome::Other { from: 5 }];
    for claim in claims.clone() {
        let bare = (claim.clone(), Shown::Nothing);
        let alone = conclude(&one, std::slice::from_ref(&bare));
        assert_eq!(alone, Ok(Conclusion::NoQuorum), "{claim:?}");
        let of_three = conclude(&all, &[yes(), yes(), bare]);
        assert_eq!(of_three, Ok(Conclusion::NoQuorum), "{claim:?}");
        // With a note it is more than a word.
        let shown = conclude(&one, &[(claim, Shown::Contradiction { size: 5 })]);
        assert_eq!(shown, Err(Stop::Forked { size: 5 }));
    }
    let [ahead, other] = claims.map(|claim| (claim, Shown::Nothing));
    let stop = Stop::Outvoted {
        witnesses: 2,
        can_lose: 0,
    };
    assert_eq!(conclude(&all, &[yes(), ahead, other]), Err(stop));
}

#[test]
fn without_a_quorum_to_lose_no_number_of_claims_stops_the_log() {
    let witnesses: String = (1..=3)
        .map(|n| format!("witness w{n} {}\n", key(n)))
        .collect();
    let policy = parse(format!("{witnesses}quorum none\n").as_bytes()).unwrap();
    let claims = [1, 2, 3].map(|_| (Outcome::Ahead { size: 9 }, Shown::Nothing));
    assert_eq!(conclude(&policy, &claims), Ok(Conclusion::Quorum));
    let shown = [(Outcome::Ahead { size: 9 }, Shown::More { size: 9 })];
    assert_eq!(conclude(&policy, &shown), Err(Stop::RolledBack { size: 9 }));
}
