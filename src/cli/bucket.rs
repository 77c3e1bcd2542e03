//! `--bucket URL` of every command, and `sealbook bucket`.

use std::path::PathBuf;

use serde::Serialize;

use crate::api::Options;
use crate::bucket::check::Passed;
use crate::bucket::retention::{Retention, retention};
use crate::bucket::{Address, check};

use super::Answer;
use super::error::CliError;
use super::output::Output;

/// What every command is told of the ledger's bucket.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct BucketArgs {
    /// The bucket that holds the ledger's record: s3://BUCKET/PREFIX, gs://…, az://… or
    /// file:///DIR; the ledger's directory is a cache of it
    #[arg(long, global = true, value_name = "URL", env = "SEALBOOK_BUCKET", value_parser = address)]
    bucket: Option<Address>,
    /// A signed head or checkpoint that was kept: a machine without a mark holds the bucket
    /// against it
    #[arg(long, global = true, value_name = "FILE", requires = "bucket")]
    bucket_head: Option<PathBuf>,
    /// A quorum of these witnesses must have cosigned the checkpoint of --bucket-head; without
    /// it they are asked for theirs. A file of c2sp.org/tlog-policy
    #[arg(long, global = true, value_name = "FILE", requires = "bucket")]
    bucket_witnesses: Option<PathBuf>,
    /// On a machine without a mark, take the head that the bucket has; an entry records it
    #[arg(
        long,
        global = true,
        requires = "bucket",
        conflicts_with_all = ["bucket_head", "bucket_witnesses"]
    )]
    accept_bucket_head: bool,
}

impl BucketArgs {
    /// How the ledger is opened.
    pub(super) fn apply(&self, mut options: Options) -> Options {
        if let Some(bucket) = &self.bucket {
            options = options.bucket(bucket.clone());
        }
        if let Some(head) = &self.bucket_head {
            options = options.bucket_head(head);
        }
        if let Some(policy) = &self.bucket_witnesses {
            options = options.bucket_witnesses(policy);
        }
        options.accept_bucket_head(self.accept_bucket_head)
    }

    /// The bucket, if one is named.
    pub(super) const fn address(&self) -> Option<&Address> {
        self.bucket.as_ref()
    }
}

pub(super) fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Race 8 connections over 64 keys: whether a bucket can hold a ledger's record
    Check(Check),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The bucket
    #[arg(value_name = "URL", value_parser = address)]
    url: Address,
    /// Another endpoint of an S3 that has several, to be raced over, too
    #[arg(long, value_name = "URL")]
    endpoint: Vec<String>,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Answer, CliError> {
    match command {
        Command::Check(args) => check(args, output),
    }
}

fn check(args: &Check, output: &mut Output) -> Result<Answer, CliError> {
    let mut endpoints = vec![args.url.connect().map_err(failed)?];
    for endpoint in &args.endpoint {
        endpoints.push(args.url.connect_to(endpoint).map_err(failed)?);
    }
    let passed = check::run(&endpoints).map_err(failed)?;
    let retention = retention(&args.url).map_err(failed)?;
    if output.is_json() {
        output.document(&BucketCheck { passed, retention })?;
    } else {
        output.line(&format!(
            "passed: {} keys, {} connections each over {} endpoints, one creation each",
            passed.keys, passed.connections, passed.endpoints
        ))?;
        print(&retention, output)?;
    }
    Ok(Answer::Yes)
}

/// What the check found.
#[derive(Serialize)]
struct BucketCheck {
    #[serde(flatten)]
    passed: Passed,
    retention: Retention,
}

fn print(retention: &Retention, output: &mut Output) -> Result<(), CliError> {
    if !retention.asked {
        return output.line("retention: a folder has none");
    }
    for (what, held) in [("wal/", retention.wal), ("epoch/", retention.epoch)] {
        output.line(&match held {
            Some(true) => format!("retention: {what} is held"),
            Some(false) => format!(
                "retention: {what} is not held: recommended, so that nobody deletes the record"
            ),
            None => format!("retention: nothing is under {what} yet: hold it once there is"),
        })?;
    }
    match retention.versions {
        Some(true) => output.line(
            "versions: older contents are kept: what is erased under open/ stays until a rule \
             of the bucket removes them",
        ),
        _ => Ok(()),
    }
}

fn failed(error: crate::bucket::BucketError) -> CliError {
    CliError::Ledger(error.into())
}
