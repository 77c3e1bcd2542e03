//! Evidence bundles, read: lines become events, and what the lines say of the
//! file as a whole is checked.

use std::io::BufRead;

use super::bundle_line::{BundleClosing, BundleOpening, Contents};
use super::epoch::SignedEpoch;
use super::fault::{At, Fault, FaultCode, Format};
use super::hash::Hasher;
use super::index::omitted::Omitted;
use super::index::proof::TermProof;
use super::json::{Form, Value};
use super::limits;
use super::lines::{Line, damage, read_line};
use super::parse;
use super::position::Seq;
use super::redact::{self, opened::Opened};
use super::seals::SELECTION_NOT_CHECKED;
use super::shape;
use super::source::{
    BATCH_BYTES, BATCH_ENTRIES, DOES_NOT_DECOMPRESS, Event, FIRST_ENTRIES, Raw, ReadError, Source,
    Subject,
};
use super::statement::Statement;
use super::version::{self, Version};

pub struct BundleFile<R> {
    reader: R,
    opening: Option<BundleOpening>,
    faults: Vec<Fault>,
    hasher: Hasher,
    bytes: u64,
    line: u64,
    entries: u64,
    epochs: u64,
    documents: u64,
    /// What the index says of a term was read.
    termed: bool,
    opened: bool,
    closed: bool,
    ended: bool,
}

impl<R: BufRead + Send> BundleFile<R> {
    /// Reads the first line of a bundle. If it is none, the first event is the
    /// fault.
    ///
    /// # Errors
    /// [`ReadError`] if nothing can be read.
    pub fn open(reader: R) -> Result<BundleFile<R>, ReadError> {
        let mut file = BundleFile {
            reader,
            opening: None,
            faults: Vec::new(),
            hasher: Hasher::new(),
            bytes: 0,
            line: 0,
            entries: 0,
            epochs: 0,
            documents: 0,
            termed: false,
            opened: false,
            closed: false,
            ended: false,
        };
        match file.read()? {
            Some(line) => match canonical(&line) {
                Ok(value) => {
                    if let Some(opening) = value.get("sealbook").and_then(Value::as_object) {
                        version::known(opening)?;
                    }
                    match BundleOpening::from_value(&value) {
                        Ok(opening) => {
                            file.opening = Some(opening);
                            file.take(&line);
                        }
                        Err(error) => file.corrupt(error.to_string()),
                    }
                }
                Err(detail) => file.corrupt(detail),
            },
            None if file.faults.is_empty() => {
                file.fault(FaultCode::Truncated, "the bundle has no lines".to_owned());
            }
            None => {}
        }
        Ok(file)
    }

