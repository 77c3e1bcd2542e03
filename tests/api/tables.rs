//! Tables of entries: what is written is verified, and what was changed in any
//! column, statistic, footer or file of a set is refused.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use sealbook::api::{Export, ExportFormat, Unsealed};
use sealbook::ledger::fault::{FaultCode, Format, Report, Verdict};
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::parse::parse;
use sealbook::ledger::position::Seq;
use sealbook::ledger::version::Version;
use sealbook::store::query::Filter;
use sealbook::{Ledger, Options, Policy};

use crate::clock::ManualClock;

/// Entries of three days, the last of which are not sealed.
pub(crate) fn scene() -> Ledger {
    let clock = Arc::new(ManualClock::at("2026-03-01T22:00:00+00:00"));
    let options = Options::new("tables").clock(Arc::clone(&clock) as _);
    let ledger = Ledger::in_memory(options).unwrap();
    for n in 0..60_u64 {
        clock.pass(Duration::from_micros(1_801_000_001));
        let tenant = if n % 3 == 0 { "acme" } else { "zeta" };
        let payload = format!(
            r#"{{"n":{n},"tenant_id":"{tenant}","correlation_id":"c-{}","denied":{},
                "worker_id":"org.w","worker_species_id":"wrk.w","deny_code":"DENY_{}",
                "decision":{{"tenant_id":"other","decision_id":"d-{n}"}}}}"#,
            n % 7,
            n % 5 == 0,
            n % 2,
        );
        ledger.append("demo.event", &object(&payload)).unwrap();
    }
    ledger
        .append("demo.odd", &object(r#"{"tenant_id":7}"#))
        .unwrap();
    ledger.append("demo.odd", &object("{}")).unwrap();
    ledger
}

fn object(text: &str) -> Object {
    match parse(text.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

fn export<'a>(filter: &'a Filter, progress: &'a mut dyn FnMut(u64)) -> Export<'a> {
    Export {
        filter,
        format: ExportFormat::Bundle,
        version: Version::default(),
        openings: Default::default(),
        unsealed: Unsealed::LeftOut,
        no_sign: false,
        progress,
    }
}

fn table(ledger: &Ledger, filter: &Filter) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut quiet = |_| ();
    let what = export(filter, &mut quiet);
    ledger.export_parquet(what, &mut bytes).unwrap();
    bytes
}

pub(crate) fn acme() -> Filter {
    Filter {
        tenant: Some("acme".to_owned()),
        ..Filter::default()
    }
}

fn judge(ledger: &Ledger, bytes: &[u8]) -> Report {
    sealbook::verify(bytes, &Policy::key(ledger.key())).unwrap()
}

pub(crate) fn codes(report: &Report) -> Vec<FaultCode> {
    report.faults.iter().map(|fault| fault.code).collect()
}

#[test]
fn a_range_a_selection_and_the_epochs_pass_as_the_bundle_of_the_same_does() {
    let ledger = scene();
    for filter in [
        Filter::default(),
        acme(),
        Filter {
            from_seq: Some(Seq(9)),
            until_seq: Some(Seq(31)),
            ..Filter::default()
        },
    ] {
        let report = judge(&ledger, &table(&ledger, &filter));
        let mut bundle = Vec::new();
        let mut quiet = |_| ();
        let what = export(&filter, &mut quiet);
        ledger.export(what, &mut bundle).unwrap();
        let expected = judge(&ledger, &bundle);
        assert_eq!(report.faults, []);
        assert_eq!(expected.verdict, Verdict::Pass);
        let same = Report {
            format: Format::Parquet,
            ..expected
        };
        assert_eq!(report, same);
    }
    let mut epochs = Vec::new();
    let written = ledger.export_epochs(&mut epochs).unwrap();
    let report = judge(&ledger, &epochs);
    assert_eq!((report.verdict, report.epochs), (Verdict::Pass, written));
    assert_eq!(report.faults, []);
    let other = Ledger::in_memory(Options::default()).unwrap();
    assert_eq!(codes(&judge(&other, &epochs))[0], FaultCode::UntrustedKey);
    let foreign = judge(&other, &table(&ledger, &Filter::default()));
    assert_eq!(foreign.faults[0].code, FaultCode::UntrustedKey);
}

#[test]
fn the_columns_are_what_the_entries_say() {
    let ledger = scene();
    let batch = &batches(&table(&ledger, &Filter::default()))[0];
    let text = |name: &str, row| {
        let column = batch.column_by_name(name).unwrap().as_string::<i32>();
        (!column.is_null(row)).then(|| column.value(row).to_owned())
    };
    let row = 1;
    assert_eq!(text("kind", row).unwrap(), "demo.event");
    assert_eq!(text("tenant", row).unwrap(), "acme");
    assert_eq!(text("correlation", row).unwrap(), "c-0");
    assert_eq!(text("worker", row).unwrap(), "org.w");
    assert_eq!(text("species", row).unwrap(), "wrk.w");
    assert_eq!(text("decision", row).unwrap(), "d-0");
    assert_eq!(text("deny_code", row).unwrap(), "DENY_0");
    assert!(
        batch
            .column_by_name("denied")
            .unwrap()
            .as_boolean()
            .value(row)
    );
    let tenants = batch
        .column_by_name("tenants")
        .unwrap()
        .as_list::<i32>()
        .value(row);
    let tenants: Vec<_> = tenants.as_string::<i32>().iter().flatten().collect();
    assert_eq!(tenants, ["acme", "other"]);
    let last = batch.num_rows() - 1;
    assert_eq!(
        (text("tenant", last), text("tenant_json", last)),
        (None, None)
    );
    assert_eq!(text("tenant_json", last - 1).unwrap(), "7");
    let entry = ledger.entry(Seq(1)).unwrap();
    assert_eq!(text("ts_text", row).unwrap(), entry.ts().to_string());
    assert_eq!(
        text("payload", row).unwrap().as_bytes(),
        entry.payload_bytes()
    );
    let hash = batch
        .column_by_name("hash")
        .unwrap()
        .as_fixed_size_binary()
        .value(row);
    assert_eq!(hash, entry.hash().as_bytes());
}

fn batches(bytes: &[u8]) -> Vec<RecordBatch> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let bytes = Bytes::copy_from_slice(bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).unwrap();
    let read: Result<Vec<_>, _> = reader.with_batch_size(1 << 20).build().unwrap().collect();
    read.unwrap()
}

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_column_statistics_enabled("payload".into(), EnabledStatistics::None)
        .set_column_statistics_enabled("ts_text".into(), EnabledStatistics::None)
        .set_column_statistics_enabled("hash".into(), EnabledStatistics::None)
        .set_column_statistics_enabled("prev_hash".into(), EnabledStatistics::None)
        .set_column_statistics_enabled("signature".into(), EnabledStatistics::None)
        .set_column_statistics_enabled("tenant_json".into(), EnabledStatistics::None)
        .set_column_statistics_enabled(
            ColumnPath::new(["tenants", "list", "element"].map(str::to_owned).to_vec()),
            EnabledStatistics::None,
        )
}

