//! The rows, and the one list of their columns.

use std::fmt;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// An id of a trace (16 bytes) or of a span (8 bytes), in lower-case hex in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<const BYTES: usize>(pub [u8; BYTES]);

/// One exchange, or any other span. Unknown values are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "they are the columns, and are described in the schema")]
pub struct Span {
    pub trace_id: Id<16>,
    pub span_id: Id<8>,
    pub parent_span_id: Option<Id<8>>,
    pub name: String,
    pub start_ns: i64,
    pub end_ns: i64,
    pub service: Option<String>,
    pub provider: Option<String>,
    pub operation: Option<String>,
    pub model: Option<String>,
    pub request_model: Option<String>,
    pub response_model: Option<String>,
    pub status: Option<String>,
    pub error: Option<String>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cached_input_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    pub source: Option<String>,
    pub cost_nanodollars: Option<i64>,
    pub duration_ms: Option<i64>,
    pub first_token_ms: Option<i64>,
    pub sampled: Option<bool>,
    pub input_text: Option<String>,
    pub output_text: Option<String>,
    pub attributes_json: String,
}

/// One score of a judge, or one rating of a user. Unknown values are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "they are the columns, and are described in the schema")]
pub struct Evaluation {
    pub uid: String,
    pub trace_id: Id<16>,
    pub span_id: Id<8>,
    pub request_id: Option<String>,
    pub model: Option<String>,
    pub name: String,
    pub source: Option<String>,
    pub judge_model: Option<String>,
    pub value: Option<f64>,
    pub label: Option<String>,
    pub explanation: Option<String>,
    pub time_ns: i64,
}

/// The columns of a table, those of the key first.
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    /// The number of columns in the key.
    pub key: usize,
}

/// A row of a table.
pub(super) trait Row {
    const TABLE: Table;

    /// Returns the values in the order of the columns.
    fn values(&self) -> Vec<&dyn ToSql>;
}

/// Generates the columns and the values from one list, so that no value gets into the column of another.
macro_rules! row {
    ($row:ident, $table:literal, $key:literal, [$($column:ident),* $(,)?]) => {
        impl Row for $row {
            const TABLE: Table = Table { name: $table, columns: &[$(stringify!($column)),*], key: $key };

            fn values(&self) -> Vec<&dyn ToSql> {
                vec![$(&self.$column),*]
            }
        }

        impl $row {
            /// Reads a row that was selected with all columns of the table.
            pub fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($column: row.get(stringify!($column))?),* })
            }
        }
    };
}

row!(
    Span,
    "spans",
    2,
    [
        trace_id,
        span_id,
        parent_span_id,
        name,
        start_ns,
        end_ns,
        service,
        provider,
        operation,
        model,
        request_model,
        response_model,
        status,
        error,
        input_tokens,
        output_tokens,
        cached_input_tokens,
        reasoning_tokens,
        source,
        cost_nanodollars,
        duration_ms,
        first_token_ms,
        sampled,
        input_text,
        output_text,
        attributes_json,
    ]
);

row!(
    Evaluation,
    "evaluations",
    1,
    [
        uid,
        trace_id,
        span_id,
        request_id,
        model,
        name,
        source,
        judge_model,
        value,
        label,
        explanation,
        time_ns,
    ]
);

impl<const BYTES: usize> Default for Id<BYTES> {
    fn default() -> Self {
        Self([0; BYTES])
    }
}

impl<const BYTES: usize> Id<BYTES> {
    /// Parses hex of the right length; `None` if it is invalid.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        if text.len() != 2 * BYTES {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl<const BYTES: usize> fmt::Display for Id<BYTES> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl<const BYTES: usize> fmt::Debug for Id<BYTES> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl<const BYTES: usize> ToSql for Id<BYTES> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl<const BYTES: usize> FromSql for Id<BYTES> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::from_hex(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}
