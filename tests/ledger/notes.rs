//! Signed notes: the published examples, every byte changed, and what is refused.

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{
    Algorithm, KeyName, LineProblem, MlDsaKey, MlDsaSigner, Note, NoteError, SIGNATURES,
    SignatureFault, VerifierKey, VerifierKeyError, cosign, cosign_ml_dsa, sign,
};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::tlog::checkpoint::{CheckpointError, CheckpointText, SignedCheckpoint};
use zeroize::Zeroizing;

/// The example of the specification.
const EXAMPLE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn signer(seed: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([seed; 32]))
}

fn ml_dsa(seed: u8) -> MlDsaSigner {
    MlDsaSigner::from_seed(&Zeroizing::new([seed; 32])).unwrap()
}

fn checkpoint() -> CheckpointText {
    CheckpointText {
        origin: "example.com/log".to_owned(),
        size: 70_000,
        root: Sha256Digest::of(b"root"),
        extensions: Vec::new(),
    }
}

/// A checkpoint under the log's key, two witnesses and a post-quantum key.
fn cosigned() -> (Note, [VerifierKey; 4]) {
    let (log, one, two) = (signer(1), signer(2), ml_dsa(3));
    let text = checkpoint().to_string();
    let signatures = vec![
        sign(&text, &name("example.com/log"), &log).unwrap(),
        cosign(&text, 1_700_000_000, &name("w1.example"), &one).unwrap(),
        cosign_ml_dsa(&checkpoint(), 1_700_000_001, &name("w2.example"), &two).unwrap(),
        cosign_ml_dsa(&checkpoint(), 0, &name("w3.example"), &two).unwrap(),
    ];
    let key = |text, algorithm| VerifierKey::new(name(text), algorithm);
    let keys = [
        key("example.com/log", Algorithm::Ed25519(log.public_key())),
        key("w1.example", Algorithm::Cosignature(one.public_key())),
        key("w2.example", Algorithm::MlDsa44(two.public_key())),
        key("w3.example", Algorithm::MlDsa44(two.public_key())),
    ];
    (Note::new(text, signatures).unwrap(), keys)
}

#[test]
fn the_published_example_verifies_and_is_written_again_as_it_was() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), EXAMPLE);
    assert_eq!(key.verify(&note).unwrap().time, None);
}

#[test]
fn log_witness_and_post_quantum_signatures_stand_under_one_checkpoint() {
    let (note, keys) = cosigned();
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read, note);
    let times: Vec<_> = keys
        .iter()
        .map(|key| key.verify(&read).unwrap().time)
        .collect();
    assert_eq!(
        times,
        [None, Some(1_700_000_000), Some(1_700_000_001), None]
    );
    for key in &keys {
        assert_eq!(key.to_string().parse::<VerifierKey>().as_ref(), Ok(key));
    }
    let signed = SignedCheckpoint::of_note(read).unwrap();
    assert_eq!(*signed.content(), checkpoint());
}

#[test]
fn no_changed_byte_of_a_note_verifies_under_every_key() {
    let (note, keys) = cosigned();
    let bytes = note.to_string().into_bytes();
    for at in 0..bytes.len() {
        // Long lines of base64 need not be tried byte by byte.
        if at > 700 && at % 37 != 0 {
            continue;
        }
        for change in [0x01, 0x20] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let Ok(read) = Note::parse(&changed) else {
                continue;
            };
            assert_ne!(read, note, "byte {at}");
            let faults = keys.iter().filter_map(|key| key.verify(&read).err());
            let faults: Vec<_> = faults.collect();
            // In the text it is another message; in a line, another signature or name.
            let named = |fault: &SignatureFault| match fault {
                SignatureFault::Wrong { .. } | SignatureFault::NoCheckpoint { .. } => true,
                SignatureFault::Absent { .. } => at >= note.text().len(),
                _ => false,
            };
            assert!(
                !faults.is_empty() && faults.iter().all(named),
                "byte {at}: {faults:?}"
            );
        }
    }
}

#[test]
fn a_note_cut_anywhere_is_refused_or_lacks_a_signature() {
    let (note, keys) = cosigned();
    let bytes = note.to_string().into_bytes();
    for end in (0..bytes.len()).filter(|end| *end < 700 || end % 41 == 0) {
        let whole = Note::parse(&bytes[..end])
            .is_ok_and(|read| keys.iter().all(|key| key.verify(&read).is_ok()));
        assert!(!whole, "{end} bytes");
    }
}

