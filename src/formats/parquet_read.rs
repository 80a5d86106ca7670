//! Parquet input: row group by row group, columns in parallel, everything as the text that stands for it.

use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use arrow::array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, PrimitiveArray, Utf8Array,
    Utf8ViewArray, View,
};
use arrow::bitmap::Bitmap;
use arrow::datatypes::{
    ArrowDataType, ArrowSchema, DTYPE_CATEGORICAL_NEW, Field, IntegerType, TimeUnit,
};
use hashbrown::{HashMap, HashTable};
use polars_arrow as arrow;
use polars_buffer::Buffer;
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, FileMetadata, PageReader, column_iter_to_arrays,
    infer_schema,
};
use rayon::prelude::*;

use super::format::{Format, Look, Weight};
use super::parquet_guard::{self, guarded};
use super::{Batch, Batches, ColumnSpec, FileFacts, Hashing, ReadSpec, Wanted, header};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, ColumnBuilder, MISSING, Table};
use crate::say;
use crate::schema::Type;
use crate::timings;

/// Views that are remembered in any case.
const VIEWS: usize = 1 << 15;
/// Bigger pages are not from an honest writer.
const LARGEST_PAGE: usize = 1 << 30;

/// Apache Parquet.
pub(crate) struct Parquet;

impl Format for Parquet {
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: Wanted,
    ) -> Result<Box<dyn Batches + Send>> {
        Ok(Box::new(ParquetReader::open(path, spec, wanted)?))
    }
    fn names(&self, path: &Path, _: &Look<'_>) -> Result<(Vec<String>, u32)> {
        header_names(path).map(|names| (names, 0))
    }
    fn scan_bytes(&self, path: &Path, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        scan_bytes(path, f)
    }
    fn weight(&self, path: &Path, bytes: u64) -> Weight {
        let (whole, beside) = match weight(path) {
            Some((cells, pages)) => {
                (cells.saturating_mul(36).saturating_add(pages.saturating_mul(2)), cells)
            }
            None => (bytes.saturating_mul(70), bytes.saturating_mul(2)),
        };
        Weight { whole, beside, text: bytes }
    }
}

/// Reads a file in batches of whole row groups.
pub(super) struct ParquetReader {
    table: Name,
    columns: Vec<ColumnSpec>,
    trim: bool,
    file: File,
    metadata: FileMetadata,
    fields: Vec<Field>,
    next: usize,
    wanted: Wanted,
    facts: FileFacts,
}

fn damaged(table: &Name) -> Error {
    Error::data(
        "D0020",
        say!("table `{}`: the Parquet file is damaged or of a kind that is not read", table),
    )
}

/// Damaged pages of a column.
fn damaged_at(table: &Name, column: &Name, group: usize) -> Error {
    Error::data(
        "D0020",
        say!(
            "table `{}`, column `{}`, row group {}: the Parquet file is damaged, or its pages claim more than it can hold",
            table,
            column,
            group + 1
        ),
    )
}

fn schema_of(metadata: &FileMetadata, table: &Name) -> Result<ArrowSchema> {
    guarded(|| infer_schema(metadata)).and_then(|found| found.ok()).ok_or_else(|| damaged(table))
}

