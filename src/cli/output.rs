//! The only printer. Data on stdout, everything else on stderr; hostile text
//! goes through [`escape`](super::escape).

use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::escape::{escape, escape_lines};

/// What a command still owes when stdout cannot be written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owes {
    Nothing,
    /// Its exit status, if the reader has gone.
    Verdict,
    /// Everything it was given to record, whatever became of the output.
    Records,
}

pub(super) struct Output {
    json: bool,
    quiet: bool,
    owes: Owes,
    stdout: BufWriter<Stdout>,
    stderr: Stderr,
    /// What is done already, whatever becomes of the output.
    done: Option<String>,
    /// Why nothing more is written to stdout, though the command goes on.
    lost: Option<io::Error>,
}

impl Output {
    pub(super) fn new(json: bool, owes: Owes) -> Output {
        Output {
            json,
            quiet: false,
            owes,
            stdout: BufWriter::with_capacity(1 << 16, io::stdout()),
            stderr: io::stderr(),
            done: None,
            lost: None,
        }
    }

    /// Without notes: warnings and errors are said all the same.
    pub(super) fn quiet(self, quiet: bool) -> Output {
        Output { quiet, ..self }
    }

    /// Remembers what is durable before it is printed: where that fails it is said.
    pub(super) fn done(&mut self, what: String) {
        self.done = Some(what);
    }

    pub(super) fn take_lost(&mut self) -> Option<io::Error> {
        self.lost.take()
    }

    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether colour is welcome on stdout (`NO_COLOR`).
    pub(super) fn colours(&self) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        io::stdout().is_terminal() && !refused
    }

    pub(super) fn can_ask(&self) -> bool {
        !self.json
            && io::stdin().is_terminal()
            && io::stdout().is_terminal()
            && self.stderr.is_terminal()
    }

    pub(super) fn verdict(&mut self, passed: bool, text: &str) -> Result<(), CliError> {
        match passed {
            true => self.coloured(&format!("PASS  {text}"), "1;32"),
            false => self.coloured(&format!("FAIL  {text}"), "1;31"),
        }
    }

    /// A line for people. Control characters in it are escaped.
    pub(super) fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.raw_line(&escape(text))
    }

    /// A line that may carry colour, of words of our own.
    pub(super) fn coloured(&mut self, text: &str, ansi: &str) -> Result<(), CliError> {
        let text = escape(text);
        if self.colours() {
            self.raw_line(&format!("\u{1b}[{ansi}m{text}\u{1b}[0m"))
        } else {
            self.raw_line(&text)
        }
    }

    pub(super) fn document(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(|error| CliError::output(error.into()))?;
        self.raw_line(&text)
    }

    pub(super) fn canonical(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.bytes(bytes)?;
        self.bytes(b"\n")
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.write(|stdout| stdout.write_all(bytes))
    }

    pub(super) fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) -> Result<(), CliError> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(head.iter().map(|name| name.to_uppercase()));
        for row in rows {
            table.add_row(row.iter().map(|cell| escape(cell).into_owned()));
        }
        let text = table.to_string();
        for line in text.lines() {
            self.raw_line(line.trim_end())?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        self.write(BufWriter::flush)
    }

    pub(super) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.notice(text);
        }
    }

    /// A note that is printed even with `--quiet`.
    pub(super) fn notice(&mut self, text: &str) {
        self.message("note", &escape(text));
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.message("warning", &escape(text));
    }

    pub(super) fn failure(&mut self, error: &CliError) -> u8 {
        if error.is_closed_pipe() {
            return 0;
        }
        if self.json {
            let said = json!({"code": error.code(), "detail": error.to_string()});
            #[cfg(feature = "rocks")]
            let said = match error {
                CliError::Stopped(stopped) => stopped.beside(said),
                _ => said,
            };
            let _ = self.raw_line(&json!({ "error": said }).to_string());
        }
        let _ = self.flush();
        match error {
            // How the command is used takes several lines.
            CliError::Usage(text) => self.message("error", &escape_lines(text)),
            other => self.message("error", &escape(&other.to_string())),
        }
        if let (CliError::Output(_), Some(done)) = (error, self.done.take()) {
            self.notice(&format!("it is done all the same: {done}"));
        }
        if let Some(hint) = error.hint() {
            self.message("hint", &escape(&hint));
        }
        error.exit_status()
    }

    fn message(&mut self, what: &str, escaped: &str) {
        // Nobody can be told that stderr is closed.
        let _ = writeln!(self.stderr, "sealbook: {what}: {escaped}");
    }

    fn raw_line(&mut self, text: &str) -> Result<(), CliError> {
        self.write(|stdout| writeln!(stdout, "{text}"))
    }

    /// Writes to stdout, unless that failed before and the command goes on.
    fn write(
        &mut self,
        write: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>,
    ) -> Result<(), CliError> {
        if self.lost.is_some() {
            return Ok(());
        }
        let Err(error) = write(&mut self.stdout) else {
            return Ok(());
        };
        let goes_on = match self.owes {
            Owes::Nothing => false,
            Owes::Verdict => error.kind() == io::ErrorKind::BrokenPipe,
            Owes::Records => true,
        };
        match goes_on {
            true => self.lost = Some(error),
            false => return Err(CliError::output(error)),
        }
        Ok(())
    }
}
