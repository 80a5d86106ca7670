//! `kakou run` without `--key`: the project's own key, made once, in the user's folder of keys and nowhere else.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{error_of, files, program, releases, repo, settled, text};

/// A small hospital, its policy, and a home that only this test has.
struct Bench {
    work: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Bench { work: tempfile::tempdir().unwrap() };
        std::fs::create_dir(bench.at("data")).unwrap();
        std::fs::create_dir(bench.at("home")).unwrap();
        let mut rows = String::from(
            "施設コード,患者ID,入院番号,氏名,保険者番号,生年月日,性別,入院日,退院日,主傷病コード,総点数,備考\n",
        );
        for p in 0..40 {
            rows.push_str(&format!(
                "1,P{p:02},S{p:02},氏名,1,19500{}01,{},20240110,20240{}12,{},{}00,y\n",
                p % 9 + 1,
                p % 2 + 1,
                p % 3 + 1,
                if p % 3 == 0 { "I10" } else { "E11" },
                p + 1
            ));
        }
        std::fs::write(bench.at("data/stays.csv"), rows).unwrap();
        bench.policy("example-project");
        bench
    }
    fn at(&self, path: &str) -> PathBuf {
        self.work.path().join(path)
    }
    fn policy(&self, project: &str) {
        let policy = std::fs::read_to_string(repo("policies/template.toml"))
            .unwrap()
            .replace("encoding = \"cp932\", ", "")
            .replace("project = \"example-project\"", &format!("project = {project:?}"));
        std::fs::write(self.at("policy.toml"), policy).unwrap();
    }
    /// `kakou run` without `--key`, in this test's home, with other variables.
    fn run(&self, variables: &[(&str, &Path)], more: &[&str]) -> Output {
        let mut command = program();
        command.env("HOME", self.at("home")).envs(variables.iter().copied());
        command.arg("run").arg("--policy").arg(self.at("policy.toml"));
        command.arg("--input").arg(self.at("data"));
        if !more.contains(&"--out") {
            command.arg("--out").arg(self.at("out"));
        }
        command.args(more).output().unwrap()
    }
    fn keys(&self) -> PathBuf {
        self.at("home/.local/share/kakou/keys")
    }
    fn key(&self) -> PathBuf {
        self.keys().join("example-project.key")
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", error_of(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The run fails with this code, makes no key and publishes nothing.
fn refused(bench: &Bench, output: &Output, code: &str, advice: &str) {
    let error = error_of(output);
    assert!(!output.status.success(), "it ran");
    assert!(error.contains(code) && error.contains(advice), "{error}");
    assert!(releases(&bench.at("out")).is_empty());
}

/// The bytes of the pseudonymized tables by file.
fn pseudonymized(release: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = release.join("pseudonymized");
    files(&folder)
        .into_iter()
        .map(|f| (f.strip_prefix(&folder).unwrap().to_owned(), std::fs::read(&f).unwrap()))
        .collect()
}

#[test]
fn the_first_run_makes_the_key_and_the_next_ones_use_it() {
    let bench = Bench::new();
    let said = done(&bench.run(&[], &["--release-id", "one"]));
    let line = said.lines().find(|l| l.starts_with("key made: ")).expect(&said);
    for word in [text(&bench.key()), "example-project", "back it up", "never send it along"] {
        assert!(line.contains(word), "{line}");
    }
    assert_eq!((mode(&bench.key()), mode(&bench.keys())), (0o600, 0o700));
    let made = std::fs::read(bench.key()).unwrap();
    let said = done(&bench.run(&[], &["--release-id", "two"]));
    let line = said.lines().find(|l| l.starts_with("key: ")).expect(&said);
    assert!(line.contains(text(&bench.key())) && !said.contains("key made"), "{said}");
    assert_eq!(std::fs::read(bench.key()).unwrap(), made);
    let [one, two] = ["out/one", "out/two"].map(|r| pseudonymized(&bench.at(r)));
    assert!(one.len() > 1 && one == two);
    // Neither the key nor where it is stands in a release.
    let needle = String::from_utf8(made).unwrap();
    let needle = needle.lines().find_map(|l| l.strip_prefix("key ")).unwrap().to_owned();
    for file in files(&bench.at("out")) {
        let bytes = std::fs::read(&file).unwrap();
        let found = |word: &str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(!found(&needle) && !found(text(&bench.keys())), "{}", file.display());
    }
    // Another project has another key, and other tokens.
    bench.policy("other.project_2");
    done(&bench.run(&[], &["--release-id", "three"]));
    assert_eq!(files(&bench.keys()).len(), 2);
    assert_ne!(pseudonymized(&bench.at("out/three")), one);
}

#[test]
fn a_replay_finds_the_key_of_the_run() {
    let bench = Bench::new();
    done(&bench.run(&[], &["--release-id", "one"]));
    let replay = || {
        let mut command = program();
        command.env("HOME", bench.at("home")).arg("replay").arg(bench.at("out/one"));
        command.arg("--policy").arg(bench.at("policy.toml")).arg("--input").arg(bench.at("data"));
        done(&command.output().unwrap())
    };
    assert!(replay().contains("the same bytes"));
    // A key that is not the one of the run is not used.
    std::fs::remove_file(bench.key()).unwrap();
    assert!(replay().contains("not compared, no key was given"));
    let made = program().args(["key", "new", "--quiet", text(&bench.key())]).output().unwrap();
    done(&made);
    assert!(replay().contains("not compared, no key was given"));
}

#[test]
fn a_dry_run_makes_no_key() {
    let bench = Bench::new();
    let said = done(&bench.run(&[], &["--dry-run"]));
    assert!(said.contains("no key yet") && said.contains(text(&bench.key())), "{said}");
    assert!(files(&bench.at("home")).is_empty() && !bench.at("home/.local").exists());
    assert!(releases(&bench.at("out")).is_empty());
    // Once there is one, a dry run uses it.
    done(&bench.run(&[], &[]));
    let said = done(&bench.run(&[], &["--dry-run"]));
    assert!(said.contains("key: ") && !said.contains("no key yet"), "{said}");
}

#[test]
fn data_that_do_not_run_make_no_key() {
    let bench = Bench::new();
    std::fs::write(bench.at("data/stays.csv"), "x,y\n1,2\n").unwrap();
    assert!(!bench.run(&[], &[]).status.success());
    assert!(!bench.keys().exists());
}

#[test]
fn variables_name_the_folder_and_machines_read_where_it_is() {
    let bench = Bench::new();
    let json = done(&bench.run(&[("XDG_DATA_HOME", &bench.at("data-home"))], &["--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let there = bench.at("data-home/kakou/keys/example-project.key");
    assert_eq!(json["key"]["file"], text(&there));
    assert_eq!((&json["key"]["made"], there.is_file()), (&true.into(), true));
    let (xdg, own) = (bench.at("data-home"), bench.at("mine"));
    done(&bench.run(&[("XDG_DATA_HOME", &xdg), ("KAKOU_KEYS", &own)], &["--quiet"]));
    assert!(own.join("example-project.key").is_file() && !bench.keys().exists());
    // The named key goes first, and nothing is said or made.
    let named = bench.at("named.key");
    done(&program().args(["key", "new", "--quiet", text(&named)]).output().unwrap());
    let said = done(&bench.run(&[], &["--key", text(&named)]));
    assert!(!settled(&said).contains("key") && !bench.keys().exists(), "{said}");
}

#[test]
fn without_a_home_it_is_told_what_to_do() {
    let bench = Bench::new();
    for home in ["", "relative", "/nowhere/at/all"] {
        let output = bench.run(&[("HOME", Path::new(home))], &[]);
        refused(&bench, &output, "K0142", "KAKOU_KEYS=/path");
        assert_eq!(output.status.code(), Some(4));
    }
    let output = bench.run(&[("KAKOU_KEYS", Path::new("keys"))], &[]);
    refused(&bench, &output, "K0142", "--key FILE");
    assert!(!Path::new("keys").exists());
}

#[test]
fn a_key_that_others_can_reach_is_refused() {
    let bench = Bench::new();
    done(&bench.run(&[], &["--release-id", "one"]));
    std::fs::remove_dir_all(bench.at("out")).unwrap();
    set_mode(&bench.key(), 0o644);
    refused(&bench, &bench.run(&[], &[]), "K0116", "chmod 600");
    set_mode(&bench.key(), 0o600);
    set_mode(&bench.keys(), 0o755);
    refused(&bench, &bench.run(&[], &[]), "K0145", "chmod 700");
    set_mode(&bench.keys(), 0o700);
    // What stands in its place is never written over, followed or taken for a key.
    let aside = bench.at("home/aside.key");
    std::fs::rename(bench.key(), &aside).unwrap();
    std::os::unix::fs::symlink(&aside, bench.key()).unwrap();
    refused(&bench, &bench.run(&[], &[]), "K0111", "symbolic link");
    std::fs::remove_file(bench.key()).unwrap();
    std::fs::write(bench.key(), "").unwrap();
    set_mode(&bench.key(), 0o600);
    refused(&bench, &bench.run(&[], &[]), "K0119", "backup");
    assert_eq!(std::fs::read(bench.key()).unwrap(), b"");
    // A folder that is open to others gets no key.
    let open = bench.at("open");
    std::fs::create_dir(&open).unwrap();
    set_mode(&open, 0o750);
    refused(&bench, &bench.run(&[("KAKOU_KEYS", &open)], &[]), "K0145", "chmod 700");
    assert!(files(&open).is_empty());
}

#[test]
fn a_key_never_stands_beside_the_releases() {
    let bench = Bench::new();
    for keys in ["out", "out/keys", "."] {
        let keys = bench.at(keys);
        let output = bench.run(&[("KAKOU_KEYS", &keys)], &[]);
        refused(&bench, &output, "K0146", "choose another --out");
        assert_eq!(output.status.code(), Some(1));
        assert!(!keys.join("example-project.key").exists());
    }
}

#[test]
fn an_odd_project_needs_a_named_key() {
    let bench = Bench::new();
    for project in ["../../escape", "a/b", ".hidden", "事業", "two words"] {
        bench.policy(project);
        refused(&bench, &bench.run(&[], &[]), "K0141", "--key FILE");
        assert!(files(&bench.at("home")).is_empty());
    }
}
