//! Rows of the index: runs of postings of one term.
//!
//! ```text
//! key    term, first seq
//! value  the distance to each following seq of the run, as LEB128
//! ```
//! Terms repeat, so most of a posting would be its key: a run has it once. A
//! row with an empty value is a single posting. Runs of a term never overlap,
//! because postings are only ever added beyond those that are there.

use super::super::{Corruption, Posting, StoreError};
use super::tables::RocksTable;

/// Postings in a row at most. Reading one of them reads them all.
const LONGEST: usize = 1_024;

/// Bytes of a number in LEB128 at most.
const LONGEST_NUMBER: u32 = 10;

/// Calls `row` with the first posting and the value of each row. `postings` are
/// sorted; one that is there twice counts once.
pub(super) fn rows(postings: &[Posting], mut row: impl FnMut(&Posting, &[u8])) {
    let mut value = Vec::new();
    let mut run: Option<(Posting, Posting, usize)> = None;
    for posting in postings {
        if let Some((first, last, length)) = &mut run {
            if last == posting {
                continue;
            }
            if first.term == posting.term && *length < LONGEST {
                write_number(posting.seq.0.saturating_sub(last.seq.0), &mut value);
                *last = *posting;
                *length += 1;
                continue;
            }
            row(first, &value);
            value.clear();
        }
        run = Some((*posting, *posting, 1));
    }
    if let Some((first, ..)) = run {
        row(&first, &value);
    }
}

/// The sequence numbers of a row, ascending.
pub(super) fn read(first: u64, value: &[u8], seqs: &mut Vec<u64>) -> Result<(), StoreError> {
    let wrong = || {
        StoreError::corrupt(Corruption::Row {
            table: RocksTable::Index.name(),
        })
    };
    seqs.clear();
    seqs.push(first);
    let (mut last, mut rest) = (first, value);
    while !rest.is_empty() {
        let (distance, after) = read_number(rest).ok_or_else(wrong)?;
        if distance == 0 || seqs.len() == LONGEST {
            return Err(wrong());
        }
        last = last.checked_add(distance).ok_or_else(wrong)?;
        seqs.push(last);
        rest = after;
    }
    Ok(())
}

fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The number that `bytes` begin with, and what follows it.
fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut shift) = (0_u64, 0);
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let bits = u64::from(byte & 0x7f);
        let placed = bits.checked_shl(shift)?;
        if shift / 7 >= LONGEST_NUMBER || placed >> shift != bits {
            return None;
        }
        number |= placed;
        rest = after;
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
        shift += 7;
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed step fails the test"
    )]

    use super::*;
    use crate::ledger::position::Seq;
    use crate::store::term::{SearchField, TermKey};

    fn written(postings: &[Posting]) -> Vec<(Posting, Vec<u8>)> {
        let mut out = Vec::new();
        rows(postings, |first, value| out.push((*first, value.to_vec())));
        out
    }

    fn of(term: TermKey, seqs: impl IntoIterator<Item = u64>) -> Vec<Posting> {
        let posting = |seq| Posting {
            term,
            seq: Seq(seq),
        };
        seqs.into_iter().map(posting).collect()
    }

    #[test]
    fn what_is_written_reads_back_in_rows_of_one_term() {
        let (a, b) = (
            TermKey::new(SearchField::Kind, "a"),
            TermKey::new(SearchField::Tenant, "b"),
        );
        let long = (0..2_500).map(|n| n * n);
        let mut postings = of(a, long);
        postings.extend(of(b, [7, 7, u64::MAX]));
        let mut seqs = Vec::new();
        let mut again = Vec::new();
        for (first, value) in written(&postings) {
            read(first.seq.0, &value, &mut seqs).unwrap();
            assert!(seqs.len() <= LONGEST);
            again.extend(of(first.term, seqs.iter().copied()));
        }
        postings.dedup();
        assert_eq!(again, postings);
    }

    #[test]
    fn a_single_posting_has_an_empty_value() {
        let one = of(TermKey::new(SearchField::Kind, "a"), [300]);
        assert_eq!(written(&one), [(one[0], Vec::new())]);
        let run = of(TermKey::new(SearchField::Kind, "a"), [300, 301, 500]);
        assert_eq!(written(&run), [(run[0], vec![1, 0xc7, 0x01])]);
    }

    #[test]
    fn a_value_that_is_no_run_is_corrupt() {
        let long = vec![1; LONGEST];
        let wide = [0xff; 9];
        for (first, value) in [
            (0, &[0][..]),
            (0, &[0x80]),
            (0, &[1, 0]),
            (u64::MAX, &[1]),
            (0, &[wide.as_slice(), &[0x02]].concat()),
            (0, &[wide.as_slice(), &[0x81, 0x00]].concat()),
            (0, &long),
        ] {
            let error = read(first, value, &mut Vec::new()).unwrap_err();
            let what = Corruption::Row { table: "index" };
            assert!(
                matches!(error, StoreError::Corrupt { what: found, .. } if found == what),
                "{value:?}: {error}"
            );
        }
        let mut seqs = Vec::new();
        read(0, &[wide.as_slice(), &[0x01]].concat(), &mut seqs).unwrap();
        assert_eq!(seqs, [0, u64::MAX]);
        read(0, &long[1..], &mut seqs).unwrap();
        assert_eq!(seqs.len(), LONGEST);
    }
}
