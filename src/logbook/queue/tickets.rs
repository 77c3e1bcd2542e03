//! The tickets of the queue, in the order of the log: requests and their state.

use std::collections::VecDeque;

use crate::store::BatchLimit;

use super::super::error::LogbookError;
use super::super::request::{SignedEntry, Work};
use super::super::sequencer::{BatchRequests, OpenChain};

#[derive(Default)]
pub(super) struct Tickets {
    tickets: VecDeque<Ticket>,
    /// Number of the next ticket; that of one that was cut is not given again.
    next: u64,
    requests: usize,
    weight: usize,
}

pub(super) struct Ticket {
    number: u64,
    pub(super) before: OpenChain,
    requests: usize,
    weight: usize,
    what: TicketContent,
}

pub(super) enum TicketContent {
    Entries {
        asked: BatchRequests,
        /// `None` until they are signed.
        signed: Option<Vec<SignedEntry>>,
    },
    Order(Work),
}

impl Tickets {
    pub(super) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    pub(super) const fn requests(&self) -> usize {
        self.requests
    }

    /// Roughly the bytes that they take.
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn first_is_filled(&self) -> bool {
        self.tickets.front().is_some_and(Ticket::is_filled)
    }

    /// Adds a ticket, and gives its number.
    pub(super) fn push(
        &mut self,
        before: OpenChain,
        requests: usize,
        weight: usize,
        what: TicketContent,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        self.requests += requests;
        self.weight += weight;
        let ticket = Ticket {
            number,
            before,
            requests,
            weight,
            what,
        };
        self.tickets.push_back(ticket);
        number
    }

    /// False if the ticket was cut out.
    pub(super) fn fill(&mut self, number: u64, those: Vec<SignedEntry>) -> bool {
        let found = self
            .tickets
            .binary_search_by_key(&number, |ticket| ticket.number);
        let ticket = found.ok().and_then(|index| self.tickets.get_mut(index));
        match ticket.map(|ticket| &mut ticket.what) {
            Some(TicketContent::Entries { signed, .. }) => {
                *signed = Some(those);
                true
            }
            _ => false,
        }
    }

    /// Takes what is filled from the front, as far as one batch goes.
    pub(super) fn take_filled(&mut self, limit: BatchLimit) -> Vec<Ticket> {
        let mut taken = Vec::new();
        let (mut entries, mut weight) = (0, 0);
        while entries < limit.entries
            && weight < limit.bytes
            && self.first_is_filled()
            && let Some(ticket) = self.tickets.pop_front()
        {
            entries += ticket.entries();
            weight += ticket.weight;
            self.forget(&ticket);
            taken.push(ticket);
        }
        taken
    }

    /// Cuts out ticket `number` and everything behind it; nothing if it is not there
    /// any more.
    pub(super) fn cut(&mut self, number: u64) -> Vec<Ticket> {
        let found = self
            .tickets
            .binary_search_by_key(&number, |ticket| ticket.number);
        found.map_or_else(|_| Vec::new(), |index| self.cut_from(index))
    }

    pub(super) fn cut_all(&mut self) -> Vec<Ticket> {
        self.cut_from(0)
    }

    fn cut_from(&mut self, index: usize) -> Vec<Ticket> {
        let cut: Vec<_> = self.tickets.drain(index..).collect();
        cut.iter().for_each(|ticket| self.forget(ticket));
        cut
    }

    fn forget(&mut self, ticket: &Ticket) {
        self.requests -= ticket.requests;
        self.weight -= ticket.weight;
    }
}

impl Ticket {
    fn is_filled(&self) -> bool {
        match &self.what {
            TicketContent::Entries { signed, .. } => signed.is_some(),
            TicketContent::Order(_) => true,
        }
    }

    fn entries(&self) -> usize {
        match &self.what {
            TicketContent::Entries { signed, .. } => signed.as_ref().map_or(0, Vec::len),
            TicketContent::Order(_) => 0,
        }
    }

    pub(super) fn into_works(self) -> Vec<Work> {
        match self.what {
            TicketContent::Entries { asked, signed } => {
                asked.into_works(signed.unwrap_or_default())
            }
            TicketContent::Order(work) => vec![work],
        }
    }

    pub(super) fn refuse(self, error: &LogbookError) {
        match self.what {
            TicketContent::Entries { asked, .. } => asked.refuse(error),
            TicketContent::Order(work) => work.refuse(error),
        }
    }

    pub(super) const fn requests(&self) -> usize {
        self.requests
    }
}
