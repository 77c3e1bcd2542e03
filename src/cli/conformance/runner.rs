//! A verifier that is run: once with all cases, or once a case.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::error::CliError;
use super::suite::{ExpectedAnswer, SuiteCase, SuiteFault};

/// Options that are files.
const FILES: [&str; 6] = [
    "audited", "contains", "entry", "policy", "receipts", "revoked",
];

/// A command, and what it says of itself.
pub(super) struct Runner {
    command: Vec<String>,
    profile: Profile,
}

/// What a runner does.
#[derive(Debug, Deserialize)]
struct Profile {
    name: Option<String>,
    /// All, if it does not say.
    supports: Option<Vec<String>>,
    /// Whether it reads cases as lines.
    #[serde(default)]
    lines: bool,
    /// Whether its warnings and what it did not check are compared.
    #[serde(default = "yes")]
    warnings: bool,
}

const fn yes() -> bool {
    true
}

/// What it answered, as far as that is compared.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct RunnerAnswer {
    verdict: String,
    fault: Option<SuiteFault>,
    error: Option<String>,
    warnings: Vec<String>,
    not_checked: Vec<String>,
}

impl Runner {
    /// Asks a command for its profile. None is the program itself.
    pub(super) fn start(command: &[String]) -> Result<Runner, CliError> {
        let own = || -> std::io::Result<Vec<String>> {
            let path = std::env::current_exe()?.to_string_lossy().into_owned();
            Ok(vec![path, "--json".to_owned(), "verify".to_owned()])
        };
        let everything = Profile {
            name: None,
            supports: None,
            lines: false,
            warnings: true,
        };
        let itself = command.is_empty();
        let command = match itself {
            true => own().map_err(|error| CliError::file(Path::new("sealbook"), error))?,
            false => command.to_vec(),
        };
        let mut runner = Runner {
            command,
            profile: everything,
        };
        if !itself {
            let mut asked = runner.process(&["--profile".to_owned()])?;
            let answer = asked.stdin(Stdio::null()).output();
            let answer = answer.map_err(|error| runner.failed(error))?;
            if let Ok(profile) = serde_json::from_slice(&answer.stdout) {
                runner.profile = profile;
            }
        }
        Ok(runner)
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        let named = self.profile.name.clone();
        named.unwrap_or_else(|| self.command.join(" "))
    }

