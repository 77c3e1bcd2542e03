//! Whether a package is what was attested. Fail closed: there is no way out of
//! [`PackageAttestationVerifier::verify`] but a denial or the end of every check.

use std::path::PathBuf;
use std::time::Instant;

use super::ban_list::BanList;
use super::denial::PackageDenial;
use super::hmac_key::HmacKey;
use super::identity::namespace;
use super::manifest::{
    BuildSource, MANIFEST_BYTES, PackageManifest, SCHEMA_VERSION, trust_statement,
};
use super::meta::{Attestation, Ed25519, Meta, Unattested};
use super::package_hash::{PackageHash, canonical_package_hash};
use crate::files::{FileReadError, FileState, OpenError, OpenFile, WalkedFile};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;

/// Verifies one package against its manifest and the identity that it was
/// declared to have.
#[derive(Clone, Debug)]
pub struct PackageAttestationVerifier<'a> {
    package_root: PathBuf,
    manifest_path: PathBuf,
    worker_id: String,
    worker_species_id: String,
    hmac_key: Option<&'a HmacKey>,
    ban_list: Option<&'a BanList>,
    trusted: &'a [PublicKey],
    require_ed25519: bool,
    strict: bool,
    evidence: Option<Evidence>,
}

/// A package that is not on this disk: what somebody sends of it.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub manifest: Vec<u8>,
    pub package: PackageHash,
    /// What the sender found of the HMAC, where the key is not at hand here.
    pub hmac_valid: Option<bool>,
}

