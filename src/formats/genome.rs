//! Files of genome sequences: known by their first bytes, whatever they are called, or by their ending. Nothing reads them.
//!
//! The first bytes are those of the specifications of hts-specs (VCF, BCF, SAM, BAM, CRAM), of FASTQ and FASTA, and of PLINK.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// So much of a file is looked at.
const HEAD: u64 = 4096;
/// Fewer letters in a row are a word.
const BASES: usize = 20;

/// Endings that nothing else has, with what they stand for.
const ENDINGS: &[(&str, &str)] = &[
    ("vcf", "VCF"),
    ("gvcf", "VCF"),
    ("bcf", "BCF"),
    ("fastq", "FASTQ"),
    ("fq", "FASTQ"),
    ("bam", "BAM"),
    ("cram", "CRAM"),
    ("2bit", "2bit"),
    ("bim", "PLINK"),
    ("pgen", "PLINK"),
    ("pvar", "PLINK"),
];

/// What packs a file, as its ending says.
const PACKED: &[&str] = &["gz", "bgz", "zst", "zip", "bz2", "xz"];

/// What a file of genome sequences is (`VCF`, `BAM`, ...); none if it is none or cannot be read.
#[must_use]
pub fn kind(path: &Path) -> Option<&'static str> {
    if path.is_dir() {
        return None;
    }
    by_name(path).or_else(|| by_bytes(&head(path)?))
}

fn by_name(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let (stem, ending) = name.rsplit_once('.')?;
    let (stem, ending) =
        if PACKED.contains(&ending) { stem.rsplit_once('.')? } else { (stem, ending) };
    ENDINGS.iter().find(|(e, _)| *e == ending && !stem.is_empty()).map(|(_, kind)| *kind)
}

/// The first bytes, unpacked where they say themselves that they are packed.
fn head(path: &Path) -> Option<Vec<u8>> {
    let mut first = Vec::new();
    File::open(path).ok()?.take(HEAD).read_to_end(&mut first).ok()?;
    let mut inner = Vec::new();
    // A block that breaks off gives what came before it.
    match first.as_slice() {
        [0x1f, 0x8b, ..] => {
            let _ = flate2::read::MultiGzDecoder::new(File::open(path).ok()?)
                .take(HEAD)
                .read_to_end(&mut inner);
            Some(inner)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::Decoder::new(File::open(path).ok()?).ok()?;
            decoder.window_log_max(27).ok()?;
            let _ = decoder.take(HEAD).read_to_end(&mut inner);
            Some(inner)
        }
        [b'P', b'K', 3, 4, ..] => {
            let name = crate::error::Name::fixed("input");
            let text = super::packed::open(path, &name).ok()?;
            let _ = text.take(HEAD).read_to_end(&mut inner);
            Some(inner)
        }
        _ => Some(first),
    }
}

fn by_bytes(head: &[u8]) -> Option<&'static str> {
    let begins: &[(&[u8], &str)] = &[
        (b"##fileformat=VCF", "VCF"),
        (b"\xef\xbb\xbf##fileformat=VCF", "VCF"),
        (b"BCF\x02", "BCF"),
        (b"BAM\x01", "BAM"),
        (b"CRAM\x02", "CRAM"),
        (b"CRAM\x03", "CRAM"),
        (b"@HD\tVN:", "SAM"),
        (b"@SQ\tSN:", "SAM"),
        (b"\x6c\x1b\x01", "PLINK"),
    ];
    if let Some((_, kind)) = begins.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(kind);
    }
    let mut lines = head.split(|&b| b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    let (first, second, third) = (lines.next()?, lines.next()?, lines.next());
    let bases =
        |line: &[u8]| line.len() >= BASES && line.iter().all(|b| b"ACGTUNacgtun.".contains(b));
    match first.first()? {
        b'@' if bases(second) && third.is_some_and(|t| t.starts_with(b"+")) => Some("FASTQ"),
        b'>' if bases(second) => Some("FASTA"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn sequences_are_known_by_their_bytes_packed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let cases: &[(&str, &[u8], Option<&str>)] = &[
            ("a.txt", b"##fileformat=VCFv4.2\n#CHROM\tPOS\n", Some("VCF")),
            (
                "b.txt",
                b"@read1\nACGTACGTACGTACGTACGTACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIII\n",
                Some("FASTQ"),
            ),
            ("c.dat", b"BAM\x01xxxx", Some("BAM")),
            ("d.dat", b"CRAM\x03\x00", Some("CRAM")),
            ("e.csv", b">chr1\nACGTACGTACGTACGTACGTACGTNNNN\n", Some("FASTA")),
            ("f.txt", b"@HD\tVN:1.6\tSO:coordinate\n", Some("SAM")),
            ("g.vcf", b"", Some("VCF")),
            ("h.vcf.gz", b"", Some("VCF")),
            ("i.csv", b"id,sex\n1,2\n", None),
            ("l.csv", b"CRAMP,id\n1,2\n", None),
            ("j.txt", b"@memo\nACGT\n+\n", None),
            (".vcf", b"", None),
            ("k.txt", b"", None),
        ];
        for (name, bytes, kind) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(super::kind(&path), *kind, "{name}");
            let packed = folder.path().join(format!("{name}-packed"));
            let mut gz = flate2::write::GzEncoder::new(
                File::create(&packed).unwrap(),
                flate2::Compression::fast(),
            );
            gz.write_all(bytes).unwrap();
            gz.finish().unwrap();
            if !bytes.is_empty() {
                assert_eq!(super::kind(&packed), *kind, "{name}, packed");
            }
        }
        assert_eq!(super::kind(folder.path()), None);
    }
}