    /// What a case needs that it does not do.
    pub(super) fn lacks<'c>(&self, case: &'c SuiteCase) -> Option<&'c str> {
        let supports = self.profile.supports.as_ref()?;
        let lacking = case.needs.iter().find(|need| !supports.contains(need));
        lacking.map(String::as_str)
    }

    /// Whether it says what a case expects.
    pub(super) fn agrees(&self, expected: &ExpectedAnswer, answered: &RunnerAnswer) -> bool {
        let listed = |expected: &Option<Vec<String>>, answered: &[String]| {
            let Some(expected) = expected.as_ref().filter(|_| self.profile.warnings) else {
                return true;
            };
            let (mut expected, mut answered) = (expected.clone(), answered.to_vec());
            expected.sort();
            answered.sort();
            expected.dedup();
            answered.dedup();
            expected == answered
        };
        expected.verdict == answered.verdict
            && expected.fault == answered.fault
            && (expected.error.is_none() || expected.error == answered.error)
            && listed(&expected.warnings, &answered.warnings)
            && listed(&expected.not_checked, &answered.not_checked)
    }

    /// What it says of each.
    pub(super) fn answer(&self, cases: &[SuiteCase]) -> Result<Vec<RunnerAnswer>, CliError> {
        match self.profile.lines {
            true => self.answer_lines(cases),
            false => cases.par_iter().map(|case| self.answer_one(case)).collect(),
        }
    }

    fn process(&self, arguments: &[String]) -> Result<Command, CliError> {
        let Some((program, rest)) = self.command.split_first() else {
            return Err(CliError::usage("there is no runner"));
        };
        let mut command = Command::new(program);
        command.args(rest).args(arguments);
        Ok(command)
    }

    fn failed(&self, error: std::io::Error) -> CliError {
        let program = self.command.first().map_or("", String::as_str);
        CliError::file(Path::new(program), error)
    }

    fn answer_lines(&self, cases: &[SuiteCase]) -> Result<Vec<RunnerAnswer>, CliError> {
        let mut command = self.process(&["--lines".to_owned()])?;
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| self.failed(error))?;
        let stdin = child.stdin.take();
        let asked: Vec<String> = cases.iter().map(question).collect();
        let writer = std::thread::spawn(move || -> std::io::Result<()> {
            let Some(mut stdin) = stdin else {
                return Ok(());
            };
            for line in asked {
                stdin.write_all(line.as_bytes())?;
            }
            Ok(())
        });
        let mut answers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines().take(cases.len()) {
                let line = line.map_err(|error| self.failed(error))?;
                answers.push(RunnerAnswer::read(line.as_bytes()));
            }
        }
        // A runner that ended early closed its end: what it answered counts.
        let _ = writer.join();
        let _ = child.wait();
        answers.resize_with(cases.len(), RunnerAnswer::default);
        Ok(answers)
    }

    fn answer_one(&self, case: &SuiteCase) -> Result<RunnerAnswer, CliError> {
        let place = tempfile::tempdir().map_err(|error| self.failed(error))?;
        let write = |name: &str, text: &str| -> Result<String, CliError> {
            let path = place.path().join(name);
            let bytes = STANDARD.decode(text).unwrap_or_default();
            fs::write(&path, bytes).map_err(|error| CliError::file(&path, error))?;
            Ok(path.to_string_lossy().into_owned())
        };
        let mut arguments = Vec::new();
        for key in case.keys() {
            arguments.extend(["--key".to_owned(), key.to_owned()]);
        }
        for (name, value) in &case.options {
            let flag = format!("--{}", name.replace('_', "-"));
            match value {
                Value::String(text) if FILES.contains(&name.as_str()) => {
                    arguments.extend([flag, write(name, text)?]);
                }
                Value::String(text) => arguments.extend([flag, text.clone()]),
                _ => arguments.push(flag),
            }
        }
        arguments.push(match case.needs.iter().any(|need| need == "tiles") {
            false => write("case", &case.file)?,
            true => {
                let folder = place.path().join("case");
                let failed = |error| CliError::file(&folder, error);
                for (path, bytes) in case.folder() {
                    let path = folder.join(path);
                    fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(failed)?;
                    fs::write(path, bytes).map_err(failed)?;
                }
                folder.to_string_lossy().into_owned()
            }
        });
        let mut command = self.process(&arguments)?;
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
        let output = output.map_err(|error| self.failed(error))?;
        Ok(RunnerAnswer::read(&output.stdout))
    }
}

/// A case without what it expects, as a line.
fn question(case: &SuiteCase) -> String {
    let SuiteCase {
        name,
        file,
        key,
        options,
        ..
    } = case;
    let line = json!({"name": name, "file": file, "key": key, "options": options});
    format!("{line}\n")
}

impl RunnerAnswer {
    /// Reads a report.
    fn read(text: &[u8]) -> RunnerAnswer {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let Some(Ok(report)) = values.next() else {
            return RunnerAnswer {
                verdict: "no report".to_owned(),
                ..RunnerAnswer::default()
            };
        };
        let codes = |name: &str| -> Vec<String> {
            let items = report.get(name).and_then(Value::as_array);
            let code = |item: &Value| {
                let text = item.as_str().or_else(|| item.get("code")?.as_str())?;
                Some(text.to_owned())
            };
            items
                .map(|items| items.iter().filter_map(code).collect())
                .unwrap_or_default()
        };
        let text = |pointer: &str| report.pointer(pointer)?.as_str().map(str::to_owned);
        let error = text("/error/code");
        let first = report.pointer("/faults/0").cloned();
        RunnerAnswer {
            verdict: match &error {
                Some(_) => "none".to_owned(),
                None => text("/verdict").unwrap_or_default(),
            },
            fault: first.and_then(|fault| serde_json::from_value(fault).ok()),
            error,
            warnings: codes("warnings"),
            not_checked: codes("not_checked"),
        }
    }
}

impl fmt::Display for RunnerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verdict)?;
        if let Some(fault) = &self.fault {
            write!(f, ", {fault}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ", error {error}")?;
        }
        write!(
            f,
            ", warnings [{}], not checked [{}]",
            self.warnings.join(", "),
            self.not_checked.join(", ")
        )
    }
}
