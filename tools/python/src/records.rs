//! Records of every sort but entries: one description of the columns of each, out of
//! which both its objects and its table are made.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, FixedSizeBinaryBuilder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCapsule, PyTuple, PyType};
use sealbook::ledger::time::Timestamp;

use crate::ahead::{Ahead, Rows};
use crate::table::{Layout, stream};

/// What a record has in one column.
pub(crate) enum Cell {
    Nothing,
    Truth(bool),
    Number(u64),
    Time(Timestamp),
    Text(String),
    /// JSON: its value is Python's, its text is in the table.
    Json(String),
    /// In Python as hex digits.
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

/// What a column has.
#[derive(Clone, Copy)]
pub(crate) enum Holds {
    Truth,
    Number,
    Time,
    Text,
    /// So many bytes.
    Bytes(i32),
    Texts,
}

/// A sort of records: the class of `sealbook.records`, and its columns, which are the
/// members of the class in their order.
pub(crate) struct Sort {
    pub(crate) class: &'static str,
    pub(crate) columns: &'static [(&'static str, Holds)],
}

/// The cells of a record, one for each column.
pub(crate) type Cells = Vec<Cell>;

/// Records, one after the other. They are given once: what was not iterated over is what
/// Arrow takes (`pyarrow.table(records)`), by `__arrow_c_stream__`.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Records {
    sort: &'static Sort,
    rows: Ahead<Cells>,
}

impl Records {
    pub(crate) fn new(sort: &'static Sort, rows: Rows<Cells>) -> Records {
        Records {
            sort,
            rows: Ahead::new(rows),
        }
    }
}

#[pymethods]
impl Records {
    fn __iter__(records: PyRef<'_, Self>) -> PyRef<'_, Self> {
        records
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let cells = self.rows.next(py)?;
        cells.map(|cells| object(py, self.sort, cells)).transpose()
    }

    /// The records that were not given yet, by the C data interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A consumer that wants other types casts them, as the interface allows.
        drop(requested_schema);
        let (schema, sort) = (schema(self.sort), self.sort);
        let made = schema.clone();
        let layout = Layout {
            schema,
            weigh: |cells: &Cells| cells.iter().map(weigh).sum(),
            make: Box::new(move |rows| batch(sort, &made, rows)),
        };
        stream(py, self.rows.take()?, layout)
    }

    /// For annotations: `Records[Member]`.
    #[classmethod]
    fn __class_getitem__(class: &Bound<'_, PyType>, _item: &Bound<'_, PyAny>) -> Py<PyType> {
        class.clone().unbind()
    }

    fn __repr__(&self) -> String {
        format!("<Records of {}>", self.sort.class)
    }
}

/// A record as an object of its class.
pub(crate) fn object<'py>(
    py: Python<'py>,
    sort: &Sort,
    cells: Cells,
) -> PyResult<Bound<'py, PyAny>> {
    let values = cells.into_iter().map(|cell| value(py, cell));
    let values = values.collect::<PyResult<Vec<_>>>()?;
    class(py, sort.class)?.call1(PyTuple::new(py, values)?)
}

/// A class of `sealbook.records`.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("sealbook.records")?.getattr(name)
}

fn value(py: Python<'_>, cell: Cell) -> PyResult<Bound<'_, PyAny>> {
    match cell {
        Cell::Nothing => Ok(py.None().into_bound(py)),
        Cell::Truth(truth) => truth.into_bound_py_any(py),
        Cell::Number(number) => number.into_bound_py_any(py),
        Cell::Time(time) => time.to_string().into_bound_py_any(py),
        Cell::Text(text) => text.into_bound_py_any(py),
        Cell::Json(text) => from_json(py, &text),
        Cell::Bytes(bytes) => hex(&bytes).into_bound_py_any(py),
        Cell::Texts(texts) => PyTuple::new(py, texts)?.into_bound_py_any(py),
    }
}

/// A value out of JSON, as Python's own reader gives it.
pub(crate) fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("json")?.getattr("loads")?.unbind())
    })?;
    loads.bind(py).call1((text,))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text does not fail.
        let _written = write!(text, "{byte:02x}");
    }
    text
}

fn weigh(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) | Cell::Json(text) => text.len(),
        Cell::Bytes(bytes) => bytes.len(),
        Cell::Texts(texts) => texts.iter().map(String::len).sum(),
        _ => 8,
    }
}

fn schema(sort: &Sort) -> SchemaRef {
    let field = |(name, holds): &(&str, Holds)| Field::new(*name, kind(*holds), true);
    Arc::new(Schema::new(
        sort.columns.iter().map(field).collect::<Vec<_>>(),
    ))
}

fn kind(holds: Holds) -> DataType {
    match holds {
        Holds::Truth => DataType::Boolean,
        Holds::Number => DataType::Int64,
        Holds::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Holds::Text => DataType::Utf8,
        Holds::Bytes(bytes) => DataType::FixedSizeBinary(bytes),
        Holds::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
    }
}

fn batch(sort: &Sort, schema: &SchemaRef, rows: &[Cells]) -> Result<RecordBatch, ArrowError> {
    let columns = sort.columns.iter().enumerate();
    let columns = columns.map(|(at, (_, holds))| {
        let cells = rows.iter().map(move |cells| cells.get(at));
        column(*holds, cells)
    });
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

/// A column. What it cannot hold is null in it.
fn column<'c>(
    holds: Holds,
    cells: impl Iterator<Item = Option<&'c Cell>>,
) -> Result<ArrayRef, ArrowError> {
    Ok(match holds {
        Holds::Truth => {
            let mut column = BooleanBuilder::new();
            cells.for_each(|cell| {
                column.append_option(match cell {
                    Some(Cell::Truth(truth)) => Some(*truth),
                    _ => None,
                });
            });
            Arc::new(column.finish())
        }
        Holds::Number => {
            let mut column = Int64Builder::new();
            cells.for_each(|cell| {
                column.append_option(match cell {
                    Some(Cell::Number(number)) => i64::try_from(*number).ok(),
                    _ => None,
                });
            });
            Arc::new(column.finish())
        }
        Holds::Time => {
            let mut column = TimestampMicrosecondBuilder::new().with_timezone("UTC");
            cells.for_each(|cell| {
                column.append_option(match cell {
                    Some(Cell::Time(time)) => Some(time.unix_micros()),
                    _ => None,
                });
            });
            Arc::new(column.finish())
        }
        Holds::Text => {
            let mut column = StringBuilder::new();
            cells.for_each(|cell| {
                column.append_option(match cell {
                    Some(Cell::Text(text) | Cell::Json(text)) => Some(text),
                    _ => None,
                });
            });
            Arc::new(column.finish())
        }
        Holds::Bytes(width) => {
            let mut column = FixedSizeBinaryBuilder::new(width);
            for cell in cells {
                match cell {
                    Some(Cell::Bytes(bytes)) => column.append_value(bytes)?,
                    _ => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        Holds::Texts => {
            let mut column = ListBuilder::new(StringBuilder::new());
            for cell in cells {
                let texts = match cell {
                    Some(Cell::Texts(texts)) => Some(texts),
                    _ => None,
                };
                for text in texts.into_iter().flatten() {
                    column.values().append_value(text);
                }
                column.append(texts.is_some());
            }
            Arc::new(column.finish())
        }
    })
}
