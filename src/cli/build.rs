//! `sealbook build`: a new worker, from questions. Each has a flag.

use std::path::PathBuf;

use crate::api::Error;
use crate::attestation::{namespace, scaffold_package};
use crate::wcp::Env;
use crate::wcp::record::check_control_id;
use crate::wcp::scaffold::Scaffold;

use super::Answer;
use super::context::Context;
use super::error::{CliError, ProducerError};
use super::output::Output;
use super::package;
use super::questions::{InitQuestion, Questions};
use super::spared::{self, spare};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The package's folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The worker: org.<name>… or x.<name>…
    #[arg(long, value_name = "ID")]
    worker_id: Option<String>,
    /// Its species, such as wrk.doc.summarizer
    #[arg(long, value_name = "ID")]
    worker_species_id: Option<String>,
    /// A capability, such as cap.doc.summarize (may be given several times)
    #[arg(long = "capability", value_name = "ID")]
    capabilities: Vec<String>,
    /// Its risk: low, medium or high
    #[arg(long, value_name = "TIER")]
    risk_tier: Option<String>,
    /// A control that it requires (may be given several times; empty for none)
    #[arg(long = "control", value_name = "ID")]
    controls: Vec<String>,
    /// Where it may run: dev, stage, prod or edge (may be given several times)
    #[arg(long = "env", value_name = "ENV")]
    environments: Vec<String>,
    /// Who owns it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Whom to write to
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// Take the usual answer of every question that has one
    #[arg(long)]
    defaults: bool,
    /// The worker's code, copied [default: a stub]
    #[arg(long, value_name = "FILE")]
    logic: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    let questions = Questions {
        terminal: output.can_ask(),
        defaults: args.defaults,
    };
    let overwrite = args.overwrite;
    let logic = args.logic.clone();
    let (dir, scaffold) = answers(args, &questions)?;
    let documents = scaffold.files().map_err(ProducerError::from)?;
    let documents = documents.into_iter();
    let documents: Vec<_> = documents.map(|(name, d)| (dir.join(name), d)).collect();
    // Everything that must not be there is looked for before anything is made.
    package::spare_files(context, &dir)?;
    for (path, _) in &documents {
        spare(context, path)?;
    }
    for (path, _) in documents.iter().filter(|_| !overwrite) {
        if path.symlink_metadata().is_ok() {
            let path = path.clone();
            return Err(Error::Exists { path }.into());
        }
    }
    let written = scaffold_package(&dir, logic.as_deref(), overwrite);
    let mut written = written.map_err(ProducerError::from)?;
    for (path, document) in documents {
        spared::replace(context, &path, (document.pretty() + "\n").as_bytes())?;
        written.push(path);
    }
    package::print_written(&dir, &written, output)?;
    let dir = dir.display();
    output.note(&format!(
        "test it with `sealbook validate --rules {dir}/rules.json --tests {dir}/tests.json`, \
         attest it with `sealbook package sign {dir}`, \
         enrol it with `sealbook enroll {dir}/registry_record.json`"
    ));
    Ok(Answer::Yes)
}

fn answers(args: Args, questions: &Questions) -> Result<(PathBuf, Scaffold), CliError> {
    let ask = |question: &str| InitQuestion::new(question);
    let worker_id = questions.text(
        args.worker_id,
        &ask("the worker's id")
            .flag("--worker-id")
            .check(is_attestable),
    )?;
    let name = worker_id.rsplit('.').next().unwrap_or(&worker_id);
    let species = format!("wrk.{name}.worker");
    let owner = namespace(&worker_id).unwrap_or(&worker_id).to_owned();
    let dir = args.dir.map(|dir| dir.to_string_lossy().into_owned());
    let question = ask("the package's folder").flag("--dir").usual(name);
    let dir = questions.text(dir, &question)?;
    let question = ask("its species")
        .flag("--worker-species-id")
        .usual(&species);
    let worker_species_id = questions.text(args.worker_species_id, &question)?;
    let question = ask("its capabilities").flag("--capability");
    let capabilities = questions.list(args.capabilities, &question)?;
    let question = ask("its risk tier").flag("--risk-tier").usual("low");
    let risk_tier = questions.one_of(args.risk_tier, &question, &["low", "medium", "high"])?;
    let question = ask("the controls that it requires").flag("--control");
    let question = question.usual("ctrl.obs.audit-log-append-only");
    let required_controls = questions.list(args.controls, &question.check(are_controls))?;
    let question = ask("where it may run").flag("--env").usual("dev");
    let environments = questions.list(args.environments, &question)?;
    let question = ask("its owner").flag("--owner").usual(&owner);
    let owner = questions.text(args.owner, &question)?;
    let question = ask("whom to write to").flag("--contact").usual("");
    let contact = questions.text(args.contact, &question)?;
    let scaffold = Scaffold {
        worker_id,
        worker_species_id,
        capabilities,
        risk_tier,
        required_controls,
        allowed_environments: environments
            .iter()
            .map(|e| env(e))
            .collect::<Result<_, _>>()?,
        owner,
        contact,
    };
    Ok((PathBuf::from(dir), scaffold))
}

fn is_attestable(worker_id: &str) -> Result<(), String> {
    namespace(worker_id)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn are_controls(list: &str) -> Result<(), String> {
    let mut controls = list.split([',', ' ']).filter(|id| !id.is_empty());
    let checked = controls.try_for_each(check_control_id);
    checked.map_err(|error| error.to_string())
}

fn env(name: &str) -> Result<Env, CliError> {
    Env::parse(name).ok_or_else(|| CliError::Argument {
        what: "environment",
        given: name.to_owned(),
        expected: Env::EXPECTED,
    })
}
