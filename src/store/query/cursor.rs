//! Walks the posting lists of several terms together.
//!
//! Each list is sorted, so the next common entry is found by leaping: seek a
//! list to where another one stands; if it lies further on, the other must
//! follow; when all stand on one entry, it is a hit.

use std::ops::Range;

use crate::ledger::position::Seq;

use super::super::term::TermKey;
use super::super::{Postings, ReadOrder, Store, StoreError};

pub(super) struct Cursor<'s> {
    all: Vec<AnyOf<'s>>,
    order: ReadOrder,
    /// Where to go on, and where the range ends; `None` at the end.
    next: Option<(Seq, Seq)>,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(
        store: &'s dyn Store,
        alternatives: &[Vec<TermKey>],
        range: Range<u64>,
        order: ReadOrder,
    ) -> Result<Cursor<'s>, StoreError> {
        let list = |term: &TermKey| Ok(List::new(store.postings(term, order)?));
        let any_of = |terms: &Vec<TermKey>| {
            let lists: Result<Vec<_>, StoreError> = terms.iter().map(list).collect();
            Ok(AnyOf { lists: lists? })
        };
        let ends = range.end.checked_sub(1).filter(|last| range.start <= *last);
        let ends = ends.map(|last| (Seq(range.start), Seq(last)));
        let all: Result<Vec<_>, StoreError> = alternatives.iter().map(any_of).collect();
        Ok(Cursor {
            all: all?,
            order,
            next: match order {
                ReadOrder::Ascending => ends,
                ReadOrder::Descending => ends.map(|(first, last)| (last, first)),
            },
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<Seq>, StoreError> {
        let Some((mut at, last)) = self.next.take() else {
            return Ok(None);
        };
        let mut agreed = 0;
        while agreed < self.all.len() {
            agreed = 0;
            for any_of in &mut self.all {
                match any_of.seek(at, self.order)? {
                    Some(seq) if self.order.precedes(last, seq) => return Ok(None),
                    Some(seq) if seq == at => agreed += 1,
                    Some(seq) => at = seq,
                    None => return Ok(None),
                }
            }
        }
        let next = self
            .order
            .step(at)
            .filter(|next| !self.order.precedes(last, *next));
        self.next = next.map(|next| (next, last));
        // No conditions at all would mean every entry; such a query has no
        // indexed part.
        Ok((!self.all.is_empty()).then_some(at))
    }
}

struct AnyOf<'s> {
    lists: Vec<List<'s>>,
}

impl AnyOf<'_> {
    fn seek(&mut self, at: Seq, order: ReadOrder) -> Result<Option<Seq>, StoreError> {
        let mut nearest = None;
        for list in &mut self.lists {
            let Some(seq) = list.seek(at, order)? else {
                continue;
            };
            if nearest.is_none_or(|best| order.precedes(seq, best)) {
                nearest = Some(seq);
            }
        }
        Ok(nearest)
    }
}

/// One posting list, and where it stands: it is not sought again before the
/// others have passed it.
struct List<'s> {
    postings: Box<dyn Postings + 's>,
    at: CursorState,
}

#[derive(Clone, Copy)]
enum CursorState {
    Before,
    At(Seq),
    End,
}

impl<'s> List<'s> {
    fn new(postings: Box<dyn Postings + 's>) -> List<'s> {
        List {
            postings,
            at: CursorState::Before,
        }
    }

    fn seek(&mut self, at: Seq, order: ReadOrder) -> Result<Option<Seq>, StoreError> {
        match self.at {
            CursorState::End => return Ok(None),
            CursorState::At(seq) if !order.precedes(seq, at) => return Ok(Some(seq)),
            CursorState::At(_) | CursorState::Before => {}
        }
        let found = self.postings.seek(at)?;
        self.at = found.map_or(CursorState::End, CursorState::At);
        Ok(found)
    }
}
