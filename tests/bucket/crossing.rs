//! A case that crosses the logs of a bucket: a bundle of each, one custody, one report.

use std::fs;

use serde_json::{Value, json};

use crate::commands::{Run, Site};
use crate::fleet::{Hall, codes, fleet, of, scene};

/// Asks all logs of the bucket for a case.
pub(crate) fn query(site: &Site, case: &str, more: &[&str]) -> Run {
    let url = site.url();
    let args = ["fleet", "query", url, "--correlation", case, "--json"];
    fleet(site, &[&args, more].concat())
}

#[test]
fn a_case_that_crosses_halls_is_one_custody_and_a_bundle_of_each_log() {
    let site = Site::new();
    let halls = scene(&site);
    let found = query(&site, "c-1", &["-o", "case"]).ok().document();
    assert_eq!(found["verdict"], "pass", "{found:#}");
    // All that happened, in the order of time, each taken again.
    let timeline = found["timeline"].as_array().unwrap();
    let logs = found["logs"].as_array().unwrap();
    let told: Vec<_> = timeline
        .iter()
        .map(|item| {
            let book = usize::try_from(item["book"].as_u64().unwrap()).unwrap();
            (
                logs[book]["origin"].as_str().unwrap(),
                item["event"].as_str().unwrap(),
                &item["same"],
            )
        })
        .collect();
    let yes = json!(true);
    let expected = [
        ("east", "decided", &yes),
        ("west", "decided", &yes),
        ("east", "decided", &yes),
    ];
    assert_eq!(told, expected, "{found:#}");
    assert_eq!(found["counts"]["decisions"], 3, "{found:#}");
    let mut files: Vec<_> = fs::read_dir(site.path("case"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut expected = [&halls[0], &halls[1]].map(|hall| format!("{}.bundle", hall.genesis));
    expected.sort();
    assert_eq!(files, expected);
    // The bundles are evidence for who has the logs' keys and nothing of the bucket.
    let keys = [
        "--key",
        &halls[0].key,
        "--key",
        &halls[1].key,
        "--allow-unsigned",
    ];
    let args = [&["verify", "case", "--json"], &keys[..]].concat();
    assert_eq!(fleet(&site, &args).ok().document()["passed"], 2);
    let args = [&["replay", "case", "--json"], &keys[..]].concat();
    let replayed = fleet(&site, &args).ok().document();
    assert_eq!(replayed["counts"]["decisions"], 3);
    // Without a case, none is made up; what is there is not written over.
    let none = query(&site, "c-9", &["-o", "none"]);
    assert_eq!(
        (none.status, &none.document()["error"]["code"]),
        (1, &json!("not_found"))
    );
    assert!(!site.path("none").exists());
    query(&site, "c-1", &["-o", "case"]).refused("exists");
}

#[test]
fn a_changed_epoch_of_any_log_fails_the_case_and_is_named() {
    let site = Site::new();
    let halls = scene(&site);
    let bundle = halls[2].object(&site, "epoch/0.bundle.zst");
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&bundle, bytes).unwrap();
    let run = query(&site, "c-1", &["-o", "case"]);
    let found = run.document();
    assert_eq!((run.status, &found["verdict"]), (1, &json!("fail")));
    let south = of(found["logs"].as_array().unwrap(), &halls[2]);
    assert_eq!(codes(south)[0].1, "epoch/0.bundle.zst");
    // What the others have is there all the same.
    assert_eq!(found["timeline"].as_array().unwrap().len(), 3);
}

/// Verifies the report under the keys of these logs, on a machine that has nothing else.
fn judged(site: &Site, file: &str, keys: &[&Hall], more: &[&str]) -> (i32, Value) {
    let mut args = vec!["verify", file, "--as", "report", "--json"];
    args.extend(keys.iter().flat_map(|hall| ["--key", &hall.key]));
    let run = fleet(site, &[&args, more].concat());
    (run.status, run.document())
}

const UNSIGNED: &str = "--allow-unsigned";

/// A case that went through three Halls, and the report of it.
fn crossed(site: &Site) -> [Hall; 3] {
    let halls = scene(site);
    assert_eq!(halls[2].route(site, "beta", "c-1").status, 1);
    halls[2].run(site, &["seal"]).ok();
    let more = ["-o", "case", "--report", "case.html"];
    query(site, "c-1", &more).ok();
    halls
}

fn page(site: &Site) -> String {
    fs::read_to_string(site.path("case.html")).unwrap()
}

/// The report with other contents between the beginning and the end of its block.
fn with_block(site: &Site, name: &str, block: &str) {
    let page = page(site);
    let (before, rest) = page.split_once("id=\"bundle\">\n").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    let page = format!("{before}id=\"bundle\">\n{block}</script>{after}");
    fs::write(site.path(name), page).unwrap();
}

/// The bundles in the report, in their order, as they stand in it.
fn bundles(site: &Site) -> Vec<String> {
    let page = page(site);
    let (_, rest) = page.split_once("id=\"bundle\">\n").unwrap();
    let (block, _) = rest.split_once("</script>").unwrap();
    let mut bundles = vec![String::new()];
    for line in block.split_inclusive('\n') {
        let bundle = bundles.last_mut().unwrap();
        bundle.push_str(line);
        if line.starts_with("{\"bundle\":") {
            bundles.push(String::new());
        }
    }
    assert_eq!(bundles.pop().unwrap(), "");
    bundles
}

fn found_codes(report: &Value) -> Vec<&str> {
    let faults = report["faults"].as_array().unwrap().iter();
    faults
        .map(|fault| fault["code"].as_str().unwrap())
        .collect()
}

fn of_report<'d>(report: &'d Value, hall: &Hall) -> &'d Value {
    let mut logs = report["logs"].as_array().unwrap().iter();
    logs.find(|log| log["genesis"] == hall.genesis).unwrap()
}

