//! Minimum, maximum and count of nulls in the footer, held against the rows: an
//! engine that trusts them skips rows.

use std::collections::BTreeMap;

use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::statistics::Statistics;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use super::schema::MEASURED;

/// A value, in the order of its column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Measure {
    Bool(bool),
    Number(i64),
    Text(Vec<u8>),
}

/// What the rows of a group say of a column.
#[derive(Debug, Default)]
struct ColumnExtent {
    least: Option<Measure>,
    most: Option<Measure>,
    nulls: u64,
}

/// What the rows of a group say of their columns.
#[derive(Debug, Default)]
pub(super) struct Measured(BTreeMap<String, ColumnExtent>);

impl Measured {
    /// Takes more rows of the group.
    pub(super) fn take(&mut self, batch: &RecordBatch) {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if MEASURED.contains(&field.name().as_str()) {
                let extent = self.0.entry(field.name().clone()).or_default();
                extent.nulls += column.null_count() as u64;
                extent.widen(column);
            }
        }
    }

    /// What is wrong with the statistics of a column of the group.
    pub(super) fn difference(&self, column: &ColumnChunkMetaData) -> Option<String> {
        let stated = column.statistics()?;
        let name = column.column_path().string();
        let Some(extent) = self.0.get(&name) else {
            return Some(format!(
                "the column {name} has statistics, which it has not"
            ));
        };
        extent
            .difference(stated)
            .map(|what| format!("the {what} of the column {name} in the footer is not the rows'"))
    }
}

impl ColumnExtent {
    fn widen(&mut self, column: &dyn Array) {
        match column.data_type() {
            DataType::Int64 => {
                let numbers = column.as_primitive::<Int64Type>();
                self.numbers(numbers.iter().flatten());
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let numbers = column.as_primitive::<TimestampMicrosecondType>();
                self.numbers(numbers.iter().flatten());
            }
            DataType::Boolean => {
                let (least, most) = column
                    .as_boolean()
                    .iter()
                    .flatten()
                    .fold((true, false), |(least, most), value| {
                        (least & value, most | value)
                    });
                if column.null_count() < column.len() {
                    self.include(Measure::Bool(least), Measure::Bool(most));
                }
            }
            _ => {
                let Some(texts) = column.as_string_view_opt() else {
                    return;
                };
                let least = texts.iter().flatten().min();
                let most = texts.iter().flatten().max();
                if let (Some(least), Some(most)) = (least, most) {
                    let text = |text: &str| Measure::Text(text.as_bytes().to_vec());
                    self.include(text(least), text(most));
                }
            }
        }
    }

    fn numbers(&mut self, numbers: impl Iterator<Item = i64>) {
        let extent = numbers.fold(None, |extent: Option<(i64, i64)>, number| {
            let (least, most) = extent.unwrap_or((number, number));
            Some((least.min(number), most.max(number)))
        });
        if let Some((least, most)) = extent {
            self.include(Measure::Number(least), Measure::Number(most));
        }
    }

    fn include(&mut self, least: Measure, most: Measure) {
        if self.least.as_ref().is_none_or(|known| least < *known) {
            self.least = Some(least);
        }
        if self.most.as_ref().is_none_or(|known| most > *known) {
            self.most = Some(most);
        }
    }

    /// Which of the statistics is not that of the rows. A text may be cut in the
    /// footer, which then says so: a bound that holds, if not the nearest.
    fn difference(&self, stated: &Statistics) -> Option<&'static str> {
        let [least, most] = match stated {
            Statistics::Boolean(values) => {
                [values.min_opt(), values.max_opt()].map(|value| value.copied().map(Measure::Bool))
            }
            Statistics::Int64(values) => [values.min_opt(), values.max_opt()]
                .map(|value| value.copied().map(Measure::Number)),
            other => [other.min_bytes_opt(), other.max_bytes_opt()]
                .map(|bytes| bytes.map(|bytes| Measure::Text(bytes.to_vec()))),
        };
        // Without a minimum and maximum there is nothing that could be of the old kind.
        let bounded = least.is_some() || most.is_some();
        let wrong = |stated: &Option<Measure>,
                     exact: bool,
                     known: &Option<Measure>,
                     least: bool| match (stated, known) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(stated), Some(known)) if exact => stated != known,
            (Some(stated @ Measure::Text(_)), Some(known)) if least => stated > known,
            (Some(stated @ Measure::Text(_)), Some(known)) => stated < known,
            _ => true,
        };
        if wrong(&least, stated.min_is_exact(), &self.least, true) {
            Some("minimum")
        } else if wrong(&most, stated.max_is_exact(), &self.most, false) {
            Some("maximum")
        } else if stated
            .null_count_opt()
            .is_some_and(|nulls| nulls != self.nulls)
        {
            Some("count of nulls")
        } else if stated.distinct_count_opt().is_some() || bounded && stated.is_min_max_deprecated()
        {
            Some("kind of statistics")
        } else {
            None
        }
    }
}
