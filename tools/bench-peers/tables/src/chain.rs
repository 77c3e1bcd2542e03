//! Entries linked, and signed if that is asked; many that wait committed together.

use std::sync::mpsc::{Receiver, Sender, channel};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rayon::prelude::*;
use tokio::sync::oneshot;

use crate::Fallible;
use crate::table::{Entry, Row, Table};

/// Entries of one transaction at most.
const TOGETHER: usize = 1_024;

pub(crate) struct Chain {
    table: Box<dyn Table>,
    key: Option<SigningKey>,
    seq: i64,
    head: Vec<u8>,
}

fn key() -> Option<SigningKey> {
    std::env::var_os("SIGNED").map(|_| SigningKey::from_bytes(&[42; 32]))
}

fn hash(previous: &[u8], text: &str) -> Vec<u8> {
    let mut hasher = blake2b_simd::Params::new().hash_length(32).to_state();
    hasher.update(previous).update(text.as_bytes());
    hasher.finalize().as_bytes().to_vec()
}

impl Chain {
    pub(crate) fn of(mut table: Box<dyn Table>) -> Fallible<Chain> {
        let (seq, head) = table.last()?;
        let key = key();
        Ok(Chain {
            table,
            key,
            seq,
            head,
        })
    }

    /// One transaction, synced.
    pub(crate) fn append(&mut self, entries: Vec<Entry>) -> Fallible<i64> {
        let link = |entry: Entry| {
            self.seq += 1;
            self.head = hash(&self.head, &entry.text);
            Row {
                seq: self.seq,
                hash: self.head.clone(),
                signature: Vec::new(),
                entry,
            }
        };
        let mut rows: Vec<_> = entries.into_iter().map(link).collect();
        if let Some(key) = &self.key {
            let sign = |row: &mut Row| row.signature = key.sign(&row.hash).to_bytes().to_vec();
            match rows.len() {
                1 => rows.iter_mut().for_each(sign),
                _ => rows.par_iter_mut().for_each(sign),
            }
        }
        self.table.insert(&rows)?;
        Ok(self.seq)
    }
}

type Request = (Entry, oneshot::Sender<i64>);

/// A thread that commits all who wait together.
pub(crate) struct Writer(Sender<Request>);

impl Writer {
    pub(crate) fn begin(table: Box<dyn Table>) -> Fallible<Writer> {
        let chain = Chain::of(table)?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || write(chain, &receiver).unwrap());
        Ok(Writer(sender))
    }

    /// What it is answered with when it is on the disk.
    pub(crate) fn append(&self, entry: Entry) -> oneshot::Receiver<i64> {
        let (sender, receiver) = oneshot::channel();
        // Without a writer the answer never comes, which its receiver is told.
        let _ = self.0.send((entry, sender));
        receiver
    }
}

fn write(mut chain: Chain, requests: &Receiver<Request>) -> Fallible<()> {
    while let Ok(first) = requests.recv() {
        let rest = requests.try_iter().take(TOGETHER - 1);
        let (entries, answers): (Vec<_>, Vec<_>) = std::iter::once(first).chain(rest).unzip();
        let seq = chain.append(entries)?;
        for answer in answers {
            // Who is gone needs none.
            let _ = answer.send(seq);
        }
    }
    Ok(())
}

#[derive(Default)]
pub(crate) struct Audit {
    pub(crate) count: usize,
    head: Vec<u8>,
}

impl Audit {
    /// The next rows: linked to those before, and each with its signature.
    pub(crate) fn take(&mut self, rows: Vec<Row>) -> Fallible<()> {
        for row in &rows {
            self.head = hash(&self.head, &row.entry.text);
            if self.head != row.hash {
                return Err(format!("row {} is not linked", row.seq).into());
            }
        }
        if let Some(key) = key() {
            let key: VerifyingKey = key.verifying_key();
            let signed = |row: &Row| {
                let signature = Signature::from_slice(&row.signature)?;
                key.verify_strict(&row.hash, &signature)
            };
            rows.par_iter().try_for_each(signed)?;
        }
        self.count += rows.len();
        Ok(())
    }
}
