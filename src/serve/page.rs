//! The page for auditors: small files in the binary, under a policy that lets
//! them load and ask nothing but this server.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use crate::report::LOOK;
use crate::report::script::{SHARED, Script};

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const ICON: &str = include_str!("page/icon.svg");

macro_rules! scripts {
    ($($name:literal)*) => {
        [$((concat!($name, ".js"), include_str!(concat!("page/", $name, ".js"))),)*]
    };
}

/// The page's own scripts; those that verify it shares with the report.
const SCRIPTS: [Script; 17] = scripts![
    "main" "ask" "trust" "token" "headers" "held" "alerts" "plot" "overview" "search" "csv"
    "case" "one" "document" "tiles" "witness" "save"
];

/// Nothing from elsewhere, nothing inline, no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new::<__path_page, _, _>(Need::Nothing, Takes::Nothing, page),
        Endpoint::new::<__path_file, _, _>(Need::Nothing, Takes::Nothing, file),
    ]
}

/// The page for auditors.
#[utoipa::path(get, path = "/", tag = "page",
    responses((status = 200, description = "HTML", body = String, content_type = "text/html")))]
pub(super) async fn page(params: Params) -> Result<Response, Problem> {
    params.finish()?;
    Ok(sent("text/html; charset=utf-8", &WHOLE))
}

/// The page, with the names of all its scripts: a browser fetches them together and not one
/// after the other as each names the next.
static WHOLE: LazyLock<String> = LazyLock::new(|| {
    let scripts = SHARED.iter().chain(&SCRIPTS).map(|(name, _)| name);
    let links = scripts.map(|name| format!("<link rel=\"modulepreload\" href=\"/page/{name}\">\n"));
    HTML.replace("{{scripts}}\n", &links.collect::<String>())
});

/// A file that the page loads.
#[utoipa::path(get, path = "/page/{name}", tag = "page",
    params(("name" = String, Path, description = "`page.css` or the name of a script")),
    responses((status = 200, description = "The file", content(
        (String = "text/javascript"), (String = "text/css"), (String = "image/svg+xml")))))]
pub(super) async fn file(Path(name): Path<String>, params: Params) -> Result<Response, Problem> {
    params.finish()?;
    match name.as_str() {
        "look.css" => Ok(sent("text/css; charset=utf-8", LOOK)),
        "page.css" => Ok(sent("text/css; charset=utf-8", STYLE)),
        "icon.svg" => Ok(sent("image/svg+xml", ICON)),
        _ => {
            let mut scripts = SCRIPTS.iter().chain(&SHARED);
            let script = scripts.find(|(own, _)| *own == name);
            let (_, text) = script.ok_or(Problem::NotFound)?;
            Ok(sent("text/javascript; charset=utf-8", text))
        }
    }
}

fn sent(media_type: &'static str, text: &'static str) -> Response {
    let isolated = HeaderName::from_static("cross-origin-opener-policy");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (isolated, HeaderValue::from_static("same-origin")),
    ];
    (headers, text).into_response()
}
