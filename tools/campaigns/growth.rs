//! One entry a process, over and over, with 256 open files: the database has few
//! files at all times, and the time of an append does not grow. The same of a server that
//! is started, told to record one entry, and stopped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::place::{Place, Ran};
use super::tally::Tally;

/// Files that a process may have open.
const OPEN_FILES: u64 = 256;

/// Files that a database may have.
const MOST_FILES: usize = 100;

/// Appends whose median time is compared.
const COMPARED: u64 = 100;

pub(crate) fn run(program: &Path, appends: u64, loud: bool) -> Result<Tally, String> {
    repeat(program, ("appends", appends), loud, |place, number| {
        let ran = append(place, program, number);
        match ran.status {
            Some(0) => Ok(()),
            Some(_) => Err(ran.stderr),
            None => Err("a signal ended it".to_owned()),
        }
    })
}

pub(crate) fn restarts(program: &Path, restarts: u64, loud: bool) -> Result<Tally, String> {
    let once = |place: &Place, number| served(place, program, number);
    repeat(program, ("restarts", restarts), loud, once)
}

fn repeat(
    program: &Path,
    (what, times): (&'static str, u64),
    loud: bool,
    once: impl Fn(&Place, u64) -> Result<(), String>,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let begun = || {
        let place = Place::new(program);
        place.must(&["init"]);
        place
    };
    let place = begun();
    let mut most = 0;
    for number in 0..times {
        if let Err(why) = once(&place, number) {
            tally.find(format!("{what} {number}: {why}"));
            return Ok(tally);
        }
        tally.count(what);
        let files = std::fs::read_dir(place.path("ledger/db")).unwrap().count();
        if files > MOST_FILES && files > most {
            tally.find(format!("after {what} {number}: {files} files"));
        }
        most = most.max(files);
        if loud && number % 1_000 == 999 {
            eprintln!("growth: {} {what}, at most {most} files", number + 1);
        }
    }
    // In turn, so that whatever else the machine does is felt by both.
    let fresh = begun();
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for number in 0..COMPARED.min(times) {
        for (place, number, spent) in [
            (&fresh, number, &mut small),
            (&place, times + number, &mut large),
        ] {
            let begun = Instant::now();
            once(place, number)?;
            spent.push(begun.elapsed());
        }
    }
    let (small, large) = (median(small), median(large));
    eprintln!("growth: one of the {what} takes {small:?} on a new ledger, {large:?} on this one");
    if large > small * 2 {
        tally.find(format!(
            "one of the {what} takes {small:?} on a new ledger, and {large:?} after {times}"
        ));
    }
    if place.run(&["verify"]).status != Some(0) {
        tally.find("it does not verify".to_owned());
    }
    Ok(tally)
}

/// Of a process that may open few files, whatever this one may.
fn append(place: &Place, program: &Path, number: u64) -> Ran {
    let payload = payload(number);
    let args = ["append", "--kind", "k", "--payload", &payload];
    Ran::of(command(place, program, &args).output().unwrap())
}

fn payload(number: u64) -> String {
    format!("{{\"correlation_id\":\"c-{number}\",\"n\":{number},\"tenant_id\":\"t\"}}")
}

fn command(place: &Place, program: &Path, args: &[&str]) -> Command {
    let limited = format!("ulimit -n {OPEN_FILES} && exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, "sh"]).arg(program).args(args);
    command.current_dir(place.dir());
    command
}

/// A server that is started, records one entry, and is told to stop.
fn served(place: &Place, program: &Path, number: u64) -> Result<(), String> {
    let args = ["serve", "--port", "0", "--min-free", "0"];
    let mut command = command(place, program, &args);
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    let address = loop {
        let mut line = String::new();
        if log
            .read_line(&mut line)
            .map_err(|error| error.to_string())?
            == 0
        {
            return Err(told);
        }
        if let Some((_, rest)) = line.split_once("\"address\":\"") {
            break rest.split('"').next().unwrap_or_default().to_owned();
        }
        told.push_str(&line);
    };
    let rest = std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    let answered = ask(&address, number);
    let stopped = Command::new("kill").arg(child.id().to_string()).status();
    let ended = child.wait().map_err(|error| error.to_string())?;
    rest.join().ok();
    match (answered?, stopped, ended.code()) {
        (answer, ..) if !answer.starts_with("HTTP/1.1 201") => Err(answer),
        (_, Ok(_), Some(0)) => Ok(()),
        (_, _, code) => Err(format!("it ended with {code:?}")),
    }
}

fn ask(address: &str, number: u64) -> Result<String, String> {
    let body = format!("{{\"kind\":\"k\",\"payload\":{}}}", payload(number));
    let head = format!(
        "POST /v1/entries HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut answer = String::new();
    TcpStream::connect(address)
        .and_then(|mut stream| {
            stream.write_all((head + &body).as_bytes())?;
            stream.read_to_string(&mut answer)
        })
        .map_err(|error| error.to_string())?;
    Ok(answer)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
