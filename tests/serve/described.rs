//! The description that is served, against what is answered.

use serde_json::{Value, json};

use sealbook::serve::scope::Scope;

use crate::place::{Server, request};

/// Whether a value is as a schema of the description says: types, members,
/// references.
fn conforms(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return conforms(document, document.pointer(pointer).unwrap(), value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice| conforms(document, choice, value).is_ok();
        return match choices.iter().any(fits) {
            true => Ok(()),
            false => Err(format!("{value} is none of {choices:?}")),
        };
    }
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("{other}"),
    };
    let typed = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => true,
    };
    if !typed {
        return Err(format!("{value} is not {}", schema["type"]));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(document, &schema["items"], item).map_err(|e| format!("[{index}]: {e}"))?;
    }
    let Some(properties) = schema["properties"].as_object() else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("no {name}"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let schema = properties
            .get(name)
            .ok_or(format!("{name} is not described"))?;
        conforms(document, schema, member).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

/// That an answer is one that the description has for this operation.
fn check(document: &Value, method: &str, path: &str, status: u16, answer: &Value) {
    let operation = &document["paths"][path][method];
    let response = &operation["responses"][status.to_string()];
    assert!(
        response.is_object(),
        "{method} {path}: {status} is not described"
    );
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path}: {response}");
    conforms(document, schema, answer).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
}

#[test]
fn every_answer_is_as_it_is_described() {
    let server = Server::with_tokens();
    let document = server.get("/openapi.json").is(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let body = request("cap.doc.summarize", "dev", "c-1");
    let answer = server.post(Scope::Route, "/route", &body).is(200);
    check(&document, "post", "/route", 200, &answer);
    let body = request("cap.unknown", "dev", "c-1");
    server.post(Scope::Route, "/route", &body).is(200);
    let receipt = server.note(1);
    check(&document, "post", "/v1/entries", 201, &receipt);
    let batch = json!({"entries": [{"kind": "k", "payload": {}}]});
    let answer = server.post(Scope::Append, "/v1/entries/batch", &batch);
    check(&document, "post", "/v1/entries/batch", 201, &answer.is(201));
    let sealed = server.post(Scope::Admin, "/v1/seal", &json!({})).is(200);
    check(&document, "post", "/v1/seal", 200, &sealed);
    let published = server.post(Scope::Admin, "/v1/publish", &json!({})).is(200);
    check(&document, "post", "/v1/publish", 200, &published);
    let elsewhere = json!({"folder": "/"});
    let refused = server.post(Scope::Admin, "/v1/publish", &elsewhere).is(409);
    check(&document, "post", "/v1/publish", 409, &refused);
    let refused = server
        .post(Scope::Admin, "/v1/take-over", &json!({}))
        .is(409);
    check(&document, "post", "/v1/take-over", 409, &refused);
    let worker = crate::place::worker("org.new.one");
    let enrolled = server.post(Scope::Enrol, "/enroll", &worker).is(201);
    check(&document, "post", "/enroll", 201, &enrolled);
    let claim = json!({"decision_id": "d"});
    let claimed = server
        .post(Scope::Ingest, "/decisions/ingest", &claim)
        .is(201);
    check(&document, "post", "/decisions/ingest", 201, &claimed);
    let report = json!({"sha256": "a".repeat(64), "reason": "r"});
    let path = "/api/v1/ban-list/report";
    let reported = server.post(Scope::Ingest, path, &report).is(201);
    check(&document, "post", path, 201, &reported);
    for (path, asked) in [
        ("/health", "/health"),
        ("/status", "/status"),
        ("/workers", "/workers"),
        ("/dispatches", "/dispatches"),
        ("/dispatches/active", "/dispatches/active"),
        ("/alerts", "/alerts"),
        ("/wcp/capabilities", "/wcp/capabilities"),
        ("/wcp/workers", "/wcp/workers"),
        ("/wcp/health", "/wcp/health"),
        ("/wcp/approvals/pending", "/wcp/approvals/pending"),
        ("/v1/entries", "/v1/entries?limit=3"),
        ("/v1/entries/{id}", "/v1/entries/0"),
        ("/v1/entries/{id}/proof", "/v1/entries/0/proof"),
        ("/v1/epochs", "/v1/epochs"),
        ("/v1/epochs/{number}", "/v1/epochs/0"),
        ("/v1/head", "/v1/head"),
        ("/v1/stats", "/v1/stats"),
        ("/api/v1/verify/{worker_id}", "/api/v1/verify/org.new.one"),
        ("/api/v1/ban-list", "/api/v1/ban-list"),
    ] {
        check(&document, "get", path, 200, &server.get(asked).is(200));
    }
    let missing = server.get("/v1/entries/9999").is(404);
    check(&document, "get", "/v1/entries/{id}", 404, &missing);
}

/// The check above is worth nothing if it cannot fail.
#[test]
fn an_answer_that_is_otherwise_is_noticed() {
    let document = json!({"components": {"schemas": {"A": {
        "type": "object", "required": ["a"],
        "properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "array",
            "items": {"type": "string"}}}}}}});
    let schema = json!({"$ref": "#/components/schemas/A"});
    let fits = |value| conforms(&document, &schema, &value).is_ok();
    assert!(fits(json!({"a": 1})) && fits(json!({"a": null, "b": ["x"]})));
    for other in [
        json!({}),
        json!([]),
        json!({"a": "1"}),
        json!({"a": 1, "c": 1}),
        json!({"a": 1, "b": [1]}),
    ] {
        assert!(!fits(other));
    }
}
