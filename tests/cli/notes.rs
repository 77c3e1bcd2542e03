//! Checkpoints of a public log, given to a stranger: what proves an entry, what a file
//! must contain, what convicts the log's key.

use std::fs;

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{Algorithm, Note, VerifierKey, cosign, sign};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use serde_json::Value;

use crate::place::{Place, codes};

const NAME: &str = "log.example.com/notes";

/// A sealed ledger that is public, with its logbook, a bundle, and a proof of entry 3.
pub(crate) struct Public {
    pub(crate) place: Place,
    pub(crate) key: String,
    signer: SoftwareSigner,
}

impl Public {
    pub(crate) fn new() -> Public {
        let place = Place::sealed();
        place
            .run(&["publish", "--to", "public", "--name", NAME])
            .ok();
        place.run(&["seal"]).ok();
        for (format, name) in [("logbook", "all.jsonl"), ("bundle", "all.bundle")] {
            let run = place.run(&["export", "--format", format, "-o", name]);
            run.ok();
        }
        let prove = ["prove", "3", "--tlog", "public", "-o", "3.tlog-proof"];
        place.run(&prove).ok();
        let key = place.key();
        let signer = sealbook::logbook::key_file::open(&place.path("ledger.key.pem")).unwrap();
        Public { place, key, signer }
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        SignedCheckpoint::parse(&fs::read(self.place.path("public/checkpoint")).unwrap()).unwrap()
    }

    /// A checkpoint that the log's key signs, whatever it says.
    pub(crate) fn signs(
        &self,
        file: &str,
        change: impl FnOnce(&mut CheckpointText),
    ) -> SignedCheckpoint {
        let mut content = self.checkpoint().content().clone();
        change(&mut content);
        let name = content.origin.parse().unwrap();
        let line = sign(&content.to_string(), &name, &self.signer).unwrap();
        let signed = SignedCheckpoint::signed(content, line).unwrap();
        self.place.write(file, signed.to_string());
        signed
    }

    pub(crate) fn verify(&self, args: &[&str], status: i32) -> Value {
        let args = [&["--json", "verify"], args].concat();
        self.place.run(&args).ends_with(status).document()
    }

    fn log_line(&self) -> String {
        let key = Algorithm::Ed25519(self.signer.public_key());
        format!("log {}\n", VerifierKey::new(NAME.parse().unwrap(), key))
    }
}

pub(crate) fn other(root: &mut Sha256Digest) {
    *root = Sha256Digest::of(b"another history");
}

#[test]
fn a_tlog_proof_proves_its_entry_and_nothing_else() {
    let public = Public::new();
    let proof = "3.tlog-proof";
    for entry in ["all.jsonl", "all.bundle"] {
        let report = public.verify(&[proof, "--entry", entry, "--key", &public.key], 0);
        assert_eq!(
            (&report["format"], &report["entries"]),
            (&"tlog_proof".into(), &1.into())
        );
        assert_eq!(report["log"], public.key);
    }
    // By its content, whatever it is called; and one line alone is the entry.
    let place = &public.place;
    place.write("it", place.read(proof));
    let book = place.read("all.jsonl");
    let lines: Vec<&str> = book.lines().collect();
    place.write("third", format!("{}\n", lines[3]));
    place.write("fourth", format!("{}\n", lines[4]));
    place.write("policy", public.log_line());
    place.write("policy", format!("{}quorum none\n", public.log_line()));
    public.verify(&["it", "--entry", "third", "--policy", "policy"], 0);
    let wrong = public.verify(&["it", "--entry", "fourth", "--policy", "policy"], 1);
    assert_eq!(codes(&wrong), ["proof_invalid"]);
    let said = "the siblings do not lead from this entry to the checkpoint's root";
    assert_eq!(wrong["faults"][0]["detail"], said);
    assert_eq!(wrong["faults"][0]["index"], 3);
    // Without entry or key nothing is proven.
    let nothing = public.verify(&["it", "--policy", "policy"], 1);
    assert_eq!(codes(&nothing), ["proof_invalid"]);
    let nobody = public.verify(&["it", "--entry", "third"], 1);
    assert_eq!(codes(&nobody), ["untrusted_key"]);
    let stranger = "11".repeat(32);
    let theirs = public.verify(&["it", "--entry", "third", "--key", &stranger], 1);
    assert_eq!(codes(&theirs), ["untrusted_key"]);
    place
        .run(&["verify", "it", "--entry", "nowhere", "--key", &public.key])
        .ends_with(2);
    place.run(&["prove", "4", "-o", "4.proof"]).ok();
    place
        .run(&["verify", "it", "--entry", "4.proof", "--key", &public.key])
        .refused_with(
            1,
            "not_found",
            "4.proof does not have entry 3, which the proof is of",
            "name a file that has it: `sealbook prove 3 -o FILE` makes one",
        );
}

