//! What a sink is made of.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use ureq::http::{HeaderMap, HeaderName, HeaderValue};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts};
use zeroize::Zeroizing;

use super::error::SinkError;
use super::file::Appended;
use super::format::SinkFormat;
use super::place::{BatchReceiver, SinkAddress, SyslogTransport};
use super::syslog::Syslog;
use super::tls;
use super::webhook::{Secret, TIMEOUT, Webhook};
use crate::fetch;
use crate::store::query::Filter;

/// The longest file of secrets, in bytes.
const SECRET_BYTES: u64 = 64 << 10;

/// What a sink is made of. Its files are read when it is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// By what name its position and its figures are known: letters, digits and `-`.
    pub name: String,
    /// Where to.
    pub to: SinkAddress,
    /// In which form.
    pub format: SinkFormat,
    /// Which entries.
    pub filter: Filter,
    /// A file with the secret that a webhook's receiver shares, `whsec_…`.
    pub secret_file: Option<PathBuf>,
    /// A file with headers for a webhook, `Name: value` a line.
    pub header_file: Option<PathBuf>,
    /// The authorities that a receiver's certificate leads to, PEM.
    pub ca_file: Option<PathBuf>,
    /// The certificate chain that is shown to a receiver, PEM.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
}

impl Settings {
    /// Settings with nothing beside what they need.
    #[must_use]
    pub fn new(name: String, to: SinkAddress) -> Settings {
        Settings {
            name,
            to,
            format: SinkFormat::default(),
            filter: Filter::default(),
            secret_file: None,
            header_file: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
        }
    }

    /// Reads its files, and looks whether they fit together.
    pub(super) fn place(&self, genesis: &str) -> Result<Box<dyn BatchReceiver>, SinkError> {
        self.agree()?;
        Ok(match &self.to {
            SinkAddress::File(path) => Box::new(Appended::new(path)),
            SinkAddress::Socket(_) => Box::new(Syslog::new(&self.to, None)),
            SinkAddress::Syslog(SyslogTransport::Tls, _) => {
                let ca = self.ca_file.as_ref().ok_or_else(|| {
                    self.wrong(
                        "to",
                        "syslog over TLS needs the file of the authorities that its receiver's \
                     certificate leads to",
                    )
                })?;
                let config = tls::config(ca, self.shown())?;
                Box::new(Syslog::new(&self.to, Some(config)))
            }
            SinkAddress::Syslog(..) => Box::new(Syslog::new(&self.to, None)),
            SinkAddress::Webhook(url) => Box::new(self.webhook(url, genesis)?),
        })
    }

    /// Reads its files, and says what is wrong with them.
    ///
    /// # Errors
    /// [`SinkError`].
    pub fn check(&self) -> Result<(), SinkError> {
        self.place("").map(drop)
    }

    fn agree(&self) -> Result<(), SinkError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            let expected = "1 to 64 letters, digits and `-` are needed";
            return Err(SinkError::Setting {
                what: "name",
                given: self.name.clone(),
                expected,
            });
        }
        let (webhook, secured) = match &self.to {
            SinkAddress::Webhook(url) => (true, url.starts_with("https:")),
            SinkAddress::Syslog(transport, _) => (false, *transport == SyslogTransport::Tls),
            _ => (false, false),
        };
        if !webhook && (self.secret_file.is_some() || self.header_file.is_some()) {
            return Err(self.wrong("to", "a secret and headers are for a webhook"));
        }
        let certificates = [&self.ca_file, &self.cert_file, &self.key_file];
        if !secured && certificates.iter().any(|file| file.is_some()) {
            return Err(self.wrong("to", "certificates are for https and syslog+tls"));
        }
        match self.cert_file.is_some() == self.key_file.is_some() {
            true => Ok(()),
            false => Err(self.wrong("to", "a certificate and its key belong together")),
        }
    }

    fn wrong(&self, what: &'static str, expected: &'static str) -> SinkError {
        SinkError::Setting {
            what,
            given: self.to.to_string(),
            expected,
        }
    }

    fn shown(&self) -> tls::ClientIdentity<'_> {
        Some((self.cert_file.as_deref()?, self.key_file.as_deref()?))
    }

    fn webhook(&self, url: &str, genesis: &str) -> Result<Webhook, SinkError> {
        let secret = self.secret_file.as_deref().map(|path| {
            let text = secret_text(path)?;
            Secret::parse(&text).ok_or_else(|| SinkError::Setting {
                what: "secret file",
                given: path.display().to_string(),
                expected: "`whsec_` and 24 to 64 bytes in base64 are needed",
            })
        });
        let headers = self.header_file.as_deref().map(headers).transpose()?;
        let roots = self.ca_file.as_deref().map(|path| {
            Ok::<_, SinkError>(RootCerts::new_with_certs(&owned(&tls::certificates(path)?)))
        });
        let shown = self.shown().map(|(chain, key)| {
            let pem = secret_text(key)?;
            let own = PrivateKey::from_pem(pem.as_bytes()).map_err(|_| SinkError::Setting {
                what: "key file",
                given: key.display().to_string(),
                expected: "a private key in PEM is needed",
            })?;
            let chain = owned(&tls::certificates(chain)?);
            Ok::<_, SinkError>(ClientCert::new_with_certs(&chain, own))
        });
        Ok(Webhook {
            url: url.to_owned(),
            agent: fetch::agent_with(TIMEOUT, roots.transpose()?, shown.transpose()?),
            secret: secret.transpose()?,
            headers: headers.unwrap_or_default(),
            genesis: genesis.to_owned(),
        })
    }
}

fn owned(found: &[CertificateDer<'_>]) -> Vec<Certificate<'static>> {
    let found = found
        .iter()
        .map(|der| Certificate::from_der(der).to_owned());
    found.collect()
}

/// What is in a file that not everybody may read.
fn secret_text(path: &Path) -> Result<Zeroizing<String>, SinkError> {
    let failed = |source| SinkError::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o004 != 0 {
        let everybody = "everybody may read it: chmod o-r";
        return Err(failed(io::Error::new(
            io::ErrorKind::PermissionDenied,
            everybody,
        )));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

/// The headers in a file, one a line.
fn headers(path: &Path) -> Result<HeaderMap, SinkError> {
    let text = secret_text(path)?;
    let mut headers = HeaderMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let header = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let mut value: HeaderValue = value.trim().parse().ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let (name, value) = header.ok_or_else(|| SinkError::Setting {
            what: "header file",
            given: path.display().to_string(),
            expected: "`Name: value` is needed on every line",
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}