/// Another file of the same columns and footer, after a change.
fn again(
    bytes: &[u8],
    properties: WriterPropertiesBuilder,
    more: &[(&str, &str)],
    change: impl Fn(&str, ArrayRef) -> ArrayRef,
) -> Vec<u8> {
    let read = Bytes::copy_from_slice(bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(read).unwrap();
    let pairs = reader
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap()
        .clone();
    let batch = &batches(bytes)[0];
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, column)| change(field.name(), Arc::clone(column)));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap();
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true)
        .with_schema_root("sealbook".to_owned());
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options).unwrap();
    for pair in pairs {
        let changed = more.iter().find(|(key, _)| *key == pair.key);
        let value = changed.map_or(pair.value.unwrap(), |(_, value)| (*value).to_owned());
        writer.append_key_value_metadata(KeyValue::new(pair.key, value));
    }
    for (key, value) in more.iter().filter(|(key, _)| !key.starts_with("sealbook.")) {
        writer.append_key_value_metadata(KeyValue::new((*key).to_owned(), (*value).to_owned()));
    }
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn a_table_written_by_another_program_passes_if_it_says_the_same() {
    let ledger = scene();
    let bytes = table(&ledger, &Filter::default());
    let copy = again(&bytes, plain(), &[], |_, column| column);
    assert_ne!(copy, bytes);
    assert_eq!(judge(&ledger, &copy).faults, []);
}