impl ParquetReader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>, wanted: Wanted) -> Result<Self> {
        let fail = |e: &std::io::Error| {
            Error::io("X0504", say!("opening a file of table `{}`", spec.table), e)
        };
        let mut file = File::open(path).map_err(|e| fail(&e))?;
        let metadata = parquet_guard::metadata(&mut file).ok_or_else(|| damaged(spec.table))?;
        let schema = schema_of(&metadata, spec.table)?;
        let names: Vec<String> = schema.iter_names().map(|n| n.as_str().to_owned()).collect();
        let positions = header::positions(spec, &names)?;
        let mut fields = Vec::new();
        for (column, &at) in spec.columns.iter().zip(&positions) {
            let name = names.get(at).ok_or_else(|| damaged(spec.table))?;
            let field = undictionaried(schema.get(name).ok_or_else(|| damaged(spec.table))?);
            if !readable(field.dtype()) {
                return Err(Error::data(
                    "D0021",
                    say!(
                        "table `{}`, column `{}`: a nested or unusual Parquet type that is not read",
                        spec.table,
                        column.name
                    ),
                ));
            }
            fields.push(field);
        }
        let bytes = file.metadata().map_err(|e| fail(&e))?.len();
        let room = parquet_guard::room(bytes);
        if !parquet_guard::whole_fits(&metadata, fields.len(), room) {
            return Err(Error::data(
                "D0023",
                say!(
                    "table `{}`: the Parquet file claims more cells than a file of its size can hold",
                    spec.table
                ),
            ));
        }
        Ok(ParquetReader {
            table: spec.table.clone(),
            columns: spec.columns.to_vec(),
            trim: spec.trim,
            file,
            metadata,
            fields,
            next: 0,
            wanted,
            facts: FileFacts { bytes, ..FileFacts::default() },
        })
    }

    fn chunk(&self, group: usize, field: &Field) -> Result<(Vec<u8>, &ColumnChunkMetadata)> {
        let chunks: Vec<&ColumnChunkMetadata> = self.metadata.row_groups[group]
            .columns_under_root_iter(&field.name)
            .ok_or_else(|| damaged(&self.table))?
            .collect();
        let [chunk] = chunks.as_slice() else { return Err(damaged(&self.table)) };
        Ok((read_range(&self.file, chunk.byte_range(), &self.table)?, chunk))
    }

    fn hash(&mut self) -> Result<()> {
        let fail = |e: &std::io::Error| {
            Error::io("X0505", say!("reading a file of table `{}`", self.table), e)
        };
        if self.wanted == Wanted::Cells {
            return Ok(());
        }
        let mut hashing = Hashing::new(self.wanted);
        let mut buffer = vec![0; 1 << 20];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(|e| fail(&e))?;
        loop {
            let read = file.read(&mut buffer).map_err(|e| fail(&e))?;
            if read == 0 {
                break;
            }
            hashing.update(&buffer[..read]);
        }
        (self.facts.sha3_256, self.facts.sha256) = hashing.finish();
        Ok(())
    }
}

fn read_range(file: &File, range: std::ops::Range<u64>, table: &Name) -> Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).map_err(|_| damaged(table))?;
    let mut bytes = vec![0; length];
    crate::system::read_at(file, &mut bytes, range.start)
        .map_err(|e| Error::io("X0505", say!("reading a file of table `{}`", table), &e))?;
    Ok(bytes)
}

fn pages(bytes: Vec<u8>, chunk: &ColumnChunkMetadata) -> BasicDecompressor {
    let reader = PageReader::new(Cursor::new(Buffer::from(bytes)), chunk, Vec::new(), LARGEST_PAGE);
    BasicDecompressor::new(reader, Vec::new())
}

