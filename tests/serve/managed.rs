//! Under a service manager: a configuration file, a socket that is handed over,
//! and what is told back. The unit, the alerts and the dashboard by their own tools.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::answer::{raw, raw_status};
use crate::process::{Place, Process};
use crate::skipped::skipped;

/// What is said of a configuration file, and the exit status.
fn check(place: &Place, text: &str) -> (String, i32) {
    fs::write(place.path().join("serve.toml"), text).unwrap();
    let run = place.run(&["serve", "--config-file", "serve.toml", "--check-config"]);
    let said = String::from_utf8(run.stderr).unwrap();
    (said, run.status.code().unwrap())
}

#[test]
fn a_wrong_configuration_is_named_by_line_and_column() {
    let place = Place::initialised();
    let (said, status) = check(&place, "port = 9000\nregistry-private = false\n");
    assert_eq!(status, 0, "{said}");
    for (text, wanted) in [
        (
            "port = 9000\nprot = 1\n",
            "serve.toml, line 2, column 1: `prot` is not a flag of `serve`",
        ),
        (
            "\n  port = 99999\n",
            "serve.toml, line 2, column 10: invalid value '99999' for '--port <PORT>'",
        ),
        (
            "port = [1, 2]\n",
            "serve.toml, line 1, column 8: `port` takes one value",
        ),
        (
            "host = 1979-05-27\n",
            "serve.toml, line 1, column 8: `host` takes a text",
        ),
        (
            "registry-private = \"yes\"\n",
            "serve.toml, line 1, column 20: `registry-private` is true or false",
        ),
        ("port = \n", "serve.toml, line 1, column "),
        (
            "config-file = \"x\"\n",
            "serve.toml, line 1, column 1: `config-file` is not a flag",
        ),
        ("tls-cert = \"cert.pem\"\n", "--tls-key"),
        (
            "host = \"0.0.0.0\"\n",
            "0.0.0.0:8765 is not a loopback address",
        ),
        ("rules = \"none.json\"\n", "none.json"),
        // Named before it is needed: no checkpoint is published here.
        ("witness-policy = \"none.policy\"\n", "none.policy"),
    ] {
        let (said, status) = check(&place, text);
        assert_eq!(status, 2, "{text}: {said}");
        assert!(said.contains(wanted), "{text}: {said}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let place = Place::initialised();
    fs::write(
        place.path().join("serve.toml"),
        "host = \"127.0.0.9\"\nport = 1\nmax-body = 1\n",
    )
    .unwrap();
    // The port is a flag here, and the host once an environment's.
    let process = place.serve(&["--config-file", "serve.toml"]);
    assert_eq!(process.address.ip().to_string(), "127.0.0.9");
    assert_ne!(process.address.port(), 1);
    drop(process);
    let args = ["serve", "--port", "0", "--min-free", "0"];
    let mut command = place.command(&args);
    command
        .env("HALL_API_HOST", "127.0.0.1")
        .env("SEALBOOK_SERVE_CONFIG", "serve.toml");
    let process = Process::of(command);
    assert_eq!(process.address.ip().to_string(), "127.0.0.1");
    // What only the file says holds.
    let body = format!(
        r#"{{"kind":"k","payload":{{"text":"{}"}}}}"#,
        "x".repeat(2_000)
    );
    let head = "POST /v1/entries HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    let length = body.len();
    let request = format!("{head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    assert_eq!(raw_status(&raw(process.address, request.as_bytes())), 413);
}

#[test]
fn a_socket_is_taken_over_and_the_manager_is_told_when_it_is_served() {
    let place = Place::initialised();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told = place.path().join("notify");
    let manager = UnixDatagram::bind(&told).unwrap();
    // Descriptor 3 is the first that a manager hands over.
    let program = env!("CARGO_BIN_EXE_sealbook");
    let script = format!("exec 3<&0; LISTEN_FDS=1 LISTEN_PID=$$ exec {program} serve --port 1");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path())
        .env("NOTIFY_SOCKET", &told)
        .stdin(OwnedFd::from(listener))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut buffer = [0; 64];
    let length = manager.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"READY=1\n");
    let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(raw_status(&raw(address, request)), 200);
    let pid = child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    let length = manager.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"STOPPING=1\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn tools(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tools")
        .join(name)
}

#[test]
fn the_unit_is_tight_by_systemds_own_measure() {
    let unit = tools("packaging/sealbook.service");
    let run = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--threshold=20"])
        .arg(&unit)
        .output();
    let Ok(run) = run else {
        skipped("there is no systemd-analyze");
        return;
    };
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );
}

/// The figures that the server has, by the names that Prometheus has for them.
fn figures() -> BTreeSet<String> {
    let place = Place::initialised();
    let sink = "name = \"a\"\nto = \"out\"\n";
    fs::write(place.path().join("sink.toml"), sink).unwrap();
    let process = place.serve(&["--sink", "sink.toml"]);
    // A figure with labels is there from its first value on.
    let send = |request: &str| raw(process.address, request.as_bytes());
    let asked = r#"{"capability_id":"cap.a","env":"dev","data_label":"PUBLIC","tenant_risk":"low","qos_class":"P2","tenant_id":"a","correlation_id":"c"}"#;
    let denied = send(&format!(
        "POST /route HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{asked}",
        asked.len()
    ));
    assert_eq!(raw_status(&denied), 200, "{denied}");
    let refused = send("GET /health HTTP/1.1\r\nhost: elsewhere\r\nconnection: close\r\n\r\n");
    assert_eq!(raw_status(&refused), 421);
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let text = raw(process.address, request);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names = BTreeSet::from(["up".to_owned()]);
    for line in types {
        let (name, kind) = line.split_once(' ').unwrap();
        names.insert(match kind {
            "counter" => format!("{name}_total"),
            "histogram" => format!("{name}_bucket"),
            _ => name.to_owned(),
        });
    }
    names
}

/// The names of figures in a query.
fn named(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("sealbook_"))
}

#[test]
fn every_query_of_alerts_and_dashboard_is_sound_and_of_a_figure_that_there_is() {
    let figures = figures();
    let alerts = fs::read_to_string(tools("monitoring/alerts.yml")).unwrap();
    let asked = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let mut queries: Vec<String> = asked.map(str::to_owned).collect();
    assert!(queries.len() >= 8);
    let board = fs::read_to_string(tools("monitoring/dashboard.json")).unwrap();
    let board: Value = serde_json::from_str(&board).unwrap();
    let panels = board["panels"].as_array().unwrap();
    assert!(panels.len() >= 12);
    for target in panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        queries.push(target["expr"].as_str().unwrap().to_owned());
    }
    for query in &queries {
        for name in named(query) {
            assert!(figures.contains(name), "{name} in {query}");
        }
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        skipped("there is no promtool");
        return;
    }
    // A query is looked at as the expression of a rule.
    let dir = tempfile::tempdir().unwrap();
    let mut rules = String::from("groups:\n- name: dashboard\n  rules:\n");
    for (n, query) in queries.iter().enumerate() {
        let query = query
            .replace("$__rate_interval", "5m")
            .replace("$instance", ".*");
        rules += &format!(
            "  - record: query:{n}\n    expr: {}\n",
            serde_json::to_string(&query).unwrap()
        );
    }
    fs::write(dir.path().join("queries.yml"), rules).unwrap();
    for file in [
        tools("monitoring/alerts.yml"),
        dir.path().join("queries.yml"),
    ] {
        let run = Command::new("promtool")
            .args(["check", "rules"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stdout)
        );
    }
}
