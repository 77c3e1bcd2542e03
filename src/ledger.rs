//! The ledger, pure: bytes in, values out.

mod canonical;
pub mod json;
mod member_error;
pub mod members;
mod number;
mod object;
pub mod parse;
mod parse_error;
pub mod time;
mod time_reader;
mod tokens;
