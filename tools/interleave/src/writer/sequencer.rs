//! `sequencer.rs`: numbers what is asked for, and cuts it where hours end.

use std::sync::{Arc, Mutex as Plain};

use super::{Entry, Id, Refused, Reply, Work};

pub struct Sequencer {
    chain: Chain,
    /// The clock, which only goes on.
    hour: Arc<Plain<u32>>,
}

#[derive(Clone, Default)]
pub struct Chain {
    next: u64,
    /// The hour of the open epoch.
    open: Option<u32>,
}

/// Entries that have their places and not their signatures.
#[derive(Default)]
pub struct Chained {
    pub drafts: Vec<Entry>,
    pub asked: Asked,
}

/// Who asked for them.
#[derive(Default)]
pub struct Asked {
    /// Requests, with the index one past their last draft.
    replies: Vec<(Reply, usize)>,
    seals: Vec<usize>,
}

impl Sequencer {
    pub fn new(hour: Arc<Plain<u32>>) -> Sequencer {
        Sequencer {
            chain: Chain::default(),
            hour,
        }
    }

    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    pub fn go_back_to_end(&mut self, (next, open): (u64, Option<u32>)) {
        self.chain = Chain { next, open };
    }

    pub fn go_back(&mut self, chain: Chain) {
        self.chain = chain;
    }

    pub fn append(&mut self, ids: Vec<Id>, reply: Reply) -> Chained {
        let mut chained = Chained::default();
        for id in ids {
            let hour = *self.hour.lock().unwrap();
            if self.chain.open.is_some_and(|open| open != hour) {
                self.chain.open = None;
                chained.asked.seals.push(chained.drafts.len());
            }
            self.chain.open = Some(hour);
            chained.drafts.push(Entry {
                seq: self.chain.next,
                id,
                hour,
            });
            self.chain.next += 1;
        }
        chained.asked.replies.push((reply, chained.drafts.len()));
        chained
    }

    /// Whether there is something to seal.
    pub fn seal(&mut self) -> bool {
        self.chain.open.take().is_some()
    }
}

impl Asked {
    pub fn refuse(self, error: Refused) {
        for (reply, _) in self.replies {
            reply.send(Err(error));
        }
    }

    /// Cut where epochs end. A request is answered with its last entry.
    pub fn into_works(self, drafts: Vec<Entry>) -> Vec<Work> {
        let mut works = Vec::new();
        let mut replies = answers(&drafts, self.replies).peekable();
        let mut entries = drafts.into_iter();
        let mut from = 0;
        for at in self.seals {
            let mut own = Vec::new();
            while let Some((reply, seqs, _)) = replies.next_if(|(_, _, end)| *end <= at) {
                own.push((reply, seqs));
            }
            let part: Vec<_> = entries.by_ref().take(at - from).collect();
            if !part.is_empty() || !own.is_empty() {
                works.push(Work::Commit(part, own));
            }
            works.push(Work::Seal(None));
            from = at;
        }
        let replies = replies.map(|(reply, seqs, _)| (reply, seqs)).collect();
        works.push(Work::Commit(entries.collect(), replies));
        works
    }
}

fn answers(
    entries: &[Entry],
    replies: Vec<(Reply, usize)>,
) -> impl Iterator<Item = (Reply, Vec<u64>, usize)> + use<> {
    let mut from = 0;
    let answer = |(reply, end): (Reply, usize)| {
        let own = entries[from..end].iter().map(|entry| entry.seq).collect();
        from = end;
        (reply, own, end)
    };
    replies
        .into_iter()
        .map(answer)
        .collect::<Vec<_>>()
        .into_iter()
}