impl<'a> PackageAttestationVerifier<'a> {
    /// A verifier that has no HMAC key yet, and so denies everything.
    pub fn new(
        package_root: impl Into<PathBuf>,
        manifest_path: impl Into<PathBuf>,
        worker_id: impl Into<String>,
        worker_species_id: impl Into<String>,
    ) -> PackageAttestationVerifier<'a> {
        PackageAttestationVerifier {
            package_root: package_root.into(),
            manifest_path: manifest_path.into(),
            worker_id: worker_id.into(),
            worker_species_id: worker_species_id.into(),
            hmac_key: None,
            ban_list: None,
            trusted: &[],
            require_ed25519: false,
            strict: false,
            evidence: None,
        }
    }

    /// Checks the HMAC with `key`; none stands for a secret that is not set.
    pub fn hmac_key(mut self, key: Option<&'a HmacKey>) -> Self {
        self.hmac_key = key;
        self
    }

    pub fn ban_list(mut self, list: &'a BanList) -> Self {
        self.ban_list = Some(list);
        self
    }

    /// Trusts these Ed25519 keys, and denies a manifest without the signature of one
    /// of them, if there are any.
    pub fn trusted_keys(mut self, keys: &'a [PublicKey]) -> Self {
        self.trusted = keys;
        self
    }

    pub fn require_ed25519(mut self, required: bool) -> Self {
        self.require_ed25519 = required;
        self
    }

    /// Denies a package with files that no hash covers, but for what a file manager
    /// or a version control left.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Verifies the package as it stands; `now` is what the outcome gives as
    /// the time.
    pub fn verify(&self, now: Timestamp) -> Attestation {
        let begun = Instant::now();
        let mut meta = Meta {
            worker_id: self.worker_id.clone(),
            worker_species_id: self.worker_species_id.clone(),
            verified_at_utc: now.whole_seconds_z(),
            ..Meta::default()
        };
        let denial = self.check(&mut meta).err();
        meta.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Attestation { denial, meta }
    }

    /// The checks of SPEC §5.2 in their order.
    fn check(&self, meta: &mut Meta) -> Result<(), PackageDenial> {
        let (manifest, file) = self.read_manifest(meta)?;
        let namespace = self.check_identity(&manifest)?;
        let (package, package_hash) = self.check_contents(&manifest, file.as_ref(), meta)?;
        self.check_ban_list(&package, meta)?;
        self.check_hmac(&manifest)?;
        self.check_ed25519(&manifest, meta)?;
        describe(&manifest, namespace, &package_hash, meta)
    }

    fn read_manifest(
        &self,
        meta: &mut Meta,
    ) -> Result<(PackageManifest, Option<FileState>), PackageDenial> {
        if let Some(evidence) = &self.evidence {
            let text = &evidence.manifest;
            meta.manifest_sha256 = Some(Sha256Digest::of(text));
            let manifest =
                PackageManifest::parse(text).map_err(PackageDenial::ManifestMalformed)?;
            return Ok((manifest, None));
        }
        let unreadable = |problem: String| PackageDenial::ManifestUnreadable {
            path: self.manifest_path.clone(),
            problem,
        };
        let opened = OpenFile::at(&self.manifest_path);
        let opened = opened.map_err(|error: OpenError| unreadable(error.to_string()))?;
        let state = opened.state();
        let text = opened.read(MANIFEST_BYTES).map_err(|error| match error {
            FileReadError::TooLarge { size, .. } => PackageDenial::ManifestTooLarge { bytes: size },
            other => unreadable(other.to_string()),
        })?;
        meta.manifest_sha256 = Some(Sha256Digest::of(&text));
        let manifest = PackageManifest::parse(&text).map_err(PackageDenial::ManifestMalformed)?;
        Ok((manifest, Some(state)))
    }

    fn check_identity(&self, manifest: &PackageManifest) -> Result<&str, PackageDenial> {
        let declared = [
            ("worker_id", &self.worker_id),
            ("worker_species_id", &self.worker_species_id),
        ];
        for (member, declared) in declared {
            let stated = manifest.text(member);
            if stated != Some(declared) {
                return Err(PackageDenial::Identity {
                    member,
                    declared: declared.clone(),
                    manifest: stated.map(str::to_owned),
                });
            }
        }
        Ok(namespace(&self.worker_id)?)
    }

    /// The package's hash in the order that the manifest was made with.
    fn check_contents(
        &self,
        manifest: &PackageManifest,
        manifest_file: Option<&FileState>,
        meta: &mut Meta,
    ) -> Result<(PackageHash, Sha256Digest), PackageDenial> {
        let package = match &self.evidence {
            Some(evidence) => Ok(evidence.package.clone()),
            None => canonical_package_hash(&self.package_root),
        };
        let package = package.map_err(|error| {
            let (reason, problem) = (error.problem.reason(), error.problem.to_string());
            let path = error.path;
            PackageDenial::Contents {
                path,
                reason,
                problem,
            }
        })?;
        meta.package_hash = Some(package.canonical);
        meta.unattested = unattested(&package, manifest_file);
        let stated = manifest.text("package_hash");
        let digest = stated.and_then(|text| Sha256Digest::from_hex(text).ok());
        let matched = digest.and_then(|digest| Some((digest, package.matches(&digest)?)));
        let (digest, order) = matched.ok_or_else(|| PackageDenial::Hash {
            manifest: stated.map(str::to_owned),
            actual: package.canonical,
        })?;
        meta.package_hash = Some(digest);
        meta.path_order = Some(order);
        if self.strict {
            self.check_unattested(&package, manifest_file, meta)?;
        }
        Ok((package, digest))
    }

    /// What no hash covers, and is not harmless. Compiled Python is none of it, whatever
    /// its header says of its source: Python runs what stands behind the header.
    fn check_unattested(
        &self,
        package: &PackageHash,
        manifest: Option<&FileState>,
        meta: &mut Meta,
    ) -> Result<(), PackageDenial> {
        let others = package.excluded.iter();
        let others =
            others.filter(|found| manifest.is_none_or(|m| found.state.identity != m.identity));
        let (harmless, others): (Vec<_>, Vec<_>) = others.partition(|found| is_left_over(found));
        if !harmless.is_empty() {
            meta.warnings.push("left_over_files");
        }
        let mut others = others.into_iter();
        match others.next() {
            Some(first) => Err(PackageDenial::Unattested {
                count: others.count().saturating_add(1),
                first: first.path.clone(),
            }),
            None => Ok(()),
        }
    }

    /// A ban is of the content, whichever of its two hashes the list names.
    fn check_ban_list(&self, package: &PackageHash, meta: &mut Meta) -> Result<(), PackageDenial> {
        meta.ban_list = self.ban_list.map(BanList::digest);
        for sha256 in [package.canonical, package.plain] {
            if let Some(entry) = self.ban_list.and_then(|list| list.find(&sha256)) {
                return Err(PackageDenial::Banned {
                    sha256,
                    reason: entry.reason.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether the signature of a trusted key is wanted: a key that is trusted
    /// means that key.
    fn wants_ed25519(&self) -> bool {
        self.require_ed25519 || !self.trusted.is_empty()
    }

    /// What is missing comes before what is wrong.
    fn check_hmac(&self, manifest: &PackageManifest) -> Result<(), PackageDenial> {
        let signature = manifest.hmac().ok_or(PackageDenial::NoHmac)?;
        let reported = self
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.hmac_valid);
        let key = match (self.hmac_key, reported) {
            (Some(key), _) => key,
            (None, Some(true)) => return Ok(()),
            (None, Some(false)) => return Err(PackageDenial::HmacInvalid),
            (None, None) => return Err(PackageDenial::NoHmacKey),
        };
        if self.wants_ed25519() && manifest.ed25519().is_none() {
            return Err(PackageDenial::NoEd25519);
        }
        let message = manifest.hmac_message();
        let message = message.map_err(|member| PackageDenial::SignedMember { member })?;
        let valid = signature
            .as_str()
            .is_some_and(|text| key.verify(&message, text));
        if valid {
            Ok(())
        } else {
            Err(PackageDenial::HmacInvalid)
        }
    }

    /// A signature that is there must be good, required or not; whose it is
    /// matters where one is required, or keys are trusted.
    fn check_ed25519(
        &self,
        manifest: &PackageManifest,
        meta: &mut Meta,
    ) -> Result<(), PackageDenial> {
        let Some(envelope) = manifest.ed25519() else {
            return Ok(());
        };
        let envelope = envelope.map_err(PackageDenial::Ed25519Malformed)?;
        if envelope.object != manifest.without_signatures() {
            return Err(PackageDenial::Ed25519OtherManifest);
        }
        if !envelope.verify() {
            return Err(PackageDenial::Ed25519Invalid);
        }
        let fingerprint = envelope.key.fingerprint();
        let trusted = self.trusted.contains(&envelope.key);
        if self.wants_ed25519() && !trusted {
            return Err(PackageDenial::Ed25519Untrusted { fingerprint });
        }
        meta.ed25519 = Some(Ed25519 {
            fingerprint,
            trusted,
        });
        Ok(())
    }
}

/// What a file manager or a version control leaves, which no worker runs: a file
/// `.DS_Store`, and what is in `.git` but for links and compiled Python.
fn is_left_over(found: &WalkedFile) -> bool {
    let names = || found.path.split('/');
    let is_compiled = found.path.ends_with(".pyc") || names().any(|name| name == "__pycache__");
    let of_file_manager = names().next_back() == Some(".DS_Store");
    let of_version_control = names().any(|name| name == ".git") && !is_compiled;
    !found.link && (of_file_manager || of_version_control)
}

/// Says what was verified, from signed members alone.
fn describe(
    manifest: &PackageManifest,
    namespace: &str,
    package_hash: &Sha256Digest,
    meta: &mut Meta,
) -> Result<(), PackageDenial> {
    let text = |name| manifest.text(name).unwrap_or_default().to_owned();
    let schema = text("schema_version");
    if schema != SCHEMA_VERSION {
        return Err(PackageDenial::Schema(schema));
    }
    let source = text("build_source");
    if BuildSource::parse(&source).is_none() {
        return Err(PackageDenial::BuildSource(source));
    }
    let built_at = text("built_at_utc");
    let statement = trust_statement(namespace, &built_at, package_hash);
    let claimed = manifest.text("trust_statement");
    if claimed != Some(&statement) {
        meta.warnings.push("trust_statement_differs");
        meta.trust_statement_claimed = claimed.map(str::to_owned);
    }
    meta.trust_statement = Some(statement);
    meta.worker_version = Some(text("worker_version"));
    meta.build_source = Some(source);
    meta.built_at_utc = Some(built_at);
    meta.attested_at_utc = manifest.text("attested_at_utc").map(str::to_owned);
    // The HMAC passes over it; the Ed25519 signature does not.
    let covered = meta.ed25519.as_ref().is_some_and(|signed| signed.trusted);
    if meta.attested_at_utc.is_some() && !covered {
        meta.unsigned.push("attested_at_utc");
    }
    Ok(())
}

/// What the hash passes over, but for the manifest that is being verified.
fn unattested(package: &PackageHash, manifest: Option<&FileState>) -> Unattested {
    let others = package.excluded.iter();
    let others = others.filter(|found| manifest.is_none_or(|m| found.state.identity != m.identity));
    let listed = others.clone().take(limits::REPORTED);
    Unattested {
        listed: listed.map(|found| found.path.clone()).collect(),
        count: others.count(),
    }
}
