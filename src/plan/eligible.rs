//! Why a person is left out of a release: what lists and the eligibility file can say.

use crate::error::Said;
use crate::say;

/// Lines that are told one by one; of more the number alone.
const TOLD: usize = 10;

/// Why a person is not in a release. Of several reasons the first counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Why {
    /// On an exclusion list.
    Listed,
    /// The person asked that it stop (停止の求め).
    Stopped,
    /// Not in the eligibility file, or not for this kind of release.
    NotInFile,
    /// In the file, without a date of notification.
    NotNotified,
    /// Notified less than the days before that the policy asks for.
    TooRecent,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 5] =
        [Why::Listed, Why::Stopped, Why::NotInFile, Why::NotNotified, Why::TooRecent];
    /// The word in the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Why::Listed => "onList",
            Why::Stopped => "stopped",
            Why::NotInFile => "notInFile",
            Why::NotNotified => "notNotified",
            Why::TooRecent => "noticeTooRecent",
        }
    }
    /// In Japanese and English.
    #[must_use]
    pub const fn told(self) -> [&'static str; 2] {
        match self {
            Why::Listed => ["除外リストにある", "on an exclusion list"],
            Why::Stopped => ["停止の求めがある", "asked that it stop"],
            Why::NotInFile => ["適格者ファイルにない", "not in the eligibility file"],
            Why::NotNotified => ["通知されていない", "not notified"],
            Why::TooRecent => ["通知から日数が足りない", "notified too recently"],
        }
    }
}

/// Numbers of lines as they may be told.
#[must_use]
pub fn lines(numbers: &[u64]) -> Said {
    let shown: Vec<Said> = numbers.iter().take(TOLD).map(|number| say!("{}", *number)).collect();
    let shown = Said::join(&shown, ", ");
    match numbers.len() {
        0 | 1 => say!("line {}", shown),
        all if all > TOLD => say!("lines {} and {} more", shown, all - TOLD),
        _ => say!("lines {}", shown),
    }
}
