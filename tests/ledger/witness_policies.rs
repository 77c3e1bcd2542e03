//! Policies of witnesses: what is read, what is refused and where, and what a
//! quorum says, held against every subset of its witnesses.

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{Algorithm, KeyName, VerifierKey};
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::witness_policy::{
    BoundSide, CosignedAt, MAX_BYTES, PolicyError, PolicyProblem, TimeBound, WitnessPolicy, parse,
};

fn signer(number: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&[number; 32].into())
}

fn witness_key(number: u8) -> VerifierKey {
    let name: KeyName = format!("witness.example/{number}").parse().unwrap();
    VerifierKey::new(name, Algorithm::Cosignature(signer(number).public_key()))
}

fn log_key(number: u8) -> VerifierKey {
    let name: KeyName = format!("log.example/{number}").parse().unwrap();
    VerifierKey::new(name, Algorithm::Ed25519(signer(number).public_key()))
}

/// Witnesses w1 to w6, and the lines that follow.
fn with_six(lines: &str) -> Vec<u8> {
    let witnesses = (1..=6).map(|n| format!("witness w{n} {}\n", witness_key(n)));
    format!("{}{lines}", witnesses.collect::<String>()).into_bytes()
}

fn policy(lines: &str) -> WitnessPolicy {
    parse(&with_six(lines)).unwrap()
}

const TWO_LEVELS: &str = "group X 2 w1 w2 w3\ngroup Y any w4 w5 w6\ngroup Z all X Y\nquorum Z\n";

