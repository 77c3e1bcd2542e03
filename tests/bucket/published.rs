//! The public log beside the record: in a folder, and in a real S3 server.

use std::fs;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::commands::{Run, Site, copy, get, only_folder, serve};
use crate::s3::gateway::Gateway;
use crate::s3::on_a_server;
use crate::s3::proxy::{Fault, Proxy};

const NAME: &str = "log.example/bucket";

/// Appends so many entries.
fn grow(site: &Site, machine: &str, entries: usize) {
    let line = "{\"kind\":\"note\",\"payload\":{\"text\":\"public\"}}\n";
    fs::write(site.path("lines"), line.repeat(entries)).unwrap();
    site.run(machine, &["append", "--jsonl", "lines"]).ok();
}

fn publish(site: &Site, machine: &str) -> Value {
    let args = ["publish", "--name", NAME, "--json"];
    site.run(machine, &args).ok().document()
}

/// What a third party finds, who has the log's key and what the bucket shows.
fn watch(site: &Site, machine: &str) -> Value {
    let vkey = site.run(machine, &["key", "--vkey"]).ok().stdout;
    let policy = format!("log {}\nquorum none\n", vkey.trim());
    fs::write(site.path("policy"), policy).unwrap();
    let watch = ["monitor", site.url(), "--policy", "policy"];
    let watch = [&watch[..], &["--state", "state", "--json"]].concat();
    site.run("none", &watch).ok().document()
}

/// Published, grown over several tiles, sealed in between, published again and watched.
fn grows(site: &Site) {
    grow(site, "a", 300);
    assert_eq!(publish(site, "a")["size"], 302);
    let first = watch(site, "a");
    assert_eq!(
        (&first["size"], &first["checked"]),
        (&302.into(), &302.into())
    );
    site.run("a", &["seal"]).ok();
    grow(site, "a", 700);
    let again = publish(site, "a");
    assert_eq!(
        (&again["size"], &again["added"]),
        (&1002.into(), &700.into())
    );
    let then = watch(site, "a");
    assert_eq!(
        (&then["size"], &then["checked"]),
        (&1002.into(), &1002.into())
    );
    // Nothing new is signed for nothing.
    assert_eq!(publish(site, "a")["changed"], false);
}

#[test]
fn a_log_in_a_folder_bucket_is_published_beside_its_archive() {
    let site = Site::initialised();
    grows(&site);
    let log = only_folder(&site.path("bucket/log"));
    for part in ["wal", "epoch", "public"] {
        assert!(log.join(part).is_dir(), "{part}");
    }
    copy(&log.join("public"), &site.path("copied"));
    let verify = ["verify", "copied", "--policy", "policy", "--json"];
    let report = site.run("b", &verify).ok().document();
    assert_eq!(
        (&report["format"], &report["entries"]),
        (&"tlog_tiles".into(), &1002.into())
    );
    let proof = ["prove", "700", "-o", "proof", "--tlog", site.url()];
    site.run("a", &proof).ok();
    // Of another log in the bucket nothing is published.
    let url = format!("{}/log/{}", site.url(), "0".repeat(64));
    let refused = site.run("a", &["publish", "--to", &url, "--json"]);
    refused.refused("usage");
}

#[test]
fn a_log_on_a_real_server_is_published_beside_its_archive() {
    let Some((site, gateway)) = on_a_server() else {
        return;
    };
    site.init();
    grows(&site);
    let proof = ["prove", "700", "-o", "proof", "--tlog", site.url()];
    site.run("a", &proof).ok();
    // What another machine goes on from, it reads in the bucket.
    site.lose("a");
    let accept = ["append", "--kind", "note", "--payload", "{}"];
    site.run("a", &[&accept[..], &["--accept-bucket-head"]].concat())
        .ok();
    let more = publish(&site, "a");
    assert!(more["size"].as_u64().unwrap() > 1002, "{more}");
    assert_eq!(watch(&site, "a")["size"], more["size"]);
    // Copied out, the files are those of any public log.
    let log = only_folder(&gateway.root().join("data/logs/one/log"));
    copy(&log.join("public"), &site.path("copied"));
    let verify = ["verify", "copied", "--policy", "policy", "--json"];
    let report = site.run("b", &verify).ok().document();
    assert_eq!(report["entries"], more["size"]);
}

