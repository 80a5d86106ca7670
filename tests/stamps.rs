//! Time stamps (RFC 3161) of a ledger, made once by OpenSSL (`tests/fixtures/stamps/make.sh`): a request is asked, an answer is kept and
//! verified without any network, and whatever is changed is found.

use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, text};
use kakou::record::stamp;
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stamps").join(name)
}

/// The stamped ledger in a folder of its own, with the folders that hold nothing.
fn ledger() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let mut copy = std::process::Command::new("cp");
    assert!(copy.arg("-r").arg(fixture("ledger")).arg(&ledger).status().unwrap().success());
    for name in ["open", "torn"] {
        std::fs::create_dir(ledger.join(name)).unwrap();
    }
    std::fs::write(ledger.join("lock"), "").unwrap();
    (folder, ledger)
}

fn run(line: &[&str]) -> (bool, String) {
    let done = kakou(line);
    let out = String::from_utf8(done.stdout.clone()).unwrap();
    (done.status.success(), out + &error_of(&done))
}

fn attach(ledger: &Path, answer: &Path, authority: Option<&str>) -> (bool, String) {
    let authority = authority.map(|a| text(&fixture(a)).to_owned());
    let mut line = vec!["ledger", "stamp", text(ledger), "--attach", text(answer)];
    if let Some(authority) = &authority {
        line.extend(["--stamp-ca", authority]);
    }
    run(&line)
}

#[test]
fn a_stamp_is_asked_for_kept_and_verified() {
    let (folder, ledger) = ledger();
    let request = folder.path().join("request");
    // The newest checkpoint, by its SHA-256, and the certificate with the answer.
    assert!(run(&["ledger", "stamp", text(&ledger), "--request", text(&request)]).0);
    let bytes = std::fs::read(&request).unwrap();
    let digest = kakou::digest::file(&ledger.join("checkpoint")).unwrap().sha256;
    assert!(bytes.windows(32).any(|w| w == digest) && bytes.ends_with(&[1, 1, 0xff]));
    assert_eq!(bytes.len(), std::fs::read(fixture("request.tsq")).unwrap().len());
    // An answer about an older checkpoint of this ledger; it has gone on since.
    for (answer, authority, by) in
        [("rsa.tsr", "ca.pem", "Test TSA, Test"), ("ec.tsr", "ec-ca.pem", "Test EC TSA")]
    {
        let (kept, told) = attach(&ledger, &fixture(answer), Some(authority));
        assert!(kept && told.contains(by) && told.contains("the first 1 entries"), "{told}");
        // Whose it is without an authority, and with another one.
        let (holds, told) = run(&["ledger", "verify", text(&ledger)]);
        assert!(holds && told.contains("whose stamp it is was not checked"), "{told}");
        let other = if authority == "ca.pem" { "ec-ca.pem" } else { "ca.pem" };
        let (holds, told) =
            run(&["ledger", "verify", text(&ledger), "--stamp-ca", text(&fixture(other))]);
        assert!(!holds && told.contains("R0244"), "{told}");
    }
    let both = ["--stamp-ca", text(&fixture("ca.pem")), "--stamp-ca", text(&fixture("ec-ca.pem"))]
        .map(str::to_owned);
    let line = [["ledger", "verify", text(&ledger), "--json"], both.each_ref().map(String::as_str)];
    let done = kakou(&line.concat());
    let holds = done.status.success();
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    let stamps = told["stamps"].as_array().unwrap();
    assert!(holds && stamps.len() == 2);
    assert!(stamps.iter().all(|s| s["trusted"] == true && s["entries"] == 1), "{stamps:?}");
    // About something else that the same authority stamped.
    let (kept, told) = attach(&ledger, &fixture("other.tsr"), None);
    assert!(!kept && told.contains("R0242"), "{told}");
    // The ledger is still one, and the next request asks about what it is now.
    assert!(run(&["ledger", "list", text(&ledger)]).0);
}

/// Each byte of the answer that means something; and files beside the ledger that nobody stamped.
#[test]
fn what_is_changed_in_a_stamp_is_found() {
    let (folder, ledger) = ledger();
    for answer in ["rsa.tsr", "ec.tsr"] {
        let whole = std::fs::read(fixture(answer)).unwrap();
        let (at, holds) = stamp::look(&whole).unwrap();
        assert!(holds && at > 1_700_000_000);
        // The certificates of the chain are held against the authority, not against the signature.
        let signed = (0..whole.len()).filter(|&n| {
            let mut changed = whole.clone();
            changed[n] ^= 1;
            !stamp::look(&changed).is_some_and(|(then, holds)| holds && then == at)
        });
        let signed: Vec<usize> = signed.collect();
        // All of TSTInfo, of the signer's certificate, of the attributes and of the signature.
        assert!(signed.len() * 2 > whole.len(), "{answer}: {} of {}", signed.len(), whole.len());
        for cut in 0..whole.len() {
            assert!(stamp::look(&whole[..cut]).is_none(), "{answer}, {cut}");
        }
        let authority = if answer == "rsa.tsr" { "ca.pem" } else { "ec-ca.pem" };
        let changed = folder.path().join("changed");
        for n in (0..whole.len()).step_by(whole.len() / 40) {
            let mut bytes = whole.clone();
            bytes[n] ^= 1;
            std::fs::write(&changed, &bytes).unwrap();
            let anchors = stamp::Anchors::read(&[fixture(authority)]).unwrap();
            if let Ok(kept) = stamp::attach(&ledger, &changed, &anchors) {
                // What is not signed by anybody: the status text, the version of the frame.
                assert!(kept.trusted && !signed.contains(&n), "{answer}, byte {n}");
            }
        }
    }
    std::fs::remove_dir_all(ledger.join("stamps")).unwrap();
    let (kept, told) = attach(&ledger, &fixture("rsa.tsr"), None);
    assert!(!kept && told.contains("R0242"), "{told}");
    // A stamp beside another checkpoint than its own.
    std::fs::remove_dir_all(&ledger).unwrap();
    let (_more, ledger) = self::ledger();
    assert!(attach(&ledger, &fixture("rsa.tsr"), None).0);
    let stamps = ledger.join("stamps");
    let named = |end: &str| {
        let all = std::fs::read_dir(&stamps).unwrap().map(|e| e.unwrap().path());
        all.into_iter().find(|p| text(p).ends_with(end)).unwrap()
    };
    let checkpoint = named(".checkpoint");
    let kept = std::fs::read(&checkpoint).unwrap();
    std::fs::copy(ledger.join("checkpoint"), &checkpoint).unwrap();
    let (holds, told) = run(&["ledger", "verify", text(&ledger)]);
    assert!(!holds && told.contains("R0241"), "{told}");
    std::fs::write(&checkpoint, kept).unwrap();
    assert!(run(&["ledger", "verify", text(&ledger)]).0);
    std::fs::write(stamps.join("planted.txt"), "x").unwrap();
    let (holds, told) = run(&["ledger", "verify", text(&ledger)]);
    assert!(!holds && told.contains("R0241"), "{told}");
}
