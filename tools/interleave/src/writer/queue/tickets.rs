//! `queue/tickets.rs`: who asked, in the order of the log, and how far it is.

use std::sync::Arc;

use super::super::sequencer::{Asked, Chain};
use super::super::{Entry, Refused, Work};

const HELPED: usize = 1;

pub struct Ticket {
    pub number: u64,
    pub before: Chain,
    pub what: What,
}

pub enum What {
    Entries {
        drafts: Arc<Vec<Entry>>,
        asked: Asked,
        signed: bool,
        helped: bool,
    },
    Order(Work),
}

impl Ticket {
    pub fn is_filled(&self) -> bool {
        match &self.what {
            What::Entries { signed, .. } => *signed,
            What::Order(_) => true,
        }
    }

    pub fn can_be_helped(&self) -> bool {
        match &self.what {
            What::Entries {
                drafts,
                signed: false,
                helped: false,
                ..
            } => drafts.len() <= HELPED,
            _ => false,
        }
    }

    pub fn entries(&self) -> usize {
        match &self.what {
            What::Entries { drafts, .. } => drafts.len(),
            What::Order(_) => 0,
        }
    }

    pub fn into_works(self) -> Vec<Work> {
        match self.what {
            What::Entries { drafts, asked, .. } => asked.into_works(drafts.to_vec()),
            What::Order(work) => vec![work],
        }
    }
}

pub fn refuse(tickets: Vec<Ticket>, error: Refused) {
    for ticket in tickets {
        match ticket.what {
            What::Entries { asked, .. } => asked.refuse(error),
            What::Order(work) => work.refuse(error),
        }
    }
}
