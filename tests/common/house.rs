//! A house with data of sixty persons, a policy, keys of a runner, a board and a third person, a ledger and an approval.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use super::{error_of, kakou, text};

/// The policy of the house; tests in Python read the same file.
pub(crate) const POLICY: &str = include_str!("small.toml");

/// The house.
pub(crate) struct House {
    folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let house = House { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(house.path("data")).unwrap();
        let mut data = String::from("患者ID,氏名,保険者番号,性別,総点数\n");
        for n in 0..60 {
            let sex = if n == 59 { 9 } else { 1 + n % 2 };
            let (name, points) = (format!("患者{n:03}番さん"), 1000 + n * 10);
            writeln!(data, "P{n:05},{name},{:08},{sex},{points}", 31_000_000 + n * 7).unwrap();
        }
        std::fs::write(house.path("data/stays.csv"), data).unwrap();
        std::fs::write(house.path("policy.toml"), POLICY).unwrap();
        house.ok("key new {project.key}");
        for who in ["runner", "board", "third"] {
            house.ok(&format!("key new --signing {{{who}.key}}"));
            let public = house.ok(&format!("key public {{{who}.key}}"));
            std::fs::write(house.path(&format!("{who}.pub")), public).unwrap();
        }
        house.ok("ledger init {ledger} --name test.example/kakou --sign {runner.key}");
        house.ok("ledger trust {ledger} --public-key {board.pub} --sign {runner.key}");
        house.ok("policy approve {policy.toml} --approved {approved} --sign {board.key} --by b --reference 1");
        house
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program with the words of a line; `{name}` is a path in the house.
    pub(crate) fn run(&self, line: &str) -> Output {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|a| match a.strip_prefix('{').and_then(|a| a.strip_suffix('}')) {
                Some(name) => text(&self.path(name)).to_owned(),
                None => a.to_owned(),
            })
            .collect();
        kakou(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", error_of(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Expects that it fails, and gives what it says.
    pub(crate) fn fails(&self, line: &str) -> String {
        let output = self.run(line);
        let code = output.status.code();
        assert!(
            code.is_some_and(|c| (1..5).contains(&c)),
            "{line}: {code:?} {}",
            error_of(&output)
        );
        error_of(&output)
    }

    /// A release of the approved policy, entered in a ledger.
    pub(crate) fn release(&self, id: &str) {
        self.ok(&format!(
            "run --quiet --policy {{policy.toml}} --input {{data}} --key {{project.key}} --out {{out}} --release-id {id} \
             --sign {{runner.key}} --ledger {{ledger}} --approved {{approved}}"
        ));
    }

    pub(crate) fn attest(&self, id: &str) {
        self.ok(&format!("verify {{out/{id}}} --attest --sign {{board.key}}"));
    }

    /// The line that approves a release with a ledger.
    pub(crate) fn approval(id: &str, ledger: &str) -> String {
        format!("approve {{out/{id}}} --by b --ledger {{{ledger}}} --sign {{board.key}}")
    }

    /// From the run to the seal.
    pub(crate) fn sealed(&self, id: &str) {
        self.release(id);
        self.attest(id);
        self.ok(&Self::approval(id, "ledger"));
        self.ok(&format!("seal {{out/{id}}} --ledger {{ledger}} --sign {{runner.key}}"));
    }

    pub(crate) fn entries(&self) -> Vec<Value> {
        let listed = self.ok("ledger list {ledger} --json");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed["entries"].as_array().unwrap().clone()
    }

    /// Copies a folder with all that it holds.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        let mut command = std::process::Command::new("cp");
        let copied = command.arg("-a").arg(self.path(from)).arg(self.path(to)).status();
        assert!(copied.unwrap().success());
    }
}