impl Batches for ParquetReader {
    fn next(&mut self, _rows: usize) -> Result<Option<Batch>> {
        if self.next == 0 {
            self.hash()?;
        }
        while self.next < self.metadata.row_groups.len()
            && self.metadata.row_groups[self.next].num_rows() == 0
        {
            self.next += 1;
        }
        if self.next >= self.metadata.row_groups.len() {
            return Ok(None);
        }
        let group = self.next;
        let rows = self.metadata.row_groups[group].num_rows();
        let room = parquet_guard::room(self.facts.bytes);
        let room = parquet_guard::cells(rows, self.fields.len(), room)
            .ok_or_else(|| damaged(&self.table))?;
        let columns: Vec<Column> = self
            .fields
            .par_iter()
            .zip(&self.columns)
            .map(|(field, column)| {
                timings::of_column("read", &self.table, &column.name, || {
                    let bad = || damaged_at(&self.table, &column.name, group);
                    let (bytes, chunk) = self.chunk(group, field)?;
                    let share = room / self.fields.len() as u64;
                    let held = parquet_guard::pages(&bytes, rows, share).ok_or_else(bad)?;
                    let field = &if held.coded { as_codes(field) } else { field.clone() };
                    let types = vec![&chunk.descriptor().descriptor.primitive_type];
                    // The Parquet library may panic on damaged pages: that must not take the run's clean-up with it.
                    let builder = guarded(|| {
                        let pages = vec![pages(bytes, chunk)];
                        let arrays = column_iter_to_arrays(pages, types, field.clone(), None);
                        let arrays = arrays.map_err(|_| bad())?.0;
                        let mut builder = ColumnBuilder::default();
                        for array in &arrays {
                            push(&mut builder, array.as_ref(), column, self.trim).ok_or_else(|| {
                            Error::data(
                                "D0022",
                                say!(
                                    "table `{}`, column `{}`: bytes that are not text, or a NUL",
                                    self.table,
                                    column.name
                                ),
                            )
                        })?;
                        }
                        Ok::<_, Error>(builder)
                    })
                    .ok_or_else(bad)??;
                    if builder.len() != rows {
                        return Err(bad());
                    }
                    Ok(builder.finish())
                })
            })
            .collect::<Result<_>>()?;
        let first = self.facts.rows_read;
        self.facts.rows_read += rows as u64;
        self.next += 1;
        let row_numbers = (first + 1..=first + rows as u64).collect();
        Ok(Some(Batch { table: Table { rows, columns }, row_numbers, lines: Vec::new() }))
    }

    fn facts(&self) -> FileFacts {
        self.facts.clone()
    }
}

fn readable(ty: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    match ty {
        T::Boolean
        | T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::UInt64 => true,
        T::Float32 | T::Float64 | T::Date32 | T::Null => true,
        // With a zone, of whatever name, the number is that of UTC.
        T::Timestamp(_, _) | T::Time32(_) | T::Time64(_) => true,
        T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Binary | T::LargeBinary | T::BinaryView => true,
        T::Decimal(_, _) => true,
        _ => false,
    }
}

/// A categorical column as a column of its values, which is how the pages hold it: what the writer had in memory (how wide its
/// codes were, which categories no row has) does not matter.
fn undictionaried(field: &Field) -> Field {
    match field.dtype() {
        ArrowDataType::Dictionary(_, value, _) => {
            let value = match value.as_ref() {
                ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 => ArrowDataType::Utf8View,
                other => other.clone(),
            };
            Field::new(field.name.clone(), value, field.is_nullable)
        }
        _ => field.clone(),
    }
}

/// A text column whose pages hold codes of one dictionary, as these codes: a text is looked at once a row group. The library reads
/// codes for what is marked as its own kind of column; the mark never leaves this call.
fn as_codes(field: &Field) -> Field {
    if !matches!(field.dtype(), ArrowDataType::Utf8View) {
        return field.clone();
    }
    let codes =
        ArrowDataType::Dictionary(IntegerType::UInt32, Box::new(ArrowDataType::Utf8View), false);
    let mark = (DTYPE_CATEGORICAL_NEW.into(), String::new().into());
    let field = Field::new(field.name.clone(), codes, field.is_nullable);
    field.with_metadata(std::iter::once(mark).collect())
}

