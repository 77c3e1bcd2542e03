//! Which paths a manifest may name (MV-INV-4).

use thiserror::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathProblem {
    #[error("is empty")]
    Empty,
    #[error("is absolute")]
    Absolute,
    #[error("begins with a drive letter")]
    DriveLetter,
    #[error("has a backslash")]
    Backslash,
    #[error("has a control character")]
    ControlCharacter,
    #[error("has an empty component")]
    EmptyComponent,
    #[error("has the component `.`")]
    Dot,
    #[error("has the component `..`")]
    DotDot,
    #[error("is there twice")]
    Duplicate,
}

/// Checks that `path` is POSIX, relative, and names the same place to every
/// reader, on whatever system.
pub fn check_path(path: &str) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    if path.contains(char::is_control) {
        return Err(PathProblem::ControlCharacter);
    }
    if path.contains('\\') {
        return Err(PathProblem::Backslash);
    }
    if path.starts_with('/') {
        return Err(PathProblem::Absolute);
    }
    if let [letter, b':', ..] = path.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err(PathProblem::DriveLetter);
    }
    for component in path.split('/') {
        match component {
            "" => return Err(PathProblem::EmptyComponent),
            "." => return Err(PathProblem::Dot),
            ".." => return Err(PathProblem::DotDot),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_path_has_its_own_problem() {
        let cases = [
            ("", PathProblem::Empty),
            ("/etc/passwd", PathProblem::Absolute),
            ("C:/x", PathProblem::DriveLetter),
            ("c:x", PathProblem::DriveLetter),
            ("a\\b", PathProblem::Backslash),
            ("a\0b", PathProblem::ControlCharacter),
            ("a\nb", PathProblem::ControlCharacter),
            ("a\u{85}b", PathProblem::ControlCharacter),
            ("a//b", PathProblem::EmptyComponent),
            ("a/", PathProblem::EmptyComponent),
            ("./a", PathProblem::Dot),
            ("a/../b", PathProblem::DotDot),
        ];
        for (path, problem) in cases {
            assert_eq!(check_path(path), Err(problem), "{path:?}");
        }
        for path in ["a", "a/b.bin", "..a", "a..", "é/☃", "1:2"] {
            assert_eq!(check_path(path), Ok(()), "{path:?}");
        }
    }
}