    /// The next line, or `None` at the end or where reading on makes no sense.
    fn read(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        self.line += 1;
        let line = match read_line(&mut self.reader) {
            Ok(line) => line,
            Err(error) => {
                let code = damage(&error).ok_or(error)?;
                self.fault(code, DOES_NOT_DECOMPRESS.to_owned());
                self.ended = true;
                return Ok(None);
            }
        };
        match line {
            Some(Line::Whole { bytes, ended: true }) => Ok(Some(bytes)),
            Some(Line::Whole { .. }) if self.closed => {
                self.corrupt(AFTER_THE_END.to_owned());
                self.ended = true;
                Ok(None)
            }
            Some(Line::Whole { .. }) => {
                let detail = "the last line has no newline: the file was cut";
                self.fault(FaultCode::Truncated, detail.to_owned());
                self.ended = true;
                Ok(None)
            }
            Some(Line::TooLong { bytes }) => {
                self.corrupt(format!("the line has {bytes} bytes"));
                self.ended = true;
                Ok(None)
            }
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    fn take(&mut self, line: &[u8]) {
        self.hasher.update(line);
        self.hasher.update(b"\n");
        self.bytes += line.len() as u64 + 1;
    }

    fn fault(&mut self, code: FaultCode, detail: String) {
        let index = self.line.saturating_sub(1);
        let fault = Fault::at(code, At::Document, index, detail);
        self.faults.push(fault.on_line(Some(self.line)));
    }

    fn corrupt(&mut self, detail: String) {
        self.fault(FaultCode::BundleCorrupt, detail);
    }

    fn event(&mut self, line: Vec<u8>) -> Option<Event> {
        let number = Some(self.line);
        if self.closed {
            self.corrupt(AFTER_THE_END.to_owned());
            return None;
        }
        if line.starts_with(b"{\"bundle\":") {
            return self.close(&line);
        }
        self.take(&line);
        if self.opened {
            let detail = "only the closing record stands after the entry that opened the log";
            self.corrupt(detail.to_owned());
            return None;
        }
        if self.version() == Version::Two && line.starts_with(b"{\"opening\":") {
            self.opened = true;
            return Some(Event::Opening(Raw::OpeningLine(line), number));
        }
        if line.starts_with(b"{\"document\":") {
            self.documents += 1;
            return Some(Event::Document(Raw::DocumentLine(line), number));
        }
        if line.starts_with(b"{\"entry\":") {
            self.entries += 1;
            return Some(Event::Entry(Raw::BundleLine(line), number));
        }
        let value = match canonical(&line) {
            Ok(value) => value,
            Err(detail) => {
                self.corrupt(detail);
                return None;
            }
        };
        let read = match value.as_object().and_then(|o| o.keys().next()) {
            Some("epoch") => {
                self.epochs += 1;
                Statement::from_value(&value)
                    .map_err(|e| e.to_string())
                    .and_then(|epoch| self.epoch(epoch))
                    .map(|epoch| Event::Epoch(epoch, number))
            }
            Some("head") => Statement::from_value(&value)
                .map(|head| Event::Head(Box::new(head), number))
                .map_err(|e| e.to_string()),
            Some("index") => self.term(&value).map(|proof| Event::Term(proof, number)),
            Some("omitted") => self.omitted(&value),
            Some("opened") => self.opened_member(&value, number),
            Some("before") => {
                subtrees(&value, "before").map(|hashes| Event::Before(hashes, number))
            }
            Some("after") => subtrees(&value, "after").map(|hashes| Event::After(hashes, number)),
            _ => Err("no line of a bundle looks like this".to_owned()),
        };
        match read {
            Ok(event) => Some(event),
            Err(detail) => {
                self.corrupt(detail);
                None
            }
        }
    }

    /// A header that commits to an index stands where the first line says so.
    fn epoch(&self, epoch: SignedEpoch) -> Result<Box<SignedEpoch>, String> {
        match epoch.content.index.is_none() || self.uses_index() {
            true => Ok(Box::new(epoch)),
            false => Err("the header commits to an index, and `uses` does not say so".to_owned()),
        }
    }

    /// What the index says of a term stands once, in a selection, before all headers.
    fn term(&mut self, value: &Value) -> Result<Box<TermProof>, String> {
        let selects = |o: &BundleOpening| o.contents == Contents::Selection;
        let selection = self.opening.as_ref().is_some_and(selects) && self.uses_index();
        let begun = self.epochs > 0 || self.entries > 0;
        if !selection || begun || std::mem::replace(&mut self.termed, true) {
            let detail = "what the index says stands once, in a selection that uses it, before \
                          its first header";
            return Err(detail.to_owned());
        }
        let proof = TermProof::from_value(value);
        proof.map(Box::new).map_err(|error| error.to_string())
    }

    /// What the filter of a selection leaves out stands where the index says how much there is.
    fn omitted(&self, value: &Value) -> Result<Event, String> {
        if !self.termed {
            let detail = "an entry is left out only where the index says how many there are";
            return Err(detail.to_owned());
        }
        let omitted = Omitted::from_value(value);
        omitted
            .map(Event::Omitted)
            .map_err(|error| error.to_string())
    }

    /// What opens a redacted member stands behind its entry, where the first line says
    /// that there are such.
    fn opened_member(&self, value: &Value, line: Option<u64>) -> Result<Event, String> {
        if !self
            .opening
            .as_ref()
            .is_some_and(|opening| opening.openings)
            || self.entries == 0
        {
            let detail = "an opening stands behind its entry, in a bundle that uses openings";
            return Err(detail.to_owned());
        }
        let opened = Opened::from_value(value).map_err(|error| error.to_string())?;
        Ok(Event::Opened(Box::new(opened), line))
    }

    /// What opens the last entry of a batch stands in it, too, with the line behind.
    fn openings_of_last(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let uses = self
            .opening
            .as_ref()
            .is_some_and(|opening| opening.openings);
        for _ in 0..if uses { redact::MOST } else { 0 } {
            let to_come = matches!(batch.last(), Some(Event::Entry(..) | Event::Opened(..)));
            if !to_come || self.ended {
                break;
            }
            let Some(line) = self.read()? else { break };
            let event = self.event(line);
            let is_opening = matches!(event, Some(Event::Opened(..)));
            batch.extend(self.faults.drain(..).map(Event::Fault));
            batch.extend(event);
            if !is_opening {
                break;
            }
        }
        Ok(())
    }

    fn uses_index(&self) -> bool {
        self.opening.as_ref().is_some_and(|opening| opening.index)
    }

    fn version(&self) -> Version {
        self.opening.as_ref().map_or(Version::One, |o| o.version)
    }

    fn close(&mut self, line: &[u8]) -> Option<Event> {
        self.closed = true;
        if self.version() == Version::Two && !self.opened {
            let detail = "the entry that opened the log does not stand before the closing record";
            self.corrupt(detail.to_owned());
        }
        let parsed = canonical(line)
            .and_then(|value| BundleClosing::from_value(&value).map_err(|e| e.to_string()));
        let (closing, envelope) = match parsed {
            Ok(parsed) => parsed,
            Err(detail) => {
                self.corrupt(detail);
                return None;
            }
        };
        let opening = self.opening.as_ref();
        let expected = BundleClosing {
            format: self.version(),
            log: opening.map_or(closing.log, |o| o.log),
            genesis: opening.map_or(closing.genesis, |o| o.genesis),
            entries: self.entries,
            epochs: self.epochs,
            documents: self.documents,
            bytes: self.bytes,
            hash: self.hasher.so_far(),
            // It says what nothing else does.
            filter: closing.filter.clone(),
        };
        if closing != expected {
            self.corrupt("the closing record is not that of the lines before it".to_owned());
            if let Some(fault) = self.faults.last_mut() {
                *fault = fault.clone().compared(expected.hash, closing.hash);
            }
        }
        match envelope {
            Some(envelope) if envelope.key == closing.log && envelope.verify() => {
                closing.filter.map(Event::Answers)
            }
            Some(_) => {
                let detail = "the closing record's signature is not the log key's";
                self.fault(FaultCode::SignatureInvalid, detail.to_owned());
                None
            }
            None => Some(Event::Unsigned(self.line)),
        }
    }
}

impl<R: BufRead + Send> Source for BundleFile<R> {
    fn subject(&self) -> Subject {
        let opening = self.opening.as_ref();
        let (first_seq, last_seq, contiguous) = match opening.map(|o| o.contents) {
            Some(Contents::Range {
                first_seq,
                last_seq,
            }) => (first_seq, Some(last_seq), true),
            Some(Contents::Selection) => (Seq::FIRST, None, false),
            None => (Seq::FIRST, None, true),
        };
        Subject {
            format: Format::Bundle,
            log: opening.map(|o| o.log),
            genesis: opening.map(|o| o.genesis),
            first_seq,
            last_seq,
            contiguous,
            not_checked: if contiguous {
                Vec::new()
            } else {
                SELECTION_NOT_CHECKED.to_vec()
            },
        }
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let mut weight = 0;
        let room = match self.entries {
            0 => FIRST_ENTRIES,
            _ => BATCH_ENTRIES,
        };
        while batch.len() < room && weight < BATCH_BYTES {
            batch.extend(self.faults.drain(..).map(Event::Fault));
            if self.ended {
                break;
            }
            let Some(line) = self.read()? else {
                if !self.closed && self.faults.is_empty() {
                    let detail = "the closing record is missing: the file was cut";
                    self.fault(FaultCode::Truncated, detail.to_owned());
                }
                continue;
            };
            weight += line.len();
            let event = self.event(line);
            batch.extend(self.faults.drain(..).map(Event::Fault));
            batch.extend(event);
        }
        self.openings_of_last(batch)
    }
}

const AFTER_THE_END: &str = "something stands after the closing record";

/// The value of a line in its one spelling.
fn canonical(line: &[u8]) -> Result<Value, String> {
    let value = parse::parse_with(line, &limits::embedded(2)).map_err(|e| e.to_string())?;
    if value.canonical(Form::Utf8).as_bytes() == line {
        Ok(value)
    } else {
        Err("the line is not in canonical form".to_owned())
    }
}

fn subtrees(value: &Value, name: &str) -> Result<Vec<super::hash::Hash>, String> {
    let hashes = value.get(name).unwrap_or(&Value::Null);
    let hashes = shape::read(hashes, name).map_err(|e| e.to_string())?;
    let alone = value.as_object().is_some_and(|o| o.len() == 1);
    match alone {
        true => Ok(hashes),
        false => Err(format!("`{name}` must stand alone")),
    }
}