/// Appends the cells of an array as texts; `None` if bytes are no text.
fn push(
    builder: &mut ColumnBuilder,
    array: &dyn Array,
    column: &ColumnSpec,
    trim: bool,
) -> Option<()> {
    use ArrowDataType as T;
    let mut put = |text: Option<&str>| -> Option<()> {
        let code = match text {
            Some(text) => code_of(builder, text, column, trim)?,
            None => MISSING,
        };
        builder.push_code(code);
        Some(())
    };
    let any = array.as_any();
    if let Some(a) = any.downcast_ref::<DictionaryArray<u32>>() {
        let texts = a.values().as_any().downcast_ref::<Utf8ViewArray>()?;
        coded(builder, a.keys(), texts, column, trim)
    } else if let Some(a) = any.downcast_ref::<Utf8ViewArray>() {
        views(builder, a.views(), a.validity(), |row| Some(a.value(row)), column, trim)
    } else if let Some(a) = any.downcast_ref::<Utf8Array<i64>>() {
        a.iter().try_for_each(&mut put)
    } else if let Some(a) = any.downcast_ref::<Utf8Array<i32>>() {
        a.iter().try_for_each(&mut put)
    } else if let Some(a) = any.downcast_ref::<BinaryViewArray>() {
        let text = |row| std::str::from_utf8(a.value(row)).ok();
        views(builder, a.views(), a.validity(), text, column, trim)
    } else if let Some(a) = any.downcast_ref::<BinaryArray<i64>>() {
        a.iter().try_for_each(|b| {
            put(match b {
                Some(b) => Some(std::str::from_utf8(b).ok()?),
                None => None,
            })
        })
    } else if let Some(a) = any.downcast_ref::<BooleanArray>() {
        a.iter().try_for_each(|b| put(b.map(|b| if b { "true" } else { "false" })))
    } else if matches!(array.dtype(), T::Null) {
        (0..array.len()).try_for_each(|_| put(None))
    } else if let Some(a) = any.downcast_ref::<PrimitiveArray<i32>>() {
        let bits = |n: i32| n as u64;
        if matches!(a.dtype(), T::Date32) {
            let day = |day| Some(crate::text::date::iso_day(crate::text::date::date_of(day)?));
            numbers(builder, a.iter(), bits, day, column, trim)
        } else if let T::Time32(unit) = a.dtype() {
            numbers(builder, a.iter(), bits, |t| clock(t.into(), *unit), column, trim)
        } else {
            numbers(builder, a.iter(), bits, |n| Some(n.to_string()), column, trim)
        }
    } else if let Some(a) = any.downcast_ref::<PrimitiveArray<i64>>() {
        let bits = |n: i64| n as u64;
        match a.dtype() {
            T::Time64(unit) => numbers(builder, a.iter(), bits, |t| clock(t, *unit), column, trim),
            T::Timestamp(unit, zone) => {
                let zoned = zone.is_some();
                numbers(builder, a.iter(), bits, |t| timestamp(t, *unit, zoned), column, trim)
            }
            _ => numbers(builder, a.iter(), bits, |n| Some(n.to_string()), column, trim),
        }
    } else if let Some(a) = any.downcast_ref::<PrimitiveArray<i128>>() {
        let scale = match a.dtype() {
            T::Decimal(_, scale) => *scale,
            _ => 0,
        };
        a.iter().try_for_each(|n| put(n.map(|n| scaled(*n, scale)).as_deref()))
    } else {
        macro_rules! whole {
            ($($t:ty)*) => {
                $(if let Some(a) = any.downcast_ref::<PrimitiveArray<$t>>() {
                    return numbers(builder, a.iter(), |n: $t| n as u64, |n| Some(n.to_string()), column, trim);
                })*
            };
        }
        whole!(i8 i16 u8 u16 u32 u64);
        // Not a number is no value; whole floats are shown as 79.0, as their writers show them. A number in a column of codes is
        // shown with all its digits, not as 1e16: it is somebody's number, or was before it became a float.
        let codes = matches!(column.ty, Type::Code | Type::String);
        if let Some(a) = any.downcast_ref::<PrimitiveArray<f64>>() {
            let show = |n: f64| {
                Some(match n {
                    _ if !n.is_finite() => String::new(),
                    _ if codes && n.fract() == 0.0 && n.abs() < 1e21 => format!("{n:.1}"),
                    _ => format!("{n:?}"),
                })
            };
            return numbers(builder, a.iter(), f64::to_bits, show, column, trim);
        }
        if let Some(a) = any.downcast_ref::<PrimitiveArray<f32>>() {
            let show = |n: f32| {
                Some(match n {
                    _ if !n.is_finite() => String::new(),
                    // Beyond 2^24 the last digits are lost, and the text must not look as if they were there.
                    _ if codes && n.fract() == 0.0 && n.abs() > 16_777_216.0 => format!("{n:.6e}"),
                    _ => format!("{n:?}"),
                })
            };
            return numbers(builder, a.iter(), |n| n.to_bits().into(), show, column, trim);
        }
        None
    }
}

