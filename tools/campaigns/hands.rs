//! One process serves and others append through its socket, killed at random: what
//! was acknowledged is there, once, and a line that comes again under its key is
//! recorded once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::place::Place;
use super::random::Random;
use super::tally::Tally;

/// The longest that a round lasts.
const ROUND: Duration = Duration::from_millis(1_500);

/// Lines of one round, at most.
const LINES: u64 = 20_000;

/// What was sent and what was acknowledged of it.
#[derive(Default)]
struct Sent {
    /// By the number in the payload: the receipt.
    acknowledged: BTreeMap<u64, Value>,
    /// Lines with a key, to be sent until they are acknowledged.
    unanswered: BTreeSet<u64>,
    /// The next number.
    next: u64,
    /// Lines of one round.
    lines: u64,
}

/// Appends until so many entries are acknowledged.
pub(crate) fn run(program: &Path, entries: u64, seed: u64, loud: bool) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut random = Random::new(seed);
    let place = Place::new(program);
    place.must(&["init"]);
    let mut sent = Sent {
        lines: (entries / 4).clamp(100, LINES),
        ..Sent::default()
    };
    while (sent.acknowledged.len() as u64) < entries && tally.findings().is_empty() {
        let server = random.below(2) == 0;
        round(&place, &mut sent, &mut random, Some(server), &mut tally);
        tally.count("rounds");
        if loud {
            eprintln!("hands: {} acknowledged", sent.acknowledged.len());
        }
    }
    // What is still unanswered comes once more, and nobody is killed.
    while !sent.unanswered.is_empty() && tally.findings().is_empty() {
        round(&place, &mut sent, &mut random, None, &mut tally);
    }
    judge(&place, &sent, &mut tally);
    tally.add("entries acknowledged", sent.acknowledged.len() as u64);
    Ok(tally)
}

/// A server, and a process that appends; one of them is killed, or none.
fn round(
    place: &Place,
    sent: &mut Sent,
    random: &mut Random,
    kills: Option<bool>,
    tally: &mut Tally,
) {
    let mut serve = place.command(&["serve", "--port", "0", "--min-free", "0", "--rate", "0"]);
    let mut server = serve.stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(server.stderr.take().unwrap());
    let Some(log) = until_it_serves(log) else {
        tally.find("the server did not begin".to_owned());
        let _ = server.kill();
        let _ = server.wait();
        return;
    };
    // A log that nobody reads would stop it.
    let reading = std::thread::spawn(move || {
        let mut log = log;
        let _ = std::io::copy(&mut log, &mut std::io::sink());
    });
    let keyed = kills.is_none() || random.below(2) == 0;
    let mut command = place.command(&["append", "--jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut appender = command.stderr(Stdio::piped()).spawn().unwrap();
    let (text, numbers) = lines(sent, keyed, kills.is_none());
    if keyed {
        sent.unanswered.extend(&numbers);
    }
    let mut stdin = appender.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        // It may be gone before it has read everything.
        let _cut = stdin.write_all(text.as_bytes());
    });
    let mut stdout = appender.stdout.take().unwrap();
    let told = std::thread::spawn(move || {
        let mut told = Vec::new();
        let _ = stdout.read_to_end(&mut told);
        String::from_utf8_lossy(&told).into_owned()
    });
    let mut stderr = appender.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said);
        said
    });
    if let Some(kills_server) = kills {
        std::thread::sleep(random.within(ROUND));
        let victim = if kills_server {
            &mut server
        } else {
            &mut appender
        };
        let _ = victim.kill();
        tally.count(if kills_server {
            "servers killed"
        } else {
            "appending processes killed"
        });
    }
    let status = appender.wait().unwrap();
    writing.join().unwrap();
    let (told, said) = (told.join().unwrap(), said.join().unwrap());
    acknowledge(sent, &numbers, &told, tally);
    // It ends well, is killed, or says that the server is gone.
    let fine = status.code().is_none_or(|code| code == 0)
        || kills == Some(true) && said.contains("the server did not answer");
    if !fine {
        tally.find(format!("append ended with {status}: {said}"));
    }
    stop(server);
    reading.join().unwrap();
}

/// In order, unless it was killed before.
fn stop(mut server: Child) {
    if server.try_wait().unwrap().is_none() {
        let pid = server.id().to_string();
        let _ = std::process::Command::new("kill")
            .args(["-s", "TERM", &pid])
            .status();
    }
    let _ = server.wait();
}

fn until_it_serves(mut log: BufReader<ChildStderr>) -> Option<BufReader<ChildStderr>> {
    loop {
        let mut line = String::new();
        if log.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line: Value = serde_json::from_str(&line).ok()?;
        if line["message"] == "serving" {
            return Some(log);
        }
    }
}

/// What is sent in a round, and the numbers of it in order.
fn lines(sent: &mut Sent, keyed: bool, only_unanswered: bool) -> (String, Vec<u64>) {
    let mut numbers: Vec<u64> = match keyed {
        true => sent.unanswered.iter().copied().collect(),
        false => Vec::new(),
    };
    if !only_unanswered {
        numbers.extend(sent.next..sent.next + sent.lines);
        sent.next += sent.lines;
    }
    let line = |number: &u64| match keyed {
        true => format!(
            "{{\"kind\":\"note\",\"payload\":{{\"n\":{number}}},\"idempotency_key\":\"k-{number}\"}}\n"
        ),
        false => format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{number}}}}}\n"),
    };
    (numbers.iter().map(line).collect(), numbers)
}

/// Receipts come in the order of the lines; the last may be cut off.
fn acknowledge(sent: &mut Sent, numbers: &[u64], told: &str, tally: &mut Tally) {
    let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for (line, number) in whole.lines().zip(numbers) {
        let receipt: Value = serde_json::from_str(line).unwrap();
        if let Some(earlier) = sent.acknowledged.insert(*number, receipt.clone())
            && earlier != receipt
        {
            tally.find(format!(
                "{number} has two receipts: {earlier} and {receipt}"
            ));
        }
        sent.unanswered.remove(number);
    }
}

/// What was acknowledged stands where its receipt says, and nothing twice.
fn judge(place: &Place, sent: &Sent, tally: &mut Tally) {
    let verified = place.run(&["verify"]);
    if verified.status != Some(0) {
        tally.find(format!("it does not verify: {}", verified.stdout));
    }
    let log = place.run(&["--json", "log", "--kind", "note"]);
    let mut found: BTreeMap<u64, Vec<(Value, Value)>> = BTreeMap::new();
    for line in log.stdout.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let number = entry["payload"]["n"].as_u64().unwrap();
        let place = (entry["seq"].clone(), entry["signature"].clone());
        found.entry(number).or_default().push(place);
    }
    for (number, places) in &found {
        if places.len() > 1 {
            tally.find(format!("{number} is recorded {} times", places.len()));
        }
    }
    for (number, receipt) in &sent.acknowledged {
        let place = (receipt["seq"].clone(), receipt["signature"].clone());
        if found.get(number).is_none_or(|places| places != &[place]) {
            tally.find(format!("{number} is not where its receipt says: {receipt}"));
        }
    }
}
