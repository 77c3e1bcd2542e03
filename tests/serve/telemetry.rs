//! What other programs send in their own formats.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Held;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;
use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::place::Server;

fn attribute(key: &str, value: Held) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn record(attributes: Vec<KeyValue>) -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: 1_700_000_000_123_456_789,
        severity_number: 9,
        body: Some(AnyValue {
            value: Some(Held::StringValue("hello".to_owned())),
        }),
        attributes,
        trace_id: vec![0xab; 16],
        ..LogRecord::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

fn send(server: &Server, path: &str, media_type: &str, body: &[u8]) -> crate::answer::Answer {
    let headers = [("content-type".to_owned(), media_type.to_owned())];
    server.send("POST", path, &headers, body)
}

fn payloads(server: &Server, kind: &str) -> Vec<Value> {
    let page = server.get(&format!("/v1/entries?kind={kind}")).is(200);
    let entries = page["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["entry"]["payload"].clone())
        .collect()
}

#[test]
fn a_log_record_is_an_entry_in_both_encodings_and_once() {
    let server = Server::start();
    let attributes = vec![
        attribute("tenant.id", Held::StringValue("acme".to_owned())),
        attribute(
            "gen_ai.conversation.id",
            Held::StringValue("c-9".to_owned()),
        ),
        attribute("gen_ai.agent.id", Held::StringValue("agent-1".to_owned())),
        attribute("ratio", Held::DoubleValue(f64::NAN)),
        attribute("raw", Held::BytesValue(vec![0, 255])),
        attribute("big", Held::IntValue(i64::MAX)),
    ];
    let body = record(attributes).encode_to_vec();
    for _ in 0..2 {
        let answer = send(&server, "/v1/logs", "application/x-protobuf", &body);
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(
            answer.header("content-type"),
            Some("application/x-protobuf")
        );
    }
    let found = payloads(&server, "otel.log");
    assert_eq!(found.len(), 1, "{found:?}");
    let payload = &found[0];
    assert_eq!(payload["tenant_id"], "acme");
    assert_eq!(payload["correlation_id"], "c-9");
    assert_eq!(payload["worker_id"], "agent-1");
    assert_eq!(payload["trace_id"], "ab".repeat(16));
    assert_eq!(payload["time_unix_nano"], 1_700_000_000_123_456_789_u64);
    assert_eq!(payload["body"], "hello");
    let expected = json!({"tenant.id": "acme", "gen_ai.conversation.id": "c-9",
        "gen_ai.agent.id": "agent-1", "ratio": "NaN", "raw": "AP8=", "big": i64::MAX});
    assert_eq!(payload["attributes"], expected);

    let text = json!({"resourceLogs": [{"resource": {"attributes": [
            {"key": "tenant.id", "value": {"stringValue": "zeta"}}]},
        "scopeLogs": [{"logRecords": [{"timeUnixNano": "5", "body": {"intValue": "7"},
            "traceId": "cd".repeat(16)}]}]}]});
    let answer = send(
        &server,
        "/v1/logs",
        "application/json",
        text.to_string().as_bytes(),
    );
    assert_eq!(answer.is(200), json!({}));
    let found = payloads(&server, "otel.log");
    assert_eq!(found.len(), 2);
    assert_eq!(found[1]["tenant_id"], "zeta");
    assert_eq!(
        (&found[1]["body"], &found[1]["time_unix_nano"]),
        (&json!(7), &json!(5))
    );
    assert_eq!(found[1]["correlation_id"], "cd".repeat(16));

    send(&server, "/v1/logs", "application/x-protobuf", b"\xff\xff").refused(400, "bad_input");
    send(&server, "/v1/logs", "text/plain", b"{}").refused(415, "content_type");
}

#[test]
fn a_span_is_an_entry_with_its_own_times() {
    let server = Server::start();
    let text = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "ab".repeat(16), "spanId": "01".repeat(8), "parentSpanId": "02".repeat(8),
        "name": "chat", "kind": 3, "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        "status": {"code": 2, "message": "no"},
        "events": [{"name": "token", "timeUnixNano": "1", "attributes": []}]}]}]}]});
    let answer = send(
        &server,
        "/v1/traces",
        "application/json",
        text.to_string().as_bytes(),
    );
    assert_eq!(answer.status, 200);
    let found = payloads(&server, "otel.span");
    let span = &found[0];
    assert_eq!(
        (&span["name"], &span["span_kind"]),
        (&json!("chat"), &json!(3))
    );
    assert_eq!(span["start_time_unix_nano"], 1);
    assert_eq!(span["end_time_unix_nano"], 2);
    assert_eq!(span["parent_span_id"], "02".repeat(8));
    assert_eq!(span["status"], json!({"code": 2, "message": "no"}));
    assert_eq!(span["events"][0]["name"], "token");
}

