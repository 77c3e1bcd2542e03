//! A real S3 server, and one behind a network that loses, delays and repeats.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::json;

use crate::commands::{Run, Site};
use crate::skipped::skipped;
use gateway::Gateway;
use proxy::{Fault, Proxy};

#[path = "../../tools/campaigns/bucket/gateway.rs"]
pub(crate) mod gateway;
#[path = "../../tools/campaigns/bucket/proxy.rs"]
pub(crate) mod proxy;

/// Where programs of others are built into.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools")
}

fn gateway() -> Option<Gateway> {
    static BUILDING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_builds = BUILDING.lock().unwrap();
    let started = Gateway::start(&tools());
    let gateway = started
        .map_err(|why| skipped(&format!("no S3 server: {why}")))
        .ok()?;
    gateway.make("logs").unwrap();
    Some(gateway)
}

/// One that keeps versions.
pub(crate) fn versioned() -> Option<Gateway> {
    Gateway::versioned(&tools(), "logs")
        .map_err(|why| skipped(&format!("no S3 server with versions: {why}")))
        .ok()
}

/// One with a bucket whose objects can be locked.
pub(crate) fn locking() -> Option<Gateway> {
    Gateway::locking(&tools(), "logs")
        .map_err(|why| skipped(&format!("no S3 server with object lock: {why}")))
        .ok()
}

fn site(at: std::net::SocketAddr) -> Site {
    Site::at("s3://logs/one".to_owned(), Gateway::environment(at))
}

/// Machines with a bucket on a server, which ends with what is given beside them.
pub(crate) fn on_a_server() -> Option<(Site, Gateway)> {
    let gateway = gateway()?;
    Some((site(gateway.address), gateway))
}

#[test]
fn a_real_server_holds_the_condition_and_a_log() {
    let Some(gateway) = gateway() else { return };
    let site = site(gateway.address);
    site.run("a", &["bucket", "check", "s3://logs/one"]).ok();
    site.init();
    for n in 0..5 {
        site.append("a", n);
    }
    site.run("a", &["seal"]).ok();
    site.append("a", 5);
    site.lose("a");
    let report = site.run("b", &["verify", "--json"]).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &7.into())
    );
}

#[test]
fn wrong_credentials_and_names_are_said() {
    let Some(gateway) = gateway() else { return };
    let mut environment = Gateway::environment(gateway.address);
    let secret = environment
        .iter_mut()
        .find(|(name, _)| name == "AWS_SECRET_ACCESS_KEY");
    secret.unwrap().1 = "another".to_owned();
    let stranger = Site::at("s3://logs/one".to_owned(), environment);
    let run = stranger.run("a", &["bucket", "check", "s3://logs/one", "--json"]);
    let run = run.refused("bucket_failed");
    assert!(run.stderr.contains("SignatureDoesNotMatch"), "{run:?}");
    let other = Site::at(
        "s3://none/one".to_owned(),
        Gateway::environment(gateway.address),
    );
    let run = other.run("a", &["bucket", "check", "s3://none/one", "--json"]);
    let run = run.refused("bucket_failed");
    assert!(run.stderr.contains("NoSuchBucket"), "{run:?}");
}

#[test]
fn a_clock_that_is_wrong_is_said() {
    let Some(gateway) = gateway() else { return };
    let have = Command::new("faketime").arg("--version").output();
    if !have.is_ok_and(|output| output.status.success()) {
        return skipped("no faketime to set a clock wrong with");
    }
    let mut command = Command::new("faketime");
    command
        .args([
            "-f",
            "+2h",
            env!("CARGO_BIN_EXE_sealbook"),
            "bucket",
            "check",
            "s3://logs/one",
        ])
        .envs(Gateway::environment(gateway.address));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("RequestTimeTooSkewed"), "{said}");
}

#[test]
fn through_a_network_that_loses_every_seventh_answer_nothing_is_lost_or_twice() {
    let Some(gateway) = gateway() else { return };
    let proxy = Proxy::start(gateway.address, |number, _| match number % 21 {
        3 | 10 => Fault::Lost,
        7 => Fault::Refused,
        13 => Fault::Twice,
        17 => Fault::Late(40),
        19 => Fault::Afterwards(30),
        _ => Fault::None,
    });
    let proxy = proxy.unwrap();
    let (near, far) = (site(gateway.address), site(proxy.address));
    near.run("a", &["bucket", "check", "s3://logs/one"]).ok();
    far.init();
    let lines: String = (0..40)
        .map(|n| format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}\n"))
        .collect();
    std::fs::write(far.path("lines"), lines).unwrap();
    for _ in 0..6 {
        far.run("a", &["append", "--jsonl", "lines"]).ok();
    }
    assert!(proxy.requests() > 40);
    let report = far.run("a", &["verify", "--json"]).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &241.into())
    );
}

