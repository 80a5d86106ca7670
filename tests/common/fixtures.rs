//! Data that no one here wrote, as a clone has it: archives under `tests/fixtures`, unpacked once beside the built tests.
//! Tests and benches of several rooms take this file in by its path, so it knows nothing but the standard library and flate2.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder of one archive (`arx`, `clinosim-csv`, …): what is in it is read, never written.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let archive = archives().join(format!("{name}.tar.gz"));
    let packed = std::fs::read(&archive).expect("an archive of tests/fixtures");
    // The last eight bytes of a gzip file are the checksum and the length of what is in it: another content, another folder.
    let end: String = packed[packed.len() - 8..].iter().map(|b| format!("{b:02x}")).collect();
    let built = std::env::current_exe().unwrap();
    let root = built.parent().and_then(Path::parent).unwrap().join("fixtures");
    let folder = root.join(format!("{name}-{end}"));
    if folder.is_dir() {
        return folder;
    }
    // Other threads and other tests unpack at the same time: the first rename stands, the others are taken away.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let own = root.join(format!(".{name}-{}-{number}", std::process::id()));
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut tar).unwrap();
    unpack(&tar, &own);
    if std::fs::rename(&own, &folder).is_err() {
        assert!(folder.is_dir(), "the fixtures cannot be unpacked");
        std::fs::remove_dir_all(&own).unwrap();
    }
    folder
}

/// `tests/fixtures`, from any room of the workspace.
pub(crate) fn archives() -> PathBuf {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = room.ancestors().map(|f| f.join("tests/fixtures")).find(|f| f.is_dir());
    found.expect("tests/fixtures")
}

/// Files and folders of a ustar archive of our own making.
fn unpack(tar: &[u8], to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut at = 0;
    while tar[at] != 0 {
        let header = &tar[at..at + 512];
        let text = |from: usize, to: usize| {
            let field = &header[from..to];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            std::str::from_utf8(&field[..end]).unwrap()
        };
        let name = [text(345, 500), text(0, 100)];
        let path = to.join(name[0]).join(name[1]);
        let size = usize::from_str_radix(text(124, 136).trim(), 8).unwrap();
        at += 512;
        match header[156] {
            b'5' => std::fs::create_dir_all(path).unwrap(),
            b'0' => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &tar[at..at + size]).unwrap();
            }
            other => panic!("an archive of tests/fixtures holds something of kind {other}"),
        }
        at += size.next_multiple_of(512);
    }
}
