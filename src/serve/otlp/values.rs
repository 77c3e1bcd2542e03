//! Values of OpenTelemetry as JSON, and what stands around a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Held;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::ledger::json::{Number, Object, Value};

/// A value; bytes as base64, and a number that JSON has no place for as its name.
pub(super) fn any(value: &AnyValue) -> Value {
    match &value.value {
        None => Value::Null,
        Some(Held::StringValue(text)) => Value::from(text.as_str()),
        Some(Held::BoolValue(yes)) => Value::from(*yes),
        Some(Held::IntValue(number)) => Value::from(*number),
        Some(Held::DoubleValue(number)) => double(*number),
        Some(Held::ArrayValue(array)) => array.values.iter().map(any).collect::<Vec<_>>().into(),
        Some(Held::KvlistValue(list)) => Value::Object(members(&list.values)),
        Some(Held::BytesValue(bytes)) => Value::from(STANDARD.encode(bytes)),
        Some(Held::StringValueStrindex(index)) => Value::from(i64::from(*index)),
    }
}

fn double(number: f64) -> Value {
    Number::float(number).map_or_else(|| Value::from(number.to_string()), Value::from)
}

/// Attributes by name; of a name that comes twice the last.
pub(super) fn members(attributes: &[KeyValue]) -> Object {
    let mut object = Object::new();
    for attribute in attributes {
        let value = attribute.value.as_ref().map_or(Value::Null, any);
        object.insert(attribute.key.clone(), value);
    }
    object
}

/// A time in nanoseconds since 1970, where there is one.
pub(super) fn nanos(object: &mut Object, name: &'static str, nanos: u64) {
    if nanos != 0 {
        object.insert(name, nanos);
    }
}

/// A list, where there is something in it.
pub(super) fn list(object: &mut Object, name: &'static str, items: impl Iterator<Item = Object>) {
    let items: Vec<Value> = items.map(Value::Object).collect();
    if !items.is_empty() {
        object.insert(name, items);
    }
}

/// What stands around records: who made them, with what.
pub(super) struct Around {
    resource: Object,
    scope: Object,
}

/// Where a tenant, a case and an agent are named, the first that is there.
const TENANT: [&str; 2] = ["tenant.id", "tenant_id"];
const CORRELATION: [&str; 4] = [
    "correlation.id",
    "correlation_id",
    "gen_ai.conversation.id",
    "session.id",
];
const AGENT: [&str; 2] = ["gen_ai.agent.id", "gen_ai.agent.name"];

impl Around {
    pub(super) fn of(resource: Option<&Resource>, scope: Option<&InstrumentationScope>) -> Around {
        let mut around = Around {
            resource: resource.map_or_else(Object::new, |it| members(&it.attributes)),
            scope: Object::new(),
        };
        if let Some(scope) = scope {
            around.scope.insert("name", scope.name.as_str());
            around.scope.insert("version", scope.version.as_str());
        }
        around
    }

    /// The payload that every record begins with.
    pub(super) fn payload(
        &self,
        attributes: &[KeyValue],
        trace_id: &[u8],
        span_id: &[u8],
    ) -> Object {
        let mut payload = Object::new();
        let attributes = members(attributes);
        let named = |names: &[&str]| {
            let mut places = names.iter().flat_map(|name| {
                let own = attributes.get(name);
                own.into_iter().chain(self.resource.get(name))
            });
            places.find_map(|value| value.as_str().filter(|text| !text.is_empty()))
        };
        let trace_id = (!trace_id.is_empty()).then(|| hex::encode(trace_id));
        let correlation = named(&CORRELATION).map(str::to_owned);
        for (name, value) in [
            ("tenant_id", named(&TENANT).map(str::to_owned)),
            ("correlation_id", correlation.or_else(|| trace_id.clone())),
            ("worker_id", named(&AGENT).map(str::to_owned)),
            ("trace_id", trace_id),
            (
                "span_id",
                (!span_id.is_empty()).then(|| hex::encode(span_id)),
            ),
        ] {
            if let Some(value) = value {
                payload.insert(name, value);
            }
        }
        payload.insert("attributes", attributes);
        payload.insert("resource", self.resource.clone());
        payload.insert("scope", self.scope.clone());
        payload
    }
}
