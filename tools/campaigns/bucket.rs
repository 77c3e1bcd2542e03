//! Writers on several machines over one bucket, killed, stopped and robbed of their disk
//! at random: nothing acknowledged is missing, nothing is there twice, nothing forks.
//!
//! Over a real S3 server behind a proxy that loses, delays, repeats and refuses every
//! tenth request, or over a folder. Without Go there is no S3 server: then it cannot be
//! tried, and says so.

pub(crate) mod gateway;
pub(crate) mod proxy;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::{Place, Ran, remove};
use super::random::Random;
use super::tally::Tally;
use gateway::Gateway;
use proxy::{Fault, Proxy};

/// What is run, and how much of it.
pub(crate) struct Plan {
    /// Machines that write at the same time.
    pub(crate) machines: u64,
    pub(crate) seconds: u64,
    /// So often a machine is lost under load, instead of for so many seconds.
    pub(crate) lose: u64,
    /// Over a folder, and not over an S3 server.
    pub(crate) folder: bool,
    pub(crate) seed: u64,
}

/// Entries of one process.
const ENTRIES: u64 = 60;

/// Ends that are right for a writer that meets another one or a bad network.
const EXPECTED: [&str; 4] = ["fenced", "stopped", "bucket_failed", "ledger_locked"];

struct Scene {
    place: Place,
    url: String,
    /// The environment through the bad network.
    far: Vec<(String, String)>,
    /// The environment of who looks at the end.
    near: Vec<(String, String)>,
    receipts: Mutex<Vec<String>>,
    tally: Mutex<Tally>,
    // Held as long as it is needed.
    _gateway: Option<Gateway>,
}

pub(crate) fn run(program: &Path, plan: &Plan) -> Result<Tally, String> {
    let scene = Scene::begin(program, plan)?;
    match plan.lose {
        0 => scene.all_write(plan),
        times => scene.lose(times, plan.seed),
    }
    scene.judge();
    let receipts = scene.receipts.lock().unwrap().len() as u64;
    let mut tally = scene.tally.into_inner().unwrap();
    tally.add("entries acknowledged", receipts);
    Ok(tally)
}

/// What happens to a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    Killed,
    Stopped,
    Lost,
}

impl Scene {
    fn begin(program: &Path, plan: &Plan) -> Result<Scene, String> {
        let place = Place::new(program);
        fs::create_dir(place.path("keys")).unwrap();
        let (url, near, far, gateway) = match plan.folder {
            true => {
                let url = format!("file://{}/bucket", place.dir().display());
                (url, Vec::new(), Vec::new(), None)
            }
            false => {
                let tools = program.with_file_name("tools");
                fs::create_dir_all(&tools).unwrap();
                let gateway = Gateway::start(&tools)?;
                gateway.make("logs").map_err(|error| error.to_string())?;
                let proxy = Proxy::start(gateway.address, faults(plan.seed));
                let proxy = proxy.map_err(|error| error.to_string())?;
                let near = Gateway::environment(gateway.address);
                let far = Gateway::environment(proxy.address);
                ("s3://logs/campaign".to_owned(), near, far, Some(gateway))
            }
        };
        let scene = Scene {
            place,
            url,
            far,
            near,
            receipts: Mutex::default(),
            tally: Mutex::default(),
            _gateway: gateway,
        };
        fs::create_dir(scene.place.path("m0")).unwrap();
        let mut init = scene.command("m0", &["init", "--key", "keys/log.pem"], &scene.near);
        let ran = Ran::of(init.env_remove("SEALBOOK_KEY").output().unwrap());
        match ran.status {
            Some(0) => Ok(scene),
            _ => Err(format!("no log could be made: {}", ran.stderr)),
        }
    }

