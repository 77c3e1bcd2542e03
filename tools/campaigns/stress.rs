//! Writers, readers, sealing, exporting and verifying at once. The model that
//! judges is what was acknowledged, in order: every receipt is an entry with the
//! same bytes, everyone's receipts ascend, and nothing else is there.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sealbook::audit::audit;
use sealbook::evidence::range::{RangeExport, export_range};
use sealbook::ledger::anchors::Anchor;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::{Report, Verdict};
use sealbook::ledger::json::{Form, Object};
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::kind;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::verify::{Policy, verify};
use sealbook::logbook::clock::SystemClock;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::reading::Reader;
use sealbook::logbook::request::{PreparedEntry, Receipt};
use sealbook::logbook::{Logbook, Parts, entry_at, epoch_at};
use sealbook::store::{RocksStore, Store};
use zeroize::Zeroizing;

use super::random::Random;
use super::tally::Tally;

/// Entries of a bundle at most: an export is to be one of many, not the whole
/// time.
const BUNDLE: u64 = 4_000;

pub(crate) struct Load {
    pub(crate) writers: u64,
    pub(crate) readers: u64,
    pub(crate) time: Duration,
    pub(crate) seed: u64,
}

impl Load {
    pub(crate) const fn full(seconds: u64, seed: u64) -> Load {
        Load {
            writers: 64,
            readers: 16,
            time: Duration::from_secs(seconds),
            seed,
        }
    }
}

/// What all of them share.
struct Scene {
    logbook: Logbook,
    dir: PathBuf,
    mark: MarkFile,
    signer: Arc<SoftwareSigner>,
    /// The model.
    acknowledged: Mutex<Vec<(Receipt, u64)>>,
    over: AtomicBool,
    entries: AtomicU64,
    tally: Mutex<Tally>,
}

pub(crate) fn run(load: &Load) -> Result<Tally, String> {
    let fast = Some(Path::new("/dev/shm")).filter(|fast| fast.is_dir());
    let named = std::env::var_os("CAMPAIGN_DIR").map(PathBuf::from);
    let within = named.or(fast.map(Path::to_owned));
    let temp = tempfile::tempdir_in(within.unwrap_or_else(std::env::temp_dir)).unwrap();
    let scene = Scene::begin(temp.path());
    let mut random = Random::new(load.seed);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let scene = &scene;
        for writer in 0..load.writers {
            let random = random.fork();
            scope.spawn(move || scene.until_over(|| scene.write(writer, random.clone())));
        }
        for reader in 0..load.readers {
            let random = random.fork();
            scope.spawn(move || scene.read(reader, random));
        }
        let (mut export, mut seal) = (random.fork(), random.fork());
        scope.spawn(move || scene.until_over(|| scene.export(&mut export)));
        scope.spawn(move || scene.until_over(|| scene.seal(&mut seal)));
        scope.spawn(move || scene.until_over(|| scene.verify()));
        while begun.elapsed() < load.time {
            std::thread::sleep(Duration::from_millis(20));
        }
        scene.over.store(true, Ordering::Relaxed);
    });
    Ok(scene.end())
}

impl Scene {
    fn begin(temp: &Path) -> Scene {
        let signer = Arc::new(SoftwareSigner::from_seed(&Zeroizing::new([9; 32])));
        let clock = Arc::new(SystemClock::new());
        let beginning = begin(&*signer, &*clock, &Origin::default()).unwrap();
        let (dir, mark) = (temp.join("ledger"), MarkFile::at(temp.join("mark")));
        mark.write(&beginning.mark).unwrap();
        let store = RocksStore::create(&dir, beginning.batch).unwrap();
        let parts = Parts {
            store: Arc::new(store),
            signer: Arc::clone(&signer) as _,
            clock,
            mark: mark.clone(),
        };
        Scene {
            logbook: Logbook::open(parts).unwrap(),
            dir,
            mark,
            signer,
            acknowledged: Mutex::default(),
            over: AtomicBool::new(false),
            entries: AtomicU64::new(0),
            tally: Mutex::default(),
        }
    }

    fn until_over(&self, mut work: impl FnMut()) {
        while !self.over.load(Ordering::Relaxed) {
            work();
        }
    }