/// A way to the server on which the first checkpoint waits for a word.
struct Held {
    proxy: Proxy,
    came: Receiver<()>,
    go: Sender<()>,
}

fn held(gateway: &Gateway) -> Held {
    let ((come, came), (go, gone)) = (channel(), channel::<()>());
    let gate = Arc::new(Mutex::new(Some((come, gone))));
    let proxy = Proxy::start(gateway.address, move |_, line| {
        if line.starts_with("PUT ") && line.contains("/public/checkpoint") {
            let waiting = gate.lock().unwrap().take();
            if let Some((come, gone)) = waiting {
                come.send(()).unwrap();
                let _ = gone.recv();
            }
        }
        Fault::None
    });
    let proxy = proxy.unwrap();
    Held { proxy, came, go }
}

/// A publication that has written all but its checkpoint.
fn begun(site: &Site, held: &Held) -> Child {
    let mut command = site.command("a", &["publish", "--name", NAME, "--json"]);
    let environment = Gateway::environment(held.proxy.address);
    let command = command.envs(environment).stdout(Stdio::piped());
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    held.came.recv().unwrap();
    child
}

fn checkpoint(gateway: &Gateway) -> Option<String> {
    let log = only_folder(&gateway.root().join("data/logs/one/log"));
    fs::read_to_string(log.join("public/checkpoint")).ok()
}

#[test]
fn a_publication_that_was_killed_before_its_checkpoint_is_gone_on_with() {
    let Some((site, gateway)) = on_a_server() else {
        return;
    };
    site.init();
    grow(&site, "a", 300);
    let held = held(&gateway);
    let mut child = begun(&site, &held);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(checkpoint(&gateway), None);
    grow(&site, "a", 1);
    assert_eq!(publish(&site, "a")["size"], 303);
    assert_eq!(watch(&site, "a")["checked"], 303);
}

#[test]
fn a_writer_that_was_fenced_and_publishes_late_does_not_put_the_checkpoint_back() {
    let Some((site, gateway)) = on_a_server() else {
        return;
    };
    site.init();
    grow(&site, "a", 300);
    let held = held(&gateway);
    let late = begun(&site, &held);
    let append = ["append", "--kind", "note", "--payload", "{}"];
    site.run("b", &[&append[..], &["--accept-bucket-head"]].concat())
        .ok();
    let newer = publish(&site, "b");
    held.go.send(()).unwrap();
    let late = Run::of(late.wait_with_output().unwrap());
    let late = late.refused("ledger_locked");
    assert!(
        late.stderr.contains("another process publishes there"),
        "{late:?}"
    );
    let there = checkpoint(&gateway).unwrap();
    assert_eq!(there.lines().nth(1).unwrap(), newer["size"].to_string());
    // What it left behind hinders nobody.
    grow(&site, "b", 600);
    let last = publish(&site, "b");
    assert_eq!(watch(&site, "b")["size"], last["size"]);
}

#[test]
fn a_server_publishes_into_its_bucket_and_serves_what_is_there() {
    let Some((site, _gateway)) = on_a_server() else {
        return;
    };
    site.init();
    let (mut child, address) = serve(
        &site,
        "a",
        &["--publish-to", site.url(), "--publish-name", NAME],
    );
    let asked = publish(&site, "a");
    let size = asked["size"].as_u64().unwrap();
    let there = get(&address, "/log/checkpoint");
    assert_eq!(there.lines().nth(1).unwrap(), size.to_string());
    let elsewhere = ["publish", "--to", "other", "--json"];
    site.run("a", &elsewhere).refused("publishes_elsewhere");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(watch(&site, "a")["size"], size);
}
