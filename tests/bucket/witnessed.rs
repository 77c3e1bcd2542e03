//! A new machine asks the witnesses of the log what they have of it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use sealbook::ledger::note::{Algorithm, VerifierKey};
use sealbook::ledger::sha256::Sha256Digest;

use crate::commands::{Site, copy};
use crate::trusted::{Witness, begin, end_is_known, published, scene};

/// The monitoring side of a witness: what it shows, by path.
struct Shows {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, String>>>,
}

impl Shows {
    fn nothing() -> Shows {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(HashMap::<String, String>::new()));
        let shown = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let _: Vec<_> = lines
                    .map_while(Result::ok)
                    .take_while(|l| !l.is_empty())
                    .collect();
                let path = first.split(' ').nth(1).unwrap();
                let (status, body) = match shown.lock().unwrap().get(path) {
                    Some(body) => ("200 OK", body.clone()),
                    None => ("404 Not Found", String::new()),
                };
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}");
                let answer = format!("{head}\r\nConnection: close\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Shows { address, answers }
    }

    /// From now on it shows this of log.example/a.
    fn shows(&self, checkpoint: &str) {
        let origin = Sha256Digest::of(b"log.example/a");
        let path = format!("/{origin}/checkpoint");
        let mut answers = self.answers.lock().unwrap();
        answers.insert(path, checkpoint.to_owned());
    }
}

/// A policy of two witnesses, of which so many are a quorum.
fn policy(site: &Site, shows: [&Shows; 2], needed: u8) -> String {
    let line = |seed: u8, shows: &Shows| {
        let Witness(signer, name) = Witness::new(seed);
        let algorithm = Algorithm::Cosignature(sealbook::ledger::key::Signer::public_key(&signer));
        let key = VerifierKey::new(name, algorithm);
        format!("witness w{seed} {key} http://{}\n", shows.address)
    };
    let witnesses = line(7, shows[0]) + &line(8, shows[1]);
    let text = format!("{witnesses}group both {needed} w7 w8\nquorum both\n");
    let path = site.path(&format!("asked.{needed}"));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_new_machine_trusts_what_a_quorum_of_witnesses_shows_when_it_asks() {
    let site = scene();
    let (seven, eight) = (Shows::nothing(), Shows::nothing());
    let both = policy(&site, [&seven, &eight], 2);
    let given = ["--bucket-witnesses", &both];
    let unknown = begin(&site, "b", &given).refused("head_unknown");
    assert!(
        unknown.stderr.contains("no public name here"),
        "{unknown:?}"
    );
    let older = Witness::new(7).cosign(&published(&site)).to_string();
    seven.shows(&older);
    site.append("a", 8);
    let checkpoint = published(&site);
    let newer = Witness::new(8).cosign(&checkpoint).to_string();
    // One of two is no quorum, and neither is another's word or the log's alone.
    let alone = begin(&site, "b", &given).refused("head_unknown");
    assert!(
        alone.stderr.contains("w8: it does not know this log"),
        "{alone:?}"
    );
    eight.shows(std::str::from_utf8(&checkpoint).unwrap());
    begin(&site, "b", &given).refused("head_unknown");
    eight.shows(&older);
    begin(&site, "b", &given).refused("head_unknown");
    eight.shows("nothing\n");
    let none = begin(&site, "b", &given).refused("head_unknown");
    assert!(
        none.stderr
            .contains("w8: what it shows is not a checkpoint"),
        "{none:?}"
    );
    eight.shows(&newer);
    begin(&site, "b", &given).ok();
    // It has a mark from then on. Who only reads has one, too.
    site.append("b", 9);
    assert!(!end_is_known(&site, "c", &given));
    let now = published_by(&site, "b");
    for (shows, seed) in [(&seven, 7), (&eight, 8)] {
        shows.shows(&Witness::new(seed).cosign(&now).to_string());
    }
    assert!(end_is_known(&site, "d", &given));
}

/// What machine `b` publishes.
fn published_by(site: &Site, machine: &str) -> Vec<u8> {
    site.run(machine, &["publish", "--to", "after"]).ok();
    fs::read(site.path("after/checkpoint")).unwrap()
}

#[test]
fn a_bucket_that_was_put_back_is_named_by_one_witness_that_saw_more() {
    let site = scene();
    let (seven, eight) = (Shows::nothing(), Shows::nothing());
    let one = policy(&site, [&seven, &eight], 1);
    let checkpoint = published(&site);
    seven.shows(&Witness::new(7).cosign(&checkpoint).to_string());
    copy(&site.path("bucket"), &site.path("older"));
    site.append("a", 8);
    eight.shows(&Witness::new(8).cosign(&published(&site)).to_string());
    fs::remove_dir_all(site.path("bucket")).unwrap();
    fs::rename(site.path("older"), site.path("bucket")).unwrap();
    let given = ["--bucket-witnesses", one.as_str()];
    begin(&site, "b", &given).refused("rollback_detected");
    // Another history of the same key is not that of the witnesses.
    let other = Site::at(site.url().to_owned(), Vec::new());
    fs::remove_dir_all(site.path("a")).unwrap();
    copy(&site.path("keys"), &other.path("keys"));
    let accept = ["--accept-bucket-head"];
    for n in 0..4 {
        let append = begin(&other, "z", if n == 0 { &accept } else { &[] });
        append.ok();
    }
    begin(&site, "c", &given).refused("bucket_forked");
}