#[test]
fn a_cosignature_serves_no_other_name_key_text_or_time() {
    let (note, [log, witness, post_quantum, _]) = cosigned();
    let line = &note.signatures()[1];
    let other = checkpoint().to_string().replace("70000", "70001");
    let wrong = |key: &VerifierKey| SignatureFault::Wrong {
        name: key.name().clone(),
    };
    assert_eq!(witness.verify_line(&other, line), Err(wrong(&witness)));
    let mut later = line.clone();
    later.bytes[7] ^= 1;
    assert_eq!(
        witness.verify_line(note.text(), &later),
        Err(wrong(&witness))
    );
    // An Ed25519 key that signs notes is not a cosigner, and the other way round.
    let Algorithm::Ed25519(key) = log.algorithm() else {
        panic!()
    };
    let cosigner = VerifierKey::new(log.name().clone(), Algorithm::Cosignature(*key));
    assert_ne!(cosigner.id(), log.id());
    let absent = cosigner.verify(&note).unwrap_err();
    assert!(matches!(absent, SignatureFault::Absent { .. }));
    // ML-DSA signs the cosigner's name.
    let renamed = VerifierKey::new(name("w9.example"), post_quantum.algorithm().clone());
    let line = renamed.line(note.signatures()[2].bytes.clone());
    assert_eq!(
        renamed.verify_line(note.text(), &line),
        Err(wrong(&renamed))
    );
    // A time that no clock shows.
    let mut never = note.signatures()[1].clone();
    never.bytes[0] = 0x80;
    let fault = witness.verify_line(note.text(), &never).unwrap_err();
    assert!(matches!(fault, SignatureFault::Time { .. }));
    // Two lines of one key.
    let twice = format!("{note}{}", note.signatures()[1]);
    let twice = Note::parse(twice.as_bytes()).unwrap();
    let fault = witness.verify(&twice).unwrap_err();
    assert!(matches!(fault, SignatureFault::Repeated { .. }));
    // A text that is not a checkpoint, under a witness's key.
    let text = "only one line\n";
    let line = cosign(text, 1, witness.name(), &signer(2)).unwrap();
    let fault = witness.verify_line(text, &line).unwrap_err();
    let error = CheckpointError::Lines;
    let name = witness.name().clone();
    assert_eq!(fault, SignatureFault::NoCheckpoint { name, error });
}

