//! A folder to run the program in, and what a run of it gave.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own.
pub(crate) struct Place {
    program: PathBuf,
    temp: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// A folder for `program` in the one that `CAMPAIGN_DIR` names, or where a
    /// file system in memory is, or among the temporary ones.
    pub(crate) fn new(program: &Path) -> Place {
        let named = std::env::var_os("CAMPAIGN_DIR").map(PathBuf::from);
        let fast = Some(PathBuf::from("/dev/shm")).filter(|fast| fast.is_dir());
        let within = named.or(fast).unwrap_or_else(std::env::temp_dir);
        Place {
            program: program.to_owned(),
            temp: tempfile::tempdir_in(within).unwrap(),
        }
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn dir(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// The program, in this place and with nothing of the caller's settings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(&self.program, args)
    }

    pub(crate) fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may have ended before it read everything.
        let _cut = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Runs what prepares a campaign, and must go well.
    pub(crate) fn must(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
        ran
    }

    /// Whether there is a file of this name with something in it.
    pub(crate) fn holds(&self, name: &str) -> bool {
        let found = fs::metadata(self.path(name));
        found.is_ok_and(|file| file.len() > 0)
    }

    /// Names in the folder that begin so.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let all = fs::read_dir(self.dir()).unwrap();
        let names = all.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        let mut found: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
        found.sort();
        found
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The JSON documents on stdout; a line that was cut off is none.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let whole = self.stdout.split_inclusive('\n');
        let whole = whole.filter(|line| line.ends_with('\n'));
        whole
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    pub(crate) fn document(&self) -> Value {
        self.documents().pop().unwrap_or(Value::Null)
    }
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.unwrap();
}

/// Copies a folder with all that is in it into one that exists.
pub(crate) fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// The codes of a report's faults.
pub(crate) fn codes(report: &Value) -> Vec<String> {
    let faults = report["faults"].as_array();
    let codes = faults.into_iter().flatten().map(|fault| &fault["code"]);
    codes
        .filter_map(|code| Some(code.as_str()?.to_owned()))
        .collect()
}

/// The codes of its warnings.
pub(crate) fn warnings(report: &Value) -> Vec<String> {
    let all = report["warnings"].as_array();
    let codes = all.into_iter().flatten().map(|warning| &warning["code"]);
    codes
        .filter_map(|code| Some(code.as_str()?.to_owned()))
        .collect()
}
