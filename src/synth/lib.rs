//! A synthetic hospital group: seeded, streamed, the same persons in every layout, with the dirt that real files have.
//!
//! Nothing in it is of a real person. Same seed, same bytes, at any number of threads: a person is a function of the seed and a
//! running number (`world`), a layout (one file each) turns a person into rows, chunks of persons are made in parallel and
//! written in order. Memory does not grow with the number of persons.

// Other rooms, under the names that they have in the whole.
use kakou_core::{error, say, schema, system, text};
use kakou_detect as detect;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rayon::prelude::*;

use crate::error::{Error, Family, Result};
use crate::schema::file::Encoding;

mod csv;
mod dpc;
mod lab;
pub mod notes;
mod omop;
mod pools;
mod prose;
mod sheet;
mod ssmix2;
mod truth;
mod uke;
mod world;

use sheet::{Charset, SERIAL, Sheet, encode};
use world::{Dice, Person, Stream, World};

/// Folders of their owner alone, whatever the mask of the process.
fn new_folder(path: &Path) -> std::io::Result<()> {
    system::owners_folder().recursive(true).create(path)
}

/// One way to write the persons: one folder.
///
/// To add a layout: one file with its `Layout`, one line in `LAYOUTS`.
trait Layout: Sync {
    /// The folder's name.
    fn name(&self) -> &'static str;
    /// What it is, for `--help`.
    fn about(&self) -> &'static str;
    /// Encoding of a file.
    fn charset(&self, world: &World, path: &str) -> Charset;
    /// What stands in front of a file's rows (a header, the first record).
    fn head(&self, world: &World, path: &str) -> String;
    /// What ends a file, from the sums of its pieces.
    fn tail(&self, _world: &World, _path: &str, _tally: [u64; 2]) -> Vec<u8> {
        Vec::new()
    }
    /// Rows that no person has: written once, in front of the first person's.
    fn begin(&self, _world: &World, _sheet: &mut Sheet) {}
    /// Writes a person.
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet);
}

/// All layouts; the order is part of the seed's meaning (each has its own draws).
static LAYOUTS: &[&dyn Layout] =
    &[&csv::Csv, &dpc::Dpc, &lab::LabCsv, &truth::Truth, &uke::Uke, &ssmix2::Ssmix2, &omop::Omop];

/// Names of the layouts that can be chosen, with what they are.
#[must_use]
pub fn layouts() -> Vec<(&'static str, &'static str)> {
    LAYOUTS.iter().map(|l| (l.name(), l.about())).collect()
}

/// What to make.
#[derive(Clone, Debug)]
pub struct SynthConfig {
    /// Persons over all hospitals.
    pub persons: u64,
    /// Hospitals, at most 40.
    pub hospitals: u32,
    /// The seed.
    pub seed: u64,
    /// The first day, in days since 1970-01-01.
    pub start: i32,
    /// Years of stays.
    pub years: u32,
    /// Encoding of the plain CSV and the laboratory CSV.
    pub encoding: Encoding,
    /// Names of layouts; empty = all. The truth is written always.
    pub layouts: Vec<String>,
    /// Special values, wrong widths, broken bytes and rows that no policy should take.
    pub dirt: bool,
    /// Worker threads; `None` = one a core.
    pub threads: Option<usize>,
}

impl Default for SynthConfig {
    fn default() -> Self {
        SynthConfig {
            persons: 2000,
            hospitals: 6,
            seed: 1,
            // 2024-01-01.
            start: 19_723,
            years: 2,
            encoding: Encoding::Cp932,
            layouts: Vec::new(),
            dirt: true,
            threads: None,
        }
    }
}

/// What was made.
#[derive(Clone, Debug, Default)]
pub struct SynthFacts {
    /// Rows (for SS-MIX2: messages of a kind) by layout and file.
    pub rows: BTreeMap<(String, String), u64>,
    /// Admissions.
    pub stays: u64,
    /// Labels of planted values.
    pub planted: u64,
}

impl SynthFacts {
    /// Rows of one layout.
    #[must_use]
    pub fn rows_of(&self, layout: &str) -> u64 {
        self.rows.iter().filter(|((l, _), _)| l == layout).map(|(_, n)| n).sum()
    }
    /// Files (or kinds of message) of one layout.
    #[must_use]
    pub fn files_of(&self, layout: &str) -> u64 {
        self.rows.keys().filter(|(l, _)| l == layout).count() as u64
    }
}

/// Persons in a chunk: a part of the seed's meaning only through the order of rows, which chunks keep.
const CHUNK: u64 = 32;

fn fail(e: &std::io::Error) -> Error {
    Error::io("X0703", say!("writing synthetic data"), e)
}