#[test]
fn what_is_no_note_is_refused_by_name() {
    let line = EXAMPLE.lines().last().unwrap();
    let problem = |line: usize, problem| NoteError::Line { line, problem };
    let many = |count: usize| format!("text\n\n{}", format!("{line}\n").repeat(count));
    let cases = [
        (String::new(), NoteError::NoNewline),
        ("text\n".to_owned(), NoteError::NoSignatures),
        ("text\n\n".to_owned(), NoteError::NoSignatures),
        ("text\n\n\n".to_owned(), NoteError::NoSignatures),
        (format!("text\n\n{line}"), NoteError::NoNewline),
        (
            format!("text\r\n\n{line}\n"),
            NoteError::Control { at: 4, code: 13 },
        ),
        (
            format!("text\t\n\n{line}\n"),
            NoteError::Control { at: 4, code: 9 },
        ),
        (many(100), NoteError::TooMany { count: 100 }),
        (
            "text\n\nno line\n".to_owned(),
            problem(1, LineProblem::Shape),
        ),
        (
            format!("text\n\n{line}\n— a  b\n"),
            problem(2, LineProblem::Base64),
        ),
        (
            "text\n\n— a+b AAAAAAA=\n".to_owned(),
            problem(1, LineProblem::Name),
        ),
        (
            "text\n\n— a\u{a0}b AAAAAAA=\n".to_owned(),
            problem(1, LineProblem::Name),
        ),
        (
            "text\n\n—  AAAAAAA=\n".to_owned(),
            problem(1, LineProblem::Name),
        ),
        (
            "text\n\n— a AAAAAAA\n".to_owned(),
            problem(1, LineProblem::Base64),
        ),
        (
            "text\n\n— a AAAAAAB=\n".to_owned(),
            problem(1, LineProblem::Base64),
        ),
        (
            "text\n\n— a AAAAAA==\n".to_owned(),
            problem(1, LineProblem::Short),
        ),
        (
            "text\n\n— a AAA=\n".to_owned(),
            problem(1, LineProblem::Short),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Note::parse(text.as_bytes()), Err(expected), "{text:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Utf8 { at: 0 }));
    let large = vec![b'a'; (1 << 20) + 1];
    let bytes = large.len();
    assert_eq!(Note::parse(&large), Err(NoteError::TooLarge { bytes }));
    assert!(Note::parse(many(SIGNATURES).as_bytes()).is_ok());
    assert!(Note::parse(many(16).as_bytes()).is_ok());
}

#[test]
fn what_is_no_verifier_key_is_refused_by_name() {
    let (base, key) = (
        "example.com/foo+530d903a+",
        "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    );
    let parse = |text: String| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(parse("example.com/foo".to_owned()), VerifierKeyError::Shape);
    assert_eq!(parse(format!("a+530D903A+{key}")), VerifierKeyError::Shape);
    assert_eq!(
        parse(format!("{base}Aeky")),
        VerifierKeyError::Length { byte: 1, bytes: 2 }
    );
    assert_eq!(parse(format!("{base}A")), VerifierKeyError::Base64);
    assert_eq!(parse(base.to_owned()), VerifierKeyError::Base64);
    assert_eq!(
        parse(format!("{base}AuMy")),
        VerifierKeyError::Type { byte: 2 }
    );
    assert!(matches!(
        parse(format!("b c+530d903a+{key}")),
        VerifierKeyError::Name(_)
    ));
    assert!(matches!(
        parse(format!("b+530d903a+{key}")),
        VerifierKeyError::Id { .. }
    ));
}

#[test]
fn what_is_no_checkpoint_is_refused_by_name() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let cases = [
        (format!("a\n1\n{root}"), CheckpointError::Lines),
        ("a\n1\n".to_owned(), CheckpointError::Lines),
        (format!("\n1\n{root}\n"), CheckpointError::Lines),
        (format!("a\n1\n{root}\n\n"), CheckpointError::Lines),
        (format!("a\n01\n{root}\n"), CheckpointError::Size),
        (format!("a\n-1\n{root}\n"), CheckpointError::Size),
        (format!("a\n+1\n{root}\n"), CheckpointError::Size),
        (
            format!("a\n9223372036854775808\n{root}\n"),
            CheckpointError::Size,
        ),
        (
            format!("a\n18446744073709551616\n{root}\n"),
            CheckpointError::Size,
        ),
        (format!("a\n1\n{}\n", &root[..40]), CheckpointError::Root),
        (format!("a\n1\n{}J=\n", &root[..42]), CheckpointError::Root),
        (format!("a\n0\n{root}\n"), CheckpointError::EmptyRoot),
    ];
    for (text, expected) in cases {
        assert_eq!(CheckpointText::parse(&text), Err(expected), "{text:?}");
    }
    for text in [
        format!("a b+c\n9223372036854775807\n{root}\nmore\n"),
        format!("a\n0\n{empty}\n"),
    ] {
        assert_eq!(CheckpointText::parse(&text).unwrap().to_string(), text);
    }
}

#[test]
fn ml_dsa_keys_and_signatures_have_their_lengths_and_no_other_message() {
    let signer = ml_dsa(7);
    let key = signer.public_key();
    assert_eq!(MlDsaKey::from_hex(&key.to_string()), Some(key.clone()));
    let signature = signer.sign(b"message").unwrap();
    assert_eq!(signature.len(), MlDsaKey::SIGNATURE_BYTES);
    assert!(key.verify(b"message", &signature));
    assert!(!key.verify(b"messagE", &signature));
    assert!(!key.verify(b"message", &signature[1..]));
    assert!(!ml_dsa(8).public_key().verify(b"message", &signature));
    for at in (0..signature.len()).step_by(97) {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert!(!key.verify(b"message", &changed), "byte {at}");
    }
    assert_eq!(MlDsaKey::from_slice(&key.as_bytes()[1..]), None);
}
