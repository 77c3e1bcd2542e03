//! Every system call of a small life fails once: EIO, ENOSPC, EINTR, and
//! SIGKILL, at the n-th call of each sort in each thread, for every n at which one
//! has to do with our files. Nothing is acknowledged that was not synced, nothing
//! acknowledged is lost, what goes wrong is said, and the ledger opens and
//! verifies afterwards.

use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use super::place::{Place, codes, copy, remove};
use super::random::Random;
use super::tally::Tally;
use super::traced::{Traced, is_possible, trace};

const FAULTS: [&str; 4] = ["error=EIO", "error=ENOSPC", "error=EINTR", "signal=SIGKILL"];

const RECEIPTS: &str = "receipts";

/// Where the ledger is kept that the cases of a step begin with.
pub(crate) const TEMPLATE: &str = "before";

/// Which cases to try: one of so many, beginning where the seed says.
pub(crate) struct Sample {
    pub(crate) every: u64,
    pub(crate) seed: u64,
    /// The only call to fail, if not all are meant.
    pub(crate) call: Option<String>,
}

/// A command of the life: what it is called, its arguments, its lines.
struct Step {
    name: &'static str,
    args: &'static [&'static str],
    input: &'static str,
    receipts: usize,
}

const LIFE: [Step; 4] = [
    Step {
        name: "init",
        args: &["init"],
        input: "",
        receipts: 0,
    },
    Step {
        name: "append 3",
        args: &["append", "--jsonl", "-"],
        input: "{\"kind\":\"a\",\"payload\":{\"n\":1}}\n{\"kind\":\"a\",\"payload\":{\"n\":2}}\n\
                {\"kind\":\"a\",\"payload\":{\"n\":3}}\n",
        receipts: 3,
    },
    Step {
        name: "seal",
        args: &["seal", "--publish", "public"],
        input: "",
        receipts: 0,
    },
    Step {
        name: "append 2",
        args: &["append", "--jsonl", "-"],
        input: "{\"kind\":\"a\",\"payload\":{\"n\":4}}\n{\"kind\":\"a\",\"payload\":{\"n\":5}}\n",
        receipts: 2,
    },
];

pub(crate) fn run(program: &Path, sample: &Sample, loud: bool) -> Result<Tally, String> {
    is_possible()?;
    let mut tally = Tally::default();
    let mut before = Place::new(program);
    // Drawn, and not counted off: else a sample would meet one fault only.
    let mut random = Random::new(sample.seed);
    for step in &LIFE {
        let after = Place::new(program);
        take(&before, &after);
        let whole = trace(&after, None, step.args, step.input);
        assert_eq!(whole.ran.status, Some(0), "{}: {:?}", step.name, whole.ran);
        let numbers = whole.numbers(&after).into_iter();
        let meant = |call: &String| sample.call.as_ref().is_none_or(|only| only == call);
        for (call, numbers) in numbers.filter(|(call, _)| meant(call)) {
            let faults = numbers.iter().flat_map(|n| {
                let call = &call;
                FAULTS.map(|fault| format!("{call}:{fault}:when={n}"))
            });
            let faults: Vec<_> = faults.filter(|_| random.below(sample.every) == 0).collect();
            // Each in a place of its own, so one beside another.
            let tallies: Vec<_> = faults
                .par_iter()
                .with_max_len(1)
                .map(|fault| case(program, &before, step, fault))
                .collect();
            tallies.into_iter().for_each(|cases| tally.join(cases));
            if loud {
                eprintln!(
                    "syscalls: {}: {call}, {} times: {tally}",
                    step.name,
                    numbers.len()
                );
            }
        }
        keep(&after, &whole.ran.documents(), step);
        // Its own place must be empty, or what is made of it would be known for copies.
        std::fs::rename(after.path("ledger"), after.path(TEMPLATE)).unwrap();
        before = after;
    }
    // Anyone who tries nothing finds nothing.
    let (tried, killed) = (tally.of("SIGKILLs"), tally.of("killed"));
    if killed * 2 < tried {
        tally.find(format!("of {tried} SIGKILLs only {killed} were delivered"));
    }
    Ok(tally)
}

/// What a step begins with.
pub(crate) fn take(before: &Place, place: &Place) {
    copy(before.dir(), place.dir());
    if place.path(TEMPLATE).exists() {
        std::fs::rename(place.path(TEMPLATE), place.path("ledger")).unwrap();
    }
}

/// A step of the life with one fault.
fn case(program: &Path, before: &Place, step: &Step, fault: &str) -> Tally {
    let mut tally = Tally::default();
    let place = Place::new(program);
    take(before, &place);
    let traced = trace(&place, Some(fault), step.args, step.input);
    let judge = Judge {
        place: &place,
        step,
        case: &format!("{}: {fault}", step.name),
        tally: &mut tally,
    };
    judge.judge(&traced);
    tally
}

/// Adds receipts to those that are kept.
fn keep(place: &Place, documents: &[Value], step: &Step) {
    let path = place.path(RECEIPTS);
    let mut lines = std::fs::read_to_string(&path).unwrap_or_default();
    let receipts = documents.iter().filter(|_| step.receipts > 0);
    receipts.for_each(|receipt| lines.push_str(&format!("{receipt}\n")));
    std::fs::write(path, lines).unwrap();
}

