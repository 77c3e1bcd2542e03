//! `POST /add`: an entry read as JSON, and answered when it is on the disk; or, without a
//! writer, at once: what HTTP alone costs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;

use crate::Fallible;
use crate::chain::Writer;
use crate::table::Entry;

type Answer = (StatusCode, Json<Value>);

pub(crate) fn serve(writer: Option<Writer>, port: &str) -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let address = format!("127.0.0.1:{port}");
    runtime.block_on(async {
        let routes = axum::Router::new()
            .route("/add", post(add))
            .with_state(Arc::new(writer));
        let listener = tokio::net::TcpListener::bind(address).await?;
        Ok(axum::serve(listener, routes).await?)
    })
}

async fn add(State(writer): State<Arc<Option<Writer>>>, Json(value): Json<Value>) -> Answer {
    let text = |name: &str| {
        value["payload"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let entry = Entry {
        tenant: text("tenant_id"),
        correlation: text("correlation_id"),
        text: String::new(),
    };
    let seq = match writer.as_ref() {
        None => Ok(0),
        Some(writer) => {
            let text = value.to_string();
            writer.append(Entry { text, ..entry }).await
        }
    };
    match seq {
        Ok(seq) => (StatusCode::CREATED, Json(serde_json::json!({ "seq": seq }))),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Null)),
    }
}