#[test]
fn a_tlog_proof_with_any_line_changed_fails_with_a_named_fault() {
    let public = Public::new();
    let place = &public.place;
    let text = place.read("3.tlog-proof");
    let book = place.read("all.jsonl");
    place.write("third", format!("{}\n", book.lines().nth(3).unwrap()));
    let verdict = |bytes: &str| {
        place.write("it", bytes);
        let args = [
            "it",
            "--as",
            "tlog-proof",
            "--entry",
            "third",
            "--key",
            &public.key,
        ];
        public.verify(&args, 1)
    };
    let sibling = text.lines().nth(2).unwrap();
    let signature = text.lines().last().unwrap();
    let (start, end) = signature.split_at(signature.len() - 20);
    let other = if end.starts_with('A') { "B" } else { "A" };
    let flipped = format!("{start}{other}{}", &end[1..]);
    let size = format!("\n{}\n", public.checkpoint().content().size);
    for (bytes, code, said) in [
        (
            text.replacen("index 3", "index 03", 1),
            "proof_invalid",
            "line 2 is not `index`",
        ),
        (
            text.replacen("index 3", "index 99", 1),
            "proof_invalid",
            "leaf 99 is not in a tree of",
        ),
        (
            text.replacen("index 3", "index 4", 1),
            "proof_invalid",
            "do not lead",
        ),
        (
            text.replacen("index 3", "index 9223372036854775808", 1),
            "proof_invalid",
            "below 2^63",
        ),
        (
            text.replacen(sibling, "AAAA", 1),
            "proof_invalid",
            "line 3 is not the canonical base64",
        ),
        (
            text.replacen(&format!("{sibling}\n"), "", 1),
            "proof_invalid",
            "the path has",
        ),
        (
            text.replacen("@v1", "@v2", 1),
            "proof_invalid",
            "line 1 is not",
        ),
        (text.replace('\n', "\r\n"), "proof_invalid", "no empty line"),
        (
            text.replacen('\n', "\r\n", 1),
            "proof_invalid",
            "line 1 is not",
        ),
        (
            text.trim_end().to_owned(),
            "proof_invalid",
            "does not end in a newline",
        ),
        (
            text.replacen(signature, &flipped, 1),
            "checkpoint_invalid",
            "is wrong",
        ),
        (
            text.replacen(&size, "\n10\n", 1),
            "checkpoint_invalid",
            "is wrong",
        ),
        (
            text.replacen(&size, "\n9223372036854775808\n", 1),
            "proof_invalid",
            "below 2^63",
        ),
        (
            text.replacen(NAME, "log.example.com/other", 1),
            "untrusted_key",
            "no signature of",
        ),
        (
            format!("{}\n", text.lines().next().unwrap()),
            "proof_invalid",
            "no empty line",
        ),
        (
            "c2sp.org/tlog-proof@v1".to_owned(),
            "proof_invalid",
            "no empty line",
        ),
    ] {
        assert_ne!(bytes, text);
        let report = verdict(&bytes);
        assert_eq!(report["faults"][0]["code"], code, "{bytes}\n{report}");
        let detail = report["faults"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
}

#[test]
fn a_policy_asks_a_tlog_proof_for_a_quorum() {
    let public = Public::new();
    let place = &public.place;
    let witness = SoftwareSigner::from_seed(&[9; 32].into());
    let name = "witness.example/nine";
    let key = Algorithm::Cosignature(witness.public_key());
    let vkey = VerifierKey::new(name.parse().unwrap(), key);
    let policy = format!("{}witness nine {vkey}\nquorum nine\n", public.log_line());
    place.write("policy", policy);
    let args = |file| [file, "--entry", "all.jsonl", "--policy", "policy"];
    let report = public.verify(&args("3.tlog-proof"), 1);
    assert_eq!(codes(&report), ["quorum_missing"]);
    let text = place.read("3.tlog-proof");
    let checkpoint = public.checkpoint();
    let line = cosign(
        checkpoint.note().text(),
        1_790_000_000,
        &name.parse().unwrap(),
        &witness,
    );
    let line = line.unwrap();
    place.write("cosigned", format!("{text}{line}"));
    public.verify(&args("cosigned"), 0);
    let mut bytes = line.bytes.clone();
    bytes[20] ^= 1;
    place.write("wrong", format!("{text}{}", vkey.line(bytes)));
    let report = public.verify(&args("wrong"), 1);
    assert_eq!(codes(&report), ["cosignature_invalid", "quorum_missing"]);
}

#[test]
fn whatever_holds_all_entries_contains_the_checkpoint_over_them() {
    let public = Public::new();
    let place = &public.place;
    let size = public.checkpoint().content().size;
    let given = "public/checkpoint";
    for file in ["ledger", "all.jsonl", "all.bundle"] {
        let contains = |note: &str, status| {
            public.verify(&[file, "--key", &public.key, "--contains", note], status)
        };
        let report = contains(given, 0);
        assert!(
            !report["not_checked"].to_string().contains("heads"),
            "{report}"
        );
        public.signs("another", |it| other(&mut it.root));
        let report = contains("another", 1);
        assert_eq!(codes(&report), ["head_not_contained"], "{file}");
        assert_eq!(report["faults"][0]["seq"], size - 1);
        let actual = report["faults"][0]["actual"].as_str().unwrap().to_owned();
        assert_eq!(actual, public.checkpoint().content().root.to_string());
        public.signs("larger", |it| it.size += 1);
        let report = contains("larger", 1);
        assert_eq!(codes(&report), ["head_not_contained"], "{file}");
        // The same entries under another name: the key is bound to one.
        public.signs("renamed", |it| {
            "log.example.com/other".clone_into(&mut it.origin)
        });
        let report = contains("renamed", 1);
        assert_eq!(codes(&report), ["name_mismatch"], "{file}");
        // Before the name was bound there was none.
        let note = public.signs("early", |it| it.size = 3);
        let report = contains("early", 1);
        assert_eq!(codes(&report), ["head_not_contained"], "{file} {note}");
        // Another key's.
        let text = public.checkpoint().content().to_string();
        let stranger = SoftwareSigner::from_seed(&[1; 32].into());
        let line = sign(&text, &NAME.parse().unwrap(), &stranger).unwrap();
        place.write("theirs", Note::new(text, vec![line]).unwrap().to_string());
        let report = contains("theirs", 1);
        assert_eq!(codes(&report), ["checkpoint_invalid"], "{file}");
    }
    // A part that does not begin with entry 0 shows nothing of it.
    let export = ["export", "-o", "part.bundle", "--from-seq", "2"];
    place.run(&export).ok();
    let part = ["part.bundle", "--key", &public.key, "--contains", given];
    assert_eq!(codes(&public.verify(&part, 1)), ["head_not_contained"]);
    // What is no checkpoint is not a verdict.
    let text = place.read(given);
    for (bytes, said) in [
        (text.replacen('\n', "\r\n", 1), "control character U+000D"),
        (text.trim_end().to_owned(), "does not end in a newline"),
        (
            text.replacen(&format!("\n{size}\n"), "\n09\n", 1),
            "line 2, the size",
        ),
        (
            format!("{text}{}", "\u{2014} w AAAAAAA=\n".repeat(100)),
            "101 signatures",
        ),
        (
            format!("{}\n", public.checkpoint().content()),
            "no signature",
        ),
    ] {
        place.write("bad", bytes);
        let run = place
            .run(&["--json", "verify", "--contains", "bad"])
            .ends_with(2);
        let error = &run.document()["error"];
        assert_eq!(error["code"], "bad_checkpoint", "{error}");
        assert!(error["detail"].as_str().unwrap().contains(said), "{error}");
    }
}

#[test]
fn two_notes_of_one_size_and_two_roots_convict_the_key_in_a_file() {
    let public = Public::new();
    let place = &public.place;
    public.signs("other", |it| other(&mut it.root));
    let diff = [
        "--json",
        "diff",
        "public/checkpoint",
        "other",
        "-o",
        "conviction",
    ];
    let told = place.run(&diff).ends_with(1).document();
    assert_eq!(told["relation"], "differ");
    assert_eq!(told["equivocation"], Value::Null);
    let told = place
        .run(&[&diff[..], &["--key", &public.key]].concat())
        .ends_with(1)
        .document();
    assert_eq!(told["equivocation"]["kind"], "checkpoints");
    let report = public.verify(&["conviction", "--key", &public.key], 0);
    assert_eq!(report["format"], "equivocation");
    assert_eq!(report["warnings"][0]["code"], "equivocation_proven");
    let same = ["diff", "public/checkpoint", "public/checkpoint"];
    assert!(place.run(&same).ok().stdout.starts_with("SAME"));
    // Every changed byte of the conviction is refused.
    let bytes = fs::read(place.path("conviction")).unwrap();
    for at in (0..bytes.len()).step_by(37) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        place.write("changed", changed);
        let args = [
            "verify",
            "changed",
            "--as",
            "equivocation",
            "--key",
            &public.key,
        ];
        place.run(&args).ends_with(1);
    }
}

#[test]
fn of_two_sizes_the_logs_folder_or_the_ledger_leads_from_one_to_the_other() {
    let public = Public::new();
    let place = &public.place;
    place.write("old", place.read("public/checkpoint"));
    let size = public.checkpoint().content().size;
    place.append(6..300);
    place.run(&["publish", "--to", "public"]).ok();
    place.write("new", place.read("public/checkpoint"));
    place.run(&["diff", "old", "new"]).refused(
        "usage",
        "the checkpoints are of two sizes, and no log was given that leads from one to the other",
        "name the log's folder or the ledger with --from PLACE",
    );
    public.signs("forged", |it| {
        it.size = size;
        other(&mut it.root);
    });
    for from in ["public", "ledger"] {
        let grown = |a, b| place.run(&["diff", a, b, "--from", from]).ok().stdout;
        assert!(grown("old", "new").starts_with("GROWN  the second begins with the first\n"));
        assert!(grown("new", "old").starts_with("GROWN  the first begins with the second\n"));
        let proof = format!("{from}.conviction");
        let args = [
            "--json",
            "diff",
            "forged",
            "new",
            "--from",
            from,
            "--key",
            &public.key,
        ];
        let told = place
            .run(&[&args[..], &["-o", &proof]].concat())
            .ends_with(1);
        assert_eq!(told.document()["equivocation"]["kind"], "growth");
        public.verify(&[&proof, "--key", &public.key], 0);
        let cut = place
            .read(&proof)
            .lines()
            .take(3)
            .fold(String::new(), |all, line| all + line + "\n");
        place.write("cut", cut);
        let report = public.verify(&["cut", "--key", &public.key], 1);
        assert_eq!(codes(&report), ["proof_invalid"]);
    }
    let convictions = ["public.conviction", "ledger.conviction"].map(|file| place.read(file));
    assert_eq!(convictions[0], convictions[1]);
    // The newer one must be the log's itself.
    public.signs("newer", |it| other(&mut it.root));
    let led = |from| {
        place
            .run(&["--json", "diff", "old", "newer", "--from", from])
            .ends_with(2)
    };
    assert_eq!(led("public").document()["error"]["code"], "not_recognised");
    assert_eq!(led("ledger").document()["error"]["code"], "equivocation");
}