#[test]
fn writers_beside_each_other_leave_one_log_with_all_that_was_acknowledged() {
    let Some(gateway) = gateway() else { return };
    let site = site(gateway.address);
    site.init();
    let machines = ["a", "b", "c"];
    for machine in &machines[1..] {
        let first = [
            "append",
            "--kind",
            "note",
            "--payload",
            "{}",
            "--accept-bucket-head",
        ];
        site.run(machine, &first).ok();
    }
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let writers = machines.map(|machine| {
            let site = &site;
            scope.spawn(move || {
                let payload = format!("{{\"by\":\"{machine}\"}}");
                let append = ["append", "--kind", "note", "--payload", &payload, "--json"];
                let runs = (0..8).map(|_| site.run(machine, &append));
                let done = runs.filter(|run| match run.status {
                    0 => true,
                    // It lost its place, or the server did not say whether it did.
                    _ => {
                        let code = &run.document()["error"]["code"];
                        assert!(code == "fenced" || code == "bucket_failed", "{run:?}");
                        false
                    }
                });
                done.map(|run| run.stdout).collect::<Vec<_>>()
            })
        });
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    assert!(!acknowledged.is_empty());
    std::fs::write(site.path("receipts"), acknowledged.concat()).unwrap();
    let verify = ["verify", "--receipts", "receipts", "--json"];
    let report = site.run("a", &verify).ok().document();
    assert_eq!(report["verdict"], "pass");
    assert!(report["entries"].as_u64().unwrap() >= acknowledged.len() as u64);
}

/// The documents of `bucket check`, where the answer to each request with this in its
/// first line has that header besides.
fn checked_with(gateway: &Gateway, part: &'static [&'static str], header: &'static str) -> Run {
    let proxy = Proxy::start(gateway.address, move |_, line| {
        match line.starts_with("HEAD ") && part.iter().any(|part| line.contains(part)) {
            true => Fault::Said(header),
            false => Fault::None,
        }
    });
    let far = site(proxy.unwrap().address);
    far.run("a", &["bucket", "check", "s3://logs/one", "--json"])
}

const HELD: &str = "x-amz-object-lock-mode: COMPLIANCE";

#[test]
fn a_retention_is_recommended_on_the_record_and_an_error_on_what_is_to_be_erased() {
    let Some(gateway) = gateway() else { return };
    let near = site(gateway.address);
    let check = ["bucket", "check", "s3://logs/one", "--json"];
    let first = near.run("a", &check).ok().document();
    let nothing = json!({"asked": true, "wal": null, "epoch": null, "versions": false});
    assert_eq!(first["retention"], nothing);
    near.init();
    near.append("a", 0);
    near.run("a", &["seal"]).ok();
    let free = near.run("a", &check).ok().document();
    let none = json!({"asked": true, "wal": false, "epoch": false, "versions": false});
    assert_eq!(free["retention"], none);
    let said = near.run("a", &check[..3]).ok().stdout;
    assert!(said.contains("wal/ is not held: recommended"), "{said}");
    let held = checked_with(&gateway, &["/wal/", "/epoch/"], HELD)
        .ok()
        .document();
    assert_eq!(
        (&held["retention"]["wal"], &held["retention"]["epoch"]),
        (&true.into(), &true.into())
    );
    let half = checked_with(&gateway, &["epoch/0.header"], HELD)
        .ok()
        .document();
    assert_eq!(half["retention"]["epoch"], false);
    // Something to be erased lies there, and is held.
    gateway
        .put("logs", &format!("one/log/{}/open/0", near.genesis()), b"x")
        .unwrap();
    near.run("a", &check).ok();
    let refused = checked_with(&gateway, &["/open/"], HELD).refused("bucket_unfit");
    assert!(refused.stderr.contains("open/0 is held"), "{refused:?}");
    let legal = checked_with(&gateway, &["/open/"], "x-amz-object-lock-legal-hold: ON");
    legal.refused("bucket_unfit");
    let released = "x-amz-object-lock-legal-hold: OFF";
    checked_with(&gateway, &["/open/"], released).ok();
    // So is whatever is made in this bucket.
    let all = checked_with(&gateway, &["/check/"], HELD).refused("bucket_unfit");
    assert!(all.stderr.contains("would stay"), "{all:?}");
    let kept = checked_with(&gateway, &["/check/"], "x-amz-version-id: 3f")
        .ok()
        .document();
    assert_eq!(kept["retention"]["versions"], true);
}
