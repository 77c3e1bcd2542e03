//! SIGKILL at random instants of processes that append, seal, export, import,
//! rotate, back up and serve. After each: what was acknowledged is there with the
//! same bytes, nothing is half there, the ledger verifies as it was left, and
//! opens again without help.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::book::Book;
use super::place::{Place, Ran, remove};
use super::random::Random;
use super::served::Unanswered;
use super::tally::Tally;
use super::victims;

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Victim {
    Append,
    Serve,
    Seal,
    Export,
    Import,
    Rotate,
    Backup,
}

/// What is killed how often, in sixteenths.
const DEALT: [Victim; 16] = [
    Victim::Append,
    Victim::Append,
    Victim::Append,
    Victim::Append,
    Victim::Append,
    Victim::Serve,
    Victim::Serve,
    Victim::Serve,
    Victim::Seal,
    Victim::Seal,
    Victim::Export,
    Victim::Export,
    Victim::Import,
    Victim::Import,
    Victim::Rotate,
    Victim::Backup,
];

/// How long a process lives at first sight. It is learnt.
const LIFE: Duration = Duration::from_millis(60);

/// Entries that a book gets before it is rotated for its size.
const LARGE: u64 = 3_000;

pub(crate) struct Campaign {
    pub(crate) place: Place,
    pub(crate) book: Book,
    pub(crate) random: Random,
    pub(crate) tally: Tally,
    /// HTTP requests whose answer never came.
    pub(crate) unanswered: Vec<Unanswered>,
    pub(crate) requests: u64,
    pub(crate) books: u64,
    lives: HashMap<Victim, Duration>,
}

/// A process that was to be killed.
pub(crate) struct Killed {
    /// It ended by itself before.
    pub(crate) too_late: bool,
    pub(crate) ran: Ran,
}

pub(crate) fn run(program: &Path, kills: u64, seed: u64, loud: bool) -> Result<Tally, String> {
    let mut campaign = Campaign::begin(program, seed);
    while campaign.tally.of("kills") < kills {
        let victim = match campaign.book.entries() > LARGE {
            true => Victim::Rotate,
            false => *campaign.random.one_of(&DEALT),
        };
        campaign.strike(victim);
        let done = campaign.tally.of("kills");
        if loud && done.is_multiple_of(50) {
            eprintln!("kill: {}", campaign.tally);
        }
    }
    let acknowledged = campaign.book.acknowledged;
    campaign.tally.add("entries acknowledged", acknowledged);
    Ok(campaign.tally)
}

impl Campaign {
    fn begin(program: &Path, seed: u64) -> Campaign {
        let place = Place::new(program);
        place.must(&["--ledger", "book1", "init"]);
        victims::make_foreign(&place);
        let book = Book::of(&place, "book1");
        let mut campaign = Campaign {
            place,
            book,
            random: Random::new(seed),
            tally: Tally::default(),
            unanswered: Vec::new(),
            requests: 0,
            books: 1,
            lives: HashMap::new(),
        };
        campaign.append_whole(200);
        campaign
    }

    /// Kills one, and judges what is left.
    pub(crate) fn strike(&mut self, victim: Victim) {
        let after = format!("{victim:?} {}", self.tally.of("kills") + 1);
        let killed = match victim {
            Victim::Append => victims::append(self, &after),
            Victim::Serve => super::served::serve(self, &after),
            Victim::Seal => victims::seal(self, &after),
            Victim::Export => victims::export(self, &after),
            Victim::Import => victims::import(self, &after),
            Victim::Rotate => victims::rotate(self, &after),
            Victim::Backup => victims::backup(self, &after),
        };
        self.tally.count(match (killed, victim) {
            (false, _) => "ended before they were killed",
            (true, Victim::Append) => "killed while appending",
            (true, Victim::Serve) => "killed while serving",
            (true, Victim::Seal) => "killed while sealing",
            (true, Victim::Export) => "killed while exporting",
            (true, Victim::Import) => "killed while importing",
            (true, Victim::Rotate) => "killed while rotating",
            (true, Victim::Backup) => "killed while backing up",
        });
        if killed {
            self.tally.count("kills");
        }
        let litter = self.place.names(".");
        let marks = litter.iter().filter(|name| name.contains("mark")).count();
        if marks > usize::try_from(self.books).unwrap_or(0) {
            self.tally
                .find(format!("{after}: temporary files pile up: {litter:?}"));
        }
        if litter.len() > 200 {
            litter
                .iter()
                .for_each(|name| remove(&self.place.path(name)));
        }
    }

    /// Entries by a process that nobody kills.
    pub(crate) fn append_whole(&mut self, count: u64) {
        let mut lines = String::new();
        for _ in 0..count {
            self.requests += 1;
            lines.push_str(&Book::entry(self.requests, 1, self.random.below(300)));
            lines.push('\n');
        }
        let ledger = self.book.ledger.clone();
        let args = ["--ledger", &ledger, "append", "--jsonl", "-"];
        let ran = self.place.run_with(&args, &lines);
        let receipts = ran.documents();
        if ran.status != Some(0) || receipts.len() as u64 != count {
            self.tally
                .find(format!("the next open does not succeed: {}", ran.stderr));
        }
        self.book.acknowledge(&self.place, &receipts);
    }

    /// Whether the ledger opens for writing as it was left.
    pub(crate) fn judge(&mut self, after: &str) -> u64 {
        let entries = self.book.judge(&self.place, after, &mut self.tally);
        self.append_whole(1);
        entries
    }

    /// Runs the program and kills it at a random instant of its life.
    pub(crate) fn kill(&mut self, victim: Victim, args: &[&str]) -> Killed {
        let mut command = self.place.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        self.kill_in_time(victim, child)
    }

    pub(crate) fn kill_in_time(&mut self, victim: Victim, mut child: Child) -> Killed {
        std::thread::sleep(self.instant(victim));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let too_late = output.status.signal().is_none();
        self.learn(victim, too_late);
        Killed {
            too_late,
            ran: Ran::of(output),
        }
    }

    /// When to kill: anywhere in a life as it was so far.
    pub(crate) fn instant(&mut self, victim: Victim) -> Duration {
        let life = self.lives.get(&victim).copied().unwrap_or(LIFE);
        self.random.within(life)
    }

    /// One in eight or so may end before: then the last instants are reached too.
    pub(crate) fn learn(&mut self, victim: Victim, too_late: bool) {
        let life = self.lives.entry(victim).or_insert(LIFE);
        let longer = life.mul_f64(if too_late { 0.85 } else { 1.02 });
        *life = longer.clamp(Duration::from_millis(2), Duration::from_millis(1_500));
    }
}
