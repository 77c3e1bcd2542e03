//! The ledger, pure: bytes in, values out.

mod canonical;
pub mod entry;
pub mod envelope;
pub mod epoch;
pub mod fault;
pub mod hash;
pub mod head;
pub mod hexadecimal;
pub mod json;
pub mod key;
pub mod kind;
pub mod limits;
pub mod lines;
pub mod members;
pub mod merkle;
mod number;
mod object;
pub mod opening;
pub mod parse;
mod parse_error;
pub mod pem;
pub mod position;
pub mod sha256;
pub mod statement;
pub mod time;
mod time_reader;
