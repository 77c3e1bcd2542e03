//! SIGKILL at any point of publishing. After each, whatever checkpoint is there names what
//! is there, every tile is what the entries give, and the next run completes it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sealbook::ledger::note::VerifierKey;
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::{TileSource as _, check_all, prove_growth};
use sealbook::publish::Folder;

use super::place::Place;
use super::random::Random;
use super::tally::Tally;

const NAME: &str = "log.example.com/killed";

/// Runs that are killed before one is let through.
const KILLED_IN_A_ROW: u64 = 5;

struct Campaign {
    place: Place,
    key: VerifierKey,
    random: Random,
    tally: Tally,
    entries: u64,
    /// How long a run lives that nobody kills.
    life: Duration,
    before: Option<CheckpointText>,
}

pub(crate) fn run(program: &Path, kills: u64, seed: u64, loud: bool) -> Result<Tally, String> {
    let mut campaign = Campaign::begin(program, seed);
    while campaign.tally.of("kills") < kills {
        for _ in 0..KILLED_IN_A_ROW {
            campaign.append();
            campaign.strike();
        }
        campaign.complete();
        if loud && campaign.tally.of("completed").is_multiple_of(10) {
            eprintln!("publish: {}", campaign.tally);
        }
    }
    campaign.complete();
    Ok(campaign.tally)
}

impl Campaign {
    fn begin(program: &Path, seed: u64) -> Campaign {
        let place = Place::new(program);
        place.must(&["init"]);
        place.must(&["publish", "--to", "public", "--name", NAME]);
        let key = place.must(&["key", "--vkey"]).stdout;
        let mut campaign = Campaign {
            key: key.trim().parse().unwrap(),
            place,
            random: Random::new(seed),
            tally: Tally::default(),
            entries: 2,
            life: Duration::from_millis(50),
            before: None,
        };
        campaign.append();
        campaign.complete();
        campaign
    }

    /// More entries: a few, or some tiles of them.
    fn append(&mut self) {
        let most = *self.random.one_of(&[3, 40, 300, 1_500]);
        let more = 1 + self.random.below(most);
        let line = |n: u64| format!("{{\"kind\":\"k\",\"payload\":{{\"n\":{n}}}}}\n");
        let lines: String = (self.entries..self.entries + more).map(line).collect();
        let ran = self.place.run_with(&["append", "--jsonl", "-"], &lines);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        self.entries += more;
        if self.random.below(3) == 0 {
            self.place.must(&["seal", "--if-any"]);
        }
    }

    /// Publishes, and is killed; then judges what is there.
    fn strike(&mut self) {
        let mut command = self.place.command(&["publish", "--to", "public"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(self.random.within(self.life));
        // It may have ended by itself.
        let _ended = child.kill();
        let status = child.wait().unwrap();
        match status.signal() {
            Some(_) => self.tally.count("kills"),
            None => self.tally.count("ended before they were killed"),
        }
        self.judge();
    }

    /// Lets a run through, and all that there is must be public then.
    fn complete(&mut self) {
        let begun = Instant::now();
        let ran = self.place.run(&["publish", "--to", "public"]);
        self.life = (self.life + begun.elapsed()) / 2;
        if ran.status != Some(0) {
            self.tally
                .find(format!("it is not gone on with: {}", ran.stderr));
            return;
        }
        let size = self.judge().map(|checkpoint| checkpoint.size);
        if size != Some(self.entries) {
            let entries = self.entries;
            self.tally
                .find(format!("{size:?} of {entries} entries are public"));
        }
        self.tally.count("completed");
    }

    fn judge(&mut self) -> Option<CheckpointText> {
        match self.look() {
            Ok(checkpoint) => {
                self.before = Some(checkpoint.clone());
                self.tally.count("folders read back");
                Some(checkpoint)
            }
            Err(why) => {
                self.tally.find(why);
                None
            }
        }
    }

    /// What a stranger sees: a checkpoint of the log, over what it was before, and every
    /// file that it names.
    fn look(&self) -> Result<CheckpointText, String> {
        let folder = Folder::read_only(&self.place.path("public"));
        let bytes = folder
            .read(Resource::Checkpoint)
            .map_err(|e| e.to_string())?;
        let bytes = bytes.ok_or("there is no checkpoint")?;
        let signed = SignedCheckpoint::parse(&bytes).map_err(|e| e.to_string())?;
        self.key.verify(signed.note()).map_err(|e| e.to_string())?;
        let checkpoint = signed.content();
        check_all(&folder, checkpoint, |_, _| ()).map_err(|e| e.to_string())?;
        if let Some(before) = &self.before {
            prove_growth(&folder, before, checkpoint).map_err(|e| e.to_string())?;
        }
        Ok(checkpoint.clone())
    }
}