#[test]
fn one_report_has_the_evidence_of_every_log_and_judges_each_under_its_own_key() {
    let site = Site::new();
    let halls = crossed(&site);
    let all: Vec<_> = halls.iter().collect();
    let (status, report) = judged(&site, "case.html", &all, &[UNSIGNED]);
    assert_eq!(
        (status, &report["verdict"]),
        (0, &json!("pass")),
        "{report:#}"
    );
    assert_eq!(report["entries"], 4);
    assert_eq!(report["log"], Value::Null);
    let entries = |hall| of_report(&report, hall)["entries"].as_u64().unwrap();
    assert_eq!(halls.each_ref().map(entries), [2, 1, 1]);
    for hall in &halls {
        let log = of_report(&report, hall);
        assert_eq!(
            (&log["log"], &log["verdict"]),
            (&json!(hall.key), &json!("pass"))
        );
    }
    // Nobody signed which entries are here.
    let (status, report) = judged(&site, "case.html", &all, &[]);
    assert_eq!(status, 1);
    assert_eq!(found_codes(&report), ["bundle_unsigned"; 3], "{report:#}");
    // The key of two logs is no key of the third.
    let (status, report) = judged(&site, "case.html", &all[..2], &[UNSIGNED]);
    assert_eq!(status, 1);
    assert_eq!(of_report(&report, all[2])["verdict"], "fail");
    assert_eq!(report["faults"][0]["code"], "untrusted_key", "{report:#}");
    for hall in &all[..2] {
        assert_eq!(of_report(&report, hall)["verdict"], "pass");
    }
    // What was judged as one has no times of one.
    fs::write(site.path("policy"), "quorum none\n").unwrap();
    let policy = [UNSIGNED, "--policy", "policy"];
    let run = ["verify", "case.html", "--json", "--key", &halls[0].key];
    fleet(&site, &[&run, &policy[..]].concat()).refused("usage");
}