/// The column with another value in row 5.
fn changed(column: &ArrayRef) -> ArrayRef {
    use arrow_schema::{DataType, TimeUnit};
    match column.data_type() {
        DataType::Int64 => {
            let old = column.as_primitive::<arrow_array::types::Int64Type>();
            let new = old.iter().enumerate();
            Arc::new(Int64Array::from_iter(
                new.map(|(row, value)| if row == 5 { Some(1_000) } else { value }),
            ))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let old = column.as_primitive::<arrow_array::types::TimestampMicrosecondType>();
            let new = old.values().iter().enumerate();
            let new = new.map(|(row, value)| value + i64::from(row == 5));
            Arc::new(TimestampMicrosecondArray::from_iter_values(new).with_timezone("UTC"))
        }
        DataType::Boolean => {
            let old = column.as_boolean();
            Arc::new(BooleanArray::from_iter(old.iter().enumerate().map(
                |(row, value)| if row == 5 { value.map(|it| !it) } else { value },
            )))
        }
        DataType::FixedSizeBinary(_) => {
            let old = column.as_fixed_size_binary();
            let new = old.iter().enumerate().map(|(row, value)| {
                let mut value = value.unwrap().to_vec();
                value[0] ^= u8::from(row == 5);
                value
            });
            Arc::new(FixedSizeBinaryArray::try_from_iter(new).unwrap())
        }
        DataType::List(_) => {
            use arrow_array::builder::{ListBuilder, StringBuilder};
            let DataType::List(field) = column.data_type() else {
                unreachable!()
            };
            let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(field));
            for (row, list) in column.as_list::<i32>().iter().enumerate() {
                let list = list.unwrap();
                for value in list.as_string::<i32>().iter().flatten() {
                    lists.values().append_value(value);
                }
                if row == 5 {
                    lists.values().append_value("zzz");
                }
                lists.append(true);
            }
            Arc::new(lists.finish())
        }
        _ => {
            let old = column.as_string::<i32>();
            Arc::new(StringArray::from_iter(old.iter().enumerate().map(
                |(row, value)| match row {
                    5 => Some(value.unwrap_or_default().replace(':', ";") + "x"),
                    _ => value.map(str::to_owned),
                },
            )))
        }
    }
}

#[test]
fn a_change_in_any_column_is_refused_and_says_where() {
    let ledger = scene();
    let bytes = table(&ledger, &Filter::default());
    let schema = batches(&bytes)[0].schema();
    assert_eq!(schema.fields().len(), 18);
    for field in schema.fields() {
        let name = field.name();
        let change = |at: &str, column: ArrayRef| match at == name {
            true => changed(&column),
            false => column,
        };
        let report = judge(&ledger, &again(&bytes, plain(), &[], change));
        assert_eq!(report.verdict, Verdict::Fail, "{name}");
        let signed = [
            "seq",
            "ts_text",
            "kind",
            "prev_hash",
            "signature",
            "payload",
        ];
        if signed.contains(&name.as_str()) {
            assert_ne!(
                codes(&report)[0],
                FaultCode::TableMismatch,
                "{name}: {report:?}"
            );
        } else {
            assert_eq!(
                codes(&report),
                [FaultCode::TableMismatch],
                "{name}: {report:?}"
            );
            let fault = &report.faults[0];
            assert_eq!((fault.index, fault.seq), (Some(5), Some(5)), "{fault:?}");
            assert!(fault.detail.contains(name), "{fault:?}");
        }
    }
}