/// A file that grows.
#[derive(Default)]
struct Grown {
    rows: u64,
    serial: u64,
    tally: [u64; 2],
}

/// One chunk of persons in one layout, encoded.
struct Made {
    sheets: Vec<Sheet>,
    stays: u64,
}

/// Writes the persons into a folder, one folder a layout.
///
/// # Errors
/// A layout that does not exist, a layout's folder that exists already, I/O.
pub fn write(config: &SynthConfig, folder: &Path) -> Result<SynthFacts> {
    for name in &config.layouts {
        if !LAYOUTS.iter().any(|l| l.name() == name) {
            return Err(Error::new(
                Family::Policy,
                "X0704",
                say!("there is no layout of this name for `--layouts`"),
            )
            .advice(say!("choose from dpc, lab, uke, ssmix2, omop, csv")));
        }
    }
    let chosen: Vec<(usize, &'static dyn Layout)> = LAYOUTS
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, l)| {
            l.name() == "truth"
                || config.layouts.is_empty()
                || config.layouts.iter().any(|n| n == l.name())
        })
        .collect();
    let world = World::new(config);
    for (_, layout) in &chosen {
        let path = folder.join(layout.name());
        if path.exists() {
            return Err(Error::new(
                Family::Policy,
                "X0705",
                say!("synthetic data are not written over what is there"),
            )
            .advice(say!("choose another --out or remove the old folders")));
        }
        new_folder(&path).map_err(|e| fail(&e))?;
    }
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(config.threads.unwrap_or(0)).build().map_err(
            |_| Error::new(Family::Environment, "X0706", say!("threads could not be started")),
        )?;
    let mut labels =
        BufWriter::new(File::create(folder.join("truth/planted.csv")).map_err(|e| fail(&e))?);
    labels
        .write_all("layout,file,row,column,kind,value,person\r\n".as_bytes())
        .map_err(|e| fail(&e))?;
    let mut out =
        Out { folder, grown: BTreeMap::new(), counts: BTreeMap::new(), labels, planted: 0 };

    let mut first: Vec<Sheet> = Vec::new();
    for (_, layout) in &chosen {
        let mut sheet = Sheet::default();
        layout.begin(&world, &mut sheet);
        finish(&world, *layout, folder, &mut sheet)?;
        first.push(sheet);
    }
    out.take(&world, &chosen, first)?;

    let chunks = config.persons.div_ceil(CHUNK);
    let batch = pool.current_num_threads() as u64 * 4;
    let mut stays = 0;
    let mut from = 0;
    while from < chunks {
        let to = (from + batch).min(chunks);
        let made: Vec<Result<Made>> = pool.install(|| {
            (from..to).into_par_iter().map(|chunk| make(&world, &chosen, folder, chunk)).collect()
        });
        for chunk in made {
            let chunk = chunk?;
            stays += chunk.stays;
            out.take(&world, &chosen, chunk.sheets)?;
        }
        from = to;
    }
    out.close(&world, &chosen, stays)
}

