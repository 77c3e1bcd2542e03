//! The first table of the chapter on verification, cell by cell: what tries to make each
//! "proves" false, and what shows that each "does not prove" is said. An attack is the name
//! of a test, or of a case of the format's suite.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::conformance::case_names;

/// The attacks on both cells of a row.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const ROWS: &[Row] = &[
    (
        "a logbook",
        &[
            "E4: logbook, entry 6 signed by another",
            "L6: entries taken out",
            "L6: entries turned",
            "E9: logbook, entry 3 at 2026-02-28T23:59:59+00:00",
            "E6: logbook, another log",
            "E16: logbook, document 1, another content",
        ],
        &[
            "L4: the first 9 entries",
            "L5: the book of others",
            "L8: another head than was expected",
        ],
    ),
    (
        "a logbook, gone on with from a saved state",
        &[
            "state_goes_on_where_the_file_grew",
            "a_state_of_something_else_is_refused",
        ],
        &[
            "a_state_with_a_count_that_no_file_has_is_refused",
            "a_saved_state_reads_back_and_a_changed_one_does_not",
        ],
    ),
    (
        "a proof of equivocation",
        &[
            "Q1: a side that another signed",
            "Q1: headers of two epochs",
            "Q2: of a key that nobody speaks of",
        ],
        &["every_changed_byte_of_a_proof_is_refused"],
    ),
    (
        "a tlog-proof, with its entry (`--entry FILE`)",
        &[
            "a_tlog_proof_proves_its_entry_and_nothing_else",
            "a_tlog_proof_with_any_line_changed_fails_with_a_named_fault",
            "a_policy_asks_a_tlog_proof_for_a_quorum",
        ],
        &["a_tlog_proof_proves_its_entry_and_nothing_else"],
    ),
    (
        "the folder of a public log",
        &[
            "PL4: a byte of a hash",
            "PL4: a byte of an entry",
            "PL4: another root",
            "PL4: another key",
        ],
        &["PL4: a log of 13"],
    ),
    (
        "a checkpoint of the public log that you kept (`--contains`), with whatever holds all \
         entries from the first on",
        &[
            "whatever_holds_all_entries_contains_the_checkpoint_over_them",
            "a_checkpoint_has_the_name_that_the_log_had_after_its_last_entry",
        ],
        &["whatever_holds_all_entries_contains_the_checkpoint_over_them"],
    ),
    (
        "a chain of books",
        &[
            "a_log_that_only_says_that_it_continues_a_book_does_not_convict_its_successor",
            "two_histories_of_one_book_fail_with_all_that_hang_on_them_and_the_proof_is_made",
        ],
        &["a_chain_of_books_is_verified_from_one_key"],
    ),
    (
        "a bundle of a range, closing record signed",
        &[
            "E2: whole, entry 5 numbered 6",
            "R6: whole, an entry of epoch 0 missing at its end",
            "R6: cut, without what stands before",
            "Z4: cut, the closing record signed by another",
            "H2: cut, signed by another",
        ],
        &["R8: range 6 to 9"],
    ),
    (
        "a bundle, closing record not signed",
        &[
            "Z5: cut, nobody signed the closing record",
            "a_signed_bundle_made_unsigned_cut_or_emptied_never_passes",
        ],
        &["Z5: cut, nobody signed the closing record, allowed"],
    ),
    (
        "a bundle of a selection",
        &[
            "E14: selection, entry 8, another sibling",
            "S7: selection, document 1 is missing",
            "S6: another case",
            "S6: an answer that nobody signed",
            "S8: entry 8 has another correlation",
            "S8: an attestation of another worker",
            "an_entry_that_the_signed_filter_does_not_ask_for_is_named_under_signatures_that_hold",
        ],
        &[
            "S1: selection of version 2",
            "E3: selection, the link of entry 8 is not judged",
        ],
    ),
    (
        "a selection of one case, tenant, worker or kind out of a log with an index (unless it was begun with `--format-version 1`; then from `upgrade` on)",
        &[
            "every_complete_selection_passes_and_every_one_that_lacks_an_entry_is_refused",
            "a_count_that_is_off_by_one_does_not_lead_to_the_index",
        ],
        &[
            "what_comes_after_the_last_sealed_epoch_is_not_covered_and_said",
            "an_auditors_word_on_the_index_counts_for_those_who_trust_it",
        ],
    ),
    (
        "a proof of absence (`sealbook absent`)",
        &[
            "what_is_absent_is_proven_and_what_is_there_is_not",
            "no_byte_of_a_proof_can_be_another",
        ],
        &["what_comes_after_the_last_sealed_epoch_is_not_covered_and_said"],
    ),
    (
        "a bundle with openings of redacted members",
        &[
            "an_opening_that_was_changed_moved_or_repeated_is_refused_by_name",
            "the_commitments_of_the_format_document_are_these",
        ],
        &[
            "what_was_erased_is_said_and_what_is_kept_stays_open",
            "a_member_is_withheld_opened_later_and_erased",
        ],
    ),
    (
        "a report",
        &[
            "a_touched_script_or_markup_is_named_with_its_line",
            "a_changed_byte_anywhere_is_refused",
        ],
        &["a_report_under_the_name_of_another_case_is_refused"],
    ),
    (
        "a report over several logs (`fleet query --report`)",
        &["a_log_of_a_report_that_lies_is_named_and_the_others_stand"],
        &["one_report_has_the_evidence_of_every_log_and_judges_each_under_its_own_key"],
    ),
    (
        "a proof",
        &[
            "E14: proof, entry 6, a sibling less",
            "E14: a proof of the entry beside it",
        ],
        &[
            "E3: proof, the link of entry 6 is not judged",
            "a_proof_promises_no_documents_and_says_so",
        ],
    ),
    (
        "a ledger",
        &[
            "a_log_that_was_cut_is_a_rollback",
            "a_mark_that_was_forged_is_invalid",
        ],
        &["database_and_mark_put_back_together_are_seen_only_against_a_head_kept_elsewhere"],
    ),
    (
        "decisions in any of them, replayed",
        &[
            "every_lie_in_an_entry_signed_anew_is_named_with_its_entry",
            "rules_that_were_put_in_afterwards_come_out_otherwise",
        ],
        &["the_truth_replays_without_a_fault_and_says_what_it_rests_on"],
    ),
    (
        "receipts that you kept, with any of these",
        &[
            "C3: cut, a receipt with another hash",
            "C4: a receipt of an entry that is not there",
        ],
        &["C4: receipts outside of the range"],
    ),
    (
        "a revocation that you were given, with any of these",
        &[
            "V4: selection, entries beyond",
            "V3: cut, another entry at the place",
            "V5: a selection under a header that only says that it ends there",
        ],
        &["V5: nothing ties it", "V2: cut, by nobody who may"],
    ),
    (
        "headers and heads that were published",
        &[
            "K2: whole, two headers for epoch 0",
            "K7: logbook, another header for epoch 0",
            "K6: a head of another entry",
        ],
        &[
            "K6: some are of entries outside of the range",
            "K6: a head of an older entry says less",
        ],
    ),
];