struct Judge<'a> {
    place: &'a Place,
    step: &'a Step,
    case: &'a str,
    tally: &'a mut Tally,
}

impl Judge<'_> {
    fn judge(mut self, traced: &Traced) {
        self.tally.count("cases");
        let killed = self.case.contains("SIGKILL");
        self.tally.add("SIGKILLs", u64::from(killed));
        let reached = killed && traced.signal.is_some() || traced.injected().next().is_some();
        if reached {
            self.tally.count("faults that were reached");
        }
        self.how_it_ended(traced, killed);
        self.what_it_acknowledged(traced);
        if self.step.name == "init" && !self.place.path("ledger").exists() {
            self.begin_anew(traced);
        }
        self.what_is_left();
    }

    fn find(&mut self, what: &str) {
        self.tally.find(format!("{}: {what}", self.case));
    }

    fn how_it_ended(&mut self, traced: &Traced, killed: bool) {
        let stderr = &traced.ran.stderr;
        let said = stderr.contains("sealbook: error: ") && !stderr.contains("panicked at");
        // Before `main` the loader speaks; and who cannot write cannot say so.
        let loader = stderr.contains("shared librar") || stderr.contains("shared object");
        let mute = traced
            .injected()
            .any(|(_, call)| call.text.starts_with("write(2<"));
        if traced.hung {
            return self.find("it hangs");
        }
        match (traced.ran.status, traced.signal) {
            (_, Some(9)) if killed => self.tally.count("killed"),
            (_, Some(signal)) => self.find(&format!("it died of signal {signal}: {stderr}")),
            (Some(0), _) => {
                self.tally.count("borne");
                if traced.ran.documents().len() < self.step.receipts {
                    self.find("it says yes, and receipts are missing");
                }
            }
            (Some(127), _) if loader => self.tally.count("not loaded"),
            (Some(1 | 2), _) if said || mute => self.tally.count("refused with an error"),
            (status, _) => self.find(&format!("no clear error: {status:?}: {stderr}")),
        }
    }

    /// After the write-ahead log was not written or synced nothing may be
    /// acknowledged.
    fn what_it_acknowledged(&mut self, traced: &Traced) {
        let receipts: Vec<_> = traced.ran.documents();
        keep(self.place, &receipts, self.step);
        let broken = traced.injected().find(|(_, call)| {
            // Not `ftruncate`: it gives back room that was never written to, of
            // the log before at an opening, of this one at its end.
            let writes = ["write", "pwrite64", "fsync", "fdatasync"];
            writes.contains(&call.name.as_str())
                && call.text.contains(".log>")
                && !call.text.contains("EINTR")
                && !self.case.contains("EINTR")
        });
        let Some((at, _)) = broken else { return };
        self.tally.count("faults in the write-ahead log");
        let printed = |text: &str| text.starts_with("write(1<") && text.contains("\\\"seq\\\"");
        let later = traced.calls.get(at..).unwrap_or_default();
        if later.iter().any(|call| printed(&call.text)) {
            self.find("acknowledged after a write or sync of the log failed");
        }
    }

    /// A ledger that was not made can be made, once what is left over is moved
    /// away as the error says.
    fn begin_anew(&mut self, traced: &Traced) {
        if traced.ran.status == Some(0) {
            return self.find("it says yes, and there is no ledger");
        }
        let again = self.place.run(&["init"]);
        if again.status == Some(2) && again.stderr.contains("exists") {
            self.tally.count("beginnings to be moved away");
            for name in ["ledger.key.pem", "ledger.mark"] {
                remove(&self.place.path(name));
            }
            self.place.must(&["init"]);
        } else if again.status != Some(0) {
            self.find(&format!("it cannot be made again: {}", again.stderr));
        }
    }

    /// It verifies as it lies there, opens, goes on, and verifies again.
    fn what_is_left(&mut self) {
        self.verify("as it was left");
        let line = "{\"kind\":\"b\",\"payload\":{}}\n";
        let ran = self.place.run_with(&["append", "--jsonl", "-"], line);
        if ran.status != Some(0) {
            self.find(&format!("it does not go on: {}", ran.stderr));
        }
        let receipts = ran.documents();
        let next = Step {
            name: "next",
            args: &[],
            input: "",
            receipts: 1,
        };
        keep(self.place, &receipts, &next);
        let ran = self.place.run(&["seal", "--if-any", "--publish", "public"]);
        if ran.status != Some(0) {
            self.find(&format!("it does not seal: {}", ran.stderr));
        }
        self.verify("after going on");
    }

    fn verify(&mut self, when: &str) {
        let mut args = vec!["--json", "verify"];
        if self.place.holds(RECEIPTS) {
            args.extend(["--receipts", RECEIPTS]);
        }
        if self.place.holds("public") {
            args.extend(["--contains", "public"]);
        }
        let ran = self.place.run(&args);
        if ran.status != Some(0) {
            let found = codes(&ran.document());
            self.find(&format!("{when} it fails: {found:?} {}", ran.stderr));
        }
    }
}
