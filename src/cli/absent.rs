//! `sealbook absent`: a file that proves that no entry has a term.

use std::path::PathBuf;

use crate::api::Absence;
use crate::ledger::index::term::{Field, Term};
use crate::ledger::parse::parse;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::spared::spare;
use super::target::{self, Force, Target};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the proof is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Do not sign the closing record
    #[arg(long)]
    no_sign: bool,
    /// Seal the open epoch first, so that the proof covers all entries
    #[arg(long)]
    seal: bool,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    term: AbsentTerm,
}

/// What no entry is to have.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct AbsentTerm {
    /// No entry of this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Nothing of this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Nothing with this correlation id
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Nothing that names this worker or worker species
    #[arg(long, value_name = "WORKER")]
    worker: Option<String>,
}

impl AbsentTerm {
    fn term(&self) -> Option<Term> {
        let named = [
            (Field::Kind, &self.kind),
            (Field::Tenant, &self.tenant),
            (Field::Correlation, &self.correlation),
            (Field::Worker, &self.worker),
        ];
        let mut named = named.into_iter();
        named.find_map(|(field, value)| Some(Term::new(field, value.as_deref()?)))
    }
}

impl AbsentTerm {
    /// What the index, whose terms are texts, does not say of such a value.
    fn caution(&self) -> Option<String> {
        let named = [
            ("tenant_id", &self.tenant),
            ("correlation_id", &self.correlation),
            ("worker_id", &self.worker),
        ];
        let mut named = named.into_iter();
        let (member, value) = named.find_map(|(name, value)| Some((name, value.as_deref()?)))?;
        let json = parse(value.as_bytes()).ok()?;
        json.as_str().is_none().then(|| {
            format!(
                "the proof is of entries whose {member} is the text \"{value}\": it says nothing of \
                 those where it is the JSON value {value}"
            )
        })
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let Some(term) = args.term.term() else {
        return Ok(Answer::No);
    };
    spare(context, &args.output)?;
    if let Some(caution) = args.term.caution() {
        output.warning(&caution);
    }
    if args.seal {
        super::export::seal(context)?;
    }
    let ledger = context.reader(output)?;
    let mut file = Vec::new();
    match ledger.absent(&term, args.no_sign, &mut file)? {
        Absence::Present { entries } => {
            output.warning(&format!(
                "{entries} sealed entries have {term}: nothing was written"
            ));
            Ok(Answer::No)
        }
        Absence::Proven { epoch, seq, .. } => {
            let target = Target {
                path: &args.output,
                kind: target::OutputKind::Bundle,
                log: Some(ledger.key()),
                force: args.force,
            };
            target.write_bytes(context, &file)?;
            output.note(&format!(
                "proof that no entry up to {seq} (epoch {epoch}) has {term} in {}",
                args.output.display()
            ));
            Ok(Answer::Yes)
        }
    }
}