#[test]
fn what_only_some_readers_see_is_refused() {
    let ledger = scene();
    let bytes = table(&ledger, &Filter::default());
    let same = |_: &str, column| column;
    let paged = plain().set_statistics_enabled(EnabledStatistics::Page);
    let bloom = plain().set_column_bloom_filter_enabled("kind".into(), true);
    let offsets = plain().set_offset_index_disabled(false);
    let payload = plain().set_column_statistics_enabled("payload".into(), EnabledStatistics::Chunk);
    for (name, properties, more, code) in [
        ("page index", paged, None, FaultCode::BundleCorrupt),
        ("bloom", bloom, None, FaultCode::BundleCorrupt),
        ("offsets", offsets, None, FaultCode::BundleCorrupt),
        ("statistics", payload, None, FaultCode::TableMismatch),
        (
            "key",
            plain(),
            Some(("pandas", "{}")),
            FaultCode::BundleCorrupt,
        ),
        (
            "day",
            plain(),
            Some(("sealbook.head", "{}")),
            FaultCode::BundleCorrupt,
        ),
        (
            "frame",
            plain(),
            Some(("sealbook.frame", "")),
            FaultCode::BundleCorrupt,
        ),
    ] {
        let more: Vec<_> = more.into_iter().collect();
        let report = judge(&ledger, &again(&bytes, properties, &more, same));
        assert!(codes(&report).contains(&code), "{name}: {report:?}");
    }
    let newer = again(&bytes, plain(), &[("sealbook.format", "2")], same);
    let error = sealbook::verify(&newer[..], &Policy::key(ledger.key())).unwrap_err();
    assert_eq!(error.code(), "format_unsupported");
}

#[test]
fn a_statistic_that_would_hide_rows_is_refused() {
    let ledger = scene();
    let mut bytes = table(&ledger, &Filter::default());
    let word = b"othe";
    let footer = bytes.len()
        - 8
        - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let at = bytes[footer..]
        .windows(4)
        .position(|at| at == word)
        .unwrap();
    bytes[footer + at + 3] = b'b';
    let report = judge(&ledger, &bytes);
    assert_eq!(codes(&report), [FaultCode::TableMismatch], "{report:?}");
    assert!(
        report.faults[0]
            .detail
            .contains("the maximum of the column tenant"),
        "{report:?}"
    );
}

#[test]
fn bytes_that_belong_to_no_column_are_refused() {
    let ledger = scene();
    let bytes = table(&ledger, &Filter::default());
    let length = bytes.len();
    let footer = u32::from_le_bytes(bytes[length - 8..length - 4].try_into().unwrap()) as usize;
    let at = length - 8 - footer;
    let stuffed = [&bytes[..at], b"hidden", &bytes[at..]].concat();
    assert_eq!(codes(&judge(&ledger, &stuffed)), [FaultCode::BundleCorrupt]);
    for cut in [4, 11, length / 2, length - 1] {
        assert_eq!(
            judge(&ledger, &bytes[..cut]).verdict,
            Verdict::Fail,
            "{cut}"
        );
    }
}

/// Whatever byte is changed: it is refused, or every reader reads the same.
#[test]
fn a_changed_byte_is_refused_or_changes_nothing_that_is_read() {
    let ledger = scene();
    let bytes = table(&ledger, &acme());
    let expected = batches(&bytes);
    let mut passed = 0;
    for at in (0..bytes.len()).step_by(37) {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            let policy = Policy::key(ledger.key());
            let Ok(report) = sealbook::verify(&changed[..], &policy) else {
                continue;
            };
            if report.verdict == Verdict::Pass {
                passed += 1;
                assert_eq!(batches(&changed), expected, "{at} {bit}");
            }
        }
    }
    // The name of the writer, at least, may be any.
    assert!(passed < bytes.len() / 100, "{passed} of {}", bytes.len());
}
