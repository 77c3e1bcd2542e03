//! Logs in a bucket whose headers commit to an index: every machine goes on with it.

use std::fs;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use sealbook::bucket::{BucketError, Objects, of_log, only_log};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::Signer;
use sealbook::ledger::wal::{Says, UnsignedBatch, WalObject, WalPosition};
use sealbook::logbook::init::Origin;
use sealbook::logbook::key_file;
use serde_json::{Value, json};

use crate::commands::{Run, Site, only_folder};
use crate::machine::{Machine, bucket, number, over, signer};

/// An entry of a case, in an epoch of its own.
fn seal(site: &Site, machine: &str, case: &str) {
    let payload = format!(r#"{{"correlation_id":"{case}","tenant_id":"acme"}}"#);
    site.append_with(machine, &payload, &[]).ok();
    site.run(machine, &["seal"]).ok();
}

/// Machine `b`, which has nothing, takes the log over.
fn take_over(site: &Site) {
    let given = ["--accept-bucket-head"];
    site.append_with("b", "{}", &given).ok();
}

/// What the index says of a case, by the whole ledger of a machine and by a file out of it.
fn complete(site: &Site, machine: &str, filter: [&str; 2]) -> Value {
    let verified = site.run(machine, &["verify", "--json"]).ok().document();
    assert_eq!(verified["verdict"], "pass", "{verified:#}");
    let not_checked = verified["not_checked"].as_array().unwrap();
    assert!(!not_checked.contains(&"index".into()), "{verified:#}");
    let key = site.run(machine, &["key"]).ok().stdout;
    let out = site.path("out.bundle").display().to_string();
    let export = ["export", filter[0], filter[1], "-o", &out, "--force"];
    site.run(machine, &export).ok();
    let args = ["verify", "--json", &out, "--key", key.trim()];
    site.run("c", &args).ok().document()["complete"].clone()
}

fn from_bucket(site: &Site) -> Run {
    let key = site.run("a", &["key"]).ok().stdout;
    let args = ["verify", "--json", site.url(), "--key", key.trim()];
    site.run("c", &args)
}

#[test]
fn a_new_log_in_a_bucket_has_an_index_which_another_machine_goes_on_with() {
    let site = Site::initialised();
    for n in 0..7 {
        seal(&site, "a", ["x", "y"][n % 2]);
    }
    let said = json!({"field": "correlation", "value": "x", "entries": 4, "epoch": 6, "seq": 7});
    assert_eq!(complete(&site, "a", ["--correlation", "x"]), said);
    take_over(&site);
    for n in 7..10 {
        seal(&site, "b", ["x", "y"][n % 2]);
    }
    let of_b = complete(&site, "b", ["--correlation", "x"]);
    assert_eq!((&of_b["entries"], &of_b["epoch"]), (&json!(5), &json!(9)));
    // The tenant stands where it stood: the secret key of the index came along.
    assert_eq!(complete(&site, "b", ["--tenant", "acme"])["entries"], 10);
    let out = site.path("none.bundle").display().to_string();
    let absent = ["absent", "--tenant", "zeta", "-o", &out];
    site.run("b", &absent).ok();
    // The first machine reads on what the other one sealed.
    let of_a = complete(&site, "a", ["--correlation", "x"]);
    assert_eq!(of_a, of_b);
    // It has part of an epoch that the other one seals.
    site.append_with("a", "{}", &[]).ok();
    seal(&site, "b", "x");
    assert_eq!(complete(&site, "a", ["--correlation", "x"])["entries"], 6);
    let report = from_bucket(&site).ok().document();
    assert_eq!(
        (&report["verdict"], &report["epochs"]),
        (&json!("pass"), &json!(11))
    );
    assert_eq!(
        report["not_checked"],
        json!(["truncation", "tail_unsigned"])
    );
}

#[test]
fn a_log_that_was_begun_without_an_index_goes_on_with_one_on_every_machine() {
    let site = Site::new();
    let init = ["init", "--key", "keys/log.pem", "--format-version", "1"];
    site.run("a", &init).ok();
    seal(&site, "a", "x");
    let report = from_bucket(&site).ok().document();
    assert_eq!(
        report["not_checked"],
        json!(["truncation", "tail_unsigned"])
    );
    let said = site.run("a", &["upgrade", "--json"]).ok().document();
    assert_eq!(said["since"], 1);
    for case in ["x", "y", "x"] {
        seal(&site, "a", case);
    }
    take_over(&site);
    seal(&site, "b", "x");
    let of_b = complete(&site, "b", ["--correlation", "x"]);
    let said = (&of_b["entries"], &of_b["since"], &of_b["epoch"]);
    assert_eq!(said, (&json!(3), &json!(1), &json!(4)), "{of_b}");
    assert_eq!(complete(&site, "a", ["--correlation", "x"]), of_b);
    let report = from_bucket(&site).ok().document();
    assert_eq!(report["epochs"], 5, "{report:#}");
}

#[test]
fn who_reads_the_bucket_alone_computes_the_index_again() {
    let site = Site::initialised();
    for n in 0..3 {
        seal(&site, "a", ["x", "y"][n % 2]);
    }
    let epochs = only_folder(&site.path("bucket/log")).join("epoch");
    let shown = epochs.join("0.places");
    let kept = fs::read(&shown).unwrap();
    let text = String::from_utf8(kept.clone()).unwrap();
    assert!(
        text.starts_with(r#"{"field":"tenant","placed":""#),
        "{text}"
    );
    let faults = || {
        let report = from_bucket(&site).document();
        let first = &report["faults"][0];
        (first["code"].clone(), first["seq"].clone())
    };
    from_bucket(&site).ok();
    // The first entry of the tenant is one that nothing places.
    fs::remove_file(&shown).unwrap();
    assert_eq!(faults(), (json!("index_invalid"), json!(1)));
    let another = text.replace("\"acme\"", "\"zeta\"");
    for wrong in [another.as_str(), "{}\n", &text[..40]] {
        fs::write(&shown, wrong).unwrap();
        assert_eq!(faults().0, "index_invalid", "{wrong}");
    }
    fs::write(&shown, kept).unwrap();
    from_bucket(&site).ok();
}

#[test]
fn an_index_outlives_pruning_and_a_new_machine_after_it() {
    let site = Site::initialised();
    for n in 0..6 {
        seal(&site, "a", ["x", "y"][n % 2]);
    }
    let before = complete(&site, "a", ["--correlation", "x"]);
    let prune = ["prune", "--keep-local", "0s", "--no-witness", "--yes"];
    site.run("a", &prune).ok();
    assert_eq!(complete(&site, "a", ["--correlation", "x"]), before);
    seal(&site, "a", "x");
    assert_eq!(complete(&site, "a", ["--correlation", "x"])["entries"], 4);
    site.lose("a");
    take_over(&site);
    assert_eq!(complete(&site, "b", ["--correlation", "x"])["entries"], 4);
}

#[test]
fn a_book_that_continues_one_in_a_bucket_has_the_index_that_the_one_before_has() {
    for (version, format) in [("2", 2), ("1", 1)] {
        let site = Site::new();
        let init = ["init", "--key", "keys/log.pem", "--format-version", version];
        site.run("a", &init).ok();
        seal(&site, "a", "x");
        site.run("a", &["rotate", "--key", "keys/next.pem"]).ok();
        let mut command = site.command("a", &["show", "0", "--json"]);
        command.env("SEALBOOK_LEDGER", "a/ledger.2");
        command.env("SEALBOOK_KEY", "keys/next.pem");
        let shown = Run::of(command.output().unwrap()).ok().document();
        assert_eq!(shown["payload"]["format"], format);
    }
}

#[test]
fn a_case_of_a_fleet_is_taken_out_of_logs_with_an_index() {
    let site = Site::initialised();
    seal(&site, "a", "x");
    let log = only_folder(&site.path("bucket/log"));
    assert!(fs::exists(log.join("epoch/0.bundle.zst")).unwrap());
    let out = site.path("case").display().to_string();
    let query = [
        "fleet",
        "query",
        site.url(),
        "--correlation",
        "x",
        "-o",
        &out,
    ];
    site.run("c", &query).ok();
    let key = site.run("a", &["key"]).ok().stdout;
    let args = [
        "verify",
        "--json",
        &out,
        "--allow-unsigned",
        "--key",
        key.trim(),
    ];
    site.run("c", &args).ok();
}

/// A log with an index, of epochs of one entry and an open one, and what is in its bucket.
fn scene() -> (Arc<InMemory>, Machine, Objects) {
    let store = bucket();
    let machine = Machine::of(store.clone());
    machine.create_as(&Origin {
        index: true,
        ..Origin::default()
    });
    let logbook = machine.logbook();
    for n in 0..5 {
        logbook.append("note", &number(n)).unwrap();
        logbook.seal().unwrap().unwrap();
    }
    logbook.append("note", &number(5)).unwrap();
    logbook.close().unwrap();
    let genesis = only_log(&machine.base, None).unwrap();
    let objects = of_log(&machine.base, &genesis);
    (store, machine, objects)
}

fn new_machine(store: &Arc<InMemory>) -> Result<Machine, BucketError> {
    let machine = Machine::of(store.clone());
    machine.restore()?;
    machine.store().map(drop)?;
    Ok(machine)
}

/// Where the objects of the log stand, in its order.
fn places(objects: &Objects) -> Vec<WalPosition> {
    let listed = objects.list("wal").unwrap();
    let keys = listed.iter().map(|one| &one.key);
    let mut places: Vec<_> = keys.filter_map(|key| WalPosition::of_key(key)).collect();
    places.sort_unstable();
    places
}

/// Where the first batch stands that has something.
fn place_of(
    objects: &Objects,
    key: &dyn Signer,
    has: impl Fn(&UnsignedBatch) -> bool,
) -> WalPosition {
    let found = places(objects).into_iter().find(|place| {
        let says = opened(objects, key, *place).says;
        matches!(says, Says::Batch(batch) if has(&batch))
    });
    found.unwrap()
}

fn opened(objects: &Objects, key: &dyn Signer, place: WalPosition) -> WalObject {
    let bytes = objects.read(&place.key()).unwrap().unwrap();
    let opened = WalObject::open(&bytes, place, key.public_key(), None);
    opened.unwrap().0
}

/// Changes a batch, under the log's own signature, and so that what comes after it follows.
fn change(
    objects: &Objects,
    key: &dyn Signer,
    place: WalPosition,
    what: impl Fn(&mut UnsignedBatch),
) {
    let mut object = opened(objects, key, place);
    let Says::Batch(batch) = &mut object.says else {
        panic!("a fence");
    };
    what(batch);
    let (bytes, mut digest) = object.sign(key).unwrap();
    objects.replace(&place.key(), bytes.into()).unwrap();
    for next in places(objects).into_iter().filter(|next| *next > place) {
        let mut object = opened(objects, key, next);
        object.prev = digest;
        let (bytes, own) = object.sign(key).unwrap();
        objects.replace(&next.key(), bytes.into()).unwrap();
        digest = own;
    }
}

#[test]
fn a_new_machine_makes_the_same_bytes_and_seals_the_open_epoch() {
    let (store, first, _) = scene();
    let content = first.content();
    let second = new_machine(&store).unwrap();
    assert!(second.content() == content);
    let logbook = second.logbook();
    logbook.seal().unwrap().unwrap();
    logbook.close().unwrap();
    let content = second.content();
    // The first one has part of that epoch in its cache.
    first.store().map(drop).unwrap();
    assert!(first.content() == content);
}

#[test]
fn a_header_whose_index_is_not_that_of_the_entries_is_not_signed_again() {
    for index in [Some(Hash::of(b"another")), None] {
        let (store, _, objects) = scene();
        let place = place_of(&objects, &*signer(), |batch| {
            let header = batch.epoch.as_ref();
            header.is_some_and(|header| header.epoch.0 == 3)
        });
        change(&objects, &*signer(), place, |batch| {
            let header = batch.epoch.as_mut().unwrap();
            header.index = index;
            header.format = header.format.filter(|_| index.is_some());
        });
        let error = new_machine(&store).map(drop).unwrap_err();
        let BucketError::Header { place: at } = error else {
            panic!("{error}");
        };
        assert_eq!(at, place);
    }
}

#[test]
fn an_index_whose_secret_key_is_not_there_is_named() {
    let (store, _, objects) = scene();
    let place = place_of(&objects, &*signer(), |batch| batch.index_key.is_some());
    assert_eq!(place, WalPosition::FIRST);
    for key in [None, Some([7; 32])] {
        change(&objects, &*signer(), place, |batch| batch.index_key = key);
        let error = new_machine(&store).map(drop).unwrap_err();
        let BucketError::IndexKey { place: at } = error else {
            panic!("{error}");
        };
        assert_eq!(at, place);
    }
}

/// The entry that begins the index is there, and the key that its terms are placed by is not.
#[test]
fn an_upgrade_whose_secret_key_is_not_there_is_named() {
    let site = Site::new();
    let init = ["init", "--key", "keys/log.pem", "--format-version", "1"];
    site.run("a", &init).ok();
    seal(&site, "a", "x");
    site.run("a", &["upgrade"]).ok();
    seal(&site, "a", "x");
    let folder = only_folder(&site.path("bucket/log"));
    let store = LocalFileSystem::new_with_prefix(folder).unwrap();
    let objects = over(Arc::new(store));
    let key = key_file::open(&site.path("keys/log.pem")).unwrap();
    let place = place_of(&objects, &key, |batch| batch.index_key.is_some());
    for secret in [None, Some([7; 32])] {
        change(&objects, &key, place, |batch| batch.index_key = secret);
        let payload = r#"{"n":1}"#;
        let refused = site.append_with("b", payload, &["--accept-bucket-head"]);
        assert_eq!(refused.status, 2, "{refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            said.contains("no object up to it has its secret key"),
            "{said}"
        );
    }
}

#[test]
fn the_secret_key_of_an_index_lies_in_one_object_and_in_no_archive() {
    let site = Site::new();
    let init = ["init", "--key", "keys/log.pem", "--format-version", "1"];
    site.run("a", &init).ok();
    seal(&site, "a", "x");
    site.run("a", &["upgrade"]).ok();
    let wal = only_folder(&site.path("bucket/log")).join("wal");
    let mut with_key = 0;
    for generation in fs::read_dir(wal).unwrap() {
        for object in fs::read_dir(generation.unwrap().path()).unwrap() {
            let text = fs::read_to_string(object.unwrap().path()).unwrap();
            with_key += u32::from(text.contains("\"index_key\":"));
        }
    }
    assert_eq!(with_key, 1);
    // Nothing that is for others has it.
    let epochs = only_folder(&site.path("bucket/log")).join("epoch");
    for object in fs::read_dir(epochs).unwrap() {
        let bytes = fs::read(object.unwrap().path()).unwrap();
        let plain = zstd::decode_all(&bytes[..]).unwrap_or(bytes);
        let text = String::from_utf8(plain).unwrap();
        assert!(!text.contains("index_key"));
    }
}
