//! `sealbook show`: one entry.

use std::path::PathBuf;

use serde_json::json;

#[cfg(feature = "rocks")]
use crate::api::Chain;
use crate::api::{MemberState, RedactedMember};
use crate::ledger::document::DocumentDigest;
use crate::ledger::hash::Hash;
use crate::ledger::json::Form;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::logbook::entry_at;
use crate::logbook::error::OpenError;
use crate::record::decided_under::find_document;
use crate::store::Store;

use super::Answer;
#[cfg(feature = "rocks")]
use super::chained;
use super::context::Context;
#[cfg(feature = "rocks")]
use super::diff::documents::numbered;
use super::document::witness_policy;
use super::error::CliError;
use super::imported;
use super::one_entry::{parse_seq, print};
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its sequence number, or its hash in 64 hex digits; BOOK:SEQ with --books
    #[arg(value_name = "SEQ|HASH", required_unless_present = "document")]
    entry: Option<String>,
    /// The content of the document of this digest, blake2b-256:…
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["entry", "log"])]
    document: Option<String>,
    #[cfg(feature = "rocks")]
    #[command(flatten)]
    books: chained::Args,
    /// Of this imported log: KEY, or KEY:GENESIS
    #[arg(long, value_name = "KEY")]
    log: Option<String>,
    /// Say between which times it was made, by the word of this policy's witnesses
    #[arg(long, value_name = "FILE", conflicts_with_all = ["document", "log"])]
    policy: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    #[cfg(feature = "rocks")]
    if let Some(chain) = args.books.open(context)? {
        return of_books(&chain, args, output);
    }
    let ledger = context.reader(output)?;
    let store = ledger.store();
    if let Some(digest) = &args.document {
        return document(&[store], digest, output);
    }
    let entry = args.entry.as_deref().unwrap_or_default();
    if let Some(log) = &args.log {
        return imported::show(&imported::find(store, log)?, entry, output);
    }
    let Some(seq) = find(store, entry)? else {
        return Err(CliError::NothingFound);
    };
    if let Some(last) = store.last_seq()?.filter(|last| seq > *last) {
        return Err(CliError::NotThere {
            wanted: format!("there is no entry {seq}"),
            there: format!("the log has entries 0 to {last}"),
        });
    }
    let entry = entry_at(store, seq)?;
    let policy = args.policy.as_deref().map(witness_policy).transpose()?;
    let times = policy.map(|policy| ledger.times(policy)).transpose()?;
    let between = times.map(|times| times.between(seq));
    let redacted = ledger.redacted(seq)?;
    if output.is_json() {
        let mut json = Vec::new();
        entry.write_json(Some(seq), &mut json);
        if between.is_none() && redacted.is_empty() {
            output.canonical(&json)?;
            return Ok(Answer::Yes);
        }
        let mut shown = serde_json::Map::new();
        shown.insert("entry".to_owned(), json!(parse(&json)?));
        if let Some(between) = between {
            shown.insert("between".to_owned(), json!(between));
        }
        if !redacted.is_empty() {
            let members = redacted.iter().map(member_json).collect();
            shown.insert("redacted".to_owned(), members);
        }
        output.document(&shown)?;
        return Ok(Answer::Yes);
    }
    let epoch = store.epoch_of(seq)?;
    let sealed = epoch.map_or_else(|| "not sealed yet".to_owned(), |n| format!("epoch {n}"));
    print(seq, &entry, &sealed, output)?;
    for member in &redacted {
        let said = match &member.state {
            MemberState::Kept(value) => value.canonical(Form::Utf8),
            MemberState::Erased { by } => format!("erased, as entry {by} says"),
            MemberState::NotKept => "not kept here".to_owned(),
        };
        output.line(&format!("{:<10}{}: {said}", "redacted", member.pointer))?;
    }
    if let Some(between) = between {
        for (name, bound) in [
            ("not before", between.not_earlier),
            ("not after", between.not_later),
        ] {
            let said = bound.map_or_else(|| "nobody says".to_owned(), |bound| bound.text());
            output.line(&format!("{name:<11}{said}"))?;
        }
    }
    Ok(Answer::Yes)
}

/// A redacted member, for programs.
fn member_json(member: &RedactedMember) -> serde_json::Value {
    let pointer = &member.pointer;
    match &member.state {
        MemberState::Kept(value) => json!({"pointer": pointer, "state": "kept", "value": value}),
        MemberState::Erased { by } => json!({"pointer": pointer, "state": "erased", "by": by}),
        MemberState::NotKept => json!({"pointer": pointer, "state": "not_kept"}),
    }
}

/// An entry or a document of whichever of several books has it.
#[cfg(feature = "rocks")]
fn of_books(chain: &Chain, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if args.log.is_some() || args.policy.is_some() {
        return Err(CliError::usage("--log and --policy are of one ledger"));
    }
    let stores: Vec<&dyn Store> = chain.books.iter().map(|book| book.ledger.store()).collect();
    if let Some(digest) = &args.document {
        return document(&stores, digest, output);
    }
    let text = args.entry.as_deref().unwrap_or_default();
    let mut found = numbered(&stores, text)?;
    if found.is_none() {
        for (book, store) in stores.iter().enumerate() {
            if let Some(seq) = find(*store, text)? {
                found = Some((book, seq));
            }
        }
    }
    let store = found.and_then(|(book, seq)| Some((book, seq, *stores.get(book)?)));
    let (book, seq, store) = store.ok_or(CliError::NothingFound)?;
    let entry = entry_at(store, seq)?;
    if output.is_json() {
        let mut json = Vec::new();
        entry.write_json(Some(seq), &mut json);
        output.document(&json!({"book": book, "entry": parse(&json)?}))?;
        return Ok(Answer::Yes);
    }
    let epoch = store.epoch_of(seq)?;
    let sealed = epoch.map_or_else(|| "not sealed yet".to_owned(), |n| format!("epoch {n}"));
    output.line(&format!("book {book}"))?;
    print(seq, &entry, &sealed, output)?;
    Ok(Answer::Yes)
}

fn document(stores: &[&dyn Store], digest: &str, output: &mut Output) -> Result<Answer, CliError> {
    let spelt = DocumentDigest::parse(digest)
        .or_else(|| DocumentDigest::parse(&format!("blake2b-256:{digest}")));
    let digest = spelt.ok_or_else(|| CliError::Argument {
        what: "digest",
        given: digest.to_owned(),
        expected: "blake2b-256: and 64 hex digits are needed",
    })?;
    let mut found = None;
    for store in stores {
        found = found.or(find_document(*store, digest)?);
    }
    let (seq, document) = found.ok_or(CliError::NothingFound)?;
    if output.is_json() {
        let mut object = document.to_payload();
        object.insert("seq", seq.0);
        output.document(&object)?;
    } else if let Some(text) = document.content().as_str() {
        for line in text.lines() {
            output.line(line)?;
        }
    } else {
        for line in document.content().pretty().lines() {
            output.line(line)?;
        }
    }
    Ok(Answer::Yes)
}

fn find(store: &dyn Store, text: &str) -> Result<Option<Seq>, CliError> {
    if let Ok(hash) = Hash::from_hex(&text.to_ascii_lowercase()) {
        let Some(seq) = store.seq_of(&hash)? else {
            return Ok(None);
        };
        // The index is derived and not believed.
        let entry = entry_at(store, seq)?;
        return match entry.hash() == hash {
            true => Ok(Some(seq)),
            false => Err(OpenError::IndexWrong { seq }.into()),
        };
    }
    parse_seq(text).map(Some)
}
