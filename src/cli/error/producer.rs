//! What goes wrong in the producers' commands: rules, packages, manifests,
//! cards, the catalogue and the registry.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::attestation;
#[cfg(feature = "client")]
use crate::attestation::registry_client::RegistryError;
use crate::codes;
use crate::files::TreeError;
use crate::manifest;
use crate::vacant::{CoreError, TypeIntegrityError};
use crate::wcp;

/// Why a producer's command has no answer.
#[derive(Debug, Error)]
pub(in crate::cli) enum ProducerError {
    #[error(transparent)]
    Rules(#[from] wcp::rules::RulesError),
    #[error(transparent)]
    Catalog(#[from] wcp::catalog::CatalogError),
    #[error(transparent)]
    Record(#[from] wcp::record::WorkerRecordError),
    #[error("{}: {source}", path.display())]
    RegistryDir { path: PathBuf, source: io::Error },
    #[error("worker \"{worker_id}\" is enrolled from several files, {} among them", path.display())]
    EnrolledTwice { worker_id: String, path: PathBuf },
    #[error(transparent)]
    Answer(#[from] wcp::scaffold::WorkerScaffoldError),
    #[error("{question} is not answered, and there is no terminal to ask at: {flag} is missing")]
    Unanswered {
        question: String,
        flag: &'static str,
    },
    #[error("the questions were broken off: {0}")]
    Prompt(#[from] dialoguer::Error),
    #[error(transparent)]
    Scaffold(#[from] attestation::PackageScaffoldError),
    #[error(transparent)]
    Contents(#[from] TreeError),
    #[error(transparent)]
    Attest(#[from] attestation::BuildManifestError),
    #[error("there is no HMAC key: WCP_ATTEST_HMAC_KEY is not set, or empty")]
    NoHmacKey,
    #[error(transparent)]
    BanList(#[from] attestation::BanListError),
    #[error("the registry bans more hashes than it lists: this one may be among them")]
    BanListCut,
    #[error(transparent)]
    Manifest(#[from] manifest::ManifestBuildError),
    #[error(transparent)]
    Tiles(#[from] manifest::TileError),
    #[error(transparent)]
    Core(#[from] CoreError),
    #[error("larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the allow-list is not an object of lists of destinations by environment")]
    AllowList,
    #[cfg(feature = "rego")]
    #[error(transparent)]
    PolicySource(#[from] wcp::rego_bundle::RegoBundleError),
    #[cfg(feature = "rego")]
    #[error(transparent)]
    Policy(#[from] wcp::rego::RegoError),
    #[error(transparent)]
    WorkersRoot(wcp::worker_source::AttestError),
    #[error("no randomness to be had: {0}")]
    Randomness(#[from] getrandom::Error),
    #[cfg(feature = "client")]
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[cfg(feature = "client")]
    #[error("{variable} has characters that no token has")]
    Token { variable: &'static str },
}

impl ProducerError {
    /// The folder of registry records cannot be read.
    pub(in crate::cli) fn registry_dir(path: &Path, source: io::Error) -> ProducerError {
        ProducerError::RegistryDir {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        use crate::wcp::rules::RulesError;
        match self {
            ProducerError::Rules(RulesError::Unreadable(_)) => "io",
            ProducerError::Rules(RulesError::NotJson(_)) => "bad_json",
            ProducerError::Rules(_) => "bad_rules",
            ProducerError::Catalog(wcp::catalog::CatalogError::NotJson(_)) => "bad_json",
            ProducerError::Catalog(_) => "bad_catalog",
            ProducerError::Record(wcp::record::WorkerRecordError::Tampered { .. }) => {
                "DENY_WORKER_TAMPERED"
            }
            ProducerError::Record(_) => "bad_record",
            ProducerError::RegistryDir { source, .. } => super::io_code(source),
            ProducerError::EnrolledTwice { .. } => "enrolled_twice",
            ProducerError::Answer(_) => "bad_answer",
            ProducerError::Unanswered { .. } => "usage",
            ProducerError::Prompt(_) => "io",
            ProducerError::Scaffold(attestation::PackageScaffoldError::Exists { .. }) => "exists",
            ProducerError::Scaffold(_) => "io",
            ProducerError::Contents(error) => error.problem.reason(),
            ProducerError::Attest(error) => attest_code(error),
            ProducerError::NoHmacKey => "hmac_key_missing",
            ProducerError::BanList(_) => "bad_ban_list",
            ProducerError::BanListCut => "ban_list_truncated",
            ProducerError::Manifest(error) => manifest_code(error),
            ProducerError::Tiles(manifest::TileError::Io(_)) => "io",
            ProducerError::Tiles(_) => "bad_tiles",
            ProducerError::Core(error) => core_code(error),
            ProducerError::TooLarge { .. } => "too_large",
            ProducerError::AllowList | ProducerError::WorkersRoot(_) => "bad_input",
            #[cfg(feature = "rego")]
            ProducerError::PolicySource(wcp::rego_bundle::RegoBundleError::Unreadable {
                ..
            }) => "io",
            #[cfg(feature = "rego")]
            ProducerError::PolicySource(_) | ProducerError::Policy(_) => "bad_policy",
            ProducerError::Randomness(_) => "no_randomness",
            #[cfg(feature = "client")]
            ProducerError::Registry(error) => registry_code(error),
            #[cfg(feature = "client")]
            ProducerError::Token { .. } => "bad_token",
        }
    }

    pub(super) fn hint(&self) -> Option<&'static str> {
        Some(match self {
            ProducerError::Rules(wcp::rules::RulesError::Unreadable(error))
                if error.kind() == io::ErrorKind::IsADirectory =>
            {
                "name the rules file in it"
            }
            ProducerError::RegistryDir { source, .. }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                "name the folder of records with --registry-dir, or begin one with `sealbook enroll`"
            }
            ProducerError::EnrolledTwice { .. }
            | ProducerError::BanListCut
            | ProducerError::NoHmacKey
            | ProducerError::Attest(attestation::BuildManifestError::Namespace(_)) => {
                codes::find(self.code()).remedy
            }
            ProducerError::Unanswered { .. } => {
                "give the flag; --defaults takes the usual answer where there is one"
            }
            ProducerError::Scaffold(attestation::PackageScaffoldError::Exists { .. }) => {
                "name another folder, or replace the files with --overwrite"
            }
            ProducerError::Core(CoreError::TypeIntegrity(TypeIntegrityError::ForeignKey)) => {
                "sign with the vacant's own key"
            }
            #[cfg(feature = "client")]
            ProducerError::Registry(error) => return registry_hint(error),
            _ => return None,
        })
    }
}

fn attest_code(error: &attestation::BuildManifestError) -> &'static str {
    match error {
        attestation::BuildManifestError::Namespace(_) => "no_namespace",
        attestation::BuildManifestError::Contents(error) => error.problem.reason(),
        attestation::BuildManifestError::Sign(_) => "sign_failed",
        _ => "bad_input",
    }
}

fn manifest_code(error: &manifest::ManifestBuildError) -> &'static str {
    match error {
        manifest::ManifestBuildError::Contents(error) => error.problem.reason(),
        manifest::ManifestBuildError::Path { .. } => "bad_path",
        manifest::ManifestBuildError::Sign(_) => "sign_failed",
        _ => "io",
    }
}

fn core_code(error: &CoreError) -> &'static str {
    match error {
        CoreError::TypeIntegrity(TypeIntegrityError::Json(_)) => "bad_json",
        CoreError::Crypto(_) => "sign_failed",
        _ => "bad_input",
    }
}

#[cfg(feature = "client")]
fn registry_code(error: &RegistryError) -> &'static str {
    match error {
        RegistryError::Url | RegistryError::WorkerId | RegistryError::Hash(_) => "usage",
        RegistryError::NoToken => "token_missing",
        RegistryError::RateLimited { .. } => "rate_limited",
        RegistryError::Unauthorized { .. } => "unauthorized",
        RegistryError::Timeout | RegistryError::Transport(_) => "registry_unreachable",
        RegistryError::BanListTruncated { .. } => "ban_list_truncated",
        _ => "registry_answer",
    }
}

#[cfg(feature = "client")]
fn registry_hint(error: &RegistryError) -> Option<&'static str> {
    Some(match error {
        RegistryError::Url => "name it with --registry https://… or PYHALL_REGISTRY_URL",
        RegistryError::NoToken
        | RegistryError::RateLimited { .. }
        | RegistryError::Timeout
        | RegistryError::Transport(_)
        | RegistryError::BanListTruncated { .. } => codes::find(registry_code(error)).remedy,
        _ => return None,
    })
}