fn make(
    world: &World,
    chosen: &[(usize, &'static dyn Layout)],
    folder: &Path,
    chunk: u64,
) -> Result<Made> {
    let mut sheets: Vec<Sheet> = chosen.iter().map(|_| Sheet::default()).collect();
    let mut stays = 0;
    for number in chunk * CHUNK..((chunk + 1) * CHUNK).min(world.config.persons) {
        let person = Person::new(world, number);
        stays += person.stays.len() as u64;
        for ((index, layout), sheet) in chosen.iter().zip(&mut sheets) {
            let lane = u8::try_from(*index).unwrap_or(0);
            let mut dice = Dice::of(world.config.seed, number, Stream::Layout(lane));
            layout.person(world, &person, &mut dice, sheet);
        }
    }
    for ((_, layout), sheet) in chosen.iter().zip(&mut sheets) {
        finish(world, *layout, folder, sheet)?;
    }
    Ok(Made { sheets, stays })
}

/// Encodes the pieces; writes the files that one person alone fills.
fn finish(world: &World, layout: &dyn Layout, folder: &Path, sheet: &mut Sheet) -> Result<()> {
    let lossy = || {
        Error::new(
            Family::Environment,
            "X0707",
            say!("a made-up text does not fit the encoding of layout {}", layout.name()),
        )
    };
    for (path, piece) in &mut sheet.pieces {
        piece.bytes = encode(&piece.text, layout.charset(world, path)).ok_or_else(lossy)?;
        piece.text = String::new();
    }
    for whole in &mut sheet.wholes {
        let bytes = encode(&whole.text, layout.charset(world, &whole.path)).ok_or_else(lossy)?;
        whole.text = String::new();
        let path = folder.join(layout.name()).join(&whole.path);
        if let Some(parent) = path.parent() {
            new_folder(parent).map_err(|e| fail(&e))?;
        }
        std::fs::write(path, bytes).map_err(|e| fail(&e))?;
    }
    Ok(())
}

struct Out<'a> {
    folder: &'a Path,
    grown: BTreeMap<(usize, String), Grown>,
    counts: BTreeMap<(usize, String), u64>,
    labels: BufWriter<File>,
    planted: u64,
}

impl Out<'_> {
    /// Appends a chunk's pieces to the files, in order.
    fn take(
        &mut self,
        world: &World,
        chosen: &[(usize, &'static dyn Layout)],
        sheets: Vec<Sheet>,
    ) -> Result<()> {
        for ((index, layout), sheet) in chosen.iter().zip(sheets) {
            for (path, piece) in sheet.pieces {
                let target = self.folder.join(layout.name()).join(&path);
                let key = (*index, path);
                let new = !self.grown.contains_key(&key);
                if new && let Some(parent) = target.parent() {
                    new_folder(parent).map_err(|e| fail(&e))?;
                }
                let mut file = OpenOptions::new()
                    .append(true)
                    .create(new)
                    .open(&target)
                    .map_err(|e| fail(&e))?;
                if new {
                    let head = encode(&layout.head(world, &key.1), layout.charset(world, &key.1))
                        .unwrap_or_default();
                    file.write_all(&head).map_err(|e| fail(&e))?;
                }
                let state = self.grown.entry(key).or_default();
                if memchr::memchr(SERIAL as u8, &piece.bytes).is_some() {
                    let mut patched = Vec::with_capacity(piece.bytes.len() + 256);
                    for (n, part) in piece.bytes.split(|b| *b == SERIAL as u8).enumerate() {
                        if n > 0 {
                            state.serial += 1;
                            patched.extend(state.serial.to_string().into_bytes());
                        }
                        patched.extend_from_slice(part);
                    }
                    file.write_all(&patched).map_err(|e| fail(&e))?;
                } else {
                    file.write_all(&piece.bytes).map_err(|e| fail(&e))?;
                }
                let base = state.rows;
                state.rows += piece.rows;
                state.tally[0] += piece.tally[0];
                state.tally[1] += piece.tally[1];
                let path = target.strip_prefix(self.folder).unwrap_or(&target).to_path_buf();
                for label in piece.labels {
                    self.label(layout.name(), &path, base + label.row, &label)?;
                }
            }
            for whole in sheet.wholes {
                let path = Path::new(layout.name()).join(&whole.path);
                for label in &whole.labels {
                    self.label(layout.name(), &path, label.row, label)?;
                }
            }
            for (count, n) in sheet.counts {
                *self.counts.entry((*index, count.to_owned())).or_default() += n;
            }
        }
        Ok(())
    }

    fn label(&mut self, layout: &str, path: &Path, row: u64, label: &sheet::Label) -> Result<()> {
        self.planted += 1;
        let mut line =
            format!("{layout},{},{row},{},{},", path.display(), label.column, label.kind.word());
        line.push('"');
        line.push_str(&label.value.replace('"', "\"\""));
        let _ = write!(line, "\",{}\r\n", label.person);
        self.labels.write_all(line.as_bytes()).map_err(|e| fail(&e))
    }

    fn close(
        mut self,
        world: &World,
        chosen: &[(usize, &'static dyn Layout)],
        stays: u64,
    ) -> Result<SynthFacts> {
        let mut facts = SynthFacts { stays, planted: self.planted, ..SynthFacts::default() };
        for (index, layout) in chosen {
            for ((_, path), state) in self.grown.iter().filter(|((i, _), _)| i == index) {
                let tail = layout.tail(world, path, state.tally);
                if !tail.is_empty() {
                    OpenOptions::new()
                        .append(true)
                        .open(self.folder.join(layout.name()).join(path))
                        .and_then(|mut f| f.write_all(&tail))
                        .map_err(|e| fail(&e))?;
                }
                facts.rows.insert((layout.name().to_owned(), path.clone()), state.rows);
            }
            for ((_, count), n) in self.counts.iter().filter(|((i, _), _)| i == index) {
                facts.rows.insert((layout.name().to_owned(), count.clone()), *n);
            }
        }
        self.labels.flush().map_err(|e| fail(&e))?;
        let mut list = String::from("layout,file,rows\r\n");
        for ((layout, path), rows) in &facts.rows {
            let _ = write!(list, "{layout},{path},{rows}\r\n");
        }
        std::fs::write(self.folder.join("truth/files.csv"), list).map_err(|e| fail(&e))?;
        Ok(facts)
    }
}

#[cfg(test)]
mod tests;
