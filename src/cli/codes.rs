//! `sealbook codes`: what every exit status and error code means.

use serde_json::json;

use super::Answer;
use super::error::CliError;
use super::output::Output;
use crate::codes::{CODES, FAULTS, text};

pub(super) fn run(output: &mut Output) -> Result<Answer, CliError> {
    if output.is_json() {
        output.document(&json!({"codes": CODES, "faults": FAULTS}))?;
    } else {
        text().lines().try_for_each(|line| output.line(line))?;
    }
    Ok(Answer::Yes)
}
