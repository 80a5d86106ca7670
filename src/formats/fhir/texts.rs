//! The texts of a file: its lines (NDJSON), or all of it (`.json`: a resource, a Bundle, or an array of them).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha3::Digest as _;

use super::json::{JsonKind, Tree};
use crate::error::{Error, Name, Result};
use crate::say;
use crate::{Wanted, packed};

/// No line is longer: a document with its attachment.
const LONGEST: u64 = 64 << 20;
/// No file of one text is longer.
const WHOLE: u64 = 1 << 30;
/// Lines and bytes read at once.
const LINES: usize = 4096;
const BYTES: usize = 8 << 20;

/// The bytes of a file, counted and hashed as they are read.
struct Hashing {
    file: File,
    hasher: sha3::Sha3_256,
    sha2: Option<sha2::Sha256>,
    bytes: u64,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if let Some(sha2) = &mut self.sha2 {
            sha2.update(&buffer[..count]);
        }
        self.bytes += count as u64;
        Ok(count)
    }
}

enum Input {
    Plain(BufReader<Hashing>),
    /// Unpacked; where it is.
    Packed(BufReader<Box<dyn Read + Send>>, PathBuf),
}

impl Input {
    fn read_until(&mut self, whole: bool, line: &mut Vec<u8>) -> std::io::Result<usize> {
        match (self, whole) {
            (Input::Plain(r), false) => r.take(LONGEST).read_until(b'\n', line),
            (Input::Packed(r, _), false) => r.take(LONGEST).read_until(b'\n', line),
            (Input::Plain(r), true) => r.take(WHOLE).read_to_end(line),
            (Input::Packed(r, _), true) => r.take(WHOLE).read_to_end(line),
        }
    }
}

/// The digests and the length of a file as it lies on the disk.
pub(super) struct Digests {
    pub(super) sha3: [u8; 32],
    pub(super) sha2: Option<[u8; 32]>,
    pub(super) bytes: u64,
}

/// Why a text could not be taken from its file.
pub(super) enum Stopped {
    /// Longer than a text is; its line.
    Long(u64),
    /// I/O.
    Error(Error),
}

impl Stopped {
    /// As an error, for a table.
    pub(super) fn error(self, table: &Name) -> Error {
        match self {
            Stopped::Error(error) => error,
            Stopped::Long(line) => {
                let what = say!("deeper, wider or longer than a resource is");
                Error::data("D0351", say!("table `{}`, line {}: {}", table, line, what))
            }
        }
    }
}

/// Texts, one behind the other, and where each ends.
pub(super) struct Window {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    before: u64,
}

impl Window {
    /// The texts with the number of each, from 1.
    pub(super) fn each(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.ends.iter().enumerate().map(|(index, &end)| {
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            (&self.bytes[start..end], self.before + index as u64 + 1)
        })
    }
}

/// A file that is read text by text.
pub(super) struct Texts {
    input: Input,
    table: Name,
    whole: bool,
    first: Option<Vec<u8>>,
    line: u64,
    pub(super) ended: bool,
    pub(super) bom: bool,
}

impl Texts {
    pub(super) fn open(path: &Path, table: &Name) -> Result<Self> {
        Self::open_for(path, table, Wanted::Sha3)
    }
    pub(super) fn open_for(path: &Path, table: &Name, wanted: Wanted) -> Result<Self> {
        let input = if packed::is_packed(path) {
            let text = packed::open(path, table)?;
            Input::Packed(BufReader::with_capacity(1 << 18, text), path.to_owned())
        } else {
            let file = File::open(path)
                .map_err(|e| Error::io("X0504", say!("opening a file of table `{}`", table), &e))?;
            let sha2 = (wanted == Wanted::Both).then(sha2::Sha256::default);
            let source = Hashing { file, hasher: sha3::Sha3_256::default(), sha2, bytes: 0 };
            Input::Plain(BufReader::with_capacity(1 << 18, source))
        };
        Ok(Texts {
            input,
            table: table.clone(),
            whole: packed::ending(path) == "json",
            first: None,
            line: 0,
            ended: false,
            bom: false,
        })
    }
    /// Whether the file is one text.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }
    /// The first text, which the first window has too; empty if there is none.
    pub(super) fn peek(&mut self) -> std::result::Result<&[u8], Stopped> {
        if self.first.is_none() {
            let mut line = Vec::new();
            self.next(&mut line)?;
            if line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
                self.bom = true;
            }
            self.first = Some(line);
        }
        Ok(self.first.as_deref().unwrap_or_default())
    }
    fn next(&mut self, line: &mut Vec<u8>) -> std::result::Result<usize, Stopped> {
        let packed = matches!(self.input, Input::Packed(..));
        let count = self
            .input
            .read_until(self.whole, line)
            .map_err(|e| Stopped::Error(packed::failed(packed, &self.table, &e)))?;
        if count as u64 == if self.whole { WHOLE } else { LONGEST } {
            return Err(Stopped::Long(self.line + 1));
        }
        Ok(count)
    }
    /// The next texts.
    pub(super) fn window(&mut self) -> std::result::Result<Option<Window>, Stopped> {
        if self.ended {
            return Ok(None);
        }
        if self.line == 0 {
            self.peek()?;
        }
        let mut bytes = self.first.take().unwrap_or_default();
        let mut ends = Vec::new();
        if !bytes.is_empty() {
            ends.push(bytes.len());
        }
        while ends.len() < LINES && bytes.len() < BYTES {
            if self.next(&mut bytes)? == 0 {
                self.ended = true;
                break;
            }
            ends.push(bytes.len());
        }
        let before = self.line;
        self.line += ends.len() as u64;
        Ok(Some(Window { bytes, ends, before }))
    }
    /// The digests of the file; all of it was read.
    pub(super) fn digests(&self) -> std::io::Result<Digests> {
        match &self.input {
            Input::Plain(reader) => {
                let source = reader.get_ref();
                Ok(Digests {
                    sha3: source.hasher.clone().finalize().into(),
                    sha2: source.sha2.clone().map(|s| s.finalize().into()),
                    bytes: source.bytes,
                })
            }
            Input::Packed(_, path) => packed::digests(path, Wanted::Sha3)
                .map(|(sha3, sha2, bytes)| Digests { sha3, sha2, bytes }),
        }
    }
}

/// The resources and Bundles at the top of a text.
pub(super) fn tops(tree: &Tree<'_>) -> Vec<u32> {
    match tree.kind(0) {
        JsonKind::Array => tree.children(0).collect(),
        _ => vec![0],
    }
}