#[test]
fn a_policy_says_logs_witnesses_and_quorum() {
    let text = format!(
        "# whose word counts\n\n \tlog\t{}  https://log.example/ \nwitness  w {} http://w.example\nquorum w\n",
        log_key(1),
        witness_key(1)
    );
    let read = parse(text.as_bytes()).unwrap();
    assert_eq!(read.logs[0].key, log_key(1));
    assert_eq!(read.logs[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(read.witnesses[0].key, witness_key(1));
    assert_eq!(read.witnesses[0].url.as_deref(), Some("http://w.example"));
    assert_eq!(read.quorum_name(), "w");
    assert_eq!(parse(b"quorum none\n").unwrap().quorum_name(), "none");
}

#[test]
fn names_are_octets_whatever_they_mean() {
    let mut text = Vec::new();
    for (name, number) in [(&b"K"[..], 1), (b"\xe2\x84\xaa", 2), (b"\xff\xfe", 3)] {
        text.extend([b"witness ", name, b" "].concat());
        text.extend(format!("{}\n", witness_key(number)).into_bytes());
    }
    text.extend(b"# \xff\ngroup g all K \xe2\x84\xaa \xff\xfe\nquorum g\n");
    let read = parse(&text).unwrap();
    assert!(!read.is_met(|at| at < 2));
    assert!(read.is_met(|_| true));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    use PolicyProblem::{
        Control, Key, KeyTwice, KeyUse, Keyword, MemberTwice, NameTaken, NameUnknown, NoQuorum,
        QuorumTwice, Threshold, Unended, Words,
    };
    let text = |text: &str| text.to_owned();
    let cosigner = witness_key(9);
    let log = log_key(9);
    let shape = || "no+key".parse::<VerifierKey>().unwrap_err();
    for (lines, line, problem) in [
        ("quorum none", 7, Unended),
        ("quorum none\r\n", 7, Control(b'\r')),
        ("quorum\x7fnone\n", 7, Control(0x7f)),
        ("\0\n", 7, Control(0)),
        ("quorum w1\nquorum w1\n", 8, QuorumTwice),
        ("quorum w1\nquorum none\n", 8, QuorumTwice),
        ("", 7, NoQuorum),
        ("# nothing\n", 8, NoQuorum),
        ("quorum\n", 7, Words("quorum <name>")),
        ("quorum w1 w2\n", 7, Words("quorum <name>")),
        ("quorum w7\n", 7, NameUnknown(text("w7"))),
        (
            "quorum later\ngroup later any w1\n",
            7,
            NameUnknown(text("later")),
        ),
        ("Quorum none\n", 7, Keyword(text("Quorum"))),
        (
            "group g all\n",
            7,
            Words("group <name> all|any|<k> <name>..."),
        ),
        ("group g\n", 7, Words("group <name> all|any|<k> <name>...")),
        ("group g 0 w1\n", 7, Threshold(text("0"))),
        ("group g 3 w1 w2\n", 7, Threshold(text("3"))),
        ("group g 01 w1 w2\n", 7, Threshold(text("01"))),
        ("group g +1 w1 w2\n", 7, Threshold(text("+1"))),
        (
            "group g 99999999999999999999 w1\n",
            7,
            Threshold(text("99999999999999999999")),
        ),
        ("group g any w1 w1\n", 7, MemberTwice(text("w1"))),
        (
            "group g any w1\ngroup h any w1\n",
            8,
            MemberTwice(text("w1")),
        ),
        ("group g any g\n", 7, NameUnknown(text("g"))),
        ("group g any none\n", 7, NameUnknown(text("none"))),
        ("group w1 any w2\n", 7, NameTaken(text("w1"))),
        ("group none any w2\n", 7, NameTaken(text("none"))),
        ("witness w1\n", 7, Words("witness <name> <vkey> [<url>]")),
        ("log\n", 7, Words("log <vkey> [<url>]")),
        ("witness x no+key\n", 7, Key(shape())),
        (
            &format!("witness x {log}\n"),
            7,
            KeyUse(0x01, "cosignatures"),
        ),
        (&format!("log {cosigner}\n"), 7, KeyUse(0x04, "checkpoints")),
        (&format!("witness x {}\n", witness_key(1)), 7, KeyTwice),
        (&format!("log {log}\nlog {log}\n"), 8, KeyTwice),
    ] {
        let error = PolicyError { line, problem };
        assert_eq!(parse(&with_six(lines)), Err(error), "{lines:?}");
    }
    let long = vec![b'#'; MAX_BYTES + 1];
    let error = PolicyError {
        line: 1,
        problem: PolicyProblem::TooLong,
    };
    assert_eq!(parse(&long), Err(error));
}

#[test]
fn more_groups_than_any_policy_has_are_refused() {
    let groups: String = (0..300)
        .map(|n| match n {
            0 => "group g0 any w1\n".to_owned(),
            n => format!("group g{n} any g{}\n", n - 1),
        })
        .collect();
    let error = PolicyError {
        line: 6 + 257,
        problem: PolicyProblem::TooMany,
    };
    assert_eq!(parse(&with_six(&groups)), Err(error));
}

const QUORUMS: [&str; 7] = [
    TWO_LEVELS,
    "quorum none\n",
    "quorum w3\n",
    "group g 2 w1 w2 w3\nquorum g\n",
    "group g all w1 w2 w3 w4 w5 w6\nquorum g\n",
    "group g any w1 w2 w3 w4 w5 w6\nquorum g\n",
    "group a 2 w1 w2 w3\ngroup b 2 w4 w5\ngroup c 2 a b w6\nquorum c\n",
];

/// Every subset of the six witnesses.
fn subsets() -> impl Iterator<Item = Vec<usize>> {
    (0_u8..64).map(|set| (0..6).filter(|at| set >> at & 1 == 1).collect())
}

#[test]
fn two_of_three_and_one_of_the_others_are_the_quorum_of_the_example() {
    let policy = policy(TWO_LEVELS);
    for set in subsets() {
        let of_x = set.iter().filter(|at| **at < 3).count();
        let expected = of_x >= 2 && of_x < set.len();
        assert_eq!(policy.is_met(|at| set.contains(&at)), expected, "{set:?}");
    }
}

#[test]
fn a_policy_can_lose_as_many_as_every_choice_of_the_lost_allows() {
    for lines in QUORUMS {
        let policy = policy(lines);
        let survives = |lost: &Vec<usize>| policy.is_met(|at| !lost.contains(&at));
        let all = |count| {
            subsets()
                .filter(|set| set.len() == count)
                .all(|set| survives(&set))
        };
        let most = (0..=6).take_while(|count| all(*count)).last();
        let expected = most.filter(|_| lines != "quorum none\n");
        assert_eq!(policy.can_lose(), expected, "{lines:?}");
    }
}

#[test]
fn a_bound_is_the_best_that_any_quorum_says() {
    let seconds = [50, 10, 40, 10, 60, 20];
    let at = |witness: usize| CosignedAt {
        witness,
        time: Timestamp::from_unix_micros(seconds[witness] * 1_000_000).unwrap(),
    };
    for lines in QUORUMS {
        let policy = policy(lines);
        for signed in subsets() {
            let cosigned: Vec<_> = signed.iter().map(|witness| at(*witness)).collect();
            let within = |set: &Vec<usize>| set.iter().all(|witness| signed.contains(witness));
            let quorums = || {
                let sets = subsets().filter(|set| !set.is_empty() && within(set));
                sets.filter(|set| policy.is_met(|at| set.contains(&at)))
            };
            let times = |set: &Vec<usize>| set.iter().map(|w| at(*w).time).collect::<Vec<_>>();
            let latest = quorums()
                .map(|set| times(&set).into_iter().max().unwrap())
                .min();
            let earliest = quorums()
                .map(|set| times(&set).into_iter().min().unwrap())
                .max();
            let none = lines == "quorum none\n";
            for (side, expected) in [
                (BoundSide::NotLater, latest),
                (BoundSide::NotEarlier, earliest),
            ] {
                let bound = policy.bound(side, &cosigned);
                let time = bound.as_ref().map(|bound| bound.time);
                assert_eq!(
                    time,
                    expected.filter(|_| !none),
                    "{lines:?} {signed:?} {side:?}"
                );
                if let Some(TimeBound { witnesses, .. }) = bound {
                    assert!(policy.is_met(|at| witnesses.contains(&at)), "{witnesses:?}");
                }
            }
        }
    }
}