#[test]
fn a_decision_log_of_opa_is_recorded_once_with_what_its_built_ins_answered() {
    let server = Server::start();
    let log = json!([
        {"decision_id": "d-1", "labels": {"tenant_id": "acme"}, "path": "wcp/gate",
            "result": {"allow": false}, "nd_builtin_cache": {"time.now_ns": {"[]": 1}},
            "timestamp": "2026-03-01T10:00:00Z"},
        {"decision_id": "d-2", "result": true},
    ]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, log.to_string().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for _ in 0..2 {
        let answer = server.send("POST", "/logs", &headers, &packed);
        assert_eq!(answer.is(200), json!({"kept": 2}));
    }
    let found = payloads(&server, "opa.decision");
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0]["event"], log[0]);
    assert_eq!(
        (&found[0]["denied"], &found[1]["denied"]),
        (&json!(true), &json!(false))
    );
    let by_tenant = server
        .get("/v1/entries?tenant=acme&kind=opa.decision")
        .is(200);
    assert_eq!(by_tenant["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn cloud_events_are_known_by_source_and_id() {
    let server = Server::start();
    let event = |id: &str, data: u64| {
        json!({"specversion": "1.0", "source": "/s", "id": id, "type": "com.acme.x",
            "tenantid": "acme", "data": {"n": data}})
    };
    let media_type = "application/cloudevents-batch+json";
    let batch = json!([event("1", 1), event("2", 2)]).to_string();
    for _ in 0..2 {
        send(&server, "/v1/cloudevents", media_type, batch.as_bytes()).is(200);
    }
    let one = event("3", 3).to_string();
    send(
        &server,
        "/v1/cloudevents",
        "application/cloudevents+json",
        one.as_bytes(),
    )
    .is(200);
    let found = payloads(&server, "cloudevent");
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        (&found[2]["tenant_id"], &found[2]["event"]["data"]["n"]),
        (&json!("acme"), &json!(3))
    );
    // Another event under a known id is refused, and holds back none of its batch.
    let other = event("3", 4).to_string();
    let media_type_of_one = "application/cloudevents+json";
    let refused = send(
        &server,
        "/v1/cloudevents",
        media_type_of_one,
        other.as_bytes(),
    );
    let refused = refused.refused(422, "idempotency_key_reused");
    assert_eq!(refused, "this source and id was used with another body");
    let mixed = json!([event("1", 9), event("4", 4)]).to_string();
    let refused = send(&server, "/v1/cloudevents", media_type, mixed.as_bytes());
    let refused = refused.refused(422, "idempotency_key_reused");
    assert!(refused.contains('0'), "{refused}");
    let found = payloads(&server, "cloudevent");
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[3]["event"]["data"]["n"], 4);
    let old = json!({"specversion": "0.3", "source": "/s", "id": "1", "type": "t"});
    server
        .post(Scope::Append, "/v1/cloudevents", &old)
        .refused(400, "bad_input");
}