    fn command(&self, machine: &str, args: &[&str], env: &[(String, String)]) -> Command {
        let mut command = self.place.command(args);
        command
            .env("SEALBOOK_LEDGER", format!("{machine}/ledger"))
            .env("SEALBOOK_BUCKET", &self.url)
            .env("SEALBOOK_KEY", "keys/log.pem")
            .envs(env.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn all_write(&self, plan: &Plan) {
        let until = Instant::now() + Duration::from_secs(plan.seconds);
        let mut random = Random::new(plan.seed);
        thread::scope(|scope| {
            for machine in 0..plan.machines {
                let mut own = random.fork();
                scope.spawn(move || {
                    let mut number = 0;
                    while Instant::now() < until {
                        self.write_once(machine, &mut number, &mut own, None);
                    }
                });
            }
        });
    }

    /// One machine, whose disk is gone again and again while it writes.
    fn lose(&self, times: u64, seed: u64) {
        let (mut random, mut number) = (Random::new(seed), 0);
        for time in 0..times {
            self.write_once(0, &mut number, &mut random, Some(Fate::Lost));
            self.judge_receipts("m0", &format!("lost {time}"), &self.far);
        }
    }

    /// One process that appends, and what happens to it.
    fn write_once(&self, machine: u64, number: &mut u64, random: &mut Random, fate: Option<Fate>) {
        let fate = fate.unwrap_or(match random.below(20) {
            0..6 => Fate::Killed,
            6..11 => Fate::Stopped,
            11 => Fate::Lost,
            _ => Fate::Lives,
        });
        let name = format!("m{machine}");
        fs::create_dir_all(self.place.path(&name)).unwrap();
        let lines: String = (0..ENTRIES)
            .map(|entry| {
                let payload = json!({"by": machine, "n": *number + entry});
                format!("{}\n", json!({"kind": "note", "payload": payload}))
            })
            .collect();
        *number += ENTRIES;
        let input = format!("{name}.jsonl");
        fs::write(self.place.path(&input), lines).unwrap();
        let args = [
            "--json",
            "--accept-bucket-head",
            "append",
            "--jsonl",
            &input,
        ];
        let mut child = self.command(&name, &args, &self.far).spawn().unwrap();
        let moment = random.within(Duration::from_millis(900));
        match fate {
            Fate::Lives => {}
            Fate::Stopped => {
                thread::sleep(moment);
                signal(&child, "STOP");
                thread::sleep(random.within(Duration::from_millis(1_500)));
                signal(&child, "CONT");
            }
            Fate::Killed | Fate::Lost => {
                thread::sleep(moment);
                child.kill().unwrap();
            }
        }
        let ran = Ran::of(child.wait_with_output().unwrap());
        if fate == Fate::Lost {
            remove(&self.place.path(&name));
        }
        self.take(fate, &ran);
    }

    fn take(&self, fate: Fate, ran: &Ran) {
        let documents = ran.documents();
        let (receipts, errors): (Vec<Value>, Vec<Value>) =
            documents.into_iter().partition(|line| line["seq"].is_u64());
        let mut tally = self.tally.lock().unwrap();
        tally.count(match fate {
            Fate::Lives => "processes left alone",
            Fate::Killed => "processes killed",
            Fate::Stopped => "processes stopped and continued",
            Fate::Lost => "machines lost",
        });
        let code = errors
            .iter()
            .find_map(|line| line["error"]["code"].as_str());
        match (ran.status, code) {
            (None | Some(0), _) => {}
            (Some(2), Some("fenced")) => tally.count("writers fenced"),
            (Some(2), Some(code)) if EXPECTED.contains(&code) => tally.count("writers given up"),
            _ => tally.find(format!("a writer ended otherwise: {ran:?}")),
        }
        let lines = receipts.iter().map(ToString::to_string);
        self.receipts.lock().unwrap().extend(lines);
    }

    /// What a new machine finds at the end.
    fn judge(&self) {
        fs::create_dir_all(self.place.path("judge")).unwrap();
        self.judge_receipts("judge", "at the end", &self.near);
        let mut log = self.command("judge", &["log", "--json"], &self.near);
        let entries = Ran::of(log.output().unwrap()).documents();
        let mut seen = HashSet::new();
        let mut tally = self.tally.lock().unwrap();
        for entry in &entries {
            let payload = &entry["payload"];
            let is_note = entry["kind"] == "note";
            if is_note && !seen.insert((payload["by"].as_u64(), payload["n"].as_u64())) {
                tally.find(format!("twice: {payload}"));
            }
        }
        tally.add("entries in the log", entries.len() as u64);
        drop(tally);
        let seal = ["--accept-bucket-head", "seal", "--if-any"];
        let sealed = Ran::of(self.command("judge", &seal, &self.near).output().unwrap());
        let verify = ["verify", "--json", &self.url];
        let straight = Ran::of(self.command("judge", &verify, &self.near).output().unwrap());
        if sealed.status != Some(0) || straight.document()["verdict"] != "pass" {
            let mut tally = self.tally.lock().unwrap();
            tally.find(format!("the archive: {sealed:?} {straight:?}"));
        }
    }

    /// Every receipt so far, held against what this machine reads.
    fn judge_receipts(&self, machine: &str, when: &str, env: &[(String, String)]) {
        let receipts = self.receipts.lock().unwrap().clone();
        let text: String = receipts.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.place.path("receipts"), text).unwrap();
        fs::create_dir_all(self.place.path(machine)).unwrap();
        let args = ["verify", "--json", "--receipts", "receipts"];
        // A network that gives up is not an answer: it is asked again.
        for _ in 0..5 {
            let ran = Ran::of(self.command(machine, &args, env).output().unwrap());
            let report = ran.document();
            if report["error"]["code"] == "bucket_failed" {
                continue;
            }
            if report["verdict"] != "pass" {
                let mut tally = self.tally.lock().unwrap();
                tally.find(format!("{when}: {ran:?}"));
            }
            return;
        }
        let mut tally = self.tally.lock().unwrap();
        tally.find(format!("{when}: it could not be read in five attempts"));
    }
}

/// One request of ten fares badly.
fn faults(seed: u64) -> impl Fn(u64, &str) -> Fault + Send + Sync {
    let random = Arc::new(Mutex::new(Random::new(seed)));
    move |_, _| {
        let mut random = random.lock().unwrap();
        match random.below(50) {
            0 => Fault::Lost,
            1 => Fault::Refused,
            2 => Fault::Late(random.below(300)),
            3 => Fault::Twice,
            4 => Fault::Afterwards(random.below(500)),
            _ => Fault::None,
        }
    }
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    // It may have ended before.
    let _ = Command::new("kill").args(["-s", name, &pid]).status();
}
