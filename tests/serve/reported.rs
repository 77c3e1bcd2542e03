//! The report over HTTP carries what shows when its entries were made, as the command's
//! does.

use std::fs;

use serde_json::Value;

use crate::process::Place;

/// What a report says of itself.
fn about(report: &str) -> Value {
    let (_, rest) = report.split_once("id=\"about\">\n").unwrap();
    serde_json::from_str(rest.lines().next().unwrap()).unwrap()
}

/// What `verify` says of a file under the policy.
fn judged(place: &Place, key: &str, file: &str) -> Value {
    let verify = ["--json", "verify", file, "--as", "report", "--key", key];
    let run = place.run(&[&verify[..], &["--policy", "policy"]].concat());
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn a_report_over_http_carries_the_times_that_the_command_carries() {
    const NAME: &str = "log.example/reported";
    let place = Place::made(&["init", "--post-quantum"]);
    let run = |args: &[&str]| {
        let run = place.run(args);
        assert!(run.status.success(), "{args:?}: {run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    run(&["publish", "--to", "log", "--name", NAME]);
    for n in 0..3 {
        let payload = format!("{{\"correlation_id\":\"order-7\",\"n\":{n}}}");
        run(&["append", "--kind", "note", "--payload", &payload]);
        run(&["seal"]);
    }
    run(&["report", "--correlation", "order-7", "-o", "command.html"]);
    let second = run(&["key", "--vkey", "--post-quantum"]);
    let policy = format!("witness own {}\nquorum own\n", second.trim());
    fs::write(place.path().join("policy"), policy).unwrap();
    let printed: Value = serde_json::from_str(&run(&["--json", "key"])).unwrap();
    let key = printed["log"].as_str().unwrap();

    let process = place.serve(&[]);
    let get = |query: &str| {
        let url = format!("http://{}/v1/report{query}", process.address);
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.build().new_agent();
        let mut answer = agent.get(url).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), text)
    };
    let (status, report) = get("?correlation=order-7");
    assert_eq!(status, 200, "{report}");
    let command = fs::read_to_string(place.path().join("command.html")).unwrap();
    assert_eq!(about(&report), about(&command));
    assert!(about(&report)["times"]["holding"].is_array());
    fs::write(place.path().join("http.html"), &report).unwrap();
    let said = judged(&place, key, "http.html");
    assert_eq!(said["verdict"], "pass", "{said}");
    let each = said["witnessed"]["each"].as_array().unwrap();
    assert_eq!(each.len(), 3);
    for one in each {
        for shown in ["not_earlier", "not_later", "post_quantum"] {
            assert_eq!(one[shown]["witnesses"][0], "own", "{shown} of {one}");
        }
    }
    assert_eq!(get("?correlation=order-7&times=carried").1, report);
    // Who wants none of it says so.
    let (status, bare) = get("?correlation=order-7&times=none");
    assert_eq!(status, 200, "{bare}");
    assert!(about(&bare).get("times").is_none());
    fs::write(place.path().join("bare.html"), bare).unwrap();
    let said = judged(&place, key, "bare.html");
    assert_eq!(said["faults"][0]["code"], "quorum_missing");
    let (status, refused) = get("?correlation=order-7&times=all");
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((status, &refused["code"]), (400, &Value::from("bad_input")));
    assert_eq!(get("?correlation=nobody").0, 404);
    process.end();
}
