//! Several books as one custody.

use std::path::PathBuf;

use crate::api::Chain;

use super::context::Context;
use super::error::CliError;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Ledgers that continue each other, or a folder of them, as one custody (may be given several times)
    #[arg(long, value_name = "PATH")]
    books: Vec<PathBuf>,
}

impl Args {
    /// The books that are named, in their order.
    pub(super) fn open(&self, context: &Context) -> Result<Option<Chain>, CliError> {
        if self.books.is_empty() {
            return Ok(None);
        }
        Ok(Some(Chain::open(&self.books, &context.book_options())?))
    }
}