/// The functions of all tests.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let after = text.split("#[test]\nfn ").skip(1);
                names.extend(after.map(|rest| rest.split('(').next().unwrap().to_owned()));
            }
        }
    }
    names
}

#[test]
fn every_cell_of_what_it_proves_has_an_attack_that_there_is() {
    let chapter = include_str!("../../src/guide/verification.md");
    let (_, table) = chapter.split_once("| you have | it proves |").unwrap();
    let table = table.split("\n\n").next().unwrap();
    let cells: BTreeMap<&str, Vec<&str>> = table
        .lines()
        .skip(2)
        .map(|row| {
            let cells: Vec<&str> = row
                .split(" | ")
                .map(|cell| cell.trim_matches(['|', ' ']))
                .collect();
            (cells[0], cells)
        })
        .collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|(row, _, _)| *row).collect();
    assert_eq!(rows, cells.keys().copied().collect());
    let (tests, cases) = (tests(), case_names());
    for (row, proves, says) in ROWS {
        assert_eq!(cells[row].len(), 3, "{row}");
        assert!(!proves.is_empty() && !says.is_empty(), "{row}");
        for attack in proves.iter().chain(*says) {
            let there = tests.contains(*attack) || cases.contains(*attack);
            assert!(there, "{row}: there is no test or case `{attack}`");
        }
    }
}

#[test]
fn the_chapter_on_security_names_every_message_that_a_key_signs() {
    let chapter = include_str!("../../src/guide/security.md");
    let purposes = include_str!("../../src/ledger/envelope.rs");
    let words: Vec<&str> = purposes
        .lines()
        .filter_map(|line| line.trim().split_once(" = \"")?.1.strip_suffix("\","))
        .collect();
    assert!(words.len() >= 7, "{words:?}");
    for word in words {
        assert!(
            chapter.contains(&format!("| `{word}` | `sealbook:{word}:v1`")),
            "{word}"
        );
    }
}
