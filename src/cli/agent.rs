//! `sealbook agent`: keeps a key in a process of its own, and signs with it what is a
//! log's to sign.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use crate::ledger::key::Signer as _;
use crate::signers::KeyLocation;
use crate::signers::agent::{Agent, RefusedRequest};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::secrets;
use super::spared::spare;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The private key: a PEM file, or pkcs11:…
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where it listens; a log names it as agent:PATH
    #[arg(long, value_name = "PATH")]
    listen: PathBuf,
    /// A user whose processes may have messages signed, beside the agent's own: a name or a number (may be given several times)
    #[arg(long, value_name = "USER", value_parser = user)]
    user: Vec<u32>,
}

/// Refusals that wait to be printed; what is more is not.
const UNPRINTED: usize = 64;

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    if matches!(KeyLocation::of(&args.key), Ok(KeyLocation::Agent(_))) {
        return Err(CliError::usage(
            "an agent holds its key itself: name a file or a token",
        ));
    }
    spare(context, &args.listen)?;
    let signer = context.open_key(&args.key)?;
    secrets::lock(&*signer);
    let socket = std::path::absolute(&args.listen);
    let socket = socket.map_err(|error| CliError::file(&args.listen, error))?;
    let failed = |error| CliError::file(&args.listen, error);
    let key = signer.public_key();
    let agent = Agent::bind(&socket, args.user, signer).map_err(failed)?;
    output.line(&format!("agent:{}", socket.display()))?;
    output.line(&format!("  log      {key}"))?;
    output.flush()?;
    secrets::warn(output);
    let (tell, told) = mpsc::sync_channel(UNPRINTED);
    let serving = thread::spawn(move || {
        agent.run(move |refused| {
            // Who asks for nonsense all the time does not hold up others.
            let _ = tell.try_send(refused);
        })
    });
    for refused in told {
        output.warning(&said(refused));
    }
    match serving.join() {
        Ok(ended) => ended.map(|()| Answer::Yes).map_err(failed),
        Err(_) => Ok(Answer::Unanswered),
    }
}

fn said(refused: RefusedRequest) -> String {
    match refused {
        RefusedRequest::User(uid) => {
            format!("the user {uid} may not ask: allow it with --user {uid}")
        }
        RefusedRequest::Message(uid) => {
            format!("the user {uid} asked to have signed what is not a message of a log")
        }
        RefusedRequest::Connection => "too many connections at a time: one was closed".to_owned(),
    }
}

fn user(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    match nix::unistd::User::from_name(text) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        Ok(None) => Err("there is no such user".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