    fn count(&self, what: &'static str) {
        self.tally().count(what);
    }

    fn find(&self, what: String) {
        self.tally().find(what);
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acknowledged(&self) -> std::sync::MutexGuard<'_, Vec<(Receipt, u64)>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests of one to six entries, until it is over.
    fn write(&self, writer: u64, mut random: Random) {
        let mut last = None;
        self.until_over(|| {
            let first = self.entries.fetch_add(8, Ordering::Relaxed);
            let entries = (0..1 + random.below(6)).map(|n| {
                let mut payload = Object::new();
                payload.insert("n", first + n);
                payload.insert("writer", writer);
                payload.insert("tenant_id", format!("tenant-{}", writer % 7));
                PreparedEntry::of_caller("note", &payload).unwrap()
            });
            let answer = self
                .logbook
                .submit(entries.collect())
                .and_then(|p| p.wait());
            match answer {
                Err(error) => self.find(format!("writer {writer} is refused: {error}")),
                Ok(receipts) => {
                    let ascends = receipts.is_sorted_by_key(|receipt| receipt.seq)
                        && last < receipts.first().map(|receipt| receipt.seq);
                    if !ascends {
                        self.find(format!("the receipts of writer {writer} do not ascend"));
                    }
                    last = receipts.last().map(|receipt| receipt.seq);
                    let numbered = receipts.into_iter().zip(first..);
                    self.acknowledged().extend(numbered);
                }
            }
        });
    }

    /// Half of them read what the writer has open, half as another process does.
    fn read(&self, reader: u64, mut random: Random) {
        let mut beside =
            (reader % 2 == 1).then(|| Reader::open_beside(&self.dir, &self.mark).unwrap());
        let mut seen = 0;
        self.until_over(|| {
            // Known before it is looked: so it must be there.
            let known = {
                let acknowledged = self.acknowledged();
                let at = random.below(acknowledged.len() as u64);
                acknowledged.get(usize::try_from(at).unwrap_or(0)).cloned()
            };
            let store: &dyn Store = match &mut beside {
                Some(reader) => {
                    if let Err(error) = reader.catch_up() {
                        return self.find(format!("reader {reader:?}: {error}"));
                    }
                    &reader.store
                }
                None => &**self.logbook.store(),
            };
            let count = store.count().unwrap();
            if count < seen {
                self.find(format!("{seen} entries were seen, and then {count}"));
            }
            seen = count;
            if let Some((receipt, _)) = known {
                match entry_at(store, receipt.seq) {
                    Ok(entry) if Receipts::same(&receipt, &entry) => {}
                    Ok(_) => self.find(format!("entry {} has other bytes", receipt.seq)),
                    Err(error) => self.find(format!("entry {} is lost: {error}", receipt.seq)),
                }
            }
            let rows = store.entries(count.saturating_sub(50)..count);
            let read = rows.filter(|row| row.is_ok()).count() as u64;
            if read != count.min(50) {
                self.find(format!("{read} of the last {} entries", count.min(50)));
            }
            self.count("readings");
        });
    }

    fn seal(&self, random: &mut Random) {
        std::thread::sleep(random.within(Duration::from_millis(40)));
        match self.logbook.seal() {
            Ok(Some(_)) => self.count("seals"),
            Ok(None) => {}
            Err(error) => self.find(format!("it does not seal: {error}")),
        }
    }

    /// A range that ends at the head, unsealed tail and all.
    fn export(&self, random: &mut Random) {
        let head = self.logbook.head().unwrap();
        let last = head.content.seq;
        let first = Seq(last.0.saturating_sub(random.below(BUNDLE)));
        let export = RangeExport {
            version: sealbook::ledger::version::Version::default(),
            openings: Default::default(),
            first,
            last,
            head: Some(&head),
            signer: Some(&*self.signer),
            progress: &mut |_| (),
        };
        let (bundle, _) = match export_range(&**self.logbook.store(), Vec::new(), export) {
            Ok(exported) => exported,
            Err(error) => return self.find(format!("it does not export: {error}")),
        };
        let policy = Policy {
            contains: vec![Anchor::of_head(&head)],
            ..trusting(self.signer.public_key())
        };
        let mut source = BundleFile::open(&bundle[..]).unwrap();
        let report = verify(&mut source, &policy, &mut |_| ()).unwrap().report;
        let entries = last.0 - first.0 + 1;
        if report.verdict != Verdict::Pass || report.entries != entries {
            self.find(format!("a bundle of {entries}: {}", words(&report)));
        }
        self.count("bundles verified");
    }

    /// Everything, as a process beside the writer sees it.
    fn verify(&self) {
        let reader = Reader::open_beside(&self.dir, &self.mark).unwrap();
        let policy = trusting(self.signer.public_key());
        let audited = audit(&reader.store, &reader.mark, &policy, &mut |_| ());
        match audited.map(|outcome| outcome.report) {
            Ok(report) if report.verdict == Verdict::Pass => self.count("verifications"),
            Ok(report) => self.find(format!("beside its writer: {}", words(&report))),
            Err(error) => self.find(format!("beside its writer: {error}")),
        }
    }

    /// Closes it, and holds what is there against the model.
    fn end(self) -> Tally {
        let mut tally = self
            .tally
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let acknowledged = self.acknowledged.into_inner();
        let mut model = acknowledged.unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.logbook.close() {
            tally.find(format!("it does not close: {error}"));
        }
        model.sort_by_key(|(receipt, _)| receipt.seq);
        tally.add("entries acknowledged", model.len() as u64);
        let store = RocksStore::open_read_only(&self.dir).unwrap();
        let policy = trusting(self.signer.public_key());
        let report = audit(&store, &self.mark, &policy, &mut |_| ())
            .unwrap()
            .report;
        if report.verdict != Verdict::Pass {
            tally.find(format!("at the end: {}", words(&report)));
        }
        Receipts(&model).judge(&store, &mut tally);
        let epochs = store.last_epoch().unwrap().map_or(0, |last| last.0 + 1);
        let sealed = (0..epochs).map(|n| epoch_at(&store, EpochNumber(n)).unwrap().content);
        let sizes: u64 = sealed.map(|epoch| epoch.tree_size).sum();
        if sizes > report.entries {
            tally.find(format!(
                "epochs of {sizes} entries, {} are there",
                report.entries
            ));
        }
        tally
    }
}

/// The model: receipts in order, each with the number in its payload.
struct Receipts<'m>(&'m [(Receipt, u64)]);