#[test]
fn a_log_of_a_report_that_lies_is_named_and_the_others_stand() {
    let site = Site::new();
    let halls = crossed(&site);
    let all: Vec<_> = halls.iter().collect();
    let whole = bundles(&site);
    assert_eq!(whole.len(), 3);
    let liar = halls
        .iter()
        .find(|hall| whole[1].contains(&hall.genesis))
        .unwrap();
    // What it decided is said to be otherwise.
    let lie = whole[1].replacen("\"c-1\"", "\"c-2\"", 1);
    assert_ne!(lie, whole[1]);
    with_block(
        &site,
        "lie.html",
        &[&whole[0], &lie, &whole[2]].map(String::as_str).concat(),
    );
    let (status, report) = judged(&site, "lie.html", &all, &[UNSIGNED]);
    assert_eq!(status, 1);
    for hall in &halls {
        let verdict = &of_report(&report, hall)["verdict"];
        let lies = hall.genesis == liar.genesis;
        assert_eq!(verdict, if lies { "fail" } else { "pass" }, "{report:#}");
    }
    let text = fs::read_to_string(site.path("lie.html")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    for fault in report["faults"].as_array().unwrap() {
        assert!(
            fault["detail"].as_str().unwrap().starts_with("log 1: "),
            "{fault:#}"
        );
    }
    let changed = report["faults"].as_array().unwrap().iter();
    let mut changed = changed.filter(|fault| fault["code"] == "signature_invalid");
    let line = changed.next().unwrap()["line"].as_u64().unwrap();
    let line = lines[usize::try_from(line).unwrap() - 1];
    assert!(line.contains("\"c-2\""), "{line}");
    // Evidence of another log under the place of this one, or twice, or not at all.
    let refused = |name: &str, block: &[&str], code: &str| {
        with_block(&site, name, &block.concat());
        let (status, report) = judged(&site, name, &all, &[UNSIGNED]);
        assert_eq!(status, 1, "{name}: {report:#}");
        let mut found = report["faults"].as_array().unwrap().iter();
        assert!(
            found.any(|fault| fault["code"] == code),
            "{name}: {report:#}"
        );
    };
    let [one, two, three] = [&whole[0], &whole[1], &whole[2]];
    refused("twice.html", &[one, one, three], "format_mismatch");
    refused("without.html", &[one, three], "format_mismatch");
    refused("none.html", &[], "format_mismatch");
    refused(
        "more.html",
        &[one, two, three, "{\"sealbook\":1}\n"],
        "bundle_corrupt",
    );
    let open = two
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    refused("open.html", &[one, &open, three], "bundle_corrupt");
    let (cut, _) = three.rsplit_once("{\"bundle\":").unwrap();
    refused("cut.html", &[one, two, cut], "truncated");
}

#[test]
fn the_bundles_of_a_report_over_several_logs_are_had_out_of_it() {
    let site = Site::new();
    let halls = crossed(&site);
    let extract = ["report", "--extract", "case.html", "-o", "out"];
    fleet(&site, &extract).ok();
    let mut extracted = Vec::new();
    for number in 0..3 {
        extracted.push(fs::read(site.path(&format!("out/log-{number:03}.bundle"))).unwrap());
    }
    let mut written: Vec<_> = halls
        .iter()
        .map(|hall| fs::read(site.path(&format!("case/{}.bundle", hall.genesis))).unwrap())
        .collect();
    written.sort();
    extracted.sort();
    assert_eq!(extracted, written);
    // What takes the evidence of one log names the way.
    let replay = ["replay", "case.html", "--json", "--allow-unsigned"];
    let refused = fleet(&site, &replay).refused("several_logs");
    assert!(refused.stderr.contains("report --extract"), "{refused:?}");
    // A page of several logs is not written over, unless that is said.
    let again = ["-o", "again", "--report", "case.html"];
    query(&site, "c-1", &again).refused("exists");
    assert!(!site.path("again").exists());
    query(&site, "c-1", &[&again[..], &["--force"]].concat()).ok();
}
