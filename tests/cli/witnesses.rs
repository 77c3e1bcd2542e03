//! `publish` under a policy of witnesses, which are in this process, and the times that
//! their cosignatures give.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{self, Algorithm, KeyName, VerifierKey};
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;

use crate::place::Place;
use crate::registry_server::{Received, Server, answer};

const NAME: &str = "log.example/witnessed";

fn name(number: u8) -> KeyName {
    format!("witness.example/{number}").parse().unwrap()
}

fn signer(number: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&[number; 32].into())
}

/// What a witness does with a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Cosign,
    Refuse,
    /// Claims so many entries, and shows nothing.
    Claim(u64),
}

/// A witness that does as it is told.
struct Witness {
    server: Server,
    does: Arc<Mutex<Does>>,
}

impl Witness {
    fn new(number: u8) -> Witness {
        let does = Arc::new(Mutex::new(Does::Cosign));
        let told = Arc::clone(&does);
        let server = Server::new(move |request, stream| {
            let text = match *told.lock().unwrap() {
                Does::Cosign => answer(200, "text/plain", &line(request, number)),
                Does::Refuse => answer(500, "text/plain", ""),
                Does::Claim(_) if request.line.starts_with("GET ") => answer(404, "text/plain", ""),
                Does::Claim(size) => answer(409, "text/x.tlog.size", &format!("{size}\n")),
            };
            let _ = stream.write_all(text.as_bytes());
        });
        Witness { server, does }
    }

    fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }
}

fn line(request: &Received, number: u8) -> String {
    let (_, note) = request.body.split_once("\n\n").unwrap();
    let (text, _) = note.rsplit_once("\n\n").unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let line = note::cosign(&format!("{text}\n"), now, &name(number), &signer(number));
    line.unwrap().to_string()
}

/// A ledger with some entries, three witnesses, and a policy that asks for two.
fn scene() -> (Place, [Witness; 3]) {
    let place = Place::initialised();
    place.append(0..3);
    let witnesses = [1, 2, 3].map(Witness::new);
    let mut text = String::new();
    for (number, witness) in (1..).zip(&witnesses) {
        let key = Algorithm::Cosignature(signer(number).public_key());
        let key = VerifierKey::new(name(number), key);
        text += &format!("witness w{number} {key} {}\n", witness.server.url);
    }
    text += "group three 2 w1 w2 w3\nquorum three\n";
    place.write("policy", text);
    (place, witnesses)
}

const PUBLISH: [&str; 8] = [
    "--json",
    "publish",
    "--to",
    "log",
    "--name",
    NAME,
    "--witness-policy",
    "policy",
];

fn checkpoint(place: &Place) -> SignedCheckpoint {
    SignedCheckpoint::parse(place.read("log/checkpoint").as_bytes()).unwrap()
}

#[test]
fn a_published_checkpoint_has_its_cosignatures_and_they_come_back_into_the_log() {
    let (place, witnesses) = scene();
    let done = place.run(&PUBLISH).ok().document();
    assert_eq!(done["published"], true);
    assert_eq!(done["witnesses"]["quorum"], true);
    assert_eq!(checkpoint(&place).note().signatures().len(), 4);
    let kept = done["witnessed"].as_u64().unwrap();
    let entry = place
        .run(&["--json", "show", &kept.to_string()])
        .ok()
        .document();
    assert_eq!(entry["kind"], "sealbook:witnessed");
    assert_eq!(entry["payload"]["checkpoint"], place.read("log/checkpoint"));
    // Those who published before go on from there; nothing more comes back so soon.
    place.append(3..4);
    witnesses[2].does(Does::Refuse);
    let done = place.run(&PUBLISH).ok().document();
    assert_eq!(done["witnesses"]["quorum"], true);
    assert_eq!(done["witnessed"], Value::Null);
    let fault = done["witnesses"]["witnesses"][2]["fault"].as_str().unwrap();
    assert_eq!(fault, "it answered 500");
    let asked = witnesses[0].server.received();
    let old = asked
        .last()
        .unwrap()
        .body
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(old, format!("old {kept}"));
    // An entry between the two stands between two times; the first has none before it.
    let last = (kept + 1).to_string();
    let shown = place
        .run(&["--json", "show", &last, "--policy", "policy"])
        .ok()
        .document();
    assert_eq!(shown["entry"]["seq"], kept + 1);
    assert_eq!(shown["between"]["not_earlier"]["seq"], kept);
    assert_eq!(shown["between"]["not_later"], Value::Null);
    let shown = place
        .run(&["--json", "show", "1", "--policy", "policy"])
        .ok()
        .document();
    assert_eq!(shown["between"]["not_earlier"], Value::Null);
    let names = shown["between"]["not_later"]["witnesses"]
        .as_array()
        .unwrap();
    assert_eq!(names.len(), 2);
    let verified = place
        .run(&["--json", "verify", "--policy", "policy"])
        .ok()
        .document();
    assert_eq!(verified["verdict"], "pass");
    assert_eq!(verified["witnessed"]["entries"], kept);
    let replayed = place
        .run(&["--json", "replay", "--policy", "policy"])
        .ok()
        .document();
    let items = replayed["timeline"].as_array().unwrap();
    assert!(items.iter().all(|item| item["between"].is_object()));
    place.run(&["show", "1", "--policy", "policy"]).ok();
    place.run(&["verify", "--policy", "policy"]).ok();
}

#[test]
fn without_a_quorum_the_checkpoint_before_stays_if_that_is_asked_for() {
    let (place, witnesses) = scene();
    place.run(&PUBLISH).ok();
    let before = place.read("log/checkpoint");
    place.append(3..4);
    witnesses[0].does(Does::Refuse);
    witnesses[1].does(Does::Refuse);
    let closed = [&PUBLISH[..], &["--witness-fail", "closed"]].concat();
    let done = place.run(&closed).ends_with(1).document();
    assert_eq!(done["published"], false);
    assert_eq!(place.read("log/checkpoint"), before);
    let done = place.run(&PUBLISH).ok().document();
    assert_eq!(done["published"], true);
    assert_eq!(done["witnesses"]["quorum"], false);
    assert_eq!(checkpoint(&place).note().signatures().len(), 2);
}

#[test]
fn one_liar_is_named_and_two_stop_the_log_until_that_is_accepted() {
    let (place, witnesses) = scene();
    place.run(&PUBLISH).ok();
    place.append(3..4);
    witnesses[0].does(Does::Claim(1_000));
    let done = place.run(&PUBLISH).ok().document();
    let fault = done["witnesses"]["witnesses"][0]["fault"].as_str().unwrap();
    assert!(
        fault.starts_with("it claims to have cosigned 1000 entries"),
        "{fault}"
    );
    place.append(4..5);
    witnesses[1].does(Does::Claim(1_001));
    let before = place.read("log/checkpoint");
    for _ in 0..2 {
        let run = place.run(&PUBLISH).ends_with(2);
        assert_eq!(
            run.document()["error"]["code"],
            "rollback_detected",
            "{run:?}"
        );
        assert_eq!(place.read("log/checkpoint"), before);
    }
    // Without witnesses nothing is signed either.
    place.run(&["publish", "--to", "log"]).ends_with(2);
    // The ledger itself goes on.
    place.append(5..6);
    place
        .run(&["accept-rollback", "--reason", "both witnesses lie"])
        .ok();
    witnesses[0].does(Does::Cosign);
    witnesses[1].does(Does::Cosign);
    assert_eq!(
        place.run(&PUBLISH).ok().document()["witnesses"]["quorum"],
        true
    );
    place.run(&["verify", "--policy", "policy"]).ok();
}