/// Appends numbers, of which each distinct one (by its bits) is made a text once. An empty text is a missing cell.
fn numbers<'a, T: Copy + 'a>(
    builder: &mut ColumnBuilder,
    cells: impl Iterator<Item = Option<&'a T>>,
    bits: impl Fn(T) -> u64,
    show: impl Fn(T) -> Option<String>,
    column: &ColumnSpec,
    trim: bool,
) -> Option<()> {
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut last: Option<(u64, u32)> = None;
    for (row, cell) in cells.enumerate() {
        let Some(&number) = cell else {
            builder.push_code(MISSING);
            continue;
        };
        let bits = bits(number);
        let code = match last {
            Some((same, code)) if same == bits => code,
            _ => match known.get(&bits) {
                Some(&code) => code,
                None => {
                    let code = code_of(builder, &show(number)?, column, trim)?;
                    if known.len() < VIEWS || known.len() * 2 < row {
                        known.insert(bits, code);
                    }
                    code
                }
            },
        };
        last = Some((bits, code));
        builder.push_code(code);
    }
    Some(())
}

/// The code of a cell; `None` if it holds a NUL.
fn code_of(
    builder: &mut ColumnBuilder,
    text: &str,
    column: &ColumnSpec,
    trim: bool,
) -> Option<u32> {
    let text = if trim { text.trim() } else { text };
    if text.is_empty() || column.missing.iter().any(|m| m == text) {
        return Some(MISSING);
    }
    (!text.contains('\0')).then(|| builder.code(text))
}

/// Appends the cells of codes of a dictionary.
fn coded(
    builder: &mut ColumnBuilder,
    codes: &PrimitiveArray<u32>,
    texts: &Utf8ViewArray,
    column: &ColumnSpec,
    trim: bool,
) -> Option<()> {
    let there = codes.validity();
    let mut known: Vec<Option<u32>> = vec![None; texts.len()];
    for (row, &code) in codes.values().iter().enumerate() {
        if there.is_some_and(|there| !there.get_bit(row)) {
            builder.push_code(MISSING);
            continue;
        }
        let known = known.get_mut(code as usize)?;
        let ours = match *known {
            Some(ours) => ours,
            None => *known.insert(code_of(builder, texts.value(code as usize), column, trim)?),
        };
        builder.push_code(ours);
    }
    Some(())
}

/// Appends the cells of an array of views. Equal views are equal cells (not the other way round), and the cells of a page with a
/// dictionary have the views of the dictionary: so a text is looked at once a distinct view, not once a row.
fn views<'a>(
    builder: &mut ColumnBuilder,
    views: &[View],
    there: Option<&Bitmap>,
    text: impl Fn(usize) -> Option<&'a str>,
    column: &ColumnSpec,
    trim: bool,
) -> Option<()> {
    let seeds = {
        let hasher = hashbrown::DefaultHashBuilder::default();
        [hasher.hash_one(1_u8), hasher.hash_one(2_u8)]
    };
    let hash = |view: u128| {
        let product =
            u128::from(view as u64 ^ seeds[0]) * u128::from((view >> 64) as u64 ^ seeds[1]);
        product as u64 ^ (product >> 64) as u64
    };
    let mut known: HashTable<(u128, u32)> = HashTable::new();
    let mut last: Option<(u128, u32)> = None;
    for (row, view) in views.iter().enumerate() {
        if there.is_some_and(|there| !there.get_bit(row)) {
            builder.push_code(MISSING);
            continue;
        }
        let view = view.as_u128();
        let code = match last {
            Some((same, code)) if same == view => code,
            _ => match known.find(hash(view), |&(other, _)| other == view) {
                Some(&(_, code)) => code,
                None => {
                    let code = code_of(builder, text(row)?, column, trim)?;
                    // Pages without a dictionary have a view of its own for every long cell: remembering them is no use.
                    if known.len() < VIEWS || known.len() * 2 < row {
                        known.insert_unique(hash(view), (view, code), |&(view, _)| hash(view));
                    }
                    code
                }
            },
        };
        last = Some((view, code));
        builder.push_code(code);
    }
    Some(())
}

