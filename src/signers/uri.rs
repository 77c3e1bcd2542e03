//! `pkcs11:` URIs (RFC 7512), as far as they name one key.

use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Which key of which token, and by which module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenUri {
    /// The token's label. A PIN is tried at no other: too many tries lock a token.
    pub token: String,
    /// The key's label.
    pub object: Option<String>,
    /// The key's id.
    pub id: Option<Vec<u8>>,
    /// The shared library that is loaded.
    pub module_path: PathBuf,
    /// The file that holds the PIN.
    pub pin_source: Option<PathBuf>,
}

/// Why a text names no key of a token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a key in a token is pkcs11:token=NAME;object=LABEL?module-path=FILE&pin-source=FILE: {0}")]
pub struct UriError(String);

impl FromStr for TokenUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<TokenUri, UriError> {
        let wrong = |what: &str| UriError(what.to_owned());
        let rest = text.strip_prefix("pkcs11:");
        let rest = rest.ok_or_else(|| wrong("it does not begin so"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = TokenUri::default();
        let mut seen = Vec::new();
        let attributes = path.split(';').chain(query.split('&'));
        for attribute in attributes.filter(|attribute| !attribute.is_empty()) {
            let (name, value) = attribute
                .split_once('=')
                .ok_or_else(|| UriError(format!("{attribute} has no value")))?;
            if seen.contains(&name) {
                return Err(UriError(format!("{name} stands twice")));
            }
            seen.push(name);
            let bytes = decode(value).ok_or_else(|| UriError(format!("{name} is misspelt")))?;
            let words = || {
                String::from_utf8(bytes.clone())
                    .map_err(|_| UriError(format!("{name} is not UTF-8")))
            };
            match name {
                "token" => uri.token = words()?,
                "object" => uri.object = Some(words()?),
                "id" => uri.id = Some(bytes),
                "type" if bytes == b"private" => {}
                "module-path" => uri.module_path = PathBuf::from(words()?),
                "pin-source" => {
                    let words = words()?;
                    let path = words.strip_prefix("file:").unwrap_or(&words);
                    uri.pin_source = Some(PathBuf::from(path));
                }
                "pin-value" => {
                    return Err(wrong(
                        "everybody can read a pin-value: name a file with pin-source",
                    ));
                }
                _ => return Err(UriError(format!("{name} is not known"))),
            }
        }
        if uri.token.is_empty() {
            return Err(wrong("token is missing"));
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err(wrong("object or id is missing"));
        }
        match uri.module_path.is_absolute() {
            true => Ok(uri),
            false => Err(wrong("module-path is missing, or not absolute")),
        }
    }
}

/// Percent-encoding undone.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(*hex::decode(digits).ok()?.first()?);
        rest = after;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_one_key_and_where_its_pin_is() {
        let text = "pkcs11:token=The%20log;id=%01%ff;object=log;type=private\
                    ?module-path=/usr/lib/m.so&pin-source=file:/run/pin";
        let uri = TokenUri {
            token: "The log".to_owned(),
            object: Some("log".to_owned()),
            id: Some(vec![1, 255]),
            module_path: "/usr/lib/m.so".into(),
            pin_source: Some("/run/pin".into()),
        };
        assert_eq!(text.parse(), Ok(uri));
    }

    #[test]
    fn a_uri_that_could_mean_something_else_is_refused() {
        let module = "?module-path=/m.so";
        for (text, why) in [
            (
                "pkcs11:token=a".to_owned() + module,
                "object or id is missing",
            ),
            ("pkcs11:object=a".to_owned() + module, "token is missing"),
            (
                "pkcs11:token=t;object=a".to_owned(),
                "module-path is missing, or not absolute",
            ),
            (
                "pkcs11:token=t;object=a?module-path=m.so".to_owned(),
                "module-path is missing, or not absolute",
            ),
            (
                "pkcs11:token=t;object=a;object=b".to_owned() + module,
                "object stands twice",
            ),
            (
                "pkcs11:token=t;object=%4".to_owned() + module,
                "object is misspelt",
            ),
            (
                "pkcs11:token=t;object=%ff".to_owned() + module,
                "object is not UTF-8",
            ),
            (
                "pkcs11:token=t;object=a;serial=1".to_owned() + module,
                "serial is not known",
            ),
            (
                "pkcs11:token=t;object".to_owned() + module,
                "object has no value",
            ),
            (
                "pkcs11:token=t;object=a?module-path=/m.so&pin-value=1".to_owned(),
                "everybody can read a pin-value: name a file with pin-source",
            ),
        ] {
            assert_eq!(
                text.parse::<TokenUri>(),
                Err(UriError(why.to_owned())),
                "{text}"
            );
        }
    }
}
