//! A real S3 server over a folder: versitygw, built from the Go module proxy.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Which version, of which module.
const MODULE: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";

const ACCESS: &str = "sealbook";
const SECRET: &str = "sealbook-secret";

/// A server, stopped when it is dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) address: SocketAddr,
    root: tempfile::TempDir,
}

impl Gateway {
    /// Starts one; says why it cannot.
    pub(crate) fn start(tools: &Path) -> Result<Gateway, String> {
        let program = installed(tools)?;
        let root = tempfile::tempdir().map_err(|error| error.to_string())?;
        let started = Gateway::run(&program, root, None);
        started.map_err(|error| format!("{}: {error}", program.display()))
    }

    /// One that keeps versions of the objects of a bucket.
    #[allow(dead_code, reason = "the campaign needs none")]
    pub(crate) fn versioned(tools: &Path, bucket: &str) -> Result<Gateway, String> {
        let gateway = Gateway::keeping(tools)?;
        gateway.make(bucket).map_err(|error| error.to_string())?;
        let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        gateway.send(&format!("{bucket}?versioning="), &[], body)?;
        Ok(gateway)
    }

    /// One with a bucket whose objects can be locked.
    #[allow(dead_code, reason = "the campaign needs none")]
    pub(crate) fn locking(tools: &Path, bucket: &str) -> Result<Gateway, String> {
        let gateway = Gateway::keeping(tools)?;
        let lock = ["x-amz-bucket-object-lock-enabled: true"];
        gateway.send(bucket, &lock, "")?;
        Ok(gateway)
    }

    fn keeping(tools: &Path) -> Result<Gateway, String> {
        let program = installed(tools)?;
        let root = tempfile::tempdir().map_err(|error| error.to_string())?;
        let versions = root.path().join("versions");
        let started = Gateway::run(&program, root, Some(&versions));
        started.map_err(|error| format!("{}: {error}", program.display()))
    }

    /// A PUT below the server's address, with these headers besides.
    #[allow(dead_code, reason = "the campaign needs none")]
    pub(crate) fn send(&self, path: &str, headers: &[&str], body: &str) -> Result<(), String> {
        let sign = ["--aws-sigv4", "aws:amz:us-east-1:s3"];
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", "-X", "PUT"]);
        command
            .args(sign)
            .args(["--user", &format!("{ACCESS}:{SECRET}")]);
        for header in headers {
            command.args(["-H", header]);
        }
        let put = command
            .args(["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            .args(["--data-binary", body])
            .arg(format!("http://{}/{path}", self.address))
            .output()
            .map_err(|error| format!("curl: {error}"))?;
        match put.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&put.stdout).into_owned()),
        }
    }

    /// Where everything of it lies.
    #[allow(dead_code, reason = "the campaign does not look")]
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    fn run(
        program: &Path,
        root: tempfile::TempDir,
        versions: Option<&Path>,
    ) -> io::Result<Gateway> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (data, side) = (root.path().join("data"), root.path().join("side"));
        fs::create_dir(&data)?;
        fs::create_dir(&side)?;
        let mut versioning = Vec::new();
        if let Some(versions) = versions {
            fs::create_dir(versions)?;
            versioning = vec!["--versioning-dir".into(), versions.to_path_buf()];
        }
        // Without extended attributes, which not every file system has.
        let child = Command::new(program)
            .args(["--access", ACCESS, "--secret", SECRET, "--quiet"])
            .args(["--port", &address.to_string(), "posix", "--sidecar"])
            .arg(&side)
            .args(versioning)
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut gateway = Gateway {
            child,
            address,
            root,
        };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = gateway.child.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}")));
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(gateway)
    }

    /// Makes a bucket.
    pub(crate) fn make(&self, bucket: &str) -> io::Result<()> {
        fs::create_dir(self.root.path().join("data").join(bucket))
    }

    /// Puts an object into a bucket, past the server.
    #[allow(dead_code, reason = "the campaign has no need of it")]
    pub(crate) fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.path().join("data").join(bucket).join(key);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, bytes)
    }

    /// What the program's environment is to say to reach it, or a proxy before it.
    pub(crate) fn environment(at: SocketAddr) -> Vec<(String, String)> {
        let endpoint = format!("http://{at}");
        [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", ACCESS),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, built into `tools` if it is not there.
fn installed(tools: &Path) -> Result<PathBuf, String> {
    let program = tools.join("versitygw");
    if program.is_file() {
        return Ok(program);
    }
    let built = Command::new("go")
        .args(["install", MODULE])
        .env("GOBIN", tools)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("go: {error}"))?;
    match built.status.success() && program.is_file() {
        true => Ok(program),
        false => Err(String::from_utf8_lossy(&built.stderr).into_owned()),
    }
}
