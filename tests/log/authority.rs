//! A timestamp authority of OpenSSL's.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::skipped::skipped;

/// An authority with a root of its own.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// With certificates for `usage`; none where there is no OpenSSL.
    pub(crate) fn new(usage: &str) -> Option<Authority> {
        if Command::new("openssl").arg("version").output().is_err() {
            skipped("there is no openssl");
            return None;
        }
        let authority = Authority {
            folder: tempfile::tempdir().unwrap(),
        };
        let config = format!(
            "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_cert = tsa.pem\n\
             signer_key = tsa.key\nsigner_digest = sha256\n\
             default_policy = 1.2.3.4.1\ndigests = sha256, sha512\naccuracy = secs:1, millisecs:500\n\
             [ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
             [leaf]\nbasicConstraints = critical, CA:FALSE\n{usage}"
        );
        fs::write(authority.path("conf"), config).unwrap();
        fs::write(authority.path("serial"), "01\n").unwrap();
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        authority.run(&format!(
            "req -x509 {new} -keyout ca.key -out ca.pem -subj /CN=root -days 30 -config conf -extensions ca"
        ));
        authority.run(&format!(
            "req {new} -keyout tsa.key -out tsa.csr -subj /CN=authority -config conf"
        ));
        authority.run(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem \
             -days 30 -extfile conf -extensions leaf",
        );
        Some(authority)
    }

    pub(crate) fn honest() -> Option<Authority> {
        Authority::new("extendedKeyUsage = critical, timeStamping\n")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.folder);
        let done = command.output().unwrap();
        assert!(
            done.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        fs::write(self.path("query"), request).unwrap();
        self.run("ts -reply -config conf -queryfile query -out reply");
        fs::read(self.path("reply")).unwrap()
    }
}
