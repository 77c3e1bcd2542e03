//! The protocol through every interleaving of two writers: openings, appends, crashes,
//! answers that are lost, requests that arrive late. The machines are those that run
//! against a bucket (`sealbook::bucket::protocol`); the bucket, the callers and the
//! mistakes are here.

use std::collections::{BTreeMap, HashSet, VecDeque};

use sealbook::bucket::protocol::{Answer, Ask, Created, Creation, Kind, Reached, TakeOver, after};
use sealbook::ledger::wal::WalPosition;

/// A rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// An object is written whatever is there.
    Unconditional,
    /// That there is an object is taken for the own one.
    ExistsIsOwn,
    /// An error is taken for nothing written: the place is used for the next batch, and
    /// the caller asks again.
    ErrorIsNothing,
    /// Who took over deletes what it has replayed, fences and all.
    DeletesAll,
    /// The same, but fences stay.
    DeletesBatches,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Object {
    kind: Is,
    /// Whose: an opening of a writer.
    writer: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Is {
    Fence,
    /// A request, and how many were in the log before it.
    Batch(u8, usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Down,
    Opening(TakeOver),
    Ready,
    Putting(Creation, Object),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Writer {
    phase: Phase,
    /// Which opening it is.
    id: u8,
    /// The cache, which outlives a crash: requests, and the next place.
    log: Vec<u8>,
    at: WalPosition,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    bucket: BTreeMap<WalPosition, Object>,
    /// What was deleted after it was replayed, and where it ended.
    archived: Vec<u8>,
    from: WalPosition,
    /// Creations whose senders do not wait for them any more.
    late: Vec<(WalPosition, Object)>,
    writers: [Writer; 2],
    acknowledged: Vec<u8>,
    /// Asked again, since it was said that nothing was written.
    again: Option<u8>,
    openings: u8,
    requests: u8,
    faults: u8,
}

const OPENINGS: u8 = 3;
const REQUESTS: u8 = 2;
const FAULTS: u8 = 2;

impl World {
    fn new() -> World {
        let writer = Writer {
            phase: Phase::Down,
            id: 0,
            log: Vec::new(),
            at: WalPosition::FIRST,
        };
        World {
            bucket: BTreeMap::new(),
            archived: Vec::new(),
            from: WalPosition::FIRST,
            late: Vec::new(),
            writers: [writer.clone(), writer],
            acknowledged: Vec::new(),
            again: None,
            openings: 0,
            requests: 0,
            faults: 0,
        }
    }

    /// The log as who begins from nothing reads it, or why it cannot be read.
    fn chain(&self) -> Result<Vec<u8>, &'static str> {
        let (mut log, mut at) = (self.archived.clone(), self.from);
        while let Some(object) = self.bucket.get(&at) {
            if let Is::Batch(request, before) = object.kind {
                if before != log.len() {
                    return Err("a batch does not follow the one before");
                }
                log.push(request);
            }
            at = after(at, kind(object)).unwrap();
        }
        Ok(log)
    }

    fn fault(&self) -> Option<&'static str> {
        let log = match self.chain() {
            Ok(log) => log,
            Err(fault) => return Some(fault),
        };
        let times = |request: &u8| log.iter().filter(|one| *one == request).count();
        if self.acknowledged.iter().any(|request| times(request) == 0) {
            return Some("an acknowledged entry is missing");
        }
        if log.iter().any(|request| times(request) > 1) {
            return Some("an entry is there twice");
        }
        let forked = |writer: &Writer| !log.starts_with(&writer.log);
        self.writers.iter().any(forked).then_some("a fork")
    }

    fn create(&mut self, place: WalPosition, object: &Object, mistake: Mistake) -> bool {
        let free = !self.bucket.contains_key(&place);
        if free || mistake == Mistake::Unconditional {
            self.bucket.insert(place, object.clone());
        }
        free || mistake == Mistake::Unconditional
    }

    /// Every state that one step leads to.
    fn next(&self, mistake: Mistake) -> Vec<World> {
        let mut worlds = Vec::new();
        for late in 0..self.late.len() {
            let mut world = self.clone();
            let (place, object) = world.late.remove(late);
            world.create(place, &object, mistake);
            worlds.push(world);
        }
        for index in 0..self.writers.len() {
            match &self.writers[index].phase {
                Phase::Down => worlds.extend(self.opened(index)),
                Phase::Ready => {
                    worlds.extend(self.asked_to_append(index));
                    worlds.push(self.crashed(index));
                }
                Phase::Opening(taking) => {
                    let fence = self.fence(index);
                    for (mut world, answer) in self.answers(taking.ask(), &fence, mistake) {
                        world.take_over(index, answer, &fence, mistake);
                        worlds.push(world);
                    }
                    worlds.push(self.crashed(index));
                }
                Phase::Putting(creation, object) => {
                    for (mut world, answer) in self.answers(creation.ask(), object, mistake) {
                        world.put(index, answer, mistake);
                        worlds.push(world);
                    }
                    worlds.push(self.crashed(index));
                }
            }
        }
        worlds
    }

    fn opened(&self, index: usize) -> Option<World> {
        let mut world = self.clone();
        (world.openings < OPENINGS).then_some(())?;
        world.openings += 1;
        let writer = &mut world.writers[index];
        writer.id = world.openings;
        writer.phase = Phase::Opening(TakeOver::from(writer.at));
        Some(world)
    }

    fn asked_to_append(&self, index: usize) -> Option<World> {
        let mut world = self.clone();
        let request = match world.again.take() {
            Some(request) => request,
            None => {
                (world.requests < REQUESTS).then_some(())?;
                world.requests += 1;
                world.requests
            }
        };
        let writer = &mut world.writers[index];
        let object = Object {
            kind: Is::Batch(request, writer.log.len()),
            writer: writer.id,
        };
        writer.phase = Phase::Putting(Creation::at(writer.at), object);
        Some(world)
    }

    fn crashed(&self, index: usize) -> World {
        let mut world = self.clone();
        let writer = &mut world.writers[index];
        (writer.phase, writer.id) = (Phase::Down, 0);
        world
    }

    fn fence(&self, index: usize) -> Object {
        Object {
            kind: Is::Fence,
            writer: self.writers[index].id,
        }
    }

    /// What the network may do with a request.
    fn answers(&self, ask: Ask, own: &Object, mistake: Mistake) -> Vec<(World, Answer<Object>)> {
        let mut answers = Vec::new();
        match ask {
            Ask::Read(place) => {
                let found = self.bucket.get(&place).cloned();
                // Where it cannot be read the writer stops, as after a crash.
                answers.push((self.clone(), found.map_or(Answer::Absent, Answer::Found)));
            }
            Ask::Create(place) => {
                let mut done = self.clone();
                let created = done.create(place, own, mistake);
                let answer = if created {
                    Answer::Created
                } else {
                    Answer::NotCreated
                };
                answers.push((done, answer));
                if let Some(faulty) = self.with_fault() {
                    let mut unanswered = faulty.clone();
                    unanswered.create(place, own, mistake);
                    answers.push((unanswered, Answer::NotCreated));
                    answers.push((faulty.clone(), Answer::NotCreated));
                    let mut late = faulty;
                    late.late.push((place, own.clone()));
                    answers.push((late, Answer::NotCreated));
                }
            }
        }
        answers
    }

    fn with_fault(&self) -> Option<World> {
        let faults = self.faults + 1;
        (faults <= FAULTS).then(|| World {
            faults,
            ..self.clone()
        })
    }

    fn take_over(
        &mut self,
        index: usize,
        answer: Answer<Object>,
        fence: &Object,
        mistake: Mistake,
    ) {
        let writer = &mut self.writers[index];
        let Phase::Opening(taking) = &mut writer.phase else {
            return;
        };
        let answer = believed(answer, fence, mistake);
        match taking.take(answer, |found| found == fence) {
            None => {}
            Some(Reached::Taken(next)) => {
                writer.at = next;
                writer.phase = Phase::Ready;
                self.delete(index, mistake);
            }
            Some(Reached::Unknown) => writer.phase = Phase::Down,
            Some(Reached::Replay(place, object)) => {
                match object.kind {
                    Is::Batch(request, before) if before == writer.log.len() => {
                        writer.log.push(request);
                    }
                    Is::Fence => {}
                    // It does not follow: nothing is signed on it.
                    Is::Batch(..) => {
                        writer.phase = Phase::Down;
                        return;
                    }
                }
                writer.at = after(place, kind(&object)).unwrap();
                writer.phase = Phase::Opening(TakeOver::from(writer.at));
            }
        }
    }

    fn put(&mut self, index: usize, answer: Answer<Object>, mistake: Mistake) {
        let writer = &mut self.writers[index];
        let Phase::Putting(creation, object) = &mut writer.phase else {
            return;
        };
        let Is::Batch(request, _) = object.kind else {
            return;
        };
        if mistake == Mistake::ErrorIsNothing && answer == Answer::NotCreated {
            writer.at = writer.at.next().unwrap();
            writer.phase = Phase::Ready;
            self.again = Some(request);
            return;
        }
        let answer = believed(answer, object, mistake);
        let own = object.clone();
        match creation.take(answer, |found| *found == own) {
            None => {}
            Some(Created::Own) => {
                writer.log.push(request);
                writer.at = writer.at.next().unwrap();
                writer.phase = Phase::Ready;
                self.acknowledged.push(request);
            }
            Some(Created::Other(_) | Created::Unknown) => writer.phase = Phase::Down,
        }
    }

    /// The two rules for deleting that look sound.
    fn delete(&mut self, index: usize, mistake: Mistake) {
        let writer = &self.writers[index];
        let (at, log) = (writer.at, writer.log.clone());
        match mistake {
            Mistake::DeletesAll => self.bucket.retain(|place, _| place.n >= at.n),
            Mistake::DeletesBatches => {
                let keep = |place: &WalPosition, object: &mut Object| {
                    place.n >= at.n || object.kind == Is::Fence
                };
                self.bucket.retain(keep);
            }
            _ => return,
        }
        self.archived = log;
        self.from = at;
    }
}

/// What a writer makes of an answer that it does not look behind.
fn believed(answer: Answer<Object>, own: &Object, mistake: Mistake) -> Answer<Object> {
    match (mistake, answer) {
        (Mistake::ExistsIsOwn, Answer::NotCreated) => Answer::Found(own.clone()),
        (_, answer) => answer,
    }
}

fn kind(object: &Object) -> Kind {
    match object.kind {
        Is::Fence => Kind::Fence,
        Is::Batch(..) => Kind::Batch,
    }
}

/// The shortest way to a fault, in steps, and how many states there are.
fn explore(mistake: Mistake) -> (Option<(&'static str, usize)>, usize) {
    let mut seen = HashSet::from([World::new()]);
    let mut queue = VecDeque::from([(World::new(), 0)]);
    while let Some((world, steps)) = queue.pop_front() {
        if let Some(fault) = world.fault() {
            return (Some((fault, steps)), seen.len());
        }
        for next in world.next(mistake) {
            if seen.insert(next.clone()) {
                queue.push_back((next, steps + 1));
            }
        }
    }
    (None, seen.len())
}

#[test]
fn no_interleaving_loses_repeats_or_forks() {
    let (fault, states) = explore(Mistake::None);
    assert_eq!(fault, None);
    assert!(
        states > 10_000,
        "{states} states are too few to say anything"
    );
}

#[test]
fn every_mistake_is_found() {
    for mistake in [
        Mistake::Unconditional,
        Mistake::ExistsIsOwn,
        Mistake::ErrorIsNothing,
        Mistake::DeletesAll,
        Mistake::DeletesBatches,
    ] {
        let (fault, states) = explore(mistake);
        assert!(
            fault.is_some(),
            "{mistake:?} was not found in {states} states"
        );
    }
}