fn scaled(number: i128, scale: usize) -> String {
    if scale == 0 {
        return number.to_string();
    }
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// A time of day.
fn clock(value: i64, unit: TimeUnit) -> Option<String> {
    let moment = timestamp(value, unit, false)?;
    moment.strip_prefix("1970-01-01T").map(str::to_owned)
}

/// A moment; with a zone the number counts from 1970 in UTC, and the text says so: intake brings it into the policy's zone.
fn timestamp(value: i64, unit: TimeUnit, zoned: bool) -> Option<String> {
    let per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let seconds = value.div_euclid(per_second);
    let nanos = u32::try_from(value.rem_euclid(per_second) * (1_000_000_000 / per_second)).ok()?;
    let time = chrono::DateTime::from_timestamp(seconds, nanos)?.naive_utc();
    let mut text = crate::text::date::iso_moment(time);
    if zoned {
        text.push('Z');
    }
    Some(text)
}

pub(super) fn header_names(path: &Path) -> Result<Vec<String>> {
    let table = Name::fixed("input");
    let mut file =
        File::open(path).map_err(|e| Error::io("X0504", say!("opening an input file"), &e))?;
    let metadata = parquet_guard::metadata(&mut file).ok_or_else(|| damaged(&table))?;
    Ok(schema_of(&metadata, &table)?.iter_names().map(|n| n.as_str().to_owned()).collect())
}

/// Cells of a file, and the bytes of its pages without compression; none if the file cannot be read.
pub(super) fn weight(path: &Path) -> Option<(u64, u64)> {
    let metadata = parquet_guard::metadata(&mut File::open(path).ok()?)?;
    let (mut cells, mut bytes) = (0_u64, 0_u64);
    for group in &metadata.row_groups {
        for chunk in group.parquet_columns() {
            cells = cells.saturating_add(group.num_rows() as u64);
            bytes = bytes.saturating_add(u64::try_from(chunk.uncompressed_size()).ok()?);
        }
    }
    Some((cells, bytes))
}

pub(super) fn scan_bytes(path: &Path, f: &mut dyn FnMut(&[u8])) -> Result<()> {
    let table = Name::fixed("staged");
    let fail = |e: &std::io::Error| Error::io("X0507", say!("reading a staged file"), e);
    let mut file = File::open(path).map_err(|e| fail(&e))?;
    let metadata = parquet_guard::metadata(&mut file).ok_or_else(|| damaged(&table))?;
    let mut last = 4;
    for group in &metadata.row_groups {
        for chunk in group.parquet_columns() {
            let range = chunk.byte_range();
            last = last.max(range.end);
            let bytes = read_range(&file, range, &table)?;
            guarded(|| {
                let mut pages = pages(bytes, chunk);
                if let Some(dictionary) = pages.read_dict_page().map_err(|_| damaged(&table))? {
                    f(&dictionary.buffer);
                }
                while let Some(page) = pages.next() {
                    let page =
                        page.and_then(|p| p.decompress(&mut pages)).map_err(|_| damaged(&table))?;
                    f(page.buffer());
                }
                Ok(())
            })
            .ok_or_else(|| damaged(&table))??;
        }
    }
    // Everything behind the pages: metadata and footer.
    let end = file.metadata().map_err(|e| fail(&e))?.len();
    f(&read_range(&file, last..end, &table)?);
    Ok(())
}

/// For tests: whether a file carries statistics, foreign metadata or an index of values. (The writer's offset index
/// holds where pages begin and how many rows they have: no values.)
#[cfg(test)]
pub(super) fn carries_more_than_cells(path: &Path) -> bool {
    let mut file = File::open(path).unwrap();
    let metadata = polars_parquet::read::read_metadata(&mut file).unwrap();
    metadata.key_value_metadata.as_ref().is_some_and(|k| !k.is_empty())
        || metadata.row_groups.iter().flat_map(|g| g.parquet_columns()).any(|c| {
            c.bloom_filter_offset().is_some()
                || c.column_index_offset().is_some()
                || c.statistics(&[]).is_some()
        })
}