impl Receipts<'_> {
    fn same(receipt: &Receipt, entry: &sealbook::ledger::entry::Entry) -> bool {
        receipt.hash == entry.hash()
            && receipt.signature == entry.signature()
            && receipt.prev_hash == entry.prev_hash()
            && receipt.ts == entry.ts()
    }

    /// Every entry is the next of the model, or the writer's own.
    fn judge(&self, store: &dyn Store, tally: &mut Tally) {
        let mut next = self.0.iter();
        for seq in 0..store.count().unwrap() {
            let entry = entry_at(store, Seq(seq)).unwrap();
            if [kind::OPEN, kind::CLOCK].contains(&entry.kind()) {
                continue;
            }
            let payload = entry.check_payload().unwrap();
            let number = payload.get("n").map(|n| n.canonical(Form::Utf8));
            let expected = next
                .next()
                .map(|(receipt, number)| (receipt, number.to_string()));
            let same = expected.as_ref().is_some_and(|(receipt, expected)| {
                receipt.seq.0 == seq
                    && Self::same(receipt, &entry)
                    && Some(expected) == number.as_ref()
            });
            if !same {
                return tally.find(format!(
                    "entry {seq} is {number:?}, of the model {expected:?}"
                ));
            }
        }
        if let Some((receipt, _)) = next.next() {
            tally.find(format!(
                "entry {} was acknowledged and is lost",
                receipt.seq
            ));
        }
    }
}

fn trusting(key: PublicKey) -> Policy {
    Policy {
        keys: vec![key],
        ..Policy::default()
    }
}

fn words(report: &Report) -> String {
    format!("{} entries, {:?}", report.entries, report.faults)
}
