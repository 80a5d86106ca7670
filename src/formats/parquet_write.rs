//! Parquet output: columns rebuilt from the cells of each row group, zstd, no statistics, no index, no foreign metadata.
//!
//! Text is written with a dictionary that is made anew for every row group from the cells in it: what was filtered or
//! suppressed before is in no buffer that this file ever sees.

use std::fs::File;
use std::io::BufWriter;

use arrow::array::{
    Array, BooleanArray, DictionaryArray, MutableUtf8Array, PrimitiveArray, Utf8Array,
};
use arrow::bitmap::Bitmap;
use arrow::datatypes::{ArrowDataType, ArrowSchema, Field, IntegerType, TimeUnit};
use arrow::record_batch::RecordBatchT;
use polars_arrow as arrow;
use polars_buffer::Buffer;
use polars_parquet::write::{
    CompressionOptions, Encoding, FileWriter, StatisticsOptions, Version, WriteOptions, ZstdLevel,
    row_group_iter,
};
use rayon::prelude::*;

use super::{OutColumn, OutType, TableWriter, WriteSpec, Written};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, MISSING, Table};
use crate::say;
use crate::text::date;

/// Rows a row group, counted from the start of the file: bytes do not depend on how rows were handed over.
const GROUP: usize = 250_000;

pub(super) struct Writer {
    table: Name,
    columns: Vec<OutColumn>,
    schema: ArrowSchema,
    writer: FileWriter<BufWriter<File>>,
    options: WriteOptions,
    waiting: Vec<Table>,
    waiting_rows: usize,
    rows: u64,
}

fn arrow_type(ty: OutType) -> ArrowDataType {
    match ty {
        OutType::Text => ArrowDataType::Dictionary(
            IntegerType::UInt32,
            Box::new(ArrowDataType::LargeUtf8),
            false,
        ),
        OutType::Integer => ArrowDataType::Int64,
        OutType::Decimal => ArrowDataType::Float64,
        OutType::Date => ArrowDataType::Date32,
        // Without a zone: the clocks of the hospital, as the dictionary says, and no reader moves them.
        OutType::Timestamp => ArrowDataType::Timestamp(TimeUnit::Microsecond, None),
        OutType::Boolean => ArrowDataType::Boolean,
    }
}

impl Writer {
    pub(super) fn new(file: File, spec: &WriteSpec<'_>) -> Result<Self> {
        let schema: ArrowSchema = spec
            .columns
            .iter()
            .map(|c| {
                let name: polars_utils::pl_str::PlSmallStr = c.name.as_str().into();
                (name.clone(), Field::new(name, arrow_type(c.ty), true))
            })
            .collect();
        let level = ZstdLevel::try_new(3).map_err(|_| failed(spec.table))?;
        let options = WriteOptions {
            statistics: StatisticsOptions::empty(),
            version: Version::V1,
            compression: CompressionOptions::Zstd(Some(level)),
            data_page_size: None,
        };
        let writer =
            FileWriter::try_new(BufWriter::with_capacity(1 << 20, file), schema.clone(), options)
                .map_err(|_| failed(spec.table))?;
        Ok(Writer {
            table: spec.table.clone(),
            columns: spec.columns.to_vec(),
            schema,
            writer,
            options,
            waiting: Vec::new(),
            waiting_rows: 0,
            rows: 0,
        })
    }

    fn group(&mut self, rows: &Table) -> Result<()> {
        let arrays: Vec<Box<dyn Array>> = rows
            .columns
            .par_iter()
            .zip(&self.columns)
            .map(|(cells, column)| {
                array(cells, column.ty).ok_or_else(|| {
                    Error::refused(
                        "C0503",
                        say!(
                            "table `{}`, column `{}`: a cell does not fit the type of the column",
                            self.table,
                            Name::from_policy(column.name.clone())
                        ),
                    )
                })
            })
            .collect::<Result<_>>()?;
        let encodings: Vec<Vec<Encoding>> = self
            .columns
            .iter()
            .map(|c| {
                vec![if c.ty == OutType::Text { Encoding::RleDictionary } else { Encoding::Plain }]
            })
            .collect();
        let fields = self.writer.parquet_schema().fields().to_vec();
        let chunk =
            RecordBatchT::try_new(rows.rows, std::sync::Arc::new(self.schema.clone()), arrays)
                .map_err(|_| failed(&self.table))?;
        let group = row_group_iter(chunk, Buffer::from(encodings), fields, self.options);
        self.writer.write(rows.rows as u64, group).map_err(|_| failed(&self.table))?;
        self.rows += rows.rows as u64;
        Ok(())
    }

