//! The program, serving a ledger of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// The program: two folders above an example is where it was built.
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join("sealbook");
    assert!(program.exists(), "{} is not built", program.display());
    program
}

pub(crate) fn place() -> tempfile::TempDir {
    let dir = std::env::var_os("BENCH_DIR").map(PathBuf::from);
    let dir = dir.unwrap_or_else(std::env::temp_dir);
    tempfile::tempdir_in(dir).unwrap()
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::new(program());
    command.args(args).current_dir(dir).output().unwrap()
}

impl Server {
    pub(crate) fn start(dir: &Path) -> Server {
        let mut child = Command::new(program())
            .args(["serve", "--port", "0", "--rate", "10000000"])
            .current_dir(dir)
            .env("SEALBOOK_LOG", "info,sealbook::serve::requests=warn")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it did not begin");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "serving" {
                break line["address"].as_str().unwrap().parse().unwrap();
            }
        };
        // A log that nobody reads would stop it.
        std::thread::spawn(move || {
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|read| read > 0) {
                line.clear();
            }
        });
        Server { child, address }
    }

    /// SIGKILL, while others use it.
    pub(crate) fn kill_now(&self) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.unwrap().success());
    }

    /// Waits for a server that was killed.
    pub(crate) fn gone(mut self) {
        self.child.wait().unwrap();
    }

    /// SIGTERM, and its exit status.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        self.child.wait().unwrap().code()
    }
}
