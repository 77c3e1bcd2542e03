//! TLS to a receiver: its certificate leads to one of the authorities that were named.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::error::SinkError;

/// Certificate chain and key, PEM, that this end shows.
pub(super) type ClientIdentity<'p> = Option<(&'p Path, &'p Path)>;

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SinkError> {
    let failed = |source| SinkError::Pem {
        path: path.to_owned(),
        source,
    };
    let found = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(failed)?;
    match found.is_empty() {
        true => Err(failed(rustls::pki_types::pem::Error::NoItemsFound)),
        false => Ok(found),
    }
}

pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, SinkError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| SinkError::Pem {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn config(
    authorities: &Path,
    shown: ClientIdentity<'_>,
) -> Result<Arc<ClientConfig>, SinkError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(authorities)? {
        roots.add(root).map_err(SinkError::Tls)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SinkError::Tls)?
        .with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some((chain, own)) => config
            .with_client_auth_cert(certificates(chain)?, key(own)?)
            .map_err(SinkError::Tls)?,
    };
    Ok(Arc::new(config))
}