    fn flush(&mut self, all: bool) -> Result<()> {
        if self.waiting_rows == 0 || (!all && self.waiting_rows < GROUP) {
            return Ok(());
        }
        let mut blocks = std::mem::take(&mut self.waiting);
        self.waiting_rows = 0;
        let whole = match blocks.pop() {
            Some(one) if blocks.is_empty() => one,
            last => {
                blocks.extend(last);
                crate::frame::join_blocks(&blocks, self.columns.len())
            }
        };
        drop(blocks);
        let mut from = 0;
        while whole.rows - from >= GROUP || (all && from < whole.rows) {
            let to = (from + GROUP).min(whole.rows);
            self.group(&slice(&whole, from, to))?;
            from = to;
        }
        if from < whole.rows {
            self.waiting_rows = whole.rows - from;
            self.waiting.push(slice(&whole, from, whole.rows));
        }
        Ok(())
    }
}

fn slice(table: &Table, from: usize, to: usize) -> Table {
    let rows: Vec<u32> = (from as u32..to as u32).collect();
    Table { rows: rows.len(), columns: table.columns.par_iter().map(|c| c.take(&rows)).collect() }
}

fn failed(table: &Name) -> Error {
    // The library's text may quote cells; a full disk shows itself in the next system call.
    Error::environment(
        "X0509",
        say!("writing the Parquet file of table `{}` failed: is the disk full?", table),
    )
}

/// The cells as an array; `None` if one does not fit.
fn array(cells: &Column, ty: OutType) -> Option<Box<dyn Array>> {
    fn numbers<T: arrow::types::NativeType>(
        cells: &Column,
        ty: ArrowDataType,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Box<dyn Array>> {
        let used = used(cells);
        let values: Vec<Option<T>> = cells
            .dictionary()
            .texts()
            .zip(used)
            .map(|(text, used)| if used { read(text).map(Some) } else { Some(None) })
            .collect::<Option<_>>()?;
        let of = |code: u32| values[code as usize].unwrap_or_default();
        Some(primitive(cells.codes(), of, ty).boxed())
    }
    match ty {
        OutType::Integer => numbers(cells, ArrowDataType::Int64, |t| t.parse::<i64>().ok()),
        OutType::Decimal => numbers(cells, ArrowDataType::Float64, |t| {
            t.parse::<f64>().ok().filter(|n| n.is_finite())
        }),
        OutType::Date => numbers(cells, ArrowDataType::Date32, |t| date::parse(t)?.days()),
        OutType::Timestamp => numbers(cells, arrow_type(ty), |t| {
            Some(date::parse_iso_moment(t)?.and_utc().timestamp_micros())
        }),
        OutType::Boolean => {
            let values: Vec<Option<bool>> = cells
                .cells()
                .map(|t| t.map(|t| t.parse().ok()).map_or(Some(None), |b| b.map(Some)))
                .collect::<Option<_>>()?;
            Some(BooleanArray::from(values).boxed())
        }
        OutType::Text => {
            // Codes in the order of appearance, texts of this row group only.
            let mut map = vec![MISSING; cells.dictionary().len()];
            let mut texts = MutableUtf8Array::<i64>::new();
            let key_of = |code: u32| {
                let slot = &mut map[code as usize];
                if *slot == MISSING {
                    *slot = texts.len() as u32;
                    texts.push(Some(cells.dictionary().text(code)));
                }
                *slot
            };
            let keys = primitive(cells.codes(), key_of, ArrowDataType::UInt32);
            let values: Utf8Array<i64> = texts.into();
            DictionaryArray::try_new(arrow_type(ty), keys, values.boxed()).ok().map(|a| a.boxed())
        }
    }
}

/// A value a code; missing cells are holes.
fn primitive<T: arrow::types::NativeType>(
    codes: &[u32],
    mut of: impl FnMut(u32) -> T,
    ty: ArrowDataType,
) -> PrimitiveArray<T> {
    let value = |&code: &u32| if code == MISSING { T::default() } else { of(code) };
    let values: Vec<T> = codes.iter().map(value).collect();
    let holes = codes.contains(&MISSING);
    let there = holes.then(|| codes.iter().map(|&code| code != MISSING).collect::<Bitmap>());
    PrimitiveArray::new(ty, values.into(), there)
}

fn used(cells: &Column) -> Vec<bool> {
    let mut used = vec![false; cells.dictionary().len()];
    for &code in cells.codes() {
        if code != MISSING {
            used[code as usize] = true;
        }
    }
    used
}

impl TableWriter for Writer {
    fn write(&mut self, rows: &Table) -> Result<()> {
        if rows.rows > 0 {
            self.waiting_rows += rows.rows;
            self.waiting.push(rows.clone());
        }
        self.flush(false)
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        self.flush(true)?;
        let table = self.table.clone();
        // An empty list: no schema of Arrow, no names of libraries beside the fixed `created_by`.
        self.writer.end(Some(Vec::new())).map_err(|_| failed(&table))?;
        let rows = self.rows;
        let buffered = self.writer.into_inner();
        let fail = |e: &std::io::Error| Error::io("X0508", say!("writing table `{}`", table), e);
        let file = buffered.into_inner().map_err(|e| fail(e.error()))?;
        file.sync_all().map_err(|e| fail(&e))?;
        let bytes = file.metadata().map_err(|e| fail(&e))?.len();
        Ok(Written { bytes, rows, ..Written::default() })
    }
}
