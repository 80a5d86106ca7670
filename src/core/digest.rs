//! Digests of files: SHA-256, which every verifier has, and SHA3-256.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::Digest as _;

use crate::error::{Error, Result};
use crate::say;

/// Both digests of some bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Digests {
    /// SHA-256 (FIPS 180-4).
    pub sha256: [u8; 32],
    /// SHA3-256 (FIPS 202).
    pub sha3_256: [u8; 32],
    /// Number of bytes.
    pub bytes: u64,
}

/// 32 bytes written in hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// The digests of a file.
///
/// # Errors
/// I/O.
pub fn file(path: &Path) -> Result<Digests> {
    let doing = || say!("reading a file of a release");
    let mut file = File::open(path).map_err(|e| Error::io("X0401", doing(), &e))?;
    let mut sha2 = sha2::Sha256::new();
    let mut sha3 = sha3::Sha3_256::default();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Error::io("X0401", doing(), &e)),
        };
        sha2.update(&buffer[..read]);
        sha3::Digest::update(&mut sha3, &buffer[..read]);
        bytes += read as u64;
    }
    Ok(Digests {
        sha256: sha2.finalize().into(),
        sha3_256: sha3::Digest::finalize(sha3).into(),
        bytes,
    })
}

/// SHA-256 of a file alone.
///
/// # Errors
/// I/O.
pub fn sha256_file(path: &Path) -> Result<[u8; 32]> {
    let failed = |e: std::io::Error| Error::io("X0401", say!("reading a file"), &e);
    let mut file = File::open(path).map_err(failed)?;
    let mut sha2 = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sha2.finalize().into()),
            Ok(read) => sha2.update(&buffer[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
}

/// The digests of bytes.
#[must_use]
pub fn bytes(bytes: &[u8]) -> Digests {
    Digests {
        sha256: sha2::Sha256::digest(bytes).into(),
        sha3_256: sha3(bytes),
        bytes: bytes.len() as u64,
    }
}

/// SHA3-256 of bytes.
#[must_use]
pub fn sha3(bytes: &[u8]) -> [u8; 32] {
    use sha3::Digest as _;
    sha3::Sha3_256::digest(bytes).into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
