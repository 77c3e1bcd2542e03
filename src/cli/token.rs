//! `sealbook token`: who may use a server, and for what.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use crate::ledger::time::Timestamp;
use crate::serve::scope::Scope;
use crate::serve::token_file::{KeptToken, TokenFile};

use super::Answer;
use super::context::Context;
use super::error::{CliError, ServerError};
use super::output::Output;
use super::spared::spare;

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, once; the file keeps a digest of it
    New(NewToken),
    /// List the tokens of a file
    List(TokenFileArgs),
    /// Take a token out of the file
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(super) struct TokenFileArgs {
    /// The file of tokens
    #[arg(long, value_name = "FILE", default_value = "./tokens.jsonl")]
    token_file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct NewToken {
    #[command(flatten)]
    file: TokenFileArgs,
    /// What it allows: read, append, route, enrol, ingest, approve or admin (may be given
    /// several times)
    #[arg(long, value_name = "SCOPE", required = true, value_parser = scope)]
    scope: Vec<Scope>,
    /// Whose it is, for people; it stands in every entry that comes in with it
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Days after which it is refused
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    file: TokenFileArgs,
    /// The token's id
    id: String,
}

#[derive(Serialize)]
struct ShownToken<'a> {
    id: &'a str,
    name: &'a str,
    scopes: Vec<&'static str>,
    created_at: String,
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    match command {
        Command::New(args) => new(context, args, output),
        Command::List(args) => list(context, &args.token_file, output),
        Command::Revoke(args) => revoke(args, output),
    }
}

fn new(context: &Context, args: &NewToken, output: &mut Output) -> Result<Answer, CliError> {
    let path = &args.file.token_file;
    // A file that cannot be read is not one that is not there.
    let mut file = match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            spare(context, path)?;
            TokenFile::default()
        }
        _ => TokenFile::open(path).map_err(ServerError::from)?,
    };
    let now = context.clock().wall();
    let days = args.days.map(i64::from);
    let expires = days.map(|days| now.saturating_add_micros(days.saturating_mul(DAY)));
    let issued = file.issue(&args.name, &args.scope, now, expires);
    let (token, kept) = issued.map_err(ServerError::from)?;
    let kept = kept.clone();
    file.save(path).map_err(ServerError::from)?;
    let id = &kept.id;
    output.done(format!(
        "token {id} is in {}, and nobody has it: `sealbook token revoke {id}`",
        path.display()
    ));
    if output.is_json() {
        return shown(&kept, Some(token.expose()), output);
    }
    output.line(token.expose())?;
    output.note(&format!(
        "token {} in {}; it is shown this once",
        kept.id,
        path.display()
    ));
    Ok(Answer::Yes)
}

fn list(context: &Context, path: &Path, output: &mut Output) -> Result<Answer, CliError> {
    let file = TokenFile::open(path).map_err(ServerError::from)?;
    let now = context.clock().wall();
    let mut rows = Vec::new();
    for token in file.tokens() {
        if output.is_json() {
            shown(token, None, output)?;
            continue;
        }
        rows.push(vec![
            token.id.clone(),
            token.name.clone(),
            names(token).join(" "),
            token.created_at.to_string(),
            until(token, now),
        ]);
    }
    if !rows.is_empty() {
        output.table(&["id", "name", "scopes", "created", "expires"], rows)?;
    }
    Ok(Answer::Yes)
}

fn revoke(args: &Revoke, output: &mut Output) -> Result<Answer, CliError> {
    let path = &args.file.token_file;
    let mut file = TokenFile::open(path).map_err(ServerError::from)?;
    let token = file.revoke(&args.id).map_err(ServerError::from)?;
    file.save(path).map_err(ServerError::from)?;
    output.done(format!("token {} is revoked", token.id));
    if output.is_json() {
        return shown(&token, None, output);
    }
    output.line(&format!("revoked {}", token.id))?;
    output.note("a running server takes it up on SIGHUP");
    Ok(Answer::Yes)
}

fn shown(kept: &KeptToken, token: Option<&str>, output: &mut Output) -> Result<Answer, CliError> {
    output.document(&ShownToken {
        id: &kept.id,
        name: &kept.name,
        scopes: names(kept),
        created_at: kept.created_at.to_string(),
        expires_at: kept.expires_at.map(|at| at.to_string()),
        token,
    })?;
    Ok(Answer::Yes)
}

fn names(token: &KeptToken) -> Vec<&'static str> {
    token.scopes.iter().map(|scope| scope.as_str()).collect()
}

fn until(token: &KeptToken, now: Timestamp) -> String {
    match token.expires_at {
        None => "never".to_owned(),
        Some(_) if token.is_expired(now) => "expired".to_owned(),
        Some(at) => at.to_string(),
    }
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let all = Scope::ALL.map(Scope::as_str).join(", ");
        format!("one of {all} is needed")
    })
}
